"""Checkpoints as users have them: every layout opens, nothing in them runs, what is no checkpoint is told apart."""

from __future__ import annotations

import argparse
import builtins
import io
import json
import os
import pickle
import struct
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from heart.errors import FileError
from heart.sounding.dance import checkpoint as module
from heart.sounding.dance.checkpoint import open_checkpoint
from heart.sounding.dance.layouts import PREFIXES, diffusers_config, to_diffusers
from heart.sounding.dance.net import DanceShape
from rig.dance_nets import NARROW, SHALLOW, noise, small_net

pytestmark = pytest.mark.usefixtures("one_thread")


def difference(path: Path, shape=SHALLOW) -> float:
    """How far what is read from `path` is from the net that was written."""
    x, t = noise(1, 2, shape.fitting(1)), torch.tensor([0.4])
    return float((open_checkpoint(path).net()(x, t) - small_net(shape)(x, t)).abs().max())


def lightning(prefix: str, shape=SHALLOW) -> dict:
    """What a training run leaves: two nets, an optimizer, numbers."""
    state = {prefix + name: value for name, value in small_net(shape).state_dict().items()}
    return {
        "state_dict": {**state, "rng": torch.ones(3)},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(9)}}}],
        "epoch": 3,
        "pytorch-lightning_version": "1.7.1",
    }


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_prefix_opens_in_both_forms_of_torch(tmp_path, prefix, legacy):
    path = tmp_path / "net.ckpt"
    torch.save(lightning(prefix), path, _use_new_zipfile_serialization=not legacy)
    assert open_checkpoint(path).layout == f"prefix {'state_dict.' + prefix!r}"
    assert difference(path) == 0


def test_the_smoothed_weights_are_taken_before_the_raw_ones(tmp_path):
    raw = {"diffusion." + name: value * 3 for name, value in small_net(SHALLOW).state_dict().items()}
    for last in ("diffusion_ema.", "diffusion_ema.ema_model."):
        torch.save({"state_dict": raw | lightning(last)["state_dict"]}, tmp_path / "net.ckpt")
        assert difference(tmp_path / "net.ckpt") == 0


def test_all_fourteen_levels_in_both_layouts_are_the_same_net(tmp_path):
    net = small_net(NARROW)
    torch.save(lightning("diffusion_ema.", NARROW), tmp_path / "net.ckpt")
    folder = tmp_path / "narrow" / "unet"
    folder.mkdir(parents=True)
    save_file(to_diffusers(net.state_dict(), NARROW), folder / "diffusion_pytorch_model.safetensors")
    (folder / "config.json").write_text(json.dumps(diffusers_config(NARROW, 16_000, 65_536)))
    opened = open_checkpoint(tmp_path / "narrow")
    assert (opened.shape, opened.rate_hz, opened.samples, opened.layout) == (NARROW, 16_000, 65_536, "diffusers")
    assert difference(tmp_path / "narrow", NARROW) < 1e-6
    assert difference(tmp_path / "net.ckpt", NARROW) < 1e-6


def test_the_names_of_diffusers_are_those_of_its_layout():
    config = diffusers_config(NARROW, 16_000, 65_536)
    written = to_diffusers(small_net(NARROW).state_dict(), NARROW)
    assert len(config["block_out_channels"]) == len(config["down_block_types"]) == 13
    assert config["down_block_types"][8:] == ["AttnDownBlock1D"] * 5
    assert config["up_block_types"] == ["AttnUpBlock1D"] * 5 + ["UpBlock1D"] * 7 + ["UpBlock1DNoSkip"]
    sizes = {name: tuple(value.shape) for name, value in written.items()}
    assert sizes["time_proj.weight"] == (8,)
    assert sizes["mid_block.resnets.5.conv_2.weight"] == (32, 32, 5)
    assert sizes["up_blocks.0.attentions.0.query.weight"] == (32, 32)
    assert sizes["up_blocks.12.resnets.2.conv_2.weight"] == (2, 4, 5)
    assert "up_blocks.12.resnets.2.group_norm_2.weight" not in sizes
    assert len(written) == 932 + 36 * 2 * 2  # query, key and value apart


def test_half_precision_without_kernels_and_with_notes_opens(tmp_path):
    state = {k: v.half() for k, v in small_net(SHALLOW).state_dict().items() if not k.endswith("kernel")}
    notes = {"version": [0, 0, 1], "model_info": {"native_chunk_size": 131_072, "sample_rate": 44_100}}
    torch.save({"state_dict": state, "model_config": notes}, tmp_path / "trimmed.ckpt")
    opened = open_checkpoint(tmp_path / "trimmed.ckpt")
    assert (opened.dtype, opened.samples, opened.rate_hz) == (torch.float16, 131_072, 44_100)
    assert 0 < difference(tmp_path / "trimmed.ckpt") < 0.02


