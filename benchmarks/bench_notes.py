"""How much of real time eight live notes cost: decoded one after another by a worker, mixed over the tape.

Every second eight notes are asked for, as a chord repeated; what decoding (with the way to 44.1 kHz) and mixing in
blocks of 256 frames take is compared with that second. One thread.

    python benchmarks/bench_notes.py [--model notes-ae-64] [--seconds 30]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from heart.plumbing.overlay import POLYPHONY, Overlay
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.notes.model import open_notes
from heart.sounding.notes.serve import make
from heart.sounding.notes.wishes import NoteWish

BLOCK = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="notes-ae")
    parser.add_argument("--seconds", type=int, default=30)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    voice, overlay, rng = open_notes(asked.model), Overlay(), np.random.default_rng(0)
    make(voice, NoteWish(0, (), 60, 100))
    decoding, mixing = [], []
    for second in range(asked.seconds):
        began_s = time.process_time()
        for number in range(POLYPHONY):
            z = tuple(rng.standard_normal(voice.latents))
            wish = NoteWish(number, z, 36 + 5 * number, 100)
            overlay.add(number, second * SAMPLE_RATE_HZ, make(voice, wish).sound)
        decoded_s = time.process_time()
        for start in range(second * SAMPLE_RATE_HZ, (second + 1) * SAMPLE_RATE_HZ, BLOCK):
            overlay.mix(start, BLOCK)
        overlay.forget(second * SAMPLE_RATE_HZ)
        decoding.append(decoded_s - began_s)
        mixing.append(time.process_time() - decoded_s)
    both = np.add(decoding, mixing)
    print(f"{asked.model}, {POLYPHONY} new notes a second, {POLYPHONY} sounding, CPU time over sound time, p95:")
    print(f"decoding {np.percentile(decoding, 95):.3f}, mixing {np.percentile(mixing, 95):.3f}, ", end="")
    print(f"both {np.percentile(both, 95):.3f} (aim 0.3)")


if __name__ == "__main__":
    main()
