"""What a label and a seed stand for, in TorchScript: `Voice._choice` of `sounding.voice`, and `contour.sung`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from heart.learning.export.chance import Chance
from heart.records import MIXTURES, RHYTHMS, UNNAMED
from heart.sounding import contour
from heart.sounding.conditions import LEVEL_CENTRE_DB, LEVEL_WIDTH_DB
from heart.sounding.net import NetShape
from heart.sounding.style import clear
from heart.sounding.voice import _of
from heart.sounding.weights import Weights


class Choice(nn.Module):
    """Labels by name, the styles and contours of their recordings, and which of them a seed chooses.

    A label is one of `labels`, "murmur", or "" for none; or several with weights, as in "N:0.7+AS:0.3".
    """

    def __init__(self, weights: Weights) -> None:
        super().__init__()
        shape: NetShape = weights.net.shape
        self.labels = list(shape.labels)
        self.mixtures: Any = torch.jit.Attribute(_mixtures(self.labels), dict[str, list[str]])
        self.unnamed = [*UNNAMED, ""]
        self.levels, self.knees = (shape.bands if shape.levelled else 0), torch.tensor(shape.knees)[:, None]
        self.styles: list[Tensor] = [_styles(weights, label) for label in [None, *range(len(shape.labels))]]
        self.contours: list[Tensor] = _contours(weights)
        self.centre, self.width = LEVEL_CENTRE_DB, LEVEL_WIDTH_DB
        self.point, self.phrase, self.told = contour.POINT, contour.POINT * contour.PHRASE, contour.TOLD_DB
        self.registers: Tensor = torch.tensor(contour.REGISTERS).diff()
        self.chance = Chance()

    def known(self, text: str) -> bool:
        """Whether `text` is a label, or several with weights."""
        total = 0.0
        for item in text.replace("+", ",").split(","):
            name, weight = parted(item)
            if weight < 0.0 or not (name in self.labels or name in self.mixtures or name in self.unnamed):
                return False
            total += weight
        return total > 0.0

    def shares(self, text: str) -> list[float]:
        """The share of each label in a text that is known: 1 in all, or 0 for no label."""
        found = [0.0 for _ in self.labels]
        for item in text.replace("+", ",").split(","):
            name, weight = parted(item)
            members = self.mixtures.get(name, [name])
            for number in range(len(self.labels)):
                if self.labels[number] in members:
                    found[number] += weight / len(members)
        total = 0.0
        for share in found:
            total += share
        return [share / total for share in found] if total > 0.0 else found

    def style(self, number: int, seed: int) -> Tensor:
        """The style a seed stands for; number: of the label, -1 for none. float32 [styles]"""
        bank = self.styles[number + 1]
        return bank[self.chance.integer([seed, max(number, 0)], len(bank))]

    def chosen(self, shares: list[float], seed: int) -> tuple[Tensor, Tensor, Tensor]:
        """What the net is told (label [labels + 1], style [styles + 1]), and the knees [bands, 1] of its scale."""
        label = torch.zeros(len(shares) + 1)
        style = torch.zeros(self.styles[0].shape[1] + 1)
        if sum(shares) == 0.0:
            label[0] = 1.0
            return label, style, self.knees_of(self.style(-1, seed))
        label[1:] = torch.tensor(shares)
        mixed = torch.zeros(len(style) - 1, dtype=torch.float64)
        power = torch.zeros(self.levels, dtype=torch.float64)
        for number, share in enumerate(shares):
            if share > 0.0:
                own = self.style(number, seed).double()
                mixed += share * own
                power += share * 10 ** ((own[: self.levels] * self.width + self.centre) / 10)
        mixed[: self.levels] = (10 * torch.log10(power) - self.centre) / self.width
        style[:-1], style[-1] = mixed.float(), 1.0
        return label, style, self.knees_of(style[:-1])

    def knees_of(self, style: Tensor) -> Tensor:
        """Where each band turns from linear to logarithmic: float32 [bands, 1]."""
        if self.levels == 0:
            return self.knees
        levels = style[: self.levels].double() * self.width + self.centre
        return (self.knees.double() * 10 ** (levels[:, None] / 20)).float()

    def moves(self, shares: list[float], seed: int, first: int, count: int) -> Tensor:
        """How loud a texture is to be, in dB: float32 [registers, count]; see `contour.sung`, `contour.mixed`."""
        if sum(shares) == 0.0:
            return self.sung(len(shares), seed, first, count)
        power = torch.zeros(len(self.registers), count, dtype=torch.float64)
        for number, share in enumerate(shares):
            if share > 0.0:
                power += share * 10 ** (self.sung(number, seed, first, count).double() / 10)
        return (10 * torch.log10(power)).float()

    def sung(self, number: int, seed: int, first: int, count: int) -> Tensor:
        """The contour of one label's recordings; beyond the labels: of all."""
        bank = self.contours[number]
        begin, end = (first - self.point) // self.phrase, (first + count + self.point) // self.phrase
        phrases = [
            bank[self.chance.integer([seed, number, phrase % 2147483648], len(bank))]
            for phrase in range(begin, end + 1)
        ]
        points = torch.cat(phrases, 1).double()
        place = (first - begin * self.phrase + torch.arange(count).double() + 0.5) / self.point - 0.5
        left = place.floor().long()
        return torch.lerp(points[:, left], points[:, left + 1], (place - left)[None]).float()

    def loudness(self, moves: Tensor) -> Tensor:
        """What a contour makes of each band: float32 [bands, count]."""
        return (10 ** (moves / 20)).repeat_interleave(self.registers, 0)


def parted(item: str) -> tuple[str, float]:
    """ "N:0.5" as a name and a weight; -1 for a weight that is none."""
    parts = item.split(":")
    if len(parts) < 2:
        return item.strip(), 1.0
    number = parts[1].strip()
    plain = number.replace(".", "", 1)
    return parts[0].strip(), float(number) if plain.isdigit() and len(parts) == 2 else -1.0


def _mixtures(labels: list[str]) -> dict[str, list[str]]:
    """Names for equal shares of several of the labels; not those that bring a rhythm, which is not in the file."""
    own = {name: [label for label in of if label in labels] for name, of in MIXTURES.items() if name not in RHYTHMS}
    return {name: members for name, members in own.items() if members}


def _styles(weights: Weights, label: int | None) -> Tensor:
    """The styles of a label's recordings (None: of all) among which a seed chooses: float32 [clips, styles]."""
    bank = weights.styles if label is None else _of(weights.styles, weights.style_labels, label)
    if not len(bank):
        return torch.zeros(1, weights.net.shape.styles)
    return torch.from_numpy(bank if weights.net.shape.levelled else bank[clear(bank)])


def _contours(weights: Weights) -> list[Tensor]:
    """The contours of each label's recordings, and of all at the end; none of a voice that has none."""
    if weights.contours is None:
        return [torch.zeros(0, 1, 1)]
    labels = [_of(weights.contours, weights.style_labels, n) for n in range(len(weights.net.shape.labels))]
    return [torch.from_numpy(bank) for bank in [*labels, weights.contours]]
