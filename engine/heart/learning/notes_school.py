"""Training of a note net: AdamW, a warm-up and a cosine over planned minutes, EMA, resume, a loss log.

Minutes are the process's own CPU time, so that nets that are compared have learned equally long however busy the
machine was beside them.
"""

from __future__ import annotations

import copy
import csv
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

RATE = 2e-3
WARM_UP_STEPS = 100
EMA = 0.995
BATCH = 32
KEEP_S = 60.0
TELL_STEPS = 100
JUDGED = 256
"""Held-out notes of the validation loss."""
CHECKPOINT = "checkpoint.pt"


@dataclass
class Lesson:
    """What is to be learned. loss: (net, places of notes, whether to learn) -> scalar."""

    loss: Callable[[nn.Module, np.ndarray, bool], Tensor]
    train: np.ndarray
    val: np.ndarray
    batch: int = BATCH
    rate: float = RATE


def school(net: nn.Module, lesson: Lesson, out: Path, minutes: float, seed: int, resume: bool) -> nn.Module:
    """Teach `net` for the planned minutes of CPU time; returns its EMA.

    out gets checkpoint.pt every minute and loss.csv (step, minutes, loss, validation).
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    ema = copy.deepcopy(net).eval().requires_grad_(False)
    optimiser = torch.optim.AdamW(net.parameters(), lr=lesson.rate, betas=(0.9, 0.95), weight_decay=1e-3)
    run = {"net": net, "ema": ema, "optimiser": optimiser}
    step, spent_s = resumed(run, out) if resume else (0, 0.0)
    rng = np.random.default_rng((seed, step))
    kept_s, losses = time.monotonic(), []
    while spent_s < minutes * 60:
        began_s = time.process_time()
        for group in optimiser.param_groups:
            fall = 0.5 + 0.5 * math.cos(math.pi * spent_s / (minutes * 60))
            group["lr"] = lesson.rate * min(1.0, (step + 1) / WARM_UP_STEPS) * fall
        loss = lesson.loss(net, rng.choice(lesson.train, lesson.batch), True)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        _average(ema, net, min(EMA, (step + 1) / (step + 10)))
        losses.append(float(loss.detach()))
        step += 1
        spent_s += time.process_time() - began_s
        if step % TELL_STEPS == 0:
            _tell(out, step, spent_s, losses, _judge(ema, lesson))
            losses.clear()
        if time.monotonic() - kept_s > KEEP_S:
            kept_s = keep(run, step, spent_s, out)
    keep(run, step, spent_s, out)
    return ema


def steps_of(out: Path) -> tuple[int, float]:
    """Steps and minutes of the training in `out`."""
    state = torch.load(out / CHECKPOINT, weights_only=True)
    return int(state["step"]), round(float(state["spent_s"]) / 60, 1)


def _average(ema: nn.Module, net: nn.Module, share: float) -> None:
    with torch.no_grad():
        for average, now in zip(ema.state_dict().values(), net.state_dict().values()):
            if average.is_floating_point():
                average.lerp_(now, 1 - share)
            else:
                average.copy_(now)


def _judge(net: nn.Module, lesson: Lesson) -> float:
    places = lesson.val[:: max(1, len(lesson.val) // JUDGED)][:JUDGED]
    parts = [places[begin : begin + BATCH] for begin in range(0, len(places), BATCH)]
    with torch.no_grad():
        return float(
            np.average([float(lesson.loss(net, part, False)) for part in parts], weights=[*map(len, parts)])
        )


def resumed(run: dict[str, Any], out: Path) -> tuple[int, float]:
    """Load the parts of `run` from the training in `out`; its steps and seconds, 0 where there is none."""
    file = out / CHECKPOINT
    if not file.is_file():
        return 0, 0.0
    state = torch.load(file, weights_only=True)
    for name, part in run.items():
        part.load_state_dict(state[name])
    return state["step"], state["spent_s"]


def keep(run: dict[str, Any], step: int, spent_s: float, out: Path) -> float:
    """Write the parts of `run` as a checkpoint, whole or not at all; when that was, by the clock."""
    state = {name: part.state_dict() for name, part in run.items()}
    torch.save({**state, "step": step, "spent_s": spent_s}, out / "checkpoint.part")
    os.replace(out / "checkpoint.part", out / CHECKPOINT)
    return time.monotonic()


def _tell(out: Path, step: int, spent_s: float, losses: list[float], validation: float) -> None:
    path = out / "loss.csv"
    fresh = not path.exists()
    row = [step, f"{spent_s / 60:.3f}", f"{np.mean(losses):.5f}", f"{validation:.5f}"]
    with path.open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["step", "minutes", "loss", "validation"], row] if fresh else [row])
    print(
        f"step {step}, {spent_s / 60:.1f} min, loss {np.mean(losses):.4f}, validation {validation:.4f}", flush=True
    )
