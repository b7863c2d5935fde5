"""How sure the condition net may be: temperature, offset and threshold from sites that it never met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from heart.learning.classes.figures import fit_threshold
from heart.learning.condition_fit import Bank

TEMPERATURES = np.exp(np.linspace(np.log(0.25), np.log(4), 33))
OFFSETS = np.linspace(-1.5, 1.5, 61)
WANTED = 0.8
"""Share of the answers that should be right at a site never met."""
MOST_ABSTAINED = 0.35
OTHERS = "left_out_sites_balanced_accuracy_offset_from_others"


@dataclass(frozen=True)
class Judgement:
    """Temperature and offset of the logit; least probability for an answer; what they are worth at unmet sites."""

    temperature: float
    offset: float
    abstain_below: float
    sites: dict[str, float]
    """Balanced accuracy at each site left out."""
    balanced_accuracy: float
    """Mean of the sites, whose own sounds had a say in temperature and offset."""
    balanced_accuracy_others: float
    """The same where temperature and offset of each site come from the other sites alone; NaN of a single site."""
    abstained: float
    accuracy_when_sure: float

    def figures(self) -> dict[str, Any]:
        """As they stand on a card."""
        sites = {f"left_out_{site}_balanced_accuracy": value for site, value in self.sites.items()}
        return {
            "left_out_sites_balanced_accuracy": self.balanced_accuracy,
            **({} if np.isnan(self.balanced_accuracy_others) else {OTHERS: self.balanced_accuracy_others}),
            **sites,
            "left_out_sites_abstained": self.abstained,
            "left_out_sites_accuracy_when_sure": self.accuracy_when_sure,
        }


def pooled(logits: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """Mean probability of "abnormal" over the windows of each sound, in the order of their numbers."""
    _, places = np.unique(sound, return_inverse=True)
    return np.bincount(places, 1 / (1 + np.exp(-logits))) / np.bincount(places)


def judge(logits: np.ndarray, bank: Bank) -> Judgement:
    """From logits [n] of the windows of a bank, each by a head that never met its site.

    Temperature and offset make the pooled probabilities most likely, sites and labels alike; abstain_below is the
    least threshold at which 80 % of the answers are right, or the highest that leaves 65 % of them.
    """
    target, site = _of_sounds(bank)
    weights = _weights(target, site)
    temperature, offset = _calibrated(logits, bank.sound, target, weights)
    chance = pooled(logits / temperature + offset, bank.sound)
    right = (chance > 0.5) == (target == 1)
    top = np.maximum(chance, 1 - chance)
    below = fit_threshold(top, right, weights, wanted=WANTED, most_abstained=MOST_ABSTAINED, least=0.5)
    sure = np.maximum(chance, 1 - chance) >= below
    sites = {str(name): round(_balanced(right, target, site == name), 4) for name in sorted(set(site))}
    return Judgement(
        round(temperature, 3),
        round(offset, 3),
        below,
        sites,
        round(float(np.mean(list(sites.values()))), 4),
        round(_by_others(logits, bank), 4),
        round(float(weights[~sure].sum()), 4),
        round(float((weights * right)[sure].sum() / max(weights[sure].sum(), 1e-9)), 4),
    )


def _weights(target: np.ndarray, site: np.ndarray) -> np.ndarray:
    weights = np.zeros(len(target))
    for name in set(site):
        for label in (0, 1):
            part = (site == name) & (target == label)
            weights[part] = 1 / max(1, part.sum())
    return weights / weights.sum()


def _calibrated(
    logits: np.ndarray, sound: np.ndarray, target: np.ndarray, weights: np.ndarray
) -> tuple[float, float]:
    best = (np.inf, 1.0, 0.0)
    for temperature in TEMPERATURES:
        for offset in OFFSETS:
            chance = pooled(logits / temperature + offset, sound)
            loss = -(weights * np.log(np.where(target == 1, chance, 1 - chance) + 1e-6)).sum()
            best = min(best, (float(loss), float(temperature), float(offset)))
    return best[1], best[2]


def _by_others(logits: np.ndarray, bank: Bank) -> float:
    """Mean balanced accuracy of the sites, each with the temperature and offset that suit the others."""
    names = sorted(set(bank.site))
    if len(names) < 2:
        return float("nan")
    found = []
    for name in names:
        here = bank.site == name
        target, site = _of_sounds(bank.part(~here))
        temperature, offset = _calibrated(logits[~here], bank.sound[~here], target, _weights(target, site))
        own, _ = _of_sounds(bank.part(here))
        right = (pooled(logits[here] / temperature + offset, bank.sound[here]) > 0.5) == (own == 1)
        found.append(_balanced(right, own, np.ones(len(own), bool)))
    return float(np.mean(found))


def _of_sounds(bank: Bank) -> tuple[np.ndarray, np.ndarray]:
    """Target and site of each sound of a bank, in the order of their numbers."""
    _, first = np.unique(bank.sound, return_index=True)
    return bank.target[first], bank.site[first]


def _balanced(right: np.ndarray, target: np.ndarray, here: np.ndarray) -> float:
    return float(np.mean([right[here & (target == label)].mean() for label in (0, 1)]))
