"""A net that tells normal from abnormal hearts by what happens in each phase of the beat.

A segmenter says at every moment how likely S1, systole, S2 and diastole are. Those chances weigh the band levels
into phases, S1, early, middle and late systole, S2, early, middle and late diastole: features in the manner of
Potes, Parvaneh, Rahman, Conroy (Computing in Cardiology 2016) without a hard segmentation. Levels are
told against each band's own mean, so that a sensor's gain and colour fall out; what is left is when a heart
sounds, not through what it was recorded.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from heart.errors import FileError
from heart.listening import features
from heart.listening.features import BANDS, FFT, FILTERS, HOP, STEP, WINDOW

RATE_HZ = features.RATE_HZ
CONTEXT, PAST = 8, 3
"""Frames that a step of the segmenter sees, and how many of them lie before its own two."""
PHASES = ("S1", "early systole", "mid systole", "late systole", "S2", "early diastole", "diastole", "late diastole")
SYSTOLE_EDGE, DIASTOLE_EDGE = 4, 6
"""Steps of 20 ms after S1 and before S2, and after S2 and before S1, that count as early and late."""
CONTRASTS = 8
FEATURES = 2 * CONTRASTS * BANDS
FURTHEST = 4.0
"""Deviations from the mean beyond which a feature is no further from it: one odd band may not decide."""
SHRINK = 0.01
"""Share of a window's frames by which a phase is held to the band's mean: a phase never heard says nothing."""
LEAST_PEAK = 1e-5
"""Amplitude of a window under which it is silence, -100 dB."""


class Bands(nn.Module):
    """Band powers as `listening.features` makes them, of a window brought to a peak of 1: [B, n] to
    [B, frames, BANDS]."""

    def __init__(self) -> None:
        super().__init__()
        hann = np.hanning(WINDOW + 2)[1:-1]
        angle = 2 * np.pi / FFT * np.arange(FFT // 2 + 1)[:, None] * np.arange(WINDOW)
        kernels = np.concatenate([np.cos(angle), np.sin(angle)]) * hann / np.sqrt((hann**2).sum())
        self.kernels: torch.Tensor
        self.filters: torch.Tensor
        self.register_buffer("kernels", torch.from_numpy(kernels.astype(np.float32))[:, None], persistent=False)
        self.register_buffer("filters", torch.from_numpy(FILTERS.T.copy()), persistent=False)

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """audio: float32 [B, n] at RATE_HZ, any level, any offset."""
        audio = audio - audio.mean(1, keepdim=True)
        audio = audio / audio.abs().amax(1, keepdim=True).clamp(min=LEAST_PEAK)
        real, imaginary = functional.conv1d(audio[:, None], self.kernels, stride=HOP).chunk(2, 1)
        return torch.matmul((real.square() + imaginary.square()).transpose(1, 2), self.filters)


def normalised(powers: torch.Tensor) -> torch.Tensor:
    """`features.normalise` in torch: [B, frames, BANDS] to bels less each band's mean."""
    level = powers.clamp(min=0).sqrt().mean(1, keepdim=True).square()
    bels = (powers + features.QUIET * level + features.FLOOR).log() / np.log(10)
    return (bels - bels.mean(1, keepdim=True)).clamp(-features.CLIP_BELS, features.CLIP_BELS)


def _recent(chance: torch.Tensor, steps: int) -> torch.Tensor:
    """Highest chance of the last `steps` steps before each: [B, steps]."""
    padded = torch.cat([torch.zeros_like(chance[:, :steps]), chance[:, :-1]], 1)  # a pad would be fused, wrongly
    return functional.max_pool1d(padded[:, None], steps, 1)[:, 0]


def _coming(chance: torch.Tensor, steps: int) -> torch.Tensor:
    """Highest chance of the next `steps` steps after each: [B, steps]."""
    padded = torch.cat([chance[:, 1:], torch.zeros_like(chance[:, :steps])], 1)
    return functional.max_pool1d(padded[:, None], steps, 1)[:, 0]


def phases(states: torch.Tensor) -> torch.Tensor:
    """Chances of S1, systole, S2, diastole [B, steps, 4] to weights of PHASES [B, steps, 8]."""
    s1, systole, s2, diastole = states.unbind(2)
    opened, closing = _recent(s1, SYSTOLE_EDGE), _coming(s2, SYSTOLE_EDGE)
    closed, opening = _recent(s2, DIASTOLE_EDGE), _coming(s1, DIASTOLE_EDGE)
    inside = (1 - opened) * (1 - closing)
    resting = (1 - closed) * (1 - opening)
    parts = (s1, systole * opened, systole * inside, systole * closing)
    return torch.stack([*parts, s2, diastole * closed, diastole * resting, diastole * opening], 2)


