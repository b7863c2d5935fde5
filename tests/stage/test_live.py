"""The live engine as a process: real sockets, workers and signals. The voice is `pulse`, which starts at once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from heart.audio import read_audio, write_audio
from heart.plumbing.client import HeartClient
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.offline import generate
from heart.stage.measure import compare
from heart.stage.rehearsal import RunningEngine, running_engine

PULSE = ("--voice", "pulse")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[RunningEngine]:
    with running_engine(tmp_path, *PULSE) as running:
        yield running


@contextlib.contextmanager
def joined(engine: RunningEngine) -> Iterator[HeartClient]:
    client = HeartClient("127.0.0.1", engine.port).start()
    try:
        assert client.wait_until(lambda: client.fill_ms > 100, 5)
        yield client
    finally:
        client.stop()


def test_a_performance_is_played_as_it_was_sent_and_ends_cleanly(engine: RunningEngine) -> None:
    children = psutil.Process(engine.process.pid).children(recursive=True)
    with joined(engine) as client:
        client.send("/heart/set/bpm", 120)
        client.send("/heart/set/label", "AS")
        time.sleep(4)
        assert client.underruns == 0
        assert client.status is not None
        assert client.status[:3] == ("singing", "lead", "AS")
        played, beats = client.played_audio(), client.beats
    fast = [beat for beat in beats if beat.label == "AS" and abs(beat.bpm - 120) < 15]
    assert len(fast) >= 3
    engine.process.send_signal(signal.SIGINT)
    assert engine.process.wait(timeout=8) == 0
    _, alive = psutil.wait_procs(children, timeout=5)  # Python's resource tracker ends just after its parent
    assert not [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]
    sent, rate = read_audio(engine.record)
    assert rate == SAMPLE_RATE_HZ
    samples, wrong = compare(sent, played)
    assert samples > 3 * SAMPLE_RATE_HZ
    assert wrong == 0
    assert np.abs(sent).max() <= 0.8913


@pytest.mark.case("R22")
def test_a_killed_voice_is_not_heard_and_the_client_is_told(engine: RunningEngine) -> None:
    with joined(engine) as client:
        back_s, underruns = engine.kill("voice", client)
        assert back_s < 5
        assert underruns == 0
        assert client.silent_frames == 0


def test_a_killed_ear_comes_back_while_the_sound_goes_on(engine: RunningEngine) -> None:
    with joined(engine) as client:
        back_s, underruns = engine.kill("ear", client)
        assert (back_s < 5, underruns) == (True, 0)


def patient(seconds: float, bpm: float) -> np.ndarray:
    """A heart as a microphone gives it: beats from arithmetic, over the noise of a sensor."""
    heart = generate(seconds, bpm=bpm, rmssd=0, voice="pulse", seed=3)
    return heart + np.float32(0.02) * np.random.default_rng(0).standard_normal(len(heart)).astype(np.float32)


def send_heart(client: HeartClient, heart: np.ndarray, seconds: float) -> None:
    began_s = time.monotonic()
    for at in range(0, int(seconds * SAMPLE_RATE_HZ), 512):
        client.send_input(1, heart[at : at + 512])
        time.sleep(max(0.0, began_s + at / SAMPLE_RATE_HZ - time.monotonic()))


@pytest.mark.stage
def test_in_follow_mode_the_voice_takes_the_tempo_it_hears(engine: RunningEngine) -> None:
    heart = patient(20, bpm=96)
    with joined(engine) as client:
        client.send("/heart/set/mode", "follow")
        send_heart(client, heart, 10)
        assert client.status is not None
        heard_bpm, sung_bpm = client.status[4], client.status[3]
        assert heard_bpm == pytest.approx(96, abs=2)
        assert sung_bpm == pytest.approx(heard_bpm, abs=2)
        assert client.inbox.heard
        last = [beat.rr_ms for beat in client.beats[-4:]]
        assert 60_000 / np.mean(last) == pytest.approx(96, abs=5)


def test_a_heart_file_is_heard_as_if_live(tmp_path: Path) -> None:
    write_audio(tmp_path / "heart.wav", patient(15, bpm=104), SAMPLE_RATE_HZ)
    with (
        running_engine(tmp_path, *PULSE, "--heart", str(tmp_path / "heart.wav")) as engine,
        joined(engine) as client,
    ):
        assert client.wait_until(lambda: bool(client.status and abs(client.status[4] - 104) < 3), 12)
        assert client.status[1] == "follow"


@pytest.mark.case("R18")
def test_when_the_engine_is_restarted_the_stream_resumes_by_itself(tmp_path: Path) -> None:
    with running_engine(tmp_path, *PULSE) as first:
        client = HeartClient("127.0.0.1", first.port).start()
        client.wait_until(lambda: client.fill_ms > 100, 5)
        first.process.kill()
        first.process.wait()
    try:
        with running_engine(tmp_path, *PULSE, port=first.port):
            ready_s = time.monotonic()
            assert client.wait_until(lambda: client.fill_ms > 50, 5)
            assert time.monotonic() - ready_s < 2
    finally:
        client.stop()


def test_sync_is_answered_after_what_was_asked_before_it(engine: RunningEngine) -> None:
    with joined(engine) as client:
        client.send("/heart/set/label", "MS")
        client.send("/heart/sync", 11)
        assert client.wait_for("/heart/synced", 3) == (11,)
        assert client.wait_until(lambda: any(chunk.label == "MS" for chunk in client.inbox.chunks), 2)


def test_a_texture_asked_of_a_voice_without_any_is_refused_and_the_stream_goes_on(engine: RunningEngine) -> None:
    with joined(engine) as client:
        client.send("/heart/set/label", "rain")
        code, address, text = client.wait_for("/heart/error", 2)
        assert (code, address) == ("voice", "/heart/set/label")
        assert text.startswith("rain: this voice sings N, AS")
        client.send("/heart/set/mix_AS", 1.0)
        assert client.wait_until(lambda: any(chunk.label == "AS" for chunk in client.inbox.chunks), 3)


def test_the_default_voice_crosses_into_a_texture_and_mixes_it_with_a_heart(tmp_path: Path) -> None:
    with running_engine(tmp_path) as live, joined(live) as client:
        client.send("/heart/set/steps", 2)
        client.send("/heart/set/label", "rain")
        assert client.wait_until(lambda: any(chunk.label == "rain" for chunk in client.inbox.chunks), 20)
        client.send("/heart/norm/mix_N", 1.0)
        client.send("/heart/norm/mix_sea", 0.5)
        assert client.wait_until(lambda: any(chunk.label == "N+sea" for chunk in client.inbox.chunks), 20)
        assert np.isfinite(client.played_audio()).all()


@pytest.mark.case("R29")
def test_panic_is_silence_until_resume(engine: RunningEngine) -> None:
    with joined(engine) as client:
        time.sleep(1)
        client.send("/heart/panic")
        assert client.wait_for("/heart/done", 1) == ("/heart/panic",)
        begin = client.played
        time.sleep(1.5)
        quiet = client.played_audio()[begin + SAMPLE_RATE_HZ // 10 :]
        assert len(quiet) > SAMPLE_RATE_HZ
        assert np.abs(quiet).max() < 1e-4
        client.send("/heart/resume")
        begin = client.played
        time.sleep(1.5)
        assert np.abs(client.played_audio()[begin:]).max() > 0.05


def test_it_plays_on_a_device_as_well(tmp_path: Path) -> None:
    with running_engine(tmp_path, *PULSE, "--out", "null", "--in", "null") as engine, joined(engine) as client:
        time.sleep(1)
        assert client.underruns == 0
        assert "sound" in engine.pids
        assert not [line for line in engine.lines if "died" in line]


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    folder = tmp_path / "sounds"
    folder.mkdir()
    time_s = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    for name, hz in (("low.wav", 441.0), ("high.wav", 1764.0)):
        write_audio(folder / name, (0.2 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32), SAMPLE_RATE_HZ)
    return folder


def level(client: HeartClient, hz: float, seconds: float = 0.5) -> float:
    """Amplitude of a tone in what was played last."""
    played = client.played_audio()[-int(seconds * SAMPLE_RATE_HZ) :]
    turn = np.exp(-2j * np.pi * hz * np.arange(len(played)) / SAMPLE_RATE_HZ)
    return float(2 * np.abs((played * turn * np.hanning(len(played)) * 2).mean()))


@pytest.mark.parametrize("voice", ["pulse", "voice-heart"])
def test_loaded_sounds_are_varied_and_morphed_over_the_wire(tmp_path: Path, sounds: Path, voice: str) -> None:
    options = ("--voice", voice, "--threads", "1", "--sounds", str(sounds))
    with running_engine(tmp_path, *options) as engine, joined(engine) as client:
        for slot, name in ((1, "low.wav"), (2, "high.wav")):
            client.send("/heart/sound/load", slot, name)
            assert client.wait_for("/heart/done", 5) == ("/heart/sound/load",)
        client.send("/heart/set/source", "slot1")
        client.send("/heart/set/strength", 0.0)
        client.send("/heart/set/voice_mode", "vary")
        assert client.wait_until(lambda: level(client, 441) > 0.15, 10)
        client.send("/heart/morph", 0, 1)
        client.send("/heart/set/voice_mode", "morph")
        assert client.wait_until(lambda: level(client, 1764) > 0.15 and level(client, 441) < 0.02, 10)
        client.send("/heart/morph", 0.5, 0.5)
        client.send("/heart/set/morph_method", "fade")
        assert client.wait_until(lambda: 0.05 < level(client, 1764) < 0.15 and level(client, 441) > 0.05, 10)
        client.send("/heart/sound/clear", 2)
        assert client.wait_until(lambda: level(client, 1764) < 0.02, 10)
        client.send("/heart/set/voice_mode", "generate")
        assert client.wait_until(lambda: level(client, 441) < 0.02, 10)


def test_the_live_input_is_varied(engine: RunningEngine) -> None:
    time_s = np.arange(8 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    heard = (0.2 * np.sin(2 * np.pi * 600 * time_s)).astype(np.float32)
    with joined(engine) as client:
        client.send("/heart/set/strength", 0.0)
        client.send("/heart/set/voice_mode", "vary")
        send_heart(client, heard, 5)
        assert level(client, 600, 1.0) > 0.18
        assert client.wait_until(lambda: level(client, 600) < 0.02, 10), "when nothing is heard, it sings by itself"


def test_what_cannot_be_loaded_or_weighed_is_one_error_and_the_sound_goes_on(tmp_path: Path, sounds: Path) -> None:
    with running_engine(tmp_path, *PULSE, "--sounds", str(sounds)) as engine, joined(engine) as client:
        (sounds / "web.wav").write_text("<html>")
        for name, says in (("../take.wav", "not a path"), ("web.wav", "as sound"), ("none.wav", "be found")):
            client.send("/heart/sound/load", 1, name)
            code, address, text = client.wait_for("/heart/error", 3)
            assert (code, address) == ("failed", "/heart/sound/load")
            assert says in text
        client.send("/heart/morph", 0.0, 0.0)
        assert "all weights are 0" in client.wait_for("/heart/error", 3)[2]
        client.send("/heart/morph", *[0.1] * 9)
        assert client.wait_for("/heart/error", 3)[0] == "arity"
        played = client.played
        assert client.wait_until(lambda: client.played > played + SAMPLE_RATE_HZ, 5)
        assert np.abs(client.played_audio()[-SAMPLE_RATE_HZ:]).max() > 0.05


ENGINE_ONLY = """
import asyncio, sys
from heart.config import LiveConfig
from heart.stage.live import Engine
async def main():
    engine = Engine(LiveConfig(port=0, voice="pulse", http_port=0))
    run = asyncio.ensure_future(engine.run())
    for _ in range(300):
        await asyncio.sleep(0.02)
        if engine.conductor.chunks >= 3 and engine.ear.ready:
            break
    assert engine.conductor.chunks >= 3
    engine.stop.set()
    await run
    heavy = {"torch", "librosa", "numba", "scipy", "matplotlib", "sounddevice", "pyaudio"}
    print("LOADED", sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
asyncio.run(main())
"""


def test_the_engine_process_never_loads_anything_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", ENGINE_ONLY], capture_output=True, text=True, timeout=60)
    assert "LOADED []" in done.stdout, done.stdout + done.stderr


def heart(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "heart", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, **env})


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("--voice", "nobody"), 2, "nobody"),
        (("--heart", "missing.wav"), 1, "missing.wav"),
        (("--voice", "pulse", "--out", "no such card"), 1, "no such card"),
        (("--voice", "pulse", "--backend", "null", "--out", "no such card"), 1, "no such card"),
        (("--voice", "pulse", "--bind", "0.0.0.0"), 2, "--allow"),
        (("--voice", "pulse", "--bind", "203.0.113.7", "--phrase", "x"), 1, "203.0.113.7"),
        (("--voice", "pulse", "--sounds", "/nowhere/sounds"), 2, "/nowhere/sounds"),
        (("--voice", "pulse", "--presets", "/nowhere/presets"), 2, "/nowhere/presets"),
        (("--voice", "pulse", "--aliases", "cubase"), 1, "shipped are ardour, bitwig, live, reaper, surface"),
        (("--voice", "pulse", "--record", "/nowhere/take.wav"), 1, "/nowhere/take.wav"),
        (("--voice", "pulse", "--record", "take.mp3"), 2, "take.mp3"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_an_exit_code(args: tuple[str, ...], code: int, words: str) -> None:
    done = heart("live", "--port", "0", *args)
    assert done.returncode == code, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("heart: ")
    assert words in lines[0]


@pytest.mark.case("R11")
def test_a_port_in_use_is_named(engine: RunningEngine) -> None:
    done = heart("live", "--port", str(engine.port), *PULSE)
    assert done.returncode == 1
    assert str(engine.port) in done.stderr
    with joined(engine) as client:
        client.send("/heart/ping", 3)
        assert client.wait_for("/heart/pong", 1)


@pytest.mark.case("R34")
def test_missing_and_damaged_models_are_named(tmp_path: Path) -> None:
    done = heart("live", "--port", "0", HEART_MODELS=str(tmp_path))
    assert (done.returncode, "voice-heart" in done.stderr) == (2, True)
