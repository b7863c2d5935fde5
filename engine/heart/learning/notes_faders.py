"""Latents as faders: uncorrelated, of deviation 1, the first turned to what they do, the rest by how much.

Whitening leaves the choice of a rotation. The first axes are the directions along which how a note was played is
told best, made orthogonal with the least change to all of them (Lowdin); the others are the main axes of what the
decoder does, loudest first. All of it is linear, so it goes into the last layer of the encoder and the first of
the decoder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from heart.learning.notes_ae import in_db
from heart.learning.notes_pack import PLAYED, Pack
from heart.sounding.notes.net import Autoencoder

LEAST_DEVIATION = 1e-3
NUDGE = 0.25
"""How far a latent is moved to see what the decoder does."""
ASKED = 48
"""Notes whose decoding is asked for that."""
NAMED_R2 = 0.25
"""A fader keeps its name when it alone tells so much on timbres never met."""


@dataclass(frozen=True)
class Fader:
    """word: what a latent does. r2: what it alone tells of that, all_r2: what all latents together do, linearly;
    both on held-out timbres."""

    word: str
    r2: float
    all_r2: float


def turn_latents(net: Autoencoder, pack: Pack) -> list[Fader]:
    """Turn the latents of `net` in place; returns what the first of them do, in order."""
    z = encode_all(net, pack, pack.train)
    mean, whiten = _whitening(z)
    white = (z - mean) @ whiten.T
    axes, words = _named_axes(white, pack.played[pack.train])
    turn = np.concatenate([axes, _other_axes(net, pack, mean, whiten, axes)])
    _fold(net, mean, turn @ whiten)
    return _judged(net, pack, words)


def encode_all(net: Autoencoder, pack: Pack, places: np.ndarray) -> np.ndarray:
    """Latents [n, L] of the notes at these places."""
    found = []
    with torch.inference_mode():
        for begin in range(0, len(places), 64):
            levels, pitch, _, _ = pack.batch(places[begin : begin + 64])
            found.append(net.encode(levels, pitch).numpy())
    return np.concatenate(found).astype(np.float64)


def _whitening(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [L] and W [L, L] for which W (z - mean) has the unit matrix as covariance."""
    values, vectors = np.linalg.eigh(np.cov(z.T))
    return z.mean(0), (vectors / np.sqrt(np.maximum(values, LEAST_DEVIATION**2))).T[::-1]


def _named_axes(white: np.ndarray, played: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Orthonormal directions [n, L], the best told first, and their words; a step up is a rise of the word.

    They are the polar factor of the directions' slopes: no orthonormal set lies nearer to them.
    """
    known = np.isfinite(played).all(1)
    if not known.any():
        return np.zeros((0, white.shape[1])), []
    wishes = played[known] - played[known].mean(0)
    slopes = (white[known].T @ wishes / known.sum() / np.maximum(wishes.std(0), 1e-9)).T
    left, _, right = np.linalg.svd(slopes, full_matrices=False)
    axes = left @ right
    order = np.argsort(-(axes * slopes).sum(1))
    return axes[order], [PLAYED[which] for which in order]


def _other_axes(net: Autoencoder, pack: Pack, mean: np.ndarray, whiten: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """The rest of an orthonormal base: main axes of the decoder's answer to small moves, the loudest first."""
    answer = _answers(net, pack, np.linalg.inv(whiten))
    if not len(axes):
        return np.linalg.eigh(answer)[1].T[::-1]
    free = np.linalg.svd(axes)[2][len(axes) :]
    return np.linalg.eigh(free @ answer @ free.T)[1].T[::-1] @ free


def _answers(net: Autoencoder, pack: Pack, back: np.ndarray) -> np.ndarray:
    """Mean over notes of J'J [L, L], J the change in dB of the decoded spectrum with the whitened latents."""
    places = pack.train[:: max(1, len(pack.train) // ASKED)][:ASKED]
    levels, pitch, family, _ = pack.batch(places)
    moves = torch.as_tensor(back.T * NUDGE, dtype=torch.float32)
    total = np.zeros((net.latents, net.latents))
    with torch.inference_mode():
        z = net.encode(levels, pitch)
        for one in range(len(places)):
            here = slice(one, one + 1)
            many = z[here] + torch.cat([torch.zeros_like(moves[:1]), moves])
            heard = _decoded(net, many, pitch[here].expand(len(many)), family[here].expand(len(many), -1))
            change = (heard[1:] - heard[:1]).flatten(1).numpy() / NUDGE
            total += change @ change.T / change.shape[1]
    return total / len(places)


def _decoded(net: Autoencoder, z: Tensor, pitch: Tensor, family: Tensor) -> Tensor:
    return in_db(net.sources.power(net.decoder(z, pitch, family)[:, :, ::4], pitch))


def _fold(net: Autoencoder, mean: np.ndarray, turn: np.ndarray) -> None:
    """Make the net's latents turn @ (z - mean)."""
    forth, back = (torch.as_tensor(m, dtype=torch.float32) for m in (turn, np.linalg.inv(turn)))
    centre = torch.as_tensor(mean, dtype=torch.float32)
    with torch.no_grad():
        last = net.encoder.out
        last.bias.copy_(forth @ (last.bias - centre))
        last.weight.copy_(forth @ last.weight)
        for layer in (net.decoder.first, net.tell):
            weight = layer.weight[:, : net.latents].clone()
            layer.bias.add_(weight @ centre)
            layer.weight[:, : net.latents] = weight @ back


def _judged(net: Autoencoder, pack: Pack, words: list[str]) -> list[Fader]:
    train, val = (encode_all(net, pack, places) for places in (pack.train, pack.val))
    faders = []
    for number, word in enumerate(words):
        wish, truth = (pack.played[places][:, PLAYED.index(word)] for places in (pack.train, pack.val))
        known, there = np.isfinite(wish), np.isfinite(truth)
        columns = [[number], list(range(net.latents))]
        alone, together = (told(train[known][:, c], wish[known], val[there][:, c], truth[there]) for c in columns)
        faders.append(Fader(word, round(alone, 3), round(together, 3)))
    return faders


def told(z: np.ndarray, wish: np.ndarray, later_z: np.ndarray, truth: np.ndarray) -> float:
    """R^2 on later notes of a linear fit of `wish` by `z` [n, some]; 0 or less says nothing."""
    ones = np.ones((len(z), 1))
    weights = np.linalg.lstsq(np.hstack([z, ones]), wish, rcond=None)[0]
    guess = later_z @ weights[:-1] + weights[-1]
    return float(1 - np.square(truth - guess).mean() / max(truth.var(), 1e-12))