def phase_statistics(bels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean and deviation of each band in each phase.

    bels: [B, frames, BANDS], normalised; weights: [B, frames, phases]. Returns [B, 2, phases, BANDS].
    """
    share = (weights / (weights.sum(1, keepdim=True) + SHRINK * weights.shape[1])).transpose(1, 2)
    mean = torch.matmul(share, bels)
    spread = (torch.matmul(share, bels.square()) - mean.square()).clamp(min=1e-6).sqrt()
    return torch.stack([mean, spread], 1)


def contrasts(statistics: torch.Tensor) -> torch.Tensor:
    """What differs between phases, [B, 2, phases, BANDS] to [B, FEATURES]; what all share is the sensor and its
    noise: systole against diastole, S1 against S2, the middle against the edges, the edges against the sounds."""
    s1, early, middle, late, s2, filling, resting, before = statistics.unbind(2)
    pairs = (
        early - filling,
        middle - resting,
        late - before,
        s1 - s2,
        middle - (early + late) / 2,
        resting - (filling + before) / 2,
        early - s1,
        late - s2,
    )
    return torch.stack(pairs, 2).flatten(1)


class Segmenter(nn.Module):
    """Normalised bels [B, frames, BANDS] to [B, frames // 2, 5]: logits of S1, systole, S2, diastole, "a heart".

    Two dense layers over 80 ms, then a recurrent net that reads both ways (Messner, Zöhrer, Pernkopf, IEEE TBME
    2018). Not the ear's own beat net, which may be trained anew: the head knows how this one hears.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dense1 = nn.Linear(CONTEXT * BANDS, 96)
        self.dense2 = nn.Linear(96, 96)
        self.gru = nn.GRU(96, 64, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(128, 5)

    def forward(self, bels: torch.Tensor) -> torch.Tensor:
        """bels: an even number of frames."""
        padded = functional.pad(bels, (0, 0, PAST, CONTEXT - STEP - PAST))
        stacked = padded.unfold(1, CONTEXT, STEP).flatten(2)
        hidden = torch.relu(self.dense2(torch.relu(self.dense1(stacked))))
        heard = _onnx_gru(self.gru, hidden) if torch.onnx.is_in_onnx_export() else self.gru(hidden)[0]
        told: torch.Tensor = self.head(heard)
        return told


def _onnx_gru(gru: nn.GRU, x: torch.Tensor) -> torch.Tensor:
    """The layers of a GRU that reads both ways as ONNX's own operator: the exporter would walk through every
    step of it, for a minute. x: [B, steps, inputs]. Returns [B, steps, 2 * units]; for a graph, not to compute."""
    units = gru.hidden_size
    for layer in range(gru.num_layers):
        names = [f"l{layer}", f"l{layer}_reverse"]
        ways = [[_gates(getattr(gru, f"{kind}_{name}"), units) for kind in _KINDS] for name in names]
        inner, outer = (torch.stack([way[k] for way in ways]) for k in (0, 1))
        bias = torch.stack([torch.cat(way[2:]) for way in ways])
        told = torch.onnx.ops.symbolic(
            "GRU",
            (x.transpose(0, 1), inner, outer, bias),
            {"hidden_size": units, "direction": "bidirectional", "linear_before_reset": 1},
            dtype=torch.float32,
            shape=(x.shape[1], 2, x.shape[0], units),
        )
        x = told.permute(2, 0, 1, 3).flatten(2)
    return x


_KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def _gates(table: torch.Tensor, units: int) -> torch.Tensor:
    """torch keeps reset, update, new; ONNX update, reset, new."""
    return torch.cat([table[units : 2 * units], table[:units], table[2 * units :]])


def load_segmenter(path: Path) -> Segmenter:
    """A segmenter with the weights of a .safetensors file. Raises FileError where it lacks or is another net's."""
    try:
        state = {name: value.float() for name, value in load_file(path).items()}
        net = Segmenter()
        net.load_state_dict(state)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise FileError(f"{path}: no weights of a segmenter ({str(error).splitlines()[0]})") from None
    return net.requires_grad_(False).eval()


class PhaseFeatures(nn.Module):
    """Band powers [B, frames, BANDS] to [B, FEATURES], through a segmenter that is not trained here."""

    def __init__(self, segmenter: Segmenter) -> None:
        super().__init__()
        self.segmenter = segmenter

    def forward(self, powers: torch.Tensor) -> torch.Tensor:
        """powers: float32 [B, frames, BANDS], an even number of frames."""
        bels = normalised(powers)
        weights = phases(self.segmenter(bels)[..., :4].softmax(2)).repeat_interleave(STEP, 1)
        return contrasts(phase_statistics(bels, weights))


class ConditionNet(nn.Module):
    """Windows of sound, float32 [B, n] at RATE_HZ, to the probabilities of normal and abnormal, [B, 2].

    A logistic regression (`centre`, `width` [FEATURES]; `weight` [FEATURES], `bias`) on contrasts between phases,
    then `temperature` and `offset`, which bring what it says to the odds of sites it never met.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        super().__init__()
        self.bands, self.features = Bands(), PhaseFeatures(segmenter)
        self.centre: torch.Tensor
        self.width: torch.Tensor
        self.temperature: torch.Tensor
        self.offset: torch.Tensor
        self.register_buffer("centre", torch.zeros(FEATURES))
        self.register_buffer("width", torch.ones(FEATURES))
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("offset", torch.zeros(()))
        self.score = nn.Linear(FEATURES, 1)

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """Features [B, FEATURES] to the uncalibrated logit of "abnormal", [B]."""
        scaled = ((features - self.centre) / self.width).clamp(-FURTHEST, FURTHEST)
        score: torch.Tensor = self.score(scaled)
        return score[:, 0]

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """audio: any level, any offset; silence is finite."""
        logit = self.logits(self.features(self.bands(audio))) / self.temperature + self.offset
        return torch.stack([-logit / 2, logit / 2], 1).softmax(1)
