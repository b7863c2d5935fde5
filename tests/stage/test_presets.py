"""Presets as files: kept, listed and loaded over the wire; nonsense is one error and changes nothing."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from heart.errors import UsageError
from heart.namespace import PARAMS
from heart.plumbing.osc import decode
from heart.stage.effects import SingAgain, Tell
from heart.stage.performance import Performance
from heart.stage.presets import LONGEST, MOST, names, plain, recall, snapshot
from rig.live import LiveEngine, Program, until


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveEngine]:
    with LiveEngine(presets=tmp_path_factory.mktemp("presets")) as running:
        yield running


@pytest.fixture
def folder(engine: LiveEngine) -> Path:
    found = engine.engine.config.presets
    for path in found.iterdir():
        path.unlink()
    return found


def listed(client: Program) -> list[tuple[Any, ...]]:
    client.send("/heart/preset/list")
    found = []
    while True:
        for address, args in decode(client._socket.recv(65_536)):
            if address == "/heart/done":
                return found
            assert address == "/heart/preset/name"
            found.append(args)


@pytest.mark.parametrize("name", ["calm", "Herz im Sturm 2", "心臓の音", "naïve (3) & more!", "x" * LONGEST])
def test_what_was_kept_comes_back_and_everybody_hears_of_it(engine: LiveEngine, folder: Path, name: str) -> None:
    with Program(engine.port) as client, Program(engine.port) as other:
        client.send("/heart/set/label", "N")
        assert until(lambda: engine.value("label") == "N")
        for param in ("bpm", "label"):
            other.send(f"/heart/listen/{param}", 1)
            other.wait_for(f"/heart/value/{param}")
        client.send("/heart/listen/bpm", 1)
        client.send("/heart/set/bpm", 133.0)
        client.send("/heart/set/label", "MR")
        client.send("/heart/set/steps", 8)
        assert client.ask("/heart/preset/save", name) == ("/heart/preset/save",)
        assert (folder / f"{name}.json").is_file()
        for param, value in (("bpm", 60.0), ("label", "N"), ("steps", 4)):
            client.send(f"/heart/set/{param}", value)
        assert other.wait_for("/heart/value/label") == ("MR",)
        assert other.wait_for("/heart/value/label") == ("N",)
        client.heard(0.05)
        client.send("/heart/preset/load", name)
        assert client.wait_for("/heart/value/bpm") == (133.0,), "the one who asked is told too"
        assert client.wait_for("/heart/done") == ("/heart/preset/load",)
        assert other.wait_for("/heart/value/label") == ("MR",)
        assert (engine.value("bpm"), engine.value("label"), engine.value("steps")) == (133.0, "MR", 8)
        assert listed(client) == [(1, 1, name)]


def test_names_are_listed_in_order_and_none_is_said_too(engine: LiveEngine, folder: Path) -> None:
    with Program(engine.port) as client:
        assert listed(client) == [(0, 0, "")]
        for name in ("two", "one", "thrée"):
            assert client.ask("/heart/preset/save", name)[0] == "/heart/preset/save"
        (folder / "notes.txt").write_text("no preset")
        assert listed(client) == [(1, 3, "one"), (2, 3, "thrée"), (3, 3, "two")]


NONSENSE: dict[str, tuple[str | bytes, str]] = {
    "no JSON": ("{bpm: fast", "is not JSON"),
    "no object": ("[1, 2]", "one JSON object"),
    "no text": (b"\xff\xfe\x00bpm", "is not JSON"),
    "deep": ("[" * 100_000, "cannot be read"),
    "large": ('{"parameters": {"bpm": ' + " " * 300_000 + "1}}", "larger than 256 kB"),
    "unknown parameter": ('{"parameters": {"tempo": 90}}', "'tempo' is no parameter"),
    "unknown part": ('{"bpm": 90}', "'bpm' is nothing that a preset has"),
    "out of range": ('{"parameters": {"gain": -6, "bpm": 900}}', "900, must be number 30 to 220 bpm"),
    "not a number": ('{"parameters": {"gain": NaN}}', "gain"),
    "a list": ('{"parameters": {"gain": [1]}}', "gain"),
    "huge": ('{"parameters": {"seed": 1' + "0" * 400 + "}}", "seed"),
    "wrong word": ('{"parameters": {"gain": -6, "label": "normal"}}', "label"),
    "no such voice here": ('{"parameters": {"gain": -6, "label": "storm"}}', "this voice sings"),
    "no such voice at all": ('{"parameters": {"gain": -6, "level_2": 0.5}}', "voices sing here"),
    "no track": ('{"parameters": {"gain": -6, "mode": "track"}}', "no beat track here"),
    "no weight": ('{"parameters": {"gain": -6}, "morph": [0, 0]}', "weights"),
    "nine weights": ('{"parameters": {"gain": -6}, "morph": [1,1,1,1,1,1,1,1,1]}', "up to 8"),
}


@pytest.mark.parametrize("case", NONSENSE)
def test_a_file_edited_into_nonsense_is_one_error_and_changes_nothing(
    engine: LiveEngine, folder: Path, case: str
) -> None:
    content, words = NONSENSE[case]
    raw = content if isinstance(content, bytes) else content.encode()
    (folder / "odd one.json").write_bytes(raw)
    before = dict(engine.engine.performance.values)
    with Program(engine.port) as client:
        code, address, text = client.ask("/heart/preset/load", "odd one")
    assert (code, address) == ("failed", "/heart/preset/load")
    assert words in text
    assert "odd one" in text
    assert str(folder) not in text
    assert engine.engine.performance.values == before


@pytest.mark.case("R10")
def test_only_names_reach_the_folder(engine: LiveEngine, folder: Path, tmp_path: Path) -> None:
    bad = [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "C:x",
        ".hidden",
        "x.",
        " x",
        "x ",
        "con",
        "lpt1.x",
        "y" * 65,
        "z?",
    ]
    (tmp_path / "outside.json").write_text('{"parameters": {"bpm": 99}}')
    os.symlink(tmp_path / "outside.json", folder / "link.json")
    with Program(engine.port) as client:
        for name in [*bad, "link", "missing"]:
            client.heard(0.11)  # mistakes are answered in measure: ten a second
            code, _, text = client.ask("/heart/preset/load", name)
            assert code in ("failed", "range"), name
            assert str(folder) not in text
        client.heard(1.0)
        assert client.ask("/heart/preset/save", "../out")[0] == "failed"
        assert client.ask("/heart/preset/save", "link") == ("/heart/preset/save",)
    assert not (folder / "link.json").is_symlink(), "what is kept replaces a link, and never what it leads to"
    assert json.loads((tmp_path / "outside.json").read_text()) == {"parameters": {"bpm": 99}}
    assert sorted(path.name for path in folder.iterdir()) == ["link.json"]


def test_a_folder_holds_so_many_and_no_more(engine: LiveEngine, folder: Path) -> None:
    for n in range(MOST):
        (folder / f"{n}.json").write_text("{}")
    with Program(engine.port) as client:
        assert "in the folder already" in client.ask("/heart/preset/save", "one more")[2]
        assert client.ask("/heart/preset/save", "7") == ("/heart/preset/save",)
        assert len(listed(client)) == MOST


def test_without_a_folder_there_are_no_presets(tmp_path: Path) -> None:
    with LiveEngine() as engine, Program(engine.port) as client:
        for verb in ("save", "load"):
            assert "--presets FOLDER" in client.ask(f"/heart/preset/{verb}", "x")[2]
    with pytest.raises(UsageError, match="no such folder"), LiveEngine(presets=tmp_path / "none"):
        pass


def test_every_parameter_is_kept_and_a_mix_comes_back() -> None:
    first, second = Performance(), Performance()
    for param, value in (("label", "AS"), ("mix_N", 0.5), ("mix_sea", 0.25), ("gain", -6.0), ("seed", 9)):
        first.on_set(PARAMS[param], (value,), None)
    first.on_morph(([0.25, 0.75],), None)
    kept = json.loads(json.dumps(snapshot(first)))
    assert set(kept["parameters"]) == set(PARAMS)
    effects = recall(second, kept, "x")
    assert second.values == first.values
    assert second.sounds.weights == first.sounds.weights
    assert second.mixing.now.label == first.mixing.now.label
    assert sum(isinstance(effect, SingAgain) for effect in effects) == 1
    assert {e.address for e in effects if isinstance(e, Tell)} >= {"/heart/value/mix_sea", "/heart/value/gain"}
    assert all(e.except_for is None for e in effects if isinstance(e, Tell))


def test_one_spelling_for_one_name(tmp_path: Path) -> None:
    assert plain("e\u0301") == plain("\u00e9")
    assert not math.isnan(len(names(tmp_path)))
