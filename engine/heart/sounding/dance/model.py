"""A Dance Diffusion net that is open: where it runs, in what precision, and how many sounds at once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from heart.cards import Model, read_model
from heart.errors import FileError, UsageError
from heart.sounding.along import Denoiser
from heart.sounding.dance.checkpoint import open_checkpoint
from heart.sounding.dance.net import DanceNet, DanceShape
from heart.sounding.elsewhere import find_device

CLASS = "heart.sounding.dance.model:Dance"
"""What the card of such a model says."""
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("float32", "bfloat16", "float16")
AT_ONCE_BYTES = {"cpu": 1 << 30, "cuda": 8 << 30, "mps": 2 << 30}
"""Of what the net needs beside its weights, for all sounds sampled at once."""
COPIES = 8
"""Full-rate layers in memory at once. Measured: 7.3 at 65,536 samples."""
SHARE = 0.8
"""Of the machine's memory that one sound may need."""


def is_dance(model: Model) -> bool:
    """Whether a model folder holds such a net."""
    return model.card.get("class") == CLASS


class Dance:
    """A loaded net and what its card says.

    Args:
        folder: a model folder, see `stage/dance_models.py`.
        device: one of DEVICES; auto takes CUDA, else MPS, else CPU.
        precision: one of PRECISIONS, of convolutions and attention; norms and sampling stay in float32.
        threads: CPU threads; 0 tries all cores and half of them, see `step_s`.

    Raises:
        FileError: card or weights are missing or damaged.
        UsageError: no such device, or a precision it does not have.
    """

    def __init__(self, folder: Path, device: str = "auto", precision: str = "float32", threads: int = 0) -> None:
        self.device = find_device(device)
        if precision not in PRECISIONS or (precision == "float16" and self.device.type == "cpu"):
            raise UsageError(f"precision {precision!r}: take one of {', '.join(PRECISIONS)} (float16 not on a CPU)")
        model = read_model(folder)
        if not is_dance(model):
            raise FileError(f"{folder}: its card says {model.card['class']}, not {CLASS}")
        cores = os.cpu_count() or 1
        torch.set_num_threads(threads or cores)
        self.threads = (threads,) if threads else tuple({max(1, cores // 2), cores})
        """Numbers of CPU threads that may be best."""
        self.name, self.precision = model.name, precision
        self.rate_hz, self.samples = int(model.card["sample_rate"]), int(model.card.get("samples", 65_536))
        self.net: DanceNet = open_checkpoint(model.weights).net().to(self.device)

    @property
    def shape(self) -> DanceShape:
        return self.net.shape

    def denoiser(self, told: Callable[[], object] = lambda: None) -> Denoiser:
        """(x, t) -> v on the CPU in float32, wherever the net runs; `told` is called after every answer."""
        kind = getattr(torch, self.precision)

        @torch.inference_mode()
        def denoise(x: Tensor, t: float) -> Tensor:
            there = x.to(self.device, torch.float32)
            with torch.autocast(self.device.type, kind, enabled=kind != torch.float32):
                v = self.net(there, torch.full((len(x),), t, device=self.device))
            told()
            return v.to("cpu", torch.float32)

        return denoise

    def at_once(self, samples: int) -> int:
        """How many sounds of so many samples fit into the memory set aside."""
        return max(1, AT_ONCE_BYTES[self.device.type] // self.bytes_for(samples))

    def bytes_for(self, samples: int) -> int:
        """Memory that the net needs for one sound, beside its weights."""
        return COPIES * 4 * self.shape.widths[0] * self.shape.fitting(samples)

    def check_length(self, samples: int) -> None:
        """Raises UsageError for a sound that this machine has no memory for."""
        there, need = memory_bytes(self.device), self.bytes_for(samples)
        if there is not None and need > SHARE * there:
            most = int(samples * SHARE * there / need) / self.rate_hz
            raise UsageError(
                f"{samples / self.rate_hz:.1f} s need {need >> 30} GB of {there >> 30} GB: this machine "
                f"can do about {most:.0f} s at once; cut the sound"
            )

    def step_s(self, samples: int, count: int = 1) -> float:
        """Seconds that one step of `count` sounds will take, by the second of two at the shortest length.

        Settles the number of threads as well: on cores that others keep busy, two that wait for each other lose.
        """
        spent_s = {}
        for threads in self.threads:
            torch.set_num_threads(threads)
            self._short_step_s()  # the first is slower: kernels are chosen and weights laid out for them
            spent_s[threads] = self._short_step_s()
        best = min(spent_s, key=spent_s.__getitem__)
        torch.set_num_threads(best)
        return spent_s[best] * self.shape.fitting(samples) / self.shape.fitting(1) * count

    def _short_step_s(self) -> float:
        x, ask = torch.zeros(1, self.shape.channels, self.shape.fitting(1)), self.denoiser()
        began_s = time.perf_counter()
        ask(x, 0.5)
        return time.perf_counter() - began_s


def memory_bytes(device: torch.device) -> int | None:
    """All memory of a device; None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
