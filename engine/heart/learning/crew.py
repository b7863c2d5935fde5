"""The processes that learn together: one, or those that `accelerate launch` started.

    accelerate launch --num_processes 2 --mixed_precision fp16 -m heart train voice-heart --data DATA
    torchrun --nproc-per-node 2 -m heart train voice-heart --data DATA      # the same on processors alone

Each weaves windows of its own; what they learn from them is averaged before every step, so all have the same
weights all the time. The first one says how much time is spent, validates, writes and publishes. With one process
that accelerate did not start, nothing here does anything, and accelerate is not even imported.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from heart.errors import UsageError

LARGEST_GRADIENT = 1.0


def device() -> torch.device:
    """CUDA, MPS or CPU, the first that is there."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


class Crew:
    """One process, on the best device there is."""

    rank, count = 0, 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that validates and writes."""
        return self.rank == 0

    @property
    def where(self) -> torch.device:
        """Where this process computes."""
        return device()

    def join(self, net: Any, optimiser: Any) -> tuple[Any, Any]:
        """The net to ask and the optimiser to step with; the net itself keeps its weights and its state."""
        return net, optimiser

    def learn_from(self, loss: Tensor, net: Any) -> None:
        """Gradients of the loss, averaged over all processes and held to LARGEST_GRADIENT."""
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), LARGEST_GRADIENT)

    def as_first(self, number: float) -> float:
        """The number that the first process has."""
        return number

    def first_alone(self) -> AbstractContextManager[Any]:
        """The others wait outside until the first one is through."""
        return nullcontext()

    def wait(self) -> None:
        """Until all are here."""


class Launched(Crew):
    """Started by accelerate: its devices, its mixed precision (fp16 with a scaled loss), its processes."""

    def __init__(self) -> None:
        try:
            from accelerate import Accelerator
        except ImportError:
            raise UsageError("training on several devices needs accelerate: pip install -e '.[train]'") from None
        self._all = Accelerator(cpu=device().type == "cpu")
        self.rank, self.count = self._all.process_index, self._all.num_processes

    @property
    def where(self) -> torch.device:
        return self._all.device

    def join(self, net: Any, optimiser: Any) -> tuple[Any, Any]:
        together = self._all.prepare(net, optimiser)
        return together[0], together[1]

    def learn_from(self, loss: Tensor, net: Any) -> None:
        self._all.backward(loss)
        self._all.clip_grad_norm_(net.parameters(), LARGEST_GRADIENT)

    def as_first(self, number: float) -> float:
        from accelerate.utils import broadcast

        if self.count == 1:
            return number
        return float(broadcast(torch.tensor([number], device=self.where, dtype=torch.float32))[0])

    def first_alone(self) -> AbstractContextManager[Any]:
        return self._all.main_process_first()

    def wait(self) -> None:
        self._all.wait_for_everyone()


@lru_cache
def crew() -> Crew:
    """The crew of this process."""
    launched = {"ACCELERATE_MIXED_PRECISION", "LOCAL_RANK"} & set(os.environ)
    return Launched() if launched else Crew()
