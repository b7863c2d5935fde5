"""Ableton Link: the heart leads a real peer; without aalink the refusal names the extra."""

from __future__ import annotations

import asyncio
import importlib.util

import pytest
from aalink import Link

from heart.errors import UsageError
from heart.stage.link import LinkSession, check_link


def test_a_peer_takes_the_tempo_of_the_heart() -> None:
    async def meet() -> tuple[int, float]:
        peer = Link(120.0)
        peer.enabled = True
        lead = LinkSession(120.0)
        try:
            for _ in range(100):
                await asyncio.sleep(0.05)
                if lead.peers:
                    break
            lead.lead(93.0)
            for _ in range(100):
                await asyncio.sleep(0.05)
                if abs(peer.tempo - 93.0) < 0.1:
                    break
            return lead.peers, float(peer.tempo)
        finally:
            lead.leave()
            peer.enabled = False

    peers, tempo = asyncio.run(meet())
    assert peers >= 1
    assert tempo == pytest.approx(93.0, abs=0.1)


def test_without_aalink_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="link"):
        check_link()
