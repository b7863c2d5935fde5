"""Announcing the engine by zeroconf (Bonjour): `_osc._udp` for its OSC port, `_oscjson._tcp` for OSCQuery.

Optional (extra `discovery`): zeroconf is LGPL, and it opens a socket for multicast on all interfaces, which
firewalls ask about. So an engine that listens on this computer alone is announced only on request, and on the
loopback alone.
"""

from __future__ import annotations

import contextlib
import importlib.util
import socket
from typing import TYPE_CHECKING, Any

from heart.errors import HeartError, UsageError

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncZeroconf

ANY = ("0.0.0.0", "")


def can_announce() -> bool:
    """Whether zeroconf is installed."""
    return importlib.util.find_spec("zeroconf") is not None


def check_announce() -> None:
    """Raises UsageError when zeroconf is not installed."""
    if not can_announce():
        raise UsageError("--announce needs zeroconf: pip install 'sounds-of-the-heart[discovery]'")


class Announcement:
    """`start` and `stop` from a running asyncio loop."""

    def __init__(self, name: str, host: str) -> None:
        """`name`: as people see it; a number is added where it is taken. `host`: where the engine listens."""
        self.name, self.host = name, host
        self._zeroconf: AsyncZeroconf | None = None

    async def start(self, ports: dict[str, int]) -> None:
        """Announce each service type ("_osc._udp") with its port.

        Raises HeartError when multicast is impossible here.
        """
        from zeroconf import Error, InterfaceChoice, IPVersion
        from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

        interfaces: Any = InterfaceChoice.All if self.host in ANY else [self.host]
        try:
            self._zeroconf = AsyncZeroconf(interfaces=interfaces, ip_version=IPVersion.V4Only)
            for kind, port in ports.items():
                info = AsyncServiceInfo(
                    f"{kind}.local.",
                    f"{self.name}.{kind}.local.",
                    addresses=[socket.inet_aton(ip) for ip in self._addresses()],
                    port=port,
                    properties={"txtvers": "1"},
                    server=f"heart-{port}.local.",
                )
                await self._zeroconf.async_register_service(info, allow_name_change=True)
        except (OSError, Error, RuntimeError) as error:
            await self.stop()
            why = str(error) or type(error).__name__
            raise HeartError(f"not announced: multicast is not possible on {self.host} ({why})") from None

    def _addresses(self) -> list[str]:
        if self.host not in ANY:
            return [self.host]
        with contextlib.suppress(OSError):
            found = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
            return sorted({str(entry[4][0]) for entry in found})
        return ["127.0.0.1"]

    async def stop(self) -> None:
        """Say goodbye to those who found us."""
        zeroconf, self._zeroconf = self._zeroconf, None
        if zeroconf:
            with contextlib.suppress(OSError, RuntimeError, NotImplementedError):
                await zeroconf.async_unregister_all_services()
            await zeroconf.async_close()
