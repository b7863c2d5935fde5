"""The heart-rate net: a spectrogram of 5 s at 1 kHz, a convolutional body, two heads (rate, variability).

The body (dilated residual convolutions; Bai, Kolter, Koltun 2018) marks where S1 and S2 begin. The rate head
compares the body's output with itself at all lags and reads, from the likeness at a lag, its half, third and
double, a distribution over rates, so that an octave error is a choice it can see. The variability head measures on
the S1 marks how much each beat is off the middle of its neighbours, and learns only what that measure is worth.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from heart.learning.nets.logmel import Level, LogMel

RATE_HZ = 1_000
SECONDS = 5.0
SAMPLES = 5_000
FRAMES = 500
FRAME_S = 0.01
"""Step of the marks."""
BINS_PER_OCTAVE = 32
BPM = 27.5 * 2.0 ** (np.arange(97) / BINS_PER_OCTAVE)
"""Rates of the distribution: 27.5 to 220, 2.2 % apart."""
MELS, WIDTH, GROUPS, CHANNELS = 24, 64, 4, 8
DILATIONS = (1, 2, 4, 8, 16, 32)
QUIET = 10**-2.5
"""Power, against a band's usual level, that counts as silence in that band: 25 dB."""
MARK_FRAMES = 1.2
"""Standard deviation of a mark."""
REACH = 0.45
"""A neighbour is looked for within this part of RR around where the rate expects it, half of it in earnest."""
NEAR_BINS = 3.0


class Heard(NamedTuple):
    """What the net says of [B, SAMPLES]."""

    marks: torch.Tensor
    """Logits of S1 and S2 beginning, [B, 2, FRAMES]."""
    rates: torch.Tensor
    """Logits over BPM, [B, 97]."""
    hrv_ms: torch.Tensor
    """RMSSD of the window's beats, [B]."""
    hrv_sd: torch.Tensor
    """Expected error of hrv_ms, [B]."""


class Block(nn.Module):
    """Residual dilated convolution: [B, WIDTH, FRAMES] to the same."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.wide = nn.Conv1d(width, width, 5, padding=2 * dilation, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: [B, width, frames]."""
        out: torch.Tensor = x + self.mix(functional.relu(self.norm(self.wide(x))))
        return out


class Bands(nn.Module):
    """Audio to normalised log bands: [B, SAMPLES] of any level to [B, MELS, 2 * FRAMES], mean 0 over time."""

    def __init__(self) -> None:
        super().__init__()
        self.level = Level()
        self.mel = LogMel(RATE_HZ, 256, 5, MELS, 20.0, 450.0, window=48)

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """audio: float32 [B, SAMPLES]."""
        powers = self.mel.powers(self.level(audio))[..., : 2 * FRAMES]
        usual = (powers + 1e-12).sqrt().mean(-1, keepdim=True).square()
        bands = (powers + QUIET * usual + 1e-9).log()
        return (bands - bands.mean(-1, keepdim=True)).clamp(-6, 6) / 2


def likeness(x: torch.Tensor, lags: int) -> torch.Tensor:
    """Autocorrelation of x [B, groups, channels, steps] at lags 0..lags-1, [B, groups, lags], 1 at lag 0."""
    steps = x.shape[-1]
    x = x - x.mean(-1, keepdim=True)
    gram = torch.matmul(x.transpose(-1, -2), x)  # [B, groups, steps, steps]
    # Rows of 2 steps - 1 numbers, read again in rows one longer: each row moves one further left than the row
    # above, and columns become lags.
    wide = functional.pad(functional.pad(gram, (0, steps - 1)).flatten(-2), (0, steps))
    skewed = wide.unflatten(-1, (steps, 2 * steps))
    summed = skewed.sum(-2)[..., :lags]
    counts = steps - torch.arange(lags, device=x.device, dtype=x.dtype)
    out: torch.Tensor = summed / counts * steps / (summed[..., :1] + 1e-3)
    return out


def lag_matrix(part: float, lags: int, step_s: float) -> np.ndarray:
    """Reads likeness at `part` of each rate's RR: float32 [lags, rates], zero where the lag is out of reach."""
    at = part * 60 / BPM / step_s
    low = np.floor(at).astype(int)
    matrix = np.zeros((lags, len(BPM)), np.float32)
    for column, (lag, where) in enumerate(zip(low, at, strict=True)):
        if lag + 1 < lags:
            matrix[lag, column], matrix[lag + 1, column] = lag + 1 - where, where - lag
    return matrix


