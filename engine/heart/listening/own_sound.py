"""What this one heart sounds like: a recording of which the net is unsure teaches what its own states sound like.

The net knows many hearts and sensors, but not this one. Where it is unsure, the states that it and the decoder
found are taken for labels, weighted by how likely each is, and a linear discriminant of the recording's own band
levels (one mean a state, one covariance for all; Fisher 1936, Ledoit and Wolf 2004 for the shrinking) has a say
beside it: the beats that it heard plainly show what the hidden ones are like. Unsupervised adaptation, as speech
recognisers adapt to a speaker (Leggetter and Woodland, Computer Speech and Language 1995).

The constants were chosen on training recordings buried in noise at 0, 6 and 10 dB above them: S1 F1 0.763 to 0.776,
S2 0.741 to 0.767.
"""

from __future__ import annotations

import numpy as np

from heart.listening.decoder import Segment

AROUND = 1
"""Steps on either side that are looked at with each step."""
DECODED = 0.5
"""How much the decoder's path counts against the net's chances when a step is labelled."""
SHRINK = 0.3
"""Share of the covariance that is replaced by as much noise in every direction."""
SHARPNESS = 0.3
"""Exponent of the likelihoods: neighbouring steps share their sound, so they are not independent witnesses."""
SAY = 0.5
"""How much the recording's own sound counts beside the net, on logarithms."""
LEAST = 1e-5


def adapted(posteriors: np.ndarray, bands: np.ndarray, path: list[Segment]) -> np.ndarray:
    """The net's chances, corrected by what this recording sounds like in each state.

    posteriors: [steps, 4]; bands: [steps, BANDS], normalised bels; path: covers all steps. Returns float32
    [steps, 4].
    """
    decoded = np.concatenate([np.full(part.end - part.start, part.state) for part in path])
    labels = (1 - DECODED) * posteriors + DECODED * np.eye(4)[decoded]
    own = own_chances(stacked(bands), labels)
    mixed = (1 - SAY) * np.log(np.maximum(posteriors, LEAST)) + SAY * np.log(np.maximum(own, LEAST))
    return _chances(mixed)


def stacked(bands: np.ndarray) -> np.ndarray:
    """Each step with its neighbours: [steps, BANDS] to [steps, (2 AROUND + 1) BANDS]."""
    padded = np.pad(bands, ((AROUND, AROUND), (0, 0)), mode="edge")
    return np.concatenate([padded[k : k + len(bands)] for k in range(2 * AROUND + 1)], axis=1)


def own_chances(seen: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Chances of the four states, [steps, 4], by a linear discriminant of seen [steps, n] fitted to soft labels
    [steps, 4]."""
    weight = labels.sum(0) + 1e-3
    away = [seen - mean for mean in labels.T @ seen / weight[:, None]]
    spread = sum((labels[:, state, None] * off).T @ off for state, off in enumerate(away)) / len(seen)
    size = len(spread)
    narrow = np.linalg.inv(
        (1 - SHRINK) * spread + SHRINK * np.eye(size) * np.trace(spread) / size + LEAST * np.eye(size)
    )
    likely = np.stack([-0.5 * ((off @ narrow) * off).sum(1) for off in away], axis=1)
    return _chances(SHARPNESS * likely + np.log(weight / weight.sum()))


def _chances(logs: np.ndarray) -> np.ndarray:
    raised = np.exp(logs - logs.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True), np.float32)
