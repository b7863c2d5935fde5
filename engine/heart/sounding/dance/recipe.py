"""How one goes between noise and sound: sampler, steps, schedule; the same for every mode and every net.

Our samplers walk in time along the crash schedule (`schedule.py`), k-diffusion's in sigma along theirs. Noise is
always of unit strength here, whatever a sampler wants it scaled to.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from heart.errors import UsageError
from heart.sounding import along, k_diffusion
from heart.sounding.along import Denoiser
from heart.sounding.dance.schedule import way

OWN = ("iplms", "ddim")
MOST_STEPS = 2_000


@dataclass(frozen=True)
class Recipe:
    """Sampler and settings. The defaults are those of the notebook that the checkpoints came with."""

    sampler: str = "iplms"
    steps: int = 100
    eta: float = 0.0
    """Of ddim: the share of fresh noise at every step, 0..1."""
    schedule: str = "karras"
    """Of k-diffusion's samplers."""
    sigma_min: float = 0.01
    sigma_max: float = 80.0
    rho: float | None = None
    seed: int = 0
    """Of noise that is drawn on the way."""

    def check(self) -> None:
        """Raises UsageError for a value out of its range, an unknown name, or k-diffusion where it is not."""
        if not 1 <= self.steps <= MOST_STEPS:
            raise UsageError(f"steps {self.steps}: must lie between 1 and {MOST_STEPS}")
        if not 0 <= self.eta <= 1:
            raise UsageError(f"eta {self.eta:g}: must lie between 0 and 1")
        if not 0 < self.sigma_min < self.sigma_max <= 1_000:
            raise UsageError(f"sigmas {self.sigma_min:g} to {self.sigma_max:g}: must rise, between 0 and 1000")
        if self.rho is not None and not 0.1 <= self.rho <= 100:
            raise UsageError(f"rho {self.rho:g}: must lie between 0.1 and 100")
        if self.sampler not in OWN:
            k_diffusion.k_sampler(self.sampler)
            k_diffusion.k_sigmas(self.schedule, 2, self.sigma_min, self.sigma_max, self.rho)

    @property
    def random(self) -> bool:
        """Whether noise is drawn on the way: then sounds sampled at once are not those sampled alone."""
        return self.sampler in k_diffusion.RANDOM or (self.sampler == "ddim" and self.eta > 0)

    def calls(self, level: float | None = None) -> int | None:
        """How often the net will be asked from noise, or from a noise level; None: who knows."""
        if self.sampler in OWN:
            return len(way(self.steps, level)) - 1
        return k_diffusion.calls(self.sampler, self.steps)

    def sing(self, denoiser: Denoiser, noise: Tensor) -> Tensor:
        """Noise [B, C, T] to sound."""
        if self.sampler in OWN:
            return self._own(denoiser, noise, way(self.steps))
        high = self.sigma_max
        if self.schedule == "vp" and self.sampler in k_diffusion.OVER_SIGMAS:  # it begins where it does
            high = float(k_diffusion.k_sigmas("vp", self.steps, self.sigma_min, 1e9)[0])
        return self._k(denoiser, high * noise, high)

    def vary(self, denoiser: Denoiser, sound: Tensor, noise: Tensor, level: float) -> Tensor:
        """The sound, noised to a level and sampled back; the level means what it does in the notebook.

        For our samplers it is the time of the noise, 0 (nothing) to 1 (all); for k-diffusion's the sigma.
        """
        if self.sampler in OWN:
            times = way(self.steps, level)
            noised = along.cos(times[0]) * sound + along.sin(times[0]) * noise
            return self._own(denoiser, noised, times)
        if level <= self.sigma_min:
            return sound
        return self._k(denoiser, sound + level * noise, level)

    def invert(self, denoiser: Denoiser, sound: Tensor) -> Tensor:
        """The noise that the sound is sung from: the way of `iplms` or `ddim` walked backwards."""
        walk = along.ddim if self.sampler == "ddim" else along.iplms
        return walk(denoiser, sound, way(self.steps)[::-1])

    def _own(self, denoiser: Denoiser, x: Tensor, times: list[float]) -> Tensor:
        if self.sampler == "iplms":
            return along.iplms(denoiser, x, times)
        random = torch.Generator().manual_seed(self.seed)
        return along.ddim(denoiser, x, times, self.eta, lambda: torch.randn(x.shape, generator=random))

    def _k(self, denoiser: Denoiser, x: Tensor, high: float) -> Tensor:
        more = {"rtol": 0.01, "atol": 0.01} if self.sampler == "dpm_adaptive" else {}
        sigmas: Tensor | tuple[float, float] = (self.sigma_min, high)
        if self.sampler in k_diffusion.OVER_SIGMAS:
            sigmas = k_diffusion.k_sigmas(self.schedule, self.steps, self.sigma_min, high, self.rho)
        return k_diffusion.k_sample(self.sampler, denoiser, x, sigmas, self.steps, self.seed, **more)
