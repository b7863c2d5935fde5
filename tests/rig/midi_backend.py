"""A back end for mido (mido.Backend("rig.midi_backend")): ports of this process, which tests play on and read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mido.ports import BaseInput, BaseOutput

NAMES = ["Rig Keys", "Rig Faders 1", "Rig Faders 2"]
INPUTS: dict[str, Any] = {}
OUTPUTS: dict[str, list[Any]] = {}


def get_devices(**named: Any) -> list[dict[str, Any]]:
    return [{"name": name, "is_input": True, "is_output": name != "Rig Faders 2"} for name in NAMES]


class Input(BaseInput):
    """`put` hands a message over in the caller's thread, as a driver does."""

    def _open(self, callback: Callable[[Any], None] | None = None, **named: Any) -> None:
        self.put = callback
        INPUTS[self.name] = self

    def _close(self) -> None:
        INPUTS.pop(self.name, None)


class Output(BaseOutput):
    def _open(self, **named: Any) -> None:
        OUTPUTS[self.name] = []

    def _send(self, message: Any) -> None:
        OUTPUTS[self.name].append(message)
