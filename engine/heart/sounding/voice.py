"""The diffusion voice: a wish in, a chunk out, nothing remembered between.

A window of coefficient frames is laid over the past and what is to come:

        past (known, clamped)      |        new         | overlap | tail (thrown away)
    first ......... first + known  | ............................... first + count
                                start                start + frames

Known frames are put into the net's input at every step just as in training; only the others are made of
noise. Where what comes after is known as well (inpainting), its frames are given to the net as noisy as the step
wants them (Lugmayr et al., "RePaint", CVPR 2022), because training knew no such border. What vary and morph begin
with instead of noise is made in `modes.py`. All arithmetic is a function of the wish and the weights, so a wish
sung again is the same, bit for bit, on the same machine with the same number of threads.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from heart.cards import read_model
from heart.records import OVERLAP, Beat, Chunk, Wish
from heart.sounding import contour
from heart.sounding.conditions import Scale, beat_channels, compand, expand, mix_styles
from heart.sounding.elsewhere import find_device
from heart.sounding.filterbank import (
    BEFORE,
    HOP,
    LEAD,
    TAPS,
    analyse_span,
    certain_frames,
    first_whole_frame,
    synthesise,
)
from heart.sounding.graph import open_net
from heart.sounding.levels import with_levels, without_levels
from heart.sounding.mixtures import shares_of
from heart.sounding.modes import Plan, Planner, noised
from heart.sounding.samplers import Denoiser, find_sampler
from heart.sounding.sources import material_of
from heart.sounding.style import clear
from heart.sounding.together import SharedNet, together
from heart.sounding.weights import load_net

PAST_FRAMES = 608
"""Most coefficient frames of past that are looked at: 0.22 s. More only costs time: styles keep the character."""
TAIL_FRAMES = 24
"""Frames sung beyond what is needed: the net then knows no edge where the chunk ends."""
FUTURE_FRAMES = 320
"""Most coefficient frames looked at of what comes after, where that is known: 0.12 s."""
MAX_STEPS = 200


NOTHING = Wish(0, 0, 0, np.zeros(0, np.float32), (), label="")
"""A wish without conditions."""


@dataclass(frozen=True)
class Window:
    """Where the frames of a wish lie (absolute frame numbers) and which are known."""

    first: int
    count: int
    known: int
    later: slice
    """Which of its frames are known of what comes after."""


def window_of(wish: Wish, multiple: int) -> Window:
    """The window of a wish; `count` is a multiple of `multiple`."""
    end = wish.start + wish.frames + OVERLAP
    length = len(past_of(wish))
    if length:
        border = wish.start + OVERLAP
        certain = certain_frames(border)
        first = max(first_whole_frame(border - length), certain - PAST_FRAMES)
        known = certain - first
    else:
        first, known = wish.start // HOP - LEAD, 0
    needed = (end - 1 + BEFORE) // HOP + 1 + TAIL_FRAMES - first
    later = later_of(wish, first)
    return Window(first, -(-max(needed, later.stop) // multiple) * multiple, known, later)


def later_of(wish: Wish, first: int) -> slice:
    """The frames of a window from `first` on that lie wholly inside the wish's future."""
    begin = first_whole_frame(wish.start + wish.frames)
    end = min(certain_frames(wish.start + wish.frames + len(wish.future)), begin + FUTURE_FRAMES)
    return slice(begin - first, end - first) if end > begin else slice(0, 0)


def past_of(wish: Wish) -> np.ndarray:
    """The past as the window wants it: float32, finite, none when it does not reach over the overlap.

    A past that is hardly longer than the overlap is the beginning of the tape: before it there was silence.
    """
    if len(wish.past) < OVERLAP:
        return np.zeros(0, np.float32)
    past = np.nan_to_num(wish.past.astype(np.float32))
    return np.pad(past, (max(0, OVERLAP + TAPS - len(past)), 0))


