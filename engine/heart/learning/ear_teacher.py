"""Hearts that nobody annotated, labelled by an ear that is sure of them: more sensors to learn from.

Self-training (Yarowsky, ACL 1995; Xie et al., CVPR 2020, "noisy student"): what a trained ear hears clearly in
recordings of other sensors teaches the next one, which has to find the same beats under noise and other colours.
Only rows of the train split, and only the stretches between two beats of which the teacher is sure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from heart.learning import ear_data
from heart.listening import features
from heart.listening.segment import Parts, interval_certainty, segment
from heart.listening.weights import EarWeights

SOURCES = ("pascal2011", "yaseen")
SURE = 0.9
"""Mean posterior between two S1, above which the teacher's states are taken for true."""
SURE_IN_ALL = 0.8
"""... and over the whole sound: a clear beat in a sound that is otherwise guesswork may be the wrong sound."""


def unlabelled(row: dict[str, str]) -> bool:
    """A heart of the train split from a source whose beats nobody annotated?"""
    from_there = row["source"].startswith(SOURCES) and row["label"] != "artifact"
    return from_there and row["split"] == "train" and "label_conflict" not in row.get("note", "")


def taught_states(parts: Parts, frames: int) -> np.ndarray:
    """int8 [frames]: what the teacher heard in each frame, -1 where it is not sure."""
    states = np.full(frames, -1, np.int8)
    if len(parts.beats) < 2:
        return states
    for part in parts.path:
        states[part.start * features.STEP : part.end * features.STEP] = part.state
    s1_s = parts.s1_s
    sure = interval_certainty(s1_s, parts.path, parts.states.posteriors)
    at = np.rint((s1_s - features.CENTRE_S) * features.STEPS_PER_S).astype(int) * features.STEP
    known = np.zeros(frames, bool)
    for start, end, certain in zip(at[:-1], at[1:], sure, strict=True):
        known[max(start, 0) : end] = certain >= SURE
    return np.where(known & (sure.mean() >= SURE_IN_ALL), states, -1).astype(np.int8)


def taught(
    data_dir: Path, weights: EarWeights, progress: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[ear_data.Recording]:
    """Recordings with the states that the teacher is sure of; those of which it knows nothing are left out.

    Raises FileError where a sound cannot be read.
    """
    rows = [row for row in ear_data.read_manifest(data_dir) if unlabelled(row)]
    for done, row in enumerate(rows):
        samples = ear_data.read_sound(Path(data_dir) / row["path"])
        bels = np.log10(features.band_powers(samples) + 1e-12).astype(np.float16)
        states = taught_states(segment(weights.file, samples), len(bels))
        if (states >= 0).any():
            yield ear_data.Recording(row["path"], row["source"], row["group"], bels, states)
        progress(done + 1, len(rows))
