"""The voice's net on onnxruntime: the same arithmetic in 0.55 of torch's time on a CPU.

The graph `net-<shape>.onnx` in a voice's folder holds no weights, only the order of operations for nets of one
shape (`learning/voice_graph.py` writes it); the weights come from the safetensors file that the card proves. A
voice whose shape has no graph is run by torch.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from heart.errors import FileError
from heart.sounding.elsewhere import NetElsewhere
from heart.sounding.net import NetShape, VoiceNet
from heart.sounding.together import SharedNet

log = logging.getLogger(__name__)

CPU = torch.device("cpu")
BODY = ("bands", "conditions", "widths", "stride", "blocks", "attention_from", "embedding")
"""What of a shape the graph depends on."""
EMBEDDING = ("frequencies", "time.", "label.", "style.")
"""Parameters of what stays with torch: it takes no time, and knows what labels and styles a voice has."""
INPUTS = ("x", "conditions", "embedding")


def graph_name(shape: NetShape) -> str:
    """File name of the graph for nets of this shape."""
    text = json.dumps([getattr(shape, name) for name in BODY])
    return f"net-{hashlib.sha256(text.encode()).hexdigest()[:8]}.onnx"


def open_net(net: VoiceNet, folder: Path, device: torch.device = CPU) -> SharedNet:
    """The net as a voice sings with it: on a CPU by onnxruntime where `folder` has its graph, else by torch.

    Raises FileError when onnxruntime refuses the graph.
    """
    if device != CPU:
        return SharedNet(NetElsewhere(net, device))
    path = folder / graph_name(net.shape)
    if path.is_file():
        return SharedNet(GraphNet(net, path))
    log.info("%s: no such graph, so torch runs the net, in twice the time", path)
    return SharedNet(net)


class GraphNet:
    """Called like a `VoiceNet`; any number of items, any multiple of `shape.multiple` frames.

    Uses as many threads as torch does when it is made.
    """

    stacks = False
    """Four items at once take as long as four times one."""

    def __init__(self, net: VoiceNet, path: Path) -> None:
        import onnxruntime

        self.shape, self.embed = net.shape, net.embed
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
        options.log_severity_level = 3
        # Threads that spin while they wait steal the cores of sound and sockets.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        body = {name: value for name, value in net.state_dict().items() if not name.startswith(EMBEDDING)}
        names, values = zip(*(_initialiser(name, value) for name, value in body.items()))
        self._values = values  # the session reads them where they are
        options.add_external_initializers(list(names), list(values))
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has a dozen exceptions of its own and no root for them
            text = str(error).strip().splitlines() or [repr(error)]
            raise FileError(f"{path}: cannot be run ({text[0]}); delete it to sing by torch, slower") from None

    def __call__(self, x: Tensor, t: Tensor, conditions: Tensor, label: Tensor, style: Tensor) -> Tensor:
        """v [B, bands, T] as `VoiceNet.forward` gives it, within 1e-5."""
        tensors = (x, conditions, self.embed(t, label, style))
        given = {name: tensor.contiguous().numpy() for name, tensor in zip(INPUTS, tensors)}
        return torch.from_numpy(self._session.run(["v"], given)[0])


def _initialiser(name: str, value: Tensor) -> tuple[str, Any]:
    import onnxruntime

    return name, onnxruntime.OrtValue.ortvalue_from_numpy(value.detach().float().contiguous().numpy())
