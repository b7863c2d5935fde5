"""The page for the booklet: what it draws is there, at any length, and a picture is whole or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.image import imread

from heart.errors import FileError
from heart.stage import booklet_sound
from heart.stage.booklet import draw
from heart.stage.booklet_panels import Rhythm, Strip

RATE_HZ = 44_100
S1_S = np.cumsum([0.1, 0.8, 0.8, 0.5, 1.1, 0.8, 0.8, 0.8])


def heart(seconds=8.0, rate_hz=RATE_HZ):
    """A 60 Hz knock at each of S1_S."""
    times_s = np.arange(round(seconds * rate_hz)) / rate_hz
    since_s = times_s[None] - S1_S[:, None]
    return (np.where(since_s >= 0, np.exp(-since_s.clip(0) * 40), 0) * np.sin(377 * since_s)).sum(0).astype("f4")


def test_the_page_is_a4_across_at_the_dots_asked(tmp_path):
    draw(tmp_path / "page.png", heart(), RATE_HZ, title="Eight beats", s1_s=S1_S, dpi=100)
    height, width, _ = imread(tmp_path / "page.png").shape
    assert (width, height) == (1169, 827)
    assert [path.name for path in tmp_path.iterdir()] == ["page.png"]


def red(path):
    """Dots of the page that are red, as movements and ectopic beats are."""
    dots = imread(path)[..., :3]
    return int(((dots[..., 0] > 0.7) & (dots[..., 1] < 0.4) & (dots[..., 2] < 0.4)).sum())


def test_ectopic_beats_and_movements_are_marked_in_red(tmp_path):
    plain, marked, ectopic = (tmp_path / f"{name}.png" for name in ("plain", "marked", "ectopic"))
    # Levels of the spectrogram are red too: a sound of one short knock keeps them away.
    sound = np.zeros(8 * RATE_HZ, "f4")
    sound[:200] = 0.5
    draw(plain, sound, RATE_HZ, s1_s=S1_S, dpi=100)
    draw(marked, sound, RATE_HZ, s1_s=S1_S, dpi=100, marks=[(2.0, "The fall"), (5.0, "Recovery")])
    draw(ectopic, sound, RATE_HZ, s1_s=S1_S, dpi=100, ectopic=[False, False, False, True, *[False] * 4])
    assert red(marked) > red(plain) + 200
    assert red(ectopic) > red(plain) + 10


@pytest.mark.parametrize(("rate_hz", "seconds"), [(128, 20.0), (44_100, 0.3)])
def test_short_and_slow_sounds_and_silence_have_a_page_too(tmp_path, rate_hz, seconds):
    sound = heart(seconds, rate_hz)
    draw(tmp_path / "page.png", sound, rate_hz, dpi=50)
    draw(tmp_path / "silence.png", np.zeros_like(sound), rate_hz, dpi=50)
    draw(tmp_path / "broken.png", np.full((len(sound), 2), np.nan, "f4"), rate_hz, dpi=50)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_strip_of_ecg_stands_below(tmp_path):
    ecg = np.sin(np.arange(1_000) / 20)
    ecg[300:310] = np.nan
    draw(tmp_path / "page.svg", heart(), RATE_HZ, strip=Strip(ecg, 125.0, 0.0, [1.0, 2.0], ["", "Vx"]))
    assert "ECG in mV" in (tmp_path / "page.svg").read_text()


def test_names_of_movements_never_lie_on_each_other(tmp_path):
    marks = [(n * 0.3, f"movement {n}") for n in range(20)] + [(99.0, "after the end")]
    draw(tmp_path / "page.svg", heart(), RATE_HZ, marks=marks)
    drawn = (tmp_path / "page.svg").read_text()
    assert "movement 0 -->" in drawn
    assert "movement 1 -->" in drawn
    assert "movement 2 -->" not in drawn, "there is no room"
    assert "movement 19 -->" in drawn or "movement 18 -->" in drawn
    assert "after the end" not in drawn


def test_eight_minutes_are_drawn_from_as_few_points_as_a_page_has_dots():
    long = np.tile(heart(8.0, 8_000), 60)
    found = booklet_sound.envelope(long, 8_000)
    assert len(found.times_s) == booklet_sound.COLUMNS
    assert found.most.max() == long.max()
    assert found.least.min() == long.min()
    assert booklet_sound.spectrogram(long, 8_000).level_db.shape == (booklet_sound.ROWS, booklet_sound.COLUMNS)


@pytest.mark.parametrize("pitch_hz", [40.0, 440.0, 5_000.0])
def test_the_spectrogram_shows_a_tone_at_its_pitch_and_when_it_sounds(pitch_hz):
    times_s = np.arange(4 * RATE_HZ) / RATE_HZ
    tone = (np.sin(2 * np.pi * pitch_hz * times_s) * (times_s > 2)).astype("f4")
    found = booklet_sound.spectrogram(tone, RATE_HZ, columns=400)
    rows_hz = np.geomspace(found.low_hz, found.high_hz, len(found.level_db))
    loud = found.level_db[:, 300]
    assert rows_hz[loud.argmax()] == pytest.approx(pitch_hz, rel=0.05)
    assert found.level_db[:, 300].max() > found.level_db[:, 100].max() + 60


def test_levels_agree_where_the_two_resolutions_meet():
    noise = np.random.default_rng(0).standard_normal(6 * RATE_HZ).astype("f4") * 0.1
    found = booklet_sound.spectrogram(noise, RATE_HZ, columns=50)
    mean_db = 10 * np.log10((10 ** (found.level_db / 10)).mean(1))
    rows_hz = np.geomspace(found.low_hz, found.high_hz, len(mean_db))
    low, high = mean_db[(rows_hz > 100) & (rows_hz < 550)], mean_db[(rows_hz > 650) & (rows_hz < 10_000)]
    assert low.mean() == pytest.approx(high.mean(), abs=1.0)
    assert high.mean() == pytest.approx(10 * np.log10(0.01 / RATE_HZ), abs=1.0)


def test_a_gap_breaks_the_rhythm():
    rhythm = Rhythm.of([0, 1, 2, 5, 6], [1, 1, np.nan, 1], [False, True, False, False, False])
    assert rhythm.known
    assert rhythm.touched.tolist() == [True, True, False, False]
    assert not Rhythm.of([0, 1], None, None).known


@pytest.mark.parametrize("name", ["absent/page.png", "page.tune"])
def test_a_picture_that_cannot_be_written_is_one_line(tmp_path, name):
    with pytest.raises(FileError, match=r"page\.\w+: picture cannot be written"):
        draw(tmp_path / name, heart(), RATE_HZ, dpi=30)
    assert not list(tmp_path.iterdir())


def test_without_sound_there_is_no_page(tmp_path):
    with pytest.raises(FileError, match="no sound to draw"):
        draw(tmp_path / "page.png", np.zeros(0, "f4"), RATE_HZ)
