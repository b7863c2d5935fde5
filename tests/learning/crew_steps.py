"""A tiny training in several processes; each writes what it ends with: `crew_steps.py OUT STEPS`."""

from __future__ import annotations

import hashlib
import itertools
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parent))
from test_voice_train import clips, train

from heart.learning import voice_train
from heart.learning.crew import crew
from heart.learning.voice_data import _save


def main(out: Path, steps: int) -> None:
    ticks = itertools.count()  # a clock that a busy machine does not move: a second for each step
    voice_train.time = SimpleNamespace(monotonic=lambda: float(next(ticks)))
    runs = []
    enrol = voice_train.enrol
    voice_train.enrol = lambda *given, **more: runs.append(enrol(*given, **more)) or runs[-1]
    seen = hashlib.sha256()
    learn = voice_train.learn
    voice_train.learn = lambda run, batch, *more: seen.update(batch.clean.tobytes()) or learn(run, batch, *more)
    pack = out / "clips.npz"
    with crew().first_alone():
        if not pack.is_file():
            _save(clips(), pack)
    train(pack, out / "run", steps / 60)
    weights = hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in runs[0].net.parameters()))
    told = f"{runs[0].step} {weights.hexdigest()} {seen.hexdigest()}"
    (out / f"rank-{crew().rank}-of-{crew().count}.txt").write_text(told)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
