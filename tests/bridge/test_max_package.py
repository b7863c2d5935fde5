"""The Max package: what is committed is what the builder writes, and nothing is wrong with it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from heart import namespace as ns

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from max.build import lint  # noqa: E402
from max.build.catalogue import OBJECTS  # noqa: E402

PACKAGE = ROOT / "max"
PATCHES = [
    *lint.patches(PACKAGE),
    *lint.patches(ROOT / "tests" / "max"),
    *lint.patches(ROOT / "patches" / "concert"),
]
SAID_BY_NOBODY = {"/heart/value"}
"""Beginnings of addresses that the patches complete themselves."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "max"
    command = [sys.executable, "-m", "max.build", "--icon", "--out", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=120)
    return out


def test_what_is_committed_is_what_the_builder_writes(built: Path) -> None:
    made = {p.relative_to(built.parent) for p in built.parent.rglob("*") if p.is_file()}
    stale = [p for p in made if p.name != "icon.png" and (built.parent / p).read_bytes() != (ROOT / p).read_bytes()]
    assert not stale, f"run make patches: {stale}"
    kept = {p.relative_to(ROOT) for p in PATCHES} | {p.relative_to(ROOT) for p in PACKAGE.glob("docs/**/*.xml")}
    assert kept <= made, f"nobody writes {kept - made}"


def test_the_icon_is_a_picture_of_the_size_that_max_wants() -> None:
    with Image.open(PACKAGE / "icon.png") as icon:
        assert icon.size == (500, 500)
        assert len(icon.convert("RGB").getcolors(1 << 20) or []) > 2


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: path.name)
def test_nothing_is_wrong_with_the_patch(path: Path) -> None:
    assert lint.findings(path, PACKAGE) == []


def _breaks() -> dict[str, tuple[Callable[[dict[str, Any]], object], str]]:
    def box(patcher: dict[str, Any], text: str) -> dict[str, Any]:
        return next(e["box"] for e in patcher["boxes"] if e["box"].get("text", "").startswith(text))

    def set_text(start: str, text: str) -> Callable[[dict[str, Any]], object]:
        return lambda p: box(p, start).update(text=text)

    def cord(p: dict[str, Any], source: str, outlet: int, target: str, inlet: int) -> None:
        ends = {"source": [box(p, source)["id"], outlet], "destination": [box(p, target)["id"], inlet]}
        p["lines"].append({"patchline": ends})

    return {
        "a port that is not there": (lambda p: cord(p, "t l l", 5, "gate", 0), "out of range"),
        "a cord to nowhere": (
            lambda p: p["lines"].append({"patchline": {"source": ["x", 0], "destination": ["y", 0]}}),
            "missing object",
        ),
        "two cords from one outlet": (lambda p: cord(p, "t l l", 0, "gate", 0), "cords leave"),
        "an unknown object": (set_text("edge~", "edgy~"), "not in the Max reference"),
        "an unknown attribute": (set_text("buffer~", "buffer~ #0.ring @length 1"), "no attribute length"),
        "a list that will be cut": (set_text("zl.slice", "zl.slice 3"), "256"),
        "a script that is not there": (set_text("js heart", "js hart.ring.js #0.ring"), "not in the package"),
        "a name nobody hears": (set_text("s #0.good", "s #0.god"), "nobody receives #0.god"),
        "boxes on each other": (
            lambda p: box(p, "edge~").update(patching_rect=box(p, "gate")["patching_rect"]),
            "overlap",
        ),
        "text without room": (lambda p: box(p, "rampsmooth~")["patching_rect"].__setitem__(2, 20.0), "wider"),
    }


@pytest.mark.parametrize("name", _breaks())
def test_a_broken_patch_is_found(name: str, tmp_path: Path) -> None:
    damage, words = _breaks()[name]
    whole = json.loads((PACKAGE / "patchers" / "heart.channel~.maxpat").read_text())
    damage(whole["patcher"])
    path = tmp_path / "broken.maxpat"
    path.write_text(json.dumps(whole))
    assert any(words in finding for finding in lint.findings(path, PACKAGE)), name


def test_faces_on_each_other_and_a_wrong_number_of_ports_are_found(tmp_path: Path) -> None:
    whole = json.loads((PACKAGE / "patchers" / "heart.panel.maxpat").read_text())
    boxes = [e["box"] for e in whole["patcher"]["boxes"]]
    one, two = [b for b in boxes if b["maxclass"] == "live.dial"][:2]
    one["presentation_rect"] = two["presentation_rect"]
    next(b for b in boxes if b.get("text") == "heart.beat")["numoutlets"] = 9
    path = tmp_path / "broken.maxpat"
    path.write_text(json.dumps(whole))
    found = "\n".join(lint.findings(path, PACKAGE))
    assert "in presentation" in found
    assert "drawn with 0 and 9" in found


