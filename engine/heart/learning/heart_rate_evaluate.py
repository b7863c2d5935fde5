"""All estimators of the heart rate in one run: `heart evaluate ear-rate`.

On the validation recordings, whole and cut into 8 s, and on hearts from arithmetic of a seed that no training used.
The net as shipped was trained on both; the nets trained only on recordings and only on arithmetic lie beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from heart.cards import Model, find_model
from heart.learning import ear_data
from heart.learning.heart_rate_data import Recording, read_recording
from heart.learning.heart_rate_figures import Case, by_source, compared, table
from heart.learning.nets.heart_rate import RATE_HZ
from heart.learning.synth import WIDE, Recipe, make, truth_of
from heart.listening import estimators, features, files, rate
from heart.listening.estimators import NOTHING, Estimate, HeartRateNet, reconcile
from heart.listening.segment import Parts
from heart.listening.weights import EarWeights, load_weights

CUT_S = 8.0
LEAST_S = 5.0
"""Of 8 s a rate is known where unbroken intervals cover this much."""
SYNTHETIC_SEED = 77_001
SYNTHETIC_COUNT = 400
COMPARED = {"cnn synthetic": "synthetic.onnx", "cnn real": "real.onnx"}
"""Nets shipped for this comparison only, and their files in the model's folder."""
SHIPPED = "cnn both"
Progress = Callable[[int, int], None]
"""Called with how many recordings are done, and how many there are."""


def nets_of(model: Model) -> dict[str, HeartRateNet]:
    """The shipped net and those beside it, by name."""
    beside = {name: model.path / file for name, file in COMPARED.items()}
    found = {name: HeartRateNet(model, path) for name, path in beside.items() if path.is_file()}
    return found | {SHIPPED: HeartRateNet(model)}


def estimate_all(
    sound: np.ndarray, rate_hz: int, nets: dict[str, HeartRateNet], weights: EarWeights
) -> dict[str, Estimate]:
    """What every estimator says of float32 [n]; the beat net runs once for beats and rhythm."""
    parts = files.take_apart(soxr.resample(sound, rate_hz, features.RATE_HZ), weights)
    heard = {name: net.listen(sound, rate_hz) for name, net in nets.items()}
    beats = beats_of(parts, weights)
    rhythm = parts.rhythm
    return {
        "beats": beats,
        "rhythm": NOTHING if rhythm is None else Estimate(rhythm.bpm, None, rhythm.clearness),
        **{name: h.estimate for name, h in heard.items()},
        "reconciled": reconcile(beats, heard[SHIPPED]),
    }


def beats_of(parts: Parts, weights: EarWeights) -> Estimate:
    """As `estimators.by_beats`, of a sound already taken apart."""
    _, bpm = files.rate_of(parts)
    if bpm is None:
        return NOTHING
    return Estimate(bpm, rate.rmssd_ms(parts.s1_s), rate.trust(files.evidence(parts), weights.file_trust))


def pieces(recording: Recording) -> Iterator[tuple[np.ndarray, float, float | None]]:
    """Pieces of 8 s one after another with their bpm and, from an ECG, RMSSD; those whose rate is known."""
    for k in range(int(recording.seconds / CUT_S)):
        begin_s = k * CUT_S
        inside = recording.truth_s[~((recording.truth_s < begin_s) | (recording.truth_s > begin_s + CUT_S))]
        truth = truth_of(recording.truth_s, CUT_S, begin_s)
        if truth.bpm is None or np.nansum(np.diff(inside)) < LEAST_S:
            continue
        first = round(begin_s * RATE_HZ)
        sound = recording.samples[first : first + round(CUT_S * RATE_HZ)].astype(np.float32) / 32_768
        yield sound, truth.bpm, truth.rmssd_ms if recording.exact else None


def validation_rows(data_dir: Path) -> list[dict[str, str]]:
    """Rows of the val split with a true rate."""
    rows = [r for r in ear_data.read_manifest(data_dir) if r["split"] == "val" and r["truth"] and r["hr_bpm"]]
    return [r for r in rows if not r["path"].startswith("ecg/")]


