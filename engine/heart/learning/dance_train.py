"""Training and fine-tuning of Dance Diffusion's net by its authors' recipe, at any width and on any sounds.

v objective at times spread by a Sobol sequence and bent to the crash schedule; Adam; a running mean of the weights
(EMA); random crops, flips of polarity, sound for both channels; demos now and then. One process on CPU, CUDA or
MPS; with `accelerate launch -m heart train dance-heart ...` as many as there are GPUs.
"""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from heart.audio import write_audio
from heart.cards import sha256, write_card
from heart.learning.crew import device
from heart.learning.dance_data import Crops, Lesson, gather
from heart.learning.voice_log import LossLog
from heart.sounding.dance.checkpoint import open_checkpoint
from heart.sounding.dance.model import CLASS
from heart.sounding.dance.net import DanceNet
from heart.sounding.dance.recipe import Recipe
from heart.sounding.dance.schedule import crash

EARLY_EMA, EMA, EARLY_STEPS = 0.95, 0.995, 2_000
VALIDATE_STEPS = 250


@dataclass
class Run:
    """All that a training needs to go on: saved in one checkpoint."""

    net: DanceNet
    ema: DanceNet
    optimiser: torch.optim.Optimizer
    step: int = 0
    spent_s: float = 0.0

    def state(self) -> dict[str, Any]:
        parts = {name: getattr(self, name).state_dict() for name in ("net", "ema", "optimiser")}
        return {**parts, "step": self.step, "spent_s": self.spent_s}

    def load(self, state: dict[str, Any]) -> None:
        for name in ("net", "ema", "optimiser"):
            getattr(self, name).load_state_dict(state[name])
        self.step, self.spent_s = state["step"], state["spent_s"]


def train_dance(
    data_dir: Path,
    out_dir: Path,
    minutes: float = 30.0,
    seed: int = 0,
    resume: bool = True,
    lesson: Lesson | None = None,
    start: Path | None = None,
) -> Path:
    """Train a net on the recordings of a data folder; returns out_dir/model, which may be put among the models.

    Args:
        minutes: planned length. Every two minutes out_dir gets checkpoint.pt, the model and a demo.
        seed: of weights, crops and noise.
        resume: go on from out_dir/checkpoint.pt when there is one.
        start: a checkpoint to fine-tune; shape, and rate where it says one, are then its own.

    Raises:
        FileError: no recordings there, or no net in `start`.
    """
    torch.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))  # each process its own GPU
    lesson = lesson or Lesson()
    net = None
    if start is not None:
        found = open_checkpoint(start)
        net = found.net().requires_grad_(True)
        lesson = Lesson(
            found.shape, found.rate_hz or lesson.rate_hz, found.samples or lesson.samples, 4, lesson.source
        )
    sounds, others = gather(data_dir, lesson), gather(data_dir, lesson, "val")
    return school(begin(lesson, net), sounds, others, out_dir, minutes, seed, resume, lesson)


def begin(lesson: Lesson, net: DanceNet | None = None) -> Run:
    """A run's first state, of a new net or one that knows something already."""
    net = (net or DanceNet(lesson.shape)).to(device())
    optimiser = torch.optim.Adam(net.parameters(), lr=lesson.learning_rate)
    return Run(net, copy.deepcopy(net).eval().requires_grad_(False), optimiser)


def school(
    run: Run,
    sounds: Sequence[np.ndarray],
    others: Sequence[np.ndarray],
    out_dir: Path,
    minutes: float,
    seed: int,
    resume: bool,
    lesson: Lesson,
) -> Path:
    """Teach a run for the planned minutes, and judge it by `others`; the rest as `train_dance`."""
    out_dir.mkdir(parents=True, exist_ok=True)
    checkpoint = out_dir / "checkpoint.pt"
    if resume and checkpoint.is_file():
        run.load(torch.load(checkpoint, map_location=device(), weights_only=True))
    group = Group(run)
    crops = Crops(sounds, lesson, seed + 7_919 * run.step + group.rank)
    judge = Judge(others or sounds, lesson)
    sobol = torch.quasirandom.SobolEngine(1, scramble=True, seed=seed + group.rank)
    sobol.fast_forward(run.step * lesson.batch)
    with LossLog(out_dir / "loss.csv", minutes) as log:
        for _ in _timed(run, minutes * 60, group):
            t = torch.tensor([crash(u) for u in sobol.draw(lesson.batch)[:, 0].tolist()])
            loss = learn(run, crops.batch(lesson.batch), t, group)
            log.note(run, loss, judge(run.ema) if run.step % VALIDATE_STEPS == 0 else None)
            if group.rank == 0 and log.checkpoint_due(run):
                keep(run, out_dir, lesson, seed, minutes)
    return keep(run, out_dir, lesson, seed, minutes) if group.rank == 0 else out_dir / "model"


