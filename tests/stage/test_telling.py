"""What the ear hears, as clients are told it: beats and the next one at their ring frame, the rest on change."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from heart.namespace import JUDGED, ROWS, check
from heart.plumbing.wire import Wire
from heart.records import SAMPLE_RATE_HZ, Heard, Judged
from heart.stage.board import Board
from heart.stage.conductor import Conductor
from heart.stage.hearing import Hearing
from heart.stage.performance import Performance
from heart.stage.telling import REMIND_S, Teller, judged_args, rate_args


class FakeClient:
    """Hears tape frame `now * rate` and has a ring of endless length."""

    def heard_frame(self, now: float) -> int:
        return int(now * SAMPLE_RATE_HZ)

    def ring_offset(self, frame: int) -> int:
        return frame


@dataclass
class FakeWire:
    clients: list[FakeClient] = field(default_factory=lambda: [FakeClient()])
    sent: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    @property
    def streaming(self) -> list[FakeClient]:
        return self.clients

    @property
    def told(self):  # type: ignore[no-untyped-def]
        return self.clients

    def send(self, client: FakeClient, address: str, *args: Any) -> None:
        assert ROWS[address].direction == "out"
        self.sent.append((address, args))

    def of(self, address: str) -> list[tuple[Any, ...]]:
        return [args for found, args in self.sent if found == address]


class FakeHearing:
    """The ear's second 0 was the engine's second 10."""

    def moment(self, ear_s: float) -> float:
        return 10.0 + ear_s


@dataclass
class Scene:
    """A teller with everything around it made up, and the engine's clock."""

    wire: FakeWire = field(default_factory=FakeWire)
    performance: Performance = field(default_factory=Performance)
    now_s: float = 20.0

    def __post_init__(self) -> None:
        wire, hearing, conductor = cast(Wire, self.wire), cast(Hearing, FakeHearing()), cast(Conductor, None)
        self.teller = Teller(wire, self.performance, conductor, hearing, lambda: self.now_s, Board())

    def hear(self, heard: Heard) -> None:
        self.now_s = 10.0 + heard.time_s
        self.performance.heard(heard)
        self.teller.heard(heard)

    def judge(self, judged: Judged) -> None:
        self.performance.judge(judged)
        self.teller.judged(judged)


@pytest.fixture
def scene() -> Scene:
    return Scene()


HEARD = Heard(10.0, heart=0.9, trust=0.8, bpm=60.0, rr_ms=1000.0, sdnn_ms=20.0, rmssd_ms=25.04, pnn50=0.1)


def test_a_heard_beat_is_told_at_the_frame_that_sounded_then(scene: Scene) -> None:
    scene.hear(replace(HEARD, s1_s=(9.95,)))
    scene.hear(replace(HEARD, time_s=10.1))
    (args,) = scene.wire.of("/heart/heard")
    assert args[0] == 1
    assert args[1] == pytest.approx(19.95 * SAMPLE_RATE_HZ, abs=2)
    assert args[2:] == (60.0, 1000.0, 25.04, "", 0.8)


def test_the_next_beat_is_told_ahead_and_again_when_it_moved(scene: Scene) -> None:
    scene.hear(replace(HEARD, next_s1_s=10.9))
    scene.hear(replace(HEARD, time_s=10.1, next_s1_s=10.905))
    scene.hear(replace(HEARD, time_s=10.2, next_s1_s=10.95))
    first, moved = scene.wire.of("/heart/heard/next")
    assert first[0] == pytest.approx(20.9 * SAMPLE_RATE_HZ, abs=2)
    assert first[1] == pytest.approx(900, abs=0.1)
    assert moved[1] == pytest.approx(750, abs=0.1)


def test_the_rate_is_told_on_change_and_once_a_second(scene: Scene) -> None:
    for tenth in range(30):
        scene.hear(replace(HEARD, time_s=10 + tenth / 10, trust=0.8 + 0.001 * tenth))
    assert len(scene.wire.of("/heart/heard/rate")) == 3
    scene.hear(replace(HEARD, time_s=13.0, bpm=66.0))
    assert scene.wire.of("/heart/heard/rate")[-1] == (66.0, 1000.0, 20.0, 25.0, 0.1, 0.8)
    scene.hear(Heard(13.1, trust=0.1))
    assert scene.wire.of("/heart/heard/rate")[-1] == (0.0, 0.0, 0.0, 0.0, 0.0, 0.1)


def test_a_judgement_is_told_on_change_and_reminded_of(scene: Scene) -> None:
    murmur = Judged(9.9, "scene", "murmur", {"artifact": 0.1, "murmur": 0.7, "normal": 0.2})
    scene.judge(murmur)
    scene.judge(replace(murmur, time_s=10.4))
    assert scene.wire.of("/heart/heard/scene") == [("murmur", 0.7, 0.1, 0.7, 0.2)]
    for tenth in range(1, 24):
        scene.hear(replace(HEARD, time_s=10 + tenth / 10))
    assert len(scene.wire.of("/heart/heard/scene")) == 1 + int(2.3 / REMIND_S)
    scene.judge(Judged(12.5, "valve"))
    assert scene.wire.of("/heart/heard/valve") == [("", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)]


def test_what_is_off_is_not_told_and_a_new_sound_forgets(scene: Scene) -> None:
    scene.judge(Judged(0.0, "valve", off="no model"))
    scene.judge(Judged(9.9, "gate", "heart", {"heart": 0.97, "other": 0.03}))
    scene.hear(HEARD)
    assert scene.wire.of("/heart/heard/valve") == []
    assert scene.wire.of("/heart/heard/gate") == [(0.97,)]
    scene.hear(Heard(0.0))
    scene.hear(Heard(3.0))
    assert len(scene.wire.of("/heart/heard/gate")) == 1


@pytest.mark.parametrize("what", JUDGED)
def test_every_judgement_fits_its_row(what: str) -> None:
    labels = [arg.name for arg in JUDGED[what] if arg.name not in ("label", "probability")]
    for label in (None, labels[0]):
        for probabilities in ({}, dict.fromkeys(labels, 1 / len(labels))):
            args = judged_args(Judged(1.0, what, label, probabilities))
            assert [type(one) for one in args] == [{"s": str, "f": float}[arg.type] for arg in JUDGED[what]]
            assert len(args) == len(ROWS[f"/heart/heard/{what}"].args)
    assert len(rate_args(HEARD)) == len(ROWS["/heart/heard/rate"].args)


def test_the_settings_of_the_ear_are_checked_like_any_other() -> None:
    assert check("/heart/set/ear_hop", (2,)) is not None
    with pytest.raises(Exception, match="ear_window"):
        check("/heart/set/ear_window", (0.5,))
