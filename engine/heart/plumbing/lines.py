"""Somebody who is connected by other means than datagrams: a WebSocket, a MIDI port."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Line(ABC):
    """A connection that answers may go back through. Compared by identity, like a client."""

    ip: str = "127.0.0.1"
    """Where it leads to: what may be asked only on this machine depends on it."""

    @abstractmethod
    def send(self, packet: bytes) -> bool:
        """Send one OSC packet, without waiting; False when it could not be."""
