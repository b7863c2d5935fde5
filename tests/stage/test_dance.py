"""Dance Diffusion from the command line, as its users would: bring a checkpoint, then generate, vary, morph."""

from __future__ import annotations

import json
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner, Result

from heart.cards import find_model, sha256
from heart.cli import main
from heart.plumbing.client import HeartClient
from heart.sounding.dance import model
from heart.sounding.dance.checkpoint import open_checkpoint
from heart.sounding.dance.net import DanceNet
from heart.stage import dance, dance_bench, dance_fetch
from heart.stage.dance_published import Published
from heart.stage.rehearsal import running_engine
from rig.dance_nets import SHALLOW, small_net

RATE_HZ, SAMPLES = 4_000, 1_024
FEW = ("--steps", "3", "--device", "cpu")


def run(*args: object) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args])


def lines(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models' folder of our own, in which `heart models add` has put a net; and we stand beside its sounds."""
    state = {f"diffusion_ema.{name}": value for name, value in small_net(SHALLOW).state_dict().items()}
    torch.save({"state_dict": state, "epoch": 1}, tmp_path / "community.ckpt")
    monkeypatch.setenv("HEART_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    lines(run("models", "add", "community.ckpt", "--name", "tiny", "--rate", RATE_HZ, "--samples", SAMPLES))
    time = np.arange(3_000) / 2_000
    for name, hz in (("low", 60), ("high", 300)):
        soundfile.write(f"{name}.wav", 0.5 * np.sin(2 * np.pi * hz * time), 2_000)
    yield tmp_path
    torch.set_num_threads(threads)


def test_a_checkpoint_becomes_a_model_with_a_card(tiny: Path) -> None:
    card = find_model("tiny").card
    assert (card["sample_rate"], card["samples"], card["class"]) == (
        RATE_HZ,
        SAMPLES,
        "heart.sounding.dance.model:Dance",
    )
    assert card["origin"]["layout"] == "prefix 'state_dict.diffusion_ema.'"
    assert card["origin"]["sha256"] == sha256(tiny / "community.ckpt")
    assert "tiny: dance.safetensors is whole" in lines(run("models", "check"))
    assert "0.26 s at 4000 Hz" in lines(run("models"))
    told = lines(run("models", "inspect", "community.ckpt"))
    assert "levels 5, widths 8 8 32 32 32" in told
    assert "rate not said" in told


def test_a_model_goes_to_diffusers_layout_and_comes_back(tiny: Path) -> None:
    lines(run("models", "convert", "tiny", "-o", "folder"))
    index = json.loads((tiny / "folder/model_index.json").read_text())
    assert index["unet"] == ["diffusers", "UNet1DModel"]
    assert json.loads((tiny / "folder/unet/config.json").read_text())["sample_rate"] == RATE_HZ
    lines(run("models", "add", "folder", "--name", "again"))
    first, again = (open_checkpoint(find_model(name).weights).state() for name in ("tiny", "again"))
    assert all(torch.equal(first[name], again[name]) for name in first)
    lines(run("models", "convert", "folder", "-o", "half.safetensors", "--half"))
    assert open_checkpoint(tiny / "half.safetensors").dtype == torch.float16
    assert "is there already" in run("models", "convert", "tiny", "-o", "folder").output


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("models", "add", "low.wav"), "neither a checkpoint of torch nor safetensors"),
        (("models", "add", "community.ckpt"), "does not say its sample rate; say it with --rate"),
        (("models", "add", "community.ckpt", "--name", "tiny", "--rate", "16000"), "is there already"),
        (("models", "add", "community.ckpt", "--name", "pulse", "--rate", "16000"), "cannot be called 'pulse'"),
        (("models", "add", "community.ckpt", "--name", "x", "--rate", "3"), "rate 3 Hz"),
        (("models", "fetch", "maestro"), "no checkpoint called 'maestro' is known; there are glitch-440k"),
        (("generate", "-o", "a.wav", "--voice", "tiny", "--bpm", "80"), "--bpm means nothing to tiny"),
        (
            ("generate", "-o", "a.wav", "--rho", "7"),
            "--rho is for Dance Diffusion's nets, and voice is",
        ),
        (
            ("generate", "-o", "a.wav", "--voice", "tiny", "--seconds", "1", "--sampler", "x"),
            "no sampler called 'x'",
        ),
        (("generate", "-o", "a.wav", "--voice", "tiny", "--precision", "float16"), "float16 not on a CPU"),
        (("vary", "low.wav", "-o", "a.wav", "--voice", "tiny", "--strength", "2"), "strength 2"),
        (("morph", "low.wav", "-o", "a.wav", "--voice", "tiny"), "two sounds or more"),
        (("inpaint", "low.wav", "-o", "a.wav", "--voice", "tiny", "--from", "1", "--to", "9"), "within the 1.50 s"),
        (("vary", "none.wav", "-o", "a.wav", "--voice", "tiny"), "none.wav"),
        (("live", "--voice", "tiny"), "tiny is a model, but none that sings this"),
    ],
)
def test_what_cannot_be_is_one_line(tiny: Path, args: tuple[str, ...], words: str) -> None:
    result = run(*args)
    assert result.exit_code in (1, 2)
    assert words in result.output
    assert result.output.startswith("heart: ")
    assert not (tiny / "a.wav").exists()


