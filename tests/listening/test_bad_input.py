"""Whatever `heart listen` is given: a clear line or an honest "no rhythm", never a crash, never a guess."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heart.audio import read_audio
from heart.cli import main
from heart.errors import FileError

RATE_HZ = 8000
SECONDS = 5
TIME_S = np.arange(SECONDS * RATE_HZ) / RATE_HZ
RANDOM = np.random.default_rng(0)
NOISE = 0.2 * RANDOM.standard_normal(len(TIME_S)).clip(-3, 3)


def listen(*args: object) -> Result:
    return CliRunner().invoke(main, ["listen", *map(str, args)])


def hears_nothing(path: Path) -> dict[str, object]:
    """Heard without complaint, and honestly: no rate, no beats, no illness."""
    result = listen("--json", path)
    assert result.exit_code == 0, result.output
    heard = json.loads(result.stdout)
    assert heard["bpm"] is None
    assert heard["beats"] == []
    assert heard["rr_s"] == []
    assert heard["valve"] is None
    assert heard["condition"] is None
    return dict(heard)


def refuses(path: Path, *words: str) -> None:
    """One line that names the file, exit code 1, in both forms of the output."""
    for form in ("--json",), ():
        result = listen(*form, path)
        assert result.exit_code == 1, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit)
        lines = [line for line in result.stderr.splitlines() if line.startswith("heart: ")]
        assert len(lines) == 1, result.stderr
        assert path.name in lines[0]
        assert "Traceback" not in result.output
        for word in words:
            assert word in lines[0]


def wav_header(data_bytes: int, channels: int = 1, riff: bytes = b"RIFF") -> bytes:
    frame = 2 * channels
    form = struct.pack("<IHHIIHH", 16, 1, channels, RATE_HZ, (RATE_HZ * frame) & 0xFFFFFFFF, frame & 0xFFFF, 16)
    return riff + b"\xff\xff\xff\xffWAVEfmt " + form + b"data" + struct.pack("<I", data_bytes)


STILL_OR_SENSELESS: dict[str, Callable[[], np.ndarray]] = {
    "silence": lambda: np.zeros(len(TIME_S)),
    "dither": lambda: 1e-5 * NOISE,
    "dc": lambda: np.full(len(TIME_S), 0.5),
    "full scale dc": lambda: np.ones(len(TIME_S)),
    "a step of dc": lambda: np.where(TIME_S < 2, 0.9, -0.9),
    "one click": lambda: (np.arange(len(TIME_S)) == RATE_HZ).astype(float),
    "noise": lambda: NOISE,
    "clipped noise": lambda: np.sign(NOISE),
    "clipped hum": lambda: np.sign(np.sin(2 * np.pi * 50 * TIME_S)),
    "hum on dc": lambda: 0.5 + 0.4 * np.sin(2 * np.pi * 50 * TIME_S),
}


@pytest.mark.parametrize("kind", STILL_OR_SENSELESS)
def test_what_is_no_heart_gets_no_rate(kind: str, tmp_path: Path) -> None:
    sf.write(tmp_path / "x.wav", STILL_OR_SENSELESS[kind](), RATE_HZ)
    hears_nothing(tmp_path / "x.wav")


@pytest.mark.parametrize("frames", [2, 80, 441, 2000])
def test_a_sound_of_milliseconds_gets_no_rate(frames: int, tmp_path: Path) -> None:
    for sound in (NOISE[:frames], np.zeros(frames)):
        sf.write(tmp_path / "x.wav", sound, RATE_HZ)
        result = listen("--json", tmp_path / "x.wav")
        assert result.exit_code in (0, 1), result.output
        if result.exit_code == 0:
            assert json.loads(result.stdout)["bpm"] is None


@pytest.mark.parametrize("rate_hz", [500, 11_025, 192_000])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "FLOAT"])
def test_every_rate_and_width_is_heard(rate_hz: int, subtype: str, tmp_path: Path) -> None:
    sf.write(tmp_path / "x.wav", 0.2 * RANDOM.standard_normal((rate_hz, 2)).clip(-3, 3), rate_hz, subtype=subtype)
    assert hears_nothing(tmp_path / "x.wav")["seconds"] == pytest.approx(1.0, abs=0.002)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e9])
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_samples_that_are_no_numbers_are_refused(bad: float, subtype: str, tmp_path: Path) -> None:
    sound = NOISE.copy()
    sound[2 * RATE_HZ] = bad
    sf.write(tmp_path / "x.wav", sound, RATE_HZ, subtype=subtype)
    refuses(tmp_path / "x.wav", "not numbers")


def encoded(kind: str) -> bytes:
    file = io.BytesIO()
    sf.write(file, NOISE[: 2 * RATE_HZ], RATE_HZ, format=kind.upper())
    return file.getvalue()


WHOLE = {kind: encoded(kind) for kind in ("wav", "flac", "ogg", "mp3", "aiff")}


@pytest.mark.parametrize("kind", WHOLE)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.99])
def test_a_truncated_file_is_refused_or_heard_as_far_as_it_goes(kind: str, share: float, tmp_path: Path) -> None:
    path = tmp_path / f"cut.{kind}"
    path.write_bytes(WHOLE[kind][: int(share * len(WHOLE[kind]))])
    if listen("--json", path).exit_code == 1:
        refuses(path)
    else:
        assert float(str(hears_nothing(path)["seconds"])) < 2.1


@pytest.mark.parametrize("name", ["x.wav", "x.flac", "x.mp3", "x.ogg"])
@pytest.mark.parametrize("content", [b"dear diary\n" * 500, b"<html>" * 500, bytes(4000), b"\x7fELF" * 900, b"ID3"])
def test_other_files_with_the_name_of_a_sound_are_refused(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    refuses(tmp_path / name, "cannot be read as sound")


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.wav").touch()
    refuses(tmp_path / "x.wav", "empty")


def test_headers_that_claim_too_much_are_refused(tmp_path: Path) -> None:
    (tmp_path / "channels.wav").write_bytes(wav_header(200_000, channels=1000) + bytes(200_000))
    refuses(tmp_path / "channels.wav", "channels")
    with (tmp_path / "huge.wav").open("wb") as file:
        file.write(huge_header(100 * 2**30))
        file.truncate(100 * 2**30)
    refuses(tmp_path / "huge.wav", "at most")


def huge_header(size: int) -> bytes:
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, size, size - 80, size // 2, 0)
    form = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    return b"RF64\xff\xff\xff\xffWAVE" + ds64 + form + b"data\xff\xff\xff\xff"


def test_a_small_file_that_claims_four_gigabytes_is_heard_as_what_it_is(tmp_path: Path) -> None:
    sound = (NOISE[:RATE_HZ] * 32767).astype("<i2").tobytes()
    (tmp_path / "x.wav").write_bytes(wav_header(0xFFFFFFFF) + sound)
    assert hears_nothing(tmp_path / "x.wav")["seconds"] == pytest.approx(1.0, abs=0.01)


def test_things_that_are_no_files_are_refused_at_once(tmp_path: Path) -> None:
    refuses(tmp_path / "nothing.wav", "cannot be found")
    for device in (Path("/dev/null"), Path("/dev/zero")):
        if device.exists():
            refuses(device, "pipe or device")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.wav")
        refuses(tmp_path / "pipe.wav", "pipe or device")


def test_a_folder_without_sounds_says_what_it_looked_for(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no sound")
    result = listen(tmp_path)
    assert result.exit_code in (1, 2)
    assert "no sound files" in result.stderr
    assert ".wav" in result.stderr


def test_a_bad_file_among_good_ones_costs_only_its_own_line(tmp_path: Path) -> None:
    for name in ("a.wav", "c.wav"):
        sf.write(tmp_path / name, NOISE, RATE_HZ)
    (tmp_path / "b.wav").write_bytes(b"RIFF")
    result = listen("--json", tmp_path)
    assert result.exit_code == 1
    assert [Path(json.loads(line)["file"]).name for line in result.stdout.splitlines()] == ["a.wav", "c.wav"]
    assert result.stderr.count("b.wav") == 1


def test_names_nobody_can_print_are_printed_escaped(tmp_path: Path) -> None:
    """In a process of its own, because only a real terminal's encoding can fail."""
    sf.write(tmp_path / "x.wav", NOISE, RATE_HZ)
    names = [b"two\nlines.wav", b"\xff\xfe.wav", b"\x1b[31mred.wav", b"[bold]x[red].wav"]
    made = [name for name in names if copied(tmp_path / "x.wav", tmp_path / os.fsdecode(name))]
    assert made == names or sys.platform != "linux"  # other systems refuse some of these names themselves
    done = in_a_process(["listen", str(tmp_path)], PYTHONIOENCODING="utf-8:strict")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert sum(".wav" in line for line in lines) == 1 + len(made)
    assert "\x1b" not in done.stdout
    refused = in_a_process(["listen", str(tmp_path / "broken\nname.wav")])
    assert refused.returncode == 1
    assert "broken\\nname.wav" in refused.stderr


