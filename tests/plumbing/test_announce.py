"""The engine is found by a real zeroconf browser; where multicast is impossible it says so."""

from __future__ import annotations

import asyncio
import importlib.util
import socket

import psutil
import pytest
from zeroconf import ServiceBrowser, ServiceListener, Zeroconf

from heart.errors import HeartError, UsageError
from heart.plumbing.announce import Announcement, check_announce
from rig.live import LiveEngine, Program, until

KINDS = ("_osc._udp.local.", "_oscjson._tcp.local.")


class Found(ServiceListener):
    """Names that are there now, by type."""

    def __init__(self) -> None:
        self.ports: dict[str, dict[str, int]] = {kind: {} for kind in KINDS}

    def add_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        info = zc.get_service_info(type_, name)
        if info:
            assert socket.inet_aton("127.0.0.1") in info.addresses
            self.ports[type_][name] = int(info.port or 0)

    def update_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.add_service(zc, type_, name)

    def remove_service(self, zc: Zeroconf, type_: str, name: str) -> None:
        self.ports[type_].pop(name, None)


def test_a_browser_finds_both_ports_and_is_told_when_the_engine_ends() -> None:
    browser, found = Zeroconf(interfaces=["127.0.0.1"]), Found()
    ServiceBrowser(browser, list(KINDS), found)
    try:
        with LiveEngine(http_port=0, announce=True) as engine:
            wanted = (engine.port, engine.http_port)
            assert until(
                lambda: all(port in found.ports[kind].values() for kind, port in zip(KINDS, wanted, strict=True)), 8
            ), found.ports
        assert until(lambda: engine.port not in found.ports[KINDS[0]].values(), 5)
    finally:
        browser.close()


def test_without_multicast_there_is_one_line_and_no_announcement() -> None:
    async def announce() -> None:
        await Announcement("heart", "203.0.113.7").start({"_osc._udp": 9700})

    with pytest.raises(HeartError, match=r"not announced: multicast is not possible on 203\.0\.113\.7"):
        asyncio.run(announce())


def test_an_engine_that_cannot_be_announced_sings_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object, **named: object) -> None:
        raise OSError(19, "No such device")

    monkeypatch.setattr("zeroconf.asyncio.AsyncZeroconf", fails)
    with LiveEngine(announce=True) as engine, Program(engine.port) as client:
        told: list[str] = []
        assert until(lambda: any("not announced" in line for line in told.__iadd__(engine.engine.take_news()))), (
            told
        )
        client.send("/heart/ping", 1)
        assert client.wait_for("/heart/pong", 1) == (1,)


def test_an_engine_for_this_computer_opens_no_socket_to_a_network_unasked() -> None:
    process = psutil.Process()
    before = {(c.laddr, c.type) for c in process.net_connections("inet")}
    with LiveEngine(http_port=0, announce=None) as engine:
        opened = {(c.laddr, c.type) for c in process.net_connections("inet")} - before
        assert {(laddr.port, kind) for laddr, kind in opened} >= {
            (engine.port, socket.SOCK_DGRAM),
            (engine.http_port, socket.SOCK_STREAM),
        }
        assert {laddr.ip for laddr, _ in opened} == {"127.0.0.1"}


def test_without_zeroconf_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="discovery"):
        check_announce()