class Tuning:
    """Between a wish's coefficients and the net's scale: its companding, gain and contour."""

    def __init__(self, scale: Scale, gain: float, moves: np.ndarray | None, count: int) -> None:
        self.scale, self.gain, self.bands = scale, np.float32(gain), len(scale.knees)
        self.loud = np.ones((1, count), np.float32) if moves is None else contour.amplitude(moves)

    def to_net(self, frames: np.ndarray, where: slice | None = None) -> np.ndarray:
        """Coefficients [16, K] of a sound, at the frames `where` of the window (None: anywhere): [bands, K]."""
        loud = np.float32(1) if where is None else self.loud[:, where]
        return compand(frames[: self.bands] / self.gain / loud, self.scale)

    def to_sound(self, values: np.ndarray) -> np.ndarray:
        """The net's [bands, count] to coefficients."""
        return expand(values, self.scale) * self.loud * self.gain


@dataclass(frozen=True)
class Known:
    """What stands in a window already: frames of the past, and at time t of what comes after."""

    past: Tensor
    future: Callable[[float], Tensor]


class Voice:
    """A loaded diffusion voice.

    Args:
        folder: a model folder with card.toml and weights.
        threads: CPU threads; 0 takes half the cores, four at most: two threads that wait for each other on
            two cores that others use as well are slower than one (measured: ten times).
        sampler: "ddim", "ddpm" or one of k-diffusion's.
        device: where the net runs: cpu, cuda, mps, or auto.

    Raises:
        FileError: card or weights are missing or damaged.
        UsageError: no such sampler or device.
    """

    def __init__(self, folder: Path, threads: int = 0, sampler: str = "ddim", device: str = "cpu") -> None:
        where = find_device(device)
        torch.set_num_threads(threads or max(1, min(4, (os.cpu_count() or 1) // 2)))
        # numpy's own threads would only spin, and the last bits of a sound would depend on how many there are.
        threadpool_limits(1, "blas")
        model = read_model(folder)
        self.name = model.name
        self.sampler_name = sampler
        self._sampler = find_sampler(sampler)
        self._weights = load_net(model.weights)
        self.net = open_net(self._weights.net, folder, where)
        self._proof = f"{str(model.card['sha256'])[:12]} {self.net.runtime}"
        # By steps: net and proof. Distilled on the grid of our own DDIM, so no other sampler may have them.
        few = model.few_steps if sampler == "ddim" else {}
        self.few = {
            n: (
                open_net(load_net(model.few_step_weights(n)).net, folder, where),
                f"{proof[:12]} {self.net.runtime}",
            )
            for n, proof in few.items()
        }
        self.planner = Planner(self._unconditioned, self.net.shape.bands, self.net.shape.multiple)

    def warm_up(self) -> None:
        """Sing twice into nothing, so that the first real wish is not slower than the others."""
        beats = (Beat(0, 2_000, 16_000, 833.0),)
        for number in range(2):
            self.sing(Wish(number, 20_480, 16_384, np.zeros(20_480 + OVERLAP, np.float32), beats))

    @torch.inference_mode()
    def sing(self, wish: Wish) -> Chunk:
        """The wished-for frames and OVERLAP more; see `records.Chunk`."""
        began_s = time.perf_counter()
        recipe = self._recipe(wish)
        wish = without_levels(wish)
        window = window_of(wish, self.net.shape.multiple)
        label, style, scale = self._choice(wish)
        moves = self._contour(wish, window)
        tuning = Tuning(scale, self.net.shape.gain, moves, window.count)
        past, future = self._past(wish, window, tuning), self._future(wish, window, tuning)
        noise = self._noise(wish, window)
        plan = self.planner.plan(wish, window.first, noise, tuning.to_net)
        known = Known(past, lambda t: noised(future, noise[..., window.later], t))
        denoiser = self._denoiser(wish, window, known, label, style, moves)
        steps = min(max(int(wish.steps), 1), MAX_STEPS)
        values = plan.finish(self._sampler(denoiser, plan.x, steps, plan.t) if plan.t else plan.x)
        values[..., : window.known], values[..., window.later] = past, future
        audio = with_levels(self._sound(tuning.to_sound(values[0].numpy()), wish, window, plan), wish)
        spent_s = time.perf_counter() - began_s
        return Chunk(wish.number, wish.start, audio, spent_s, wish.seed, recipe, steps)

    def sing_many(self, wishes: Sequence[Wish]) -> list[Chunk]:
        """A chunk for each wish, in shared forward passes: within 1e-4 of `sing`, cheaper the more there are."""
        began_s = time.perf_counter()
        chunks = together(self.sing, wishes)
        share_s = (time.perf_counter() - began_s) / max(len(chunks), 1)
        return [replace(chunk, spent_s=share_s) for chunk in chunks]

    def _past(self, wish: Wish, window: Window, tuning: Tuning) -> Tensor:
        """The known frames on the net's scale: [1, bands, known]."""
        past = past_of(wish)
        begin = window.first * HOP - BEFORE - (wish.start + OVERLAP - len(past))
        length = (window.known - 1) * HOP + TAPS if window.known else 0
        return torch.from_numpy(tuning.to_net(analyse_span(past[begin : begin + length]), slice(0, window.known)))[
            None
        ]

    def _future(self, wish: Wish, window: Window, tuning: Tuning) -> Tensor:
        """The frames known of what comes after, on the net's scale: [1, bands, 0..FUTURE_FRAMES]."""
        begin = (window.first + window.later.start) * HOP - BEFORE - (wish.start + wish.frames)
        count = window.later.stop - window.later.start
        future = np.nan_to_num(wish.future[begin : begin + (count - 1) * HOP + TAPS] if count else wish.future[:0])
        return torch.from_numpy(tuning.to_net(analyse_span(future.astype(np.float32)), window.later))[None]

    def _noise(self, wish: Wish, window: Window) -> Tensor:
        random = np.random.default_rng([abs(int(wish.seed)), abs(int(wish.start))])
        noise = random.standard_normal((1, self.net.shape.bands, window.count), dtype=np.float32)
        return torch.from_numpy(noise)

    def _unconditioned(self, x: Tensor, t: float) -> Tensor:
        """v [B, bands, K] of sounds that are given no label, beats or past."""
        copies, _, count = x.shape
        nothing = np.concatenate([np.zeros((1, count), np.float32), beat_channels((), 0, count)])
        conditions = torch.from_numpy(nothing)[None].expand(copies, -1, -1)
        label, style = (null[1:].expand(copies, *null.shape[1:]) for null in self._choice(NOTHING)[:2])
        v: Tensor = self.net(x, torch.full((copies,), t), conditions, label, style)
        return v

    def _taught(self, wish: Wish) -> tuple[SharedNet, str]:
        """The net that sings a wish best, and its proof: few steps distilled where they begin with noise alone."""
        plain = not wish.sources and not len(wish.future)
        return self.few.get(wish.steps, (self.net, self._proof)) if plain else (self.net, self._proof)

    def _denoiser(
        self, wish: Wish, window: Window, known: Known, label: Tensor, style: Tensor, moves: np.ndarray | None
    ) -> Denoiser:
        """(x, t) -> v for this wish, with past and future in place and guidance applied."""
        guided = wish.guidance != 1.0 and not label[0, 0]
        copies = 2 if guided else 1
        mask = (np.arange(window.count) < window.known).astype(np.float32)[None]
        track = beat_channels(wish.beats, window.first, window.count) if moves is None else contour.told(moves)
        conditions = torch.from_numpy(np.concatenate([mask, track]))[None].expand(copies, -1, -1)
        labels, styles = label[:copies], style[:copies]
        net, _ = self._taught(wish)

        def denoise(x: Tensor, t: float) -> Tensor:
            x = x.clone()
            x[..., : window.known], x[..., window.later] = known.past, known.future(t)
            time_ = torch.full((copies,), t)
            v = net(x.expand(copies, -1, -1), time_, conditions, labels, styles)
            return v if not guided else v[1:] + wish.guidance * (v[:1] - v[1:])

        return denoise

    def _choice(self, wish: Wish) -> tuple[Tensor, Tensor, Scale]:
        """Weights of the labels [2, labels + 1] and style [2, styles + 1], of the wish in row 0 and of no label
        in row 1; and the scale of its frames.
        """
        shape = self.net.shape
        shares = self._own_shares(wish)
        label = torch.zeros(2, len(shape.labels) + 1)
        style = np.zeros((2, shape.styles + 1), np.float32)
        label[1, 0] = 1
        if not shares:
            label[0, 0] = 1
            return label, torch.from_numpy(style), shape.scale(self.style(None, wish.seed))
        for number, share in shares.items():
            label[0, number + 1] = share
        styles = [self.style(number, wish.seed) for number in shares]
        style[0] = np.append(mix_styles(styles, [*shares.values()], shape.bands if shape.levelled else 0), 1)
        return label, torch.from_numpy(style), shape.scale(style[0, :-1])

    def _own_shares(self, wish: Wish) -> dict[int, float]:
        """What of a wish this net can sing: {number of the label: share}, the sum 1, or {}."""
        labels = self.net.shape.labels
        own = {labels.index(name): share for name, share in shares_of(wish).items() if name in labels}
        return {number: share / sum(own.values()) for number, share in own.items()}

    def _contour(self, wish: Wish, window: Window) -> np.ndarray | None:
        """How the loudness of a texture is to move in the window: float32 [ROWS, count] in dB; None for hearts."""
        contours, labels = self._weights.contours, self._weights.style_labels
        if contours is None or wish.sources:  # a given sound moves by itself
            return None
        shares = self._own_shares(wish)
        banks = [(number, _of(contours, labels, number)) for number in shares] or [
            (len(self.net.shape.labels), contours)
        ]
        seed = abs(int(wish.seed))
        sung = [contour.sung(bank, (seed, number), window.first, window.count) for number, bank in banks]
        return contour.mixed(sung, [*shares.values()] or [1.0])

    def style(self, label: int | None, seed: int) -> np.ndarray:
        """The style a seed stands for: one of the label's recordings (None: of all), of hearts a clear one.

        float32 [styles]
        """
        weights = self._weights
        bank = weights.styles if label is None else _of(weights.styles, weights.style_labels, label)
        if not len(bank):
            return np.zeros(self.net.shape.styles, np.float32)
        if not self.net.shape.levelled:
            bank = bank[clear(bank)]
        return bank[np.random.default_rng([abs(int(seed)), label or 0]).integers(len(bank))]

    def _sound(self, frames: np.ndarray, wish: Wish, window: Window, plan: Plan) -> np.ndarray:
        """Coefficients [bands, count] to the chunk's sound, led over from the past within the certain part."""
        sung = synthesise(frames if plan.upper is None else np.concatenate([frames, plan.upper]))
        begin = wish.start - (window.first * HOP - BEFORE)
        audio = np.ascontiguousarray(sung[begin : begin + wish.frames + OVERLAP])
        if window.known:
            # Known frames hold all of the past but its highest octaves; the past itself holds those too.
            fade = np.clip(np.arange(OVERLAP, dtype=np.float32) / (OVERLAP // 2 - LEAD * HOP // 2), 0, 1)
            audio[:OVERLAP] = audio[:OVERLAP] * fade + past_of(wish)[-OVERLAP:] * (1 - fade)
        return audio

    def _recipe(self, wish: Wish) -> str:
        beats = [(beat.s1, beat.s2, round(beat.rr_ms, 3), beat.gain1, beat.gain2) for beat in wish.beats]
        text = f"{self._taught(wish)[1]} {self.sampler_name} {wish.start} {wish.frames} {wish.label} {wish.seed} "
        text += f"{wish.steps} {wish.guidance} {beats}"
        text += f" {wish.mix}" if wish.mix else ""
        proof = hashlib.sha256(text.encode() + wish.past.tobytes() + wish.future.tobytes())
        proof.update(material_of(wish))
        return proof.hexdigest()[:12]


def _of(bank: np.ndarray, labels: np.ndarray, label: int) -> np.ndarray:
    """What of a bank is of a label; all of it where nothing is, as in a voice of one's own sounds."""
    own = bank[labels == label]
    return own if len(own) else bank
