"""Notes: spectra there and back, pitch by ear, the sources against their own analysis, the shipped models."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from heart.cards import find_model
from heart.errors import UsageError
from heart.sounding.notes.kinds import FAMILIES, RATE_HZ, SAMPLES, family_number, hertz
from heart.sounding.notes.model import NoteVoice, Said, open_notes, soften
from heart.sounding.notes.pitch import find_pitch
from heart.sounding.notes.source import BINS, HOP, KNOTS, N_FFT, POINTS, SOURCES, Sources, between, knots
from heart.sounding.notes.spectra import (
    frequencies,
    frequencies_back,
    griffin_lim,
    mel_frequencies,
    mel_frequencies_back,
    small,
    small_back,
    stft,
)

T = np.arange(SAMPLES) / RATE_HZ


def tone(pitch: float, harmonics: int = 6) -> np.ndarray:
    k = np.arange(1, harmonics + 1)
    k = k[k * hertz(pitch) < 7500][:, None]
    return np.exp(-T) * (np.sin(2 * np.pi * k * hertz(pitch) * T) / k).sum(0) * 0.3


@pytest.fixture(scope="module")
def voice() -> NoteVoice:
    return open_notes("notes-ae")


def test_magnitude_and_frequency_give_the_very_sound_back() -> None:
    sound = tone(60) + 0.01 * np.random.default_rng(0).standard_normal(SAMPLES)
    assert np.abs(frequencies_back(*frequencies(sound), SAMPLES) - sound).max() < 1e-9


def test_the_plain_front_end_keeps_the_first_second() -> None:
    sound = tone(60)[: 128 * 128]
    back = small_back(small(sound))
    level = back @ sound / (back @ back)
    assert np.square(level * back - sound).sum() < 1e-3 * np.square(sound).sum()


def test_griffin_lim_finds_phases_whose_magnitudes_fit() -> None:
    sound = tone(57)
    wanted = np.abs(stft(sound))
    found = [np.abs(stft(griffin_lim(wanted, SAMPLES, rounds))) for rounds in (1, 32)]
    errors = [np.linalg.norm(one - wanted) / np.linalg.norm(wanted) for one in found]
    assert errors[1] < 0.5 * errors[0]
    assert errors[1] < 0.1


def test_mel_bands_keep_the_pitch() -> None:
    sound = tone(69)
    assert find_pitch(mel_frequencies_back(*mel_frequencies(sound), SAMPLES)) == pytest.approx(69, abs=0.1)


@pytest.mark.parametrize("pitch", [24, 40.5, 60, 77.3, 96, 108])
def test_pitch_is_heard_to_a_few_cents(pitch: float) -> None:
    assert find_pitch(tone(pitch)) == pytest.approx(pitch, abs=0.03)


def test_pitch_is_heard_without_a_fundamental_and_not_in_silence() -> None:
    k = np.arange(2, 9)[:, None]
    sound = np.sin(2 * np.pi * k * hertz(50) * T).sum(0)
    assert find_pitch(sound) == pytest.approx(50, abs=0.05)
    assert np.isnan(find_pitch(np.zeros(SAMPLES)))


def test_interpolation_weights_meet_their_points_and_hold_beyond() -> None:
    points = torch.tensor([1.0, 2.0, 4.0])
    weights = between(torch.tensor([0.0, 1.0, 3.0, 9.0]), points)
    assert torch.allclose(weights, torch.tensor([[1.0, 0, 0], [1, 0, 0], [0, 0.5, 0.5], [0, 0, 1]]))


@pytest.mark.parametrize("source", [0, 1])
@pytest.mark.parametrize("pitch", [45.0, 72.0])
def test_expected_power_is_that_of_the_sound(source: int, pitch: float) -> None:
    sources = Sources()
    maps = torch.full((1, SOURCES, KNOTS, POINTS), -110.0)
    maps[:, source] = torch.linspace(0, -40, POINTS)
    at = torch.tensor([pitch])
    sound = sources.sound(maps, at, torch.zeros(1, 2))[0].numpy()
    heard = 20 * np.log10(np.abs(stft(sound))[knots()[20]] / (N_FFT / 4) + 1e-9)
    expected = 10 * np.log10(sources.power(maps, at)[0, 20].numpy() + 1e-12)
    lines = expected > heard.max() - 50
    assert heard.shape == (BINS,)
    assert np.abs(heard - expected)[lines & (sources.lines(at)[0, source].numpy() > 0.3)].max() < 1.5


def test_a_note_is_in_tune_whatever_its_latents(voice: NoteVoice) -> None:
    rng = np.random.default_rng(1)
    said = [Said(pitch, FAMILIES[number % 4]) for number, pitch in enumerate((33.0, 48.5, 60.0, 71.0, 84.0))]
    off = [find_pitch(voice.decode(rng.standard_normal(16), how)) - how.pitch for how in said]
    assert np.abs(off).max() < 0.2


def test_latents_of_a_sound_give_back_its_like(voice: NoteVoice) -> None:
    sound = tone(62)
    z, pitch = voice.encode(sound)
    again = voice.decode(z, Said(pitch))

    def level(s: np.ndarray) -> np.ndarray:
        power = (np.abs(stft(s)) ** 2).sum(1)
        return 10 * np.log10(power / power.max() + 1e-9)

    assert pitch == pytest.approx(62, abs=0.03)
    assert np.abs(level(sound) - level(again))[5:150].mean() < 4
    other = voice.decode(-z, Said(pitch))
    assert np.abs(level(sound) - level(other))[5:150].mean() > np.abs(level(sound) - level(again))[5:150].mean()


@pytest.mark.parametrize("word", ["brightness", "noise", "decay"])
def test_a_fader_does_what_its_name_says(voice: NoteVoice, word: str) -> None:
    number = voice.faders.index(word)

    def measured(value: float) -> float:
        z = np.zeros(16)
        z[number] = value
        spectrum = np.abs(stft(voice.decode(z, Said(57)))) ** 2
        if word == "decay":
            return float(spectrum[150].sum() / spectrum.sum(1).max())
        part = spectrum[:60].sum(0) if word == "brightness" else spectrum[4:40].sum(0)
        if word == "brightness":
            return float((np.sqrt(part) * np.arange(BINS)).sum() / np.sqrt(part).sum())
        return float(np.median(part) / part.max())

    assert measured(2) > measured(-2)


def test_latents_beyond_reach_are_held_back_smoothly() -> None:
    z, bent = soften(np.array([0.5, -3.0, 3.5, -50.0], np.float32))
    assert z[:2].tolist() == [0.5, -3.0]
    assert 3.4 < z[2] < 3.5
    assert -4 <= z[3] < -3.9
    assert bent.tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    "said", [Said(20), Said(float("nan")), Said(60, "kazoo"), Said(60, velocity=0), Said(60, velocity=128)]
)
def test_notes_that_cannot_be_are_refused(voice: NoteVoice, said: Said) -> None:
    with pytest.raises(UsageError):
        voice.decode(np.zeros(16), said)


@pytest.mark.parametrize("z", [[0.0] * 17, [float("nan")], [float("inf")]])
def test_latents_that_cannot_be_are_refused(voice: NoteVoice, z: list[float]) -> None:
    with pytest.raises(UsageError, match="latents"):
        voice.decode(z, Said(60))


def test_nsynths_families_are_known() -> None:
    assert FAMILIES[family_number("string")] == "bowed"
    with pytest.raises(UsageError, match="additive, fm, plucked"):
        family_number("drum")


def test_a_note_is_decoded_in_time(voice: NoteVoice) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        spent = []
        for _ in range(12):
            began_s = time.perf_counter()
            voice.decode(np.zeros(16), Said(40))
            spent.append(time.perf_counter() - began_s)
    finally:
        torch.set_num_threads(before)
    assert min(spent) < 0.030


def test_the_64_latents_are_there_too() -> None:
    assert open_notes("notes-ae-64").decode([1.0], Said(60)).shape == (SAMPLES,)
    with pytest.raises(UsageError, match="no autoencoder of notes"):
        open_notes("notes-gan")
    assert find_model("notes-ae").card["latents"] == 16


def test_frames_of_the_maps_are_in_order() -> None:
    assert len(knots()) == KNOTS
    assert (np.diff(knots()) > 0).all()
    assert knots()[-1] == SAMPLES // HOP