class RateHead(nn.Module):
    """Likeness at all lags to logits over BPM."""

    LAGS = 200
    STEP_S = 2 * FRAME_S
    PARTS = (1.0, 0.5, 1 / 3, 2.0)

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Conv1d(WIDTH, GROUPS * CHANNELS, 1)
        self.aside = nn.Linear(2 * WIDTH, 8)
        table = np.concatenate([lag_matrix(part, self.LAGS, self.STEP_S) for part in self.PARTS], 1)
        self.table: torch.Tensor
        self.register_buffer("table", torch.from_numpy(table), persistent=False)
        inside = (GROUPS + 1) * len(self.PARTS) + 8
        self.read = nn.Sequential(
            *(nn.Conv1d(inside, 48, 7, padding=3), nn.ReLU()),
            *(nn.Conv1d(48, 48, 7, padding=3), nn.ReLU(), nn.Dropout(0.1), nn.Conv1d(48, 1, 1)),
        )

    def forward(self, body: torch.Tensor, marks: torch.Tensor) -> torch.Tensor:
        """body: [B, WIDTH, FRAMES]; marks: [B, 2, FRAMES], 0..1. Returns [B, rates]."""
        half = functional.avg_pool1d(body, 2)
        views = self.project(half).unflatten(1, (GROUPS, CHANNELS))
        heard = likeness(views, self.LAGS)
        beats = likeness(functional.avg_pool1d(marks, 2)[:, None], self.LAGS)
        both = torch.cat([heard, beats], 1)  # [B, GROUPS + 1, LAGS]
        at_rates = torch.matmul(both, self.table).unflatten(-1, (len(self.PARTS), len(BPM))).flatten(1, 2)
        pooled = self.aside(torch.cat([body.mean(-1), body.amax(-1)], -1))
        wide = pooled[..., None].expand(-1, -1, len(BPM))
        out: torch.Tensor = self.read(torch.cat([at_rates, wide], 1))[:, 0]
        return out


class Tremor(NamedTuple):
    """Geometry of the S1 marks, each [B]."""

    rmssd_ms: torch.Tensor
    rr_s: torch.Tensor
    """Mean interval between neighbours."""
    weight: torch.Tensor
    """Sum of the marks that had both neighbours, in marks."""


def tremor(s1: torch.Tensor, rr_s: torch.Tensor) -> Tremor:
    """How far each S1 is off the middle of the one before and the one after.

    s1: [B, FRAMES], 0..1, a bump at each S1; rr_s: [B], the RR expected. All by weighted means, so it can be learnt
    through: the place of a bump is its centroid, a neighbour what lies about one RR away.
    """
    frames = s1.shape[-1]
    time = torch.arange(frames, device=s1.device, dtype=s1.dtype)
    apart = (time - time[:, None]) * FRAME_S / rr_s[:, None, None]  # [B, here, there]
    window = (1 - ((apart - 1) / REACH).square()).clamp(min=0).square()
    both = torch.stack([s1, s1 * time], -1)  # [B, FRAMES, 2]
    after, before = torch.matmul(window, both), torch.matmul(window.transpose(1, 2), both)
    near = torch.ones(1, 1, 13, device=s1.device, dtype=s1.dtype)
    here = functional.conv1d(both.transpose(1, 2).flatten(0, 1)[:, None], near, padding=6)
    mass, moment = here.view(-1, 2, frames).unbind(1)
    centre = moment / (mass + 1e-4)
    place_after, place_before = (m[..., 1] / (m[..., 0] + 1e-4) for m in (after, before))
    full = MARK_FRAMES * math.sqrt(2 * math.pi)
    there = (after[..., 0] / full).clamp(max=1) * (before[..., 0] / full).clamp(max=1)
    weight = s1.square() * there.square()
    total = weight.sum(-1) + 1e-3
    off = (place_after + place_before - 2 * centre).clamp(-60, 60)
    mean_square = (weight * off.square()).sum(-1) / total
    rr = (weight * (place_after - place_before) / 2).sum(-1) / total * FRAME_S
    return Tremor(1e3 * FRAME_S * (mean_square + 1e-3).sqrt(), rr, total / full * math.sqrt(2))


