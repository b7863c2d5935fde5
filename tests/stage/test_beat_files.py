"""Beats from files of every kind, and files that must be refused."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import wfdb
from click.testing import CliRunner

from heart.audio import write_audio
from heart.cli import main
from heart.ecg.record import read_peaks
from heart.errors import FileError, HeartError
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.offline import generate
from heart.stage.beat_files import read_track

RATE_HZ = 250
TIMES_S = np.cumsum([0.6, *(0.8 + 0.05 * np.sin(np.arange(24)))])
"""R peaks of the record that the tests write."""


def write_record(folder: Path, name: str = "heart", annotated: bool = False) -> Path:
    """An ECG of TIMES_S: a sharp R and a round T a beat, noise, format 16; and its header."""
    t = np.arange(int((TIMES_S[-1] + 0.5) * RATE_HZ)) / RATE_HZ
    signal = 0.02 * np.random.default_rng(0).standard_normal(len(t))
    for beat_s in TIMES_S:
        signal += np.exp(-0.5 * ((t - beat_s) / 0.012) ** 2) + 0.2 * np.exp(
            -0.5 * ((t - beat_s - 0.28) / 0.05) ** 2
        )
    wfdb.wrsamp(name, RATE_HZ, ["mV"], ["II"], signal[:, None], fmt=["16"], write_dir=str(folder))
    if annotated:
        marks = np.round(np.insert(TIMES_S, 3, TIMES_S[2] + 0.3) * RATE_HZ).astype(int)
        symbols = ["N", "V", "N", "~", *("N" for _ in TIMES_S[3:])]
        wfdb.wrann(name, "atr", marks, symbols, fs=RATE_HZ, write_dir=str(folder))
    return folder / f"{name}.hea"


@pytest.mark.parametrize(
    "text",
    [
        "800\n700\n900\n",
        "0.8, 0.7, 0.9",
        "# from a watch\n800;700;900\n",
        "\ufeffrr_ms\n800\n700\n900\n",
        "time,rr_s,beat\n0,0.8,N\n0.8,0.7,V\n1.5,0.9,N\n",
        "rr\n0.8\n0.7\n0.9",
    ],
)
def test_lists_of_intervals_are_read_in_ms_and_in_s(text: str, tmp_path: Path) -> None:
    path = tmp_path / "rr.csv"
    path.write_text(text, encoding="utf-8")
    assert read_track(path).rr_ms == pytest.approx((800, 700, 900))


def test_a_line_of_heart_listen_brings_its_second_sounds(tmp_path: Path) -> None:
    beats = [{"s1": 0.5, "s2": 0.8}, {"s1": 1.3, "s2": None}, {"s1": 2.2, "s2": 2.5}]
    path = tmp_path / "heard.json"
    path.write_text(json.dumps({"file": "a.wav", "beats": beats}) + "\n" + json.dumps({"beats": []}) + "\n")
    track = read_track(path, loop=True)
    assert track.rr_ms == pytest.approx((800, 900))
    assert track.systole_ms == pytest.approx((300, 0))
    assert track.loop


def test_what_heart_listen_prints_can_be_sung_again(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", generate(10, bpm=80, rmssd=0, voice="pulse"), SAMPLE_RATE_HZ)
    printed = CliRunner().invoke(main, ["listen", str(tmp_path / "a.wav"), "--json"])
    (tmp_path / "a.json").write_text(printed.stdout)
    track = read_track(tmp_path / "a.json")
    assert track.bpm == pytest.approx(80, abs=1.5)
    assert 200 < np.median(track.systole_ms) < 400


@pytest.mark.parametrize("annotated", [True, False])
def test_an_ecg_record_gives_its_beats(annotated: bool, tmp_path: Path) -> None:
    path = write_record(tmp_path, annotated=annotated)
    found_s = np.array(read_peaks(path))
    assert len(found_s) == pytest.approx(len(TIMES_S), abs=0 if annotated else 1)
    assert np.abs(found_s[:, None] - TIMES_S).min(1).max() < (0.005 if annotated else 0.05)
    assert read_track(path.with_suffix(".dat")).bpm == pytest.approx(75, abs=1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no RR"),
        (b"# nothing\n\n", "no RR"),
        (b"eight hundred", "eight"),
        (b"800\n20\n700", "RR interval 2 is 20"),
        (b"800\nnan\n", "RR interval 2 is nan"),
        (b"1e999", "RR interval 1"),
        (b"2500 2500", "24.0 bpm"),
        (b"time,rr_ms\n0,800\n1\n", "row 3"),
        (b"\xff\xfe\x00\x01", "not text"),
        (b'{"beats": 7}', "no beats"),
        (b'{"bpm": 70}', "beats"),
        (b'{"beats": [{"s1": 1}, {"s1": 0.5}]}', "RR interval 1"),
        (b'{"beats": [{"s1": NaN}, {"s1": 2}]}', "RR interval 1"),
        (b'{"beats": ', "no beats"),
        (b'{"a":' + b"[" * 200_000, "no beats"),
        (b"800 " * 200_001, "200001 RR"),
        (b"800\n" * 2_200_000, "8 MB"),
    ],
)
def test_damaged_lists_are_one_line(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "rr.txt"
    path.write_bytes(content)
    with pytest.raises(FileError, match=words) as error:
        read_track(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


HEADERS = {
    "empty": ("", "no record line"),
    "itself as a segment": ("heart/2 1 250 1000\nheart 500\nheart 500", "several segments"),
    "ten to the eleven samples": ("heart 1 250 100000000000\nheart.dat 16", "samples"),
    "no rate": ("heart 1 0 1000\nheart.dat 16", "samples a second"),
    "an endless rate": ("heart 1 1e999 1000\nheart.dat 16", "samples a second"),
    "a rate that is no number": ("heart 1 nan 1000\nheart.dat 16", "samples a second"),
    "a path upwards": ("heart 1 250 1000\n../secret.dat 16", "plain name"),
    "an absolute path": ("heart 1 250 1000\n/etc/passwd 16", "plain name"),
    "a name on the web": ("heart 1 250 1000\nhttp://example.org/heart.dat 16", "plain name"),
    "a name in a cloud": ("heart 1 250 1000\ns3://bucket/heart.dat 16", "plain name"),
    "a record on the web": ("http://example.org/heart 1 250 1000\nheart.dat 16", "segments, or a path"),
    "another record": ("other 1 250 1000\nheart.dat 16", "other"),
    "a million signals": ("heart 1000000 250 1000", "signals"),
    "fewer signals than told": ("heart 2 250 1000\nheart.dat 16", "describes 1"),
    "less sound than told": ("heart 1 250 900000\nheart.dat 16", "shorter"),
    "an unknown format": ("heart 1 250 1000\nheart.dat 999", "format"),
    "no length": ("heart 1 250\nheart.dat 16", "how many samples"),
    "a missing file": ("heart 1 250 1000\nmissing.dat 16", "No such file"),
    "too long a header": ("heart 1 250 1000\nheart.dat 16\n" + "#" * 70_000, "a header has at most"),
}


@pytest.mark.case("R36")
@pytest.mark.parametrize("case", HEADERS)
def test_a_hostile_header_is_refused_at_once(case: str, tmp_path: Path) -> None:
    text, words = HEADERS[case]
    path = write_record(tmp_path)
    path.write_text(text)
    began_s = time.process_time()
    with pytest.raises(FileError, match=words):
        read_track(path)
    assert time.process_time() - began_s < 1


AUDITED = """
import json, sys
from pathlib import Path
seen = []
sys.addaudithook(lambda event, args: seen.append((event, str(args[0]))) if event in ("open", "socket.connect",
    "socket.__new__", "subprocess.Popen") else None)
