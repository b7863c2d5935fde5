"""`heart generate`, `vary`, `morph`, `continue` and `inpaint` with a Dance Diffusion net: files in, files out.

Offline by nature: before it starts it says how long it will take; a bar says how much is left; every sound is
written when it is done, so that Ctrl-C loses only the one under way. Files have the net's own rate and channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from heart.audio import read_audio, write_audio
from heart.cards import read_model
from heart.config import models_dir
from heart.errors import UsageError
from heart.stage.offline import check_name, file_names
from heart.stage.remade import CEILING, numbers, read_path

if TYPE_CHECKING:
    from torch import Tensor

    from heart.sounding.dance.model import Dance
    from heart.sounding.dance.recipe import Recipe

LONG_S = 10.0
"""What takes longer is announced."""
LONGEST_S = 600.0
STEPS = 100
"""Of the notebook; the live voices' eight would leave noise."""


def is_dance_voice(name: str) -> bool:
    """Whether a voice's name is that of a Dance Diffusion model. Loads nothing heavy."""
    card = models_dir() / name / "card.toml"
    return Path(name).name == name and card.is_file() and read_model(card.parent).card["class"].endswith(":Dance")


@dataclass(frozen=True)
class Work:
    """An open net and how to sample with it."""

    dance: Dance
    recipe: Recipe
    console: Console

    @contextmanager
    def under_way(
        self, samples: int, calls: int | None, at_once: int = 1, window: int | None = None
    ) -> Iterator[Any]:
        """Announce `calls` of the net for so many samples each, then show them pass; yields what to call.

        Raises UsageError for what this machine has no memory for, even in windows.
        """
        window = window or self.dance.window(samples)
        windows, step_s = self.dance.windows(samples, window), self.dance.step_s(window, at_once)
        if windows > 1:
            self._say(f"sung in {windows} windows of {window / self.dance.rate_hz:.1f} s")
        if calls is None:
            self._say(f"steps of {step_s * windows:.1f} s, their number decided on the way")
        else:
            calls *= windows
        if calls and calls * step_s > LONG_S:
            self._say(f"{calls} steps of {step_s:.1f} s: about {spoken(calls * step_s)}")
        columns = (TextColumn("sampling"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        bar = Progress(*columns, console=self.console, transient=True)
        bar.disable = not self.console.is_terminal
        with bar:
            task = bar.add_task("", total=calls)
            yield lambda: bar.advance(task)

    def _say(self, text: str) -> None:
        where = f"{self.dance.name} on {self.dance.device.type}, {self.dance.precision}"
        self.console.print(f"{where}: {text}; Ctrl-C ends it", highlight=False, soft_wrap=True)

    def write(self, out: Path, sound: Tensor, given: Tensor | None = None) -> Path:
        """A sound [C, n] as a file: finite, at most -1 dBFS. Of a given one nothing may change but what is louder
        than both."""
        values = np.nan_to_num(sound.numpy().T)
        if given is None:
            values = values * np.float32(min(1.0, CEILING / max(float(np.abs(values).max()), 1e-9)))
        else:
            most = np.float32(max(CEILING, float(given.abs().max())))
            values = values.clip(-most, most)
        write_audio(out, values, self.dance.rate_hz, "PCM_24")
        self.console.print(f"{out}: {len(values) / self.dance.rate_hz:.2f} s", highlight=False, soft_wrap=True)
        return out

    def read(self, path: Path) -> Tensor:
        """A sound file as the net wants it: [C, n] at its rate. Raises FileError."""
        import torch

        sound, _ = read_audio(path, rate_hz=self.dance.rate_hz, mono=False, max_seconds=LONGEST_S)
        channels = self.dance.shape.channels
        if sound.shape[1] != channels:
            sound = np.repeat(sound.mean(1, keepdims=True), channels, 1)
        return torch.from_numpy(np.ascontiguousarray(sound.T))

    def samples(self, seconds: float | None) -> int:
        """How many; without a length the net's own. Raises UsageError beyond what can be."""
        if seconds is not None and not 0 < seconds <= LONGEST_S:
            raise UsageError(f"seconds {seconds:g}: must lie above 0, at most {LONGEST_S:g}")
        count = self.dance.samples if seconds is None else round(seconds * self.dance.rate_hz)
        if count % self.dance.shape.multiple or count < self.dance.shape.fitting(1):
            self.console.print(
                f"{count} samples: the net takes a multiple of {self.dance.shape.multiple}, so "
                f"{self.dance.shape.fitting(count)} are sampled and the rest is cut off",
                highlight=False,
                soft_wrap=True,
            )
        return count


def open_work(
    voice: str,
    sampler: str = "iplms",
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    precision: str = "float32",
    chunk: float | None = None,
    **recipe: Any,
) -> Work:
    """Open the net called `voice`; `chunk` is in seconds. Raises UsageError or FileError, in words."""
    from heart.sounding.dance.model import Dance
    from heart.sounding.dance.recipe import Recipe

    how = Recipe(sampler=sampler, steps=steps or STEPS, seed=seed, **recipe)
    how.check()
    return Work(Dance(models_dir() / voice, device, precision, chunk_s=chunk), how, Console(stderr=True))


def generate_files(
    out: Path, count: int | None, seconds: float | None = None, seed: int = 0, **how: Any
) -> list[Path]:
    """New sounds: one file, or `count` of them with seeds seed, seed + 1, ... in the folder `out`."""
    from heart.sounding.dance.modes import generate

    files, work = file_names(out, count, seed), open_work(seed=seed, **how)
    samples = work.samples(seconds)
    size = 1 if work.recipe.random else work.dance.at_once(samples)
    groups = [range(first, min(first + size, len(files))) for first in range(0, len(files), size)]
    calls = work.recipe.calls()
    with work.under_way(samples, calls and calls * len(groups), min(size, len(files))) as told:
        for group in groups:
            sounds = generate(work.dance, work.recipe, [seed + number for number in group], samples, told)
            for number, sound in zip(group, sounds):
                work.write(files[number], sound)
    return files


def vary_file(
    path: Path, out: Path, strength: float, count: int | None = None, seed: int = 0, **how: Any
) -> list[Path]:
    """The sound in `path` re-imagined, once or `count` times. For the strength see `Recipe.vary`."""
    from heart.sounding.dance.modes import vary

    files, work = file_names(out, count, seed), open_work(seed=seed, **how)
    most = 1.0 if work.recipe.sampler in ("iplms", "ddim") else work.recipe.sigma_max
    if not 0 <= strength <= most:
        raise UsageError(f"strength {strength:g}: must lie between 0 and {most:g}")
    sound, calls = work.read(path), work.recipe.calls(strength)
    with work.under_way(sound.shape[1], calls and calls * len(files)) as told:
        for number, file in enumerate(files):
            work.write(file, vary(work.dance, work.recipe, sound, strength, [seed + number], told)[0])
    return files


def morph_files(
    paths: Sequence[Path],
    out: Path,
    weights: str | None = None,
    path: Path | None = None,
    count: int | None = None,
    **how: Any,
) -> list[Path]:
    """Between the sounds: one mixture by weights, `count` from first to last, or one for each row of a file."""
    from heart.sounding.dance.modes import between, from_noise, invert, positions
    from heart.sounding.sources import share

    if sum(given is not None for given in (weights, path, count)) > 1:
        raise UsageError("give one of --weights, --path and --count")
    if len(paths) < 2:
        raise UsageError("a morph needs two sounds or more")
    if count is not None:
        mixtures = positions(len(paths), count)
    elif path is not None:
        mixtures = [row for _, row in read_path(path)]
    else:
        mixtures = [numbers(weights, "--weights") if weights is not None else [1.0] * len(paths)]
    mixtures = [share(mixture, len(paths)) for mixture in mixtures]
    single = count is None and path is None
    files, work = file_names(out, None if single else len(mixtures), 0, "morph"), open_work(**how)
    sounds = [work.read(name) for name in paths]
    samples, calls = max(sound.shape[1] for sound in sounds), work.recipe.calls()
    back = work.recipe.steps * len(sounds)
    with work.under_way(samples, calls and back + calls * len(files)) as told:
        noises = invert(work.dance, work.recipe, sounds, told)
        for file, mixture in zip(files, mixtures):
            work.write(file, from_noise(work.dance, work.recipe, between(noises, mixture), samples, told))
    return files


def continue_file(path: Path, out: Path, seconds: float, seed: int = 0, **how: Any) -> Path:
    """The sound in `path` and `seconds` more."""
    from heart.sounding.dance.modes import extend, last_known

    check_name(out)
    work = open_work(seed=seed, **how)
    sound, more = work.read(path), round(seconds * work.dance.rate_hz)
    window = work.dance.window(work.dance.samples)
    samples = last_known(work.dance, sound.shape[1]) + more
    with work.under_way(samples, work.recipe.calls(), window=window) as told:
        return work.write(out, extend(work.dance, work.recipe, sound, more, seed, told), sound)


def inpaint_file(path: Path, out: Path, from_s: float, to_s: float, seed: int = 0, **how: Any) -> Path:
    """The sound in `path` with a span of it sung anew."""
    from heart.sounding.dance.modes import inpaint

    check_name(out)
    work = open_work(seed=seed, **how)
    sound = work.read(path)
    length_s = sound.shape[1] / work.dance.rate_hz
    if not 0 <= from_s < to_s <= length_s:
        raise UsageError(
            f"span {from_s:g} to {to_s:g} s: must lie in order within the {length_s:.2f} s of the sound"
        )
    begin, end = (round(at_s * work.dance.rate_hz) for at_s in (from_s, to_s))
    with work.under_way(sound.shape[1], work.recipe.calls()) as told:
        return work.write(out, inpaint(work.dance, work.recipe, sound, begin, end, seed, told), sound)


def spoken(seconds: float) -> str:
    """ "45 s", "9 min 10 s", "3 h 5 min"."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes else f"{rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
