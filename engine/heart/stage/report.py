"""What the quick commands print: asking an engine, examining and timing a machine."""

from __future__ import annotations

import importlib.util
import platform
import socket
import sys
import time
from collections.abc import Iterator

import numpy as np

from heart.cards import list_models
from heart.errors import HeartError, UsageError
from heart.records import SAMPLE_RATE_HZ

# heart osc --check


def check_engine(where: str) -> str:
    """Ask the engine at HOST:PORT for its tempo; return a line that says how fast it answered.

    Raises:
        UsageError: `where` is no address. HeartError: nothing answers there.
    """
    from heart.plumbing.osc import decode, encode

    host, _, port = where.rpartition(":")
    if not port.isdigit():
        raise UsageError(f"{where!r}: give HOST:PORT, for example 127.0.0.1:9700")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.settimeout(1.0)
        asked_s = time.monotonic()
        try:
            door.sendto(encode("/heart/ping", 1), (host or "127.0.0.1", int(port)))
            answer = decode(door.recv(4096))
        except OSError:
            raise HeartError(f"{where}: no engine answers there; start one with `heart live`") from None
    return f"{where}: {answer[0][0]} after {(time.monotonic() - asked_s) * 1000:.1f} ms"


# heart bench


def bench_voice(name: str, seconds: float) -> Iterator[str]:
    """Time the voice at 1 to 16 steps; the last line is advice. Ratios are of real time: below 1 is faster."""
    from heart.sounding.beats import BeatClock
    from heart.sounding.offline import HOP, PAST
    from heart.sounding.registry import open_voice
    from heart.stage.performance import Performance

    yield f"{platform.processor() or platform.machine()}, Python {platform.python_version()}"
    voice, performance, best = open_voice(name), Performance(), 0
    past = np.zeros(PAST, np.float32)
    performance.beats = BeatClock(bpm=72, rmssd_ms=0, seed=0)
    for steps in (1, 2, 4, 8, 16):
        performance.values["steps"] = steps
        ratios = []
        for number in range(max(3, int(seconds * SAMPLE_RATE_HZ / HOP))):
            wish = performance.wish(number, PAST + number * HOP, HOP, past)
            ratios.append(voice.sing(wish).spent_s * SAMPLE_RATE_HZ / HOP)
        p50, p95 = np.percentile(ratios, [50, 95])
        best = steps if p95 <= 0.6 else best
        yield f"{steps:3d} steps: p50 {p50:.3f}, p95 {p95:.3f} of real time"
    yield (
        f"advice: steps {best}" if best else "advice: this machine is too slow for this voice; try --voice pulse"
    )


# heart doctor


def examine(port: int = 9700) -> Iterator[tuple[bool, str]]:
    """Every check as (is well, what was found and what to do)."""
    version = platform.python_version()
    yield (3, 10) <= sys.version_info < (3, 14), f"Python {version} (3.10 to 3.13)"
    yield _has("torch"), "torch: the voice and the ear run on it (pip install -c constraints.txt .)"
    yield from _models()
    yield _port(port)
    yield True, _devices()
    for module, extra in (("k_diffusion", "k-diffusion"), ("pyaudio", "pyaudio"), ("aalink", "link")):
        state = "there" if _has(module) else f"not installed (optional: pip install 'sounds-of-the-heart[{extra}]')"
        yield True, f"extra {extra}: {state}"


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _models() -> Iterator[tuple[bool, str]]:
    try:
        names = [model.name for model in list_models() if model.weights]
        yield bool(names), f"models, whole by checksum: {', '.join(names) or 'none'}"
    except HeartError as error:
        yield False, str(error)


def _port(port: int) -> tuple[bool, str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        try:
            door.bind(("127.0.0.1", port))
        except OSError:
            return (
                True,
                f"UDP port {port} is in use: by a running engine? (`heart osc --check 127.0.0.1:{port}`)",
            )
    return True, f"UDP port {port} is free"


def _devices() -> str:
    from heart.plumbing.device import list_devices

    try:
        found = len(list(list_devices()))
    except HeartError as error:
        return f"sound devices: {error} (not needed when Max or Pd plays)"
    return f"sound devices: {found} (`heart live --devices` lists them; not needed when Max or Pd plays)"
