"""MIDI in, as if it were OSC of a foreign program, and back out to controls that can show where they stand.

    control change   /midi/cc/<channel>/<controller> value      0 to 127
    note             /midi/note/<channel>/<note> velocity       0 when released
    pitch bend       /midi/bend/<channel> value                 -8192 to 8191
    pressure         /midi/pressure/<channel> value
    program change   /midi/program/<channel> number

Channels are counted from 1, as musicians do. Needs the extra `midi` (mido and python-rtmidi); the environment
variable MIDO_BACKEND names another back end of mido's.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
from collections.abc import Callable
from typing import Any

from heart.errors import DeviceError, UsageError, WireError
from heart.plumbing.lines import Line
from heart.plumbing.osc import decode

OnMidi = Callable[[str, int, "MidiLine"], None]
"""Called in the loop with address, number and the port it came from."""

TOPS = {"cc": 127.0, "note": 127.0, "pressure": 127.0, "program": 127.0, "bend": 8191.0}
"""The highest number of each kind."""
FIELDS = {
    "control_change": ("cc", "control", "value"),
    "note_on": ("note", "note", "velocity"),
    "pitchwheel": ("bend", "", "pitch"),
    "aftertouch": ("pressure", "", "value"),
    "program_change": ("program", "", "program"),
}
"""Of mido's message types: our word, the field that is part of the address, the field that is the number."""
_TYPES = {word: (kind, part, number) for kind, (word, part, number) in FIELDS.items()}


def check_midi() -> None:
    """Raises UsageError when mido is not installed."""
    if importlib.util.find_spec("mido") is None:
        raise UsageError("--midi needs mido: pip install 'sounds-of-the-heart[midi]'")


class MidiLine(Line):
    """One MIDI port. `start` and `stop` from a running asyncio loop; the port has a thread of its own."""

    def __init__(self, name: str, on_midi: OnMidi) -> None:
        """`name`: of the port, or a part of it that only one port has."""
        self.name, self._on_midi = name, on_midi
        self._input: Any = None
        self._output: Any = None

    def start(self) -> None:
        """Open the port, and the output of the same name where there is one. Raises DeviceError."""
        import mido

        loop = asyncio.get_running_loop()

        def arrived(message: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._received, message)

        try:
            self.name = _match(self.name, mido.get_input_names())
            self._input = mido.open_input(self.name, callback=arrived)
        except (OSError, ImportError, SystemError, ValueError) as error:
            raise DeviceError(f"--midi {self.name}: {str(error) or type(error).__name__}") from None
        with contextlib.suppress(OSError, SystemError, ValueError, DeviceError):
            self._output = mido.open_output(_match(self.name, mido.get_output_names()))

    def stop(self) -> None:
        """Close both."""
        for port in (self._input, self._output):
            if port is not None:
                with contextlib.suppress(OSError, SystemError):
                    port.close()
        self._input = self._output = None

    def _received(self, message: Any) -> None:
        said = as_osc(message)
        if said is not None:
            self._on_midi(*said, self)

    def send(self, packet: bytes) -> bool:
        """An echo, as MIDI; anything else has no place on such a port."""
        if self._output is None:
            return False
        with contextlib.suppress(WireError, ValueError, TypeError, OSError, KeyError):
            for address, args in decode(packet):
                self._output.send(as_midi(address, args[0]))
                return True
        return False


def as_osc(message: Any) -> tuple[str, int] | None:
    """Address and number of a mido message; None for what is no control (clock, sysex)."""
    kind = "note_on" if message.type == "note_off" else message.type
    if kind not in FIELDS:
        return None
    word, part, number = FIELDS[kind]
    tail = f"/{getattr(message, part)}" if part else ""
    value = 0 if message.type == "note_off" else getattr(message, number)
    return f"/midi/{word}/{message.channel + 1}{tail}", value


def as_midi(address: str, value: Any) -> Any:
    """The mido message that `as_osc` would have made this of. Raises ValueError, KeyError or TypeError."""
    import mido

    _, root, word, channel, *tail = address.split("/")
    kind, part, number = _TYPES[word]
    if root != "midi":
        raise ValueError(address)
    fields = {"channel": int(channel) - 1, number: round(value)}
    return mido.Message(kind, **fields, **({part: int(tail[0])} if part else {}))


def _match(name: str, names: list[str]) -> str:
    """The port called so, or the only one with that in its name. Raises DeviceError that lists what there is."""
    found = [name] if name in names else [n for n in names if name.lower() in n.lower()]
    if len(found) == 1:
        return found[0]
    there = ", ".join(repr(n) for n in names) or "none"
    raise DeviceError(f"--midi {name}: {'fits several ports' if found else 'no such port'}; there are {there}")
