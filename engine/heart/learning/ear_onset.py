"""Training the net that tells an S1 at once (`listening.onset`), and measuring how soon and how right it is.

    heart train ear-onset --data DATA        some eight minutes of one core
    heart evaluate ear-onset --data DATA

What the net is shown is what the live ear itself knew at each moment of a training recording, clean and in noise;
what it must say comes from the hand-made annotation. The chance from which it tells is chosen on recordings of
the sources left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from heart.cards import sha256, write_card
from heart.learning import ear_data
from heart.learning.ear_calibrate import noisy
from heart.learning.ear_latency import SAME_S, evaluate_latency
from heart.listening import features
from heart.listening.onset import AGE_SCALE_S, FRAMES, INPUTS, MODEL, OUTPUTS, REST, OnsetWeights, split
from heart.listening.stream import EarStream

WEIGHTS = "onset.safetensors"
HIDDEN = 32
YOUNG_S = 0.18
"""An onset is new for this long; later it need not be told any more."""
A_SOURCE = 100
"""Recordings of each source, so that none outweighs the others."""
SECONDS = 30.0
NOISE_DB = (None, None, -12.0)
"""Noise against the recording, cycled through."""
EPOCHS = 20
BATCH = 512
SURE = (0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
PERIOD = INPUTS - 2
"""Where, in what the net is shown, the expected interval stands."""
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Shown:
    """One recording as the net meets it. rows: float32 [n, INPUTS], at the times now_s [n]; age_s: time since the
    newest S1, [n]; s1_s: all S1 of the annotation."""

    source: str
    rows: np.ndarray
    now_s: np.ndarray
    age_s: np.ndarray
    s1_s: np.ndarray


def shown(row: dict[str, str], data_dir: Path, level_db: float | None, seed: int) -> Shown:
    """Play one recording to the live ear and keep what its onset net would be shown."""
    states = np.loadtxt(Path(data_dir) / row["beats"], delimiter="\t", skiprows=1, ndmin=2)
    sound = ear_data.read_sound(Path(data_dir) / row["path"])[: int(SECONDS * features.RATE_HZ)]
    sound = noisy(sound, level_db, np.random.default_rng(seed))
    ear, rows, times_s, ages_s = EarStream(features.RATE_HZ), [], [], []
    step = features.HOP * features.STEP
    s1_s = states[states[:, 2] == 1, 0]
    for at in range(0, len(sound), step):
        ear.push(sound[at : at + step])
        now_s = ear.time_s  # a little less than what was pushed
        state = states[min(max(int(np.searchsorted(states[:, 0], now_s, "right")) - 1, 0), len(states) - 1), 2]
        if ear.onset_row is None or state == 0 or now_s > states[-1, 1]:
            continue
        before = s1_s[s1_s < now_s]
        rows.append(ear.onset_row)
        times_s.append(now_s)
        ages_s.append(now_s - before[-1] if len(before) else np.inf)
    shape = np.array(rows, np.float32).reshape(-1, INPUTS)
    return Shown(row["source"], shape, np.array(times_s), np.array(ages_s), s1_s)


def training_rows(data_dir: Path, seed: int) -> list[dict[str, str]]:
    """Hand-annotated training recordings of hearts, at most A_SOURCE of each source, in random order."""
    rows = [r for r in ear_data.read_manifest(data_dir) if r["split"] == "train" and r["beats"]]
    rows = [r for r in rows if not r["source"].startswith("pascal")]  # points, no states
    order = np.random.default_rng(seed).permutation(len(rows))
    chosen: dict[str, list[dict[str, str]]] = {}
    for k in order:
        chosen.setdefault(rows[k]["source"], []).append(rows[k])
    return [row for source in chosen.values() for row in source[:A_SOURCE]]


def fit(recordings: Sequence[Shown], seed: int = 0) -> Arrays:
    """Train the net on what was shown; its arrays without "sure"."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    torch.set_num_threads(1)  # the net is too small to share out
    x = torch.from_numpy(np.concatenate([r.rows for r in recordings]))
    age_s = torch.from_numpy(np.concatenate([r.age_s for r in recordings])).float()
    young = ((age_s > 0) & (age_s <= YOUNG_S)).float()
    age = age_s.clamp(0, 1) / AGE_SCALE_S
    layers = [nn.Linear(INPUTS, HIDDEN), nn.Linear(HIDDEN, HIDDEN), nn.Linear(HIDDEN, OUTPUTS)]
    net = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
    steps = max(EPOCHS * len(x) // BATCH, 1)
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    bands = (torch.arange(INPUTS) < FRAMES * features.BANDS).float()
    for _ in range(steps):
        pick = torch.randint(0, len(x), (BATCH,))
        # Louder, quieter and rougher than it was: other sensors.
        changed = x[pick] + 0.15 * torch.randn(BATCH, 1) * bands + 0.1 * torch.randn(BATCH, INPUTS)
        out, wanted = net(changed), young[pick]
        loss = nn.functional.binary_cross_entropy_with_logits(out[:, 0], wanted)
        loss = loss + (wanted * (out[:, 1] - age[pick]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    arrays: Arrays = {}
    for name, layer in zip(("first", "second", "last"), layers, strict=True):
        arrays[f"{name}.weight"] = layer.weight.detach().numpy()
        arrays[f"{name}.bias"] = layer.bias.detach().numpy()
    return arrays


def told_by(weights: OnsetWeights, heard: Shown) -> np.ndarray:
    """Onsets that a net would tell of what was shown, in s, [n]: the rule of `OnsetWatch.look`."""
    told = [-np.inf]
    for row, now_s in zip(heard.rows, heard.now_s, strict=True):
        chance, age_s = weights.run(row)
        if chance >= weights.sure and now_s - age_s - told[-1] > REST * row[PERIOD]:
            told.append(now_s - age_s)
    return np.array(told[1:])


def mistakes(told_s: np.ndarray, heard: Shown) -> int:
    """Annotated onsets not told, and told ones that are none, where the ear had a rhythm."""
    if not len(heard.now_s):
        return 0
    asked = heard.s1_s[(heard.s1_s > heard.now_s[0]) & (heard.s1_s < heard.now_s[-1] - YOUNG_S)]
    near = np.abs(told_s[:, None] - heard.s1_s[None]) < SAME_S
    hit = np.abs(told_s[:, None] - asked[None]) < SAME_S
    return int((~hit.any(0)).sum() + (~near.any(1)).sum())


def choose_sure(recordings: Sequence[Shown], seed: int = 0) -> tuple[float, dict[str, float]]:
    """The chance with the fewest beats missed or falsely told, each source told by a net that never heard it; and
    the mistakes a beat of all chances."""
    wrong = dict.fromkeys(SURE, 0)
    for source in sorted({r.source for r in recordings}):
        arrays = fit([r for r in recordings if r.source != source], seed)
        for heard in [r for r in recordings if r.source == source]:
            for sure in SURE:
                weights = split({**arrays, "sure": np.array([sure], np.float32)})
                wrong[sure] += mistakes(told_by(weights, heard), heard)
    beats = max(sum(len(r.s1_s) for r in recordings), 1)
    return min(SURE, key=lambda sure: wrong[sure]), {f"{s:g}": round(n / beats, 4) for s, n in wrong.items()}


def train_onset(
    data_dir: Path,
    out_dir: Path,
    minutes: float = 10.0,
    seed: int = 0,
    resume: bool = True,
    model_dir: Path | None = None,
) -> dict[str, Any]:
    """Train, choose, measure and write a folder that can be copied to models/ear-onset. Returns the figures.

    It takes a few minutes whatever `minutes` says, and begins anew each time.
    """
    rows = training_rows(data_dir, seed)
    recordings = [shown(row, data_dir, NOISE_DB[k % len(NOISE_DB)], k) for k, row in enumerate(rows)]
    sure, wrong = choose_sure(recordings, seed)
    arrays = {**fit(recordings, seed), "sure": np.array([sure], np.float32)}
    folder = Path(model_dir or Path(out_dir) / "model")
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.astype(np.float32) for name, value in arrays.items()}, folder / WEIGHTS)
    figures = evaluate_latency(data_dir, split(arrays))
    write_card(folder, card(folder, figures, seed, wrong[f"{sure:g}"]))
    return figures


def evaluate_onset(data_dir: Path) -> dict[str, Any]:
    """How soon the shipped ear tells each beat of the validation recordings, and how well it foretells the next."""
    return evaluate_latency(data_dir)


def card(folder: Path, figures: dict[str, Any], seed: int, wrong: float) -> dict[str, Any]:
    """What card.toml says."""
    named = ((f"{part}_{name}", value) for part, row in figures.items() for name, value in row.items())
    flat = {name: value for name, value in named if value is not None}
    return {
        "name": MODEL,
        "kind": "ear",
        "class": "heart.listening.onset:OnsetWatch",
        "words": "tells an expected S1 within a few hundredths of a second",
        "sample_rate": features.RATE_HZ,
        "licence": "weights MIT; trained on PhysioNet/CinC 2016 and CirCor DigiScope 2022 (ODC-BY 1.0)",
        "weights": WEIGHTS,
        "sha256": sha256(folder / WEIGHTS),
        "limits": "works where ear-beats has found a rhythm; an early beat is told late; made for its 16 bands",
        "training": {
            "command": "heart train ear-onset --data DATA",
            "seed": seed,
            "minutes": 8,
            "mistakes_a_beat_on_sources_left_out": wrong,
        },
        "figures": {"command": "heart evaluate ear-onset --data DATA", **flat},
    }
