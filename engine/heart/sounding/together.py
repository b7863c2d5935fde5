"""Several wishes sung at once: each by the voice's own code in a thread of its own, one forward pass for all.

The threads take turns. Whoever calls the net waits until all others have called it too (or have finished); then
calls of the same size are stacked and answered together. So whatever a voice can sing it can sing together:
any sampler, any mode, windows of different sizes, also two nets at once. Where a stack is no faster than its parts
(onnxruntime on a CPU) the calls are answered one by one, or side by side: a wish then gives the very bits that it
gives alone.

    thread 1   noise ─▶ net ┐        ┌▶ step ─▶ net ┐
    thread 2   noise ─▶ net ┼▶ batch ┼▶ step ─▶ net ┼▶ batch ...
    thread 3   noise ─▶ net ┘        └▶ step ─▶ net ┘
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from heart.sounding.net import NetShape

T = TypeVar("T")
R = TypeVar("R")
_here = threading.local()
"""The party the running thread belongs to, if any."""


class Net(Protocol):
    """What predicts v: a `VoiceNet`, or its graph."""

    shape: NetShape

    def __call__(self, x: Tensor, t: Tensor, conditions: Tensor, label: Tensor, style: Tensor) -> Tensor: ...


class SharedNet:
    """A net that may be called from the threads of `together`; from any other thread it is the net itself."""

    def __init__(self, net: Net) -> None:
        self.net, self.shape = net, net.shape
        self.stacks: bool = getattr(net, "stacks", True)
        self.runtime: str = getattr(net, "runtime", type(net).__name__)
        """Who does the arithmetic: runtimes differ in the last bits."""

    def __call__(self, x: Tensor, t: Tensor, conditions: Tensor, label: Tensor, style: Tensor) -> Tensor:
        """See `VoiceNet.forward`."""
        given = (x, t, conditions, label, style)
        party: Party | None = getattr(_here, "party", None)
        return self.net(*given) if party is None else party.ask(self.net, given)


def together(sing: Callable[[T], R], wishes: Sequence[T]) -> list[R]:
    """[sing(wish) for wish in wishes], in shared forward passes. Raises what any of them raises."""
    party, answers, errors = Party(len(wishes)), dict[int, R](), list[BaseException]()

    def work(number: int) -> None:
        _here.party, _here.number = party, number
        try:
            answers[number] = sing(wishes[number])
        except BaseException as error:
            errors.append(error)
        finally:
            party.leave()

    threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(len(wishes))]
    for thread in threads:
        thread.start()
    party.serve()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [answers[number] for number in range(len(wishes))]


_workers: list[ThreadPoolExecutor] = []
"""The one pool for calls that are answered side by side, if there is one."""


def side_by_side(threads: int) -> None:
    """From now on let so many calls that are no stack be answered at once, in this process; 1: one by one."""
    while _workers:
        _workers.pop().shutdown(wait=False)
    if threads > 1:
        _workers.append(ThreadPoolExecutor(threads, "nets"))


class _Call:
    """A net asked for, and its answer."""

    def __init__(self, net: Net, given: tuple[Tensor, ...], number: int) -> None:
        self.net, self.given = net, given
        self.number = number
        """Of the wish; calls are stacked in this order, because the last bits depend on it."""
        self.answer: Tensor | None = None
        self.error: Exception | None = None

    @property
    def kind(self) -> tuple[Any, ...]:
        """Calls of one kind are answered as one."""
        if not getattr(self.net, "stacks", True):
            return (self.number,)
        return id(self.net), *((tensor.shape[1:], tensor.dtype) for tensor in self.given)


class Party:
    """Who sings together: `ask` and `leave` come from the members' threads, `serve` from the one that waits."""

    def __init__(self, members: int) -> None:
        self._members = members
        self._calls: list[_Call] = []
        self._changed = threading.Condition()

    def ask(self, net: Net, given: tuple[Tensor, ...]) -> Tensor:
        """The net's answer, once all other members have asked too."""
        call = _Call(net, given, _here.number)
        with self._changed:
            self._calls.append(call)
            self._changed.notify_all()
            self._changed.wait_for(lambda: call.answer is not None or call.error is not None)
        if call.error is not None:
            raise call.error
        assert call.answer is not None
        return call.answer

    def leave(self) -> None:
        """A member has finished."""
        with self._changed:
            self._members -= 1
            self._changed.notify_all()

    def serve(self) -> None:
        """Answer until all have left."""
        with self._changed:
            while self._changed.wait_for(lambda: len(self._calls) == self._members) and self._members:
                kinds: dict[Any, list[_Call]] = defaultdict(list)
                for call in sorted(self._calls, key=lambda call: call.number):
                    kinds[call.kind].append(call)
                run = _workers[0].map if _workers else map
                list(run(_answer, kinds.values()))
                self._calls.clear()
                self._changed.notify_all()


@torch.inference_mode()
def _answer(calls: list[_Call]) -> None:
    """One forward pass for calls of one kind."""
    try:
        stacked = [torch.cat(tensors) for tensors in zip(*(call.given for call in calls))]
        answers = calls[0].net(*stacked).split([len(call.given[0]) for call in calls])
    except Exception as error:
        for call in calls:
            call.error = error
    else:
        for call, answer in zip(calls, answers):
            call.answer = answer
