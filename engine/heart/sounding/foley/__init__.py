"""Sounds from arithmetic that the piece needs beside hearts: weather, water, birds, breath, a jazz trio.

Each is a function (seconds, random) -> float64 [n] at 44.1 kHz, and lives on a circle (`circle.py`): its last
sample leads over to its first, so that it loops without a seam. Levels are left to whoever writes the file.

numpy, and scipy for one string; made for files, seconds of arithmetic each, and never part of a live engine.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import numpy as np

Maker = Callable[[float, np.random.Generator], np.ndarray]

MAKERS = {
    "rain": "rain:rain",
    "storm": "storm:storm",
    "sea": "sea:sea",
    "birds": "birds:birds",
    "breath": "breath:breath",
    "jazz": "trio:trio",
}
"""Where each is made; nothing is loaded before it is asked for."""


def make(name: str, seconds: float, seed: int) -> np.ndarray:
    """Make a sound of MAKERS: float64 [n], a loop of about `seconds` (a trio plays whole bars).

    The same arguments give the same samples. `seconds` is at least 2.
    """
    module, function = MAKERS[name].split(":")
    maker: Maker = getattr(import_module(f"{__name__}.{module}"), function)
    return maker(seconds, np.random.default_rng([seed, *name.encode()]))
