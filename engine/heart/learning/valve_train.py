"""Training of the valve net: first on murmurs by the book, then on the labelled clips beside them.

`Trainer` is one run, told how long by seconds of processor time, so that a busy machine learns as much. See `valve`
for the whole of it (folds, calibration, folder).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from heart.learning.valve_batches import Batches
from heart.learning.valve_changes import FRAMES, filled
from heart.learning.valve_data import FRAMES_PER_S, LABELS, Sound
from heart.learning.valve_net import ValveNet

EMA = 0.99
SMOOTHING = 0.05
WEIGHT_DECAY = 5e-2
WARM_UP = 30
SAVE_EVERY_S = 30.0
LEAST_WIDTH = 8
"""Narrower nets learn in float32: on processors with AVX512_BF16, torch 2.13's gradients in bfloat16 and
channels-last write past the end of their memory below 8 channels (seen: "double free or corruption")."""
Tell = Callable[[float, str], None]


@dataclass(frozen=True)
class Plan:
    """A run: seconds of processor time, highest rate of learning, file of the checkpoint (None: nowhere)."""

    seconds: float
    rate: float = 2e-3
    checkpoint: Path | None = None


@dataclass
class Trainer:
    """AdamW on a cosine, averaged weights (EMA), bfloat16 where the processor has it.

    The averaged net (`best`) is what counts; its batch norm has running statistics averaged alike.
    """

    net: ValveNet
    plan: Plan
    step: int = 0
    spent_s: float = 0.0
    losses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.net = self.net.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(self.net.parameters(), self.plan.rate, weight_decay=WEIGHT_DECAY)
        self.average = torch.optim.swa_utils.AveragedModel(
            self.net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(EMA), use_buffers=True
        )

    @property
    def best(self) -> ValveNet:
        """The averaged net, ready to judge."""
        module = self.average.module
        assert isinstance(module, ValveNet)
        return module.eval()

    def resume(self) -> bool:
        """Go on where the checkpoint stopped; False where there is none."""
        path = self.plan.checkpoint
        if path is None or not path.is_file():
            return False
        kept = torch.load(path, map_location=self.device, weights_only=True)
        self.net.load_state_dict(kept["net"])
        self.average.load_state_dict(kept["average"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.step, self.spent_s, self.losses = kept["step"], kept["spent_s"], kept["losses"]
        return True

    def save(self) -> None:
        """Write the checkpoint, never half of one."""
        path = self.plan.checkpoint
        if path is None:
            return
        state = {
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "spent_s": self.spent_s,
            "losses": self.losses,
        }
        part = path.with_suffix(".part")
        torch.save(state, part)
        part.replace(path)

    def learn(self, powers: np.ndarray, targets: np.ndarray) -> float:
        """One step. powers: float32 [B, MELS, FRAMES]; targets: float32 [B, 5]. Returns the loss."""
        share = self.spent_s / self.plan.seconds
        warm = min(1.0, (self.step + 1) / WARM_UP)
        rate = self.plan.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(share, 1.0))))
        self.optimizer.param_groups[0]["lr"] = rate
        self.net.train()
        heard = torch.from_numpy(powers).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.net.resnet.width >= LEAST_WIDTH):
            logits = self.net(heard)
        wanted = torch.from_numpy(targets).to(self.device)
        loss = functional.cross_entropy(logits.float(), wanted, label_smoothing=SMOOTHING)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 2.0)
        self.optimizer.step()
        self.average.update_parameters(self.net)
        self.step += 1
        return loss.item()

    def run(self, batches: Batches, tell: Tell = lambda share, text: None) -> ValveNet:
        """Learn until the time is spent, saving now and then. Returns the averaged net."""
        saved = time.monotonic()
        while self.spent_s < self.plan.seconds:
            start = time.process_time()
            self.losses.append(round(self.learn(*batches.next()), 4))
            self.spent_s += time.process_time() - start
            if time.monotonic() - saved > SAVE_EVERY_S or self.spent_s >= self.plan.seconds:
                self.save()
                saved = time.monotonic()
                text = f"step {self.step}, loss {np.mean(self.losses[-50:]):.3f}"
                tell(min(1.0, self.spent_s / self.plan.seconds), text)
        return self.best


def windows(powers: np.ndarray) -> np.ndarray:
    """The windows of a sound, one second apart and one at its end: float32 [w, MELS, FRAMES]."""
    powers = filled(powers, FRAMES)
    last = len(powers) - FRAMES
    starts = sorted({*range(0, last + 1, FRAMES_PER_S), last})
    return np.stack([powers[start : start + FRAMES].T for start in starts])


def logits_of(net: ValveNet, sounds: Sequence[Sound]) -> list[np.ndarray]:
    """For each sound float32 [w, 5]: the logits of its windows, as training's front end (2 kHz) hears them."""
    net.eval()
    parts = [windows(sound.powers) for sound in sounds]
    device = next(net.parameters()).device
    with torch.inference_mode():
        rows = [
            net(torch.from_numpy(np.ascontiguousarray(block)).to(device)).cpu()
            for block in np.array_split(np.concatenate(parts), max(1, sum(map(len, parts)) // 128))
        ]
    return np.split(torch.cat(rows).float().numpy(), np.cumsum([len(part) for part in parts])[:-1])


def pooled(logits: Sequence[np.ndarray], temperature: float = 1.0) -> np.ndarray:
    """Mean probabilities of the windows of each sound: float64 [n, 5]."""
    rows = []
    for windows_of_one in logits:
        scaled = windows_of_one.astype(np.float64) / temperature
        scaled = np.exp(scaled - scaled.max(1, keepdims=True))
        rows.append((scaled / scaled.sum(1, keepdims=True)).mean(0))
    return np.stack(rows)


def targets_of(sounds: Sequence[Sound]) -> np.ndarray:
    """int64 [n]: the place of each sound's label in LABELS."""
    return np.array([LABELS.index(sound.label) for sound in sounds], np.int64)
