"""Sound cards of software: beside heavy work, killed, suspended, taken away. Each line says by which clock."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rig.cards import JackDummy, run_python
from rig.live import LiveEngine, Program, until
from rig.pulse import PulseSink

pytestmark = pytest.mark.stage
SECONDS = 20.0
RATE_HZ = 44_100

BURNER = """
import gc, time, torch
torch.set_num_threads(1)
held = [[n] for n in range(2_000_000)]
net, sound = torch.nn.Conv1d(32, 32, 9), torch.randn(1, 32, 4096)
until = time.monotonic() + {seconds}
while time.monotonic() < until:
    with torch.no_grad(): net(sound)
    gc.collect()
"""

CALLBACK = """
import gc, threading, time, sounddevice as sd
held = [[n] for n in range(2_000_000)]
frames = 0
def call(out, count, when, status):
    global frames
    out[:] = 0.1
    frames += count
def burn():
    while True: sum(range(1000))
threading.Thread(target=burn, daemon=True).start()
with sd.OutputStream(samplerate=48000, channels=2, blocksize=256, device="system", callback=call, latency="low"):
    time.sleep(1.0)
    began, first = time.monotonic(), frames
    while time.monotonic() < began + {seconds}:
        gc.collect()
    print("SHORT", round((time.monotonic() - began) * 48000 - (frames - first)))
