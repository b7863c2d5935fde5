"""Long runs and floods: nothing is missing at the end, and nothing has grown."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from heart.guard import Guard
from heart.namespace import PARAMS
from heart.plumbing.client import HeartClient
from heart.records import SAMPLE_RATE_HZ
from heart.stage.rehearsal import running_engine
from heart.stage.simulation import Simulation
from rig.cards import JackDummy
from rig.live import Program

TURNED = ("bpm", "rmssd", "label", "seed", "gain", "pattern", "systole", "balance", "ectopy", "mix_N", "mix_AS")
LABELS = ("N", "AS", "MR", "MS", "MVP")

FLOOD = """
import socket, sys, time
sys.path[:0] = sys.argv[4].split(":")
from heart.plumbing.osc import encode
to, seconds = ("127.0.0.1", int(sys.argv[1])), float(sys.argv[2])
packets = [encode("/heart/set/bpm", 60 + n % 100) for n in range(200)]
if sys.argv[3] == "junk": packets = [bytes([n % 256]) * (20 + n % 100) for n in range(200)]
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); sock.bind(("127.0.0.1", 0))
sent, began = 0, time.monotonic()
while time.monotonic() - began < seconds:
    while sent < (time.monotonic() - began) * 20_000:
        for packet in packets: sock.sendto(packet, to)
        sent += len(packets)
    time.sleep(0.001)
print(sent)
"""


def flooded(
    port: int, kind: str, seconds: float, asked: Callable[[int], float | None]
) -> tuple[int, list[float | None]]:
    """20,000 messages a second from another process; how many, and how each of ten pings a second was answered."""
    paths = ":".join(path for path in sys.path if path)
    flood = subprocess.Popen(
        [sys.executable, "-c", FLOOD, str(port), str(seconds), kind, paths], stdout=subprocess.PIPE, text=True
    )
    waits, number = [], 0
    while flood.poll() is None:
        number += 1
        waits.append(asked(number))
        time.sleep(0.1)
    assert flood.stdout is not None
    sent = int(flood.stdout.read())
    flood.stdout.close()
    return sent, waits


def pinger(port: int) -> Callable[[int], float | None]:
    program = Program(port)

    def ask(number: int) -> float | None:
        asked_s = time.monotonic()
        program.send("/heart/ping", number)
        try:
            program.wait_for("/heart/pong", 1.0)
        except AssertionError:
            return None
        return time.monotonic() - asked_s

    return ask


@pytest.mark.stage
@pytest.mark.case("R05")
@pytest.mark.parametrize("kind", ["junk", "set"])
def test_ten_seconds_of_flood_leave_control_and_sound(kind: str, tmp_path: Path, reached) -> None:
    with running_engine(tmp_path, "--voice", "pulse") as engine, HeartClient(port=engine.port) as client:
        assert client.wait_until(lambda: client.fill_ms > 100, 5)
        process = psutil.Process(engine.process.pid)
        threads, memory = process.num_threads(), process.memory_info().rss
        sent, waits = flooded(engine.port, kind, 10, pinger(engine.port))
        grown_mb = (process.memory_info().rss - memory) / 1e6
        missing, now_threads = client.silent_frames, process.num_threads()
    answered = sorted(wait for wait in waits if wait is not None)
    share, p99 = len(answered) / len(waits), answered[int(0.99 * (len(answered) - 1))]
    pings = f"{100 * share:.0f} % of pings, p99 {1000 * p99:.0f} ms"
    reached(f"{kind}: {sent / 10:,.0f} a second, {pings}, {missing} samples missing, {grown_mb:+.0f} MB")
    assert share >= 0.99
    assert missing == 0
    assert now_threads <= threads + 2  # a thread for small files is born with the first that is asked for
    assert grown_mb < 20


STOCK = """
import sys, threading
from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import ThreadingOSCUDPServer
def pong(client, address, number):
    from pythonosc.udp_client import SimpleUDPClient
    SimpleUDPClient(*client).send_message("/heart/pong", number)
