"""The voice's weights on disk: one safetensors file with the net's shape, its tensors and the styles.

Tensors are fp16 (the net's own arithmetic stays fp32). Nothing in the file is executed.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from heart.errors import FileError
from heart.sounding.headers import check_header
from heart.sounding.net import NetShape, VoiceNet

FORMAT = "heart-voice-1"


@dataclass(frozen=True)
class Weights:
    """A loaded voice: the net in fp32, ready for inference, and the styles of its training clips."""

    net: VoiceNet
    styles: np.ndarray
    """float32 [clips, styles]."""
    style_labels: np.ndarray
    """int64 [clips]: index into the shape's labels."""
    contours: np.ndarray | None = None
    """float32 [clips, ROWS, PHRASE] in dB, of textures: see `contour.py`."""


def save_net(
    net: VoiceNet, styles: np.ndarray, style_labels: np.ndarray, path: Path, contours: np.ndarray | None = None
) -> None:
    """Write a net and the styles (and contours) of its clips to `path`, complete or not at all."""
    tensors = {f"net.{key}": value.detach().cpu().half() for key, value in net.state_dict().items()}
    tensors["styles"] = torch.from_numpy(styles).half()
    tensors["style_labels"] = torch.from_numpy(style_labels)
    if contours is not None:
        tensors["contours"] = torch.from_numpy(contours).half()
    about = {"format": FORMAT, "shape": json.dumps(net.shape.to_dict())}
    partial = path.with_suffix(".part")
    save_file({key: value.contiguous() for key, value in tensors.items()}, partial, about)
    os.replace(partial, path)


def load_net(path: Path) -> Weights:
    """Read a voice. Raises FileError when the file is missing, damaged or of another kind."""
    try:
        check_header(path)
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            if about.get("format") != FORMAT:
                raise FileError(f"{path}: not a voice of this program (format {about.get('format')!r})")
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        return _assemble(about, tensors)
    except FileNotFoundError:
        raise FileError(f"{path}: no such file; `heart models check` lists what should be there") from None
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise FileError(f"{path}: damaged or not a voice ({reason}); fetch it again") from None


def _assemble(about: dict[str, str], tensors: dict[str, Any]) -> Weights:
    wanted: dict[str, Any] = json.loads(about["shape"])
    known = {field.name for field in fields(NetShape)}
    values: dict[str, Any] = {key: _fixed(value) for key, value in wanted.items() if key in known}
    shape = NetShape(**values)
    # On the meta device this would draw no numbers, but waking that device costs more than a second.
    net = VoiceNet(shape)
    state = {key[4:]: value.float() for key, value in tensors.items() if key.startswith("net.")}
    broken = [name for name, value in state.items() if not bool(torch.isfinite(value).all())]
    if broken:
        raise ValueError(f"{broken[0]} holds values that are no numbers")
    net.load_state_dict(state)
    styles = tensors["styles"].float().numpy()
    contours = tensors["contours"].float().numpy() if "contours" in tensors else None
    return Weights(net.eval().requires_grad_(False), styles, tensors["style_labels"].numpy(), contours)


def _fixed(value: Any) -> Any:
    """Lists of a JSON object are tuples in a shape."""
    return tuple(value) if isinstance(value, list) else value
