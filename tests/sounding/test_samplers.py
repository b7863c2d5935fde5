"""Samplers on a denoiser whose answer is known: Gaussian data of standard deviation 0.7 around 0.3."""

from __future__ import annotations

import importlib.util
import itertools
import math
import subprocess
import sys

import pytest
import torch

from heart.errors import UsageError
from heart.sounding import k_diffusion
from heart.sounding.samplers import OWN, ddim, find_sampler, split, times

MEAN, SPREAD = 0.3, 0.7


def gauss(x: torch.Tensor, t: float) -> torch.Tensor:
    """The exact v of Gaussian data."""
    a, s = math.cos(t * math.pi / 2), math.sin(t * math.pi / 2)
    variance = a**2 * SPREAD**2 + s**2
    clean = MEAN + a * SPREAD**2 / variance * (x - a * MEAN)
    noise = s / variance * (x - a * MEAN)
    return a * noise - s * clean


def noise(seed: int = 0, length: int = 4_000) -> torch.Tensor:
    return torch.randn(1, 1, length, generator=torch.Generator().manual_seed(seed))


def test_times_fall_from_one_to_zero():
    for steps in (1, 2, 4, 50):
        schedule = times(steps)
        assert len(schedule) == steps + 1
        assert schedule[0] == 1
        assert schedule[-1] == 0
        assert all(a > b for a, b in itertools.pairwise(schedule))


def test_a_path_may_begin_on_the_way():
    for name in OWN:
        x = math.cos(0.2 * math.pi) * (MEAN + SPREAD * noise(1)) + math.sin(0.2 * math.pi) * noise(2)
        got = OWN[name](gauss, x, 50, start=0.4)
        assert abs(float(got.mean()) - MEAN) < 0.06
        assert abs(float(got.std()) - SPREAD) < 0.06


def test_split_undoes_the_mixing():
    clean, eps = noise(1), noise(2)
    a, s = math.cos(0.3 * math.pi / 2), math.sin(0.3 * math.pi / 2)
    got = split(a * clean + s * eps, a * eps - s * clean, 0.3)
    assert torch.allclose(got[0], clean, atol=1e-5)
    assert torch.allclose(got[1], eps, atol=1e-5)


@pytest.mark.parametrize("name", sorted(OWN))
def test_many_steps_give_the_datas_distribution(name):
    got = OWN[name](gauss, noise(), 100)
    assert abs(float(got.mean()) - MEAN) < 0.06
    assert abs(float(got.std()) - SPREAD) < 0.06
    assert torch.equal(got, OWN[name](gauss, noise(), 100))


def test_ddim_follows_the_exact_curve_with_more_steps():
    exact = MEAN + SPREAD * noise()
    errors = [float((ddim(gauss, noise(), steps) - exact).abs().max()) for steps in (8, 32, 128)]
    assert errors[2] < errors[1] / 2 < errors[0] / 4


def test_an_unknown_sampler_is_named_with_those_there_are():
    with pytest.raises(UsageError, match=r"'dmp'.*ddim.*dpmpp_2m"):
        find_sampler("dmp")


def test_a_missing_extra_is_named(monkeypatch):
    k_diffusion.load.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"sounds-of-the-heart\[k-diffusion\]"):
        find_sampler("dpmpp_2m")
    k_diffusion.load.cache_clear()


PROBE = """
import sys
before = set(sys.modules)
from heart.errors import UsageError
from heart.sounding.samplers import find_sampler
try:
    find_sampler("euler")
    print("there")
except UsageError as error:
    print("absent" if "k-diffusion" in str(error) else "?")
print({"wandb", "clip", "torchvision", "kornia", "k_diffusion"} & set(sys.modules))
"""


def extra_is_there() -> bool:
    """The extra is optional; where it is not installed its absence must be said, and that is tested instead."""
    return importlib.util.find_spec("k_diffusion") is not None


def test_loading_a_k_sampler_drags_nothing_along():
    answer = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert answer.stdout.split("\n")[:2] == ["there" if extra_is_there() else "absent", "set()"]


@pytest.mark.parametrize("steps", [4, 8, 20])
def test_our_ddim_is_k_diffusions_euler(steps):
    if not extra_is_there():
        with pytest.raises(UsageError, match="k-diffusion"):
            find_sampler("euler")
        return
    a = math.cos(k_diffusion.LATEST * math.pi / 2)
    ours = ddim(gauss, noise() * k_diffusion.sigma_of(k_diffusion.LATEST) * a, steps, k_diffusion.LATEST)
    assert float((ours - find_sampler("euler")(gauss, noise(), steps)).abs().max()) < 1e-4


@pytest.mark.filterwarnings("ignore:Should have")
@pytest.mark.parametrize("name", k_diffusion.OVER_SIGMAS + k_diffusion.OVER_RANGE)
def test_every_k_sampler_reaches_the_data_and_repeats_itself(name):
    if not extra_is_there():
        with pytest.raises(UsageError, match="k-diffusion"):
            find_sampler(name)
        return
    sampler = find_sampler(name)
    got = sampler(gauss, noise(), 60)
    assert abs(float(got.mean()) - MEAN) < 0.06
    assert abs(float(got.std()) - SPREAD) < 0.08
    assert torch.equal(got, sampler(gauss, noise(), 60))
