"""Sounds too long for the memory, sung window by window."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from safetensors.torch import save_file

from heart.cards import sha256
from heart.errors import UsageError
from heart.learning.voice_splices import STANDS_OUT_DB, clicks, excess_db
from heart.sounding.along import cos, sin
from heart.sounding.dance import model, modes, windows
from heart.sounding.dance.model import CARRIED, CLASS, COPIES, SHARE, Dance
from heart.sounding.dance.recipe import Recipe
from heart.sounding.dance.windows import begins, by_windows, even, shares
from rig.dance_nets import SHALLOW, noise, small_net

pytestmark = pytest.mark.usefixtures("one_thread")
RATE_HZ, FEW = 4_000, Recipe(steps=4)
CARD = """
name = "tiny"
class = "{}"
sample_rate = {}
samples = 1024
weights = "dance.safetensors"
sha256 = "{}"
words = "a test's"
kind = "voice"
licence = "none"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    save_file(small_net(SHALLOW).state_dict(), folder / "dance.safetensors")
    (folder / "card.toml").write_text(CARD.format(CLASS, RATE_HZ, sha256(folder / "dance.safetensors")))
    return folder


def open_tiny(folder, chunk_s=None):
    return Dance(folder, "cpu", threads=1, chunk_s=chunk_s)


def nothing() -> None:
    pass


