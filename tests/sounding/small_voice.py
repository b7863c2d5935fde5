"""A voice folder with a small net that was never trained: everything but the sound is real."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from heart.cards import sha256, write_card
from heart.records import OVERLAP, TEXTURES, Beat, Wish
from heart.sounding.contour import PHRASE, ROWS
from heart.sounding.net import NetShape, VoiceNet
from heart.sounding.weights import save_net

SMALL = NetShape(widths=(16, 16, 32, 32), embedding=32)
TEXTURE = replace(
    SMALL, bands=16, labels=TEXTURES, styles=19, knees=(1.0,) * 16, spreads=(0.8,) * 16, levelled=True, gain=1.0
)


def write_voice(folder: Path, seed: int = 0, shape: NetShape = SMALL) -> Path:
    torch.manual_seed(seed)
    net = VoiceNet(shape)
    with torch.no_grad():
        for parameter in net.parameters():  # an untrained net answers 0: give it something to say
            parameter.add_(0.02 * torch.randn_like(parameter))
    folder.mkdir(parents=True, exist_ok=True)
    clips = 2 * len(shape.labels)
    styles = np.linspace(-1, 1, clips * shape.styles, dtype=np.float32).reshape(clips, shape.styles)
    contours = np.random.default_rng(seed).uniform(-10, 5, (clips, ROWS, PHRASE)).astype(np.float32)
    labels = np.arange(clips) % len(shape.labels)
    save_net(net, styles, labels, folder / "voice.safetensors", contours if shape.levelled else None)
    proof = sha256(folder / "voice.safetensors")
    card = {"name": folder.name, "kind": "voice", "class": "heart.sounding.voice:Voice", "sample_rate": 44_100}
    write_card(folder, {**card, "licence": "MIT", "weights": "voice.safetensors", "sha256": proof})
    return folder


def wish(start: int = 40_960, frames: int = 8_192, past: np.ndarray | None = None, **more) -> Wish:
    beats = tuple(Beat(n, n * 36_750 + 2_000, n * 36_750 + 15_000, 833.33) for n in range(4))
    past = np.zeros(20_480 + OVERLAP, np.float32) if past is None else past
    return Wish(**{"number": 1, "start": start, "frames": frames, "past": past, "beats": beats, **more})
