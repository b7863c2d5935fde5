"""Time in Dance Diffusion: alpha = cos(pi t / 2), sigma = sin(pi t / 2), walked along the crash schedule."""

from __future__ import annotations

import math


def crash(t: float) -> float:
    """Even time to that of training and sampling: sigma' = sin^2(pi t / 2), t' = 2 / pi atan2(sigma', alpha')."""
    sigma = math.sin(t * math.pi / 2) ** 2
    return 2 / math.pi * math.atan2(sigma, math.sqrt(max(0.0, 1 - sigma**2)))


def way(steps: int, noise_level: float | None = None) -> list[float]:
    """Times from noise to sound, falling to 0: `steps` strides from 1, or those of them below a noise level.

    With a noise level in 0..1 the strides are still those of the whole way, as presets for the notebook mean it:
    100 steps at 0.3 are fewer than 100. [0.0] alone when nothing is left to do.
    """
    times = [crash(1 - i / steps) for i in range(steps)] + [0.0]
    return times if noise_level is None else [t for t in times if t < noise_level] or [0.0]
