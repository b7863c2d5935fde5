"""Stream noise to Pure Data in real time and count wrong samples, underruns and the sender's CPU.

    PYTHONPATH=engine python benchmarks/bench_pd.py --seconds 600
    PYTHONPATH=engine python benchmarks/bench_pd.py --seconds 60 --loss 0.02 --reorder 0.02 --jitter-ms 20
    PYTHONPATH=engine python benchmarks/bench_pd.py --smallest-lead       # 60 s each at 60, 50, 40, 30 ms
    PYTHONPATH=engine python benchmarks/bench_pd.py --rate 192000 --seconds 827     # the frames of an hour

The last is an hour of sound at 44.1 kHz in 14 minutes: as many frames, blocks and turns of ring and counters, but
14 minutes of clock, sockets and other programs. Only a run of an hour shows an hour of those.
Needs Pure Data (apt-get install puredata-core). Prints one JSON object a run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from rig.compare import compare
from rig.engine import Engine
from rig.pd import PureData
from rig.proxy import Proxy, Weather

START_MS = 100
"""Left out on a bad network: see tests/bridge/test_pd_stream.py."""


MEMORY = Path("/dev/shm")
"""Where Linux keeps files in memory: Pd's recorder waits for a slow disk, and the stream with it."""

LEADS_MS = (60, 50, 40, 30)
"""30 is the least that the engine allows."""


def measure(
    seconds: float, lead_ms: float, weather: Weather, seed: int, folder: Path, rate_hz: int = 44_100
) -> dict[str, Any]:
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(Engine(seed=seed, lead_ms=lead_ms))
        bad = weather != Weather()
        port = stack.enter_context(Proxy(engine.port, weather, seed)).port if bad else engine.port
        pd = stack.enter_context(PureData(port, rate_hz=rate_hz))
        pd.record(folder / "heard.wav")
        pd.wait_playing()
        cpu_s, start = engine.cpu_s(), time.monotonic()
        lowest_ms = 1e9
        while time.monotonic() - start < seconds:
            time.sleep(0.2)
            clients = engine.stats()["clients"]
            lowest_ms = min(lowest_ms, *(c["reported_fill_ms"] for c in clients))
        cpu_share = (engine.cpu_s() - cpu_s) / (time.monotonic() - start)
        heard, sent, stats = pd.stop_recording(), engine.sent(), engine.stats()
        result = compare(heard, sent)
        return {
            "seconds": seconds,
            "lead_ms": lead_ms,
            "rate_hz": rate_hz,
            "weather": vars(weather),
            "seed": seed,
            "frames_compared": result.compared,
            "wrong": result.wrong,
            "wrong_after_start": result.wrong_after(heard, sent, round(START_MS * rate_hz / 1000)),
            "first_wrong_s": _first_wrong_s(heard, sent, result.heard_at, rate_hz),
            "new_beginnings": stats["restarts"],
            "streams": engine.events.count("start"),
            "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            "underruns": pd.report.underruns,
            "lowest_reserve_ms": lowest_ms,
            "blocks": stats["sent"],
            "resent": stats["resent"],
            "engine_thread_cpu": round(cpu_share, 4),
            "machine": f"{platform.machine()} {platform.system()} {platform.python_version()}",
        }


def _first_wrong_s(heard: np.ndarray, sent: np.ndarray, at: int, rate_hz: int) -> float | None:
    """When the first wrong frame was; after a stream had to begin anew all that follows counts as wrong."""
    first = max(-at, 0)
    count = min(len(sent), len(heard) - at)
    wrong = np.flatnonzero(heard[at + first : at + count] != sent[first:count])
    return round(float(wrong[0]) / rate_hz, 1) if len(wrong) else None


def smallest_lead(seconds: float, seed: int, folder: Path) -> dict[str, Any]:
    """Shorter and shorter leads until a sample is wrong; the shortest without one, and every run."""
    runs = []
    for lead_ms in LEADS_MS:
        runs.append(measure(seconds, lead_ms, Weather(), seed, folder))
        if runs[-1]["wrong"]:
            break
    good = [run["lead_ms"] for run in runs if not run["wrong"]]
    keep = ("lead_ms", "wrong", "underruns", "lowest_reserve_ms", "load_average")
    return {"smallest_lead_ms": min(good, default=None), "runs": [{k: run[k] for k in keep} for run in runs]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--lead-ms", type=float, default=200)
    parser.add_argument("--rate", type=int, default=44_100)
    parser.add_argument("--loss", type=float, default=0)
    parser.add_argument("--reorder", type=float, default=0)
    parser.add_argument("--jitter-ms", type=float, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--smallest-lead", action="store_true")
    args = parser.parse_args()
    weather = Weather(loss=args.loss, reorder=args.reorder, jitter_ms=args.jitter_ms)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.exists() else None) as name:
        folder = Path(name)
        if args.smallest_lead:
            print(json.dumps(smallest_lead(args.seconds, args.seed, folder)))
        else:
            print(json.dumps(measure(args.seconds, args.lead_ms, weather, args.seed, folder, args.rate)))


if __name__ == "__main__":
    main()
