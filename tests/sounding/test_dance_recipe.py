"""Ways between noise and sound, on data whose exact answer is known: Gaussian, deviation 0.7 around 0.3."""

from __future__ import annotations

import importlib.util
import math

import pytest
import torch

from heart.errors import UsageError
from heart.sounding import along, k_diffusion
from heart.sounding.dance.recipe import Recipe
from heart.sounding.dance.schedule import crash, way
from heart.sounding.samplers import find_sampler
from rig.dance_nets import noise

pytestmark = pytest.mark.usefixtures("one_thread")
MEAN, SPREAD = 0.3, 0.7
EXTRA = importlib.util.find_spec("k_diffusion") is not None


def gauss(x: torch.Tensor, t: float) -> torch.Tensor:
    """The exact v of Gaussian data."""
    a, s = math.cos(t * math.pi / 2), math.sin(t * math.pi / 2)
    variance = a**2 * SPREAD**2 + s**2
    clean = MEAN + a * SPREAD**2 / variance * (x - a * MEAN)
    return a * (s / variance * (x - a * MEAN)) - s * clean


def without_extra() -> bool:
    """Where k-diffusion is not installed, that it says so is all there is to test."""
    if not EXTRA:
        with pytest.raises(UsageError, match="k-diffusion"):
            Recipe(sampler="euler").check()
    return not EXTRA


def test_the_crash_schedule_has_its_three_points():
    assert crash(0) == 0
    assert crash(1) == 1
    sigma, alpha = math.sin(math.pi / 4) ** 2, math.sqrt(1 - math.sin(math.pi / 4) ** 4)
    assert crash(0.5) == pytest.approx(2 / math.pi * math.atan2(sigma, alpha))
    assert way(4) == [1.0, crash(0.75), crash(0.5), crash(0.25), 0.0]


def test_a_noise_level_keeps_the_strides_of_the_whole_way():
    whole = way(100)
    assert way(100, 0.3) == [t for t in whole if t < 0.3]
    assert len(way(100, 0.3)) == 48
    assert way(100, 0.0) == [0.0]
    assert Recipe(steps=100).calls(0.3) == 47


@pytest.mark.parametrize("sampler", ["iplms", "ddim"])
def test_noise_becomes_the_exact_sound(sampler):
    exact = MEAN + SPREAD * noise(1, 2, 500)
    error = [float((Recipe(sampler, n).sing(gauss, noise(1, 2, 500)) - exact).abs().max()) for n in (10, 50)]
    assert error[1] < (0.002 if sampler == "iplms" else 0.1)
    assert error[1] < error[0] / 3


@pytest.mark.parametrize(("sampler", "least_db"), [("iplms", 60), ("ddim", 25)])
def test_a_sound_goes_to_noise_and_back(sampler, least_db):
    recipe, sound = Recipe(sampler, 50), MEAN + SPREAD * noise(1, 2, 500)
    back = recipe.sing(gauss, recipe.invert(gauss, sound))
    assert 10 * math.log10(float(sound.square().sum() / (back - sound).square().sum())) > least_db
    assert float(recipe.invert(gauss, sound).std()) == pytest.approx(1, abs=0.1)


def test_fresh_noise_keeps_the_distribution_and_is_the_seeds():
    one, again, other = (Recipe("ddim", 100, eta=1, seed=s).sing(gauss, noise(1, 2, 2_000)) for s in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert float(one.mean()) == pytest.approx(MEAN, abs=0.06)
    assert float(one.std()) == pytest.approx(SPREAD, abs=0.06)


@pytest.mark.parametrize(("sampler", "level", "far"), [("iplms", 0.4, 0.6), ("dpmpp_2m", 0.6, 0.6)])
def test_a_variation_stays_as_near_as_its_level(sampler, level, far):
    if sampler != "iplms" and without_extra():
        return
    sound = MEAN + SPREAD * noise(1, 2, 2_000, seed=1)
    recipe = Recipe(sampler, 40)
    moved = [
        float((recipe.vary(gauss, sound, noise(1, 2, 2_000), s) - sound).std()) for s in (0.0, level / 4, level)
    ]
    assert moved[0] == 0
    assert 0 < moved[1] < moved[2] < far


@pytest.mark.parametrize("ours_is", ["euler", "euler_ancestral"])
def test_ours_are_k_diffusions_where_both_have_them(ours_is):
    """DDIM is Euler in sigma, with eta 1 ancestral Euler: same times, same noise, also that drawn on the way."""
    if without_extra():
        return
    times = way(30)[1:]
    sigmas = torch.tensor([k_diffusion.sigma_of(t) for t in times])
    start = noise(2, 2, 300) * sigmas[0]
    theirs = k_diffusion.k_sample(ours_is, gauss, start, sigmas, 29, seed=7)
    draws = torch.Generator().manual_seed(7)
    eta = 1.0 if ours_is == "euler_ancestral" else 0.0
    ours = along.ddim(
        gauss, start * along.cos(times[0]), times, eta, lambda: torch.randn(2, 2, 300, generator=draws)
    )
    assert float((ours - theirs).abs().max()) < 1e-4


@pytest.mark.filterwarnings("ignore:Should have")
@pytest.mark.parametrize("sampler", k_diffusion.OVER_SIGMAS + k_diffusion.OVER_RANGE)
def test_every_k_sampler_is_asked_as_often_as_it_says(sampler):
    if without_extra():
        return
    asked = []

    def counted(x, t):
        asked.append(t)
        return gauss(x, t)

    recipe = Recipe(sampler, 24)
    got = recipe.sing(counted, noise(1, 2, 400))
    assert recipe.calls() in (None, len(asked))
    assert float(got.std()) == pytest.approx(SPREAD, abs=0.15)


@pytest.mark.parametrize("schedule", k_diffusion.SCHEDULES)
def test_every_schedule_falls_to_nothing_and_leads_to_the_sound(schedule):
    if without_extra():
        return
    sigmas = k_diffusion.k_sigmas(schedule, 25, 0.01, 80)
    assert sigmas[-1] == 0
    assert bool((sigmas[1:] < sigmas[:-1]).all())
    got = Recipe("dpmpp_2m", 25, schedule=schedule).sing(gauss, noise(1, 2, 2_000))
    assert float((got - MEAN - SPREAD * noise(1, 2, 2_000)).std()) < (0.15 if schedule == "vp" else 0.03)
    near = Recipe("dpmpp_2m", 25, schedule=schedule).vary(gauss, got, noise(1, 2, 2_000, seed=3), 0.2)
    assert 0 < float((near - got).std()) < 0.4


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"steps": 0}, "steps 0"),
        ({"eta": 2}, "eta 2"),
        ({"sigma_min": 90}, "sigmas 90 to 80"),
        ({"rho": 0}, "rho 0"),
        ({"sampler": "eular"}, r"no sampler called 'eular'.*iplms.*dpmpp_3m_sde"),
    ],
)
def test_what_cannot_be_is_named(wrong, words):
    with pytest.raises(UsageError, match=words):
        Recipe(**wrong).check()


def test_the_live_voices_have_iplms_too():
    exact = MEAN + SPREAD * noise(1, 2, 500)
    assert float((find_sampler("iplms")(gauss, noise(1, 2, 500), 50) - exact).abs().max()) < 0.02
