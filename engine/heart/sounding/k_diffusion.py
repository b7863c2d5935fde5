"""k-diffusion's samplers by name, with nothing of k-diffusion loaded that they do not need.

Importing the package itself runs its root, which wants wandb, clip, kornia and a torchvision that fits the
installed torch. The samplers need none of these, so `k_diffusion.sampling` and `.external` are loaded under
an empty package of the same name, with a hollow torchvision for one import line of theirs that only image
tools use. Afterwards `sys.modules` is as it was.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import ModuleType

import torch
from torch import Tensor

from heart.errors import UsageError
from heart.sounding.samplers import OWN, Denoiser, Sampler, times

OVER_SIGMAS = (
    "euler",
    "euler_ancestral",
    "heun",
    "dpm_2",
    "dpm_2_ancestral",
    "lms",
    "dpmpp_2s_ancestral",
    "dpmpp_sde",
    "dpmpp_2m",
    "dpmpp_2m_sde",
    "dpmpp_3m_sde",
)
"""Called with a list of sigmas."""
OVER_RANGE = ("dpm_fast", "dpm_adaptive")
"""Called with the smallest and largest sigma."""
LATEST = 0.99
"""Time of the first step: sigma = tan(pi t / 2) is infinite at 1."""
EARLIEST = 0.01
SCHEDULES = ("karras", "exponential", "polyexponential", "vp")
TWICE = ("heun", "dpm_2", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde")
"""They ask the net twice in every step but the last."""
RANDOM = ("euler_ancestral", "dpm_2_ancestral", "dpmpp_2s_ancestral", "dpmpp_sde", "dpmpp_2m_sde", "dpmpp_3m_sde")
"""They draw noise on their way."""
_EXTRA = "pip install 'sounds-of-the-heart[k-diffusion]'"


def k_sampler(name: str) -> Sampler:
    """k-diffusion's sampler `name` behind our signature.

    Raises:
        UsageError: there is no such sampler, or the extra is not installed.
    """
    _check_known(name)
    load()

    def sample(denoiser: Denoiser, x: Tensor, steps: int, start: float = 1.0) -> Tensor:
        high = sigma_of(min(start, LATEST))
        seed = int(x.double().abs().sum() * 1e6) % 2**31
        scaled = x * (high / math.sin(start * math.pi / 2))  # theirs is clean + sigma noise, ours alpha times it
        if name in OVER_RANGE:
            return k_sample(name, denoiser, scaled, (min(sigma_of(EARLIEST), high / 2), high), steps, seed)
        return k_sample(name, denoiser, scaled, sigmas_of(steps, start), steps, seed)

    return sample


def k_sample(
    name: str,
    denoiser: Denoiser,
    x: Tensor,
    sigmas: Tensor | tuple[float, float],
    steps: int,
    seed: int,
    **more: float,
) -> Tensor:
    """Sample x = clean + sigmas[0] noise down to clean, in k-diffusion's own terms.

    Args:
        sigmas: falling to 0; for a sampler of OVER_RANGE the smallest (above 0) and the largest.
        seed: of the noise drawn on the way.
        more: further settings of the sampler itself (eta, rtol, ...).

    Raises:
        UsageError: there is no such sampler, or the extra is not installed.
    """
    _check_known(name)
    sampling, external = load()
    function, model = getattr(sampling, f"sample_{name}"), external.VDenoiser(_as_module(denoiser))
    with torch.random.fork_rng(devices=[]):
        # Samplers that draw noise on their way draw it from torch's global generator.
        torch.manual_seed(seed)
        if name not in OVER_RANGE:
            return torch.as_tensor(function(model, x, sigmas, disable=True, **more))
        count = (steps,) if name == "dpm_fast" else ()
        return torch.as_tensor(function(model, x, *sigmas, *count, disable=True, **more))


def k_sigmas(schedule: str, steps: int, low: float, high: float, rho: float | None = None) -> Tensor:
    """One of k-diffusion's schedules: float32 [steps + 1], from `high` over `low` to 0.

    `rho` bends it; None is the schedule's own (7 of karras, 1 of polyexponential). `vp` has bounds of its own: of
    its steps those below `high` are taken, after `high` itself.

    Raises:
        UsageError: there is no such schedule, or the extra is not installed.
    """
    if schedule not in SCHEDULES:
        raise UsageError(f"no schedule called {schedule!r}; there are {', '.join(SCHEDULES)}")
    make = getattr(load()[0], f"get_sigmas_{schedule}")
    if schedule == "vp":
        sigmas: Tensor = make(steps)
        return torch.cat([torch.tensor([high]), sigmas[sigmas < high]]) if high < sigmas[0] else sigmas
    shape = (rho,) if rho is not None and schedule in ("karras", "polyexponential") else ()
    return torch.as_tensor(make(steps, low, high, *shape))


def calls(name: str, steps: int) -> int | None:
    """How often the sampler asks the net in so many steps; None: it decides on the way."""
    if name == "dpm_adaptive":
        return None
    return 2 * steps - 1 if name in TWICE else steps


def _check_known(name: str) -> None:
    if name not in OVER_SIGMAS + OVER_RANGE:
        known = ", ".join((*OWN, *OVER_SIGMAS, *OVER_RANGE))
        raise UsageError(f"no sampler called {name!r}; there are {known}")


def sigma_of(t: float) -> float:
    """Noise level against the clean signal at time t."""
    return math.tan(t * math.pi / 2)


def sigmas_of(steps: int, start: float = 1.0) -> Tensor:
    """Our own schedule in k-diffusion's terms: float32 [steps + 1], falling to 0."""
    return torch.tensor([sigma_of(t) for t in times(steps, min(start, LATEST))])


def _as_module(denoiser: Denoiser) -> torch.nn.Module:
    class Inner(torch.nn.Module):
        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            return denoiser(x, float(t.flatten()[0]))

    return Inner()


@lru_cache(maxsize=1)
def load() -> tuple[ModuleType, ModuleType]:
    """(k_diffusion.sampling, k_diffusion.external). Raises UsageError when they cannot be had."""
    spec = importlib.util.find_spec("k_diffusion")
    if spec is None:
        raise UsageError(f"this sampler needs the extra k-diffusion: {_EXTRA}")
    try:
        with _hollow(list(spec.submodule_search_locations or [])):
            sampling = importlib.import_module("k_diffusion.sampling")
            return sampling, importlib.import_module("k_diffusion.external")
    except ImportError as error:
        raise UsageError(f"k-diffusion is installed but incomplete ({error}): {_EXTRA}") from None


@contextmanager
def _hollow(path: list[str]) -> Iterator[None]:
    """sys.modules with an empty k_diffusion package at `path` and an empty torchvision, for a while."""
    kept = {name: module for name, module in sys.modules.items() if _ours(name)}
    for name in kept:
        del sys.modules[name]
    root = ModuleType("k_diffusion")
    root.__path__ = path
    vision, transforms = ModuleType("torchvision"), ModuleType("torchvision.transforms")
    functional = ModuleType("torchvision.transforms.functional")
    transforms.functional = functional  # type: ignore[attr-defined]
    sys.modules.update({module.__name__: module for module in (root, vision, transforms, functional)})
    try:
        yield
    finally:
        for name in [name for name in sys.modules if _ours(name)]:
            del sys.modules[name]
        sys.modules.update(kept)


def _ours(name: str) -> bool:
    return name.split(".")[0] in ("k_diffusion", "torchvision")
