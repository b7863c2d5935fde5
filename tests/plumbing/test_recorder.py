"""A take is whole, or whole up to a moment ago; and a full disk does not stop the sound."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from heart.audio import read_audio
from heart.errors import FileError, UsageError
from heart.plumbing.recorder import Recorder
from heart.plumbing.takes import FlacTake, WavTake

RATE_HZ = 44_100
BLOCK = 256
KINDS = [(".wav", WavTake, 0.0), (".flac", FlacTake, 2**-23)]


def noise(frames: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(frames).uniform(-0.5, 0.5, (frames, channels)).astype(np.float32)


class Session:
    """A recorder with everything it said."""

    def __init__(self, path: Path, channels: int = 1) -> None:
        self.events: list[tuple[str, str]] = []
        self.recorder = Recorder(path, RATE_HZ, channels, lambda *event: self.events.append(event))

    @property
    def words(self) -> list[str]:
        return [event for event, _ in self.events]

    def write(self, sound: np.ndarray) -> None:
        for at in range(0, len(sound), BLOCK):
            self.recorder.write(sound[at : at + BLOCK])

    async def until(self, condition: Callable[[], object], seconds: float = 15.0) -> None:
        end_s = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end_s, f"waited {seconds} s in vain; events: {self.events}"
            await asyncio.sleep(0.005)


def record(path: Path, scene: Callable, channels: int = 1, target: str = "") -> Session:
    """Start a recorder, play the scene, close the take."""

    async def play() -> Session:
        session = Session(path, channels)
        session.recorder.worker.target = target or session.recorder.worker.target
        session.recorder.start()
        try:
            await scene(session)
        finally:
            await session.recorder.stop()
        return session

    return asyncio.run(play())


@pytest.mark.parametrize(("suffix", "_", "error"), KINDS)
@pytest.mark.parametrize("channels", [1, 2])
def test_every_sample_is_in_the_take(tmp_path: Path, suffix: str, _: type, error: float, channels: int) -> None:
    sound, path = noise(5 * RATE_HZ + 77, channels), tmp_path / f"take{suffix}"

    async def scene(session: Session) -> None:
        session.write(sound)  # also what came before it was ready

    record(path, scene, channels)
    taken, rate_hz = sf.read(path, dtype="float32", always_2d=True)
    assert rate_hz == RATE_HZ
    assert taken.shape == sound.shape
    assert np.abs(taken - sound).max() <= error


@pytest.mark.case("R39")
@pytest.mark.parametrize(("suffix", "_", "error"), KINDS)
def test_a_killed_recorder_leaves_all_but_the_last_second(
    tmp_path: Path, suffix: str, _: type, error: float
) -> None:
    path, sound = tmp_path / f"take{suffix}", noise(8 * RATE_HZ)
    at_death = 0

    async def scene(session: Session) -> None:
        nonlocal at_death
        await session.until(lambda: "ready" in session.words)
        begin_s = time.monotonic()
        while at_death < 4 * RATE_HZ:  # at the pace of music
            due = int((time.monotonic() - begin_s) * RATE_HZ)
            while at_death < due:
                session.recorder.write(sound[at_death : at_death + BLOCK])
                at_death += BLOCK
            await asyncio.sleep(0.01)
        session.recorder.worker.kill()
        await session.until(lambda: session.words.count("ready") == 2)
        session.write(sound[:RATE_HZ])

    session = record(path, scene)
    taken, _rate = read_audio(path)
    assert at_death - RATE_HZ <= len(taken) <= at_death
    assert np.abs(taken - sound[: len(taken), 0]).max() <= error
    rest, _rate = read_audio(tmp_path / f"take-2{suffix}")
    assert np.abs(rest - sound[:RATE_HZ, 0]).max() <= error
    assert any(event == "error" and f"take-2{suffix}" in text for event, text in session.events)


@pytest.mark.case("R38")
@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_full_disk_is_said_once_and_the_take_can_be_opened(tmp_path: Path, suffix: str) -> None:
    """A limit on file sizes stands in for a full disk: the write fails in the same place."""
    path, sound = tmp_path / f"take{suffix}", noise(20 * RATE_HZ)

    async def scene(session: Session) -> None:
        session.write(sound)
        await session.until(lambda: "error" in session.words)
        begin_s = time.monotonic()
        session.write(sound)
        assert time.monotonic() - begin_s < 1.0  # nobody waits for the disk
        await asyncio.sleep(0.3)

    session = record(path, scene, target="worker_targets:recorder_on_a_small_disk")
    errors = [text for event, text in session.events if event == "error"]
    assert len(errors) == 1
    assert str(path) in errors[0]
    assert "free some space" in errors[0]
    assert "died" not in session.words
    taken, _ = read_audio(path)
    assert 0.5e6 < len(taken) * (4 if suffix == ".wav" else 3) <= 2e6
    assert np.abs(taken - sound[: len(taken), 0]).max() <= 2**-23


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "take.wav"
    path.write_bytes(b"old" * 1000)

    async def scene(session: Session) -> None:
        session.write(noise(BLOCK))

    record(path, scene)
    assert len(read_audio(path)[0]) == BLOCK
    assert os.listdir(tmp_path) == ["take.wav"]


def test_places_that_cannot_be_written_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be written"):
        Recorder(tmp_path / "none" / "take.wav", RATE_HZ)
    with pytest.raises(UsageError, match=r"recorded as \.wav or \.flac"):
        Recorder(tmp_path / "take.mp3", RATE_HZ)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(("suffix", "kind", "error"), KINDS)
def test_a_take_is_whole_at_every_flush(tmp_path: Path, suffix: str, kind: type, error: float) -> None:
    take, sound = kind(tmp_path / f"t{suffix}", RATE_HZ, 2), noise(30_000, 2)
    for end in (10_000, 20_000, 30_000):
        take.write(sound[end - 10_000 : end])
        take.flush()
        seen, _ = read_audio(tmp_path / f"t{suffix}", mono=False)
        assert end - 9300 <= len(seen) <= end
        assert np.abs(seen - sound[: len(seen)]).max() <= error
    take.close()
    seen, _ = read_audio(tmp_path / f"t{suffix}", mono=False)
    assert len(seen) == 30_000


@pytest.mark.parametrize(("suffix", "kind", "_"), KINDS)
def test_lost_frames_become_silence_in_their_place(tmp_path: Path, suffix: str, kind: type, _: float) -> None:
    take, sound = kind(tmp_path / f"t{suffix}", RATE_HZ, 1), noise(1000)
    take.write(sound)
    take.pad_to(5000)
    take.pad_to(10)
    take.write(sound)
    take.close()
    seen, _rate = read_audio(tmp_path / f"t{suffix}")
    assert len(seen) == 6000
    assert not seen[1000:5000].any()
    assert np.abs(seen[5000:] - sound[:, 0]).max() <= 2**-23


def test_a_wav_take_has_the_header_that_others_write(tmp_path: Path) -> None:
    take = WavTake(tmp_path / "t.wav", 48_000, 2)
    take.write(noise(100, 2))
    take.close()
    info = sf.info(tmp_path / "t.wav")
    assert (info.format, info.subtype, info.samplerate, info.channels, info.frames) == (
        "WAV",
        "FLOAT",
        48_000,
        2,
        100,
    )
