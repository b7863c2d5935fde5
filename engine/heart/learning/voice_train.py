"""Training of the voice: AdamW, warm-up and cosine over planned minutes, EMA, resume, a loss log.

Runs on CPU (bfloat16 autocast where the processor has it), CUDA or MPS unchanged, and on several devices at once
(`crew`). The rate follows the clock, not the step count, so that a slow machine ends in the same state of learning
as a fast one, only with fewer steps behind it.
"""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from heart.learning.crew import crew
from heart.learning.voice_data import gather_clips
from heart.learning.voice_lesson import BAND_WEIGHTS, Judge, Lesson, Weaver, objective
from heart.learning.voice_log import LossLog
from heart.learning.voice_loom import Batch, Loom, Mix
from heart.sounding.net import NetShape, VoiceNet
from heart.sounding.weights import save_net

RATE = 5e-4
WARM_UP_STEPS = 200
EMA = 0.999
SIZES = ((16, 2048), (11, 3072))
"""Items and frames of the batches, in turn: the live window is about 2,200 frames."""
VALIDATE_STEPS = 250
WEIGHTS = "voice.safetensors"
"""Of the EMA, in the folder of a training."""


@dataclass(frozen=True)
class Material:
    """What a voice learns from. Clips are of one kind throughout, with at least `split`, `label` and `style`."""

    shape: NetShape
    band_weights: tuple[float, ...]
    """What an error in each band costs."""
    gather: Callable[[Path, Path], list[Any]]
    """(data folder, pack) -> clips, packed when they are not yet."""
    weave: Callable[[Sequence[Any], int], Weaver]
    """(clips, seed) -> training windows."""
    judge: Callable[[Sequence[Any]], Weaver]
    """Clips -> windows for the validation loss, with nothing left out."""
    sizes: tuple[tuple[int, int], ...] = SIZES
    bank: Callable[[Sequence[Any]], Sequence[Any]] = list
    """The training clips whose styles a seed may choose."""


HEARTS = Material(
    NetShape(),
    BAND_WEIGHTS,
    gather_clips,
    Loom,
    lambda clips: Loom(clips, 1, Mix(normal=0.2, drop_label=0, drop_style=0, drop_beats=0)),
)


