"""The further voices: label, seed, level and tempo are their own, the beats those of the first one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from heart.errors import WireError
from heart.namespace import Param
from heart.plumbing.desk import OFF_DB
from heart.records import Beat, Wish
from heart.sounding.beats import BeatClock
from heart.sounding.companion import Companion
from heart.stage.mixing import Mixing, only
from heart.stage.parts import own_past
from heart.stage.ramps import Ramps

OWN = {f"{what}_{voice}": (what, voice) for voice in (2, 3, 4) for what in ("label", "tempo", "seed")}
"""Parameters of the further voices: what, and of which."""
LEVELS = {f"level_{voice}": voice for voice in (1, 2, 3, 4)}


def check_voice(param: Param, voices: int) -> None:
    """Raises WireError when `param` is that of a voice that does not sing here."""
    voice = LEVELS.get(param.name) or OWN.get(param.name, ("", 1))[1]
    if voice > voices:
        text = f"{param.name}: {voices} of 4 voices sing here; start heart live with --voices {voice}"
        raise WireError("voice", f"/heart/set/{param.name}", text)


class Partner:
    """One further voice. `values` and `ramps` are those of the performance, `lead` the beats of its first voice;
    all are seen, not kept."""

    def __init__(self, voice: int, values: Mapping[str, Any], ramps: Ramps, lead: BeatClock) -> None:
        self.voice, self._values, self._ramps, self._lead = voice, values, ramps, lead
        self.mixing = Mixing(only(values[f"label_{voice}"]))
        self.beats = Companion(values[f"tempo_{voice}"])
        self._former: float | None = None
        """The tempo before the present one, until the next rewind."""

    def sings(self, start: float, frames: float = 0.0) -> bool:
        """Whether anything of it is to be heard in `frames` from tape frame `start` on."""
        name = f"level_{self.voice}"
        return any(self._ramps.value(name, at, self._values[name]) > OFF_DB for at in (start, start + frames))

    def turn(self, what: str, value: Any) -> None:
        """Its label or tempo is another now."""
        if what == "label":
            self.mixing.change(only(value), self._values["cross"] == "beat")
        elif what == "tempo":
            self._former = self.beats.tempo if self._former is None else self._former
            self.beats.tempo = value

    def rewind(self, frame: int, leads: Sequence[Beat]) -> None:
        """Forget the beats from `frame` on."""
        self.beats.rewind(frame, leads, self._former)
        self._former = None

    def beats_until(self, frame: int, leads: Sequence[Beat]) -> tuple[Beat, ...]:
        """Its beats with S1 before `frame`; `leads` are those of the first voice."""
        return self.beats.beats_until(frame, leads, self._lead.systole_at)

    def wish(
        self, lead: Wish, leads: Sequence[Beat], span: tuple[int, int], past: np.ndarray, parts: np.ndarray | None
    ) -> Wish | None:
        """What it is to sing over the frames of the first voice's wish, with beats of the frames `span`; None where
        it is silent. `past` and `parts` are those of all voices."""
        scheduled = self.beats_until(span[1], leads)
        sung, crossing = self.mixing.over(lead.start, lead.frames, scheduled)
        if not self.sings(lead.start, lead.frames):
            return None
        return replace(
            lead,
            **own_past(past, parts, self.voice),
            voice=self.voice,
            beats=tuple(beat for beat in scheduled if beat.s2 >= span[0]),
            label=sung.label,
            seed=self._values[f"seed_{self.voice}"],
            mode="generate",
            sources=(),
            mix=sung.mix,
            crossing=crossing,
        )
