#!/usr/bin/env python3
"""Sixteen short scores on a Ray cluster of one worker, and of two: time, and whether the bytes are the same.

    python benchmarks/bench_cluster.py [--scores 16] [--seconds 20]

The start of Ray and of its workers is in the time, as it is for whoever renders.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
import time
from pathlib import Path

from heart.stage.render import Wanted
from heart.stage.render_many import find_scores, render_all

SCORE = """{{"score": 1, "seed": {seed}, "voice": "voice-heart"}}
{{"movement": "One", "seconds": {seconds}}}
{{"at": 0, "choose": {{"label": ["N", "AS", "MR", "MS", "MVP"]}}, "set": {{"bpm": 80}}}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for seed in range(asked.scores):
            text = SCORE.format(seed=seed, seconds=asked.seconds)
            (folder / f"{seed:02}.score").write_text(text, encoding="utf-8")
        took_s, hashes = {}, {}
        for workers in (1, 2):
            out = folder / f"out-{workers}"
            began_s = time.perf_counter()
            results = list(render_all(find_scores(folder, out, Wanted(folder, out)), workers, "local"))
            took_s[workers] = time.perf_counter() - began_s
            failed = [str(result) for _, result in results if isinstance(result, Exception)]
            hashes[workers] = {path.name: hashlib.sha256(path.read_bytes()).digest() for path in out.glob("*.wav")}
            print(
                f"{workers} workers: {len(hashes[workers])} scores of {asked.seconds:g} s "
                f"in {took_s[workers]:.1f} s {failed}"
            )
    same = "the same bytes" if hashes[1] == hashes[2] and len(hashes[1]) == asked.scores else "OTHER BYTES"
    print(f"two workers are {took_s[1] / took_s[2]:.2f} times faster, {same}")


if __name__ == "__main__":
    main()
