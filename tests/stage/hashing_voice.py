"""A voice whose every sample depends on every bit of the wish: what differs anywhere differs in sound."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from heart.records import OVERLAP, Chunk, Wish
from heart.stage.chunk_log import pack


class HashingVoice:
    """Noise, seeded with a hash of the wish, its number left aside."""

    name = "pulse"

    def sing(self, wish: Wish) -> Chunk:
        said = json.dumps(pack(replace(wish, number=0, others=()))).encode()
        seed = hashlib.sha256(said).digest()
        noise = np.random.default_rng(list(seed)).standard_normal(wish.frames + OVERLAP)
        audio = (0.05 * noise).astype(np.float32)
        parts = np.stack([audio, 0.5 * audio], 1)
        return Chunk(wish.number, wish.start, audio, 0.01, wish.seed, seed.hex()[:12], wish.steps, parts)

    def sing_many(self, wishes: Sequence[Wish]) -> list[Chunk]:
        return [self.sing(wish) for wish in wishes]

    def warm_up(self) -> None:
        pass
