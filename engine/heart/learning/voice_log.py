"""How a training of the voice tells how far it is: loss.csv, and a bar on a terminal or lines in a log."""

from __future__ import annotations

import csv
import math
import time
from pathlib import Path
from typing import Protocol

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

CHECKPOINT_S = 120.0


class Counting(Protocol):
    """What is known of a run: steps made and seconds spent."""

    step: int
    spent_s: float


class LossLog:
    """loss.csv, and a bar on a terminal or a line every 50 steps in a log."""

    def __init__(self, path: Path, minutes: float) -> None:
        self.path, self.minutes = path, minutes
        self.console = Console()
        self.recent: list[float] = []
        self.validation = math.nan
        self._kept_s = time.monotonic()

    def __enter__(self) -> LossLog:
        fresh = not self.path.exists()
        self.file = self.path.open("a", newline="")
        self.rows = csv.writer(self.file)
        if fresh:
            self.rows.writerow(["step", "minutes", "loss", "validation"])
        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.task = self.bar.add_task("training", total=self.minutes)
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()
        self.file.close()

    def note(self, run: Counting, loss: float, validation: float | None) -> None:
        self.recent.append(loss)
        self.validation = self.validation if validation is None else validation
        if len(self.recent) < 50 and validation is None:
            return
        mean = float(np.mean(self.recent))
        self.recent.clear()
        minutes = run.spent_s / 60
        text = f"step {run.step}, {minutes:.1f} min, loss {mean:.4f}, validation {self.validation:.4f}"
        self.rows.writerow([run.step, f"{minutes:.2f}", f"{mean:.5f}", f"{self.validation:.5f}"])
        self.file.flush()
        self.bar.update(self.task, completed=minutes, description=text)
        if not self.console.is_terminal:
            print(text, flush=True)

    def checkpoint_due(self, run: Counting) -> bool:
        due = time.monotonic() - self._kept_s > CHECKPOINT_S
        if due:
            self._kept_s = time.monotonic()
        return due
