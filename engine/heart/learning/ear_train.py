"""Training of the three beat nets: `train_ear`.

Writes into out_dir: beats-file.safetensors, beats-recurrent.safetensors, beats-live.safetensors (float32 weights,
averaged over the last steps;
validation is only watched, nothing is picked by it),
<net>.checkpoint.pt (to resume) and <net>.csv (loss log).
"""

from __future__ import annotations

import csv
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from torch.nn import functional

from heart.learning import ear_data, ear_teacher
from heart.learning.ear_batches import Batch, Batches, soft_targets
from heart.learning.ear_net import NETS, BeatNet, FileNet, RecurrentNet
from heart.listening import features
from heart.listening.net import LOOK_AHEAD_STEPS
from heart.listening.weights import EarWeights

EMA = 0.995
VALIDATE_EVERY = 100
Progress = Callable[[str, float, str], None]
"""Called with the net's name, the share done 0..1 and a line of text."""


@dataclass(frozen=True)
class Score:
    """How a net does on validation crops: cross entropy a step, share of steps with the right state."""

    loss: float
    accuracy: float


def losses(net: BeatNet, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """State cross entropy (mean over annotated steps) and heart/no-heart cross entropy."""
    frames = torch.from_numpy(batch.frames.astype(np.float32))
    with torch.autocast("cpu", torch.bfloat16, enabled=net.half_precision):
        out = net(frames).float()
    known = torch.from_numpy(batch.known)
    state = -(torch.from_numpy(batch.states) * functional.log_softmax(out[..., :4], -1)).sum(-1)
    heart = functional.binary_cross_entropy_with_logits(
        out[..., 4], torch.from_numpy(batch.heart)[:, None].expand(-1, out.shape[1]), reduction="none"
    )
    weight = torch.from_numpy(batch.heart_known)
    return (state * known).sum() / known.sum().clamp(min=1), (heart * weight).sum() / weight.sum().clamp(min=1)


def validate(net: BeatNet, recordings: list[ear_data.Recording], seconds: int = 8) -> Score:
    """Score on the first full crops of each recording (at most two), as they are."""
    frames_each = seconds * features.RATE_HZ // features.HOP
    frames, states, known = [], [], []
    for recording in recordings:
        assert recording.states is not None
        for start in range(0, min(len(recording.bels) - frames_each, 2 * frames_each), frames_each):
            cut = slice(start, start + frames_each)
            powers = 10 ** recording.bels[cut].astype(np.float32)
            frames.append(
                features.normalise(powers) if net.both_ways else features.RunningNormaliser().push(powers)
            )
            soft, weight = soft_targets(recording.states[cut], 0 if net.both_ways else LOOK_AHEAD_STEPS)
            states.append(soft)
            known.append(weight)
    with torch.no_grad():
        out = net(torch.from_numpy(np.stack(frames)))[..., :4].log_softmax(-1).numpy()
    target, weight = np.stack(states), np.stack(known)
    loss = -((target * out).sum(-1) * weight).sum() / weight.sum()
    right = (out.argmax(-1) == target.argmax(-1)) * weight
    return Score(float(loss), float(right.sum() / weight.sum()))


class Trainer:
    """One net's training: AdamW, one-cycle rate by time spent, averaged weights (EMA), checkpoints."""

    def __init__(self, name: str, out_dir: Path, minutes: float, seed: int) -> None:
        self.name, self.out_dir, self.budget_s = name, out_dir, minutes * 60
        torch.manual_seed(seed)
        self.net = NETS[name]()
        self.average = torch.optim.swa_utils.AveragedModel(
            self.net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(EMA)
        )
        self.optimizer = torch.optim.AdamW(self.net.parameters(), self.net.learning_rate, weight_decay=1e-2)
        self.step, self.spent_s = 0, 0.0
        self.log: list[dict[str, float]] = []

    @property
    def checkpoint(self) -> Path:
        """Where training resumes from."""
        return self.out_dir / f"beats-{self.name}.checkpoint.pt"

    def resume(self) -> bool:
        """Go on where a checkpoint stopped; False where there is none."""
        if not self.checkpoint.is_file():
            return False
        kept = torch.load(self.checkpoint, weights_only=True)
        self.net.load_state_dict(kept["net"])
        self.average.load_state_dict(kept["average"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.step, self.spent_s, self.log = kept["step"], kept["spent_s"], kept["log"]
        return True

    def save(self) -> None:
        """Checkpoint and loss log."""
        state = {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "spent_s": self.spent_s,
            "log": self.log,
        }
        torch.save(state, self.checkpoint)
        if self.log:
            with (self.out_dir / f"beats-{self.name}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, list(self.log[0]))
                writer.writeheader()
                writer.writerows(self.log)

    def averaged(self) -> BeatNet:
        """The averaged net, ready to judge."""
        module = self.average.module
        assert isinstance(module, (FileNet, RecurrentNet))
        return module.eval()

    def learn(self, batch: Batch) -> tuple[float, float]:
        """One step of gradient descent. Returns both losses."""
        share = min(self.spent_s / self.budget_s, 1.0)
        rate = min(1.0, (self.step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
        self.optimizer.param_groups[0]["lr"] = self.net.learning_rate * rate
        self.net.train()
        state, heart = losses(self.net, batch)
        self.optimizer.zero_grad()
        (state + 0.3 * heart).backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.average.update_parameters(self.net)
        self.step += 1
        return state.item(), heart.item()

    def run(self, batches: Batches, val: list[ear_data.Recording], progress: Progress) -> None:
        """Learn until the time is spent; look at validation now and then."""
        while self.spent_s < self.budget_s:
            start = time.process_time()
            state, heart = self.learn(batches.next())
            self.spent_s += time.process_time() - start
            if self.step % VALIDATE_EVERY == 0 or self.spent_s >= self.budget_s:
                score = validate(self.averaged(), val)
                row = {"step": self.step, "spent_s": round(self.spent_s, 1), "state": round(state, 4)}
                row |= {
                    "heart": round(heart, 4),
                    "val": round(score.loss, 4),
                    "val_accuracy": round(score.accuracy, 4),
                }
                self.log.append(row)
                save_file(self.averaged().arrays(), self.out_dir / f"beats-{self.name}.safetensors")
                self.save()
                text = f"step {self.step}, loss {state:.3f}, validation {score.loss:.3f} ({score.accuracy:.1%})"
                progress(self.name, min(1.0, self.spent_s / self.budget_s), text)


def train_ear(
    data_dir: Path,
    out_dir: Path,
    minutes: float = 8.0,
    seed: int = 0,
    resume: bool = True,
    progress: Progress | None = None,
    nets: tuple[str, ...] = tuple(NETS),
    threads: int = 1,
    teacher: EarWeights | None = None,
) -> dict[str, Path]:
    """Train the beat nets, `minutes` of processor time each (so that a busy machine learns as much).

    data_dir: folder with manifest.csv; out_dir: where weights, checkpoints and logs go; teacher: an ear that labels
    hearts which nobody annotated (`ear_teacher`). Returns net name to weights.
    Raises FileError where the data cannot be read.
    """
    tell = progress or (lambda name, share, text: print(f"{name} {share:4.0%} {text}", flush=True))
    torch.set_num_threads(threads)
    Path(out_dir).mkdir(parents=True, exist_ok=True)
    train = list(ear_data.load(data_dir, ear_data.training_rows))
    if teacher is not None:
        train += ear_teacher.taught(data_dir, teacher)
    val = list(ear_data.load(data_dir, ear_data.validation_rows))
    for name in nets:
        trainer = Trainer(name, Path(out_dir), minutes, seed)
        if resume:
            trainer.resume()
        trainer.run(Batches(train, NETS[name].both_ways, seed + trainer.step), val, tell)
    return {name: Path(out_dir) / f"beats-{name}.safetensors" for name in nets}
