"""What a wish asks for, as shares of labels. numpy only."""

from __future__ import annotations

import numpy as np

from heart.errors import UsageError
from heart.records import CROSSFADE, LABELS, MIXTURES, OVERLAP, SUNG, TEXTURES, UNNAMED, Mix, Wish

HEART, TEXTURE = 0, 1
"""The two nets, and the columns of `Wish.parts` and `Chunk.parts`."""


def shares_of(wish: Wish) -> dict[str, float]:
    """{label: share} of what a wish begins with; {} for the null label."""
    return shares(wish.mix or (((wish.label, 1.0),) if wish.label else ()))


def shares(mix: Mix) -> dict[str, float]:
    """A mix as {label: share}: names of mixtures resolved, weightless labels left out, the sum 1.

    Raises:
        UsageError: an unknown label, a weight below zero or not finite, or nothing but zeros.
    """
    found: dict[str, float] = {}
    for label, weight in mix:
        if label not in SUNG:
            raise UsageError(f"label {label!r}: take one of {', '.join(SUNG)}")
        if not 0 <= weight < float("inf"):
            raise UsageError(f"weight {weight:g} of {label}: must be 0 or more")
        members = MIXTURES.get(label, (label,))
        for member in members if weight else ():
            found[member] = found.get(member, 0.0) + weight / len(members)
    if mix and not found:
        raise UsageError(f"all weights are 0 ({', '.join(label for label, _ in mix)}): raise one of them")
    total = sum(found.values())
    return {label: weight / total for label, weight in found.items()}


def gains(found: dict[str, float]) -> tuple[float, float]:
    """How loud the heart and the texture are in it: roots of their shares, so that their powers add up to 1."""
    texture = sum(share for label, share in found.items() if label in (*TEXTURES, UNNAMED[TEXTURE]))
    return (max(1.0 - texture, 0.0)) ** 0.5 if texture else 1.0, min(texture, 1.0) ** 0.5


def gain_track(wish: Wish) -> np.ndarray:
    """The gains of heart and texture over the frames of a wish's chunk: float32 [frames + OVERLAP, 2]."""
    track = np.broadcast_to(np.array(gains(shares_of(wish)), np.float32), (wish.frames + OVERLAP, 2))
    if wish.crossing is None:
        return track
    then = np.array(gains(shares(wish.crossing.mix)), np.float32)
    done = (wish.start + np.arange(len(track)) - wish.crossing.frame) / CROSSFADE + 1
    turn = np.sin(np.pi / 2 * done.clip(0, 1))[:, None] ** 2
    return np.sqrt(track**2 * (1 - turn) + then**2 * turn).astype(np.float32)


def parse_mix(text: str) -> Mix:
    """ "N:0.5,storm:0.5" as a mix; a label without a weight weighs 1.

    Raises:
        UsageError: not of that form, or what `shares` refuses.
    """
    mix = []
    for item in text.split(","):
        label, _, weight = item.partition(":")
        try:
            mix.append((find_sung(label), float(weight or 1)))
        except ValueError:
            raise UsageError(f"mix {item.strip()!r}: write LABEL:WEIGHT, for example N:0.5,storm:0.5") from None
    shares(tuple(mix))
    return tuple(mix)


def find_sung(word: str) -> str:
    """The label of SUNG that a word means, in any case; the word itself when there is none."""
    plain = word.strip()
    return {label.lower(): label for label in SUNG}.get(plain.lower(), plain)


assert set(LABELS) < set(SUNG)