@pytest.mark.parametrize("samples", [65_536, 73_728, 122_880, 131_072, 819_200, 9_601_024])
@pytest.mark.parametrize("window", [24_576, 32_768, 65_536])
def test_windows_cover_a_sound_and_share_a_quarter(samples, window):
    at, multiple = begins(samples, window, 8_192), 8_192
    assert at[0] == 0
    assert at[-1] == max(samples - window, 0)
    assert not any(begin % multiple for begin in at)
    least = max(window // 4 // multiple, 1) * multiple
    assert all(least <= begin + window - after < window for begin, after in itertools.pairwise(at))
    total = torch.zeros(max(samples, window))
    for begin, weight in shares(max(samples, window), window, multiple):
        total[begin : begin + window] += weight
    assert float((total - 1).abs().max()) < 1e-6


def test_windows_are_no_longer_than_their_number_asks():
    assert begins(1_600, 1_584, 16) == [0, 16]
    assert even(1_600, 1_584, 16) < 950
    assert begins(1_600, even(1_600, 1_584, 16), 16) == [0, 1_600 - even(1_600, 1_584, 16)]


@pytest.mark.parametrize("sampler", ["iplms", "ddim"])
def test_a_net_that_looks_nowhere_else_sings_in_windows_what_it_sings_at_once(sampler):
    def gauss(x, t):
        return cos(t) * sin(t) * (1 - 0.5) / (0.5 * cos(t) ** 2 + sin(t) ** 2) * x

    recipe = Recipe(sampler, 10)
    there = by_windows(gauss, lambda _: 128, 16)
    whole, cut = (recipe.sing(ask, noise(2, 2, 1_600)) for ask in (gauss, there))
    assert float((whole - cut).abs().max()) < 1e-5


def sung_by_windows_that_differ(monkeypatch, joined=True):
    """A tone, of which every window is sure at another level; and where windows begin and end."""
    if not joined:
        monkeypatch.setattr(windows, "_ramp", lambda count: (torch.arange(count) >= count // 2).float())
    window, samples, whole = 16_384, 131_072, torch.sin(torch.arange(131_072) / 40)
    levels = iter([0.5, 0.4, 0.55, 0.45] * 1_000)

    def sure(x, t):
        begin = next(begin for begin in at if torch.equal(x[0, 0], asked[0][0, 0, begin : begin + window]))
        clean = next(levels) * whole[begin : begin + window]
        return cos(t) * (x - cos(t) * clean) / sin(t) - sin(t) * clean

    at, asked = begins(samples, window, 1_024), [torch.empty(0)]
    inner = by_windows(sure, lambda _: window, 1_024)

    def ask(x, t):
        asked[0] = x
        return inner(x, t)

    shares.cache_clear()
    sound = Recipe("ddim", 3).sing(ask, noise(1, 1, samples))[0, 0].numpy()
    shares.cache_clear()
    middles = [(begin + window + after) // 2 for begin, after in itertools.pairwise(at)]
    return sound, [*at[1:], *(begin + window for begin in at[:-1]), *middles]


def test_nothing_clicks_where_windows_that_disagree_meet(monkeypatch):
    sound, borders = sung_by_windows_that_differ(monkeypatch)
    assert len(borders) > 20
    assert clicks(sound, borders) == []
    spoilt, borders = sung_by_windows_that_differ(monkeypatch, joined=False)
    assert max(excess_db(spoilt, border) for border in borders[2:-2]) > STANDS_OUT_DB  # the measure sees cuts


def test_what_fits_into_one_window_is_bit_for_bit_what_it_was(folder):
    plain, chunked = open_tiny(folder), open_tiny(folder, 0.4)
    for samples in (1_000, 1_600):
        ways = [modes.generate(dance, FEW, [3], samples, nothing) for dance in (plain, chunked)]
        assert torch.equal(*ways)
    assert plain.denoiser()(noise(1, 2, 1_616), 0.5).equal(plain.net(noise(1, 2, 1_616), torch.tensor([0.5])))


def test_every_mode_sings_more_than_a_window_alike_each_time(folder):
    dance, plain = open_tiny(folder, 0.2), open_tiny(folder)
    given = 0.5 * torch.sin(torch.arange(3_000) / 20).expand(2, -1)
    ways = (
        lambda dance: modes.generate(dance, FEW, [3, 4], 3_000, nothing)[0],
        lambda dance: modes.vary(dance, FEW, given, 0.8, [3], nothing)[0],
        lambda dance: modes.invert(dance, FEW, [given], nothing)[0],
        lambda dance: modes.inpaint(dance, FEW, given, 500, 2_500, 3, nothing),
        lambda dance: modes.extend(dance, FEW, given, 900, 3, nothing),
    )
    for way in ways:
        sound = way(dance)
        assert torch.equal(sound, way(dance))
        assert bool(torch.isfinite(sound).all())
        assert not torch.equal(sound, way(plain))
    assert torch.equal(ways[3](dance)[:, :500], given[:, :500])
    assert torch.equal(ways[4](dance)[:, :3_000], given)


def test_the_net_is_never_asked_for_more_than_a_window(folder, monkeypatch):
    dance, lengths = open_tiny(folder), []
    monkeypatch.setattr(model, "memory_bytes", lambda _: 1_800_000)
    dance.net.register_forward_pre_hook(lambda _, given: lengths.append(given[0].shape[-1]))
    sound = modes.generate(dance, FEW, [3], 6_000, nothing)
    assert sound.shape == (1, 2, 6_000)
    assert set(lengths) == {dance.window(6_000)}
    assert len(lengths) == 4 * dance.windows(6_000, dance.window(6_000))
    need = COPIES * 4 * SHALLOW.widths[0] * dance.window(6_000) + CARRIED * 4 * 2 * 6_000
    assert need < SHARE * 1_800_000 < COPIES * 4 * SHALLOW.widths[0] * 6_000
    assert dance.window(4_000) == 4_000  # fits


def test_windows_that_cannot_be_are_one_line(folder, monkeypatch):
    for chunk_s in (0, -1, math.nan, math.inf):
        with pytest.raises(UsageError, match="must lie above 0"):
            open_tiny(folder, chunk_s)
    monkeypatch.setattr(model, "memory_bytes", lambda _: 1_800_000)
    with pytest.raises(UsageError, match=r"1\.5 s at once need 0\.0 GB of 0\.0 GB: take at most --chunk 0\."):
        open_tiny(folder, 1.5).window(6_000)
    with pytest.raises(UsageError, match="cut the sound"):
        open_tiny(folder).window(60_000)
    assert open_tiny(folder, 1e-6).window(6_000) == SHALLOW.fitting(1)


def test_a_jump_at_the_border_of_a_new_span_fades_without_a_click():
    tone = 0.4 * torch.sin(torch.arange(20_000) / 40)[None] + 0.003 * noise(1, 20_000, seed=1)
    hiss = 0.05 * noise(1, 20_000)  # what a sampler leaves where all is known has nothing to do with the span
    sung = torch.cat([tone[:, :8_000] + hiss[:, :8_000], tone[:, 8_000:] + 0.1], 1)
    sound = modes.joined(tone, sung, 8_000, 12_000, 320)
    assert torch.equal(sound[:, :8_000], tone[:, :8_000])
    assert torch.equal(sound[:, 12_000:], tone[:, 12_000:])
    assert clicks(sound[0].numpy(), [8_000, 12_000]) == []
    raw = torch.cat([tone[:, :8_000], sung[:, 8_000:12_000], tone[:, 12_000:]], 1)
    assert clicks(raw[0].numpy(), [8_000, 12_000]) == [8_000, 12_000]
