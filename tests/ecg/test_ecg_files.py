"""`heart ecg`: sound, figures and a page from a record, and what cannot be in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner
from small_ecg import BEATS_S, RATE_HZ, SECONDS, SYMBOLS, ecg, small_record, write_csv, write_wfdb

from heart.cli import main
from heart.ecg.rhythm import AFTER_R_S, rr_s
from heart.errors import FileError
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.levels import reach
from heart.sounding.registry import open_voice
from heart.stage import ecg_pulse
from heart.stage.ecg_styles import Manner, sound_of
from heart.stage.keeping import split, write_pieces


def run(*words: object) -> str:
    """Standard output of `heart ecg ...`, which must succeed."""
    done = CliRunner().invoke(main, ["ecg", *map(str, words)])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def failed(*words: object, code: int = 1) -> str:
    """Its one line of complaint."""
    done = CliRunner().invoke(main, ["ecg", *map(str, words)])
    assert done.exit_code == code, done.output
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wfdb(tmp_path_factory.mktemp("record"))


def test_json_is_one_object_with_the_beats_and_their_figures(path: Path) -> None:
    told = json.loads(run(path.with_suffix(""), "--json"))
    assert {"record", "seconds", "r_peaks_s", "bpm", "sdnn_ms", "rmssd_ms"} <= set(told)
    assert told["r_peaks_s"] == pytest.approx(BEATS_S.tolist(), abs=0.01)
    assert told["symbols"] == "".join(SYMBOLS)
    assert told["seconds"] == pytest.approx(SECONDS, abs=0.01)


def test_own_rate_writes_the_samples_in_chunks_of_a_folder(path: Path, tmp_path: Path) -> None:
    run(path, "-o", tmp_path / "chunks", "--own-rate", "--chunk", 5)
    files = sorted((tmp_path / "chunks").iterdir())
    assert [file.name for file in files] == [f"heart-{n:04d}.wav" for n in range(1, 6)]
    sounds = [sf.read(file, always_2d=True) for file in files]
    assert {rate for _, rate in sounds} == {RATE_HZ}
    assert [len(sound) for sound, _ in sounds[:-1]] == [5 * RATE_HZ] * 4
    whole = np.concatenate([sound for sound, _ in sounds])
    assert np.corrcoef(whole[:, 0], ecg())[0, 1] > 0.9999
    assert whole.shape == (len(ecg()), 2)


@pytest.mark.parametrize("style", ["raw", "tone", "pulse"])
def test_each_style_is_audible_guarded_and_as_long_as_the_record(style: str) -> None:
    made = sound_of(small_record(), Manner(style, voice="pulse"))
    sound = np.concatenate(list(made.pieces))
    assert len(sound) == pytest.approx(len(ecg()) / RATE_HZ * SAMPLE_RATE_HZ, abs=500)
    assert 0.05 < np.abs(sound).max() <= 10 ** (-1 / 20)
    assert np.abs(sound.mean(0)).max() < 1e-3
    assert np.abs(sound[:100]).max() < 0.01, "it fades in"


def test_a_file_has_its_name_when_it_is_whole(path: Path, tmp_path: Path) -> None:
    run(path, "-o", tmp_path / "heart.flac")
    assert [file.name for file in tmp_path.iterdir()] == ["heart.flac"]
    found = sf.info(tmp_path / "heart.flac")
    assert (found.samplerate, found.channels) == (SAMPLE_RATE_HZ, 2)
    assert found.duration == pytest.approx(len(ecg()) / RATE_HZ, abs=1e-3)


def test_a_page_is_drawn_with_the_ectopic_beat_named_on_the_strip(path: Path, tmp_path: Path) -> None:
    run(path, "--plot", tmp_path / "page.svg", "--style", "tone")
    drawn = (tmp_path / "page.svg").read_text()
    assert "<!-- V -->" in drawn
    assert "beats, 1 ectopic" in drawn
    assert len(list(tmp_path.iterdir())) == 1


def test_every_first_sound_begins_a_constant_after_its_r_peak() -> None:
    record = small_record()
    beats = ecg_pulse.beats_of(record)
    assert np.array([beat.s1 for beat in beats]) / SAMPLE_RATE_HZ - BEATS_S == pytest.approx(AFTER_R_S, abs=1e-4)
    assert all(beat.s1 + 1_700 < beat.s2 < following.s1 for beat, following in pairwise(beats))
    early = beats[25]
    assert early.gain2 < 0.3
    assert beats[24].gain2 == beats[26].gain2 == 1
    sound = np.concatenate(list(sound_of(record, Manner("pulse", voice="pulse", coloured=False)).pieces))[:, 0]
    loud = [np.abs(sound[beat.s1 : beat.s1 + 1_500]).max() for beat in beats]
    before = [np.abs(sound[beat.s1 - 800 : beat.s1]).max() for beat in beats]
    assert np.median(loud) > 20 * np.median(before)


def test_ectopic_beats_have_their_label_from_just_before_their_first_sound_on() -> None:
    record = small_record()
    beats = ecg_pulse.beats_of(record)
    changes = ecg_pulse.labels_along(record, beats, "N", coloured=True)
    assert [name for _, name in changes] == ["N", "MR", "N"]
    for (frame, _), beat in zip(changes[1:], beats[25:]):
        assert 0 <= reach(beat.s1) - frame < 64
    assert ecg_pulse.labels_along(record, beats, "N", coloured=False) == [(0, "N")]

    class Noting:
        name = "noting"

        def __init__(self) -> None:
            self.voice, self.wishes = open_voice("pulse"), []

        def sing(self, wish):
            self.wishes.append(wish)
            return self.voice.sing(wish)

    singer = Noting()
    total = round(SECONDS * SAMPLE_RATE_HZ)
    pieces = list(ecg_pulse.sing(singer, beats, changes, total))
    assert sum(map(len, pieces)) == total
    spans = [(wish.start, wish.start + wish.frames) for wish in singer.wishes if wish.label == "MR"]
    assert (spans[0][0], spans[-1][1]) == (changes[1][0], changes[2][0])
    plain = np.concatenate(list(ecg_pulse.sing(singer, beats, [(0, "N")], total)))
    assert np.abs(np.concatenate(pieces) - plain).max() < 0.5
    assert np.array_equal(np.concatenate(pieces)[: changes[1][0] - 20_000], plain[: changes[1][0] - 20_000])


def test_a_gap_is_silent_and_the_beats_around_it_are_whole() -> None:
    signal = ecg()
    signal[8 * RATE_HZ : 12 * RATE_HZ] = np.nan
    record = small_record(signal)
    kept = (record.beats_s < 8) | (record.beats_s > 12)
    record = type(record)(**{**record.__dict__, "beats_s": record.beats_s[kept],
                             "symbols": tuple(np.array(SYMBOLS)[kept])})  # fmt: skip
    beats = ecg_pulse.beats_of(record)
    gain = ecg_pulse.opened(beats, rr_s(record), 0, round(SECONDS * SAMPLE_RATE_HZ))
    assert gain[9 * SAMPLE_RATE_HZ : round(11.8 * SAMPLE_RATE_HZ)].max() == 0
    for beat in beats:
        assert gain[beat.s1 : min(beat.s2 + 9_000, len(gain))].min() == 1
    sound = np.concatenate(list(sound_of(record, Manner("pulse", voice="pulse")).pieces))[:, 0]
    assert np.abs(sound[9 * SAMPLE_RATE_HZ : round(11.8 * SAMPLE_RATE_HZ)]).max() < 1e-4


def test_what_cannot_be_is_one_line(path: Path, tmp_path: Path) -> None:
    assert "heart data fetch mitdb/999" in failed("mitdb/999")
    assert "name a .wav or .flac" in failed(path, "-o", tmp_path / "heart.mp3", code=2)
    assert "no such folder" in failed(path, "--plot", tmp_path / "absent" / "a.png", code=2)
    assert "a picture's name" in failed(path, "--plot", tmp_path / "a.gif", code=2)
    flat = write_csv(tmp_path / "flat.csv", "time,II\n" + "".join(f"{n / 250:.3f},0\n" for n in range(1_000)))
    done = CliRunner().invoke(main, ["ecg", str(flat), "--style", "tone", "-o", str(tmp_path / "a.wav")])
    assert done.exit_code == 1
    assert "no beats found in it" in done.stderr
    assert not (tmp_path / "a.wav").exists()
    assert json.loads(run(flat, "--json"))["bpm"] is None


def test_pieces_are_split_where_they_should_and_nothing_is_lost() -> None:
    pieces = [np.arange(first, first + size) for first, size in ((0, 7), (7, 1), (8, 20), (28, 2))]
    stretches = [np.concatenate(list(stretch)) for stretch in split(pieces, 8)]
    assert [len(stretch) for stretch in stretches] == [8, 8, 8, 6]
    assert np.array_equal(np.concatenate(stretches), np.arange(30))


FULL = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from heart.errors import FileError
from heart.stage.keeping import write_pieces
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
noise = np.random.default_rng(0).uniform(-0.5, 0.5, 44_100).astype("f4")
try:
    write_pieces(Path(sys.argv[1]), (noise for _ in range(20)), 44_100, 1)
except FileError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="limits of a file's size are POSIX")
def test_on_a_full_disk_what_was_made_is_kept_and_named(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path / "long.wav")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "are kept as long.wav.part" in done.stdout, done.stderr
    assert done.stdout.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["long.wav.part"]
    sound, rate_hz = sf.read(tmp_path / "long.wav.part")
    assert rate_hz == 44_100
    assert len(sound) > 100_000


def test_a_sound_broken_off_keeps_its_part_and_an_older_one_stays(tmp_path: Path) -> None:
    out = tmp_path / "heart.wav"
    write_pieces(out, [np.zeros(100, "f4")], 44_100, 1)

    def breaks():
        yield np.full(44_100, 0.1, "f4")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pieces(out, breaks(), 44_100, 1)
    assert sf.info(out).frames == 100
    assert sf.info(tmp_path / "heart.wav.part").frames == 44_100
    with pytest.raises(FileError, match=r"absent/heart\.wav: cannot be written \(No such file"):
        write_pieces(tmp_path / "absent" / "heart.wav", [np.zeros(10)], 44_100, 1)
