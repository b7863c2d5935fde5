"""Voices side by side: the wish of the first carries those of the others, and all are sung at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from heart.records import Chunk, Wish
from heart.sounding.registry import Singer


def sing_all(singer: Singer, wish: Wish) -> Chunk:
    """A wish and its `others`, at once; a wish alone to the very bits of `sing`.

    What several voices wish alike is sung once.
    `spent_s` is that of all together, and `recipe` names them all.
    """
    if not wish.others:
        return singer.sing(wish)
    wishes = (replace(wish, others=()), *wish.others)
    leads = [next(n for n, lead in enumerate(wishes) if alike(lead, each)) for each in wishes]
    heads = sorted(set(leads))
    chunks = dict(zip(heads, singer.sing_many([wishes[n] for n in heads])))
    sung = [replace(chunks[lead], voice=asked.voice) for lead, asked in zip(leads, wishes)]
    recipes = " ".join(chunk.recipe for chunk in sung)
    return replace(
        sung[0],
        spent_s=sum(chunk.spent_s for chunk in chunks.values()),
        recipe=hashlib.sha256(recipes.encode()).hexdigest()[:12],
        others=tuple(sung[1:]),
    )


def alike(one: Wish, other: Wish) -> bool:
    """Whether two voices wish for the same sound, to the bit of their pasts."""
    names = [field.name for field in fields(Wish) if field.name != "voice"]
    return one is other or all(_same(getattr(one, name), getattr(other, name)) for name in names)


def _same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return isinstance(one, np.ndarray) and isinstance(other, np.ndarray) and np.array_equal(one, other)
    if isinstance(one, Sequence) and isinstance(other, Sequence) and not isinstance(one, str):
        return one is other or (not one and not other) or (_plain(one) and _plain(other) and one == other)
    return one == other


def _plain(items: Sequence[object]) -> bool:
    """Beats and mixes can be compared; what holds sounds is alike only when it is the same."""
    return not any(hasattr(item, "sound") for item in items)