class Group:
    """One process alone, or those that `accelerate launch` started: then gradients are shared among them."""

    def __init__(self, run: Run) -> None:
        self.rank, self._model, self._backward = 0, run.net, torch.Tensor.backward
        self._gather: Callable[[Tensor], Tensor] | None = None
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from accelerate import Accelerator

            accelerator = Accelerator()
            self.rank = accelerator.process_index
            self._model = accelerator.prepare_model(run.net)
            self._backward = accelerator.backward
            self._gather = lambda value: accelerator.gather(value.to(accelerator.device))

    def v(self, x: Tensor, t: Tensor) -> Tensor:
        """What the net answers, in bfloat16 where that is safe."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=x.device.type != "mps"):
            answer: Tensor = self._model(x, t)
        return answer.float()

    def backward(self, loss: Tensor) -> None:
        self._backward(loss)

    def longest_s(self, spent_s: float) -> float:
        """The most that any of the processes has spent: all end with the same step, or some would wait for ever."""
        return spent_s if self._gather is None else float(self._gather(torch.tensor([spent_s])).max())


def learn(run: Run, clean: Tensor, t: Tensor, group: Group | None = None, noise: Tensor | None = None) -> float:
    """One step on sounds [B, C, T] at times [B]; returns its loss."""
    group = group or Group(run)
    where = next(run.net.parameters()).device
    clean, t = clean.to(where), t.to(where)
    noise = torch.randn_like(clean) if noise is None else noise.to(where)
    x, v = mixed(clean, noise, t)
    loss = (group.v(x, t) - v).square().mean()
    run.optimiser.zero_grad(set_to_none=True)
    group.backward(loss)
    torch.nn.utils.clip_grad_norm_(run.net.parameters(), 1.0)
    run.optimiser.step()
    kept = EARLY_EMA if run.step < EARLY_STEPS else EMA
    with torch.no_grad():
        for average, now in zip(run.ema.parameters(), run.net.parameters()):
            average.lerp_(now, 1 - kept)
    return float(loss.detach())


class Judge:
    """The loss on always the same crops, times and noise."""

    def __init__(self, sounds: Sequence[np.ndarray], lesson: Lesson, count: int = 16) -> None:
        self.clean = Crops(sounds, lesson, 1).batch(count)
        self.noise = torch.randn(self.clean.shape, generator=torch.Generator().manual_seed(1))
        self.t = torch.tensor([crash((n + 0.5) / count) for n in range(count)])

    @torch.inference_mode()
    def __call__(self, net: DanceNet) -> float:
        where = next(net.parameters()).device
        x, v = mixed(self.clean.to(where), self.noise.to(where), self.t.to(where))
        return float((net(x, self.t.to(where)) - v).square().mean())


def mixed(clean: Tensor, noise: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """What the net sees at times t [B], and the v that it should answer: [B, C, T] each."""
    angle = (t * math.pi / 2)[:, None, None]
    return clean * angle.cos() + noise * angle.sin(), noise * angle.cos() - clean * angle.sin()


def _timed(run: Run, limit_s: float, group: Group) -> Iterator[None]:
    """Once a step until the planned time is spent, counting steps and seconds in the run."""
    while group.longest_s(run.spent_s) < limit_s:
        began_s = time.monotonic()
        yield
        run.step += 1
        run.spent_s += time.monotonic() - began_s


def keep(run: Run, out_dir: Path, lesson: Lesson, seed: int, minutes: float) -> Path:
    """Write checkpoint.pt, the model folder and a demo; returns the folder."""
    part = out_dir / "checkpoint.part"
    torch.save(run.state(), part)
    os.replace(part, out_dir / "checkpoint.pt")
    folder = out_dir / "model"
    folder.mkdir(exist_ok=True)
    weights = folder / "dance.safetensors"
    save_file({name: value.cpu().contiguous() for name, value in run.ema.state_dict().items()}, weights)
    card = {
        "name": out_dir.name,
        "kind": "offline",
        "class": CLASS,
        "words": f"Dance Diffusion, {lesson.samples / lesson.rate_hz:.2f} s at {lesson.rate_hz} Hz, trained here",
        "sample_rate": lesson.rate_hz,
        "samples": lesson.samples,
        "licence": "weights: as their owner says; training data: as its sources say (see heart data)",
        "weights": weights.name,
        "sha256": sha256(weights),
        "training": {
            "command": f"heart train dance-heart --data DATA --minutes {minutes:g} --seed {seed}",
            "data": lesson.source or "all training recordings",
            "steps": run.step,
            "minutes": round(run.spent_s / 60, 1),
        },
    }
    write_card(folder, card)
    demo(run, out_dir / f"demo-{run.step:06d}.wav", lesson)
    return folder


def demo(run: Run, path: Path, lesson: Lesson, steps: int = 50) -> None:
    """Two sounds of the averaged net, one after the other, always of the same noise."""
    where = next(run.ema.parameters()).device
    size = (2, lesson.shape.channels, lesson.shape.fitting(lesson.samples))
    noise = torch.randn(*size, generator=torch.Generator().manual_seed(0)).to(where)
    with torch.inference_mode():
        sung = Recipe(sampler="ddim", steps=steps).sing(
            lambda x, t: run.ema(x, torch.full((len(x),), t, device=where)), noise
        )
    sound = np.concatenate(list(sung.cpu().numpy().clip(-0.89, 0.89)), 1).T
    write_audio(path, np.nan_to_num(sound), lesson.rate_hz, "PCM_16")