@dataclass
class Run:
    """Everything a training needs to go on: saved in one checkpoint."""

    net: VoiceNet
    ema: VoiceNet
    optimiser: torch.optim.Optimizer
    rate: float = RATE
    """The learning rate's peak."""
    step: int = 0
    spent_s: float = 0.0
    band_weights: tuple[float, ...] = BAND_WEIGHTS
    asked: Any = field(init=False)
    """The net as the crew asks it, and
    stepping: the optimiser as the crew steps with it. Alone they are net and optimiser."""
    stepping: Any = field(init=False)

    def __post_init__(self) -> None:
        self.asked, self.stepping = crew().join(self.net, self.optimiser)

    def state(self) -> dict[str, Any]:
        parts = {name: getattr(self, name).state_dict() for name in ("net", "ema", "optimiser")}
        return {**parts, "step": self.step, "spent_s": self.spent_s}

    def load(self, state: dict[str, Any]) -> None:
        for name in ("net", "ema", "optimiser"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.spent_s = state["step"], state["spent_s"]


def train_voice(
    data_dir: Path,
    out_dir: Path,
    minutes: float = 70.0,
    seed: int = 0,
    resume: bool = True,
    threads: int = 0,
    pack: Path | None = None,
    sizes: tuple[tuple[int, int], ...] | None = None,
    shape: NetShape | None = None,
    material: Material = HEARTS,
) -> Path:
    """Train a voice; returns the file of the EMA weights, out_dir/voice.safetensors.

    Args:
        data_dir: folder with manifest.csv and the recordings (read only when there is no pack yet).
        out_dir: gets checkpoint.pt, loss.csv and voice.safetensors, every two minutes.
        minutes: planned length; the learning rate reaches zero there.
        seed: of weights, batches and noise.
        resume: go on from out_dir/checkpoint.pt when there is one.
        threads: CPU threads; 0 takes half the cores. On two cores that others use too, two threads took ten
            times as long a step as one; on two idle cores they take half.
        pack: packed clips; made when missing (default out_dir/clips.npz).
        sizes: (items, frames) of the batches, in turn, and
        shape: the net; None takes the material's own.
        material: what it learns from.

    Raises:
        FileError: no training data there.
    """
    clips = prepare(data_dir, out_dir, seed, threads, pack, material)
    run = begin(shape or material.shape, crew().where, material.band_weights)
    return school(run, clips, out_dir, minutes, seed, resume, sizes, material=material)


def prepare(
    data_dir: Path, out_dir: Path, seed: int, threads: int, pack: Path | None, material: Material = HEARTS
) -> list[Any]:
    """Settle threads, chance and folder of a training, and load or pack its clips; see `train_voice`."""
    torch.set_num_threads(threads or max(1, (os.cpu_count() or 1) // 2 // crew().count))
    torch.manual_seed(seed)
    out_dir.mkdir(parents=True, exist_ok=True)
    with crew().first_alone():
        return material.gather(data_dir, pack or out_dir / "clips.npz")


def school(
    run: Run,
    clips: Sequence[Any],
    out_dir: Path,
    minutes: float,
    seed: int,
    resume: bool,
    sizes: tuple[tuple[int, int], ...] | None = None,
    lesson: Lesson | None = None,
    material: Material = HEARTS,
) -> Path:
    """Teach `lesson` (None: `objective`) for the planned minutes; the rest as `train_voice`."""
    lesson, sizes = lesson or usual(run), sizes or material.sizes
    out_dir.mkdir(parents=True, exist_ok=True)
    checkpoint = out_dir / "checkpoint.pt"
    if resume and checkpoint.is_file():
        run.load(torch.load(checkpoint, map_location=crew().where, weights_only=True))
    train_clips = [clip for clip in clips if clip.split == "train"]
    bank = material.bank(train_clips)
    loom = material.weave(train_clips, seed + 7919 * run.step + 104_729 * crew().rank)
    if crew().rank:
        torch.manual_seed(seed + crew().rank)
    judge = Judge(material.judge([clip for clip in clips if clip.split == "val"] or train_clips), lesson)
    with LossLog(out_dir / "loss.csv", minutes) if crew().first else nullcontext() as log:
        for _ in _timed(run, minutes * 60):
            size, frames = sizes[run.step % len(sizes)]
            loss = learn(run, loom.batch(size, frames), run.spent_s / (minutes * 60), lesson)
            if log is None:
                continue
            log.note(run, loss, judge(run.ema) if run.step % VALIDATE_STEPS == 0 else None)
            if log.checkpoint_due(run):
                keep(run, bank, out_dir)
    weights = keep(run, bank, out_dir) if crew().first else out_dir / WEIGHTS
    crew().wait()
    return weights


def begin(shape: NetShape, where: torch.device, band_weights: tuple[float, ...] = BAND_WEIGHTS) -> Run:
    return enrol(VoiceNet(shape).to(where), band_weights=band_weights)


def enrol(net: VoiceNet, rate: float = RATE, band_weights: tuple[float, ...] = BAND_WEIGHTS) -> Run:
    """The beginning of a training of `net`, whatever it knows already."""
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=1e-3)
    return Run(net, copy.deepcopy(net).eval(), optimiser, rate, band_weights=band_weights)


def usual(run: Run) -> Lesson:
    """The lesson of a voice: `objective`, with what an error in each band costs this run."""
    return partial(objective, band_weights=run.band_weights)


def _timed(run: Run, limit_s: float) -> Iterator[None]:
    """Once a step until the planned time of the first process is spent, counting steps and seconds in the run."""
    while run.spent_s < limit_s:
        began_s = time.monotonic()
        yield
        run.step += 1
        run.spent_s = crew().as_first(run.spent_s + time.monotonic() - began_s)


def learn(run: Run, batch: Batch, part: float, lesson: Lesson | None = None) -> float:
    """One step at `part` (0..1) of the planned time; returns its loss."""
    for group in run.optimiser.param_groups:
        warm = min(1.0, (run.step + 1) / WARM_UP_STEPS)
        group["lr"] = run.rate * warm * (0.5 + 0.5 * math.cos(math.pi * min(part, 1.0)))
    loss = (lesson or usual(run))(run.asked, batch, _places(len(batch.clean)), None)
    run.stepping.zero_grad(set_to_none=True)
    crew().learn_from(loss, run.net)
    run.stepping.step()
    _average(run)
    return float(loss.detach())


def _places(count: int) -> Tensor:
    """Places spread evenly over 0..1, in random order: less noise in the loss than independent ones."""
    return (torch.randperm(count) + torch.rand(count)) / count


def _average(run: Run) -> None:
    keep_part = min(EMA, (run.step + 1) / (run.step + 10))
    with torch.no_grad():
        for average, now in zip(run.ema.parameters(), run.net.parameters()):
            average.lerp_(now, 1 - keep_part)


def keep(run: Run, clips: Sequence[Any], out_dir: Path) -> Path:
    """Write checkpoint.pt and voice.safetensors with the styles of `clips`, each complete or not at all."""
    partial = out_dir / "checkpoint.part"
    torch.save(run.state(), partial)
    os.replace(partial, out_dir / "checkpoint.pt")
    return save_weights(run.ema, clips, out_dir / WEIGHTS)


def save_weights(net: VoiceNet, clips: Sequence[Any], path: Path) -> Path:
    """Write a net with the styles (and contours) of `clips` to `path`."""
    styles = np.array([clip.style for clip in clips], np.float32)
    labels = np.array([clip.label for clip in clips], np.int64)
    contours = np.array([clip.contour for clip in clips]) if hasattr(clips[0], "contour") else None
    save_net(net, styles, labels, path, contours)
    return path
