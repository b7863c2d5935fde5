"""The table itself: every row well made, every check with its words, the pages in step with it."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heart import namespace as ns
from heart.errors import WireError
from heart.records import SUNG

DOCS = Path(__file__).parent.parent / "docs" / "osc.md"
OWNERS = {
    "wire": "heart.plumbing.wire:Wire",
    "performance": "heart.stage.performance:Performance",
    "presets": "heart.stage.presets:Presets",
    "cues": "heart.stage.cues:Cues",
    "teacher": "heart.stage.teach:Teacher",
}

anything = st.one_of(
    st.integers(-(2**63), 2**64),
    st.floats(),
    st.booleans(),
    st.none(),
    st.binary(max_size=40),
    st.text(max_size=40),
    st.sampled_from(["", "N", "x" * 65_000, "a\x00b"]),
    st.sampled_from([math.nan, math.inf, -math.inf, 1e38, -1e38, 2**31, 10**400]),
)


def good_values(arg: ns.Arg) -> list[ns.Value]:
    """Values at and inside the argument's limits."""
    if arg.choices:
        return list(arg.choices)
    if arg.type == "s":
        return ["", "heart", "x" * ns.MAX_TEXT]
    low = -1e6 if arg.low is None else arg.low
    high = 1e6 if arg.high is None else arg.high
    middle = (low + high) / 2
    return [int(low), int(middle), int(high)] if arg.type == "i" else [float(low), middle, float(high)]


@pytest.mark.parametrize("row", ns.ROWS.values(), ids=ns.ROWS)
def test_each_row_is_well_made_and_takes_its_own_limits(row: ns.Row) -> None:
    assert row.path.startswith("/heart/")
    assert row.words
    assert row.direction in ("in", "out", "both")
    assert bool(row.handler) == (row.direction != "out"), "what comes in needs a handler"
    for turn in range(3):
        args = [good_values(arg)[turn % len(good_values(arg))] for arg in row.args]
        clean = ns.check(row.path, args)[: len(args)]
        assert list(clean) == args
        assert [type(v) for v in clean] == [{"i": int, "f": float, "s": str}[a.type] for a in row.args]


def outcome(row: ns.Row, args: list[object]) -> tuple[object, ...] | WireError:
    try:
        return ns.check(row.path, args)
    except WireError as error:
        return error


@settings(max_examples=2000, deadline=None)
@given(row=st.sampled_from(list(ns.ROWS.values())), args=st.lists(anything, max_size=6))
def test_whatever_passes_the_check_lies_in_its_range(row: ns.Row, args: list[object]) -> None:
    clean = outcome(row, args)
    if isinstance(clean, WireError):
        assert clean.address == row.path
        assert row.path in str(clean)
        assert len(str(clean)) < 500
        return
    for arg, value in zip(row.args, clean, strict=False):
        if arg.choices:
            assert value in arg.choices
        elif isinstance(value, str):
            assert len(value) <= ns.MAX_TEXT
        else:
            assert isinstance(value, int | float)
            assert math.isfinite(value)
            assert arg.low is None or value >= arg.low
            assert arg.high is None or value <= arg.high


@pytest.mark.parametrize(
    ("address", "args", "code", "words"),
    [
        ("/heart/set/bpm", (300,), "range", ["/heart/set/bpm", "value", "300", "30 to 220 bpm"]),
        ("/heart/set/bpm", (math.nan,), "range", ["nan", "30 to 220"]),
        ("/heart/set/bpm", ("fast",), "type", ["value", "'fast'", "number 30 to 220"]),
        ("/heart/set/bpm", (), "arity", ["takes 1 argument (value:f)", "got 0"]),
        ("/heart/set/label", ("XY",), "choice", ["label", "'XY'", "N, AS, MR, MS, MVP"]),
        ("/heart/set/seed", (0.5,), "type", ["0.5", "whole number"]),
        ("/heart/set/bpn", (60,), "unknown", ["/heart/set/bpn", "did you mean /heart/set/bpm"]),
        ("/hart", (), "unknown", ["/hart"]),
        ("/heart/hello", ("a\x1b[2J", 1, 1, 44100, 1), "range", ["client", "printable"]),
        ("/heart/in/1", (0, *[0.0] * 1025), "arity", ["up to 1024", "got 1025"]),
        ("/heart/in/1", (0, 0.0, math.inf), "range", ["samples"]),
    ],
)
def test_an_error_names_address_argument_value_and_range(
    address: str, args: tuple[object, ...], code: str, words: list[str]
) -> None:
    with pytest.raises(WireError) as caught:
        ns.check(address, args)
    assert caught.value.code == code
    for word in words:
        assert word in str(caught.value)


def test_numbers_are_taken_as_int_or_float_and_truth_values_as_one_and_zero() -> None:
    assert ns.check("/heart/set/bpm", (60,)) == (60.0,)
    assert ns.check("/heart/set/seed", (7.0,)) == (7,)
    assert ns.check("/heart/listen/bpm", (True,)) == (1,)


def test_trailing_floats_become_one_array_however_they_come() -> None:
    for rest in ((0, 0.5, True), (np.array([0, 0.5, 1], np.float32),)):
        seq, block = ns.check("/heart/in/1", (3.0, *rest))
        assert seq == 3
        assert block.dtype == np.float32
        assert block.tolist() == [0.0, 0.5, 1.0]
    for bad in (np.full(1025, 0.5, np.float32), np.array([0, np.nan], np.float32), "abc"):
        with pytest.raises(WireError):
            ns.check("/heart/in/1", (3, bad))


