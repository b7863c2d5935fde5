"""Training of one heart-rate net: AdamW, a rate that falls with the time spent, averaged weights, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.nn import functional

from heart.learning.heart_rate_data import Batch, Batches
from heart.learning.nets.heart_rate import HeartRate

LEARNING_RATE = 3e-3
EMA = 0.995
BATCH = 48
SAVE_EVERY = 50
WARM_UP_STEPS = 40
HRV_WEIGHT = 0.5
MARK_WEIGHT = 4.0
GUIDED_SHARE = 0.7
"""Share of steps in which the variability head is told the true RR: in the others it lives with the rate head's."""
Progress = Callable[[str, float, str], None]


def losses(net: HeartRate, batch: Batch, guided: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Cross entropy of the rate, of the marks, and the variability's error under a Laplace distribution."""
    of = torch.from_numpy
    bands = net.bands(of(batch.audio))
    with torch.autocast("cpu", torch.bfloat16):
        body = net.listen(bands)
    heard = net.judge(body.float(), of(batch.rr_s) if guided else None)
    rates_known, hrv_known = of(batch.rates_known), of(batch.hrv_known)
    rate = -(of(batch.rates) * heard.rates.log_softmax(-1)).sum(-1)
    known = of(batch.marks_known)
    mark = functional.binary_cross_entropy_with_logits(heard.marks, of(batch.marks), reduction="none") * known
    error = (heard.hrv_ms - of(batch.hrv_ms)).abs().clamp(max=200)
    hrv = (error / heard.hrv_sd + heard.hrv_sd.log()) * hrv_known
    return (
        (rate * rates_known).sum() / rates_known.sum().clamp(min=1),
        mark.sum() / known.sum().clamp(min=1) / 2,
        hrv.sum() / hrv_known.sum().clamp(min=1),
    )


class Trainer:
    """One net's training; `name` names its checkpoint in `folder`. minutes: of processor time."""

    def __init__(self, name: str, folder: Path, minutes: float, seed: int) -> None:
        self.name, self.folder, self.budget_s = name, Path(folder), minutes * 60
        torch.manual_seed(seed)
        self.net = HeartRate()
        self.average = torch.optim.swa_utils.AveragedModel(
            self.net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(EMA), use_buffers=True
        )
        self.optimizer = torch.optim.AdamW(self.net.parameters(), LEARNING_RATE, weight_decay=1e-2)
        self.step, self.spent_s = 0, 0.0

    @property
    def checkpoint(self) -> Path:
        """Where training resumes from."""
        return self.folder / f"{self.name}.checkpoint.pt"

    def resume(self) -> bool:
        """Go on where a checkpoint stopped; False where there is none."""
        if not self.checkpoint.is_file():
            return False
        kept = torch.load(self.checkpoint, weights_only=True)
        for part in ("net", "average", "optimizer"):
            getattr(self, part).load_state_dict(kept[part])
        self.step, self.spent_s = kept["step"], kept["spent_s"]
        return True

    def save(self) -> None:
        """Write the checkpoint, all of it or nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {part: getattr(self, part).state_dict() for part in ("net", "average", "optimizer")}
        part = self.checkpoint.with_suffix(".part")
        torch.save(kept | {"step": self.step, "spent_s": self.spent_s}, part)
        part.replace(self.checkpoint)

    def averaged(self) -> HeartRate:
        """The averaged net, ready to judge."""
        module = self.average.module
        assert isinstance(module, HeartRate)
        return module.eval()

    def learn(self, batch: Batch) -> list[float]:
        """One step of gradient descent. Returns the three losses."""
        share = min(self.spent_s / self.budget_s, 1.0)
        rate = min(1.0, (self.step + 1) / WARM_UP_STEPS) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))
        self.optimizer.param_groups[0]["lr"] = LEARNING_RATE * rate
        self.net.train()
        guided = self.step * GUIDED_SHARE % 1 < GUIDED_SHARE
        parts = losses(self.net, batch, guided)
        self.optimizer.zero_grad()
        (parts[0] + MARK_WEIGHT * parts[1] + HRV_WEIGHT * parts[2]).backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.average.update_parameters(self.net)
        self.step += 1
        return [part.item() for part in parts]

    def run(self, batches: Batches, progress: Progress) -> HeartRate:
        """Learn until the time is spent."""
        while self.spent_s < self.budget_s:
            start = time.process_time()
            rate, mark, hrv = self.learn(batches.next(BATCH))
            self.spent_s += time.process_time() - start
            if self.step % SAVE_EVERY == 0 or self.spent_s >= self.budget_s:
                self.save()
                text = f"step {self.step}, rate {rate:.3f}, marks {mark:.4f}, variability {hrv:.2f}"
                progress(self.name, min(1.0, self.spent_s / self.budget_s), text)
        return self.averaged()
