"""What the guard costs: microseconds a block, and its share of the block's own time.

    python benchmarks/bench_guard.py [--json]

Budget: 250 us for 256 frames of two channels (5.8 ms of sound at 44.1 kHz). Each figure is the median of
five runs of 2,000 blocks.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time

import numpy as np

from heart.guard import Gain, Guard

RATE_HZ = 44_100
KINDS = {"quiet": 0.05, "limited": 2.0, "broken": np.nan}


def spent_us(stage: Guard | Gain, block: np.ndarray, blocks: int = 2000, runs: int = 5) -> float:
    """Median over `runs` of the mean time of a block, in microseconds."""
    means = []
    for _ in range(runs):
        begin_s = time.perf_counter()
        for _ in range(blocks):
            stage.process(block)
        means.append(1e6 * (time.perf_counter() - begin_s) / blocks)
    return statistics.median(means)


def measure(frames: int, channels: int) -> dict[str, float]:
    """Microseconds a block for every kind of sound."""
    noise = np.random.default_rng(0).standard_normal((frames, channels)).astype(np.float32)
    found = {}
    for kind, level in KINDS.items():
        guard = Guard(RATE_HZ, channels)
        guard.process(np.zeros((RATE_HZ, channels)))
        found[kind] = round(spent_us(guard, (noise * level).astype(np.float32)), 1)
    return found | {"fader": round(spent_us(Gain(RATE_HZ, gain_db=-3.0), noise), 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    asked = parser.parse_args()
    table = {
        f"{frames} x {channels}": measure(frames, channels) for frames in (64, 256, 1024) for channels in (1, 2)
    }
    if asked.json:
        print(json.dumps({"machine": platform.processor() or platform.machine(), "us_per_block": table}))
        return
    print(f"{'frames':>10}" + "".join(f"{kind:>10}" for kind in [*KINDS, "fader"]) + "   us a block")
    for size, row in table.items():
        print(f"{size:>10}" + "".join(f"{value:10.1f}" for value in row.values()))


if __name__ == "__main__":
    main()
