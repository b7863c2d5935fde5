"""Vary, morph, continue, inpaint: on a small net that was never trained, on the pulse, and on the shipped voice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from small_voice import wish

from heart.errors import UsageError
from heart.learning.voice_evaluate import border_bend
from heart.listening import judge
from heart.records import OVERLAP, SAMPLE_RATE_HZ, Source
from heart.sounding import modes
from heart.sounding.filterbank import HOP
from heart.sounding.given import Manner, extend, inpaint, joined, morph, vary
from heart.sounding.offline import generate
from heart.sounding.registry import open_voice
from heart.sounding.samplers import ddim
from heart.sounding.sources import BLOCK_FRAMES, heard_mix, looped, source_of
from heart.sounding.voice import Voice

RATE = SAMPLE_RATE_HZ


def noise(seconds: float, seed: int = 0, level: float = 0.1) -> np.ndarray:
    """Full-band noise: most of it lies where the net does not sing."""
    return level * np.random.default_rng(seed).standard_normal(round(seconds * RATE)).astype(np.float32)


def heart(seconds: float, seed: int = 0, bpm: float = 72.0) -> np.ndarray:
    return generate(seconds, bpm=bpm, seed=seed, voice="pulse") + noise(seconds, seed, 1e-3)


def snr_db(wanted: np.ndarray, got: np.ndarray) -> float:
    error = (wanted - got).astype(float)
    return float(10 * np.log10((wanted.astype(float) ** 2).sum() / ((error**2).sum() + 1e-30)))


@pytest.fixture
def small(voice_folder):
    return Manner(voice=Voice(voice_folder, threads=1), steps=2)


@pytest.fixture(scope="module")
def real():
    return Manner(voice=open_voice("voice-heart", threads=1), steps=4)


SOUNDS = {"heart": heart(1.5), "noise": noise(1.5)}


@pytest.mark.parametrize("sound", SOUNDS.values(), ids=SOUNDS)
def test_strength_nothing_gives_the_source_back_bands_it_does_not_sing_included(small, sound):
    assert snr_db(sound, vary(sound, 0.0, small)) > 90
    assert snr_db(sound, vary(sound, 0.0, replace(small, voice="pulse"))) > 90


def test_full_strength_keeps_nothing_of_the_source(small):
    voice = small.singer()
    plain = wish(past=noise(0.5))
    for mode_wish in (
        replace(plain, mode="vary", strength=1.0, sources=(source_of(noise(4, seed), plain.start, plain.frames),))
        for seed in (1, 2)
    ):
        assert np.array_equal(voice.sing(mode_wish).audio, voice.sing(plain).audio)
    assert np.array_equal(vary(noise(1.0, 1), 1.0, small), vary(heart(1.0), 1.0, small))


@pytest.mark.parametrize("sound", ["heart", "noise"])
def test_the_stronger_the_farther(real, sound):
    far = [snr_db(SOUNDS[sound], vary(SOUNDS[sound], strength, real)) for strength in (0, 0.1, 0.3, 0.6, 1)]
    assert all(sooner > later for sooner, later in pairwise(far)), far


def test_bands_the_net_does_not_sing_fade_with_the_strength(small):
    sound = noise(1.0)
    high = np.fft.rfftfreq(len(sound), 1 / RATE) > 6_000

    def level(x: np.ndarray) -> float:
        return float(np.linalg.norm(np.fft.rfft(x)[high]))

    for strength in (0.25, 0.75):
        assert level(vary(sound, strength, small)) == pytest.approx((1 - strength) * level(sound), rel=0.05)


def test_varied_on_asked_beats_it_beats_there(real):
    varied = vary(noise(6, level=0.02), 0.95, replace(real, bpm=80, label="N", steps=4))
    found_s = judge.onsets(varied, RATE)
    assert len(found_s) > 8
    rhythm = np.diff(found_s[::2])
    assert np.median(rhythm) == pytest.approx(60 / 80, abs=0.03)


@pytest.mark.parametrize("count", [2, 8])
def test_one_weight_alone_is_that_sound(small, count):
    sounds = [noise(1.0, seed) for seed in range(count)]
    for method in ("slerp", "fade"):
        weights = [0.0] * (count - 1) + [0.7]
        assert snr_db(sounds[-1], morph(sounds, weights, small, method)) > 90
    assert snr_db(sounds[-1], morph(sounds, weights, replace(small, voice="pulse"))) > 90


def test_a_morph_is_another_thing_than_a_fade_and_no_louder_than_its_sounds(real):
    sounds = [heart(2.0, 1), heart(2.0, 2, bpm=100)]
    sung, faded = (morph(sounds, [0.5, 0.5], real, method) for method in ("slerp", "fade"))
    assert snr_db(faded, sung) < 15
    assert np.abs(sung).max() < 1.5 * max(np.abs(sound).max() for sound in sounds)
    assert snr_db(0.5 * sounds[0] + 0.5 * sounds[1], faded) > 40


def test_near_one_sound_a_morph_is_near_it(real):
    sounds = [heart(1.5, 1), heart(1.5, 2, bpm=100)]
    near = [snr_db(sounds[0], morph(sounds, [1 - w, w], real)) for w in (0.02, 0.1, 0.3)]
    assert all(sooner > later for sooner, later in pairwise(near)), near
    assert near[0] > 15


def test_weights_that_move_lead_from_one_sound_to_the_other(small):
    sounds = [noise(2.0, 1), noise(2.0, 2)]
    moved = morph(sounds, None, small, path=[(0.6, [1, 0]), (1.4, [0, 1])])
    first, last = slice(0, RATE // 3), slice(-RATE // 3, None)
    assert snr_db(sounds[0][first], moved[first]) > 60
    assert snr_db(sounds[1][last], moved[last]) > 60
    assert snr_db(sounds[0], moved) < 10


def test_shorter_sounds_play_in_a_loop(small):
    long, short = noise(1.5, 1), noise(0.3, 2)
    sung = morph([long, short], [0, 1], small)
    assert len(sung) == len(long)
    loop = looped(short)
    assert snr_db(np.resize(loop, len(sung)), sung) > 90


def test_a_loop_has_no_seam():
    tone = np.sin(2 * np.pi * 440 * np.arange(9_999) / RATE).astype(np.float32)
    loop = looped(tone)
    assert len(loop) % HOP == 0
    turns = np.tile(loop, 3)
    assert np.abs(np.diff(turns, 2)).max() < 3 * np.abs(np.diff(tone, 2)).max()


def test_slerp_keeps_the_norm_and_the_order_does_not_matter():
    random = torch.Generator().manual_seed(0)
    noises = torch.randn(5, 3, 400, generator=random) * torch.tensor([1, 1, 2, 1, 0.5])[:, None, None]
    weights = [0.1, 0.2, 0.3, 0.15, 0.25]
    mean = modes.spherical(noises, weights)
    norms = noises.flatten(1).norm(dim=1)
    assert float(mean.norm()) == pytest.approx(float(norms @ torch.tensor(weights)), rel=1e-4)
    assert float((noises * torch.tensor(weights)[:, None, None]).sum(0).norm()) < 0.7 * float(mean.norm())
    other = modes.spherical(noises.flip(0), weights[::-1])
    assert torch.allclose(mean, other, atol=1e-4)


@pytest.mark.parametrize("weight", [0.0, 0.2, 0.5, 1.0])
def test_of_two_it_is_shoemakes_slerp(weight):
    random = torch.Generator().manual_seed(1)
    one, two = torch.randn(2, 3, 400, generator=random)
    two = 0.4 * one + two
    units = [x / x.norm() for x in (one, two)]
    arc = torch.arccos((units[0] * units[1]).sum())
    direction = (torch.sin((1 - weight) * arc) * units[0] + torch.sin(weight * arc) * units[1]) / torch.sin(arc)
    wanted = direction * ((1 - weight) * one.norm() + weight * two.norm())
    assert torch.allclose(modes.spherical(torch.stack([one, two]), [1 - weight, weight]), wanted, atol=1e-3)


def test_backwards_and_forwards_in_many_steps_is_where_it_began():
    def gauss(x: torch.Tensor, t: float) -> torch.Tensor:
        """The exact v of data of standard deviation 0.7."""
        a, s = np.cos(t * np.pi / 2), np.sin(t * np.pi / 2)
        return (a * s * (1 - 0.49) / (0.49 * a**2 + s**2)) * x

    clean = 0.7 * torch.randn(1, 3, 500, generator=torch.Generator().manual_seed(0))
    noise_of = modes.invert(gauss, clean, 64)
    assert float(noise_of.std()) == pytest.approx(1.0, abs=0.06)
    again = ddim(gauss, noise_of, 64)
    assert snr_db(clean.numpy(), again.numpy()) > 20


@pytest.mark.parametrize("loop", [0, 137, BLOCK_FRAMES, 2_500])
@pytest.mark.parametrize("first", [-2_000, -1, 0, 5_000])
def test_blocks_cover_a_window_and_begin_with_each_turn(loop, first):
    found = modes.blocks(loop, first, 1_700)
    assert found[0][0] <= first
    assert found[-1][1] >= first + 1_700
    assert all(one[1] == two[0] for one, two in pairwise(found))
    assert all(0 < end - begin <= BLOCK_FRAMES for begin, end in found)
    if loop:
        assert all(begin // loop == (end - 1) // loop for begin, end in found)


def morph_wish(start: int, sounds: list[np.ndarray]) -> object:
    sources = tuple(source_of(looped(sound), start, 16_384, 0.5, loop=True) for sound in sounds)
    return wish(start, 16_384, np.zeros(20_480 + OVERLAP, np.float32), mode="morph", sources=sources)


def test_a_loop_is_inverted_once_and_what_is_remembered_changes_nothing(voice_folder):
    sounds = [noise(1.3, 1), noise(0.9, 2)]
    old, new = Voice(voice_folder, threads=1), Voice(voice_folder, threads=1)
    for start in range(40_960, 40_960 + 4 * RATE // 64 * 64, 16_384):
        old.sing(morph_wish(start, sounds))
    inverted = old.planner.inverter.inverted
    assert inverted == 4 + 3, "the blocks of both loops"
    start = 40_960 + 12 * 16_384
    assert np.array_equal(old.sing(morph_wish(start, sounds)).audio, new.sing(morph_wish(start, sounds)).audio)
    assert old.planner.inverter.inverted == inverted


def test_what_is_remembered_is_bounded(voice_folder, monkeypatch):
    monkeypatch.setattr(modes, "KEPT_BYTES", 10 * 3 * BLOCK_FRAMES * 4)
    voice = Voice(voice_folder, threads=1)
    for seed in range(6):
        voice.sing(morph_wish(40_960, [noise(1.3, seed), noise(0.9, seed + 10)]))
    assert len(voice.planner.inverter.kept) <= 10


@pytest.mark.parametrize("mode", ["vary", "morph"])
def test_same_seed_same_bytes_and_all_that_decides_is_in_the_recipe(voice_folder, mode):
    one, two = Voice(voice_folder, threads=1), Voice(voice_folder, threads=1)
    source = Source(noise(3, 1), 20_000, 0.5)
    asked = wish(mode=mode, strength=0.5, sources=(source, replace(source, sound=noise(3, 2))))
    chunk = one.sing(asked)
    assert np.array_equal(chunk.audio, two.sing(asked).audio)
    changes = [{"strength": 0.6}] if mode == "vary" else [{"method": "fade"}]
    changes += [{"sources": (replace(source, sound=noise(3, 3)), asked.sources[1])}, {"seed": 1}]
    for change in changes:
        other = one.sing(replace(asked, **change))
        assert other.recipe != chunk.recipe
        if "seed" not in change or mode == "vary":
            assert not np.array_equal(other.audio, chunk.audio)
    assert one.sing(replace(asked, mode="generate")).recipe == one.sing(wish()).recipe


def test_wishes_may_be_sung_from_several_threads(voice_folder, monkeypatch):
    monkeypatch.setattr(modes, "KEPT_BYTES", 3 * 3 * BLOCK_FRAMES * 4)  # less than a window needs
    voice, alone = (Voice(voice_folder, threads=1) for _ in range(2))
    asked = [morph_wish(40_960, [noise(1.3, seed), noise(0.9, seed + 10)]) for seed in range(4)] * 2
    with ThreadPoolExecutor(4) as pool:
        chunks = list(pool.map(voice.sing, asked))
    for chunk, one in zip(chunks, asked):
        assert np.array_equal(chunk.audio, alone.sing(one).audio)


def test_without_sources_every_mode_is_generate(small):
    voice = small.singer()
    for mode in ("vary", "morph"):
        assert np.array_equal(voice.sing(wish(mode=mode)).audio, voice.sing(wish()).audio)


def test_the_mix_of_sources_is_cut_where_the_wish_lies():
    ramp = np.arange(1_000, dtype=np.float32)
    mix = heard_mix(wish(256, 64, sources=(Source(ramp, 100, 0.5), Source(ramp, 300, 0.5))))
    assert (mix[0], mix[100]) == (0.5 * 156, 0.5 * 256 + 0.5 * 56)


def bend_at(sound: np.ndarray, border: int) -> float:
    """Largest second difference around a border over that of the second around it."""
    bend = np.abs(np.diff(sound.astype(float), 2))
    around = bend[max(0, border - RATE // 2) : border + RATE // 2]
    return float(bend[border - 3 : border + 2].max() / np.percentile(around, 99.5))


@pytest.mark.parametrize("voice", ["real", "pulse"])
def test_a_sound_is_continued_without_a_click_and_stays_as_it_is(real, voice):
    manner = replace(real, label="N", bpm=72.0, **({} if voice == "real" else {"voice": "pulse"}))
    sound = heart(2.2)
    longer = extend(sound, 2.0, manner)
    assert len(longer) == len(sound) + 2 * RATE
    assert longer[: len(sound)].tobytes() == sound.tobytes()
    assert bend_at(longer, len(sound)) < 2
    assert np.abs(longer[len(sound) + RATE :]).max() > 0.05, "it sings on"
    if voice == "real":
        assert border_bend(longer) < 2


@pytest.mark.parametrize("span", [(0.5, 0.6), (0.7, 1.9), (0.0, 0.5), (1.5, 2.2), (1.0, 1.0005)])
def test_inpainting_changes_nothing_outside_and_joins_on_both_sides(real, span):
    sound = heart(2.2)
    begin, end = (round(at_s * RATE) for at_s in span)
    mended = inpaint(sound, *span, real)
    assert mended[:begin].tobytes() == sound[:begin].tobytes()
    assert mended[end:].tobytes() == sound[end:].tobytes()
    assert not np.array_equal(mended[begin:end], sound[begin:end])
    for border in {begin, end} - {0, len(sound)}:
        assert bend_at(mended, border) < 2, border


def test_inpainting_does_not_look_at_what_it_replaces(small):
    sound = heart(2.0)
    broken = sound.copy()
    broken[RATE // 2 : RATE] = 0.9
    assert np.array_equal(inpaint(sound, 0.5, 1.0, small), inpaint(broken, 0.5, 1.0, small))


def test_full_band_sounds_join_too(small):
    mended = inpaint(noise(2.0), 0.5, 1.2, small)
    assert max(bend_at(mended, round(at_s * RATE)) for at_s in (0.5, 1.2)) < 2


def test_a_join_leads_over_whatever_is_different():
    out = joined(np.ones(1_000, np.float32), np.zeros(1_000, np.float32), 400, 700)
    assert np.abs(np.diff(out)).max() < 0.02


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda m: vary(noise(1), 1.5, m), "strength 1.5"),
        (lambda m: vary(noise(1), float("nan"), m), "strength nan"),
        (lambda m: vary(noise(1), 0.5, replace(m, bpm=1_000)), "bpm 1000"),
        (lambda m: vary(noise(1), 0.5, replace(m, label="broken")), "label 'broken'"),
        (lambda m: morph([noise(1)], [1], m), "two sounds or more"),
        (lambda m: morph([noise(1)] * 2, [1], m), "1 weights for 2 sounds"),
        (lambda m: morph([noise(1)] * 2, [0, 0], m), "all weights are 0"),
        (lambda m: morph([noise(1)] * 2, [0.5, -1], m), "weight -1"),
        (lambda m: morph([noise(1)] * 2, [0.5, float("nan")], m), "weight nan"),
        (lambda m: morph([noise(1)] * 2, None, m, "mix"), "method 'mix'"),
        (lambda m: morph([noise(1)] * 2, None, m, path=[(1, [1, 0]), (1, [0, 1])]), "times must grow"),
        (lambda m: inpaint(noise(1), 0.5, 0.4, m), "span 0.5 to 0.4"),
        (lambda m: inpaint(noise(1), 0.5, 1.4, m), "1.00 s of the sound"),
        (lambda m: extend(noise(1), 0, m), "seconds 0"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_range(wrong, says):
    with pytest.raises(UsageError, match=says):
        wrong(Manner(voice="pulse"))