"""


@pytest.fixture
def jack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JackDummy]:
    card = JackDummy(tmp_path)
    card.start()
    for key in ("JACK_NO_START_SERVER", "JACK_DEFAULT_SERVER"):
        monkeypatch.setenv(key, card.environment[key])
    yield card
    card.stop()


def playing(live: LiveEngine) -> Any:
    """The engine's speaker, when it plays."""
    speaker = live.engine.speaker
    assert until(lambda: speaker._played > RATE_HZ // 2, 20), live.engine._news
    return speaker


def shortfall(speaker: Any, seconds: float) -> int:
    """Frames by which the device got less than the clock says; the best of all moments, as it reports at 50 Hz."""
    began_s, first = time.monotonic(), speaker._played
    time.sleep(seconds)
    least = 2**31
    for _ in range(100):
        least = min(least, round((time.monotonic() - began_s) * RATE_HZ) - (speaker._played - first))
        time.sleep(0.005)
    return least


def twice(check: Callable[[], bool]) -> None:
    """A check of real time may be tried again once, on a machine that others use too."""
    assert check() or check()


@pytest.mark.case("R20")
def test_a_card_gets_every_frame_that_its_clock_asks_for(jack: JackDummy, reached) -> None:
    with LiveEngine(device_out="system") as live:
        speaker = playing(live)

        def whole() -> bool:
            before = speaker.underruns
            short = shortfall(speaker, SECONDS)
            reached(f"{SECONDS:.0f} s: {short} frames short of the clock, {speaker.underruns - before} dropouts")
            return short <= 2 * 256 + RATE_HZ // 50 and speaker.underruns == before

        twice(whole)


@pytest.mark.case("R21")
def test_a_card_beside_heavy_work_gets_every_frame(jack: JackDummy, reached) -> None:
    with LiveEngine(device_out="system", voice="voice") as live:
        speaker = playing(live)

        def whole() -> bool:
            code = BURNER.format(seconds=SECONDS + 3)
            burner = subprocess.Popen(["nice", "-n", "10", sys.executable, "-c", code])
            try:
                time.sleep(3)
                before = speaker.underruns
                short = shortfall(speaker, SECONDS)
            finally:
                burner.kill()
                burner.wait()
            drops = speaker.underruns - before
            reached(f"beside torch and GC, {SECONDS:.0f} s: {short} frames short, {drops} dropouts")
            return short <= 512 + RATE_HZ // 50 and speaker.underruns == before

        twice(whole)


@pytest.mark.case("R21", control=True)
def test_a_python_callback_beside_the_same_work_loses_frames(jack: JackDummy, reached) -> None:
    said = run_python(CALLBACK.format(seconds=6), jack.environment)
    short = int(said.split("SHORT")[1])
    reached(f"callback in the same process: {short} frames short in 6 s")
    assert short > 512


def lost_and_found(
    live: LiveEngine, lose: Callable[[], None], find: Callable[[], None]
) -> tuple[float, float, int]:
    """Seconds until the loss is noticed, and from the return to sound; pings that went unanswered meanwhile."""
    events: list[tuple[float, str]] = []
    engine = live.engine
    tell = engine._on_event

    def note(name: str, event: str, text: str) -> None:
        if name == "sound":
            events.append((time.monotonic(), event))
        tell(name, event, text)

    def sounding() -> bool:
        lives = [event for _, event in events if event in ("died", "ready")]
        return lives[-1:] == ["ready"] and engine.speaker._played > RATE_HZ // 5

    engine._on_event = note
    with pinging(live) as missed:
        lost_s = time.monotonic()
        lose()
        assert until(lambda: any(event in ("silent", "died") for _, event in events), 6), engine._news[-5:]
        noticed_s = next(moment for moment, event in events if event in ("silent", "died")) - lost_s
        time.sleep(max(0.0, lost_s + 2 - time.monotonic()))
        find()
        found_s = time.monotonic()
        assert until(lambda: sounding(), 12), events[-5:]
        back_s = time.monotonic() - found_s
    engine._on_event = tell
    return noticed_s, back_s, len(missed)


@contextlib.contextmanager
def pinging(live: LiveEngine) -> Iterator[list[int]]:
    """Pings 20 times a second; the numbers of those that were not answered within a second."""
    missed: list[int] = []
    over = threading.Event()

    def run() -> None:
        with Program(live.port) as program:
            number = 0
            while not over.wait(0.05):
                number += 1
                program.send("/heart/ping", number)
                with contextlib.suppress(AssertionError):
                    program.wait_for("/heart/pong", 1.0)
                    continue
                missed.append(number)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield missed
    finally:
        over.set()
        thread.join()


@pytest.mark.case("R24")
def test_a_killed_jack_server_is_noticed_and_its_return_found_ten_times(jack: JackDummy, reached) -> None:
    noticed, back, missed = [], [], 0
    with LiveEngine(device_out="system") as live:
        for _ in range(10):
            playing(live)
            figures = lost_and_found(live, jack.kill, jack.start)
            noticed.append(figures[0])
            back.append(figures[1])
            missed += figures[2]
    middle, worst = sorted(noticed)[len(noticed) // 2], max(noticed)
    seen = f"seen after {1000 * middle:.0f} (at most {1000 * worst:.0f}) ms"
    reached(f"jackd, 10 times: {seen}, sound {max(back):.1f} s after its return, {missed} pings missed")
    assert missed == 0
    assert middle < 0.5
    assert max(back) < 4


@pytest.mark.case("R24")
def test_a_suspended_and_a_removed_sink_are_survived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reached
) -> None:
    assert shutil.which("pulseaudio"), "pulseaudio is missing: apt-get install pulseaudio pulseaudio-utils"
    with PulseSink(tmp_path) as sink:
        for key, value in sink.environment.items():
            if os.environ.get(key) != value:
                monkeypatch.setenv(key, value)
        with LiveEngine(device_out="pulse", backend="sounddevice") as live:
            playing(live)
            with pinging(live) as missed:
                sink.suspend(True)
                time.sleep(2)
                sink.suspend(False)
                resumed_s = time.monotonic()
                played = live.engine.speaker._played
                assert until(lambda: live.engine.speaker._played not in (played, 0), 8)
                suspended_s = time.monotonic() - resumed_s
            gone = lost_and_found(live, sink.unload, sink.load)
    reached(f"suspended 2 s: sound {suspended_s:.1f} s after; {len(missed) + gone[2]} pings missed")
    reached(f"sink removed: seen after {1000 * gone[0]:.0f} ms, sound {gone[1]:.1f} s after its return")
    assert not missed
    assert gone[2] == 0
    assert suspended_s < 4
    assert gone[1] < 4
