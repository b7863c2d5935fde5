"""What the live ear costs and how late it is: CPU over sound time in blocks of 256 frames at 44.1 kHz.

    python benchmarks/bench_ear.py [--seconds 30] [--runs 3] [--hop 1] [--hour] [--wire] [--data DATA]

Prints the ratio of processor time to real time, of the beats alone and of the whole ear with all the
classifiers that are there (medians of the runs; 0.25 is the limit, 0.1 the aim), how long a block takes, how
long after the last sample a record speaks of that it comes, and the time the worker needs until it is ready.
With --data also, on the annotated validation recordings, how long after its S1 a beat is told and how well the
next one is foretold. With --wire the same over OSC, of a computed heart. With --hour also what the file ear
needs for a file of one hour at 2 kHz: time, and the most memory of the process.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

BLOCK = 256
RATE_HZ = 44_100


def clicks(seconds: float, bpm: float = 72.0) -> np.ndarray:
    """A crude heart: two bursts a beat, and hiss. float32 [n]."""
    t = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    phase = t % (60 / bpm)
    sound = sum(
        level * np.exp(-(phase - at) / 0.03) * (phase >= at) * np.sin(2 * np.pi * tone * (phase - at))
        for at, tone, level in ((0.05, 60, 0.3), (0.35, 90, 0.2))
    )
    return (sound + np.random.default_rng(0).normal(0, 1e-3, len(t))).astype(np.float32)


def measure(sound: np.ndarray) -> tuple[float, float, float, int]:
    """CPU ratio, slowest block in ms, latest record in ms, and how many records had a rate."""
    from heart.listening.stream import EarStream

    ear, late_s, rates, slowest_s = EarStream(RATE_HZ), [0.0], 0, 0.0
    began = time.process_time()
    for start in range(0, len(sound), BLOCK):
        at = time.perf_counter()
        for heard in ear.push(sound[start : start + BLOCK]):
            late_s.append((start + BLOCK) / RATE_HZ - heard.time_s)
            rates += heard.bpm is not None
        slowest_s = max(slowest_s, time.perf_counter() - at)
    ratio = (time.process_time() - began) / (len(sound) / RATE_HZ)
    return ratio, slowest_s * 1e3, max(late_s) * 1e3, rates


def judge(sound: np.ndarray, hop_s: float) -> tuple[float, dict[str, float], dict[str, str]]:
    """CPU ratio of the classifiers, ms of processor time of one judgement of each, and why others are off."""
    from heart.listening.judgement import load_classifiers
    from heart.listening.opinions import Case, Opinions

    classifiers, off = load_classifiers()
    opinions, spent_ms = Opinions(classifiers, RATE_HZ, hop_s), {what: [] for what in classifiers}
    began = time.process_time()
    for start in range(0, len(sound), BLOCK):
        opinions.push(sound[start : start + BLOCK])
        at = time.process_time()
        case = opinions.case(1.0)
        if isinstance(case, Case):
            opinions.take(case, case.probabilities())
            opinions._gate = 1.0  # whatever they make of the crude heart, all of them are to work
            spent_ms[case.what].append((time.process_time() - at) * 1e3)
    ratio = (time.process_time() - began) / (len(sound) / RATE_HZ)
    return ratio, {what: statistics.median(ms or [0.0]) for what, ms in spent_ms.items()}, off


def told(data: Path, limit: int | None) -> None:
    """Latency and foresight on real recordings."""
    from heart.learning.ear_latency import evaluate_latency

    for source, figures in evaluate_latency(data, limit=limit).items():
        print(f"{source}:")
        for name, value in figures.items():
            print(f"  {name}: {value}")


def over_the_wire(seconds: float) -> tuple[float, float, int]:
    """A running engine hears a computed heart: ms from the S1 it tells of to its message at a client; median, p95
    and of how many beats."""
    from heart.audio import write_audio
    from heart.plumbing.client import HeartClient
    from heart.sounding.offline import generate
    from heart.stage.rehearsal import running_engine

    late_ms: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "heart.wav"
        write_audio(path, 0.3 * generate(voice="pulse", label="N", bpm=72, rmssd=25, seconds=seconds), RATE_HZ)
        options = ("--voice", "pulse", "--mode", "lead", "--heart", str(path))
        with running_engine(Path(folder), *options) as engine, HeartClient("127.0.0.1", engine.port) as client:
            until_s = time.monotonic() + seconds
            while time.monotonic() < until_s:
                known = len(client.inbox.heard)
                if client.wait_until(lambda known=known: len(client.inbox.heard) > known, 2.0):
                    frames = client.played_at(time.monotonic()) - client.inbox.heard[-1].frame
                    late_ms.append(frames / RATE_HZ * 1e3)
    late_ms = late_ms[5:]  # without a rhythm yet
    return statistics.median(late_ms), float(np.percentile(late_ms, 95)), len(late_ms)


def one_hour() -> tuple[float, float, float, float | None]:
    """Seconds of work, MB in use before, MB at the most, and the rate heard, for an hour of a crude heart."""
    import resource

    import soundfile

    from heart.listening.files import listen

    minute = clicks(60.0)[:: RATE_HZ // 2000][: 60 * 2000]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hour.wav"
        soundfile.write(path, np.tile(minute, 60), 2000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        began = time.process_time()
        bpm = listen(path)["bpm"]
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return time.process_time() - began, before, most, bpm


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--hop", type=float, default=1.0, help="seconds between judgements of one kind")
    parser.add_argument("--data", type=Path, help="folder of recordings: also measure latency on them")
    parser.add_argument("--wire", action="store_true", help="also time the messages of a running engine")
    parser.add_argument("--limit", type=int, help="with --data: only so many recordings of each source")
    parser.add_argument("--hour", action="store_true", help="also hear a file of one hour")
    options = parser.parse_args()
    began = time.perf_counter()
    from heart.listening.stream import EarStream

    EarStream(RATE_HZ)
    start_s = time.perf_counter() - began
    runs = [measure(clicks(options.seconds)) for _ in range(options.runs)]
    ratio, slowest, late = (statistics.median(run[k] for run in runs) for k in range(3))
    print(f"machine: {platform.machine()}, Python {platform.python_version()}")
    judged = [judge(clicks(options.seconds), options.hop) for _ in range(options.runs)]
    share = statistics.median(run[0] for run in judged)
    print(f"processor time over sound: {ratio + share:.4f} (limit 0.25, aim 0.1), {ratio:.4f} of it for the beats")
    for what in judged[0][1]:
        print(f"  one judgement of {what}: {statistics.median(run[1][what] for run in judged):.1f} ms")
    for what, why in judged[0][2].items():
        print(f"  no judgement of {what}: {why}")
    print(f"slowest block of the beats {slowest:.1f} ms")
    print(f"records come {late:.0f} ms after their sound at the latest; {runs[0][3]} of them with a rate")
    print(f"import and load: {start_s:.2f} s")
    if options.wire:
        middle_ms, p95_ms, beats = over_the_wire(40.0)
        print(f"over the wire: {middle_ms:.0f} ms from S1 to its message, p95 {p95_ms:.0f} ms, {beats} beats")
    if options.data:
        told(options.data, options.limit)
    if options.hour:
        spent_s, before, most, bpm = one_hour()
        print(
            f"one hour at 2 kHz: {spent_s:.0f} s of work, {before:.0f} MB before, {most:.0f} MB at most, {bpm} bpm"
        )


if __name__ == "__main__":
    main()
