"""The autoencoder of notes: a spectrum and its pitch to latents, latents and pitch to maps of the sources.

Pitch and, where it is named, family are given to both halves: latents need not say them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from heart.sounding.notes.kinds import FAMILIES, HIGHEST, LOWEST
from heart.sounding.notes.source import POINTS, SOURCES, Sources
from heart.sounding.notes.spectra import FLOOR_DB, KNOTS

PITCH_FEATURES = 8
HIDDEN = 128
WIDTHS = (64, 48, 32, 24)
"""Channels of the decoder's maps, from [8, 4] up to [64, 32]."""
VIBRATO_RATE_HZ = 5.5


def pitch_features(pitch: Tensor) -> Tensor:
    """[B] -> [B, 8]: smooth bumps along the keyboard."""
    centres = torch.linspace(LOWEST, HIGHEST, PITCH_FEATURES, device=pitch.device)
    return torch.exp(-0.5 * ((pitch[:, None] - centres) / 12.5) ** 2)


def seen(sources: Sources, log_power: Tensor, pitch: Tensor) -> Tensor:
    """Mean log power near each point of each source: [B, K, F] in dB -> [B, S, K, P], about -1..1."""
    look = sources.weights(pitch) * sources.lines(pitch)[..., None].clamp(min=1e-4)
    look = look / look.sum(2, keepdim=True).clamp(min=1e-6)
    return log_power[:, None] @ look / -FLOOR_DB * 2 + 1


class Encoder(nn.Module):
    """Log power [B, K, F] at the knots in dB and pitch -> latents [B, L]."""

    def __init__(self, latents: int) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for before, after in ((SOURCES, 16), (16, 32), (32, 48), (48, 64)):
            steps += [nn.Conv2d(before, after, 3, 2, 1), nn.GroupNorm(8, after), nn.SiLU()]
        self.convs = nn.Sequential(*steps)
        self.joined = nn.Sequential(nn.Linear(64 * 4 * 2 + PITCH_FEATURES, HIDDEN), nn.SiLU())
        self.out = nn.Linear(HIDDEN, latents)

    def forward(self, seen: Tensor, pitch: Tensor) -> Tensor:
        """seen: as of `seen`, [B, S, K, P]."""
        flat = self.convs(seen).flatten(1)
        return self.out(self.joined(torch.cat([flat, pitch_features(pitch)], 1)))


class Decoder(nn.Module):
    """Latents [B, L], pitch [B] and family [B, 6] (zeros where unknown) -> maps [B, S, K, P] in dB."""

    def __init__(self, latents: int) -> None:
        super().__init__()
        self.first = nn.Linear(latents + PITCH_FEATURES + len(FAMILIES), HIDDEN)
        self.spread = nn.Sequential(nn.SiLU(), nn.Linear(HIDDEN, WIDTHS[0] * 8 * 4), nn.SiLU())
        steps: list[nn.Module] = []
        for before, after in pairwise(WIDTHS):
            steps += [nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, 1, 1)]
            steps += [nn.GroupNorm(8, after), nn.SiLU()]
        self.convs = nn.Sequential(*steps, nn.Conv2d(WIDTHS[-1], SOURCES, 3, 1, 1))
        self.level = nn.Parameter(torch.zeros(SOURCES, 1, POINTS))

    def forward(self, z: Tensor, pitch: Tensor, family: Tensor) -> Tensor:
        joined = self.first(torch.cat([z, pitch_features(pitch), family], 1))
        grid = self.spread(joined).view(-1, WIDTHS[0], KNOTS // 8, POINTS // 8)
        return ((self.convs(grid) + self.level) * 30 - 50).clamp(-110, 20)


class Autoencoder(nn.Module):
    """Both halves, the sources between map and sound, and what latents say of how a note was played."""

    def __init__(self, latents: int, told: Sequence[str] = ()) -> None:
        super().__init__()
        self.latents = latents
        self.sources = Sources()
        self.encoder = Encoder(latents)
        self.decoder = Decoder(latents)
        self.told = tuple(told)
        self.tell = nn.Linear(latents, len(told))

    def encode(self, log_power: Tensor, pitch: Tensor) -> Tensor:
        """Log power [B, K, F] in dB under the note's maximum, and pitch [B] -> latents [B, L]."""
        return self.encoder(seen(self.sources, log_power, pitch), pitch)

    def forward(self, z: Tensor, pitch: Tensor, family: Tensor, vibrato: Tensor) -> Tensor:
        """Latents [B, L], MIDI pitch [B], family [B, 6], vibrato [B, 2] (cents, Hz) -> sound [B, SAMPLES]."""
        return self.sources.sound(self.decoder(z, pitch, family), pitch, vibrato)