def test_bare_safetensors_open(tmp_path):
    save_file(small_net(SHALLOW).state_dict(), tmp_path / "net.safetensors", {"sample_rate": "48000"})
    assert open_checkpoint(tmp_path / "net.safetensors").rate_hz == 48_000
    assert difference(tmp_path / "net.safetensors") == 0


def test_classes_that_are_not_here_are_passed_over(tmp_path):
    content = lightning("diffusion_ema.") | {
        "hyper_parameters": argparse.Namespace(rate=16_000, path=Path("a/b")),
        "callbacks": {"best": Path("x"), "list": [Odd(3), Odd(4)]},
    }
    torch.save(content, tmp_path / "net.ckpt")
    assert difference(tmp_path / "net.ckpt") == 0


class Odd(dict):
    """A class of a training script; its pickle has state, items and arguments."""

    def __init__(self, number: int) -> None:
        super().__init__(a=number)
        self.number = number


# What would run code


class Bomb:
    """A pickle that calls `function` where it is opened."""

    def __init__(self, function, *given):
        self.call = function, given

    def __reduce__(self):
        return self.call


def bombs(goal: Path) -> dict[str, object]:
    shell = Bomb(os.system, f"touch {goal}")
    code = f"open({str(goal)!r}, 'w')"
    return {
        "os.system": shell,
        "builtins.exec": Bomb(exec, code),
        "builtins.eval": Bomb(eval, code),
        "nested": Bomb(getattr, Bomb(__import__, "os"), "system"),
        "in a list of a dict": {"a": [1, {"b": shell}]},
        "in front of weights": {"hook": shell} | lightning("diffusion_ema."),
    }


def as_tar(content: object, path: Path) -> None:
    data = pickle.dumps(content)
    with tarfile.open(path, "w") as archive:
        for name in ("storages", "tensors", "pickle"):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


FORMS = {
    "zip": torch.save,
    "legacy": lambda content, path: torch.save(content, path, _use_new_zipfile_serialization=False),
    "tar": as_tar,
    "bare": lambda content, path: path.write_bytes(pickle.dumps(content)),
    "protocol 0": lambda content, path: path.write_bytes(pickle.dumps(content, 0)),
}


@pytest.mark.case("R32")
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", bombs(Path("x")))
def test_a_pickle_that_would_run_code_is_refused_and_runs_nothing(tmp_path, kind, form):
    goal, path = tmp_path / "ran", tmp_path / "bomb.ckpt"
    FORMS[form](bombs(goal)[kind], path)
    with pytest.raises(FileError) as refused:
        open_checkpoint(path)
    assert not goal.exists()
    if form in ("zip", "legacy", "bare"):
        assert "would run code; nothing was run" in str(refused.value)


@pytest.mark.case("R32", control=True)
def test_the_bombs_are_live(tmp_path):
    """By torch.load without its guard they do run: what the test above refuses is no dud."""
    for kind, bomb in bombs(tmp_path / "ran").items():
        if kind == "nested":  # it only fetches os.system
            continue
        torch.save(bomb, tmp_path / "bomb.ckpt")
        torch.load(tmp_path / "bomb.ckpt", weights_only=False)
        assert (tmp_path / "ran").exists(), kind
        (tmp_path / "ran").unlink()


@pytest.mark.case("R33")
def test_state_cannot_be_slipped_into_a_tensor(tmp_path):
    """BUILD after the tensor: an offset behind the end of its storage."""

    class Sly:
        def __reduce__(self):
            base = torch.ones(4)
            function, given = base.__reduce_ex__(2)[:2]
            return function, given, {"offset": 10**9}

    torch.save({"timestep_embed.weight": Sly()}, tmp_path / "net.ckpt")
    with pytest.raises(FileError, match="damaged"):
        open_checkpoint(tmp_path / "net.ckpt")


@pytest.mark.case("R33")
@pytest.mark.parametrize("program", [b"\x80\x02}r\xff\xff\xff\x7f.", b"\x80\x04\x96" + b"\xff" * 7 + b"\x00."])
def test_a_pickle_cannot_ask_for_memory(tmp_path, program):
    """The two billionth memory, and a byte array longer than any file."""
    with zipfile.ZipFile(tmp_path / "net.ckpt", "w") as archive:
        archive.writestr("net/data.pkl", program)
    tracemalloc.start()
    with pytest.raises(FileError, match=r"no tensor at all|exhaust memory|truncated|damaged"):
        open_checkpoint(tmp_path / "net.ckpt")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000


