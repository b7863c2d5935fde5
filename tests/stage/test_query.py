"""OSCQuery over real HTTP and WebSockets: the tree, the errors, LISTEN, and what a hostile visitor may not."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from pythonoscquery.osc_query_client import OSCQueryClient
from zeroconf import ServiceInfo

from heart.errors import HeartError
from heart.namespace import DEFAULT_HTTP_PORT, PARAMS, ROWS, value_to_norm
from heart.plumbing import http as web
from heart.plumbing import socket_line
from heart.plumbing.osc import decode, encode
from rig.live import LiveEngine, Program, until


@pytest.fixture(scope="module")
def engine() -> Iterator[LiveEngine]:
    with LiveEngine(http_port=0) as running:
        yield running


def get(engine: LiveEngine, path: str, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", engine.http_port, timeout=5)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, json.loads(body) if body else None


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("CONTENTS", {}).values():
        yield from nodes(inner)


def test_every_address_of_the_table_is_a_node_with_its_attributes(engine: LiveEngine) -> None:
    status, root = get(engine, "/")
    assert status == 200
    found = {node["FULL_PATH"]: node for node in nodes(root)}
    assert set(ROWS) <= set(found)
    for path, row in ROWS.items():
        node = found[path]
        assert node["DESCRIPTION"] == row.words
        kinds = node.get("TYPE", "")
        assert kinds.startswith("".join(arg.type for arg in row.args))
        for name in ("RANGE", "UNIT", "VALUE"):
            assert len(node.get(name, kinds)) == len(kinds), (path, name)
    bpm = found["/heart/set/bpm"]
    assert (bpm["ACCESS"], bpm["VALUE"], bpm["UNIT"]) == (3, [72.0], ["bpm"])
    assert found["/heart/norm/bpm"]["VALUE"] == [pytest.approx((72 - 30) / 190)]
    assert found["/heart/panic"]["ACCESS"] == 2
    assert found["/heart/welcome"]["ACCESS"] == 1


def test_one_attribute_is_answered_alone_and_what_is_not_there_by_the_right_error(engine: LiveEngine) -> None:
    assert get(engine, "/heart/set/gain?VALUE") == (200, {"VALUE": [0.0]})
    assert get(engine, "/heart/set/gain?RANGE") == (200, {"RANGE": [{"MIN": -60, "MAX": 6}]})
    assert get(engine, "/heart/set/label?TYPE") == (200, {"TYPE": "s"})
    assert get(engine, "/heart/welcome?VALUE") == (200, {})
    assert get(engine, "/heart/panic?VALUE") == (204, None)
    assert get(engine, "/heart/panic?TYPE") == (204, None)
    assert get(engine, "/heart/set/gain?TAGS") == (204, None)
    assert get(engine, "/heart/set/gain?GABBA") == (400, None)
    assert get(engine, "/heart/set/gain?VALUE&TYPE")[0] == 400
    assert get(engine, "/heart/set/nothing") == (404, None)
    assert get(engine, "/etc/passwd")[0] == 404
    status, info = get(engine, "/anything?HOST_INFO")
    assert status == 200
    assert (info["OSC_PORT"], info["OSC_TRANSPORT"], info["WS_PORT"]) == (engine.port, "UDP", engine.http_port)
    assert info["EXTENSIONS"]["LISTEN"] is True


def test_a_value_changed_over_udp_is_the_one_that_is_read(engine: LiveEngine) -> None:
    with Program(engine.port) as client:
        client.send("/heart/set/systole", 1.2)
        assert until(lambda: get(engine, "/heart/set/systole?VALUE")[1] == {"VALUE": [pytest.approx(1.2)]})
    assert get(engine, "/heart/value/systole?VALUE")[1] == {"VALUE": [pytest.approx(1.2)]}


def test_another_library_reads_the_same(engine: LiveEngine) -> None:
    """python-oscquery, whose reader wants a value in every node, so only of the readable branches."""
    where = ServiceInfo(
        "_oscjson._tcp.local.",
        "heart._oscjson._tcp.local.",
        addresses=[socket.inet_aton("127.0.0.1")],
        port=engine.http_port,
    )
    judge = OSCQueryClient(where)
    info = judge.get_host_info()
    assert (info.name, info.osc_port) == ("Sounds of the Heart", engine.port)
    branch = judge.query_node("/heart/set")
    found = {node.full_path: node for node in branch.contents}
    assert set(found) == {f"/heart/set/{name}" for name in PARAMS}
    assert found["/heart/set/label"].value == [engine.value("label")]
    assert found["/heart/set/seed"].type == [int]
    assert judge.query_node("/heart/set/none") is None


async def _frames(socket: aiohttp.ClientWebSocketResponse, wanted: int) -> list[tuple[str, tuple[Any, ...]]]:
    found: list[tuple[str, tuple[Any, ...]]] = []
    while len(found) < wanted:
        message = await asyncio.wait_for(socket.receive(), 5)
        assert message.type is aiohttp.WSMsgType.BINARY, message
        found += decode(message.data)
    return found


def test_listen_tells_each_change_as_osc_in_binary_frames_until_ignore(engine: LiveEngine) -> None:
    async def listen() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{engine.http_port}/") as ws,
        ):
            for path in ("/heart/set/rmssd", "/heart/norm/rmssd"):
                await ws.send_json({"COMMAND": "LISTEN", "DATA": path})
            now = value_to_norm(PARAMS["rmssd"], 30.0)
            assert await _frames(ws, 2) == [
                ("/heart/set/rmssd", (30.0,)),
                ("/heart/norm/rmssd", (pytest.approx(now),)),
            ]
            with Program(engine.port) as client:
                client.send("/heart/set/rmssd", 50.0)
                assert sorted(await _frames(ws, 2)) == [
                    ("/heart/norm/rmssd", (0.25,)),
                    ("/heart/set/rmssd", (50.0,)),
                ]
                await ws.send_json({"COMMAND": "IGNORE", "DATA": "/heart/set/rmssd"})
                await ws.send_bytes(encode("/heart/ping", 5))
                assert await _frames(ws, 1) == [("/heart/pong", (5,))]
                client.send("/heart/set/rmssd", 100.0)
                assert await _frames(ws, 1) == [("/heart/norm/rmssd", (0.5,))]
            await ws.send_json({"COMMAND": "LISTEN", "DATA": "/heart/status"})
            (address, status), *_ = await _frames(ws, 1)
            assert (address, len(status)) == ("/heart/status", len(ROWS["/heart/status"].args))

    asyncio.run(listen())
    assert until(lambda: not engine.engine.bridge.query.lines)


def test_a_socket_is_a_client_like_any_other_and_its_mistakes_are_answered(engine: LiveEngine) -> None:
    async def speak() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{engine.http_port}/") as ws,
            session.ws_connect(f"http://127.0.0.1:{engine.http_port}/") as other,
        ):
            await other.send_json({"COMMAND": "LISTEN", "DATA": "/heart/value/balance"})
            await _frames(other, 1)
            await ws.send_json({"COMMAND": "LISTEN", "DATA": "/heart/value/balance"})
            await _frames(ws, 1)
            await ws.send_bytes(encode("/heart/set/balance", 0.5))
            assert await _frames(other, 1) == [("/heart/value/balance", (0.5,))]
            await ws.send_bytes(encode("/heart/get/balance"))
            assert await _frames(ws, 1) == [
                ("/heart/value/balance", (0.5,))
            ]  # and no echo of its own change before
            mistakes: list[tuple[Any, str]] = [
                (encode("/heart/set/balance", 7.0), "range"),
                (encode("/heart/hello", "ws", 9701, 1, 44_100, 1), "transport"),
                (b"#bundle\0nonsense\0\0\0\1", "bundle"),
                (json.dumps({"COMMAND": "LISTEN", "DATA": "/heart/panic"}), "unknown"),
                (json.dumps({"COMMAND": "DANCE", "DATA": 3}), "command"),
                ("[" * 4000, "command"),
                ("null", "command"),
            ]
            for said, code in mistakes:
                await (ws.send_bytes(said) if isinstance(said, bytes) else ws.send_str(said))
                ((address, error),) = await _frames(ws, 1)
                assert (address, error[0]) == ("/heart/error", code)

    asyncio.run(speak())
    assert engine.value("balance") == 0.5


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost.evil.example:9702"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "localhost"}, 200),
        ({"Host": "[::1]:9702"}, 200),
        ({"Host": "[:"}, 403),
        ({"Host": socket.gethostname()}, 200),
    ],
)
def test_a_page_of_somebody_else_is_refused(engine: LiveEngine, headers: dict[str, str], status: int) -> None:
    assert get(engine, "/heart/set/gain", **headers)[0] == status


def test_a_foreign_page_gets_no_socket(engine: LiveEngine) -> None:
    async def connect() -> int:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await session.ws_connect(f"http://127.0.0.1:{engine.http_port}/", origin="http://evil.example")
            return caught.value.status

    assert asyncio.run(connect()) == 403


HOSTILE = [
    b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 2000 + b"\r\n",
    b"GET /%00%ff%2e%2e/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 20_000,
    b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nxx\r\n",
    b"\x00\x01\x02\x03" * 64,
    b"/heart/panic\0\0\0\0,\0\0\0",
]


def test_hostile_requests_are_refused_and_the_wire_goes_on(engine: LiveEngine) -> None:
    with Program(engine.port) as client:
        for n, request in enumerate(HOSTILE):
            with socket.create_connection(("127.0.0.1", engine.http_port), 5) as visitor:
                visitor.sendall(request)
                visitor.settimeout(5)
                status = visitor.recv(64).split(b" ")[1:2]
                assert status, request[:40]
                assert int(status[0]) >= 400, (request[:40], status)
            client.send("/heart/ping", n)
            assert client.wait_for("/heart/pong", 1) == (n,)
    assert get(engine, "/heart/set/gain")[0] == 200


def test_who_asks_nothing_is_dropped_and_too_many_are_refused(
    engine: LiveEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "REQUEST_S", 0.3)
    slow = [socket.create_connection(("127.0.0.1", engine.http_port), 5) for _ in range(web.MAX_CONNECTIONS + 8)]
    try:
        for visitor in slow:
            visitor.settimeout(5)
            visitor.send(b"G")
        closed = 0
        for visitor in slow:
            try:
                closed += visitor.recv(1) == b""
            except ConnectionError:
                closed += 1
        assert closed == len(slow)
    finally:
        for visitor in slow:
            visitor.close()
    assert until(lambda: get(engine, "/heart/set/gain")[0] == 200)


def test_a_reader_who_takes_nothing_is_not_read_from_and_loses_its_socket(
    engine: LiveEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_line, "STUCK_S", 0.5)
    lines = engine.engine.bridge.http.lines
    hello = (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    asks = encode("/heart/get/label")
    frame = bytes([0x82, 0x80 | len(asks)]) + bytes(4) + asks  # a mask of zeros
    with socket.socket() as visitor, Program(engine.port) as client:
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that it is soon full
        visitor.settimeout(5)
        visitor.connect(("127.0.0.1", engine.http_port))
        visitor.sendall(hello)
        assert b" 101 " in visitor.recv(100)
        assert until(lambda: bool(lines))
        (line,) = lines
        visitor.settimeout(1)
        with contextlib.suppress(TimeoutError, ConnectionError):
            for _ in range(20_000):
                visitor.sendall(frame * 100)
                assert len(line._waiting) <= socket_line.MAX_WAITING + 1
        assert until(lambda: not lines)
        client.send("/heart/ping", 1)
        assert client.wait_for("/heart/pong", 1) == (1,)


def test_a_named_port_that_is_taken_ends_the_start_with_words(engine: LiveEngine) -> None:
    taken = f"port {engine.http_port} .*--http-port"
    with pytest.raises(HeartError, match=taken), LiveEngine(http_port=engine.http_port):
        pass


def test_without_a_wish_for_a_port_a_taken_one_is_told_and_the_engine_goes_on() -> None:
    with socket.socket() as other:
        with contextlib.suppress(OSError):  # then somebody else has it
            other.bind(("127.0.0.1", DEFAULT_HTTP_PORT))
            other.listen()
        with LiveEngine(http_port=None) as second, Program(second.port) as client:
            assert client.ask("/heart/resume") == ("/heart/resume",)
            assert any(f"no OSCQuery here: port {DEFAULT_HTTP_PORT}" in line for line in second.engine.take_news())
