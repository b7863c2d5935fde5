"""The front ends as layers: the same numbers as librosa's, at any level."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from heart.learning.nets.logmel import Level, LogMel, Mfcc, hz_to_mel, mel_matrix, mel_to_hz


def sound(n: int, seed: int = 0) -> np.ndarray:
    """Noise that swells, with a tone: float32 [2, n]."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / 4000
    swell = 0.3 + np.sin(2 * np.pi * 1.3 * t) ** 2
    return (rng.normal(0, 0.1, (2, n)) * swell + 0.2 * np.sin(2 * np.pi * 150 * t)).astype(np.float32)


@pytest.mark.parametrize(
    "shape", [(4000, 256, 40, 25, 1000), (16000, 2048, 64, 20, 8000), (22050, 512, 26, 0, 11025)]
)
def test_the_mel_matrix_is_librosas(shape: tuple[int, int, int, float, float]) -> None:
    rate_hz, n_fft, mels, low_hz, high_hz = shape
    expected = librosa.filters.mel(sr=rate_hz, n_fft=n_fft, n_mels=mels, fmin=low_hz, fmax=high_hz)
    np.testing.assert_allclose(mel_matrix(*shape), expected, atol=1e-6)


def test_mels_and_hertz_are_each_others_inverse() -> None:
    hz = np.array([0.0, 30, 999, 1000, 1001, 7000])
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz)), hz, rtol=1e-12)


@pytest.mark.parametrize("window", [512, 200])
def test_the_log_mel_spectrogram_is_librosas(window: int) -> None:
    audio = sound(7001)
    layer = LogMel(4000, 512, 50, 32, 25, 1500, window=window)
    ours = layer(torch.from_numpy(audio)).numpy()
    theirs = librosa.feature.melspectrogram(
        y=audio, sr=4000, n_fft=512, hop_length=50, win_length=window, n_mels=32, fmin=25, fmax=1500
    )
    assert ours.shape == theirs.shape == (2, 32, 141)
    np.testing.assert_allclose(ours, np.log(np.maximum(theirs, 1e-10)), atol=2e-3)


def test_mfccs_are_librosas() -> None:
    audio = sound(8000)
    layer = Mfcc(LogMel(4000, 256, 64, 40, 0, 2000), 20)
    theirs = librosa.feature.mfcc(y=audio[0], sr=4000, n_mfcc=20, n_fft=256, hop_length=64, n_mels=40)
    ours = layer(torch.from_numpy(audio[:1])).numpy()[0]
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_a_very_quiet_part_of_an_mfcc_is_raised_as_librosa_raises_it() -> None:
    audio = sound(8000)[:1] * np.where(np.arange(8000) < 4000, 1, 1e-7).astype(np.float32)
    layer = Mfcc(LogMel(4000, 256, 64, 40, 0, 2000), 13)
    theirs = librosa.feature.mfcc(y=audio[0], sr=4000, n_mfcc=13, n_fft=256, hop_length=64, n_mels=40)
    np.testing.assert_allclose(layer(torch.from_numpy(audio)).numpy()[0], theirs, atol=1e-2)


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (1e4, 0.0), (1e-4, 0.0), (1.0, 3.0)])
def test_level_makes_any_gain_and_offset_equal(gain: float, offset: float) -> None:
    audio = torch.from_numpy(sound(4000))
    torch.testing.assert_close(Level()(audio * gain + offset), Level()(audio), atol=1e-4, rtol=1e-4)


def test_level_leaves_silence_and_extremes_finite() -> None:
    for audio in (torch.zeros(1, 100), torch.full((1, 100), 0.7), torch.full((1, 100), 1e30), torch.ones(1, 1)):
        assert torch.isfinite(Level()(audio)).all()
        assert Level()(audio).abs().max() < 1e3


def test_impossible_bands_are_refused() -> None:
    with pytest.raises(ValueError, match="hold no bin"):
        LogMel(16000, 256, 64, 64, 25, 1000)
    with pytest.raises(ValueError, match="must be even"):
        LogMel(16000, 256, 64, 8, 25, 8000, window=300)
    with pytest.raises(ValueError, match="between 1 and 8"):
        Mfcc(LogMel(16000, 256, 64, 8, 25, 8000), 9)
