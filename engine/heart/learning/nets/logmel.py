"""Log-mel spectrograms and MFCCs as layers, so that a graph carries its own front end.

The short-time Fourier transform is a convolution with fixed windowed kernels (only of the bins that some mel band
reads), which every ONNX runtime has; the mel scale is Slaney's (Auditory Toolbox, 1998), as in librosa.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

LINEAR_HZ_PER_MEL = 200 / 3
KNEE_HZ = 1000.0
KNEE_MEL = KNEE_HZ / LINEAR_HZ_PER_MEL
LOG_STEP = math.log(6.4) / 27
DB_PER_NEPER = 10 / math.log(10)
"""Decibels in one unit of the natural logarithm of a power."""


def hz_to_mel(hz: np.ndarray) -> np.ndarray:
    """Slaney's mel scale: linear up to 1 kHz, logarithmic above."""
    above = KNEE_MEL + np.log(np.maximum(hz, KNEE_HZ) / KNEE_HZ) / LOG_STEP
    return np.where(hz < KNEE_HZ, hz / LINEAR_HZ_PER_MEL, above)


def mel_to_hz(mel: np.ndarray) -> np.ndarray:
    """The way back from `hz_to_mel`."""
    above = KNEE_HZ * np.exp(LOG_STEP * (np.maximum(mel, KNEE_MEL) - KNEE_MEL))
    return np.where(mel < KNEE_MEL, mel * LINEAR_HZ_PER_MEL, above)


def mel_matrix(rate_hz: int, n_fft: int, mels: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Triangular mel bands of equal area: float64 [mels, n_fft // 2 + 1], as librosa.filters.mel makes them."""
    bin_hz = np.fft.rfftfreq(n_fft, 1 / rate_hz)
    ends = hz_to_mel(np.array([low_hz, high_hz], float))
    edges = mel_to_hz(np.linspace(ends[0], ends[1], mels + 2))
    rising = (bin_hz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bin_hz) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]


def dft_kernels(window: int, n_fft: int, bins: np.ndarray) -> np.ndarray:
    """Hann-windowed cosines and sines of the given bins of an n_fft-point transform: float64 [2 * bins, window]."""
    n = np.arange(window)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / window)
    angle = 2 * np.pi / n_fft * bins[:, None] * n
    return np.concatenate([np.cos(angle), -np.sin(angle)]) * hann


class Level(nn.Module):
    """Removes the mean and sets the RMS to 1: [B, n] of any level to [B, n]; silence stays silence."""

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """audio: float32 [B, n]. Levels below about -140 dB of full scale count as silence."""
        centred = audio - audio.mean(-1, keepdim=True)
        peak = centred.abs().amax(-1, keepdim=True).clamp(min=1e-7)  # first by the peak: squares of huge or
        scaled = centred / peak  # tiny samples would leave float32
        return scaled / scaled.square().mean(-1, keepdim=True).clamp(min=1e-9).sqrt()


class LogMel(nn.Module):
    """Natural logarithm of mel band powers: float32 [B, n] to [B, mels, 1 + n // hop].

    rate_hz: of the input; n_fft: points of the transform; hop: samples from frame to frame; mels, low_hz, high_hz:
    the bands; window: samples under the Hann window (n_fft where None; fewer means zero-padding, which keeps narrow
    low bands from being empty); floor: the least power. Frames are centred, with zeros beyond the ends.

    Raises ValueError for odd n_fft or window, a window longer than n_fft, or a band that no bin falls into.
    """

    def __init__(
        self,
        rate_hz: int,
        n_fft: int,
        hop: int,
        mels: int,
        low_hz: float,
        high_hz: float,
        *,
        window: int | None = None,
        floor: float = 1e-10,
    ) -> None:
        super().__init__()
        window = n_fft if window is None else window
        if n_fft % 2 or window % 2 or window > n_fft:
            raise ValueError(f"n_fft {n_fft} and window {window} must be even, the window no longer than n_fft")
        matrix = mel_matrix(rate_hz, n_fft, mels, low_hz, high_hz)
        if not matrix.any(1).all():
            empty = np.flatnonzero(~matrix.any(1)).tolist()
            raise ValueError(
                f"mel bands {empty} hold no bin of {rate_hz / n_fft:.1f} Hz; raise n_fft above {n_fft}"
            )
        bins = np.flatnonzero(matrix.any(0))
        self.hop, self.window, self.floor = hop, window, floor
        self.kernels: torch.Tensor
        self.matrix: torch.Tensor
        fixed = {"kernels": dft_kernels(window, n_fft, bins)[:, None], "matrix": matrix[:, bins]}
        for name, table in fixed.items():
            self.register_buffer(name, torch.from_numpy(table.astype(np.float32)), persistent=False)

    def powers(self, audio: torch.Tensor) -> torch.Tensor:
        """Mel band powers without logarithm or floor: [B, n] to [B, mels, frames]."""
        parts = nn.functional.conv1d(audio[:, None], self.kernels, stride=self.hop, padding=self.window // 2)
        real, imaginary = parts.chunk(2, 1)
        return torch.matmul(self.matrix, real * real + imaginary * imaginary)

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """audio: float32 [B, n]. Returns float32 [B, mels, frames], never below log(floor)."""
        return self.powers(audio).clamp(min=self.floor).log()


class Mfcc(nn.Module):
    """Mel-frequency cepstral coefficients (Davis and Mermelstein 1980): [B, n] to [B, coefficients, frames].

    logmel: the bands; coefficients: how many of the orthonormal DCT-II of their decibels are kept; top_db: bands
    more than this below the loudest of a sound are raised to it (None: never). With a LogMel of floor 1e-10 and
    top_db 80 the result is that of librosa.feature.mfcc with constant padding.
    """

    def __init__(self, logmel: LogMel, coefficients: int, *, top_db: float | None = 80.0) -> None:
        super().__init__()
        mels = logmel.matrix.shape[0]
        if not 1 <= coefficients <= mels:
            raise ValueError(f"{coefficients} coefficients of {mels} bands: it must be between 1 and {mels}")
        self.logmel, self.top_db = logmel, top_db
        order, band = np.arange(coefficients)[:, None], np.arange(mels)[None]
        dct = np.cos(np.pi * order * (band + 0.5) / mels) * np.sqrt(2 / mels)
        dct[0] /= np.sqrt(2)
        self.dct: torch.Tensor
        self.register_buffer("dct", torch.from_numpy(dct.astype(np.float32)), persistent=False)

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """audio: float32 [B, n]. Returns float32 [B, coefficients, frames]."""
        decibels = self.logmel(audio) * DB_PER_NEPER
        if self.top_db is not None:
            decibels = torch.maximum(decibels, decibels.amax((1, 2), keepdim=True) - self.top_db)
        return torch.matmul(self.dct, decibels)
