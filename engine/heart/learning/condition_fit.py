"""The condition net's head: features of changed windows, a logistic regression, and what it is worth elsewhere.

Every site counts alike, and within it normal and abnormal: so the site cannot tell the label. A part of the
abnormal hearts of every site are its own normal hearts with a murmur laid over them, which differ in nothing else.
Strength, share and offset were chosen by leaving out one site after the other (a, b, e, the five classes, PASCAL).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from heart.errors import UsageError
from heart.learning.condition_changes import changed
from heart.learning.condition_data import FRAMES, Sound, window_starts
from heart.learning.nets.condition import FURTHEST, ConditionNet, PhaseFeatures

STRENGTH = 0.6
"""How much all windows together weigh against the squared coefficients: scikit-learn's C times their number."""
MURMURING = 0.6
"""Share of the abnormal half of a site that are its normal hearts with a murmur by the book."""
FEW = 30
"""A site with fewer sounds than this weighs as little as `FEW_WEIGHT` of a site, and is never left out."""
FEW_WEIGHT = 0.15
AT_ONCE = 64


@dataclass(frozen=True)
class Bank:
    """Features of windows: x float32 [n, FEATURES]; target int64 [n]; site str [n]; murmur bool [n], laid over;
    sound int64 [n], the place of the recording it is from."""

    x: np.ndarray
    target: np.ndarray
    site: np.ndarray
    murmur: np.ndarray
    sound: np.ndarray

    def part(self, which: np.ndarray) -> Bank:
        """The windows chosen by a mask."""
        return Bank(*(getattr(self, name)[which] for name in ("x", "target", "site", "murmur", "sound")))

    @staticmethod
    def of(x: np.ndarray, sounds: Sequence[Sound], places: Sequence[int], murmuring: bool = False) -> Bank:
        """A bank of windows of sounds[places]."""
        target = np.array([1 if murmuring else sounds[place].target for place in places], np.int64)
        site = np.array([sounds[place].site for place in places])
        return Bank(x, target, site, np.full(len(places), murmuring), np.array(places, np.int64))

    @staticmethod
    def together(banks: Sequence[Bank]) -> Bank:
        """All windows of several banks."""
        names = ("x", "target", "site", "murmur", "sound")
        return Bank(*(np.concatenate([getattr(bank, name) for bank in banks]) for name in names))


@dataclass(frozen=True)
class Head:
    """A fitted regression: mean, deviation, weight float32 [FEATURES], bias."""

    mean: np.ndarray
    deviation: np.ndarray
    weight: np.ndarray
    bias: float

    def logits(self, x: np.ndarray) -> np.ndarray:
        """Features [n, FEATURES] to logits of "abnormal" [n]."""
        return ((x - self.mean) / self.deviation).clip(-FURTHEST, FURTHEST) @ self.weight + self.bias

    def put_into(self, net: ConditionNet) -> None:
        """Give a net these numbers."""
        for buffer, value in ((net.centre, self.mean), (net.width, self.deviation)):
            buffer.copy_(torch.from_numpy(value))
        with torch.no_grad():
            net.score.weight.copy_(torch.from_numpy(self.weight)[None])
            net.score.bias.fill_(self.bias)


def features_of(windows: Sequence[np.ndarray], phase_features: PhaseFeatures) -> np.ndarray:
    """Windows of band powers [FRAMES, BANDS] to float32 [n, FEATURES]."""
    blocks = [windows[start : start + AT_ONCE] for start in range(0, len(windows), AT_ONCE)]
    with torch.inference_mode():
        return np.concatenate([phase_features(torch.from_numpy(np.stack(block))).numpy() for block in blocks])


def plain_bank(sounds: Sequence[Sound], phase_features: PhaseFeatures) -> Bank:
    """All windows of all sounds, as they are judged."""
    places = [place for place, sound in enumerate(sounds) for _ in window_starts(sound.frames)]
    cut = [sound.powers[at : at + FRAMES] for sound in sounds for at in window_starts(sound.frames)]
    return Bank.of(features_of(cut, phase_features), sounds, places)


def changed_bank(rng: np.random.Generator, sounds: Sequence[Sound], phase_features: PhaseFeatures) -> Bank:
    """One changed window of every sound, and one of every normal sound with a murmur."""
    normal = [place for place, sound in enumerate(sounds) if sound.target == 0]
    every = features_of([changed(rng, sound) for sound in sounds], phase_features)
    murmurs = features_of([changed(rng, sounds[place], murmuring=True) for place in normal], phase_features)
    banks = [Bank.of(every, sounds, range(len(sounds))), Bank.of(murmurs, sounds, normal, murmuring=True)]
    return Bank.together(banks)


def weights_of(bank: Bank, share: float = MURMURING) -> np.ndarray:
    """How much each window counts, float64 [n], the mean 1: sites alike, and in each the labels alike."""
    weights = np.zeros(len(bank.target))
    for site in sorted(set(bank.site)):
        here = bank.site == site
        few = FEW_WEIGHT if len(set(bank.sound[here])) < FEW else 1.0
        ill = here & (bank.target == 1) & ~bank.murmur
        over = here & bank.murmur
        laid = share if ill.any() and over.any() else float(over.any())
        for part, mass in ((here & (bank.target == 0), 1.0), (ill, 1 - laid), (over, laid)):
            weights[part] = few * mass / max(1, part.sum())
    return weights / weights.mean()


def fit(bank: Bank, strength: float = STRENGTH, share: float = MURMURING) -> Head:
    """A logistic regression on the windows of a bank. Raises UsageError without scikit-learn."""
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise UsageError("training needs scikit-learn: pip install 'sounds-of-the-heart[train]'") from None
    mean, deviation = bank.x.mean(0), bank.x.std(0) + 1e-3
    scaled = ((bank.x - mean) / deviation).clip(-FURTHEST, FURTHEST)
    found = LogisticRegression(C=strength / len(scaled), max_iter=500).fit(
        scaled, bank.target, weights_of(bank, share)
    )
    return Head(mean, deviation, found.coef_[0].astype(np.float32), float(found.intercept_[0]))


def left_out_sites(sounds: Sequence[Sound]) -> list[str]:
    """Sites with enough sounds of both labels to say what a head is worth there."""
    sites = sorted({sound.site for sound in sounds})
    targets = {site: [sound.target for sound in sounds if sound.site == site] for site in sites}
    return [site for site in sites if len(targets[site]) >= FEW and len(set(targets[site])) == 2]


def leave_sites_out(
    changed_windows: Bank, plain: Bank, sites: Sequence[str], tell: Callable[[str], None] = lambda site: None
) -> np.ndarray:
    """Logits of the plain windows by heads that never met their site: float64 [n], NaN at all other sites."""
    logits = np.full(len(plain.target), np.nan)
    for site in sites:
        here = plain.site == site
        logits[here] = fit(changed_windows.part(changed_windows.site != site)).logits(plain.x[here])
        tell(site)
    return logits
