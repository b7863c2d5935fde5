"""Learn mode and aliases over the wire: any control of any program, its range, its echo, and no loops."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pythonosc.osc_message_builder import OscMessageBuilder

from heart.errors import FileError, HeartError
from heart.namespace import PARAMS
from heart.stage.alias_files import read_program, recipes
from heart.stage.aliases import Alias, matches, position_of, value_at
from heart.stage.echoes import PACE_S
from heart.stage.teach import SAVE_S, which
from rig.live import LiveEngine, Program, until

DOCS = (Path(__file__).parent.parent.parent / "docs" / "daw.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveEngine]:
    with LiveEngine(aliases=(str(tmp_path_factory.mktemp("aliases") / "mine.json"),), voices=4) as running:
        yield running


@pytest.fixture(autouse=True)
def forgetful(engine: LiveEngine) -> Iterator[None]:
    """Each test begins with nothing bound and nothing waiting."""
    yield
    with Program(engine.port) as client:
        for alias in list(engine.engine.bridge.teacher.book):
            if alias.to in PARAMS:
                assert client.ask("/heart/unlearn", alias.to) == ("/heart/unlearn",)
        engine.engine.bridge.teacher.lesson = None


def learn(client: Program, other: Program, param: str, *control: Any, bounds: tuple[float, ...] = ()) -> Any:
    client.send("/heart/learn", param, *bounds)
    client.send("/heart/ping", 1)
    client.wait_for("/heart/pong")
    other.send(*control)
    alias = client.wait_for("/heart/alias")
    assert client.wait_for("/heart/done") == ("/heart/learn",)
    return alias


def test_a_control_is_bound_by_moving_it_and_moves_its_parameter_from_then_on(engine: LiveEngine) -> None:
    with Program(engine.port) as client, Program(engine.port) as surface:
        before = engine.value("bpm")
        assert learn(client, surface, "bpm", "/1/fader3", 0.25) == ("bpm", "/1/fader3", 1, 0.0, 1.0)
        assert engine.value("bpm") == before, "the message that binds moves nothing"
        surface.send("/1/fader3", 0.5)
        assert until(lambda: engine.value("bpm") == 125.0)
        surface.send("/1/fader4", 0.5)
        assert surface.wait_for("/heart/error")[:2] == ("unknown", "/1/fader4")


@pytest.mark.parametrize(
    ("control", "bounds", "alias", "then", "value"),
    [
        (("/a", 64), (), (1, 0.0, 127.0), ("/a", 127), 220.0),
        (("/a", -0.2), (), (1, -1.0, 1.0), ("/a", 0.0), 125.0),
        (("/a", 90.0), (60.0, 180.0), (1, 60.0, 180.0), ("/a", 120.0), 125.0),
        (("/a", 2, "x", 0.5), (), (3, 0.0, 1.0), ("/a", 2, "x", 1.0), 220.0),
        (("/a", 7, 3, 20), (), (3, 0.0, 127.0), ("/a", 7, 3, 127), 220.0),
        (("/a", 900.0), (), (1, 0.0, 1023.0), ("/a", 1023.0), 220.0),
    ],
)
def test_range_and_argument_are_found(
    engine: LiveEngine, control: Any, bounds: Any, alias: Any, then: Any, value: float
) -> None:
    with Program(engine.port) as client, Program(engine.port) as surface:
        assert learn(client, surface, "bpm", *control, bounds=bounds)[2:] == alias
        surface.send(*then)
        assert until(lambda: engine.value("bpm") == pytest.approx(value)), engine.value("bpm")


def test_other_controls_with_the_same_address_are_not_meant(engine: LiveEngine) -> None:
    with Program(engine.port) as client, Program(engine.port) as surface:
        learn(client, surface, "gain", "/strip/fader", 2, 0.5)
        surface.send("/strip/fader", 3, 0.1)
        surface.send("/strip/fader", 2, 1.0)
        assert until(lambda: engine.value("gain") == 6.0)
        surface.send("/strip/fader", 3, 0.0)
        client.send("/heart/ping", 2)
        client.wait_for("/heart/pong")
        assert engine.value("gain") == 6.0


def test_of_a_pad_the_axis_that_moves_is_bound(engine: LiveEngine) -> None:
    with Program(engine.port) as client, Program(engine.port) as pad:
        client.send("/heart/learn", "balance")
        pad.send("/xy", 0.5, 0.5)
        pad.send("/xy", 0.51, 0.7)
        assert client.wait_for("/heart/alias")[:3] == ("balance", "/xy", 2)
        pad.send("/xy", 0.0, 1.0)
        assert until(lambda: engine.value("balance") == 1.0)


def test_every_parameter_can_be_learned_and_reaches_both_ends(engine: LiveEngine) -> None:
    with Program(engine.port) as client, Program(engine.port) as surface:
        for n, param in enumerate(PARAMS.values()):
            if param.name == "mode" or param.name.startswith(("label", "mix_")):
                continue  # what this voice or engine cannot is asked below
            learn(client, surface, param.name, f"/c/{n}", 0.5)
            for end, value in ((1.0, value_at(param.name, 1.0)), (0.0, value_at(param.name, 0.0))):
                surface.send(f"/c/{n}", end)
                assert until(lambda p=param.name, v=value: engine.value(p) == v), param.name


def test_what_cannot_be_is_an_error_to_the_control_and_changes_nothing(engine: LiveEngine) -> None:
    with Program(engine.port) as client, Program(engine.port) as surface:
        learn(client, surface, "mode", "/mode", 0.0)
        surface.send("/mode", 1.0)
        assert surface.wait_for("/heart/error")[0] == "track"
        assert engine.value("mode") == "lead"
        learn(client, surface, "steps", "/odd", 0.5)
        for bad in (float("nan"), float("inf")):
            surface.send("/odd", bad)
        surface.send("/odd", "fast")
        assert surface.wait_for("/heart/error")[1] == "/heart/set/steps"
        surface.send("/odd")
        surface.send_bytes(b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xfc")
        client.send("/heart/learn", "bpm", 5.0)
        assert client.wait_for("/heart/error")[:2] == ("range", "/heart/learn")
        client.send("/heart/learn", "tempo")
        assert client.wait_for("/heart/error")[:2] == ("choice", "/heart/learn")


def test_values_go_back_to_the_control_and_not_to_the_hand_that_moved_it(engine: LiveEngine) -> None:
    with Program(engine.port) as client, Program(engine.port) as one, Program(engine.port) as two:
        learn(client, one, "rmssd", "/one", 0.5)
        learn(client, two, "rmssd", "/two", 3, 64)
        one.send("/one", 0.0)
        two.send("/two", 3, 0)
        assert until(lambda: engine.value("rmssd") == 0.0)
        one.heard(0.1), two.heard(0.1)
        one.send("/one", 1.0)
        assert two.wait_for("/two") == (3, 127), "in its own range, as whole number, with what stood before it"
        assert one.heard(0.2) == []
        client.send("/heart/set/rmssd", 50.0)
        assert one.wait_for("/one") == (0.25,)
        assert two.wait_for("/two") == (3, 32)


def test_two_programs_that_send_back_what_they_are_told_do_not_fight(engine: LiveEngine) -> None:
    with Program(engine.port) as client, Program(engine.port) as hand, Program(engine.port) as mirror:
        learn(client, hand, "strength", "/hand", 0.5)
        learn(client, mirror, "strength", "/mirror", 0.5)
        mirror.send("/mirror", 0.4)
        assert until(lambda: engine.value("strength") == pytest.approx(0.4))
        echoes = 0
        for step in range(20):  # a fader in motion, mirrored late and rounded
            hand.send("/hand", step / 20)
            for address, args in mirror.heard(0.015):
                if address == "/mirror":
                    echoes += 1
                    mirror.send("/mirror", round(args[0], 6))
        for address, args in mirror.heard(0.1):
            echoes += address == "/mirror"
            mirror.send(address, *args)
        client.heard(0.1)
        assert engine.value("strength") == pytest.approx(0.95)
        assert [m for m in hand.heard(0.2) if m[0] == "/hand"] == []
        assert 3 <= echoes <= 0.5 / PACE_S + 5, "told in measure"


def test_bindings_are_listed_saved_and_there_again_after_a_restart(engine: LiveEngine, tmp_path: Path) -> None:
    mine = tmp_path / "my controls.json"
    with LiveEngine(aliases=(str(mine),)) as first, Program(first.port) as client:
        learn(client, client, "bpm", "/knob", 100.0)
        learn(client, client, "gain", "/knob2", 0.5)
        learn(client, client, "strength", "/knob2", 0.5)  # the newest holds
        client.send("/heart/aliases")
        found = []
        while True:
            ((address, args),) = client.heard_one()
            if address == "/heart/done":
                break
            found.append(args)
        assert found == [("bpm", "/knob", 1, 0.0, 100.0), ("strength", "/knob2", 1, 0.0, 1.0)]
        assert until(mine.exists, SAVE_S + 3)
    with LiveEngine(aliases=(str(mine),)) as second, Program(second.port) as client:
        client.send("/knob", 50.0)
        assert until(lambda: second.value("bpm") == 125.0)
        assert client.ask("/heart/unlearn", "bpm") == ("/heart/unlearn",)
        client.send("/knob", 0)
        assert client.wait_for("/heart/error")[0] == "unknown"
    assert [entry["to"] for entry in json.loads(mine.read_text())["aliases"]] == ["strength"]


def test_what_no_hand_moves_is_not_bound(tmp_path: Path) -> None:
    """Meters and clocks that the file ignores, and numbers that no control sends."""
    (tmp_path / "daw.json").write_text('{"ignore": ["/time", "/vu/*"]}')
    with LiveEngine(aliases=(str(tmp_path / "daw.json"),)) as engine, Program(engine.port) as client:
        client.send("/heart/learn", "bpm")
        for odd in (("/time", 12.5), ("/vu/1/left", 0.5), ("/odd", float("nan")), ("/odd", 1e30), ("/odd", "x")):
            client.send(*odd)
        client.send("/knob", 0.5)
        assert client.wait_for("/heart/alias")[:2] == ("bpm", "/knob")
        client.send("/knob", 1e30)
        client.send("/knob", 0.5)
        assert until(lambda: engine.value("bpm") == 125.0), "the range did not grow to what no control sends"


def test_a_file_that_cannot_be_written_is_told_and_the_bindings_hold(tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    with LiveEngine(aliases=(str(folder / "mine.json"),)) as engine, Program(engine.port) as client:
        folder.rmdir()
        learn(client, client, "bpm", "/knob", 0.5)
        told: list[str] = []
        line = "/heart/learn: mine.json: cannot be written"
        assert until(lambda: any(line in news for news in told.__iadd__(engine.engine.take_news()))), told
        client.send("/knob", 1.0)
        assert until(lambda: engine.value("bpm") == 220.0)


def test_a_lesson_without_a_control_ends_with_words(engine: LiveEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heart.stage.teach.PATIENCE_S", 0.1)
    with Program(engine.port) as client:
        client.send("/heart/learn", "bpm")
        assert client.wait_for("/heart/error")[:2] == ("timeout", "/heart/learn")


def test_foreign_messages_from_strangers_are_refused() -> None:
    """On the wire itself: who is not known reaches no alias, and whoever is known does."""
    heard: list[str] = []
    from heart.plumbing.osc import encode
    from heart.plumbing.tape import Tape
    from heart.plumbing.wire import Wire

    wire = Wire(
        Tape(1),
        host="203.0.113.1",
        allow=["203.0.113.7"],
        on_foreign=lambda address, args, sender: heard.append(address) or True,
    )
    wire.received(encode("/fader", 0.5), ("203.0.113.9", 5000))
    wire.received(encode("/fader", 0.5), ("203.0.113.7", 5000))
    wire.received(encode("/heart/pong", 1), ("203.0.113.7", 5000))
    assert heard == ["/fader"]


def test_messages_of_types_that_we_do_not_send_are_bound_too(engine: LiveEngine) -> None:
    with Program(engine.port) as client, Program(engine.port) as surface:
        client.send("/heart/learn", "ectopy")
        client.heard(0.05)
        for value in (0.5, 1.0):
            builder = OscMessageBuilder("/typed")
            builder.add_arg(value, "d")
            builder.add_arg(b"blob", "b")
            surface.send_bytes(builder.build().dgram)
        assert until(lambda: engine.value("ectopy") == PARAMS["ectopy"].high)
        client.send("/heart/set/ectopy", 0.0)
        client.send("/heart/ping", 1)
        assert client.wait_for("/heart/pong")


BAD_FILES = {
    "no list": ('{"aliases": 3}', '"aliases" must be a list'),
    "unknown key": ('{"maps": []}', "'maps' means nothing here"),
    "no address": ('{"aliases": [{"from": "fader", "to": "bpm"}]}', "entry 1: 'fader' is no address"),
    "our own address": ('{"aliases": [{"from": "/heart/panic", "to": "bpm"}]}', "of this engine itself"),
    "no parameter": ('{"aliases": [{"from": "/a", "to": "tempo"}]}', "'tempo': no parameter"),
    "half a star": ('{"aliases": [{"from": "/a*", "to": "bpm"}]}', "a whole word"),
    "no range": ('{"aliases": [{"from": "/a", "to": "bpm", "low": 1, "high": 1}]}', "the same"),
    "no number": ('{"aliases": [{"from": "/a", "to": "bpm", "low": "x"}]}', '"low" is'),
    "the wire's own": ('{"aliases": [{"from": "/a", "to": "/heart/hello"}]}', "no address that takes"),
    "wrong message": ('{"aliases": [{"from": "/a", "to": "/heart/downbeat", "with": ["x"]}]}', "in_ms"),
    "system port": ('{"greet": [{"port": 22, "say": ["/a"]}]}', "port is 22, must be 1024"),
    "a number that OSC cannot carry": ('{"greet": [{"port": 2200, "say": ["/a", 99999999999]}]}', "cannot be sent"),
    "a space": ('{"aliases": [{"from": "/a b", "to": "bpm"}]}', "is no address"),
    "no greeting": ('{"greet": [{"port": 2200, "say": []}]}', "a greeting has"),
    "too many": (json.dumps({"aliases": [{"from": f"/{n}", "to": "bpm"} for n in range(600)]}), "more than 512"),
    "nonsense": ("bpm = 3", "is not JSON"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_one_line_that_names_the_entry(case: str, tmp_path: Path) -> None:
    content, words = BAD_FILES[case]
    (tmp_path / "odd one.json").write_text(content)
    with pytest.raises(HeartError) as caught:
        read_program(tmp_path / "odd one.json")
    assert "odd one.json" in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_and_no_recipe_is_said(tmp_path: Path) -> None:
    for name in ("cubase", str(tmp_path / "none" / "x.json")):
        with pytest.raises(FileError, match="--aliases"), LiveEngine(aliases=(name,)):
            pass


def test_patterns_fit_words() -> None:
    fits = [("/a/*/c", "/a/b/c"), ("/a/*", "/a/b"), ("/a/*", "/a/b/c/d"), ("/*", "/x")]
    misses = [("/a/*/c", "/a/b/d"), ("/a/*/c", "/a/c"), ("/a/*", "/b/c"), ("/a", "/a/b"), ("/a/*", "/a")]
    assert all(matches(pattern.split("/"), address.split("/")) for pattern, address in fits)
    assert not any(matches(pattern.split("/"), address.split("/")) for pattern, address in misses)


@pytest.mark.parametrize("name", PARAMS)
def test_a_position_comes_back_from_its_value(name: str) -> None:
    for position in (0.0, 0.3, 1.0):
        value = value_at(name, position)
        assert value_at(name, position_of(name, value)) == pytest.approx(value)


def test_the_argument_that_moves_is_chosen() -> None:
    assert which([1, "x", 0.5], None) == 2
    assert which([3, 64], None) == 1
    assert which(["x"], None) is None
    assert which([0.1, 0.2], None) is None
    assert which([0.1, 0.2], [0.1, 0.2]) is None
    assert which([0.1, 0.9], [0.15, 0.2]) == 1


def test_an_observed_range_grows_by_the_ladder_and_a_given_one_never() -> None:
    alias = Alias("/a", "bpm", observed=True)
    assert [alias.widened(x).high for x in (0.5, 2.0, 64, 128, 1000, 9000, 70_000)] == [
        1.0, 100.0, 127.0, 255.0, 1023.0, 16383.0, 70_000.0
    ]  # fmt: skip
    assert (alias.widened(-5.0).low, alias.widened(-5.0).high) == (-100.0, 100.0)


def test_recipes_are_shipped_and_told_of() -> None:
    assert {"reaper", "ardour", "bitwig", "live", "surface"} == set(recipes())
    for name in recipes():
        assert f"--aliases {name}" in DOCS


def test_the_file_in_the_documentation_is_a_good_one(tmp_path: Path) -> None:
    (tmp_path / "example.json").write_text(re.findall(r"```json\n(.*?)```", DOCS, re.S)[0])
    program = read_program(tmp_path / "example.json")
    assert len(program.aliases) == 6
    program.save(tmp_path / "again.json")
    assert read_program(tmp_path / "again.json") == program