d = Dispatcher(); d.map("/heart/ping", pong, needs_reply_address=True)
s = ThreadingOSCUDPServer(("127.0.0.1", 0), d)
print(s.server_address[1], flush=True)
s.serve_forever()
"""


@pytest.mark.stage
@pytest.mark.case("R05", control=True)
def test_a_server_of_the_library_loses_control_in_the_same_flood(reached) -> None:
    command = [sys.executable, "-c", STOCK]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        _, waits = flooded(port, "set", 5, pinger(port))
    finally:
        server.kill()
        server.wait()
    answered = sorted(wait for wait in waits if wait is not None)
    worst = answered[-1] if answered else 9.9
    reached(f"python-osc's threading server: {len(answered)} of {len(waits)} pings, slowest {1000 * worst:.0f} ms")
    assert len(answered) < 0.99 * len(waits) or worst > 0.05


def command(dice: random.Random) -> tuple[str, object]:
    """A turn of a knob that a performer might make."""
    name = dice.choice(TURNED)
    param = PARAMS[name]
    if name == "label":
        return name, dice.choice(LABELS)
    if param.choices is not None:
        return name, dice.choice([choice for choice in param.choices if isinstance(choice, str)])
    low, high = param.low or 0, min(param.high or 1, 10_000)
    return name, dice.randint(int(low), int(high)) if param.type == "i" else dice.uniform(low, high)


def slope_mb(samples: list[float], minutes: float) -> float:
    """MB gained over ten minutes, by the straight line through the second half."""
    late = samples[len(samples) // 2 :]
    return float(np.polyfit(np.linspace(0, minutes / 2, len(late)), late, 1)[0] * 10) if len(late) > 3 else 0.0


def real_soak(
    seconds: float, folder: Path, monkeypatch: pytest.MonkeyPatch, reached: Callable[[str], None]
) -> None:
    """On a card of software, a client beside it, 20 commands a second."""
    dice = random.Random(26)
    with JackDummy(folder) as jack:
        for key in ("JACK_NO_START_SERVER", "JACK_DEFAULT_SERVER"):
            monkeypatch.setenv(key, jack.environment[key])
        with (
            running_engine(folder, "--out", "system", "--no-standby") as engine,
            HeartClient(port=engine.port, collect=False) as client,
        ):
            assert client.wait_until(lambda: client.fill_ms > 100, 10)
            process = psutil.Process(engine.process.pid)
            time.sleep(min(120, seconds / 6))
            before, missing = process.num_fds() + process.num_threads(), client.silent_frames
            memory: list[float] = []
            until_s = time.monotonic() + seconds
            while time.monotonic() < until_s:
                name, value = command(dice)
                client.send(f"/heart/set/{name}", value)
                if len(memory) < (time.monotonic() - until_s + seconds) / seconds * 200:
                    memory.append(sum(p.memory_info().rss for p in [process, *process.children()]) / 1e6)
                time.sleep(0.05)
            missing = client.silent_frames - missing
            after = process.num_fds() + process.num_threads()
    grown = max(memory) - memory[0]
    slope = slope_mb(memory, seconds / 60)
    held = f"memory {grown:+.0f} MB ({slope:+.1f} in 10 min), files and threads {after - before:+d}"
    reached(f"{seconds / 60:.0f} min real: {missing} samples missing, {held}")
    assert missing == 0
    assert after - before <= 2
    if seconds >= 1200:
        assert grown <= 20


def fast_soak(seconds: float, reached: Callable[[str], None]) -> None:
    """In simulated time: conductor, voice of arithmetic, tape and guard are those of the engine."""
    dice, guard = random.Random(27), Guard(SAMPLE_RATE_HZ)
    run, frames, broken, loudest = Simulation(), 0, 0, 0.0
    memory: list[float] = []
    began_s = time.monotonic()
    while run.now_s < seconds:
        for _ in range(20):
            run.turn(*command(dice))
        run.run(1.0)
        out = guard.process(np.concatenate(run.sent)[:, 0])
        frames += len(out)
        broken += int((~np.isfinite(out)).sum())
        loudest = max(loudest, float(np.abs(out).max()))
        run.sent.clear()
        run.conductor.sealed_chunks()  # as the teller does
        run.laid.clear()
        if run.now_s >= 60 and len(memory) < run.now_s / 60:
            memory.append(psutil.Process().memory_info().rss / 1e6)
    bed_s = run.conductor.bed_frames / SAMPLE_RATE_HZ
    grown = max(memory[len(memory) // 4 :]) - memory[len(memory) // 4]
    took = seconds / (time.monotonic() - began_s)
    missing = round(run.now_s * SAMPLE_RATE_HZ) - frames
    sound = f"{missing} frames missing, bed {bed_s:.1f} s, {broken} broken, peak {loudest:.3f}"
    reached(f"{seconds / 60:.0f} min simulated ({took:.0f} times as fast): {sound}, memory {grown:+.0f} MB")
    assert abs(run.now_s * SAMPLE_RATE_HZ - frames) < 441
    assert broken == 0
    assert loudest <= 0.891
    assert grown <= 20


@pytest.mark.stage
@pytest.mark.case("R26")
def test_a_minute_on_a_card_with_random_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reached) -> None:
    real_soak(60, tmp_path, monkeypatch, reached)


@pytest.mark.stage
@pytest.mark.case("R26")
def test_ten_minutes_in_simulated_time(reached) -> None:
    fast_soak(600, reached)


@pytest.mark.soak
@pytest.mark.case("R26")
def test_twenty_minutes_on_a_card_with_random_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reached
) -> None:
    real_soak(1200, tmp_path, monkeypatch, reached)


@pytest.mark.soak
@pytest.mark.case("R26")
def test_two_hours_in_simulated_time(reached) -> None:
    fast_soak(7200, reached)
