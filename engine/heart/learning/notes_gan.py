"""Training of the notes' GAN in the latent space of an autoencoder: hinge loss, spectral norm.

And of the plain GAN on spectrograms (`notes_seed`), by binary cross-entropy, to measure it against.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils.parametrizations import spectral_norm

from heart.learning.notes_pack import Pack
from heart.learning.notes_school import KEEP_S, keep, resumed
from heart.learning.notes_seed import FEATURES, PlainCritic, PlainGenerator
from heart.learning.notes_seed import NOISE as PLAIN_NOISE
from heart.sounding.notes.generator import NOISE, WIDTH, Generator
from heart.sounding.notes.net import pitch_features

RATE = 2e-4
CRITIC_STEPS = 2
EMA = 0.998
BATCH, PLAIN_BATCH = 128, 32
TUTORED, TAUGHT = 8, 24
TELL_STEPS = 200


class LatentCritic(nn.Module):
    """Latents with pitch and family -> how real [B]; Lipschitz by spectral norm (Miyato et al. 2018)."""

    def __init__(self, latents: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((latents + FEATURES, 2 * WIDTH), (2 * WIDTH, WIDTH)):
            layers += [spectral_norm(nn.Linear(before, after)), nn.LeakyReLU(0.2)]
        self.net = nn.Sequential(*layers, spectral_norm(nn.Linear(WIDTH, 1)))

    def forward(self, z: Tensor, pitch: Tensor, family: Tensor) -> Tensor:
        return self.net(torch.cat([z, pitch_features(pitch), family], 1))[:, 0]


@dataclass
class Duel:
    """Two nets, what they fight over, and by which losses.

    real: places -> what is judged. The losses take what the critic says of real and made.
    """

    generator: nn.Module
    critic: nn.Module
    real: Callable[[np.ndarray], Tensor]
    critic_loss: Callable[[Tensor, Tensor], Tensor]
    generator_loss: Callable[[Tensor], Tensor]
    noise: int
    batch: int
    rate: float = RATE
    critic_steps: int = 1
    tutor: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None
    """(made, pitch, family) -> what else it costs the generator, asked every TUTORED steps for a few notes."""
    average: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        parts = self.generator.parameters(), self.critic.parameters()
        self.optimisers = [torch.optim.Adam(part, lr=self.rate, betas=(0.5, 0.99)) for part in parts]

    def parts(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        nets = {"generator": self.generator, "critic": self.critic, "average": self.average}
        return nets | {"first": self.optimisers[0], "second": self.optimisers[1]}


def latent_duel(latents: np.ndarray, tutor: Callable[[Tensor, Tensor, Tensor], Tensor] | None = None) -> Duel:
    """Over the latents [N, L] of all notes of a pack."""
    rows = torch.as_tensor(latents, dtype=torch.float32)
    return Duel(
        Generator(rows.shape[1]),
        LatentCritic(rows.shape[1]),
        lambda places: rows[torch.as_tensor(places)],
        lambda real, made: torch.relu(1 - real).mean() + torch.relu(1 + made).mean(),
        lambda made: -made.mean(),
        NOISE,
        BATCH,
        critic_steps=CRITIC_STEPS,
        tutor=tutor,
    )


def plain_duel(grids: np.ndarray) -> Duel:
    """Over grids [N, 2, 128, 128]."""

    def cross_entropy(logits: Tensor, real: float) -> Tensor:
        return binary_cross_entropy_with_logits(logits, torch.full_like(logits, real))

    return Duel(
        PlainGenerator(),
        PlainCritic(),
        lambda places: torch.from_numpy(grids[places].astype(np.float32)),
        lambda real, made: cross_entropy(real, 1) + cross_entropy(made, 0),
        lambda made: cross_entropy(made, 1),
        PLAIN_NOISE,
        PLAIN_BATCH,
    )


def fight(duel: Duel, pack: Pack, out: Path, minutes: float, seed: int, resume: bool) -> nn.Module:
    """Train both for so many minutes of CPU time; returns the generator's EMA. out gets checkpoint.pt."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    step, spent_s = resumed(duel.parts(), out) if resume else (0, 0.0)
    rng, kept_s = np.random.default_rng((seed, step)), time.monotonic()
    while spent_s < minutes * 60:
        began_s = time.process_time()
        for _ in range(duel.critic_steps):
            judged = _critic_step(duel, pack, rng)
        fooled = _generator_step(duel, pack, rng, step % TUTORED == 0)
        step += 1
        spent_s += time.process_time() - began_s
        if step % TELL_STEPS == 0:
            print(f"step {step}, {spent_s / 60:.1f} min, critic {judged:.3f}, generator {fooled:.3f}", flush=True)
        if time.monotonic() - kept_s > KEEP_S:
            kept_s = keep(duel.parts(), step, spent_s, out)
    keep(duel.parts(), step, spent_s, out)
    return duel.average


def _critic_step(duel: Duel, pack: Pack, rng: np.random.Generator) -> float:
    places = rng.choice(pack.train, duel.batch)
    pitch, family = conditions(pack, places)
    with torch.no_grad():
        made = duel.generator(torch.randn(duel.batch, duel.noise), pitch, family)
    real = duel.critic(duel.real(places), pitch, family)
    return _step(duel.optimisers[1], duel.critic_loss(real, duel.critic(made, pitch, family)))


def _generator_step(duel: Duel, pack: Pack, rng: np.random.Generator, tutored: bool) -> float:
    pitch, family = conditions(pack, rng.choice(pack.train, duel.batch))
    made = duel.generator(torch.randn(duel.batch, duel.noise), pitch, family)
    cost = duel.generator_loss(duel.critic(made, pitch, family))
    if tutored and duel.tutor:
        few = slice(0, TAUGHT)
        cost = cost + TUTORED * duel.tutor(made[few], pitch[few], family[few])
    loss = _step(duel.optimisers[0], cost)
    with torch.no_grad():
        for average, now in zip(duel.average.parameters(), duel.generator.parameters()):
            average.lerp_(now, 1 - EMA)
    return loss


def conditions(pack: Pack, places: np.ndarray) -> tuple[Tensor, Tensor]:
    """pitch [B] and family [B, 6] of the notes at these places."""
    pitch = torch.as_tensor(pack.pitch[places], dtype=torch.float32)
    return pitch, nn.functional.one_hot(torch.as_tensor(pack.family[places]), 6).float()


def _step(optimiser: torch.optim.Optimizer, loss: Tensor) -> float:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
    return float(loss.detach())