def read(path: Path) -> np.ndarray:
    sound, rate_hz = soundfile.read(path, dtype="float32")
    assert rate_hz == RATE_HZ
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() < 0.9
    return sound


def test_sounds_are_generated_by_seed_in_stereo_at_the_nets_rate(tiny: Path) -> None:
    told = lines(run("generate", "--voice", "tiny", "-o", "one.wav", "--seed", "8", "--seconds", "0.5", *FEW))
    assert "2000 samples: the net takes a multiple of 16" not in told
    assert read(tiny / "one.wav").shape == (2_000, 2)
    told = lines(
        run("generate", "--voice", "tiny", "-o", "many", "--seed", "7", "--count", "2", "--seconds", "0.5", *FEW)
    )
    assert np.abs(read(tiny / "many/heart-000008.wav") - read(tiny / "one.wav")).max() < 1e-4
    assert np.abs(read(tiny / "many/heart-000007.wav") - read(tiny / "one.wav")).max() > 0.1
    told = lines(run("generate", "--voice", "tiny", "-o", "odd.wav", "--seconds", "0.503", *FEW))
    assert "2012 samples: the net takes a multiple of 16, so 2016 are sampled and the rest is cut off" in told
    assert len(read(tiny / "odd.wav")) == 2_012
    lines(run("generate", "--voice", "tiny", "-o", "own.wav", *FEW))
    assert len(read(tiny / "own.wav")) == SAMPLES


def test_a_variation_is_the_sound_at_0_and_farther_the_stronger(tiny: Path) -> None:
    given = np.interp(np.arange(6_000) / 4_000, np.arange(3_000) / 2_000, soundfile.read("low.wav")[0])
    far = []
    for strength in (0, 0.1, 0.6):
        lines(run("vary", "low.wav", "-o", "v.wav", "--voice", "tiny", "--strength", strength, "--steps", "20"))
        assert read(tiny / "v.wav").shape == (6_000, 2)
        far.append(float(np.sqrt(np.mean((read(tiny / "v.wav")[300:-300, 0] - given[300:-300]) ** 2))))
    assert far[0] < 0.02 < far[1] < far[2]
    lines(run("vary", "low.wav", "-o", "v", "--voice", "tiny", "--strength", "0.3", "--count", "2", *FEW))
    assert len(list((tiny / "v").glob("*.wav"))) == 2


def test_a_morph_has_as_many_positions_as_asked_both_ends_included(tiny: Path) -> None:
    lines(run("morph", "low.wav", "high.wav", "-o", "m", "--voice", "tiny", "--count", "3", *FEW))
    walk = [read(path) for path in sorted((tiny / "m").glob("morph-*.wav"))]
    assert len(walk) == 3
    for weights, at in (("1,0", 0), ("1,1", 1), ("0,1", 2)):
        lines(run("morph", "low.wav", "high.wav", "-o", "w.wav", "--voice", "tiny", "--weights", weights, *FEW))
        assert np.array_equal(read(tiny / "w.wav"), walk[at])


