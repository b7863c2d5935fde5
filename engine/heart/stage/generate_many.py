"""Data sets: many sounds, each of its seed alone, sung in processes of this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from heart.audio import write_audio
from heart.errors import HeartError
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.offline import generate
from heart.sounding.registry import Singer, open_voice
from heart.sounding.together import together
from heart.stage.many import spread


@dataclass(frozen=True)
class Batch:
    """Sounds that are sung at once: seeds, and what all of them have in common (arguments of `generate`)."""

    voice: str
    sampler: str
    device: str
    seeds: tuple[int, ...]
    wishes: dict[str, Any]
    guard: Callable[[np.ndarray], np.ndarray]
    """The last stage of every sound."""


def sing_batch(batch: Batch) -> list[np.ndarray]:
    """A sound, float32 [n], for each seed. Raises HeartError."""
    singer = _open(batch.voice, batch.sampler, batch.device)

    def sing(seed: int) -> np.ndarray:
        return generate(seed=seed, voice=singer, **batch.wishes)

    sounds = [sing(batch.seeds[0])] if len(batch.seeds) == 1 else together(sing, batch.seeds)
    return [batch.guard(sound) for sound in sounds]


@lru_cache(1)
def _open(voice: str, sampler: str, device: str) -> Singer:
    """One voice a process; it stays open for the next batch."""
    return open_voice(voice, 1, sampler, device)


def sing_files(
    files: Sequence[Path],
    batches: Sequence[Batch],
    jobs: int | None,
    cluster: str | None,
    told: Callable[[int], object],
) -> None:
    """Sing all batches and write their sounds, in the order of the files; `told`: how many are written.

    Raises HeartError when one could not be; those that could are written.
    """
    firsts = np.cumsum([0, *(len(batch.seeds) for batch in batches)])
    written, failed = 0, None
    for number, sounds in spread(sing_batch, batches, jobs, cluster):
        if isinstance(sounds, HeartError):
            failed = sounds
            continue
        for path, sound in zip(files[firsts[number] :], sounds):
            write_audio(path, sound, SAMPLE_RATE_HZ, "PCM_24")
        written += len(sounds)
        told(written)
    if failed is not None:
        raise failed