def test_what_live_forbids_is_found(tmp_path: Path) -> None:
    from max.build.sheet import Sheet

    sheet = Sheet("broken", "---")
    sheet.obj("s #0.here", 20, 20)
    sheet.ui("live.dial", 20, 60, 48, 50).present(10, 160, 48, 50)
    path = tmp_path / "broken.amxd"
    sheet.save_device(path)
    found = "\n".join(lint.findings(path, PACKAGE))
    assert "#0 does not expand" in found
    assert "below Live's strip" in found


def _spoken() -> set[str]:
    """Addresses in any patch; %ld stands for a channel."""
    return set().union(*(lint.addresses(path) for path in PATCHES)) - SAID_BY_NOBODY


def test_every_address_in_a_patch_is_in_the_table() -> None:
    wrong = {a for a in _spoken() if "%" not in a and ns.find(a) is None}
    assert wrong == set()


def test_every_address_in_the_table_is_in_a_patch() -> None:
    spoken = _spoken()
    numbered = {a.replace("%ld", str(n)) for a in spoken if "%ld" in a for n in range(1, ns.CHANNELS + 1)}
    assert set(ns.ROWS) - spoken - numbered == set()


def test_messages_that_can_be_clicked_are_ones_the_engine_would_take() -> None:
    """Of the help of heart.engine: each message box with an address and its example arguments."""
    count = 0
    for box in lint.boxes(lint.read(PACKAGE / "help" / "heart.engine.maxhelp")):
        if box["maxclass"] == "message" and "heart.to" in box["text"]:
            address, *words = box["text"].split("heart.to ")[1].split()
            row = ns.find(address)
            assert row is not None, address
            types = [a.type for a in row.args] + ([row.rest.type] * 9 if row.rest else [])
            ns.check(address, [w if t == "s" else float(w) for w, t in zip(words, types, strict=False)], "client")
            count += 1
    assert count > 100


def test_every_object_has_a_help_file_a_page_and_ports_in_words() -> None:
    for entry in OBJECTS:
        patch = lint.read(PACKAGE / "patchers" / f"{entry.name}.maxpat")
        page = ET.parse(PACKAGE / "docs" / "refpages" / f"{entry.name}.maxref.xml").getroot()
        assert page.get("name") == entry.name
        assert page.findtext("digest")
        for kind in ("inlet", "outlet"):
            doors = [e["box"] for e in patch["boxes"] if e["box"]["maxclass"] == kind]
            assert all(door["comment"] for door in doors), entry.name
            assert len(doors) == len(page.findall(f"{kind}list/{kind}")), entry.name
        assert entry.inner or (PACKAGE / "help" / f"{entry.name}.maxhelp").exists()


def test_the_device_has_a_dial_for_every_parameter_with_a_fader() -> None:
    faces = {
        box["saved_attribute_attributes"]["valueof"]["parameter_longname"]: box
        for box in lint.boxes(lint.read(PACKAGE / "devices" / "SoundsOfTheHeart.amxd"))
        if "saved_attribute_attributes" in box
    }
    for param in ns.PARAMS.values():
        about = faces[param.name]["saved_attribute_attributes"]["valueof"]
        if param.continuous:
            assert faces[param.name]["maxclass"] == "live.dial"
            assert (about["parameter_mmin"], about["parameter_mmax"]) == (param.low, param.high)
        assert faces[param.name]["presentation"] == 1


def test_the_page_about_max_names_every_object_and_every_word_that_the_engine_object_says() -> None:
    from max.build.engine import NO_MODEL, STATES

    page = (ROOT / "docs" / "max.md").read_text()
    assert [entry.name for entry in OBJECTS if f"`{entry.name}`" not in page] == []
    for words in (*STATES, NO_MODEL):
        assert words.split(":")[0].removeprefix("the ") in page, words


def test_package_info_names_the_folder_version_and_overview() -> None:
    from heart import __version__

    info = json.loads((PACKAGE / "package-info.json").read_text())
    assert info["version"] == __version__.split(".dev")[0]
    assert (PACKAGE / "extras" / info["homepatcher"]).exists()
    assert set(info["os"]) == {"macintosh", "windows"}
