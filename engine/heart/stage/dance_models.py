"""`heart models add`, `convert` and `inspect`: Dance Diffusion's checkpoints among the models.

A checkpoint becomes a folder like every other model: safetensors in the precision it had, and a card with rate,
length, where the net lay in the file, and the checksums of both files.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from heart.audio import shown
from heart.cards import Model, read_model, sha256, write_card
from heart.config import models_dir
from heart.errors import FileError, UsageError
from heart.stage.dance_published import PUBLISHED

if TYPE_CHECKING:
    from heart.sounding.dance.checkpoint import Checkpoint

WEIGHTS = "dance.safetensors"
RATES_HZ = (4_000, 192_000)
MOST_SAMPLES = 1 << 22
SAMPLES = 65_536
"""Native length where neither the file nor its owner says another: that of all published nets but one."""


def inspect_lines(path: Path) -> Iterator[str]:
    """What is in a file or folder, a line each. Raises FileError when it is no such net."""
    from heart.sounding.dance.checkpoint import open_checkpoint

    found = open_checkpoint(path)
    shape = found.shape
    yield f"{shown(found.path)}: a Dance Diffusion net, {found.layout}, {str(found.dtype).removeprefix('torch.')}"
    widths = " ".join(map(str, shape.widths))
    yield f"levels {len(shape.widths)}, widths {widths}, the deepest {shape.attention} attend"
    yield f"channels {shape.channels}; length a multiple of {shape.multiple}, at least {shape.fitting(1)} samples"
    yield f"parameters {parameters(found):,}"
    known = found.rate_hz, found.samples
    yield "rate {} Hz, native length {} samples".format(*("not said" if n is None else n for n in known))


def parameters(found: Checkpoint) -> int:
    """How many the net has."""
    from heart.sounding.dance.checkpoint import sizes_of

    return sum(size.numel() for name, size in sizes_of(found.shape).items() if not name.endswith("kernel"))


def add_model(path: Path, name: str | None = None, rate_hz: int | None = None, samples: int | None = None) -> Model:
    """Convert the net in a file or diffusers folder to a model folder of its own.

    Args:
        name: of the model; default: that of the published file, else the file's own.
        rate_hz, samples: default: what the file says, or what is known of the published one.

    Raises:
        FileError: no such net, or the models' folder cannot be written.
        UsageError: a name that is taken or cannot be, a rate that nobody knows, a value out of its range.
    """
    from heart.sounding.dance.checkpoint import open_checkpoint

    known = next((key for key, of in PUBLISHED.items() if path.name in (of.file, key)), None)
    folder = models_dir() / free_name(name or known or path.stem)
    found = open_checkpoint(path)
    published = PUBLISHED.get(known or "")
    rate_hz = rate_hz or found.rate_hz or (published.rate_hz if published else None)
    samples = samples or found.samples or (published.samples if published else SAMPLES)
    if rate_hz is None:
        raise UsageError(f"{shown(path)}: does not say its sample rate; say it with --rate (mostly 16000 or 48000)")
    if not (RATES_HZ[0] <= rate_hz <= RATES_HZ[1] and 1 <= samples <= MOST_SAMPLES):
        raise UsageError(f"rate {rate_hz} Hz, length {samples}: must be {RATES_HZ[0]} to {RATES_HZ[1]} Hz, "
                         f"1 to {MOST_SAMPLES} samples")  # fmt: skip
    with _new_folder(folder) as part:
        _write_weights(found, part / WEIGHTS, rate_hz, samples)
        write_card(part, _card(folder.name, found, part / WEIGHTS, rate_hz, samples))
    return read_model(folder)


def convert_model(source: str, out: Path, half: bool = False) -> Path:
    """A model by name, or a file or folder, as one .safetensors, or else as a folder in diffusers' layout.

    Returns what was written. Raises FileError or UsageError, as `add_model`.
    """
    import torch

    from heart.sounding.dance.checkpoint import open_checkpoint

    model = models_dir() / source / "card.toml"
    card = read_model(model.parent) if Path(source).name == source and model.is_file() else None
    found = open_checkpoint(card.weights if card else Path(source))
    rate_hz = int(card.card["sample_rate"]) if card else found.rate_hz or 0
    samples = int(card.card.get("samples", SAMPLES)) if card else found.samples or SAMPLES
    kind = torch.float16 if half else found.dtype
    if out.exists():
        raise UsageError(f"{shown(out)}: is there already; name another, or remove it first")
    if out.suffix == ".safetensors":
        _write_weights(found, out, rate_hz, samples, kind)
    else:
        with _new_folder(out) as part:
            _write_diffusers(found, part, rate_hz, samples, kind)
    return out


def _write_diffusers(found: Checkpoint, folder: Path, rate_hz: int, samples: int, kind: object) -> None:
    from safetensors.torch import save_file

    from heart.sounding.dance import checkpoint, layouts

    for inner in ("unet", "scheduler"):
        (folder / inner).mkdir()
    tensors = layouts.to_diffusers(found.state(kind), found.shape)  # type: ignore[arg-type]
    save_file(tensors, folder / "unet" / checkpoint.SAFE, {"format": "pt"})
    config = layouts.diffusers_config(found.shape, rate_hz, samples)
    index = {
        "_class_name": "DanceDiffusionPipeline",
        "scheduler": ["diffusers", "IPNDMScheduler"],
        "unet": ["diffusers", "UNet1DModel"],
    }
    scheduler = {"_class_name": "IPNDMScheduler", "num_train_timesteps": 1000, "trained_betas": None}
    for name, content in {
        "unet/config.json": config,
        "model_index.json": index,
        "scheduler/scheduler_config.json": scheduler,
    }.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _write_weights(found: Checkpoint, path: Path, rate_hz: int, samples: int, kind: object = None) -> None:
    from safetensors.torch import save_file

    notes = {"sample_rate": str(rate_hz), "sample_size": str(samples)}
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        save_file(found.state(kind), part, notes if rate_hz else {})  # type: ignore[arg-type]
        os.replace(part, path)
    except OSError as error:
        raise FileError(f"{shown(path)}: cannot be written ({error.strerror})") from None
    finally:
        part.unlink(missing_ok=True)


def _card(name: str, found: Checkpoint, weights: Path, rate_hz: int, samples: int) -> dict[str, object]:
    from heart.sounding.dance.model import CLASS

    return {
        "name": name,
        "kind": "offline",
        "class": CLASS,
        "words": f"Dance Diffusion, {samples / rate_hz:.2f} s at {rate_hz} Hz; heart generate --voice {name}",
        "sample_rate": rate_hz,
        "samples": samples,
        "licence": "that of whoever gave it to you; not passed on with this program",
        "weights": weights.name,
        "sha256": sha256(weights),
        "origin": {
            "file": found.path.name,
            "sha256": sha256(found.path),
            "layout": found.layout,
            "precision": str(found.dtype).removeprefix("torch."),
            "parameters": parameters(found),
            "widths": list(found.shape.widths),
            "attention": found.shape.attention,
        },
    }


def free_name(name: str) -> str:
    name = re.sub(r"[^a-z0-9.-]+", "-", name.lower()).strip("-.")
    from heart.sounding.registry import list_voices

    if not name or name in list_voices():
        raise UsageError(f"a model cannot be called {name!r}; give another name with --name")
    if (models_dir() / name).exists():
        raise UsageError(f"{models_dir() / name}: is there already; remove it first, or give another --name")
    return name


def root() -> Path:
    """The models' folder, made where it is missing."""
    root = models_dir()
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not os.access(root, os.W_OK):
            raise PermissionError(0, "no permission")
    except OSError as error:
        reason = error.strerror
        raise FileError(f"{root}: cannot be written ({reason}); name another folder with HEART_MODELS") from None
    return root


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill, which takes its place when all of it is there."""
    import shutil

    if folder.parent == models_dir():
        root()
    if not folder.parent.is_dir():
        raise FileError(f"{shown(folder)}: there is no folder {shown(folder.parent)}; make it first")
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
    try:
        yield part
        part.chmod(0o755)
        os.replace(part, folder)
    except OSError as error:
        raise FileError(f"{shown(folder)}: cannot be written ({error.strerror})") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