def test_a_client_may_send_every_number_as_float() -> None:
    block = np.linspace(-1, 1, 64).astype(np.float32)
    clean = ns.check("/heart/in/1", (np.concatenate([np.float32([7]), block]),))
    assert clean[0] == 7
    assert np.array_equal(clean[1], block)
    with pytest.raises(WireError, match="whole number"):
        ns.check("/heart/in/1", (block,))


def test_hello_may_show_one_pass_phrase() -> None:
    hello = ("me", 9701, 1, 44_100, 1)
    assert ns.check("/heart/hello", hello) == hello
    assert ns.check("/heart/hello", (*hello, "open")) == (*hello, "open")
    with pytest.raises(WireError, match="got 2 phrase"):
        ns.check("/heart/hello", (*hello, "open", "sesame"))


def test_each_side_may_send_only_what_is_its_own() -> None:
    ns.check("/heart/ping", (1,), sender="client")
    ns.check("/heart/pong", (1,), sender="engine")
    for address, sender in (("/heart/pong", "client"), ("/heart/ping", "engine")):
        with pytest.raises(WireError) as caught:
            ns.check(address, (1,), sender=sender)
        assert caught.value.code == "direction"


@pytest.mark.parametrize("param", ns.PARAMS.values(), ids=ns.PARAMS)
def test_each_parameter_has_its_rows_and_a_default_inside_its_range(param: ns.Param) -> None:
    assert ns.check(f"/heart/set/{param.name}", (param.default,)) == (param.default,)
    for verb in ("get", "listen", "value"):
        assert ns.find(f"/heart/{verb}/{param.name}")
    assert bool(ns.find(f"/heart/norm/{param.name}")) == param.continuous


@pytest.mark.parametrize("param", [p for p in ns.PARAMS.values() if p.continuous], ids=lambda p: p.name)
@given(x=st.floats(0, 1))
def test_a_fader_reaches_both_ends_and_comes_back_where_it_was(param: ns.Param, x: float) -> None:
    assert ns.norm_to_value(param, 0.0) == param.low
    assert ns.norm_to_value(param, 1.0) == pytest.approx(param.high)
    assert ns.value_to_norm(param, ns.norm_to_value(param, x)) == pytest.approx(x, abs=1e-9)
    assert ns.norm_to_value(param, -1) == ns.norm_to_value(param, 0)


def test_a_word_has_no_fader() -> None:
    with pytest.raises(WireError, match=r"label has no 0\.\.1 form"):
        ns.norm_to_value(ns.PARAMS["label"], 0.5)


@pytest.mark.parametrize("owner", OWNERS)
def test_every_row_has_a_method_that_takes_it(owner: str) -> None:
    module, _, name = OWNERS[owner].partition(":")
    cls = getattr(importlib.import_module(module), name)
    wanted = {row.handler for row in ns.ROWS.values() if row.owner == owner and row.handler}
    assert wanted
    assert not [method for method in sorted(wanted) if not callable(getattr(cls, method, None))]


def test_the_written_documentation_is_in_step() -> None:
    assert DOCS.read_text(encoding="utf-8") == ns.as_markdown(), (
        "docs/osc.md is out of step: python -m heart.namespace > docs/osc.md"
    )


def test_text_and_markdown_name_every_address() -> None:
    text, markdown = ns.as_text(), ns.as_markdown()
    for path, row in ns.ROWS.items():
        assert path in text
        assert f"`{row.family or path}`" in markdown


def test_json_speaks_oscquery() -> None:
    tree = json.loads(ns.as_json())
    bpm = tree["CONTENTS"]["heart"]["CONTENTS"]["set"]["CONTENTS"]["bpm"]
    assert bpm == {
        "FULL_PATH": "/heart/set/bpm",
        "ACCESS": 3,
        "TYPE": "f",
        "UNIT": ["bpm"],
        "DESCRIPTION": ns.PARAMS["bpm"].words,
        "RANGE": [{"MIN": 30, "MAX": 220}],
    }
    label = tree["CONTENTS"]["heart"]["CONTENTS"]["set"]["CONTENTS"]["label"]
    assert label["RANGE"] == [{"VALS": list(SUNG)}]
    audio = tree["CONTENTS"]["heart"]["CONTENTS"]["audio"]["CONTENTS"]["8"]
    assert (audio["TYPE"], audio["ACCESS"]) == ("iiif", 1)


@pytest.mark.parametrize("param", [p for p in ns.PARAMS.values() if p.continuous], ids=lambda p: p.name)
def test_both_ends_of_a_fader_are_within_its_range_also_as_32_bit_floats(param: ns.Param) -> None:
    for end in (param.low, param.high):
        (value,) = ns.check(f"/heart/set/{param.name}", (float(np.float32(end)),))
        assert value == pytest.approx(end)
        assert param.low <= value <= param.high
        with pytest.raises(WireError, match="must be"):
            ns.check(
                f"/heart/set/{param.name}",
                (float(np.nextafter(np.float32(param.high), np.float32(1e9))) * 1.000001,),
            )
