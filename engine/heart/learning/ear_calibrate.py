"""How far the ear may trust itself: logistic weights fitted on training sounds.

Training recordings, clean and buried in noise at several levels, and training sounds that are no heart are
heard by both ears; the answer learnt is whether bpm was within 5 of the truth (never, where there is no heart).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from heart.learning import ear_data
from heart.listening import features, files, variability
from heart.listening.segment import segment
from heart.listening.stream import EarStream
from heart.listening.weights import FILE_NETS, EarWeights

NOISE_DB = (None, None, -6.0, 0.0, 6.0)
"""Levels of added noise against the recording, cycled through."""
CLOSE_BPM = 5.0
CLOSE_SDNN_MS, CLOSE_RMSSD_MS = 9.0, 14.0
PRIOR = np.array([4.0, 1.0, 2.0, 4.0, 4.0, 1.0, -9.0])
"""Weights to which the fit is drawn: plain sense, for when data are few."""
PULL = 1.0


def noisy(samples: np.ndarray, level_db: float | None, rng: np.random.Generator) -> np.ndarray:
    """samples with pink-ish noise added, level_db above their own level."""
    if level_db is None:
        return samples
    noise = np.convolve(rng.normal(size=len(samples) + 8), np.exp(-np.arange(9) / 3), "valid")
    return (samples + noise / noise.std() * samples.std() * 10 ** (level_db / 20)).astype(np.float32)


def training_sounds(data_dir: Path, limit: int, seed: int) -> Iterator[tuple[np.ndarray, float | None]]:
    """Sound at the ear's rate and its true bpm (None: no heart), in random order."""
    rng = np.random.default_rng(seed)
    rows = [r for r in ear_data.read_manifest(data_dir) if ear_data.training_rows(r)]
    rows = [r for r in rows if (ear_data.is_heart(r) and r["hr_bpm"]) or ear_data.is_other(r)]
    for k, index in enumerate(rng.permutation(len(rows))[:limit]):
        row = rows[index]
        samples = ear_data.read_sound(Path(data_dir) / row["path"])[: 20 * features.RATE_HZ]
        if ear_data.is_other(row):
            yield np.resize(samples, max(len(samples), 8 * features.RATE_HZ)), None
        else:
            yield noisy(samples, NOISE_DB[k % len(NOISE_DB)], rng), float(row["hr_bpm"])


def file_evidence(weights: EarWeights, samples: np.ndarray) -> list[tuple[np.ndarray, float | None]]:
    """Evidence and bpm of the file ear: one pair."""
    parts = segment(weights.file, samples)
    return [(files.evidence(parts).row(), files.rate_of(parts)[1])]


def live_evidence(weights: EarWeights, samples: np.ndarray) -> list[tuple[np.ndarray, float | None]]:
    """Evidence and bpm of the live ear, from 3 s on, every second."""
    ear = EarStream(features.RATE_HZ, weights)
    pairs: list[tuple[np.ndarray, float | None]] = []
    for start in range(0, len(samples), features.RATE_HZ):
        ear.push(samples[start : start + features.RATE_HZ])
        if start >= 2 * features.RATE_HZ and ear.evidence is not None:
            pairs.append((ear.evidence.row(), ear.heard_bpm))
    return pairs


def variability_evidence(
    data_dir: Path, weights: EarWeights, limit: int, seed: int
) -> list[tuple[np.ndarray, bool]]:
    """Evidence and whether SDNN and RMSSD were right, of training recordings with an ECG, in noise too."""
    rng = np.random.default_rng(seed)
    rows = [r for r in ear_data.read_manifest(data_dir) if ear_data.training_rows(r) and ear_data.is_heart(r)]
    rows = [r for r in rows if r["truth"] == "ecg_r" and r["sdnn_ms"] and r["rmssd_ms"]]
    pairs = []
    for k, index in enumerate(rng.permutation(len(rows))[:limit]):
        row = rows[index]
        sound = noisy(ear_data.read_sound(Path(data_dir) / row["path"]), NOISE_DB[k % len(NOISE_DB)], rng)
        varies = files.variability_of(files.take_apart(sound, weights))
        if varies.evidence is not None and varies.sdnn_ms is not None and varies.rmssd_ms is not None:
            off = (abs(varies.sdnn_ms - float(row["sdnn_ms"])), abs(varies.rmssd_ms - float(row["rmssd_ms"])))
            pairs.append((varies.evidence.row(), off[0] <= CLOSE_SDNN_MS and off[1] <= CLOSE_RMSSD_MS))
    return pairs


def fit(rows: np.ndarray, right: np.ndarray, prior: np.ndarray = PRIOR) -> np.ndarray:
    """Logistic weights [features + 1] by Newton's method with halved steps, drawn to `prior` [features + 1].

    rows: [n, features]; right: [n], 0 or 1.
    """
    rows = rows.reshape(-1, len(prior) - 1)  # with nothing heard at all, the prior stands
    x = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)

    def cost(w: np.ndarray) -> float:
        logit = x @ w
        return float((np.logaddexp(0, logit) - right * logit).sum() + PULL / 2 * ((w - prior) ** 2).sum())

    w = prior.copy()
    for _ in range(30):
        p = 0.5 + 0.5 * np.tanh(0.5 * (x @ w))
        gradient = x.T @ (p - right) + PULL * (w - prior)
        curvature = (x * (p * (1 - p))[:, None]).T @ x + PULL * np.eye(len(w))
        step = np.linalg.solve(curvature, gradient)
        while cost(w - step) > cost(w) and np.abs(step).max() > 1e-6:
            step = step / 2
        w = w - step
    return w.astype(np.float32)


def calibrate(data_dir: Path, weights: EarWeights, limit: int = 300, seed: int = 0) -> dict[str, np.ndarray]:
    """{"trust.file", "trust.live", "trust.hrv"}: the fitted weights."""
    gathered: dict[str, list[tuple[np.ndarray, bool]]] = {"file": [], "live": []}
    for samples, true_bpm in training_sounds(data_dir, limit, seed):
        for name, hear in (("file", file_evidence), ("live", live_evidence)):
            for row, bpm in hear(weights, samples):
                right = bpm is not None and true_bpm is not None and abs(bpm - true_bpm) <= CLOSE_BPM
                gathered[name].append((row, right))
    priors = {"file": PRIOR, "live": PRIOR, "hrv": variability.WEIGHTS}
    gathered["hrv"] = variability_evidence(data_dir, weights, limit // 2, seed)
    return {
        f"trust.{name}": fit(np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs], float), priors[name])
        for name, pairs in gathered.items()
    }


def pack(nets_dir: Path, data_dir: Path, limit: int = 300) -> dict[str, np.ndarray]:
    """The trained nets (float16, which changes no figure) and their fitted trust, as the arrays of one file."""
    nets = {name: load_file(Path(nets_dir) / f"beats-{name}.safetensors") for name in (*FILE_NETS, "live")}
    plain = EarWeights(
        tuple(nets[name] for name in FILE_NETS), nets["live"], PRIOR.astype(np.float32), PRIOR.astype(np.float32)
    )
    arrays = {f"{name}.{key}": value.astype(np.float16) for name, net in nets.items() for key, value in net.items()}
    return arrays | calibrate(data_dir, plain, limit)
