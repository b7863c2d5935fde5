"""Few steps: a student learns to reach in one step what its teacher reaches in several.

Progressive distillation (Salimans and Ho 2022), v objective, on the very times of `samplers.times`: times(16)
holds times(4), and times(4) holds times(2), so a student sings by the schedule that is there.

In angles (t pi / 2) a DDIM step is a turn: from t to s, z_s = cos(d) z_t - sin(d) v with d = (t - s) pi / 2. To
land where its teacher lands, a student must answer v = (cos(d) z_t - z_s) / sin(d).
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from heart.cards import find_model
from heart.learning.crew import crew
from heart.learning.voice_lesson import Seen, seen_by, turned
from heart.learning.voice_loom import Batch
from heart.learning.voice_train import enrol, prepare, school
from heart.sounding.net import VoiceNet
from heart.sounding.samplers import times
from heart.sounding.weights import load_net

STAGES = ((4, 4, 0.55), (2, 2, 0.45))
"""Steps of each student, steps of its teacher that one of them replaces, and its part of the minutes. The first
learns from the whole voice at 16 steps, the second from the first."""
RATE = 2e-4
QUIET = 0.1
"""Where the sound is far below this (on the net's scale) an error is hiss, and costs most."""
HIGH = 4.0
"""What the difference of neighbouring errors costs beside the error itself: few steps hiss while S1 sounds, faintly
but far above its frequency."""
SIZES = ((4, 2048), (3, 3072))
"""Items and frames of the batches, in turn: small ones, as a teacher's answer is not a matter of chance."""
_NEAR = 33
"""Frames over which loudness is looked at: 12 ms."""


@dataclass(frozen=True)
class Shortcut:
    """The lesson of one stage: `steps` steps instead of the teacher's steps * strides."""

    teacher: VoiceNet
    steps: int
    strides: int

    def __call__(self, net: VoiceNet, batch: Batch, places: Tensor, noise: Tensor | None = None) -> Tensor:
        """Error of the student's v; place p of 0..1 is the step that begins after p * steps others."""
        seen = seen_by(batch, next(net.parameters()).device)
        noise = torch.randn_like(seen.clean) if noise is None else noise
        grid = torch.tensor(times(self.steps * self.strides), device=noise.device)
        first = (places.to(noise.device) * self.steps).long().clamp(0, self.steps - 1) * self.strides
        begin, end = grid[first], grid[first + self.strides]
        x = turned(seen.clean, noise, begin * math.pi / 2)
        with torch.no_grad():
            there = self.walk(seen, x, grid, first)
        turn = ((begin - end) * math.pi / 2)[:, None, None]
        wanted = (torch.cos(turn) * x - there) / torch.sin(turn)
        missed = (seen.v(net, x, begin) - wanted) * (1 - seen.given)
        weights = 1 / (QUIET + loudness(seen.clean))
        return seen.error(missed, weights) + HIGH * seen.error(F.pad(missed.diff(dim=-1), (1, 0)), weights)

    def walk(self, seen: Seen, x: Tensor, grid: Tensor, first: Tensor) -> Tensor:
        """Where the teacher's next steps lead from x, each item from its own place `first` on the grid."""
        for stride in range(self.strides):
            t, after = grid[first + stride], grid[first + stride + 1]
            x = turned(x, -seen.v(self.teacher, x, t), (t - after) * math.pi / 2)
        return x


def loudness(clean: Tensor) -> Tensor:
    """RMS of each band over the frames around: [B, BANDS, K], like `clean`."""
    return F.avg_pool1d(clean**2, _NEAR, 1, _NEAR // 2, count_include_pad=False).sqrt()


def distil_voice(
    data_dir: Path,
    out_dir: Path,
    minutes: float = 50.0,
    seed: int = 0,
    resume: bool = True,
    threads: int = 0,
    pack: Path | None = None,
    sizes: tuple[tuple[int, int], ...] = SIZES,
    teacher: Path | None = None,
) -> dict[int, Path]:
    """Train the few-step weights of `voice-heart`; returns {steps: file}, each in a folder of its own.

    Args:
        teacher: weights of the whole voice; None takes the shipped ones. The others: see `train_voice`.

    Raises:
        FileError: no training data, or no teacher.
    """
    clips = prepare(data_dir, out_dir, seed, threads, pack)
    known = load_net(teacher or find_model("voice-heart").weights).net.to(crew().where)
    made = {}
    for steps, strides, share in STAGES:
        run = enrol(copy.deepcopy(known).requires_grad_(True), RATE)
        lesson = Shortcut(known, steps, strides)
        made[steps] = school(run, clips, out_dir / str(steps), minutes * share, seed + steps, resume, sizes, lesson)
        known = load_net(made[steps]).net.to(crew().where)
    return made
