"""Voices side by side: the wish of the first carries those of the others, and all are sung at once."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from heart.records import Chunk, Wish
from heart.sounding.registry import Singer


def sing_all(singer: Singer, wish: Wish) -> Chunk:
    """A wish and its `others`, in shared forward passes; a wish alone to the very bits of `sing`.

    `spent_s` is that of all together, and `recipe` names them all.
    """
    if not wish.others:
        return singer.sing(wish)
    wishes = (replace(wish, others=()), *wish.others)
    sung = [replace(chunk, voice=asked.voice) for asked, chunk in zip(wishes, singer.sing_many(wishes))]
    recipes = " ".join(chunk.recipe for chunk in sung)
    return replace(
        sung[0],
        spent_s=sum(chunk.spent_s for chunk in sung),
        recipe=hashlib.sha256(recipes.encode()).hexdigest()[:12],
        others=tuple(sung[1:]),
    )
