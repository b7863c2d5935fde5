"""Of a flood of values the latest is kept, in order, and nothing overtakes."""

from __future__ import annotations

import random

from heart.plumbing.latest import PAUSE_S, Latest


class Desk:
    def __init__(self) -> None:
        self.done: list[tuple[str, int]] = []
        self.asked: list[float] = []
        self.latest = Latest[tuple[str, int]](self.done.append, self.asked.append)

    def put(self, address: str, value: int, now: float, sender: str = "a") -> None:
        self.latest.put(address, sender, (address, value), now)


def test_a_slow_fader_is_handed_over_value_by_value_at_once() -> None:
    desk = Desk()
    for number in range(20):
        desk.put("/heart/set/bpm", number, number * 0.01)
        assert desk.done[-1] == ("/heart/set/bpm", number)
    assert desk.asked == []


def test_of_a_flood_the_first_and_the_latest_are_kept() -> None:
    desk = Desk()
    for number in range(1_000):
        desk.put("/heart/set/bpm", number, number * 1e-6)
    assert desk.done == [("/heart/set/bpm", 0)]
    assert len(desk.asked) == 1
    assert 0 < desk.asked[0] <= PAUSE_S
    desk.latest.flush()
    assert desk.done == [("/heart/set/bpm", 0), ("/heart/set/bpm", 999)]
    assert desk.latest.left_out == 998


def test_senders_and_addresses_do_not_take_each_others_place() -> None:
    desk = Desk()
    for value, (address, sender) in enumerate([("bpm", "a"), ("gain", "a"), ("gain", "b"), ("gain", "a")]):
        desk.put(f"/heart/norm/{address}", value, 0.0, sender)
    desk.latest.flush()
    assert [value for _, value in desk.done] == [0, 2, 3], "in the order in which they came last"


def test_what_is_no_value_is_done_at_once_and_after_all_that_waits() -> None:
    desk = Desk()
    for value, address in enumerate(["set/label", "set/mix_rain", "panic", "set/mix_rain"]):
        desk.put(f"/heart/{address}", value, 0.0)
    assert [value for _, value in desk.done] == [0, 1, 2]
    desk.latest.flush()
    assert [value for _, value in desk.done] == [0, 1, 2, 3]


def test_whatever_comes_the_last_word_of_each_is_what_stands() -> None:
    for seed in range(50):
        chance, desk, now, stands = random.Random(seed), Desk(), 0.0, {}
        for value in range(200):
            now += chance.choice([0.0, 1e-4, 0.004, 0.02])
            address = f"/heart/set/{chance.choice('xyz')}"
            stands[address] = value
            desk.put(address, value, now)
            if chance.random() < 0.1:
                desk.latest.flush()
        desk.latest.flush()
        assert dict(desk.done) == stands
        values = [value for _, value in desk.done]
        assert values == sorted(values), "in order"
