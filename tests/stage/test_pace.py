"""Steps follow the machine: down at once when the voice is late, up again only when there is room for long."""

from __future__ import annotations

import pytest

from heart.stage.pace import LEAST, PATIENCE_S, Pace

HOP_S = 0.37


class Machine:
    """Sings a chunk every HOP_S that costs `step_cost` of real time for each step."""

    def __init__(self, step_cost: float) -> None:
        self.pace, self.step_cost, self.now_s, self.told = Pace(), step_cost, 0.0, []

    def sing(self, chunks: int, asked: int = 8) -> int:
        for _ in range(chunks):
            self.now_s += HOP_S
            sung = self.pace.steps(asked)
            if self.pace.note(asked, sung, sung * self.step_cost, self.now_s):
                self.told.append((round(self.now_s, 2), self.pace.steps(asked)))
        return self.pace.steps(asked)


def test_a_machine_with_time_sings_what_is_asked() -> None:
    machine = Machine(0.05)
    assert machine.sing(200) == 8
    assert machine.told == []


@pytest.mark.parametrize(("step_cost", "sung"), [(0.12, 4), (0.25, 2), (0.5, 1), (2.0, 1)])
def test_a_slow_machine_goes_down_until_it_keeps_up(step_cost: float, sung: int) -> None:
    machine = Machine(step_cost)
    assert machine.sing(3 * LEAST) == sung
    assert machine.sing(200) == sung, "and stays there: the count above would be too slow again"
    assert len(machine.told) == {4: 1, 2: 2, 1: 3}[sung]


def test_one_slow_chunk_is_an_accident() -> None:
    machine = Machine(0.05)
    machine.sing(30)
    assert not machine.pace.note(8, 8, 5.0, machine.now_s)
    assert machine.sing(30) == 8


def test_it_goes_back_up_step_by_step_when_there_has_been_room_for_long() -> None:
    machine = Machine(0.3)
    assert machine.sing(20) == 2
    machine.step_cost, freed_s = 0.03, machine.now_s
    machine.sing(round(PATIENCE_S / HOP_S) - 1)
    assert machine.pace.steps(8) == 2, "not at once"
    machine.sing(100)
    ups = [(time_s, steps) for time_s, steps in machine.told if time_s > freed_s]
    assert [steps for _, steps in ups] == [4, 8]
    assert ups[0][0] - freed_s > PATIENCE_S
    assert ups[1][0] - ups[0][0] > PATIENCE_S


def test_room_that_comes_and_goes_is_none() -> None:
    machine = Machine(0.3)
    machine.sing(20)
    assert machine.pace.steps(8) == 2
    for number in range(400):
        machine.step_cost = 0.18 if number % 20 == 0 or number % 20 == 1 else 0.05
        machine.sing(1)
    assert machine.pace.steps(8) == 2


def test_a_performer_may_ask_for_less_and_for_more_again() -> None:
    machine = Machine(0.12)
    assert machine.sing(20, asked=8) == 4
    assert machine.sing(5, asked=2) == 2
    assert machine.sing(5, asked=8) == 4, "the limit is remembered"
    assert machine.sing(5, asked=3) == 3


def test_a_count_that_is_not_in_the_list_comes_back_as_it_was_asked() -> None:
    machine = Machine(0.2)
    assert machine.sing(10, asked=6) == 4
    machine.step_cost = 0.05
    assert machine.sing(60, asked=6) == 6


def test_chunks_asked_for_before_the_change_do_not_count() -> None:
    machine = Machine(0.15)
    machine.sing(LEAST)
    assert machine.pace.steps(8) == 4
    assert not machine.pace.note(8, 8, 9.0, machine.now_s)
    assert machine.pace.p95 == pytest.approx(1.2), "what was measured before, until a chunk of 4 steps comes"
