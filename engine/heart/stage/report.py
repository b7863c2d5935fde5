"""What the quick commands print: asking an engine, examining and timing a machine."""

from __future__ import annotations

import importlib.util
import platform
import socket
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from heart.cards import list_models
from heart.errors import HeartError, UsageError
from heart.records import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from heart.sounding.registry import Singer

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


ROOM = 0.6
"""Of real time: what the voice may take at its 95th percentile and leave room for knobs and other programs."""
BUSY = 1.5
"""Wall-clock over CPU time of one thread: above, somebody else was using the processor."""


def bench_voice(name: str, seconds: float, threads: int = 0, device: str = "cpu") -> Iterator[str]:
    """Time the voice at 1 to 16 steps; the last lines are advice. Ratios are of real time: below 1 is faster.

    Besides wall-clock time, which is what counts on stage, CPU time of all threads: it hardly changes when other
    programs share the processor, so the two together say whether they did.
    """
    from heart.sounding.registry import open_voice

    voice = open_voice(name, threads, device=device)
    voice.warm_up()
    machine = platform.processor() or platform.machine()
    yield f"{machine}, Python {platform.python_version()}, {_runs_on(voice, name)}"
    best, waited = 0, []
    for steps in (1, 2, 4, 8, 16):
        wall, cpu = _ratios(voice, steps, seconds)
        p50, p95 = np.percentile(wall, [50, 95])
        best = steps if p95 <= ROOM else best
        waited.append(p50 / max(cpu, 1e-9))
        yield f"{steps:3d} steps: p50 {p50:.3f}, p95 {p95:.3f} of real time; CPU {cpu:.3f}"
    if np.median(waited) > BUSY:
        yield "other programs kept the processor busy: close them and measure again, or believe the CPU column"
    yield (
        f"advice: steps {best}" if best else "advice: this machine is too slow for this voice; try --voice pulse"
    )


def _runs_on(voice: Any, name: str) -> str:
    """Device, threads and runtime of a voice."""
    net = getattr(getattr(voice, "hearts", voice), "net", None)
    if net is None:
        return f"{name} by numpy"
    import torch

    by = "onnxruntime" if net.runtime == "GraphNet" else "torch, which takes twice as long: the voice has no graph"
    return f"{name} on the CPU, threads: {torch.get_num_threads()}, by {by}"


def _ratios(voice: Singer, steps: int, seconds: float) -> tuple[np.ndarray, float]:
    """Wall-clock time over sound time for each wish of `seconds` of sound; the median of the same in CPU time."""
    from heart.sounding.offline import HOP, PAST
    from heart.stage.performance import Performance

    performance, past = Performance(), np.zeros(PAST, np.float32)
    performance.values["steps"] = steps
    wall, cpu = [], []
    for number in range(max(3, int(seconds * SAMPLE_RATE_HZ / HOP))):
        wish = performance.wish(number, PAST + number * HOP, HOP, past)
        used_s = time.process_time()
        wall.append(voice.sing(wish).spent_s * SAMPLE_RATE_HZ / HOP)
        cpu.append((time.process_time() - used_s) * SAMPLE_RATE_HZ / HOP)
    return np.array(wall), float(np.median(cpu))


# heart doctor


EXTRAS = {
    "k_diffusion": "k-diffusion",
    "pyaudio": "pyaudio",
    "aalink": "link",
    "zeroconf": "discovery",
    "rtmidi": "midi",
}
"""What is optional: the module, and the extra that brings it."""


def examine(port: int = 9700) -> Iterator[tuple[bool, str]]:
    """Every check as (is well, what was found and what to do)."""
    version = platform.python_version()
    yield (3, 10) <= sys.version_info < (3, 14), f"Python {version} (3.10 to 3.13)"
    yield _has("torch"), "torch: the voice and the ear run on it (pip install -c constraints.txt .)"
    yield from _models()
    yield _port(port)
    yield from _troubles(port)
    yield True, _devices()
    for module, extra in EXTRAS.items():
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


def _troubles(port: int) -> Iterator[tuple[bool, str]]:
    """What the engine that runs at `port` says of itself; nothing where none does."""
    from heart.plumbing.osc import decode, encode

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.settimeout(0.5)
        try:
            door.sendto(encode("/heart/troubles"), ("127.0.0.1", port))
            while True:
                [(address, args)] = decode(door.recv(8192))
                if address != "/heart/trouble":
                    break
                yield True, f"the engine at {port}: {args[1]} {args[0]} ({args[2]})"
        except OSError:
            return
    if address == "/heart/done":
        yield True, f"the engine at {port} has told all its troubles"


def _devices() -> str:
    from heart.plumbing.device import list_devices

    try:
        found = len(list(list_devices()))
    except HeartError as error:
        return f"sound devices: {error} (not needed when Max or Pd plays)"
    return f"sound devices: {found} (`heart live --devices` lists them; not needed when Max or Pd plays)"
