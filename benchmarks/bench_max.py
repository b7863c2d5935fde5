"""A minute through the Max patches, run object by object without Max (tests/rig/max_host): wrong samples, beats.

It measures the patches' logic over real sockets against a real engine of seeded noise; not Max's own objects.

    python benchmarks/bench_max.py --seconds 60 --lead-ms 200 --loss 0.02
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from rig.compare import compare
from rig.engine import Engine
from rig.max_host import MaxHost
from rig.pd import free_port

FADE_IN = 220
BEAT_S = 0.8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--lead-ms", type=float, default=200.0)
    parser.add_argument("--vector", type=int, default=64)
    parser.add_argument("--loss", type=float, default=0.0, help="share of audio messages that are lost")
    parser.add_argument("--way", default="array", choices=("array", "funnel"))
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    with Engine(lead_ms=args.lead_ms) as engine, MaxHost(args.vector) as host:
        out = host.add(f"heart.engine 127.0.0.1 {engine.port} {free_port()}")
        receive, beat = host.add(f"heart.receive~ 1 {args.way}"), host.add("heart.beat")
        words, holes = host.tap(out, 0), host.tap(receive, 9)
        sound, click = host.record(receive, 0), host.record(beat, 4)
        host.lose = lambda address: address.startswith("/heart/audio") and rng.random() < args.loss
        host.start()
        host.wait_until(lambda: ["playing"] in words.heard, 10, "it plays")
        frames: list[int] = []
        until = time.monotonic() + args.seconds
        while time.monotonic() < until:
            frames.append(engine.announce_beat(350, 75, len(frames) + 1))
            time.sleep(BEAT_S)
        time.sleep(0.5)
        stats, sent = engine.stats(), engine.sent()
        host.stop()
    heard = sound().astype(np.float32)
    found = compare(heard, sent)
    places = (np.flatnonzero(click()) - found.heard_at).tolist()
    right = len(set(places) & set(frames))
    print(f"{found.compared / 44100:.1f} s at {args.lead_ms:g} ms lead, vector {args.vector}, way {args.way}")
    print(f"wrong samples after the fade-in of 5 ms: {found.wrong_after(heard, sent, FADE_IN)} of {found.compared}")
    print(f"underruns: {holes.heard[-1][0] if holes.heard else 0}; blocks sent again: {stats['resent']}")
    print(f"beats announced: {len(frames)}; clicks: {len(places)}, on their very sample: {right}")


if __name__ == "__main__":
    main()
