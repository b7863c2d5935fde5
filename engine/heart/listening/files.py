"""What the ear hears in a file: `listen` and its picture, `plot`.

Memory: a file is brought to 2 kHz while it is read (an hour: 29 MB), the net works in chunks of 16 s.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from heart.audio import read_audio
from heart.errors import FileError
from heart.listening import features, rate
from heart.listening.segment import NOTHING, Parts, certainty, interval_certainty, segment
from heart.listening.weights import EarWeights, load_weights
from heart.records import HeardBeat

MAX_SECONDS = 4 * 3600.0
STILL = 1e-4
"""A sound that never leaves this amplitude (-80 dB) is silence."""


def listen(path: str | os.PathLike[str], weights: EarWeights | None = None) -> dict[str, Any]:
    """Beats, rate and variability of a sound file, ready for JSON.

    Returns {"file", "seconds", "heart" 0..1, "trust" 0..1, "bpm" or None, "beats": [{"s1": s, "s2": s or None}],
    "rr_s": [s], "sdnn_ms" or None, "rmssd_ms" or None, "scene": None, "valve": None, "condition":
    None}. Where there is
    no heart there are no beats; where there is no trustworthy rhythm (rate.MIN_TRUST) bpm is None and
    rr_s is empty.

    Raises FileError for a file that cannot be read as sound, UsageError where the shipped weights are missing.
    """
    samples, _ = read_audio(path, rate_hz=features.RATE_HZ, max_seconds=MAX_SECONDS)
    result = hear(samples, weights or load_weights())
    return {"file": os.fspath(path), **result}


def hear(samples: np.ndarray, weights: EarWeights) -> dict[str, Any]:
    """The same for float32 [n] at the ear's rate, without "file"."""
    return describe(take_apart(samples, weights), len(samples) / features.RATE_HZ, weights)


def take_apart(samples: np.ndarray, weights: EarWeights) -> Parts:
    """Beats, states and rhythm of float32 [n] at the ear's rate; of silence nothing."""
    if np.abs(samples).max(initial=0.0) <= STILL:
        return Parts([], NOTHING, [], None)
    return segment(weights.file, samples)


def describe(parts: Parts, seconds: float, weights: EarWeights) -> dict[str, Any]:
    """What was found, in the words of `listen`."""
    heart, s1_s = heartness(parts), parts.s1_s
    rr_s, bpm = rate_of(parts)
    trust = rate.trust(evidence(parts), weights.file_trust)
    rhythm = trust >= rate.MIN_TRUST and heart >= rate.MIN_HEART
    return {
        "seconds": round(seconds, 3),
        "heart": round(heart, 3),
        "trust": round(trust, 3),
        "bpm": _rounded(bpm, 2) if rhythm else None,
        "beats": [_beat(beat) for beat in parts.beats] if heart >= rate.MIN_HEART else [],
        "rr_s": [round(float(rr), 4) for rr in rr_s] if rhythm else [],
        "sdnn_ms": _rounded(rate.sdnn_ms(rr_s), 1) if rhythm else None,
        "rmssd_ms": _rounded(rate.rmssd_ms(s1_s), 1) if rhythm else None,
        "scene": None,
        "valve": None,
        "condition": None,
    }


def heartness(parts: Parts) -> float:
    """Mean of the net's heart output, 0..1."""
    return float(parts.states.heart.mean()) if len(parts.states.heart) else 0.0


def beat_rate(parts: Parts) -> tuple[np.ndarray, float | None]:
    """RR intervals of a sound in s, none broken by missed or false beats, and the rate of the sure ones."""
    s1_s = parts.s1_s
    if len(s1_s) < 2:
        return np.zeros(0), None
    good = rate.sound_intervals(s1_s)
    rr_s = np.diff(s1_s)[good]
    return rr_s, rate.certain_bpm(rr_s, interval_certainty(s1_s, parts.path, parts.states.posteriors)[good])


def rate_of(parts: Parts) -> tuple[np.ndarray, float | None]:
    """RR intervals of a sound in s, and its rate in bpm, trusted or not."""
    rr_s, bpm = beat_rate(parts)
    if not len(rr_s):
        return rr_s, None
    return rr_s, rate.settle(bpm, certainty(parts.path, parts.states.posteriors), parts.rhythm)


def evidence(parts: Parts) -> rate.Evidence:
    """What speaks for the rate of a whole sound."""
    rr_s, bpm = beat_rate(parts)
    if not len(rr_s):
        return rate.Evidence(0.0, 0.0, 0.0, 0.0, heartness(parts), 0.0)
    return rate.Evidence(
        certainty(parts.path, parts.states.posteriors),
        rate.regularity(rr_s),
        rate.agreement(bpm, parts.rhythm),
        parts.rhythm.clearness if parts.rhythm else 0.0,
        heartness(parts),
        min(len(rr_s) / 5, 1.0),
    )


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)


def _beat(beat: HeardBeat) -> dict[str, float | None]:
    return {"s1": round(beat.s1_s, 4), "s2": _rounded(beat.s2_s, 4)}


def plot(path: str | os.PathLike[str], result: dict[str, Any], out_png: str | os.PathLike[str]) -> None:
    """Draw what `listen` found: waveform with S1 (red) and S2 (blue), spectrogram, RR over time.

    Of a long sound the first minute is drawn, and all of its RR. Raises FileError where out_png cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    samples, _ = read_audio(path, rate_hz=features.RATE_HZ, max_seconds=MAX_SECONDS)
    figure = Figure(figsize=(12, 7), layout="constrained")
    wave, picture, tempo = figure.subplots(3, 1)
    shown = samples[: 60 * features.RATE_HZ]
    _draw_wave(wave, shown, result)
    picture.specgram(shown + 1e-6, NFFT=128, Fs=features.RATE_HZ, noverlap=96, cmap="magma")
    picture.set(ylabel="Hz", ylim=(0, 600), xlim=(0, max(len(shown) / features.RATE_HZ, 0.1)))
    _draw_rr(tempo, result)
    try:
        FigureCanvasAgg(figure).print_figure(os.fspath(out_png), dpi=110)
    except (OSError, ValueError) as error:
        raise FileError(f"{out_png}: picture cannot be written ({error})") from None


def _draw_wave(axes: Any, shown: np.ndarray, result: dict[str, Any]) -> None:
    times = np.arange(len(shown)) / features.RATE_HZ
    axes.plot(times, shown, color="0.3", linewidth=0.5)
    peak = float(np.abs(shown).max(initial=1e-6)) * 1.05
    for name, colour in (("s1", "tab:red"), ("s2", "tab:blue")):
        places = [b[name] for b in result["beats"] if b[name] is not None and b[name] <= times[-1]]
        axes.vlines(places, -peak, peak, color=colour, linewidth=0.9, label=name.upper())
    bpm = "no trustworthy rhythm" if result["bpm"] is None else f"{result['bpm']:.1f} bpm"
    axes.set_title(f"{Path(result['file']).name}: {bpm}, trust {result['trust']:.2f}, heart {result['heart']:.2f}")
    axes.set(ylim=(-peak, peak), xlim=(0, max(times[-1], 0.1)))
    axes.legend(loc="upper right")


def _draw_rr(axes: Any, result: dict[str, Any]) -> None:
    s1_s = np.array([beat["s1"] for beat in result["beats"]])
    axes.plot(s1_s[1:], np.diff(s1_s) * 1e3, "o-", markersize=3, linewidth=0.8)
    axes.set(xlabel="s", ylabel="RR in ms")


__all__ = ["describe", "hear", "listen", "plot", "take_apart"]