@pytest.mark.case("R37")
@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_a_file_with_wrong_bytes_opens_or_is_refused_in_one_line(tmp_path, form):
    whole, path, random = tmp_path / "whole", tmp_path / "net.ckpt", np.random.default_rng(0)
    state = small_net(DanceShape(widths=(4, 8), attention=0)).state_dict()
    save_file(state, whole) if form == "safetensors" else FORMS[form](state, whole)
    for _ in range(60):
        data = bytearray(whole.read_bytes())
        for at in random.integers(min(6_000, len(data)), size=random.integers(1, 8)):
            data[at] = random.integers(256)
        said = ""
        try:
            assert open_checkpoint(written(path, bytes(data))).net()
        except FileError as error:
            said = str(error)
        assert "\n" not in said


# What is no checkpoint


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_other_files_are_told_apart(tmp_path):
    path = tmp_path / "file.ckpt"
    told = {
        b"": "is empty",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n": "Git LFS",
        b"\n<!DOCTYPE html><title>Sign in</title>": "web page",
        b"\x1f\x8b" + bytes(600): "compressed; unpack",
        b"RIFF1234WAVE": "neither a checkpoint",
        struct.pack("<Q", 4) + b"{}  ": "not a Dance Diffusion net: no tensor at all",
        struct.pack("<Q", 4_000) + b'{"a":': "truncated or damaged",
        pickle.dumps({"a": 1}): r"not one of torch\.save",
    }
    for data, words in told.items():
        with pytest.raises(FileError, match=words):
            open_checkpoint(written(path, data))


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(FileError, match="cannot be read"):
        open_checkpoint(tmp_path / "absent.ckpt")
    with pytest.raises(FileError, match="no folder of diffusers"):
        open_checkpoint(tmp_path)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_truncated_checkpoint_is_told(tmp_path, legacy):
    torch.save(lightning("diffusion."), tmp_path / "net.ckpt", _use_new_zipfile_serialization=not legacy)
    whole = (tmp_path / "net.ckpt").read_bytes()
    for share in (0.02, 0.5, 0.99):
        with pytest.raises(FileError, match=r"truncated|damaged"):
            open_checkpoint(written(tmp_path / "part.ckpt", whole[: int(share * len(whole))])).net()


def test_a_zip_that_unpacks_to_more_than_it_is_stays_shut(tmp_path):
    path = tmp_path / "bomb.ckpt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", bytes(50 << 20))
    with pytest.raises(FileError, match="compressed zip"):
        open_checkpoint(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photo.jpg", b"1")
    with pytest.raises(FileError, match=r"not one of torch: it holds photo\.jpg"):
        open_checkpoint(path)


def test_a_file_far_too_large_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "huge.ckpt"
    with path.open("wb") as file:
        file.truncate(40 << 30)  # sparse: takes no room
    with pytest.raises(FileError, match="40 GB"):
        open_checkpoint(path)


def test_another_net_is_refused_by_what_it_holds(tmp_path):
    path = tmp_path / "net.ckpt"
    torch.save({"state_dict": {"encoder.0.weight": torch.ones(2), "b": torch.ones(1)}}, path)
    with pytest.raises(FileError, match=r"2 tensors such as state_dict\.encoder\.0\.weight, .*timestep_embed"):
        open_checkpoint(path)
    state = small_net(SHALLOW).state_dict()
    del state["net.5.main.1.bias"]
    torch.save(state, path)
    with pytest.raises(FileError, match=r"of 5 levels: it lacks net\.5\.main\.1\.bias"):
        open_checkpoint(path)
    torch.save(small_net(SHALLOW).state_dict() | {"net.2.alpha": torch.ones(1)}, path)
    with pytest.raises(FileError, match=r"it has besides net\.2\.alpha"):
        open_checkpoint(path)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        (
            "net.1.main.0.bias",
            lambda b: b * float("nan"),
            r"net\.1\.main\.0\.bias holds values that are no numbers",
        ),
        ("net.1.main.0.bias", lambda b: b[1:], r"net\.1\.main\.0\.bias is \[7\], not \[8\]"),
        ("net.1.main.0.bias", lambda b: b.to(torch.int32), r"holds torch\.int32"),
        ("net.3.main.0.kernel", lambda k: k[2:-2], r"kernel is \[4\], not \[8\]"),
    ],
)
def test_weights_that_cannot_be_are_named(tmp_path, name, change, words):
    state = small_net(SHALLOW).state_dict()
    state[name] = change(state[name])
    torch.save(state, tmp_path / "net.ckpt")
    with pytest.raises(FileError, match=words):
        open_checkpoint(tmp_path / "net.ckpt").net()


def test_reading_needs_no_pickle_of_torch(tmp_path, monkeypatch):
    torch.save(lightning("model."), tmp_path / "net.ckpt")
    monkeypatch.setattr(torch, "load", None)
    monkeypatch.setattr(builtins, "exec", None)
    assert module.open_checkpoint(tmp_path / "net.ckpt").net()
