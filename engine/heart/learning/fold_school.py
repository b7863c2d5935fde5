"""Small nets trained on folds: each leaves out its own groups, together they are the model.

What a net left out tells honestly how good its kind is, and how sure it may be; so choices, calibration and
thresholds come from these answers ("out of fold"), and the held-back split is left for the final figure.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from heart.learning.nets.scene import Front

Draw = Callable[[np.random.Generator, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""draw(rng, places): float32 audio [B, n] and int64 targets [B], of the training clips at `places`."""
Net = TypeVar("Net", bound=nn.Module)
LEARNING_RATE = 4e-3
WEIGHT_DECAY = 0.02
EMA = 0.98
SMOOTHING = 0.05
SAVE_EVERY_S = 60.0


class Pupil:
    """One net in training: AdamW, a cosine rate by processor time spent, averaged weights, a checkpoint."""

    def __init__(
        self, net: nn.Module, minutes: float, seed: int, checkpoint: Path, front: Front | None = None
    ) -> None:
        self.net, self.budget_s, self.checkpoint = net, minutes * 60, checkpoint
        self.average = torch.optim.swa_utils.AveragedModel(
            net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(EMA)
        )
        learning = [weights for weights in net.parameters() if weights.requires_grad]
        self.optimizer = torch.optim.AdamW(learning, LEARNING_RATE, weight_decay=WEIGHT_DECAY)
        self.front = (front or Front()).eval()
        self.rng = np.random.default_rng(seed)
        self.step, self.spent_s = 0, 0.0

    def resume(self) -> None:
        """Go on where the checkpoint stopped, if there is one; the sounds drawn from then on are others."""
        if not self.checkpoint.is_file():
            return
        kept = torch.load(self.checkpoint, weights_only=True)
        self.net.load_state_dict(kept["net"])
        self.average.load_state_dict(kept["average"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.step, self.spent_s = kept["step"], kept["spent_s"]
        self.rng = np.random.default_rng(self.step)

    def save(self) -> None:
        """Write the checkpoint."""
        state: dict[str, object] = {"net": self.net.state_dict(), "average": self.average.state_dict()}
        state |= {"optimizer": self.optimizer.state_dict(), "step": self.step, "spent_s": self.spent_s}
        torch.save(state, self.checkpoint)

    def learn(self, audio: np.ndarray, targets: np.ndarray) -> float:
        """One step of gradient descent. Returns the loss."""
        share = min(self.spent_s / self.budget_s, 1.0)
        warm = min(1.0, (self.step + 1) / 10)
        rate = LEARNING_RATE * warm * (0.02 + 0.49 * (1 + math.cos(math.pi * share)))
        self.optimizer.param_groups[0]["lr"] = rate
        self.net.train()
        with torch.no_grad():
            heard = self.front(torch.from_numpy(audio))
        loss = functional.cross_entropy(self.net(*heard), torch.from_numpy(targets), label_smoothing=SMOOTHING)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        self.average.update_parameters(self.net)
        self.step += 1
        return loss.item()

    def run(self, draw: Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray]]) -> Iterator[str]:
        """Learn until the time is spent; a line of text at every checkpoint."""
        saved_s = self.spent_s
        while self.spent_s < self.budget_s:
            start_s = time.process_time()
            loss = self.learn(*draw(self.rng))
            self.spent_s += time.process_time() - start_s
            if self.spent_s - saved_s > SAVE_EVERY_S or self.spent_s >= self.budget_s:
                self.save()
                saved_s = self.spent_s
                yield f"step {self.step}, loss {loss:.3f}, {self.spent_s:.0f} of {self.budget_s:.0f} s"

    def taught(self) -> nn.Module:
        """The averaged net, ready to judge."""
        return self.average.module.eval()


def school(
    make: Callable[[int], Net],
    folds: Sequence[np.ndarray],
    draw: Draw,
    out_dir: Path,
    *,
    minutes: float,
    seed: int,
    resume: bool,
    progress: Callable[[str], None] = print,
    front: Front | None = None,
) -> list[Net]:
    """One net a fold, trained on the clips at that fold's places for its share of `minutes` of processor time.

    make: the net of fold k, untrained. folds: int [n_train] each. front: what the nets read, the plain one where
    None. Writes out_dir/fold<k>.checkpoint.pt; with resume, goes on from there.
    """
    Path(out_dir).mkdir(parents=True, exist_ok=True)
    nets: list[Net] = []
    for k, places in enumerate(folds):
        torch.manual_seed(seed + k)
        pupil = Pupil(make(k), minutes / len(folds), seed + k, Path(out_dir) / f"fold{k}.checkpoint.pt", front)
        if resume:
            pupil.resume()
        for text in pupil.run(lambda rng, places=places: draw(rng, places)):  # type: ignore[misc]
            progress(f"fold {k + 1} of {len(folds)}: {text}")
        taught = pupil.taught()
        nets.append(cast(Net, taught))
    return nets


def windows(sound: np.ndarray, frames: int, hop: int) -> np.ndarray:
    """float32 [w, frames]: the windows that a shipped classifier hears, a short sound repeated at its end."""
    if len(sound) < frames:
        sound = np.resize(sound, frames)
    starts = list(range(0, len(sound) - frames + 1, hop))
    starts += [len(sound) - frames] if starts[-1] != len(sound) - frames else []
    return np.stack([sound[start : start + frames] for start in starts])


def answers(
    net: nn.Module, sounds: Sequence[np.ndarray], frames: int, hop: int, front: Front | None = None
) -> np.ndarray:
    """Probabilities [len(sounds), k]: the mean over the windows of each, sounds float32 [n] at the net's rate."""
    front = (front or Front()).eval()
    rows = []
    with torch.no_grad():
        for sound in sounds:
            heard = front(torch.from_numpy(windows(sound, frames, hop)))
            rows.append(net(*heard).softmax(-1).mean(0).numpy())
    return np.array(rows)


def best_temperature(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """The temperature 0.5..4 under which the right answers are likeliest, every class counting the same."""
    weights = 1 / np.bincount(targets)[targets]
    logs = np.log(probabilities + 1e-7)

    def surprise(temperature: float) -> float:
        scaled = logs / temperature
        scaled = scaled - np.logaddexp.reduce(scaled, 1)[:, None]
        return float(-(weights * scaled[np.arange(len(targets)), targets]).sum())

    return min((float(t) for t in np.geomspace(0.5, 4, 40)), key=surprise)
