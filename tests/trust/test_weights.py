"""Weights that are no weights: what would run code, what unpacks to gigabytes, what fits no net."""

from __future__ import annotations

import ast
import json
import resource
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from heart.cards import sha256

ENGINE = Path(__file__).parents[2] / "engine" / "heart"

OPEN = """
import json, resource, sys, time
from pathlib import Path
from heart.errors import HeartError
import torch
from heart.sounding.dance.checkpoint import open_checkpoint
from heart.sounding.weights import load_net
told = {}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(Path(sys.argv[1]).iterdir()):
    for opener in (lambda p: open_checkpoint(p).net(), load_net):
        began = time.monotonic()
        try:
            opener(path)
            said = "opened"
        except HeartError as error:
            said = "refused " + str(error)
        told.setdefault(path.name, []).append((said, time.monotonic() - began))
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
print(json.dumps({"told": told, "grown_mb": grown}))
"""


def opened(folder: Path) -> tuple[dict[str, list[tuple[str, float]]], float]:
    """What a fresh process says of every file in `folder`, by both of our loaders; and how much it grew, in MB."""
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(folder)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["told"], answer["grown_mb"]


class Call:
    """A pickle that calls something where it is opened."""

    def __init__(self, function: object, *given: object) -> None:
        self.call = function, given

    def __reduce__(self) -> tuple:
        return self.call


def write_pickles(folder: Path, canary: Path) -> None:
    """Fifteen files that would leave `canary` behind."""
    import importlib
    import os
    import pickle
    import pkgutil
    import runpy

    script = folder.parent / "script.py"
    script.write_text(f"open({str(canary)!r}, 'w')\n")
    shell, code = f"touch {canary}", f"open({str(canary)!r}, 'w')"
    calls = {
        "system": Call(os.system, shell),
        "eval": Call(eval, code),
        "exec": Call(exec, code),
        "runpy": Call(runpy.run_path, str(script)),
        "importlib": Call(getattr, Call(importlib.import_module, "os"), "system"),
        "resolve": Call(pkgutil.resolve_name, "os:system"),
        "popen": Call(subprocess.Popen, ["touch", str(canary)]),
        "lightning": {"state_dict": {"diffusion_ema.x": torch.ones(2)}, "callbacks": {"c": Call(os.system, shell)}},
        "in a list": {"a": [1, {"b": Call(os.system, shell)}]},
    }
    for name, content in calls.items():
        torch.save(content, folder / f"{name}.ckpt")
    torch.save(calls["system"], folder / "legacy.ckpt", _use_new_zipfile_serialization=False)
    (folder / "raw.ckpt").write_bytes(pickle.dumps(calls["system"]))
    (folder / "renamed.safetensors").write_bytes(pickle.dumps(calls["system"]))
    torch.save(calls["system"], folder / "renamed.wav")
    np.save(folder / "object.npy", np.array([calls["system"]], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(folder / "jit.pt", "w") as archive:
        archive.writestr("jit/data.pkl", pickle.dumps(calls["system"]))
        archive.writestr("jit/code/__torch__.py", "import os\n")
        archive.writestr("jit/constants.pkl", pickle.dumps(calls["system"]))


@pytest.mark.case("R32")
def test_fifteen_pickles_run_nothing_whatever_they_are_called(tmp_path: Path, reached) -> None:
    folder, canary = tmp_path / "files", tmp_path / "canary"
    folder.mkdir()
    write_pickles(folder, canary)
    told, _ = opened(folder)
    worst_s = max(seconds for answers in told.values() for _, seconds in answers)
    left = "was left behind" if canary.exists() else "never appeared"
    reached(f"{len(told)} files, both loaders: the canary {left}; worst {worst_s:.2f} s")
    assert len(told) == 15
    assert not canary.exists()
    assert all(said.startswith("refused") for answers in told.values() for said, _ in answers)
    assert worst_s < 2


@pytest.mark.case("R32", control=True)
def test_the_same_files_are_live(tmp_path: Path) -> None:
    folder, canary = tmp_path / "files", tmp_path / "canary"
    folder.mkdir()
    write_pickles(folder, canary)
    for name in ("system.ckpt", "legacy.ckpt", "renamed.wav", "runpy.ckpt"):
        torch.load(folder / name, weights_only=False)
        assert canary.exists(), name
        canary.unlink()


@pytest.mark.case("R32")
def test_nothing_in_the_engine_could_unpickle(reached) -> None:
    found = []
    for path in ENGINE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and any(
                word.arg in ("weights_only", "allow_pickle") and getattr(word.value, "value", None) is not False
                if word.arg == "allow_pickle"
                else word.arg == "weights_only" and getattr(word.value, "value", None) is False
                for word in node.keywords
            ):
                found.append(f"{path.name}:{node.lineno}")
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            if {"pickle", "shelve", "marshal", "dill"} & set(names):
                found.append(f"{path.name} imports {names}")
    named = ("life.py", "resnet.py", "pickles.py")  # two only name its errors, one has an unpickler of its own
    bad = [each for each in found if each.split()[0] not in named]
    reached(f"{len(bad)} places that could")
    assert bad == []


def safetensors(header: dict | bytes, body: bytes = b"", length: int | None = None) -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw) if length is None else length) + raw + body


