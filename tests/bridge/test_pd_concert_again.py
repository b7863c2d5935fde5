"""A performance through Pure Data, written down as a score, and the rendering of that score: one and the same."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from heart.records import OVERLAP, SAMPLE_RATE_HZ
from heart.stage.mixdown import Format
from heart.stage.render import Wanted, render
from rig.compare import compare
from rig.live import LiveEngine, Program, until
from rig.pd import PureData

BLOCK = 256
SOUNDS = Path(__file__).resolve().parents[2] / "sounds"
HEARTS = [
    ("/heart/set/bpm", 96.0),
    ("/heart/ramp", "bpm", 130.0, 2.0),
    ("/heart/set/balance", 0.4),
    ("/heart/set/pattern", "bigeminy"),
    ("/heart/set/seed", 12),
]
EVERYTHING = [
    ("/heart/set/label", "AS"),
    ("/heart/ramp", "guidance", 2.0, 1.5),
    ("/heart/set/label", "rain"),
    ("/heart/set/label", "MR"),
    ("/heart/set/mix_N", 0.5),
    ("/heart/ramp", "mix_storm", 0.8, 2.0),
    ("/heart/set/mix_N", 0.0),
    ("/heart/set/label", "MVP"),
    *HEARTS,
]


def laid(log: Path) -> dict[int, str]:
    """Hash of the last chunk that was laid from each frame on."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()[1:]]
    return {line["first"]: line["sound"] for line in lines}


@pytest.mark.parametrize(
    ("voice", "messages"),
    [("pulse", HEARTS), pytest.param("voice", EVERYTHING, marks=pytest.mark.stage)],
)
def test_what_pd_heard_is_what_is_rendered(voice: str, messages: list[Any], tmp_path: Path) -> None:
    for turn in range(4):  # until the voice was in time all along; where it was not, the take says so
        folder = tmp_path / str(turn)
        folder.mkdir()
        heard, take = perform(voice, messages, folder)
        if "#" not in take.read_text(encoding="utf-8"):
            break
    else:
        raise AssertionError("the voice was late in each of four performances")
    told = render(
        Wanted(take, folder / "a.wav", log=folder / "off.log", format=Format(bits="float"), sounds=SOUNDS)
    )
    assert told.remarks == ()
    offline, live_chunks = laid(folder / "off.log"), laid(folder / "live.log")
    assert len(offline) > 10
    assert [first for first, sound in offline.items() if live_chunks.get(first) != sound] == []
    rendered, _ = soundfile.read(folder / "a.wav", dtype="float32")
    certain = rendered[: -SAMPLE_RATE_HZ // 50, 0]
    result = compare(heard.reshape(len(heard), -1)[:, 0], certain)
    print(f"{voice}: {len(offline)} chunks the same; {result}")
    assert result.wrong == 0, "aligned by the sample"
    assert result.compared > (len(messages) * 0.7 + 1) * SAMPLE_RATE_HZ


def perform(voice: str, messages: list[Any], folder: Path) -> tuple[np.ndarray, Path]:
    """A performance: what Pd heard of it, and the score it was written down as."""
    take = folder / "take.score"
    with (
        LiveEngine(voice=voice, log=folder / "live.log", score_out=take, sounds=SOUNDS) as live,
        Program(live.port) as program,
    ):
        assert until(lambda: live.engine is not None and live.engine.tape.head > 2 * SAMPLE_RATE_HZ, 60)
        with PureData(live.port) as pd:
            pd.record(folder / "heard.wav")
            pd.wait_playing()
            for message in messages:
                time.sleep(0.7)
                program.send(*message)
            time.sleep(2)
            return pd.stop_recording(), take


def test_the_comparison_finds_a_block_too_much() -> None:
    """The control: a rendering that is a block off in the middle is not the same."""
    noise = np.random.default_rng(1).standard_normal(20_000).astype(np.float32)
    shifted = np.concatenate((noise[:9_000], noise[9_000 : 9_000 + BLOCK], noise[9_000:]))
    assert compare(shifted, noise).wrong > 5_000 > OVERLAP
