"""The patch says only what the table knows, and fires its beat when the beat is heard."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from heart import namespace as ns
from rig.engine import Engine
from rig.pd import PATCH, PureData

FOLDER = PATCH.parent
VANILLA = """
* *~ +~ + - == array bang bang~ change dac~ del env~ expr f inlet line~ list loadbang makefilename
metro moses msg netreceive netsend oscformat oscparse outlet outlet~ pack pipe print r route s
samplerate~ savepanel sel send sig~ spigot t tabread tabread~ tabreceive~ tabwrite until unpack v
writesf~ bng tgl hsl hradio vu cnv
"""
"""Objects of Pd itself that the patch may use."""


def spoken(text: str) -> set[str]:
    """Addresses the patch sends: the words after `oscformat`, flags left out."""
    formats = re.findall(r"oscformat (?:-f \w+ )?([\w ]+);", text)
    return {"/" + "/".join(words.split()) for words in formats}


def test_every_address_the_patch_sends_is_in_the_table_with_its_arguments() -> None:
    text = PATCH.read_text()
    sent = spoken(text)
    assert {"/heart/hello", "/heart/credit", "/heart/nack", "/heart/panic"} <= sent
    for address in sent:
        row = ns.find(address)
        assert row is not None, address
        assert row.direction in ("in", "both"), address
        tags = re.search(rf"oscformat -f (\w+) {address[1:].replace('/', ' ')};", text)
        assert (tags.group(1) if tags else "") == "".join(a.type for a in row.args), address


def test_every_word_the_patch_listens_for_is_one_the_engine_says() -> None:
    [words] = re.findall(r"route (audio [\w ]+);", PATCH.read_text())
    families = {path.split("/")[2] for path, row in ns.ROWS.items() if row.direction in ("out", "both")}
    assert set(words.split()) <= families


def test_the_patch_is_vanilla() -> None:
    """No externals: every object is one of Pd's own or a file beside the patch."""
    vanilla = set(VANILLA.split())
    for path in (PATCH, FOLDER / "heart-channel~.pd"):
        for name in re.findall(r"^#X obj \d+ \d+ ([^ ;]+)", path.read_text(), re.MULTILINE):
            assert name in vanilla or (FOLDER / f"{name}.pd").exists(), f"{path.name}: {name}"


def test_no_number_in_the_patch_is_longer_than_pd_can_save() -> None:
    for path in (PATCH, FOLDER / "heart-channel~.pd"):
        assert not re.findall(r"\d{7,}", path.read_text()), path.name


def test_pd_opens_the_patch_without_a_complaint(tmp_path: Path) -> None:
    with Engine() as engine, PureData(engine.port) as pd:
        pd.wait_playing()
        assert not [line for line in pd.log if "error" in line or "couldn't" in line]


@pytest.mark.parametrize("ahead_ms", [150, 700])
def test_the_beat_flashes_when_its_frame_is_heard(ahead_ms: float) -> None:
    with Engine() as engine, PureData(engine.port) as pd:
        pd.wait_playing()
        pd.wait_until(lambda: pd.report.block > 200, 5, "the clock runs")
        frame = engine.announce_beat(ahead_ms, bpm=61.5)
        pd.wait_until(lambda: bool(pd.beats), 3, "the beat flashes")
        assert abs(pd.beats[0] - frame) <= 2 * 64
