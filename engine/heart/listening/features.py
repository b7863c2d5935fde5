"""Sound in, log band energies out: the only thing the beat nets see.

At 2 kHz, one frame every 10 ms from 50 ms of sound, sixteen bands between 25 and 450 Hz, where heart
sounds live. All classic envelopes (homomorphic, Hilbert, wavelet, PSD; Springer, Tarassenko, Clifford, IEEE
TBME 2016) are functions of these; a small net learns the mixture from them.
"""

from __future__ import annotations

import numpy as np

RATE_HZ = 2_000
"""Rate at which the ear listens."""
HOP = 20
"""Samples between frames: 10 ms."""
WINDOW = 100
"""Samples of a frame: 50 ms, short enough to part S1 from a following murmur."""
BANDS = 16
FFT = 256
FLOOR = 1e-9
"""Power under which everything is silence: about ten times the noise of 16 bits."""
QUIET = 10**-2.5
"""Power, against a band's usual level, under which everything is silence in that band: 25 dB."""
STEP = 2
"""Frames of one step of the nets: 20 ms, the grid of the hand-made labels."""
STEPS_PER_S = RATE_HZ // (HOP * STEP)
CLIP_BELS = 3.0
CENTRE_S = (HOP * (STEP - 1) + WINDOW) / 2 / RATE_HZ
"""Time of the middle of step 0, in seconds: 30 ms."""
MEMORY_S = 3.0
"""Time constant with which the live ear forgets the level of a band."""


def _filters() -> np.ndarray:
    """Triangular filters, float32 [BANDS, FFT // 2 + 1]: narrow where S1 and S2 live, wider above."""
    edges_hz = 150 * np.sinh(np.linspace(np.arcsinh(12 / 150), np.arcsinh(500 / 150), BANDS + 2))
    bins_hz = np.arange(FFT // 2 + 1) * RATE_HZ / FFT
    low, mid, high = (edges_hz[i : i + BANDS, None] for i in range(3))
    rows = np.minimum((bins_hz - low) / (mid - low), (high - bins_hz) / (high - mid)).clip(0)
    return (rows / rows.sum(1, keepdims=True)).astype(np.float32)


FILTERS = _filters()
_HANN = np.hanning(WINDOW + 2)[1:-1].astype(np.float32)
_HANN /= np.sqrt((_HANN**2).sum())


def band_powers(samples: np.ndarray) -> np.ndarray:
    """Mean power in each band.

    samples: float32 [n] at RATE_HZ. Returns float32 [frames, BANDS], frame k made of the samples from
    k * HOP on; frames = (n - WINDOW) // HOP + 1, or 0 where the sound is shorter than a window.
    """
    if len(samples) < WINDOW:
        return np.zeros((0, BANDS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP] * _HANN
    spectrum = np.fft.rfft(frames, FFT)
    return (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ FILTERS.T


def log_bands(powers: np.ndarray, level: np.ndarray | float = 0.0) -> np.ndarray:
    """Powers [..., BANDS] in bels, float32; what lies QUIET under the band's own level is held there.

    Without that floor the digital silence between the beats of a gated or computed sound lies five bels under
    them, as in no recording, and the nets are lost. level: usual amplitude of each band, squared.
    """
    return np.log10(powers + QUIET * np.asarray(level) + FLOOR, dtype=np.float32)


def normalise(powers: np.ndarray) -> np.ndarray:
    """Bels less each band's mean over time: gain and colour of the sensor go with it. [..., frames, BANDS]."""
    bels = log_bands(powers, np.sqrt(powers).mean(-2, keepdims=True) ** 2)
    return (bels - bels.mean(-2, keepdims=True)).clip(-CLIP_BELS, CLIP_BELS)


class RunningNormaliser:
    """The same for a live ear, which knows only the past: mean and level fade with MEMORY_S.

    The first frames count fully (the mean is that of all frames so far), so it settles at once.
    """

    def __init__(self) -> None:
        self._keep = float(np.exp(-HOP / RATE_HZ / MEMORY_S))
        self._sum: np.ndarray | float = 0.0
        self._amplitudes: np.ndarray | float = 0.0
        self._weight = 0.0

    def push(self, powers: np.ndarray) -> np.ndarray:
        """powers: [..., frames, BANDS], the next frames of one sound or of several. Returns them in bels,
        normalised, float32."""
        out = np.empty(powers.shape, np.float32)
        amplitudes = np.sqrt(powers)
        for k in range(powers.shape[-2]):
            self._weight = self._keep * self._weight + 1.0
            self._amplitudes = self._keep * self._amplitudes + amplitudes[..., k, :]
            row = log_bands(powers[..., k, :], (self._amplitudes / self._weight) ** 2)
            self._sum = self._keep * self._sum + row
            out[..., k, :] = row - self._sum / self._weight
        return out.clip(-CLIP_BELS, CLIP_BELS)