from heart.errors import HeartError
from heart.stage.beat_files import read_track
seen.clear()
try:
    read_track(Path(sys.argv[1]))
except HeartError as error:
    print(json.dumps([str(error), seen]))
"""


@pytest.mark.case("R36")
@pytest.mark.parametrize(
    "case", ["a path upwards", "a name on the web", "a record on the web", "a name in a cloud"]
)
def test_a_header_leads_nowhere_else(case: str, tmp_path: Path) -> None:
    import subprocess

    path = write_record(tmp_path)
    path.write_text(HEADERS[case][0])
    done = subprocess.run([sys.executable, "-c", AUDITED, str(path)], capture_output=True, text=True, timeout=60)
    _, seen = json.loads(done.stdout)
    assert all(event == "open" and Path(name).parent == tmp_path for event, name in seen), seen


@pytest.mark.case("R36")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without named pipes")
@pytest.mark.parametrize("suffix", [".hea", ".dat", ".atr"])
def test_a_pipe_is_not_waited_for(suffix: str, tmp_path: Path) -> None:
    path = write_record(tmp_path, annotated=True)
    path.with_suffix(suffix).unlink()
    os.mkfifo(path.with_suffix(suffix))
    with pytest.raises(FileError, match="not a regular file"):
        read_track(path)


def test_a_flat_signal_and_damaged_annotations_are_one_line(tmp_path: Path) -> None:
    path = write_record(tmp_path)
    path.with_suffix(".dat").write_bytes(bytes(path.with_suffix(".dat").stat().st_size))
    with pytest.raises(HeartError, match=r"no beats|damaged"):
        read_track(path)
    path.with_suffix(".atr").write_bytes(os.urandom(333))
    with pytest.raises(HeartError) as error:
        read_track(path)
    assert "\n" not in str(error.value)


def test_a_record_is_found_by_any_of_its_files_and_missing_ones_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"nothing\.hea"):
        read_track(tmp_path / "nothing.dat")
    with pytest.raises(FileError, match=r"nothing\.txt"):
        read_track(tmp_path / "nothing.txt")
    with pytest.raises(FileError, match="not a regular file"):
        read_track(tmp_path)


def test_heart_generate_sings_a_file_of_beats_at_its_own_length(tmp_path: Path) -> None:
    (tmp_path / "rr.txt").write_text("500 900 " * 4)
    out = tmp_path / "o.wav"
    command = ["generate", "-o", str(out), "--voice", "pulse", "--beats", str(tmp_path / "rr.txt")]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    from heart.audio import read_audio
    from heart.listening.judge import onsets, score

    sound, rate = read_audio(out)
    assert len(sound) / rate == pytest.approx(5.6)
    s1_s = 0.15 + np.cumsum([0.0, *([0.5, 0.9] * 4)])[:-1]
    assert score(onsets(sound, rate), s1_s, 0.02).recall == 1
    shutil.copy(tmp_path / "rr.txt", tmp_path / "rr.hea")
    done = CliRunner().invoke(main, [*command[:-1], str(tmp_path / "rr.hea")])
    assert (done.exit_code, done.output.count("\n")) == (1, 1)


@pytest.mark.parametrize(
    ("ramp", "words"),
    [
        ("bpm:60:120", "write it as"),
        ("gain:0:1:2", "write it as"),
        ("bpm:a:b:c", "numbers"),
        ("bpm:60:500:3", "220"),
    ],
)
def test_a_ramp_that_cannot_be_is_one_line(ramp: str, words: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["generate", "-o", str(tmp_path / "o.wav"), "--voice", "pulse", "--ramp", ramp])
    assert done.exit_code == 2
    assert words in done.output
