"""ResNet-18 (He, Zhang, Ren, Sun: Deep residual learning for image recognition, CVPR 2016) for spectrograms.

Names of layers and parameters are those of torchvision's resnet18, so that a file of ImageNet weights fits; the
three colours of the first convolution are averaged into the one channel of a spectrogram.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from heart.errors import FileError

STAGES = 4
BLOCKS = 2
"""Blocks in each stage: two, each of two convolutions, with the first convolution and the last layer make 18."""


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and a way around them: [B, inputs, h, w] to [B, outputs, h / stride, w / stride]."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """image: float32 [B, inputs, h, w]."""
        around = image if self.downsample is None else self.downsample(image)
        inside = torch.relu(self.bn1(self.conv1(image)))
        return torch.relu(self.bn2(self.conv2(inside)) + around)


class ResNet18(nn.Module):
    """[B, 1, h, w] images to [B, outputs] logits.

    width: channels of the first stage (64 in the paper), doubled by each of the three further stages; dropout:
    share of the last features left out in training.
    """

    def __init__(self, outputs: int, width: int = 64, dropout: float = 0.0) -> None:
        super().__init__()
        self.width = width
        self.conv1 = nn.Conv2d(1, width, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, 2, padding=1)
        channels = [width, *(width << stage for stage in range(STAGES))]
        for stage in range(STAGES):
            self.add_module(f"layer{stage + 1}", _stage(channels[stage], channels[stage + 1], min(stage, 1) + 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels[-1], outputs)

    def features(self, image: torch.Tensor) -> torch.Tensor:
        """The last maps before pooling: [B, 8 * width, h / 32, w / 32]."""
        image = self.maxpool(torch.relu(self.bn1(self.conv1(image))))
        for stage in range(STAGES):
            image = self.get_submodule(f"layer{stage + 1}")(image)
        return image

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """image: float32 [B, 1, h, w], any h and w from 1. Returns logits [B, outputs]."""
        logits: torch.Tensor = self.fc(self.dropout(self.features(image).mean((2, 3))))
        return logits

    def load_imagenet(self, path: Path) -> None:
        """Take the weights of a file with torchvision's resnet18 (.pth or .safetensors); the last layer stays.

        Only for width 64. Raises FileError for a file that is missing, damaged or of another net; loading runs no
        code from the file.
        """
        state = {name: value for name, value in read_weights(path).items() if not name.startswith("fc.")}
        if self.width != 64:
            raise FileError(f"{path}: holds a net of width 64 and this one has {self.width}; make it with width=64")
        first = state.get("conv1.weight")
        if first is not None and first.ndim == 4 and first.shape[1] == 3:
            state["conv1.weight"] = first.float().mean(1, keepdim=True)
        wanted = {name: value for name, value in self.state_dict().items() if not name.startswith("fc.")}
        for name, value in wanted.items():
            if name.endswith("num_batches_tracked"):
                state.setdefault(name, value)
            elif name not in state or state[name].shape != value.shape:
                found = "lacks it" if name not in state else f"has it as {tuple(state[name].shape)}"
                raise FileError(f"{path}: no resnet18; {name} should be {tuple(value.shape)}, the file {found}")
        self.load_state_dict({name: state[name] for name in wanted}, strict=False)


def read_weights(path: Path) -> Mapping[str, torch.Tensor]:
    """Tensors by name from a .safetensors file or a .pth of a plain state dict. Raises FileError."""
    path = Path(path)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise FileError(f"{path}: cannot be read as weights ({str(error).splitlines()[0]})") from None
    except Exception as error:  # safetensors has its own
        raise FileError(f"{path}: cannot be read as weights ({error})") from None
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise FileError(f"{path}: holds no state dict; save one with torch.save(net.state_dict(), PATH)")
    return state


def _stage(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        *(BasicBlock(inputs if n == 0 else outputs, outputs, stride if n == 0 else 1) for n in range(BLOCKS))
    )
