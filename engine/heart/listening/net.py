"""The beat net in plain numpy: starts at once, needs no torch, agrees with it to 1e-4.

A net is a dict of float32 arrays by the names torch gives them; `learning.ear_net` makes and trains them. For files
dilated convolutions (stem, blocks, head), for the live ear a recurrent net (dense1, dense2, gru, head).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heart.listening import features

CONTEXT = 8
"""Frames that one step of the net sees: 80 ms between centres."""
PAST_FRAMES = {True: 3, False: 6}
"""How many of them lie before the step's own two, by `both_ways`; the live net sees no future frame."""
LOOK_AHEAD_STEPS = 5
"""Steps (20 ms each) by which the live net answers late: with half a window, 130 ms of look-ahead."""
OUTPUTS = 5
DILATIONS = (1, 2, 4, 8, 16, 32) * 2
"""Of the file net's blocks, in steps: together they see five seconds on either side."""
TAPS = 5
LAYERS = 2

Weights = Mapping[str, np.ndarray]


def context_frames(frames: np.ndarray, both_ways: bool) -> np.ndarray:
    """Stack the neighbours of each step: [frames, BANDS] to [frames // 2, CONTEXT * BANDS]; zeros
    beyond the ends."""
    past = PAST_FRAMES[both_ways]
    steps = len(frames) // features.STEP
    padded = np.pad(frames, ((past, CONTEXT), (0, 0)))
    rows = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT, axis=0)[:: features.STEP][:steps]
    return rows.reshape(steps, -1)  # band by band, each with its CONTEXT frames


def _dense(weights: Weights, name: str, x: np.ndarray) -> np.ndarray:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def stem(weights: Weights, stacked: np.ndarray) -> np.ndarray:
    """The two dense layers: [..., CONTEXT * BANDS] to [..., 96]."""
    return np.maximum(_dense(weights, "dense2", np.maximum(_dense(weights, "dense1", stacked), 0)), 0)


def gru_layer(weights: Weights, name: str, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """One recurrent layer in one direction (Cho 2014, torch's variant with the reset gate after the product).

    x: [B, steps, inputs]; h: [B, units], the state before. Returns all states, [B, steps, units].
    """
    units = h.shape[1]
    fed = x @ weights[f"gru.weight_ih_{name}"].T + weights[f"gru.bias_ih_{name}"]
    recur = np.ascontiguousarray(weights[f"gru.weight_hh_{name}"].T)
    bias = weights[f"gru.bias_hh_{name}"]
    out = np.empty((*x.shape[:2], units), np.float32)
    for t in range(x.shape[1]):
        own = h @ recur + bias
        gates = _sigmoid(fed[:, t, : 2 * units] + own[:, : 2 * units])
        new = np.tanh(fed[:, t, 2 * units :] + gates[:, :units] * own[:, 2 * units :])
        h = new + gates[:, units:] * (h - new)
        out[:, t] = h
    return out


def both_ways(weights: Weights) -> bool:
    """Is this the net for files, which looks both ways?"""
    return "stem.weight" in weights or "gru.weight_ih_l0_reverse" in weights


def run(weights: Weights, frames: np.ndarray) -> np.ndarray:
    """A whole batch of sounds at once.

    frames: float32 [B, frames, BANDS], normalised. Returns raw outputs (logits), float32 [B, frames // 2, OUTPUTS].
    """
    two = both_ways(weights)
    stacked = np.stack([context_frames(one, two) for one in frames])
    if "stem.weight" in weights:
        return _convolved(weights, stacked)
    x = stem(weights, stacked)
    units = weights["gru.weight_hh_l0"].shape[1]
    for layer in range(LAYERS):
        start = np.zeros((len(x), units), np.float32)
        ahead = gru_layer(weights, f"l{layer}", x, start)
        if two:
            back = gru_layer(weights, f"l{layer}_reverse", x[:, ::-1], start)[:, ::-1]
            ahead = np.concatenate([ahead, back], axis=2)
        x = ahead
    return np.asarray(_dense(weights, "head", x), np.float32)


def _convolved(weights: Weights, stacked: np.ndarray) -> np.ndarray:
    """The file net: residual blocks of dilated convolutions. [B, steps, CONTEXT * BANDS] to [B, steps, OUTPUTS]."""
    x = _mixed(weights, "stem", stacked)
    for k, dilation in enumerate(DILATIONS):
        x = x + block(weights, f"blocks.{k}.", x, dilation)
    return np.asarray(_mixed(weights, "head", _lit(weights, "", x)), np.float32)


def block(weights: Weights, name: str, x: np.ndarray, dilation: int) -> np.ndarray:
    """What one block adds: TAPS looks, `dilation` steps apart, silence beyond the ends. [B, steps, channels]."""
    reach, steps = dilation * (TAPS // 2), x.shape[1]
    padded = np.pad(_lit(weights, name, x), ((0, 0), (reach, reach), (0, 0)))
    taps = np.ascontiguousarray(weights[f"{name}wide.weight"].transpose(2, 1, 0))
    seen = sum(padded[:, k * dilation : k * dilation + steps] @ taps[k] for k in range(TAPS))
    return _mixed(weights, f"{name}mix", np.maximum(seen + weights[f"{name}wide.bias"], 0))


def _lit(weights: Weights, name: str, x: np.ndarray) -> np.ndarray:
    return np.maximum(x * weights[f"{name}scale"] + weights[f"{name}shift"], 0)


def _mixed(weights: Weights, name: str, x: np.ndarray) -> np.ndarray:
    """A convolution whose taps lie in the last axis of x already."""
    kernel = weights[f"{name}.weight"]
    return np.asarray(x @ kernel.reshape(len(kernel), -1).T + weights[f"{name}.bias"])


@dataclass
class LiveNet:
    """The forward net, step by step, keeping its state between pushes."""

    weights: Weights

    def __post_init__(self) -> None:
        if both_ways(self.weights):
            raise ValueError("a live net reads forward only")
        units = self.weights["gru.weight_hh_l0"].shape[1]
        self._hidden = [np.zeros((1, units), np.float32) for _ in range(LAYERS)]
        self._frames = np.zeros((PAST_FRAMES[False], features.BANDS), np.float32)

    def push(self, frames: np.ndarray) -> np.ndarray:
        """frames: float32 [k, BANDS], the next normalised frames. Returns logits [steps, OUTPUTS] of the steps
        that became complete; an odd frame waits for its pair."""
        known = np.concatenate([self._frames, frames])
        steps = (len(known) - PAST_FRAMES[False]) // features.STEP
        if steps == 0:
            self._frames = known
            return np.zeros((0, OUTPUTS), np.float32)
        rows = [known[features.STEP * j : features.STEP * j + CONTEXT].T.reshape(-1) for j in range(steps)]
        self._frames = known[features.STEP * steps :]
        x = stem(self.weights, np.stack(rows))[None]
        for layer in range(LAYERS):
            x = gru_layer(self.weights, f"l{layer}", x, self._hidden[layer])
            self._hidden[layer] = x[:, -1]
        return np.asarray(_dense(self.weights, "head", x[0]), np.float32)
