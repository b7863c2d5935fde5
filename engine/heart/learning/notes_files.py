"""A folder of notes from arithmetic in NSynth's layout: `heart data notes`.

FOLDER/examples.json maps the name of each note to what it is; FOLDER/audio/NAME.wav is the note, 4 s at 16 kHz in
16 bits. The keys are those of NSynth (Engel et al. 2017), and `synthesis` besides: how the note was played.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from heart.audio import write_audio
from heart.errors import FileError
from heart.learning.notes_synth import Play, make_instrument, make_play, render
from heart.sounding.notes.kinds import FAMILIES, RATE_HZ

NOTES_EACH = 10
"""Of an instrument."""
SET = 100_000
"""Instruments of different seeds have different names."""


def write_notes(
    folder: Path,
    count: int,
    seed: int = 0,
    progress: Callable[[str, float, str], None] = lambda name, share, text: None,
) -> Path:
    """Make notes 0..count-1 of the set `seed`; the same arguments write the same bytes.

    Returns the path of examples.json. Raises FileError where the folder cannot be written.
    """
    rows: dict[str, dict[str, Any]] = {}
    try:
        (folder / "audio").mkdir(parents=True, exist_ok=True)
        for number in range(count):
            instrument_number, turn = divmod(number, NOTES_EACH)
            instrument = make_instrument(seed, instrument_number)
            play = make_play(instrument, seed, instrument_number, turn)
            row = _row(play, number, seed * SET + instrument_number, turn)
            sound = render(instrument, play, (seed, instrument_number, turn))
            write_audio(folder / "audio" / f"{row['note_str']}.wav", sound, RATE_HZ, "PCM_16")
            rows[row["note_str"]] = row
            if (number + 1) % 200 == 0 or number + 1 == count:
                progress("notes", (number + 1) / count, f"{number + 1} of {count} notes")
        path = folder / "examples.json"
        path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise FileError(f"{folder}: cannot be written ({error.strerror or error})") from None
    return path


def _row(play: Play, number: int, instrument: int, turn: int) -> dict[str, Any]:
    name = f"{play.family}_synthetic_{instrument:03d}"
    return {
        "note": number,
        "note_str": f"{name}-{play.pitch:03d}-{play.velocity:03d}-{turn}",
        "instrument": instrument,
        "instrument_str": name,
        "pitch": play.pitch,
        "velocity": play.velocity,
        "sample_rate": RATE_HZ,
        "instrument_family": FAMILIES.index(play.family),
        "instrument_family_str": play.family,
        "instrument_source": 2,
        "instrument_source_str": "synthetic",
        "qualities": [0] * 10,
        "qualities_str": [],
        "synthesis": play.facts(),
    }
