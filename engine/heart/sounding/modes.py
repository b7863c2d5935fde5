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
        to_net: see `ToNet`.
        bands: how many the net sings.
        multiple: a count of frames the net takes is a multiple of this.
    """

    def __init__(self, unconditioned: Denoiser, to_net: ToNet, bands: int, multiple: int) -> None:
        self.to_net, self.bands = to_net, bands
        self._inverter = Inverter(unconditioned, to_net, multiple)

    def plan(self, wish: Wish, first: int, noise: Tensor) -> Plan:
        """The plan of a wish whose window is made of `noise` [1, bands, K] and begins at frame `first`."""
        if wish.mode == "generate" or not wish.sources:
            return Plan(noise)
        weights = [source.weight for source in wish.sources]
        mix = sum(np.float32(source.weight) * frames_of(source, first, noise.shape[-1]) for source in wish.sources)
        clean, upper = torch.from_numpy(self.to_net(mix))[None], mix[self.bands :]
        if wish.mode == "vary":
            t = min(max(wish.strength, 0.0), 1.0)
            return Plan(noised(clean, noise, t), t, upper=(1 - t) * upper)
        through = 1.0 if wish.method == "fade" else alone(weights)
        if through == 1:
            return Plan(clean, 0.0, upper=upper)
        noises = self._inverter.noise(wish.sources, first, noise.shape[-1])
        return Plan(spherical(noises, weights)[None], 1.0, clean, through, upper)


class Inverter:
    """Sounds to noise, block by block of their own timeline, so that a loop is inverted once."""

    def __init__(self, unconditioned: Denoiser, to_net: ToNet, multiple: int) -> None:
        self._denoiser, self._to_net = unconditioned, to_net
        self._margin = multiple
        """Frames on both sides of a block that are inverted with it and thrown away."""
        self._kept: OrderedDict[bytes, Tensor] = OrderedDict()
        self.inverted = 0
        """Blocks so far."""

    def noise(self, sources: Sequence[Source], first: int, count: int) -> Tensor:
        """The noise of which each source is sung, from frame `first` on: [B, bands, count]."""
        rows, wanted = [], dict[bytes, np.ndarray]()
        for source in sources:
            cuts = blocks(source.loop // HOP, first, count)
            pieces = [self._piece(source, begin) for begin, _ in cuts]
            wanted.update(pieces)
            rows.append([(key, begin, end) for (key, _), (begin, end) in zip(pieces, cuts)])
        self._invert(wanted)
        noises = [torch.cat([self._kept[key][:, : end - begin] for key, begin, end in row], -1) for row in rows]
        self._forget()
        return torch.stack([noise[:, first - row[0][1] :][:, :count] for noise, row in zip(noises, rows)])

    def _piece(self, source: Source, block: int) -> tuple[bytes, np.ndarray]:
        """The sound of the block that begins at frame `block`, and of its margins; and what it is known by."""
        sound = sound_of(source, block - self._margin, BLOCK_FRAMES + 2 * self._margin)
        return hashlib.sha1(sound.tobytes(), usedforsecurity=False).digest(), sound

    def _invert(self, wanted: dict[bytes, np.ndarray]) -> None:
        """Invert the blocks that are not remembered; make those that are the newest."""
        missing = [piece for piece in wanted.items() if piece[0] not in self._kept]
        for key in wanted.keys() & self._kept.keys():
            self._kept.move_to_end(key)
        for at in range(0, len(missing), BATCH):
            batch = missing[at : at + BATCH]
            values = np.stack([self._to_net(analyse_span(sound)) for _, sound in batch])
            padded = np.pad(values, ((0, BATCH - len(batch)), (0, 0), (0, 0)))
            noises = invert(self._denoiser, torch.from_numpy(padded), INVERSION_STEPS)
            for (key, _), noise in zip(batch, noises):
                self._kept[key] = noise[:, self._margin : -self._margin].clone()
        self.inverted += len(missing)

    def _forget(self) -> None:
        """Drop what was not used for the longest time; what one window needs always stays."""
        size = sum(noise.nbytes for noise in self._kept.values())
        while size > KEPT_BYTES:
            size -= self._kept.popitem(last=False)[1].nbytes


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


def sound_of(source: Source, first: int, count: int) -> np.ndarray:
    """The sound over which `count` coefficient frames from `first` on reach."""
    begin = first * HOP - BEFORE - source.begin
    return cut(source.sound, begin, begin + (count - 1) * HOP + TAPS, False)


def frames_of(source: Source, first: int, count: int) -> np.ndarray:
    """Coefficients of a source: float32 [16, count]."""
    return analyse_span(sound_of(source, first, count))


def _level(values: Tensor) -> Tensor:
    """RMS of each band: [..., bands, 1]."""
    return values.square().mean(-1, keepdim=True).sqrt().clamp_min(1e-6)


def _alpha(t: float) -> float:
    return math.cos(t * math.pi / 2)


def _sigma(t: float) -> float:
    return math.sin(t * math.pi / 2)
