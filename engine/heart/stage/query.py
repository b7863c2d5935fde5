"""What the HTTP port says about a performance: OSCQuery with values, LISTEN, and OSC over WebSockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heart.namespace import PARAMS, find, value_to_norm
from heart.namespace.oscquery import answer, find_node, host_info
from heart.plumbing.http import Answers
from heart.plumbing.osc import encode
from heart.plumbing.socket_line import SocketLine
from heart.plumbing.wire import Wire
from heart.stage.board import Board
from heart.stage.performance import Performance

NAME = "Sounds of the Heart"
VALUE = "/heart/value/"


class Query(Answers):
    """Reads the performance and the board; changes nothing but by messages, like any client.

    Args:
        web_port: tells the HTTP port, which is known when it is open.
    """

    def __init__(self, wire: Wire, performance: Performance, board: Board, web_port: Callable[[], int]) -> None:
        self.wire, self.performance, self.board, self.web_port = wire, performance, board, web_port
        self.lines: set[SocketLine] = set()
        """Those that listen to something."""
        board.watch(self._posted)

    def answer(self, path: str, query: str, ip: str) -> tuple[int, dict[str, Any] | None]:
        """See `heart.namespace.oscquery`; HOST_INFO may be asked of any path."""
        if query == "HOST_INFO":
            return 200, host_info(NAME, ip or self.wire.host, self.wire.port, self.web_port())
        return answer(path, query, self.value_of)

    def value_of(self, address: str) -> tuple[Any, ...] | None:
        """What an address says now: parameters from the performance, all else as it was posted last."""
        row = find(address)
        if row is None or not row.param:
            return self.board.last.get(address)
        value = self.performance.values[row.param]
        if address.startswith("/heart/norm/"):
            return (value_to_norm(PARAMS[row.param], value),)
        return (value,)

    def command(self, line: SocketLine, word: str, data: str) -> None:
        """LISTEN answers with the value as it is, where there is one; a mistake with /heart/error."""
        if word not in ("LISTEN", "IGNORE"):
            text = 'send {"COMMAND": "LISTEN" or "IGNORE", "DATA": "/an/address"}, or OSC in a binary frame'
            return self.wire.error(line, "command", data, text)
        node = find_node(data)
        if node is None or not node["ACCESS"] & 1:
            text = f"{data!r}: has no value to listen to; GET / lists those with ACCESS 1 and 3"
            return self.wire.error(line, "unknown", data, text)
        if word == "IGNORE":
            line.listening.discard(data)
            return None
        line.listening.add(data)
        self.lines.add(line)
        value = self.value_of(data)
        if value is not None:
            line.tell(data, encode(data, *value))
        return None

    def spoken(self, line: SocketLine, packet: bytes) -> None:
        """Handled like a datagram; the answers go back the same way."""
        self.wire.spoken(packet, line)

    def gone(self, line: SocketLine) -> None:
        """It listens to nothing any more."""
        self.lines.discard(line)
        self.performance.forget(line)

    def admits(self, ip: str) -> bool:
        """The same door as on UDP."""
        return self.wire.admits(ip)

    def _posted(self, address: str, args: tuple[Any, ...], origin: Any) -> None:
        if not self.lines:
            return
        for path, values in self._paths(address, args):
            packet = None
            for line in self.lines:
                if path in line.listening and line is not origin:
                    packet = packet or encode(path, *values)
                    line.tell(path, packet)

    def _paths(self, address: str, args: tuple[Any, ...]) -> list[tuple[str, tuple[Any, ...]]]:
        """A changed parameter is told under each of its readable paths."""
        if not address.startswith(VALUE):
            return [(address, args)]
        param = PARAMS[address[len(VALUE) :]]
        paths = [(address, args), (f"/heart/set/{param.name}", args)]
        if param.continuous:
            paths.append((f"/heart/norm/{param.name}", (value_to_norm(param, args[0]),)))
        return paths