class HeartRate(nn.Module):
    """[B, SAMPLES] at RATE_HZ to Heard; about 0.2 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.bands = Bands()
        self.stem = nn.Conv1d(MELS, WIDTH, 7, stride=2, padding=3)
        self.body = nn.Sequential(*(Block(WIDTH, dilation) for dilation in DILATIONS))
        self.norm = nn.BatchNorm1d(WIDTH)
        self.mark = nn.Conv1d(WIDTH, 2, 1)
        self.rate = RateHead()
        self.worth = nn.Sequential(nn.Linear(5 + 2 * WIDTH, 48), nn.ReLU(), nn.Linear(48, 2))
        self.bpm: torch.Tensor
        self.register_buffer("bpm", torch.from_numpy(BPM.astype(np.float32)), persistent=False)

    def forward(self, audio: torch.Tensor, rr_s: torch.Tensor | None = None) -> Heard:
        """audio: float32 [B, SAMPLES]; rr_s: [B], the true mean RR while learning (else that of the rate head)."""
        return self.judge(self.listen(self.bands(audio)), rr_s)

    def listen(self, bands: torch.Tensor) -> torch.Tensor:
        """bands: [B, MELS, 2 * FRAMES] to the body's output [B, WIDTH, FRAMES]; the part that bears bfloat16."""
        return functional.relu(self.norm(self.body(self.stem(bands))))

    def judge(self, body: torch.Tensor, rr_s: torch.Tensor | None = None) -> Heard:
        """body: float32 [B, WIDTH, FRAMES]; rr_s as in `forward`."""
        marks = self.mark(body)
        chances = marks.sigmoid()
        rates = self.rate(body, chances)
        found = 60 / likely_bpm(rates.softmax(-1), self.bpm).detach()
        hrv_ms, hrv_sd = self._variability(body, chances[:, 0], rates, found if rr_s is None else rr_s)
        return Heard(marks, rates, hrv_ms, hrv_sd)

    def _variability(
        self, body: torch.Tensor, s1: torch.Tensor, rates: torch.Tensor, rr_s: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        seen = tremor(s1, rr_s)
        raw = (seen.rmssd_ms + 1).log()
        top = rates.log_softmax(-1).amax(-1)
        facts = torch.stack([raw - 3, rr_s, seen.rr_s / rr_s - 1, seen.weight * rr_s / SECONDS, top], -1)
        learnt = self.worth(torch.cat([facts, body.mean(-1), body.amax(-1)], -1))
        hrv_ms = (raw + learnt[:, 0].clamp(-3, 1)).exp()
        return hrv_ms, 1 + 20 * functional.softplus(learnt[:, 1])


def likely_bpm(chances: torch.Tensor, bpm: torch.Tensor) -> torch.Tensor:
    """The rate at the top of a distribution [B, rates], finer than its steps, [B]."""
    place = torch.arange(chances.shape[-1], device=chances.device, dtype=chances.dtype)
    top = chances.argmax(-1, keepdim=True).to(chances.dtype)
    near = chances * torch.exp(-(((place - top) / NEAR_BINS) ** 4))
    return ((near * bpm.log()).sum(-1) / near.sum(-1)).exp()


class Shipped(nn.Module):
    """The net as it is exported: audio to bpm, hrv_ms, bpm_sd, hrv_sd (each [B]) and rates [B, 97]."""

    OUTPUTS = ("bpm", "hrv_ms", "bpm_sd", "hrv_sd", "rates")

    def __init__(self, net: HeartRate, temperature: float = 1.0) -> None:
        super().__init__()
        self.net, self.temperature = net, temperature

    def forward(self, audio: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """audio: float32 [B, SAMPLES]."""
        heard = self.net(audio)
        rates = (heard.rates / self.temperature).softmax(-1)
        bpm = likely_bpm(rates, self.net.bpm)
        spread = (rates * (self.net.bpm - bpm[:, None]).square()).sum(-1).sqrt()
        return bpm, heard.hrv_ms, spread, heard.hrv_sd, rates
