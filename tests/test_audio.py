"""Sound files: what is fine is read exactly, what is not is refused in one line, soon and cheaply."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heart.audio import db_to_gain, gain_to_db, read_audio, resample, shown, write_audio
from heart.errors import FileError, UsageError

RATE_HZ = 44_100


def tone(seconds: float = 0.5, rate_hz: int = RATE_HZ, hz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def wav_header(frames: int, rate_hz: int = RATE_HZ, channels: int = 1, bits: int = 16, tag: int = 1) -> bytes:
    """A WAV header that claims whatever is asked."""
    width = channels * bits // 8
    size = (frames * width) & 0xFFFFFFFF
    form = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * width & 0xFFFFFFFF, width & 0xFFFF, bits)
    head = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", (4 + len(head) + size) & 0xFFFFFFFF) + b"WAVE" + head


def refused(path: Path | str, **settings) -> str:
    """The one line with which a file is refused, within a second."""
    begin_s = time.perf_counter()
    with pytest.raises(FileError) as caught:
        read_audio(path, **settings)
    assert time.perf_counter() - begin_s < 1.0
    line = str(caught.value)
    assert "\n" not in line
    assert shown(path) in line
    return line


@pytest.mark.parametrize(
    ("suffix", "subtype", "error"), [(".wav", "FLOAT", 0), (".wav", "PCM_16", 2**-15), (".flac", "PCM_24", 2**-23)]
)
def test_what_is_written_is_read(tmp_path: Path, suffix: str, subtype: str, error: float) -> None:
    path = tmp_path / f"tone{suffix}"
    write_audio(path, tone(), RATE_HZ, subtype)
    sound, rate_hz = read_audio(path)
    assert (rate_hz, sound.dtype, sound.shape) == (RATE_HZ, np.float32, tone().shape)
    assert np.abs(sound - tone()).max() <= error


def test_channels_are_averaged_or_kept(tmp_path: Path) -> None:
    stereo = np.stack((tone(), -0.5 * tone()), axis=1)
    write_audio(tmp_path / "s.wav", stereo, RATE_HZ, "FLOAT")
    assert np.allclose(read_audio(tmp_path / "s.wav")[0], 0.25 * tone(), atol=1e-7)
    assert np.array_equal(read_audio(tmp_path / "s.wav", mono=False)[0], stereo)


def test_a_long_file_read_at_another_rate_equals_one_resampling_of_the_whole(tmp_path: Path) -> None:
    sound = np.random.default_rng(0).standard_normal(200_000).astype(np.float32) * 0.1
    write_audio(tmp_path / "n.wav", sound, RATE_HZ, "FLOAT")
    read, rate_hz = read_audio(tmp_path / "n.wav", rate_hz=4000)
    assert rate_hz == 4000
    assert abs(len(read) - 200_000 * 4000 / RATE_HZ) <= 1
    assert np.allclose(read, resample(sound, RATE_HZ, 4000)[: len(read)], atol=1e-6)


def test_resampling_keeps_time_and_level() -> None:
    there = resample(tone(1.0), RATE_HZ, 48_000)
    assert abs(len(there) - 48_000) <= 1
    middle = slice(1000, 47_000)
    assert np.abs(there[middle] - tone(1.0, 48_000)[: len(there)][middle]).max() < 1e-3
    assert resample(tone(), RATE_HZ, RATE_HZ) is not None
    assert resample(np.zeros((100, 2)), 8000, 16_000).shape == (200, 2)


def test_levels_in_db() -> None:
    assert db_to_gain(-6.0) == pytest.approx(0.501187)
    assert gain_to_db(0.5) == pytest.approx(-6.0206)
    assert db_to_gain(-np.inf) == 0
    assert gain_to_db(0) == -np.inf


def test_silence_is_read(tmp_path: Path) -> None:
    write_audio(tmp_path / "s.wav", np.zeros(1000), RATE_HZ)
    assert not read_audio(tmp_path / "s.wav")[0].any()


def test_a_file_that_breaks_off_gives_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "cut.wav"
    path.write_bytes(wav_header(RATE_HZ) + np.ones(5000, dtype="<i2").tobytes())
    assert len(read_audio(path)[0]) == 5000


def test_missing_folders_pipes_and_devices_are_refused(tmp_path: Path) -> None:
    assert "cannot be found" in refused(tmp_path / "none.wav")
    assert "not a file" in refused(tmp_path)
    os.mkfifo(tmp_path / "pipe.wav")
    assert "not a file" in refused(tmp_path / "pipe.wav")
    assert "not a file" in refused("/dev/zero")
    assert "cannot be found" in refused("a\0b")


@pytest.mark.parametrize("content", [b"", b"hello", b"RIFF", os.urandom(4096), wav_header(0), wav_header(10)[:30]])
def test_what_is_no_sound_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    refused(path)


@pytest.mark.case("R35")
@pytest.mark.parametrize(
    ("claim", "word"),
    [
        ({"rate_hz": 2**31 - 1}, "rate"),
        ({"rate_hz": 1}, "rate"),
        ({"channels": 9}, "channels"),
        ({"tag": 2, "bits": 4}, ""),
    ],
)
def test_absurd_claims_are_refused(tmp_path: Path, claim: dict[str, int], word: str) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(wav_header(20_000, **claim) + bytes(40_000))
    assert word in refused(path)


@pytest.mark.case("R35")
@pytest.mark.parametrize("rate_hz", [0, 65_535])
@pytest.mark.parametrize("channels", [0, 65_535])
def test_zeros_and_maxima_are_refused(tmp_path: Path, rate_hz: int, channels: int) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(wav_header(20_000, rate_hz, channels) + bytes(40_000))
    with pytest.raises(FileError):
        read_audio(path)


@pytest.mark.case("R35")
def test_an_hour_and_more_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with path.open("wb") as file:
        file.write(wav_header(8000 * 3700, rate_hz=8000))
        file.truncate(44 + 2 * 8000 * 3700)
    assert "at most 3600 s" in refused(path)
    assert "at most 10 s" in refused(path, max_seconds=10)


@pytest.mark.case("R35")
def test_hundred_gigabytes_of_nothing_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.wav"
    size = 100 * 2**30
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, size, size - 80, size // 2, 0)
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    with path.open("wb") as file:
        file.write(b"RF64\xff\xff\xff\xffWAVE" + ds64 + form + b"data\xff\xff\xff\xff")
        file.truncate(size)
    assert "at most 3600 s" in refused(path)


@pytest.mark.case("R35")
def test_a_small_file_that_unpacks_to_much_is_refused_and_costs_no_memory(tmp_path: Path) -> None:
    """58 minutes of eight silent channels fit into a small FLAC file; decoded they would fill 4 GB."""
    path = tmp_path / "bomb.flac"
    with sf.SoundFile(path, "w", 192_000, 8, "PCM_16", format="FLAC") as file:
        for _ in range(20):
            file.write(np.zeros((65_536, 8), dtype=np.int16))
    with path.open("r+b") as file:
        file.seek(21)
        high = file.read(1)[0] & 0xF0
        file.seek(21)
        file.write(struct.pack(">BI", high, 58 * 60 * 192_000))
    tracemalloc.start()
    assert "MB" in refused(path, mono=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10e6


@pytest.mark.case("R35")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_sound_are_refused_with_their_place(tmp_path: Path, bad: float) -> None:
    sound = np.zeros(4 * RATE_HZ, dtype=np.float32)
    sound[3 * RATE_HZ] = bad
    sf.write(tmp_path / "bad.wav", sound, RATE_HZ, subtype="FLOAT")
    assert "near 3.0 s" in refused(tmp_path / "bad.wav")
    assert "near 3.0 s" in refused(tmp_path / "bad.wav", rate_hz=8000)


@pytest.mark.case("R37")
@given(st.binary(min_size=1, max_size=60), st.integers(0, 120))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_bytes_give_sound_or_one_line(tmp_path: Path, damage: bytes, at: int) -> None:
    path = tmp_path / "d.wav"
    whole = wav_header(500) + tone(500 / RATE_HZ).astype("<f4").tobytes()
    path.write_bytes(whole[:at] + damage + whole[at + len(damage) :])
    try:
        sound, rate_hz = read_audio(path)
    except FileError as error:
        lines = str(error).splitlines()
    else:
        lines = ["fine"]
        assert np.isfinite(sound).all()
        assert 500 <= rate_hz <= 192_000
    assert len(lines) == 1


def test_writing_replaces_the_file_or_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "out.wav"
    write_audio(path, tone(), RATE_HZ)
    before = path.read_bytes()
    with pytest.raises(FileError, match="cannot be written"):
        write_audio(path, tone(), -1)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["out.wav"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no folder"):
        write_audio(tmp_path / "none" / "out.wav", tone(), RATE_HZ)


@pytest.mark.parametrize(("name", "subtype"), [("out.mp3", "PCM_16"), ("out", "PCM_16"), ("out.flac", "FLOAT")])
def test_other_kinds_are_refused(tmp_path: Path, name: str, subtype: str) -> None:
    with pytest.raises(UsageError, match="cannot write"):
        write_audio(tmp_path / name, tone(), RATE_HZ, subtype)
    assert not os.listdir(tmp_path)


def test_importing_it_loads_no_library() -> None:
    code = "import heart.audio, sys; print(*{'soundfile', 'soxr', 'scipy', 'torch'} & set(sys.modules))"
    paths = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.stdout.strip() == ""


def test_only_the_beginning_of_a_long_sound_is_read_when_that_is_wanted(tmp_path: Path) -> None:
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 48_000 * 3).astype(np.float32)
    sf.write(tmp_path / "long.wav", sound, 48_000, subtype="FLOAT")
    beginning, _ = read_audio(tmp_path / "long.wav", first_seconds=1.0)
    assert np.array_equal(beginning, sound[:48_000])
    slower, rate_hz = read_audio(tmp_path / "long.wav", rate_hz=16_000, first_seconds=0.5, max_bytes=40_000)
    assert (len(slower), rate_hz) == (8_000, 16_000)
    assert len(read_audio(tmp_path / "long.wav", first_seconds=9.0)[0]) == len(sound)
