"""The piece that is shipped: it can be performed with what is shipped, has its form, and renders clean."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from heart.config import shipped
from heart.learning.voice_splices import clicks, excess_db, with_jumps
from heart.records import SAMPLE_RATE_HZ, Beat, Chunk, Wish
from heart.sounding.track import Track
from heart.stage.loading import read_loop
from heart.stage.material import gather, rehearse
from heart.stage.mixdown import Format, Mixer
from heart.stage.playing import Playing, silence
from heart.stage.render import Wanted, render
from heart.stage.score import Score, marks
from heart.stage.score_reader import read_score
from heart.stage.shipped_sounds import SOUNDS

PIECE = shipped("patches") / "sounds-of-the-heart.score"
README = shipped("patches") / "README.md"
MOVEMENTS = ("I. One", "II. Breath", "III. Out of step", "IV. Four doors", "V. The fall", "VI. Return")
SILENT_S = 7.0
"""The silence at the end of the fall lasts at least so long."""


@pytest.fixture(scope="module")
def piece() -> Score:
    return read_score(PIECE)


def begins(score: Score) -> dict[str, float]:
    return {name: begin for begin, name in marks(score.cues)}


def test_it_lasts_five_to_eight_minutes_in_six_movements_that_the_programme_names(piece: Score) -> None:
    assert 300 <= piece.seconds <= 480
    assert tuple(begins(piece)) == MOVEMENTS
    note = README.read_text(encoding="utf-8")
    assert all(f"**{name}.**" in note for name in MOVEMENTS)
    assert [cue.name for cue in piece.cues if cue.waits] == ["III. Out of step", "IV. Four doors", "VI. Return"]


@pytest.mark.parametrize("given", [(), ("heart",), ("beats",), ("heart", "beats")], ids="-".join)
def test_it_is_performed_with_nothing_but_what_is_shipped(given: tuple[str, ...]) -> None:
    score = read_score(PIECE, given=given)
    files = {entry.file for entry in SOUNDS}
    assert set(score.sounds()) | set(score.tracks()) <= files
    rehearse(score, "voice", Track((800.0, 800.0)) if "beats" in given else None)
    material = gather(score, shipped("sounds"))
    assert len(material.loops) == 8
    modes = [event.args[0] for event in score.events() if event.address == "/heart/set/mode"]
    assert modes == ["track", "lead", *(["follow"] if "heart" in given else []), "lead"]


def test_every_door_is_sung_and_every_power_is_used(piece: Score) -> None:
    said = {(event.address.removeprefix("/heart/"), event.args) for event in piece.events()}
    words = {address for address, _ in said}
    assert {"morph", "ramp", "downbeat", "panic", "resume", "sound/load", "beats/load", "set/strength"} <= words
    assert {"AS", "MR", "MS", "MVP", "N"} <= {args[0] for address, args in said if address == "set/label"}
    assert {args[0] for address, args in said if address == "set/voice_mode"} == {"generate", "vary", "morph"}
    assert {args[0] for address, args in said if address == "ramp"} >= {"bpm", "systole", "balance", "mix_storm"}


def test_its_beats_stumble_stop_and_come_back(piece: Score) -> None:
    """Performed without a voice: what is sung when, and the silence."""
    playing = Playing(piece, gather(piece, shipped("sounds")), "voice", unsung)
    mixer, loud = Mixer(piece.voices), []
    for part in playing.pieces():
        tone = np.full_like(part.sound, 0.1)  # what faders and panic let through
        dealt, _ = mixer.mix(replace(part, sound=tone))
        loud.append(np.abs(dealt).max(1))
    assert playing.player.refused == []
    heard = np.concatenate(loud)
    assert len(heard) == round(piece.seconds * SAMPLE_RATE_HZ)
    at = begins(piece)
    still = np.flatnonzero(heard > 1e-5)
    longest = np.diff(still).max() / SAMPLE_RATE_HZ
    assert longest > SILENT_S
    gap_s = still[np.diff(still).argmax()] / SAMPLE_RATE_HZ
    assert at["V. The fall"] < gap_s < at["VI. Return"]
    assert heard[-SAMPLE_RATE_HZ // 10 :].max() < 0.02
    beats: dict[str, list[Beat]] = {name: [] for name in MOVEMENTS}
    for sung in playing.beats:
        if sung.voice == 1:
            name = max((begin, name) for name, begin in at.items() if begin <= sung.beat.s1 / SAMPLE_RATE_HZ)[1]
            beats[name].append(sung.beat)
    rr_ms = {name: np.array([beat.rr_ms for beat in own]) for name, own in beats.items()}
    spread = {name: own.std() / own.mean() for name, own in rr_ms.items()}
    assert spread["III. Out of step"] > 0.2 > 2 * spread["I. One"]
    assert {sung.voice for sung in playing.beats} >= {1, 2, 3, 4}
    assert rr_ms["V. The fall"][3] < 650 < 1_700 < rr_ms["V. The fall"].max()
    assert all(beat.gain2 == 0 < beat.gain1 for beat in beats["I. One"][:6])
    assert all(beat.gain1 == 0 < beat.gain2 for beat in beats["VI. Return"][3:8])


def unsung(wish: Wish) -> Chunk:
    """What a voice would answer, silent."""
    others = tuple(replace(silence(other), voice=other.voice) for other in wish.others)
    return replace(silence(wish), others=others)


@pytest.mark.stage
def test_it_renders_to_a_clean_file_with_the_form_it_was_given(piece: Score, tmp_path: Path) -> None:
    out, log = tmp_path / "piece.wav", tmp_path / "piece.log"
    told = render(Wanted(PIECE, out, steps=1, log=log, stems=True, format=Format(bits="float")))
    sound, rate_hz = soundfile.read(out, dtype="float32")
    assert len(sound) == round(piece.seconds * rate_hz)
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= 10 ** (-1 / 20)
    assert told.level.dc < 1e-4
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    borders = sorted({line["first"] for line in lines if "first" in line})
    assert len(borders) > 1_000
    assert [border for border in clicks(sound.mean(1), borders) if stroke_db(border) < 9] == []
    assert len(clicks(with_jumps(sound.mean(1), borders, 0.01), borders)) > 200, "the control"
    edges = [*begins(piece).values(), piece.seconds]
    level = {
        name: rms_db(sound[int(a * rate_hz) : int(b * rate_hz)]) for name, (a, b) in zip(MOVEMENTS, pairwise(edges))
    }
    assert level["IV. Four doors"] > level["I. One"] + 3
    end = int(begins(piece)["VI. Return"] * rate_hz)
    resting = sound[end - int(SILENT_S * rate_hz) : end]
    assert np.abs(resting).max() < 1e-4
    assert rms_db(sound[-rate_hz // 4 :]) < level["I. One"] - 20


def stroke_db(border: int) -> float:
    """How far the trio itself stands out there, as a click would: what varies it plays its strokes there."""
    loop = read_loop(shipped("sounds"), "jazz.flac")
    return excess_db(np.tile(loop, 3), border % len(loop) + len(loop))


def rms_db(sound: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(sound.astype(float) ** 2) + 1e-12))