def test_what_is_around_a_new_span_and_before_a_continuation_stays_bit_for_bit(tiny: Path) -> None:
    lines(run("generate", "--voice", "tiny", "-o", "g.wav", "--seconds", "0.5", *FEW))
    given = read(tiny / "g.wav")
    lines(run("inpaint", "g.wav", "-o", "i.wav", "--voice", "tiny", "--from", "0.2", "--to", "0.3", *FEW))
    filled = read(tiny / "i.wav")
    assert np.array_equal(filled[:800], given[:800])
    assert np.array_equal(filled[1_200:], given[1_200:])
    assert not np.array_equal(filled[800:1_200], given[800:1_200])
    for border in (800, 1_200):
        assert np.abs(filled[border] - filled[border - 1]).max() < 3 * np.abs(np.diff(given, axis=0)).max()
    lines(run("continue", "g.wav", "-o", "c.wav", "--voice", "tiny", "--seconds", "0.7", *FEW))
    longer = read(tiny / "c.wav")
    assert len(longer) == 4_800
    assert np.array_equal(longer[:2_000], given)


def test_what_takes_long_is_said_before_it_starts(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dance, "LONG_S", 0.0)
    told = lines(run("generate", "--voice", "tiny", "-o", "g.wav", "--seconds", "0.5", "--steps", "4"))
    assert told.startswith("tiny on cpu, float32: 4 steps of ")
    assert "Ctrl-C ends it" in told
    assert [dance.spoken(s) for s in (45, 550, 11_100)] == ["45 s", "9 min 10 s", "3 h 5 min"]


LONG = {
    "generate": ("--seconds", "1.5", "--seed", "3"),
    "vary": ("low.wav", "--strength", "0.6"),
    "morph": ("low.wav", "high.wav"),
    "continue": ("low.wav", "--seconds", "0.8"),
    "inpaint": ("low.wav", "--from", "0.2", "--to", "1.4"),
}


@pytest.mark.parametrize("verb", LONG)
def test_what_is_too_long_for_the_memory_is_sung_in_windows(
    tiny: Path, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "memory_bytes", lambda _: 1_800_000)  # a second at once, no more
    monkeypatch.setattr(dance, "LONG_S", 0.0)
    asked = []
    forward = DanceNet.forward
    monkeypatch.setattr(DanceNet, "forward", lambda *given: (asked.append(given[1].shape[-1]), forward(*given))[1])
    told = lines(run(verb, *LONG[verb], "-o", "a.wav", "--voice", "tiny", *FEW))
    windows, steps = (int(re.search(rf"(\d+) {word} of ", told)[1]) for word in ("windows", "steps"))
    assert 1 < windows <= steps
    assert steps % windows == 0
    assert len(asked) == steps + 2  # all that was announced, after the two that measure
    assert max(asked) < 5_000
    assert len(read(tiny / "a.wav")) == (9_200 if verb == "continue" else 6_000)
    lines(run(verb, *LONG[verb], "-o", "b.wav", "--voice", "tiny", *FEW))
    assert sha256(tiny / "a.wav") == sha256(tiny / "b.wav")


def test_windows_are_as_long_as_asked_and_one_is_none(tiny: Path) -> None:
    half = ("--seconds", "0.5", "--voice", "tiny", *FEW)
    lines(run("generate", "-o", "whole.wav", *half))
    told = lines(run("generate", "-o", "one.wav", "--chunk", "0.5", *half))
    assert "windows" not in told
    assert sha256(tiny / "whole.wav") == sha256(tiny / "one.wav")
    told = lines(run("generate", "-o", "cut.wav", "--chunk", "0.2", *half))
    assert "sung in 3 windows of 0.2 s" in told
    assert sha256(tiny / "whole.wav") != sha256(tiny / "cut.wav")
    assert "chunk 0 s: must lie above 0" in run("generate", "-o", "x.wav", "--chunk", "0", *half).output


@pytest.mark.parametrize("precision", dance_bench.PRECISIONS)
def test_a_step_is_measured_with_its_memory(precision: str) -> None:
    threads = torch.get_num_threads()
    found = dance_bench.measure(precision, 1, SHALLOW, 1_024)
    torch.set_num_threads(threads)
    assert 0 < found["wall_s"] < 60
    assert found["samples"] == 1_024
    assert found["peak"] is None or found["peak"] > 10_000_000


@pytest.mark.stage
def test_the_full_net_steps_in_under_three_gigabytes() -> None:
    told = lines(run("bench", "dance-diffusion", "--threads", "1")).splitlines()
    assert "221 M parameters" in told[0]
    for line in told[1:]:
        assert float(line.split(" GB at most")[0].split()[-1]) < 3


# Fetching


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *given: object) -> None:
        pass


