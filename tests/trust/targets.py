"""Voices that go wrong: run in processes of their own, so they are found by the module's name."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from heart.plumbing.child import Pipe
from heart.sounding.choir import sing_all
from heart.sounding.pulse import Pulse


def slow_echo(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """Takes a second to load, then sends everything back."""
    time.sleep(1.0)
    pipe.ready()
    while True:
        record = pipe.receive(timeout_s=1.0)
        if record is not None:
            pipe.send(record)


def failing(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """Raises at every wish."""
    pipe.ready()
    while True:
        if pipe.receive(timeout_s=1.0) is not None:
            raise RuntimeError("this voice never sings")


def short(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """Answers with half of what was asked."""
    _sing(pipe, lambda audio: audio[: len(audio) // 2])


def not_a_number(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """Answers with NaN."""
    _sing(pipe, lambda audio: np.full_like(audio, np.nan))


def _sing(pipe: Pipe, spoil: Callable[[np.ndarray], np.ndarray]) -> None:
    voice = Pulse()
    pipe.ready()
    while True:
        wish = pipe.receive(timeout_s=1.0)
        if wish is not None:
            chunk = sing_all(voice, wish)
            pipe.send(replace(chunk, audio=spoil(chunk.audio)))
