"""Vary and morph: where on the way from noise to sound a window begins, and what of its sources is let through.

    generate   begins with noise at t = 1
    vary       begins with the source, noised to t = strength: SDEdit (Meng et al., "SDEdit: Guided Image Synthesis
               and Editing with Stochastic Differential Equations", ICLR 2022)
    morph      begins at t = 1 with the sources' own noise: DDIM run backwards (Song, Meng, Ermon, ICLR 2021),
               their mean taken along the sphere, its norm kept (slerp; Shoemake, SIGGRAPH 1985); or, as `fade`, is
               nothing but the weighted sum of the sources' coefficients

Two steps backwards and a few forwards do not lead home. What is sung is far too loud (companding makes decibels of
small errors), so it is held to the level of the weighted sum, band by band; then an inverted sound sings itself
with 4 to 12 dB. So a morph lets the weighted sum itself through, the more the nearer the weights are to one sound
alone; there it is that sound.

Letters: B sounds or blocks, K coefficient frames. All arithmetic is a function of the wish and the weights.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from heart.records import Source, Wish
from heart.sounding.filterbank import BEFORE, HOP, TAPS, analyse_span
from heart.sounding.samplers import Denoiser, split, times
from heart.sounding.sources import BLOCK_FRAMES, cut

INVERSION_STEPS = 2
"""Steps backwards. Four gain 1 to 3 dB in what a sound sings of itself, and cost more than four sounds can bear."""
BATCH = 4
"""Blocks inverted at once. Always as many, because the last bits of a result depend on the size of its batch, and a
block has to come out the same whatever else was asked for with it."""
KEPT_BYTES = 64 * 2**20

ToNet = Callable[[np.ndarray], np.ndarray]
"""Coefficients [16, K] of a sound to the net's scale [bands, K]."""


@dataclass(frozen=True)
class Plan:
    """How a window comes about: `x` at time `t` is sampled down, held to the level of `clean`, led towards it."""

    x: Tensor
    """[1, bands, K]; noise at t = 1, sound at t = 0, which is not sampled at all."""
    t: float = 1.0
    clean: Tensor | None = None
    through: float = 0.0
    upper: np.ndarray | None = None
    """Coefficients [16 - bands, K] of the bands that the net does not sing."""

    def finish(self, values: Tensor) -> Tensor:
        """What is heard of what was sampled."""
        if self.clean is None:
            return values
        values = values * (_level(self.clean) / _level(values)).clamp_max(1)
        return values + self.through * (self.clean - values)


class Planner:
    """Makes the plan of each wish. Remembers inverted blocks, which are functions of their sound alone.

    Args:
        unconditioned: the net without label, beats or past, on [B, bands, K].
        bands: how many it sings.
        multiple: a count of frames it takes is a multiple of this.
    """

    def __init__(self, unconditioned: Denoiser, bands: int, multiple: int) -> None:
        self.bands = bands
        self.inverter = Inverter(unconditioned, multiple)

    def plan(self, wish: Wish, first: int, noise: Tensor, to_net: ToNet) -> Plan:
        """The plan of a wish whose window is made of `noise` [1, bands, K] and begins at frame `first`."""
        if wish.mode == "generate" or not wish.sources:
            return Plan(noise)
        count = noise.shape[-1]
        weights = [source.weight for source in wish.sources]
        mix = sum(np.float32(source.weight) * frames_of(source, first, count) for source in wish.sources)
        clean, upper = torch.from_numpy(to_net(mix))[None], mix[self.bands :]
        if wish.mode == "vary":
            t = min(max(wish.strength, 0.0), 1.0)
            return Plan(noised(clean, noise, t), t, upper=(1 - t) * upper)
        through = 1.0 if wish.method == "fade" else alone(weights)
        if through == 1:
            return Plan(clean, 0.0, upper=upper)
        noises = self.inverter.noise(wish.sources, first, count, to_net)
        return Plan(spherical(noises, weights)[None], 1.0, clean, through, upper)


