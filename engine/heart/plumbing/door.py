"""Who may come in: this computer always, a network only by name or by pass phrase.

loopback            always
in the allow-list   always
anyone else         with the phrase in hello; afterwards that address, while its client is known
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Iterable
from functools import lru_cache

from heart.errors import UsageError

FIRST_USER_PORT = 1024
"""Nothing is ever sent to a port below: system services live there."""


class Door:
    """The allow-list and the phrase of one engine."""

    def __init__(self, host: str, allow: Iterable[str] | None = None, phrase: str | None = None) -> None:
        """`allow`: addresses or networks ("10.0.0.7", "192.168.1.0/24").

        Raises:
            UsageError: an entry that is no address, an empty phrase, or an engine that is open to a network
                without either.
        """
        self._networks = [_network(entry) for entry in allow or ()]
        if phrase is not None and not phrase:
            raise UsageError("the pass phrase is empty: give one, or name the clients with --allow ADDRESS")
        # Both sides of a comparison have the same length, whatever somebody guesses.
        self._salt = secrets.token_bytes(16)
        self._phrase = None if phrase is None else self._digest(phrase)
        if not is_loopback(host) and not self._networks and self._phrase is None:
            raise UsageError(
                f"--bind {host} opens the engine to a network: name the clients with --allow ADDRESS, "
                "or set a --phrase that they must show"
            )

    def knows(self, ip: str) -> bool:
        """Whether `ip` may speak without a phrase."""
        if is_loopback(ip):
            return True
        address = ipaddress.ip_address(ip)
        return any(address in network for network in self._networks)

    def opens(self, phrase: str | None) -> bool:
        """Whether this phrase is the right one; takes the same time for any wrong one."""
        if self._phrase is None or phrase is None:
            return False
        return hmac.compare_digest(self._digest(phrase), self._phrase)

    def _digest(self, phrase: str) -> bytes:
        return hmac.digest(self._salt, phrase.encode("utf-8", "surrogatepass"), "sha256")


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def may_be_answered(ip: str, port: int) -> bool:
    """Whether anything may ever be sent there: no broadcast, no multicast, no system port."""
    if not FIRST_USER_PORT <= port <= 65_535:
        return False
    address = ipaddress.ip_address(ip)
    return not (address.is_multicast or address.is_unspecified or ip == "255.255.255.255")


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        raise UsageError(f"--allow {entry}: not an address; give one like 192.168.1.20 or 192.168.1.0/24") from None
