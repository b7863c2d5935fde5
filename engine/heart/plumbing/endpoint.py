"""The sockets themselves, bound for one engine alone: UDP with a large receive buffer, and TCP to listen on."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable

from heart.errors import HeartError
from heart.plumbing.clients import Address
from heart.plumbing.post import log

RECEIVE_BUFFER = 4 * 1024 * 1024
"""Holds about 10,000 small messages (measured); Linux gives what net.core.rmem_max allows."""

READ_BYTES = 16_384
"""Asked of the loop for one datagram. We read up to 8,192; a longer one is cut, but still refused."""

MOST_DRAINED = 200_000
"""More small datagrams than any receive buffer holds."""


def bound_socket(host: str, port: int) -> socket.socket:
    """A UDP socket on `host`:`port` that nobody else can share.

    Raises HeartError: the port is in use, or the address does not belong to this computer.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows: a second bind could steal the port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise _readable(host, port, error) from None
    return sock


def bound_listener(host: str, port: int) -> socket.socket:
    """A TCP socket on `host`:`port`, ready to listen. Raises HeartError like `bound_socket`."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # On Windows it would let others in; elsewhere it frees a port that has just been closed.
        if not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise _readable(host, port, error, "--http-port") from None
    return sock


def _readable(host: str, port: int, error: OSError, option: str = "--port") -> HeartError:
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        return HeartError(
            f"port {port} on {host} is taken, perhaps by another engine: "
            f"stop that one, or choose {option} {port + 10}"
        )
    why = error.strerror or error
    return HeartError(f"cannot listen on {host} port {port} ({why}): choose another --bind")


def drained(sock: socket.socket) -> int:
    """Throw away all datagrams that wait; how many there were."""
    count = 0
    with contextlib.suppress(OSError):
        while count < MOST_DRAINED:
            sock.recvfrom(1)
            count += 1
    return count


class Endpoint(asyncio.DatagramProtocol):
    """Hands every datagram and its (ip, port) to `received`."""

    def __init__(self, received: Callable[[bytes, Address], None]) -> None:
        self._received = received

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # The loop would allocate 256 kB for each datagram, which is slow under a flood.
        if hasattr(transport, "max_size"):
            transport.max_size = READ_BYTES

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._received(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """A client's port is closed, or the network is away: expiry will see to it."""
        log.debug("%s: %s", type(exc).__name__, exc)