def recorded_cases(
    data_dir: Path, rows: list[dict[str, str]], nets: dict[str, HeartRateNet], progress: Progress
) -> tuple[list[Case], list[Case]]:
    """Cases of whole recordings, and of their pieces."""
    weights, whole, cut = load_weights(), [], []
    for done, row in enumerate(rows):
        named = (row["path"], row["source"], row["group"])
        sound = ear_data.read_sound(Path(data_dir) / row["path"])
        hrv_ms = float(row["rmssd_ms"]) if row["truth"] == "ecg_r" and row["rmssd_ms"] else None
        said = estimate_all(sound, features.RATE_HZ, nets, weights)
        whole.append(Case(*named, float(row["hr_bpm"]), hrv_ms, said))
        if ear_data.is_heart(row):
            for piece, bpm, piece_hrv_ms in pieces(read_recording(data_dir, row)):
                cut.append(Case(*named, bpm, piece_hrv_ms, estimate_all(piece, RATE_HZ, nets, weights)))
        progress(done + 1, len(rows))
    return whole, cut


def synthetic_cases(recipe: Recipe, count: int, nets: dict[str, HeartRateNet]) -> list[Case]:
    """Hearts of a seed that no training used."""
    weights, cases = load_weights(), []
    for number in range(count):
        heart = make(recipe, SYNTHETIC_SEED, number)
        if heart.truth.bpm is not None:
            said = estimate_all(heart.sound, heart.rate_hz, nets, weights)
            cases.append(Case(f"synth-{number}", "synth", str(number), heart.truth.bpm, heart.truth.rmssd_ms, said))
    return cases


def evaluate_heart_rate(
    data_dir: Path, model: Model | None = None, progress: Progress = lambda done, total: None
) -> dict[str, Any]:
    """Every estimator on recordings and arithmetic; "text" holds the tables.

    data_dir: folder with manifest.csv; model: another folder than the shipped one. Raises FileError, UsageError.
    """
    nets = nets_of(model or find_model(estimators.MODEL))
    whole, cut = recorded_cases(Path(data_dir), validation_rows(data_dir), nets, progress)
    plain = compared(synthetic_cases(Recipe(), SYNTHETIC_COUNT, nets))
    wide = compared(synthetic_cases(WIDE, SYNTHETIC_COUNT, nets))
    result: dict[str, Any] = {"whole": by_source(whole), "cut_8_s": by_source(cut), "synthetic": plain}
    result["synthetic_wide"] = wide
    result["synthetic_constant_hrv_mae_ms"] = constant_hrv_ms()
    result["disagree"] = disagreements(whole)
    tables = [table(f"recordings, {source}", rows) for source, rows in result["whole"].items()]
    tables += [table(f"8 s, {source}", rows) for source, rows in result["cut_8_s"].items()]
    tables += [table("arithmetic, 50-120 bpm, 5-25 dB", plain), table("arithmetic, 30-220 bpm, -5-25 dB", wide)]
    return result | {"text": "\n\n".join(tables)}


def constant_hrv_ms() -> float:
    """MAE of always saying the median RMSSD of the plain set: what an estimator that hears nothing would reach."""
    hearts = [make(Recipe(), SYNTHETIC_SEED, number).truth.rmssd_ms for number in range(SYNTHETIC_COUNT)]
    known = np.array([h for h in hearts if h is not None])
    return round(float(np.abs(known - np.median(known)).mean()), 1)


def disagreements(cases: list[Case]) -> list[dict[str, Any]]:
    """Recordings where beats and net are more than a tenth apart: who was right."""
    rows = []
    for case in cases:
        beats, net = case.estimates["beats"], case.estimates[SHIPPED]
        if beats.bpm and net.bpm and abs(np.log(beats.bpm / net.bpm)) > 0.1:
            row = {name: _rounded(case.estimates[name]) for name in ("beats", SHIPPED, "reconciled")}
            rows.append({"path": case.path, "true": round(case.bpm, 1), **row})
    return rows


def _rounded(estimate: Estimate) -> list[float | None]:
    return [None if estimate.bpm is None else round(estimate.bpm, 1), round(estimate.trust, 2)]