def write_bombs(folder: Path) -> None:
    with zipfile.ZipFile(folder / "zip.pt", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("zip/data.pkl", b"\x80\x02}q\x00.")
        with archive.open("zip/data/0", "w", force_zip64=True) as member:
            for _ in range(256):
                member.write(bytes(1 << 20))
    view = torch.as_strided(torch.zeros(4), (10**6, 10**6), (0, 0))
    torch.save({"diffusion_ema.timestep_embed.weight": view}, folder / "view.ckpt")
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    (folder / "million.safetensors").write_bytes(safetensors({f"t{n}": empty for n in range(300_000)}))
    (folder / "many.safetensors").write_bytes(safetensors({f"t{n}": empty for n in range(30_000)}))
    for name, length in (("header63", 2**63), ("header64", 2**64 - 1), ("header_gb", 2**30)):
        (folder / f"{name}.safetensors").write_bytes(safetensors(b"{}", length=length))
    gap = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]}}
    (folder / "gap.safetensors").write_bytes(safetensors(gap, bytes(12)))
    over = {n: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for n in "ab"}
    (folder / "overlap.safetensors").write_bytes(safetensors(over, bytes(8)))
    huge = {"a": {"dtype": "F32", "shape": [10**6, 10**6], "data_offsets": [0, 4]}}
    (folder / "huge.safetensors").write_bytes(safetensors(huge, bytes(4)))


@pytest.mark.case("R33")
def test_bombs_are_refused_before_they_go_off(tmp_path: Path, reached) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    write_bombs(folder)
    told, grown_mb = opened(folder)
    worst_s = max(seconds for answers in told.values() for _, seconds in answers)
    reached(f"{len(told)} bombs refused, worst {worst_s:.2f} s, memory {grown_mb:+.0f} MB")
    assert all(said.startswith("refused") for answers in told.values() for said, _ in answers), told
    assert worst_s < 1
    assert grown_mb < 200


def model(root: Path, name: str, change) -> None:
    """A copy of a shipped voice with other weights and a checksum that fits them."""
    from safetensors import safe_open

    from heart.cards import find_model

    source = find_model("voice-heart")
    with safe_open(source.weights, "pt") as file:
        about, tensors = dict(file.metadata()), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    folder = root / name
    folder.mkdir(parents=True)
    change(about, tensors)
    save_file(tensors, folder / "weights.safetensors", about)
    card = {**{key: value for key, value in source.card.items() if isinstance(value, str | int)}, "name": name}
    card.update(weights="weights.safetensors", sha256=sha256(folder / "weights.safetensors"))
    lines = [f"{key} = {json.dumps(value)}" for key, value in card.items()]
    (folder / "card.toml").write_text("\n".join(lines) + "\n")


def first_net(tensors: dict) -> str:
    return next(key for key in sorted(tensors) if key.startswith("net.") and tensors[key].ndim > 1)


CHANGES = {
    "shape": lambda about, tensors: tensors.update({first_net(tensors): torch.zeros(3, 3, dtype=torch.float16)}),
    "nan": lambda about, tensors: tensors[first_net(tensors)].view(-1)[:3].fill_(float("nan")),
    "missing": lambda about, tensors: tensors.pop(first_net(tensors)),
    "config": lambda about, tensors: about.update(
        shape=json.dumps({**json.loads(about["shape"]), "widths": [8, 8, 8, 8]})
    ),
}


@pytest.mark.case("R34")
@pytest.mark.parametrize("kind", CHANGES)
def test_wrong_weights_are_refused_before_anything_is_sung(kind: str, tmp_path: Path) -> None:
    from heart.errors import FileError
    from heart.sounding.weights import load_net

    model(tmp_path, "bad", CHANGES[kind])
    began_s = time.process_time()
    with pytest.raises(FileError, match="damaged or not a voice") as refused:
        load_net(tmp_path / "bad" / "weights.safetensors")
    assert "\n" not in str(refused.value)
    assert time.process_time() - began_s < 2


def test_memory_is_measured_in_kilobytes() -> None:
    assert 20_000 < resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 50_000_000
