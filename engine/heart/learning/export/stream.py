"""A live voice as one TorchScript module that a host of nn~'s contract streams: `contract.py` says what that is.

The engine's voice remembers nothing and is given its past; here the module is engine and voice at once. Each
call sings one chunk as long as the host's buffer: the clock makes or follows the beats, the window is laid over
the past, noise is drawn, the net is asked once a step, the sound is led over from the chunk before. Arithmetic and
names are those of `sounding.voice.Voice`; noise and choices are drawn from the engine's own generator
(`chance.py`), so the same wishes give the same sound.

Letters: B items (instances of mc.nn~), T samples, K coefficient frames.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from heart.audio import rise
from heart.learning.export.bank import Bank, fitted
from heart.learning.export.choice import Choice
from heart.learning.export.clock import Clock
from heart.learning.export.contract import Contract
from heart.records import GRAIN, OVERLAP
from heart.sounding.filterbank import HOP, LEAD, TAPS
from heart.sounding.offline import PAST
from heart.sounding.voice import PAST_FRAMES, TAIL_FRAMES
from heart.sounding.weights import Weights

RATIO = 2_048
"""Samples for which there is one value of a control, and the smallest buffer."""
LATE = 1_024
"""Samples by which `vary` is late: it must know what comes after the chunk it sings."""
MOST_STEPS = 32


class LiveVoice(Contract):
    """A voice that sings, and re-imagines what comes in.

    Args:
        net: traced, from (weights as one row, x, t, conditions, label, style) to v.
        packed: the net's weights in fp16, by the steps they are distilled to; 0 are those for any number.
        weights: of the voice itself, for its styles, contours and shape.
    """

    def __init__(self, net: nn.Module, packed: dict[int, Tensor], weights: Weights) -> None:
        super().__init__()
        shape = weights.net.shape
        self.net = net
        self.packed: dict[int, Tensor] = packed
        self.ready: Any = torch.jit.Attribute({}, dict[int, Tensor])
        """The same in float32, from their first use on."""
        self.bank, self.choice, self.clock = Bank(shape.gain, shape.spreads), Choice(weights), Clock()
        self.multiple, self.bands, self.moving = shape.multiple, shape.bands, weights.contours is not None
        self.hop, self.taps, self.lead_frames, self.tail, self.past_frames = (
            HOP,
            TAPS,
            LEAD,
            TAIL_FRAMES,
            PAST_FRAMES,
        )
        self.overlap, self.grain, self.history = OVERLAP, GRAIN, PAST + OVERLAP
        self.ratio, self.late, self.most_steps = RATIO, LATE, MOST_STEPS
        fade = torch.arange(OVERLAP).float() / (OVERLAP // 2 - LEAD * HOP // 2)
        self.from_past: Tensor = fade.clamp(0, 1)
        self.cross: Tensor = torch.from_numpy(rise(OVERLAP))
        self.label, self.steps, self.seed, self.strength = shape.labels[0], 4, 0, 0.5
        self.start = 0
        """Frame of the next sample that goes out."""
        self.past: Tensor = torch.zeros(1, 0)
        """[B, up to history]: what was sung, OVERLAP frames beyond `start` included."""
        self.given: Tensor = torch.zeros(1, 0)
        """[B, up to history]: what came into `vary`, up to `start`."""
        controls = [
            "(signal) bpm: 20 to 300, else the attribute",
            "(signal) phase of the beat 0..1, where it moves",
        ]
        self.register_method("forward", len(controls), RATIO, 1, 1, controls, ["(signal) the heart"])
        self.register_method("vary", 1, 1, 1, 1, ["(signal) what is re-imagined"], ["(signal) the heart"])
        self.register_attribute("label", "")
        self.register_attribute("steps", 0)
        self.register_attribute("seed", 0)
        for name in ("bpm", "rmssd", "systole", "strength"):
            self.register_attribute(name, 0.0)
        self.register_attribute("reset", 0)

    def forward(self, x: Tensor) -> Tensor:
        """Controls [B, 2, n / RATIO] to sound [B, 1, n]."""
        self.begin(x.shape[0])
        frames = x.shape[2] * self.ratio
        beats = [
            self.clock.until(item, self.seed + item, x[item].cpu(), self.start, frames)
            for item in range(x.shape[0])
        ]
        self.clock.changed = False
        return self.sung(frames, beats, self.past[:, :0], 1.0).to(x)

    @torch.jit.export
    def vary(self, x: Tensor) -> Tensor:
        """Sound [B, 1, n], n a multiple of 64, to sound [B, 1, n], LATE samples later."""
        if x.shape[2] % self.grain != 0:
            raise RuntimeError(f"vary: {x.shape[2]} samples; the buffer must be a multiple of {self.grain}")
        self.begin(x.shape[0])
        sound = torch.nan_to_num(x[:, 0].float().cpu(), 0.0, 0.0, 0.0)
        self.given = torch.cat([self.given, sound], 1)[:, -self.history - sound.shape[1] :]
        nothing: list[Tensor] = []
        return self.sung(x.shape[2], nothing, self.given, self.strength).to(x)

    def begin(self, items: int) -> None:
        """Begin anew where there are more or fewer items than before."""
        if items != self.past.shape[0] or items != len(self.clock.next):
            self.restart(items)

    def restart(self, items: int) -> None:
        """Silence before, frame 0 next."""
        self.start, self.past, self.given = 0, torch.zeros(items, 0), torch.zeros(items, 0)
        self.clock.reset(items)

    def sung(self, frames: int, beats: list[Tensor], source: Tensor, strength: float) -> Tensor:
        """The next `frames` frames: [B, 1, frames]. Without beats and with a source they are made of it."""
        items, varying = self.past.shape[0], source.shape[1] > 0
        first, count, known = self.window(frames)
        shares, seeds = self.choice.shares(self.label), [self.seed + item for item in range(items)]
        chosen = [self.choice.chosen(shares, seed) for seed in seeds]
        label, style = torch.stack([c[0] for c in chosen]), torch.stack([c[1] for c in chosen])
        knees = torch.stack([c[2] for c in chosen])
        told, loud = self.conditions(shares, seeds, beats, first, count, known, varying)
        past = self.looked_at(first, known, knees, loud)
        noise = torch.stack(
            [self.choice.chance.normal32([seed, self.start], self.bands * count) for seed in seeds]
        ).view(items, self.bands, count)
        x, upper, t = noise, noise[:, :0], 1.0
        if varying:
            frames_in = self.bank.analysed(self.piece(source, self.start + frames, first, count))
            t = min(max(strength, 0.0), 1.0)
            x = alpha(t) * self.bank.to_net(frames_in, knees, loud) + sigma(t) * noise
            upper = (1.0 - t) * frames_in[:, self.bands :]
        if t > 0.0:
            flat = self.weights_of(0 if varying else self.steps)
            for step in range(self.steps):
                now, then = moment(step, self.steps, t), moment(step + 1, self.steps, t)
                x = torch.cat([past, x[:, :, known:]], 2)
                v = self.net(flat, x, torch.full((items,), now), told, label, style)
                clean, left = alpha(now) * x - sigma(now) * v, sigma(now) * x + alpha(now) * v
                x = alpha(then) * clean + sigma(then) * left
        x = torch.cat([past, x[:, :, known:]], 2)
        coefficients = torch.cat([self.bank.to_sound(x, knees, loud), upper], 1)
        return self.laid(self.bank.synthesised(coefficients), first, frames, known)

    def window(self, frames: int) -> tuple[int, int, int]:
        """First frame of the window, how many, and how many of them are known."""
        end, length = self.start + frames + self.overlap, self.past.shape[1]
        first, known = self.start // self.hop - self.lead_frames, 0
        if length >= self.overlap:
            border = self.start + self.overlap
            certain = self.bank.certain(border)
            first = max(self.bank.whole(border - max(length, self.overlap + self.taps)), certain - self.past_frames)
            known = certain - first
        needed = (end - 1 + self.bank.before) // self.hop + 1 + self.tail - first
        return first, -(-needed // self.multiple) * self.multiple, known

    def looked_at(self, first: int, known: int, knees: Tensor, loud: Tensor) -> Tensor:
        """The known frames on the net's scale: [B, bands, known]."""
        if known == 0:
            return torch.zeros(self.past.shape[0], self.bands, 0)
        past = fitted(self.past, max(self.past.shape[1], self.overlap + self.taps))
        begin = first * self.hop - self.bank.before - (self.start + self.overlap - past.shape[1])
        sound = past[:, begin : begin + (known - 1) * self.hop + self.taps]
        return self.bank.to_net(self.bank.analysed(sound), knees, loud[:, :, :known])

    def conditions(
        self,
        shares: list[float],
        seeds: list[int],
        beats: list[Tensor],
        first: int,
        count: int,
        known: int,
        varying: bool,
    ) -> tuple[Tensor, Tensor]:
        """What the net sees beside x, [B, 5, K], and the loudness [B, bands or 1, K] its frames are relative to."""
        told = torch.full((len(seeds), 5, count), -1.0)
        told[:, 0] = (torch.arange(count) < known).float()
        loud = torch.ones(len(seeds), 1, count)
        if self.moving and not varying:
            moves = [self.choice.moves(shares, seed, first, count) for seed in seeds]
            told[:, 1:4] = torch.stack(moves) / self.choice.told
            return told, torch.stack([self.choice.loudness(move) for move in moves])
        for item, own in enumerate(beats):
            near = own[own[:, 2] >= self.start - self.past.shape[1] - self.clock.rate / 2]
            told[item, 1:] = self.clock.track(near, first, count)
        return told, loud

    def piece(self, source: Tensor, end: int, first: int, count: int) -> Tensor:
        """The sound of a window, [B, T]: LATE frames late, silent where it has not come in yet.

        source: what came in, up to frame `end`.
        """
        length = (count - 1) * self.hop + self.taps
        at = first * self.hop - self.bank.before - self.late - (end - source.shape[1])
        before, after = max(0, -at), max(0, at + length - source.shape[1])
        return F.pad(source, (before, after))[:, at + before : at + before + length]

    def weights_of(self, steps: int) -> Tensor:
        """The net's weights for so many steps, as one row."""
        key = steps if steps in self.packed else 0
        if key not in self.ready:
            self.ready[key] = self.packed[key].float()
        return self.ready[key]

    def laid(self, sound: Tensor, first: int, frames: int, known: int) -> Tensor:
        """What goes out of a window's sound, led over from the past; the rest is kept."""
        begin = self.start - (first * self.hop - self.bank.before)
        audio = sound[:, begin : begin + frames + self.overlap]
        if self.start > 0:
            ends = self.past[:, -self.overlap :]
            new = audio[:, : self.overlap]
            if known > 0:
                new = new * self.from_past + ends * (1 - self.from_past)
            audio = torch.cat([ends * (1 - self.cross) + new * self.cross, audio[:, self.overlap :]], 1)
        kept = self.past[:, : max(0, self.past.shape[1] - self.overlap)]
        self.past = torch.cat([kept, audio], 1)[:, -self.history :]
        self.start += frames
        return audio[:, None, :frames]

    @torch.jit.export
    def get_label(self) -> str:
        return self.label

    @torch.jit.export
    def set_label(self, label: str) -> int:
        """0, or -1 for a label that it cannot sing: then the old one stays."""
        if not self.choice.known(label):
            return -1
        self.label = label
        return 0

    @torch.jit.export
    def get_steps(self) -> int:
        return self.steps

    @torch.jit.export
    def set_steps(self, steps: int) -> int:
        if steps < 1 or steps > self.most_steps:
            return -1
        self.steps = steps
        return 0

    @torch.jit.export
    def get_seed(self) -> int:
        return self.seed

    @torch.jit.export
    def set_seed(self, seed: int) -> int:
        self.seed = abs(seed)
        return 0

    @torch.jit.export
    def get_bpm(self) -> float:
        return self.clock.bpm

    @torch.jit.export
    def set_bpm(self, bpm: float) -> int:
        if not (bpm >= 20.0 and bpm <= 300.0):
            return -1
        self.clock.bpm = bpm
        return 0

    @torch.jit.export
    def get_rmssd(self) -> float:
        return self.clock.rmssd

    @torch.jit.export
    def set_rmssd(self, rmssd: float) -> int:
        if not (rmssd >= 0.0 and rmssd <= 500.0):
            return -1
        self.clock.rmssd, self.clock.changed = rmssd, True
        return 0

    @torch.jit.export
    def get_systole(self) -> float:
        return self.clock.systole

    @torch.jit.export
    def set_systole(self, systole: float) -> int:
        if not (systole >= 0.7 and systole <= 1.3):
            return -1
        self.clock.systole, self.clock.changed = systole, True
        return 0

    @torch.jit.export
    def get_strength(self) -> float:
        return self.strength

    @torch.jit.export
    def set_strength(self, strength: float) -> int:
        if not (strength >= 0.0 and strength <= 1.0):
            return -1
        self.strength = strength
        return 0

    @torch.jit.export
    def get_reset(self) -> int:
        return 0

    @torch.jit.export
    def set_reset(self, reset: int) -> int:
        """Begin anew: silence before, the first beat next."""
        if reset != 0:
            self.restart(self.past.shape[0])
        return 0


def moment(step: int, steps: int, begin: float) -> float:
    """The time of a step: see `samplers.times`."""
    return begin * math.sin(0.5 * math.pi * (1.0 - float(step) / float(steps)))


def alpha(t: float) -> float:
    """How much sound there is at time t."""
    return math.cos(t * math.pi / 2.0)


def sigma(t: float) -> float:
    """How much noise."""
    return math.sin(t * math.pi / 2.0)
