"""Parameters on their way to a value, on the tape's clock. Time comes in as tape frames."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any

from heart.records import SAMPLE_RATE_HZ
from heart.sounding.glide import Glide, still

PACE = SAMPLE_RATE_HZ // 20
"""A moving value is told and turned this often: 20 times a second."""


@dataclass
class Ramp:
    """One parameter's way. It begins at the first frame that can still be sung with it."""

    target: float
    frames: float
    origin: Any
    former: Glide | None = None
    """The ramp it takes over from, so that nothing jumps."""
    glide: Glide | None = None
    told: float = -1e18
    """Frame at which its value was last told."""

    def begin(self, frame: float, value: float) -> Glide:
        """Set out at `frame`, from the former ramp's value there or from `value`."""
        self.glide = Glide(self.former.at(frame) if self.former else value, self.target, frame, self.frames)
        return self.glide


class Ramps:
    """All ramps under way, by the name of their parameter."""

    def __init__(self) -> None:
        self._ramps: dict[str, Ramp] = {}

    def ask(self, name: str, target: float, seconds: float, origin: Any) -> None:
        """A new ramp; one under way is taken over from where it is."""
        former = self._ramps.get(name)
        glide = (former.glide or former.former) if former else None
        self._ramps[name] = Ramp(target, max(1.0, seconds * SAMPLE_RATE_HZ), origin, glide)

    def cancel(self, name: str) -> bool:
        """Stop where it is; whether there was one."""
        return self._ramps.pop(name, None) is not None

    def begin(self, frame: float, waits: Callable[[str], bool], value: Callable[[str], float]) -> dict[str, Glide]:
        """Let those for which `waits` set out at `frame`: their glides by name."""
        fresh = [(name, ramp) for name, ramp in self._ramps.items() if ramp.glide is None and waits(name)]
        return {name: ramp.begin(frame, value(name)) for name, ramp in fresh}

    def moves(self, names: Container[str], frame: float) -> bool:
        """Whether one of `names` is on its way at a frame."""
        ramps = [ramp for name, ramp in self._ramps.items() if name in names]
        return any(ramp.glide and ramp.glide.begin <= frame < ramp.glide.end for ramp in ramps)

    def way(self, name: str, otherwise: float) -> Glide:
        """How a parameter moves; a ramp that has not set out lets the former one go on."""
        ramp = self._ramps.get(name)
        glide = (ramp.glide or ramp.former) if ramp else None
        return glide or still(otherwise)

    def value(self, name: str, frame: float, otherwise: float) -> float:
        """Of a parameter at a frame."""
        return self.way(name, otherwise).at(frame)

    def news(self, frame: float) -> Iterator[tuple[str, float, Any]]:
        """(name, value, origin) of what moves, at PACE; `origin` None until it has arrived."""
        for name, ramp in list(self._ramps.items()):
            glide = ramp.glide
            if glide is None or (frame < glide.end and frame - ramp.told < PACE):
                continue
            ramp.told = frame
            if frame >= glide.end:
                del self._ramps[name]
            yield name, glide.at(frame), ramp.origin if frame >= glide.end else None