def test_a_published_checkpoint_is_fetched_proven_and_added(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of = Published("community.ckpt", 48_000, 131_072, sha256(tiny / "community.ckpt"))
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tiny))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        wrong = run("models", "fetch", "honk-140k", "--url", f"{url}community.ckpt")
        assert "not the file that is known by this name" in wrong.output
        monkeypatch.setattr(dance_fetch, "HOST", url)
        monkeypatch.setitem(dance_fetch.PUBLISHED, "jmann-large-580k", of)
        lines(run("models", "fetch", "jmann-large-580k"))
        server.shutdown()
    assert (find_model("jmann-large-580k").card["sample_rate"], find_model("jmann-large-580k").card["samples"]) == (
        48_000,
        131_072,
    )
    assert sorted(path.name for path in (tiny / "models").iterdir()) == ["jmann-large-580k", "tiny"]
    gone = run("models", "fetch", "maestro-150k", "--url", "http://127.0.0.1:9/maestro-uncond-150k.ckpt")
    assert "cannot be fetched" in gone.output
    assert "heart models add FOLDER --name maestro-150k" in gone.output


# Prepared for the stage

LIST = """
[calm]
voice = "tiny"
seconds = 0.4
steps = 3
seed = 2

[calmer]
voice = "tiny"
from = ["calm.wav"]
strength = 0.3
steps = 6

[between]
voice = "tiny"
from = ["calm.wav", "low.wav"]
weights = [0.25, 0.75]
steps = 3
"""


def test_a_list_is_rendered_once_and_what_changed_again(tiny: Path) -> None:
    (tiny / "show.toml").write_text(LIST)
    lines(run("prepare", "show.toml", "-o", "sounds", "--device", "cpu"))
    proofs = {path.name: sha256(path) for path in (tiny / "sounds").glob("*.wav")}
    assert sorted(proofs) == ["between.wav", "calm.wav", "calmer.wav"]
    assert lines(run("prepare", "show.toml", "-o", "sounds")).count("is there already") == 3
    (tiny / "show.toml").write_text(LIST.replace("strength = 0.3", "strength = 0.5"))
    (tiny / "sounds/between.wav").write_bytes(b"spoilt")
    assert lines(run("prepare", "show.toml", "-o", "sounds")).count("is there already") == 1
    again = {path.name: sha256(path) for path in (tiny / "sounds").glob("*.wav")}
    assert again["between.wav"] == proofs["between.wav"]
    assert again["calmer.wav"] != proofs["calmer.wav"]


def test_what_was_prepared_is_morphed_live(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tiny / "show.toml").write_text(LIST)
    lines(run("prepare", "show.toml", "-o", "sounds", "--device", "cpu"))
    monkeypatch.delenv("HEART_MODELS")
    with (
        running_engine(tiny, "--voice", "pulse", "--sounds", str(tiny / "sounds")) as engine,
        HeartClient(port=engine.port) as client,
    ):
        for slot, name in ((1, "calm.wav"), (2, "between.wav")):
            client.send("/heart/sound/load", slot, name)
            assert client.wait_for("/heart/done", 10) == ("/heart/sound/load",)
        client.send("/heart/set/voice_mode", "morph")
        assert client.wait_until(lambda: len(client.played_audio()) > 44_100, 20)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names no sound"),
        ("x", "cannot be read as a list"),
        ("[a]\nseed = 1", "[a]: names no voice"),
        ('[a]\nvoice = "tiny"\nbpm = 3', "'bpm' means nothing here"),
        ('[a]\nvoice = "tiny"\nseed = "x"', "seed = 'x' is of the wrong kind"),
        ('[a]\nvoice = "tiny"\nstrength = 0.3', "a strength belongs to exactly one sound"),
        ('[a]\nvoice = "tiny"\nfrom = ["b.wav", "c.wav"]\nweights = [1]', "1 weights for 2 sounds"),
        ('[a]\nvoice = "tiny"\nfrom = ["b.wav", "c.wav"]', "b.wav: no such sound"),
        ('[a]\nvoice = "voice-heart"', "'voice-heart' is no Dance Diffusion net"),
        ('["../a"]\nvoice = "tiny"', "whose name can be a file's"),
    ],
)
def test_a_list_that_cannot_be_is_one_line(tiny: Path, text: str, words: str) -> None:
    (tiny / "show.toml").write_text(text)
    result = run("prepare", "show.toml", "-o", "sounds")
    assert result.exit_code in (1, 2)
    assert words in result.output
