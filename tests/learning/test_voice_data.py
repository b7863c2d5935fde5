"""Training material of the voice: marks, levels, styles, and the loom."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import soundfile as sf

from heart.errors import FileError
from heart.learning import voice_data
from heart.learning.voice_data import PEAK, Clip, agree, load_clips, make_clip, pack_clips, sharpen
from heart.learning.voice_loom import Loom, Mix, weave
from heart.learning.voice_style import STYLES, measure_style
from heart.records import LABELS, OVERLAP, Beat, Wish
from heart.sounding import pulse
from heart.sounding.conditions import BANDS, CHANNELS, expand
from heart.sounding.filterbank import synthesise
from heart.sounding.style import NAMES

RATE = 44_100


def heart(
    label: str = "N", beats: int = 3, rr: int = 35_000, systole: int = 13_000
) -> tuple[np.ndarray, list[Beat]]:
    schedule = [Beat(n, 3_000 + n * rr, 3_000 + n * rr + systole, rr / 44.1) for n in range(beats)]
    length = 3_000 + beats * rr
    frames = -(-length // 64) * 64
    sound = pulse.sing(Wish(0, 0, frames, np.zeros(0, np.float32), tuple(schedule), label)).audio[:length]
    random = np.random.default_rng(0)
    return (sound + 1e-4 * random.standard_normal(length)).astype(np.float32), schedule


def clip(label: str = "N") -> Clip:
    sound, beats = heart(label)
    row = {"path": f"yaseen/{label}/x.flac", "split": "train", "label": label}
    marks = {"s1": [beat.s1 / RATE for beat in beats], "s2": [beat.s2 / RATE for beat in beats]}
    made = make_clip(0.1 * sound + 0.02, RATE, marks, row)
    assert made is not None
    return made


@pytest.fixture
def data_dir(tmp_path):
    (tmp_path / "yaseen").mkdir()
    marks = {}
    with (tmp_path / "manifest.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, ["path", "source", "split", "label", "note"])
        rows.writeheader()
        for n, label in enumerate(LABELS * 2):
            path = f"yaseen/{n}.flac"
            sound, beats = heart(label)
            sf.write(tmp_path / path, sound[::1] * 0.3, RATE)
            marks[path] = {"s1": [b.s1 / RATE for b in beats], "s2": [b.s2 / RATE for b in beats]}
            split = "val" if n >= len(LABELS) else "train"
            note = "label_conflict" if n == 9 else ""
            rows.writerow({"path": path, "source": "yaseen2018", "split": split, "label": label, "note": note})
    (tmp_path / "marks.json").write_text(json.dumps(marks))
    return tmp_path


def test_a_pack_holds_every_clip_without_conflict_and_reads_back(data_dir):
    marks = json.loads((data_dir / "marks.json").read_text())
    made = pack_clips(data_dir, data_dir / "pack" / "clips.npz", marks)
    again = load_clips(data_dir / "pack" / "clips.npz")
    assert [c.path for c in made] == [c.path for c in again] == [f"yaseen/{n}.flac" for n in range(9)]
    assert {c.split for c in again} == {"train", "val"}
    for one, two in zip(made, again, strict=True):
        assert np.array_equal(one.cycles, two.cycles)
        assert np.allclose(one.style, two.style)
        assert np.abs(one.sound - two.sound).max() < 1e-3


def test_a_pack_of_another_marking_is_packed_again(data_dir, monkeypatch):
    pack = data_dir / "pack" / "clips.npz"
    pack_clips(data_dir, pack, json.loads((data_dir / "marks.json").read_text()))
    packed = []
    monkeypatch.setattr(voice_data, "pack_clips", lambda *_: packed.append(1) or [])
    assert len(voice_data.gather_clips(data_dir, pack)) == 9
    monkeypatch.setattr(voice_data, "MARKING", 99)
    assert voice_data.gather_clips(data_dir, pack) == []
    assert packed == [1]


def test_missing_data_is_named(tmp_path):
    with pytest.raises(FileError, match=r"manifest\.csv"):
        pack_clips(tmp_path, tmp_path / "x.npz", {})
    with pytest.raises(FileError, match="no such pack"):
        load_clips(tmp_path / "x.npz")


def test_a_clip_is_levelled_centred_and_marked_at_its_onsets():
    beats = heart()[1]
    made = clip()
    assert 0.9 * PEAK < np.abs(made.sound).max() < 1.6 * PEAK
    assert abs(made.sound.mean()) < 1e-3
    assert len(made.cycles) == 3
    assert np.abs(made.cycles[:, 0] - [beat.s1 for beat in beats]).max() < 0.02 * RATE
    assert np.abs(made.cycles[:, 1] - [beat.s2 for beat in beats]).max() < 0.02 * RATE


@pytest.mark.parametrize("error_ms", [-40, 0, 60])
def test_a_mark_that_is_off_lands_on_the_same_onset(error_ms):
    envelope = np.zeros(RATE)
    envelope[20_000:22_000] = np.sin(np.linspace(0, np.pi, 2_000))
    onset = sharpen(envelope, 20_000 + int(error_ms * 44.1))
    assert abs(onset - 20_128) < 5  # sin reaches 0.2 there


def hump(envelope, at_s, length_s, height):
    part = slice(int(at_s * RATE), int((at_s + length_s) * RATE))
    envelope[part] = np.maximum(envelope[part], height * np.hanning(part.stop - part.start))


@pytest.mark.parametrize("first", [0.25, 0.35, 0.6])
def test_a_split_sound_begins_with_its_first_half_however_soft(first):
    envelope = np.zeros(RATE)
    hump(envelope, 0.40, 0.06, first)
    hump(envelope, 0.425, 0.06, 1.0)
    assert abs(sharpen(envelope, int(0.43 * RATE)) / RATE - 0.415) < 0.01


def test_the_flank_of_a_murmur_at_the_edge_of_the_search_is_no_sound():
    envelope = np.zeros(RATE)
    hump(envelope, 0.2, 0.28, 1.0)  # a murmur that ends as S2 begins
    hump(envelope, 0.46, 0.06, 0.25)
    assert abs(sharpen(envelope, int(0.46 * RATE)) / RATE - 0.473) < 0.01


def test_marks_inside_a_murmur_give_way_to_the_longest_systole():
    envelope = np.zeros(3 * RATE)
    s1 = np.array([10_000, 50_000, 90_000])
    for begin in s1:
        envelope[begin + 14_000 : begin + 15_000] = np.sin(np.linspace(0, np.pi, 1_000))
    cycles = np.stack([s1, s1 + np.array([14_000, 8_000, 14_100]), s1 + 40_000], 1)
    mended = agree(cycles, envelope)
    assert np.ptp(mended[:, 1] - mended[:, 0]) < 300
    assert abs(mended[1, 1] - mended[1, 0] - 14_100) < 300


def test_style_tells_a_murmur_and_a_noise_floor():
    sound, beats = heart("N", beats=3)
    cycles = np.array([(b.s1, b.s2, b.s1 + 35_000) for b in beats])
    plain = measure_style(sound, cycles)
    hiss = measure_style(sound + 0.005 * np.random.default_rng(1).standard_normal(len(sound)), cycles)
    murmur = measure_style(heart("MR")[0], cycles)
    assert plain.shape == (STYLES,) == (len(NAMES),)
    assert hiss[NAMES.index("floor_db")] > plain[NAMES.index("floor_db")] + 1
    assert murmur[NAMES.index("systole_db")] > plain[NAMES.index("systole_db")] + 0.5


def test_weaving_onto_its_own_beats_gives_the_recording_back():
    made = clip()
    beats = [Beat(n, int(a), int(b), (e - a) / 44.1) for n, (a, b, e) in enumerate(made.cycles)]
    woven = weave(made.sound, made.cycles[1:2], beats[1:2], 45_000, 20_000, np.random.default_rng(0))
    assert np.abs(woven - made.sound[45_000:65_000]).max() < 1e-5


@pytest.mark.parametrize("rr", [18_000, 35_000, 58_000])
def test_woven_sounds_lie_where_the_beats_ask(rr):
    made, systole = clip(), int(0.42 * rr)
    beats = [Beat(n, n * rr, n * rr + systole, rr / 44.1) for n in range(-2, 8)]
    woven = weave(made.sound, made.cycles, beats, 0, 3 * rr, np.random.default_rng(0))
    first = made.cycles[0, 0]
    template = made.sound[first : first + 3_000]
    for beat in beats[3:5]:
        near = woven[beat.s1 - 1_500 : beat.s1 + 4_500]
        assert abs(int(np.argmax(np.correlate(near, template, "valid"))) - 1_500) < 450


def test_batches_are_repeatable_and_say_what_is_known():
    clips = [clip(label) for label in LABELS]
    one, two = (Loom(clips, 3).batch(6, 512) for _ in range(2))
    assert np.array_equal(one.clean, two.clean)
    assert one.clean.shape == (6, BANDS, 512)
    assert one.conditions.shape == (6, CHANNELS, 512)
    assert one.label.shape == (6,)
    assert one.style.shape == (6, STYLES + 1)
    assert not np.array_equal(one.clean, Loom(clips, 4).batch(6, 512).clean)
    unknown = one.conditions[:, :1] == 0
    assert np.array_equal(np.where(unknown, one.past, 0), np.where(unknown, one.clean, 0))


def test_a_batch_is_the_sound_of_its_clip():
    mix = Mix(no_past=1, drop_beats=0, drop_label=0, drop_style=0)
    batch = Loom([clip("N")], 0, mix).batch(1, 1_024)
    sound = synthesise(expand(batch.clean[0]))
    assert 0.2 < np.abs(sound).max() < 0.9
    loud = np.abs(sound).reshape(-1, 16).max(1)[8:-8]
    pulses = batch.conditions[0, 1:3].max(0)[8 : 8 + len(loud)]
    near = np.convolve(pulses > 0.1, np.ones(400), "full")[: len(loud)] > 0
    assert loud[near].mean() > 5 * loud[~near].mean()


def test_a_pulse_can_be_the_past_of_a_window():
    mix = Mix(no_past=0, foreign_past=0, pulse_past=1)
    batch = Loom([clip("AS")], 1, mix).batch(4, 512)
    assert np.isfinite(batch.clean).all()
    assert (batch.conditions[:, 0].sum(1) > 0).all()
    assert OVERLAP == 256
