"""A Dance Diffusion net that is open: where it runs, in what precision, and how many sounds at once."""

from __future__ import annotations

import math
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
from heart.sounding.dance.windows import begins, by_windows, even
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
CARRIED = 24
"""Copies of a whole sound that a sampler holds while the net sees it window by window, beside what is read."""


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
        chunk_s: longer sounds are sung in windows of so many seconds, rounded up to what the net takes; None: only
            those that do not fit into the memory, in the largest that do.

    Raises:
        FileError: card or weights are missing or damaged.
        UsageError: no such device, a precision it does not have, or a window of no length.
    """

    def __init__(
        self,
        folder: Path,
        device: str = "auto",
        precision: str = "float32",
        threads: int = 0,
        chunk_s: float | None = None,
    ) -> None:
        if chunk_s is not None and not 0 < chunk_s < math.inf:
            raise UsageError(f"chunk {chunk_s:g} s: must lie above 0")
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
        self.chunk = None if chunk_s is None else self.shape.fitting(round(chunk_s * self.rate_hz))
        """Samples of a window, if that was asked for."""

    @property
    def shape(self) -> DanceShape:
        return self.net.shape

    def denoiser(self, told: Callable[[], object] = lambda: None, window: int | None = None) -> Denoiser:
        """(x, t) -> v on the CPU in float32, wherever the net runs; `told` is called after every answer.

        It answers by windows of so many samples; None: see `self.window`.
        """
        kind = getattr(torch, self.precision)

        @torch.inference_mode()
        def denoise(x: Tensor, t: float) -> Tensor:
            there = x.to(self.device, torch.float32)
            with torch.autocast(self.device.type, kind, enabled=kind != torch.float32):
                v = self.net(there, torch.full((len(x),), t, device=self.device))
            told()
            return v.to("cpu", torch.float32)

        return by_windows(denoise, lambda samples: window or self.window(samples), self.shape.multiple)

    def at_once(self, samples: int) -> int:
        """How many sounds of so many samples fit into the memory set aside."""
        return max(1, AT_ONCE_BYTES[self.device.type] // self.bytes_for(self.window(samples)))

    def bytes_for(self, samples: int) -> int:
        """Memory that the net needs for one sound, beside its weights."""
        return COPIES * 4 * self.shape.widths[0] * self.shape.fitting(samples)

    def window(self, samples: int) -> int:
        """How many samples the net is asked for at once to sing so many: all, or a window of them.

        Raises:
            UsageError: this machine has no memory for the window that was asked for, or for any.
        """
        whole, there = self.shape.fitting(samples), memory_bytes(self.device)
        wished = min(whole, self.chunk or whole)
        if there is None or self.bytes_for(wished) <= SHARE * there:
            return wished
        most = self._fitting_memory(whole, SHARE * there)
        if most and self.chunk is None:
            return even(whole, most, self.shape.multiple)
        way_out = f"take at most --chunk {most / self.rate_hz:.1f}" if most else "cut the sound"
        raise UsageError(
            f"{wished / self.rate_hz:.1f} s at once need {self.bytes_for(wished) / 1e9:.1f} GB of "
            f"{there / 1e9:.1f} GB: {way_out}"
        )

    def _fitting_memory(self, whole: int, most_bytes: float) -> int:
        """Samples of the largest window over a sound that fits; 0 where none does."""
        carried = 0 if self.device.type == "cuda" else CARRIED * 4 * self.shape.channels * whole
        least = self.shape.fitting(1)
        multiples = int((most_bytes - carried) * least / self.bytes_for(least)) // self.shape.multiple
        return multiples * self.shape.multiple if multiples * self.shape.multiple >= least else 0

    def windows(self, samples: int, window: int) -> int:
        """How many of them a sound takes."""
        return len(begins(self.shape.fitting(samples), window, self.shape.multiple))

    def step_s(self, samples: int, count: int = 1) -> float:
        """Seconds that one answer to `count` sounds will take, by the second of two at the shortest length.

        Settles the number of threads as well: on cores that others keep busy, two that wait for each other lose.
        """
        spent_s = {}
        for threads in self.threads:
            torch.set_num_threads(threads)
            self._short_step_s()  # the first is slower: kernels are chosen and weights laid out for them
            spent_s[threads] = self._short_step_s()
        best = min(spent_s, key=spent_s.__getitem__)
        torch.set_num_threads(best)
        return spent_s[best] * self.window(samples) / self.shape.fitting(1) * count

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
