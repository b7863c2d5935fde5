"""The trunk of `scene`: a ResNet that learns murmurs by the book before any labelled scene is heard.

PASCAL has 88 murmurs to learn from. The valve's book (`valve_murmurs`) lays every kind of murmur over annotated
normal hearts of other collections, without end; what a net had to notice there tells murmurs of PASCAL too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from heart.errors import FileError
from heart.learning.classes.task import clips_from
from heart.learning.nets.scene import Trunk
from heart.learning.valve_batches import Batches, Mix
from heart.learning.valve_data import Sound, heart_label, read_sounds
from heart.learning.valve_murmurs import usable
from heart.learning.valve_net import ValveNet
from heart.learning.valve_train import Plan, Trainer

WIDTH = 16
RATE = 2e-3
CHECKPOINT = "trunk.checkpoint.pt"


def taught(
    data_dir: Path,
    out_dir: Path,
    seconds: float,
    seed: int = 0,
    resume: bool = True,
    progress: Callable[[str], None] = print,
) -> Trunk:
    """The trunk after `seconds` of processor time; out_dir keeps its checkpoint, from which resume goes on.

    Raises FileError where no normal heart of the data has annotated beats.
    """
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    trainer = Trainer(ValveNet(WIDTH), Plan(seconds, RATE, out_dir / CHECKPOINT))
    if resume:
        trainer.resume()
    if trainer.spent_s < seconds:
        batches = Batches([], hearts(data_dir), Mix(own=0.0), seed + trainer.step)
        trainer.run(batches, lambda share, text: progress(f"murmurs by the book {share:.0%}: {text}"))
    return Trunk(trainer.best.cpu().resnet).eval()


def hearts(data_dir: Path) -> list[Sound]:
    """Annotated normal hearts of train, none of them PASCAL's. Raises FileError where there is none."""
    found = read_sounds(clips_from(data_dir, heart_label), data_dir)
    if not any(usable(sound.states) for sound in found):
        raise FileError(f"{data_dir}: its manifest.csv holds no normal heart of train with four seconds of beats")
    return found