class Inverter:
    """Sounds to noise, block by block of their own timeline, so that a loop is inverted once.

    May be used from several threads: the lock is held for the book-keeping, never while the net works.
    """

    def __init__(self, unconditioned: Denoiser, multiple: int) -> None:
        self._denoiser = unconditioned
        self._margin = multiple
        """Frames on both sides of a block that are inverted with it and thrown away."""
        self.kept: OrderedDict[bytes, Tensor] = OrderedDict()
        self.inverted = 0
        """Blocks so far."""
        self._lock = threading.Lock()

    def noise(self, sources: Sequence[Source], first: int, count: int, to_net: ToNet) -> Tensor:
        """The noise of which each source is sung, from frame `first` on: [B, bands, count]."""
        rows, wanted = [], dict[bytes, np.ndarray]()
        for source in sources:
            cuts = blocks(source.loop // HOP, first, count)
            pieces = [self._piece(source, begin, to_net) for begin, _ in cuts]
            wanted.update(pieces)
            rows.append([(key, begin, end) for (key, _), (begin, end) in zip(pieces, cuts)])
        found = self._noises(wanted)
        noises = [torch.cat([found[key][:, : end - begin] for key, begin, end in row], -1) for row in rows]
        return torch.stack([noise[:, first - row[0][1] :][:, :count] for noise, row in zip(noises, rows)])

    def _piece(self, source: Source, block: int, to_net: ToNet) -> tuple[bytes, np.ndarray]:
        """The block that begins at frame `block` with its margins, on the net's scale; and what it is known by."""
        values = to_net(frames_of(source, block - self._margin, BLOCK_FRAMES + 2 * self._margin))
        return hashlib.sha1(values.tobytes(), usedforsecurity=False).digest(), values

    def _noises(self, wanted: dict[bytes, np.ndarray]) -> dict[bytes, Tensor]:
        """The noise of each block, remembered or made now."""
        with self._lock:
            found = {key: self.kept[key] for key in wanted if key in self.kept}
        missing = [key for key in wanted if key not in found]
        for at in range(0, len(missing), BATCH):
            batch = missing[at : at + BATCH]
            values = np.stack([wanted[key] for key in batch])
            padded = np.pad(values, ((0, BATCH - len(batch)), (0, 0), (0, 0)))
            noises = invert(self._denoiser, torch.from_numpy(padded), INVERSION_STEPS)
            found |= {key: noise[:, self._margin : -self._margin].clone() for key, noise in zip(batch, noises)}
        with self._lock:
            self.inverted += len(missing)
            self._remember(found)
        return found

    def _remember(self, found: dict[bytes, Tensor]) -> None:
        """These are the newest; what was not used for the longest time goes."""
        for key, noise in found.items():
            self.kept[key] = noise
            self.kept.move_to_end(key)
        size = sum(noise.nbytes for noise in self.kept.values())
        while size > KEPT_BYTES:
            size -= self.kept.popitem(last=False)[1].nbytes


def invert(denoiser: Denoiser, clean: Tensor, steps: int) -> Tensor:
    """DDIM backwards, from sound at t = 0 to noise at t = 1: [B, bands, K].

    Each step asks the net at its end, not at its beginning: at t = 0 there is no noise for it to see.
    """
    x, way = clean, times(steps)[::-1]
    for t, t_next in itertools.pairwise(way):
        _, eps = split(x, denoiser(x, t_next), t_next)
        a, s = _alpha(t), _sigma(t)
        x = _alpha(t_next) * (x - s * eps) / a + _sigma(t_next) * eps
    return x


def noised(clean: Tensor, noise: Tensor, t: float) -> Tensor:
    """A sound on its way to noise, at time t."""
    return _alpha(t) * clean + _sigma(t) * noise


def alone(weights: Sequence[float]) -> float:
    """How far the weights mean one sound alone: 1 for a single one, 0 for two alike or any more even mix."""
    return max(0.0, 2 * sum(weight**2 for weight in weights) - 1)


def spherical(noises: Tensor, weights: Sequence[float]) -> Tensor:
    """The weighted mean along the sphere of noises [B, bands, K], with the weighted mean of their norms.

    For two it is slerp; for more it is the point from which the weighted arcs to all of them cancel, whatever their
    order (Buss and Fillmore, "Spherical averages", ACM Transactions on Graphics 2001).
    """
    flat = noises.flatten(1).double()
    norms = flat.norm(dim=1).clamp_min(1e-9)
    units = flat / norms[:, None]
    share = torch.tensor(weights, dtype=torch.float64)
    parts = _mean_on_sphere((units @ units.T).numpy(), share.numpy())
    mean = torch.from_numpy(parts) @ units
    return (mean * (share @ norms)).reshape(noises.shape[1:]).float()


def _mean_on_sphere(cosines: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean as parts of the unit vectors whose cosines [B, B] are given: float64 [B]."""
    parts = weights / math.sqrt(max(weights @ cosines @ weights, 1e-12))
    for _ in range(32):
        cos = (cosines @ parts).clip(-1, 1)
        arc = np.arccos(cos)
        pull = weights * np.where(arc > 1e-6, arc / np.sin(arc).clip(1e-6), 1.0)
        way = pull - (pull @ cos) * parts
        length = math.sqrt(max(way @ cosines @ way, 0.0))
        if length < 1e-9:
            break
        parts = math.cos(length) * parts + math.sin(length) / length * way
    return parts


def blocks(loop: int, first: int, count: int) -> list[tuple[int, int]]:
    """The blocks [begin, end) that cover frames first .. first + count of a source with a loop of `loop` frames.

    Blocks are counted from where the loop begins (frame 0 when it does not loop), so each turn has the same.
    """
    found, at = [], first
    while at < first + count:
        turn = at // loop * loop if loop else 0
        begin = turn + (at - turn) // BLOCK_FRAMES * BLOCK_FRAMES
        end = min(begin + BLOCK_FRAMES, turn + loop) if loop else begin + BLOCK_FRAMES
        found.append((begin, end))
        at = end
    return found


def frames_of(source: Source, first: int, count: int) -> np.ndarray:
    """`count` coefficient frames of a source from frame `first` on: float32 [16, count]."""
    begin = first * HOP - BEFORE - source.begin
    return analyse_span(cut(source.sound, begin, begin + (count - 1) * HOP + TAPS, False))


def _level(values: Tensor) -> Tensor:
    """RMS of each band: [..., bands, 1]."""
    return values.square().mean(-1, keepdim=True).sqrt().clamp_min(1e-6)


def _alpha(t: float) -> float:
    return math.cos(t * math.pi / 2)


def _sigma(t: float) -> float:
    return math.sin(t * math.pi / 2)
