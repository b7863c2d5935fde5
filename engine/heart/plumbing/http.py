"""The engine's HTTP port: OSCQuery as JSON, and WebSockets that speak OSC in binary frames.

    GET /path?ATTRIBUTE ─▶ door, Host, rate ─▶ `Answers.answer` ─▶ JSON
    WebSocket           ─▶ the same, and Origin ─▶ {"COMMAND": "LISTEN", "DATA": path} and OSC packets, both ways

Who may come in is decided by the same door as on UDP. A web page that is open in a browser on this computer
is a stranger that speaks from the loopback: a foreign Origin is refused, and so is a Host that is a name
(a name may be pointed at us by whoever owns it; an address may not), see RFC 6454 and "DNS rebinding".
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from heart.clock import Clock, monotonic
from heart.plumbing.endpoint import bound_listener
from heart.plumbing.limits import Buckets
from heart.plumbing.post import log
from heart.plumbing.socket_line import MAX_PACKET, SocketLine

if TYPE_CHECKING:
    from aiohttp import web

_quiet = logging.getLogger("heart.http")
_quiet.setLevel(logging.CRITICAL)
"""aiohttp's: it would write a traceback for each request that is none."""

MAX_CONNECTIONS = 64
MAX_SOCKETS = 16
MAX_LINE = 4096
"""Bytes of a request line and of one header: the longest path of the table has 40."""
REQUEST_S = 5.0
"""So long a connection may take over its first request."""
IDLE_S = 15.0
HEARTBEAT_S = 20.0
SEND_BUFFER = 65_536


class Answers(ABC):
    """What the stage answers; nothing here waits."""

    @abstractmethod
    def answer(self, path: str, query: str, ip: str) -> tuple[int, dict[str, Any] | None]:
        """Status and JSON for a GET; `ip`: the address that we were reached at."""

    @abstractmethod
    def command(self, line: SocketLine, word: str, data: str) -> None:
        """LISTEN or IGNORE `data`; anything else is a mistake to be told."""

    @abstractmethod
    def spoken(self, line: SocketLine, packet: bytes) -> None:
        """An OSC packet that came over `line`."""

    @abstractmethod
    def gone(self, line: SocketLine) -> None:
        """That connection is over."""

    @abstractmethod
    def admits(self, ip: str) -> bool:
        """Whether somebody at `ip` may come in."""


class HttpServer:
    """`start` and `stop` from a running asyncio loop. aiohttp is loaded by `start`."""

    def __init__(self, host: str, port: int, answers: Answers, clock: Clock = monotonic) -> None:
        self.host, self.port = host, port
        self.lines: set[SocketLine] = set()
        self._answers, self._clock = answers, clock
        self._rate = Buckets(burst=200, per_s=100)
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._fresh: set[Any] = set()
        """Connections that have not asked anything yet."""

    async def start(self, pages: Iterable[web.AbstractRouteDef] = ()) -> None:
        """Open the port; `pages` (a page to look at) come before the OSCQuery tree, which takes every other path.

        Raises HeartError when the port is taken or the address is not ours.
        """
        sock = bound_listener(self.host, self.port)
        from aiohttp import web

        @web.middleware
        async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
            return await self._guard(request, handler)

        app = web.Application(middlewares=[guard])
        app.add_routes([*pages, web.get("/{path:.*}", self._get)])
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_quiet,
            keepalive_timeout=IDLE_S,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            lingering_time=0.0,
        )
        await self._runner.setup()
        self._server = await asyncio.get_running_loop().create_server(self._connection, sock=sock)
        self.port = sock.getsockname()[1]

    async def stop(self) -> None:
        """Close every connection and the port."""
        if self._server:
            self._server.close()
        for line in list(self.lines):
            await line.close()
        if self._runner:
            await self._runner.cleanup()
        self._server = self._runner = None

    # --- connections

    def _connection(self) -> asyncio.Protocol:
        """A protocol of aiohttp's, which is dropped when it does not ask for anything."""
        assert self._runner is not None
        assert self._runner.server is not None
        if len(self._runner.server.connections) >= MAX_CONNECTIONS:
            return _Refusal()
        handler = self._runner.server()
        self._fresh.add(handler)
        asyncio.get_running_loop().call_later(REQUEST_S, self._drop_idle, handler)
        return handler

    def _drop_idle(self, handler: Any) -> None:
        """A connection that has not finished its first request: someone slow, on purpose or not."""
        if handler in self._fresh:
            self._fresh.discard(handler)
            if handler.transport is not None:
                handler.transport.abort()

    async def _guard(self, request: web.Request, handler: Any) -> web.StreamResponse:
        from aiohttp import web

        self._fresh.discard(request.protocol)
        ip = request.remote or ""
        why = self._why_not(request, ip)
        if why:
            return web.json_response({"error": why}, status=429 if why.startswith("too many") else 403)
        try:
            response: web.StreamResponse = await handler(request)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception:
            log.exception("GET %s from %s", request.path[:60], ip)
            return web.Response(status=500)
        return response

    def _why_not(self, request: web.Request, ip: str) -> str:
        if not self._rate.take(ip, self._clock()):
            return "too many requests"
        if not self._answers.admits(ip):
            return f"{ip} is not known: say hello over OSC with the phrase, or be named with --allow"
        if not is_own_host(request.host, self.host):
            return f"Host {request.host[:60]!r}: ask by address or as localhost"
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return f"Origin {origin[:60]!r}: only pages from here may ask"
        return ""

    async def _get(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request)
        sockname = request.transport.get_extra_info("sockname") if request.transport else None
        status, found = self._answers.answer(request.path, request.query_string, sockname[0] if sockname else "")
        if found is None:
            return web.Response(status=status)
        headers = {"Cache-Control": "no-store"}
        return web.json_response(found, status=status, headers=headers)

    # --- WebSockets

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import WSMsgType, web

        if len(self.lines) >= MAX_SOCKETS:
            return web.json_response({"error": f"{MAX_SOCKETS} WebSockets are open already"}, status=503)
        ws = web.WebSocketResponse(max_msg_size=MAX_PACKET, heartbeat=HEARTBEAT_S, compress=False, timeout=2.0)
        await ws.prepare(request)
        assert request.transport is not None
        # A reader who takes nothing shall not fill megabytes of the system's memory either.
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        line = SocketLine(request.remote or "", ws, request.transport.abort)
        self.lines.add(line)
        try:
            async for message in ws:
                if message.type is WSMsgType.BINARY:
                    self._answers.spoken(line, message.data)
                elif message.type is WSMsgType.TEXT:
                    self._command(line, message.data)
                await line.room()
        except ConnectionError:
            log.debug("a WebSocket from %s was cut", line.ip)
        finally:
            self.lines.discard(line)
            self._answers.gone(line)
            await line.close()
        return ws

    def _command(self, line: SocketLine, text: str) -> None:
        try:
            said = json.loads(text)
            word, data = said["COMMAND"], said["DATA"]
        except (ValueError, TypeError, KeyError, RecursionError):
            word, data = "", text
        self._answers.command(line, str(word)[:40], str(data)[:256])


class _Refusal(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def is_own_host(host: str, bound: str) -> bool:
    """Whether a Host header names this computer in a way that nobody outside can point at it: by address, as
    localhost, by its own name, or by the name it was told to listen on."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").lower()
        own = socket.gethostname().lower()
        if name in ("localhost", bound.lower(), own, f"{own.partition('.')[0]}.local"):
            return True
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
