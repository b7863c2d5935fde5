"""MIDI in: mido's own messages and ports, learned like any other control, and echoed back as MIDI."""

from __future__ import annotations

import asyncio
import importlib.util

import mido
import pytest
from mido.backends.backend import Backend

from heart.errors import DeviceError, UsageError
from heart.plumbing.midi import MidiLine, as_midi, as_osc, check_midi
from rig import midi_backend
from rig.live import LiveEngine, Program, until


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend("rig.midi_backend")
    for name in ("open_input", "open_output", "get_input_names", "get_output_names"):
        monkeypatch.setattr(mido, name, getattr(backend, name))


def play(port: str, *message: object, **fields: int) -> None:
    midi_backend.INPUTS[port].put(mido.Message(*message, **fields))


def test_a_controller_is_learned_moves_its_parameter_and_is_told_of_changes(ports: None) -> None:
    with LiveEngine(midi="Rig Keys") as engine, Program(engine.port) as client:
        client.send("/heart/learn", "rmssd")
        client.heard(0.05)
        play("Rig Keys", "control_change", channel=0, control=74, value=1)
        assert client.wait_for("/heart/alias") == ("rmssd", "/midi/cc/1/74", 1, 0.0, 127.0)
        play("Rig Keys", "control_change", channel=0, control=74, value=127)
        assert until(lambda: engine.value("rmssd") == 200.0)
        play("Rig Keys", "control_change", channel=1, control=74, value=0)  # another channel: bound to nothing
        play("Rig Keys", "clock")
        client.send("/heart/set/rmssd", 0.0)
        assert until(lambda: bool(midi_backend.OUTPUTS["Rig Keys"]))
        assert midi_backend.OUTPUTS["Rig Keys"] == [mido.Message("control_change", channel=0, control=74, value=0)]
        client.send("/heart/learn", "mode")
        client.heard(0.05)
        play("Rig Keys", "note_on", channel=0, note=60, velocity=64)
        assert client.wait_for("/heart/alias")[:2] == ("mode", "/midi/note/1/60")
        play("Rig Keys", "note_on", channel=0, note=60, velocity=127)  # track: there is none here
        assert until(lambda: any("no beat track" in line for line in engine.engine.take_news()))
    assert not midi_backend.INPUTS, "the port is closed"


def test_a_port_is_found_by_a_part_of_its_name_and_misses_list_what_there_is(ports: None) -> None:
    async def open_port(name: str) -> str:
        line = MidiLine(name, lambda *said: None)
        line.start()
        line.stop()
        return line.name

    assert asyncio.run(open_port("faders 2")) == "Rig Faders 2"
    for name, words in (("Rig", "fits several ports"), ("Grand Piano", "no such port")):
        with pytest.raises(DeviceError, match=f"--midi {name}: {words}; there are 'Rig Keys', "):
            asyncio.run(open_port(name))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (mido.Message("control_change", channel=15, control=7, value=3), ("/midi/cc/16/7", 3)),
        (mido.Message("note_on", channel=0, note=60, velocity=99), ("/midi/note/1/60", 99)),
        (mido.Message("pitchwheel", channel=2, pitch=-8192), ("/midi/bend/3", -8192)),
        (mido.Message("aftertouch", channel=2, value=5), ("/midi/pressure/3", 5)),
        (mido.Message("program_change", channel=2, program=5), ("/midi/program/3", 5)),
    ],
)
def test_each_kind_goes_there_and_back(message: mido.Message, said: tuple[str, int]) -> None:
    assert as_osc(message) == said
    assert as_midi(*said) == message


def test_a_released_key_is_zero_and_what_is_no_control_is_nothing() -> None:
    assert as_osc(mido.Message("note_off", channel=0, note=60, velocity=99)) == ("/midi/note/1/60", 0)
    assert as_osc(mido.Message("clock")) is None
    assert as_osc(mido.Message("sysex", data=(1, 2))) is None


def test_without_mido_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="midi"):
        check_midi()
