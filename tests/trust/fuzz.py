"""What a fuzzer feeds: one function a target, which may refuse by HeartError and nothing else.

python -m trust.fuzz osc -max_total_time=600        # by atheris, where it is installed
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from heart.errors import HeartError

CORPUS = Path(__file__).parent / "corpus"
_FOLDER = (
    Path(tempfile.mkdtemp(prefix="heart-fuzz-")) if "pytest" not in sys.modules else Path(tempfile.gettempdir())
)
_FILE = _FOLDER / f"heart-fuzz-{os.getpid()}"


def _written(data: bytes, suffix: str) -> Path:
    path = _FILE.with_suffix(suffix)
    path.write_bytes(data)
    return path


def osc(data: bytes) -> None:
    from heart.namespace import check
    from heart.plumbing.osc import decode_dated

    for _, (address, args) in decode_dated(data):
        check(address, args, "client")


def header(data: bytes) -> None:
    from heart.ecg.header import read_header

    read_header(_written(data, ".hea"))


def beats(data: bytes) -> None:
    from heart.stage.beat_files import read_track

    read_track(_written(data, ".csv"))


def preset(data: bytes) -> None:
    from heart.stage.small_files import read_json

    read_json(_written(data, ".json"))


def sound(data: bytes) -> None:
    from heart.audio import read_audio

    read_audio(_written(data, ".wav"), 44_100, max_seconds=10)


def weights(data: bytes) -> None:
    from heart.sounding.headers import check_header

    with contextlib.suppress(ValueError):
        check_header(_written(data, ".safetensors"))


TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (osc, header, beats, preset, sound, weights)
}


def seeds(target: str) -> list[bytes]:
    """The corpus of a target: small files that are right, or nearly."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


def feed(target: str, data: bytes) -> None:
    """A HeartError is an answer; anything else is a finding."""
    with contextlib.suppress(HeartError):
        TARGETS[target](data)


def run(target: str, mutants: int, seed: int) -> tuple[int, float]:
    """So many mutants of the corpus; how many, and the slowest in ms of processor time."""
    dice, slowest = np.random.default_rng(seed), 0.0
    corpus = seeds(target)
    for number in range(mutants):
        data = mutant(dice, corpus[number % len(corpus)])
        began = time.process_time()
        feed(target, data)
        slowest = max(slowest, time.process_time() - began)
    for left in _FOLDER.glob(f"{_FILE.name}.*"):
        left.unlink()
    return mutants, 1000 * slowest


def mutant(dice: np.random.Generator, seed: bytes) -> bytes:
    """Bytes changed, cut out, doubled, cut off."""
    data = bytearray(seed)
    for _ in range(dice.integers(1, 8)):
        at, kind = int(dice.integers(len(data) + 1)), dice.integers(4)
        if kind == 0 and at < len(data):
            data[at] = dice.integers(256)
        elif kind == 1:
            data[at : at + 4] = dice.integers(0, 256, 4, dtype=np.uint8).tobytes()
        elif kind == 2:
            del data[at : at + int(dice.integers(1, 9))]
        else:
            data[at:at] = data[: int(dice.integers(1, 33))]
    return bytes(data)


def main() -> None:
    """Under atheris, with coverage of our own code."""
    import atheris

    target = sys.argv.pop(1)
    with atheris.instrument_imports(include=["heart"]):
        for seed in seeds(target):
            feed(target, seed)
    atheris.Setup([*sys.argv, str(CORPUS / target)], lambda data: feed(target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