def copied(source: Path, goal: Path) -> bool:
    """Whether this system lets a file have that name."""
    try:
        goal.write_bytes(source.read_bytes())
    except OSError:
        return False
    return True


def in_a_process(args: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.run(
        [sys.executable, "-c", "from heart.cli import main; main()", *args],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": paths, **variables},
    )


@pytest.mark.parametrize("kind", WHOLE)
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_mutated_bytes_give_finite_sound_or_one_line(kind: str, data: st.DataObject, tmp_path: Path) -> None:
    """Bytes changed, put in or cut away, most of them in the header."""
    whole = bytearray(WHOLE[kind])
    for _ in range(data.draw(st.integers(1, 6), label="changes")):
        at = data.draw(st.integers(0, 80) | st.integers(0, len(whole) - 1), label="at")
        whole[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9), label="bytes")
    path = tmp_path / f"mutant.{kind}"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)), label="cut")])
    try:
        sound, rate_hz = read_audio(path, rate_hz=2000)
    except FileError as error:
        said = str(error)
    else:
        said = "mutant heard"
        assert rate_hz == 2000
        assert np.isfinite(sound).all()
        assert 0 < len(sound) <= 3600 * 2000
    assert len(said.splitlines()) == 1
    assert "mutant" in said


MEMORY = """
import resource, sys
from click.testing import CliRunner
from heart.cli import main
UNIT = 1024 if sys.platform == "linux" else 2**20
def peak_mb(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNIT
CliRunner().invoke(main, ["listen", "--json", sys.argv[1]])
before = peak_mb()
for path in sys.argv[2:]:
    result = CliRunner().invoke(main, ["listen", "--json", path])
    assert result.exit_code == 1, result.output
print(peak_mb() - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no getrusage, and no holes in a file that is made longer")
def test_no_file_takes_more_memory_than_it_should(tmp_path: Path) -> None:
    sf.write(tmp_path / "good.wav", NOISE, RATE_HZ)
    paths = [tmp_path / "huge.wav", tmp_path / "long.wav", tmp_path / "bomb.flac"]
    with paths[0].open("wb") as file:
        file.write(huge_header(100 * 2**30))
        file.truncate(100 * 2**30)
    with paths[1].open("wb") as file:
        file.write(wav_header(2 * RATE_HZ * 15_000))
        file.truncate(44 + 2 * RATE_HZ * 15_000)
    with sf.SoundFile(paths[2], "w", 48_000, 8, "PCM_16", format="FLAC") as file:
        for _ in range(20):
            file.write(np.zeros((65_536, 8), np.int16))
    with paths[2].open("r+b") as file:  # the header now claims five hours
        file.seek(21)
        high = file.read(1)[0] & 0xF0
        file.seek(21)
        file.write(struct.pack(">BI", high, 5 * 3600 * 48_000))
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(tmp_path / "good.wav"), *map(str, paths)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 60
