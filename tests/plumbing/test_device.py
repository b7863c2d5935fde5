"""One contract, every back end, on cards that exist only in software."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cards import AlsaPipe, CardError, JackDummy, run_python
from device_probe import probe, signal

from heart.errors import DeviceError
from heart.plumbing import device, device_null
from heart.plumbing.device import BACKENDS, Device, Format, open_input, open_output

pytestmark = pytest.mark.alone

PORTAUDIO = ["sounddevice", "pyaudio"]


def card(make: Callable[[], Any]) -> Any:
    """A virtual card; where the machine lacks its parts, a clear word."""
    try:
        return make()
    except CardError as error:
        pytest.skip(str(error))


def probed(
    environment: dict[str, str], what: str, backend: str, name: str, rate_hz: int, seconds: float
) -> dict[str, Any]:
    """The probe's facts from a process of its own: PortAudio reads its environment once."""
    call = f"device_probe.{what}({backend!r}, {name!r}, {rate_hz}, {seconds})"
    try:
        said = run_python(f"import device_probe; {call}", environment)
    except AssertionError as error:
        if "no sound device can be used" in str(error):
            pytest.skip(f"the {backend} back end is not installed")
        raise
    return json.loads(said.split("FACTS")[1])


def judge(facts: dict[str, Any], frames: int) -> None:
    """What holds on every device."""
    assert "no sound device 'no such card' among the outputs" in facts["unknown"]
    assert "no sound device 'no such card' among the inputs" in facts["unknown_input"]
    assert "999" in facts["number_999"]
    assert "2000 are asked for" in facts["too_many"]
    for early in ("write_before_start", "read_before_start", "write_after_stop"):
        assert "not started" in facts[early]
    assert facts["played"] >= frames
    assert facts["played_after_stop"] == facts["played"]
    assert facts["played_after_restart"] == 0
    assert facts["latency_s"] >= 0
    assert facts["shapes"] == [[256, 2]]
    assert facts["kinds"] == ["float32"]
    assert frames <= facts["captured"] < frames + 256


def judge_clock(facts: dict[str, Any], seconds: float) -> None:
    """What holds on a device with a real clock: playing and listening take their time."""
    assert seconds - 0.5 < facts["play_s"] < seconds + 1.0
    assert seconds - 0.3 < facts["listen_s"] < seconds + 1.0


def test_the_null_device_keeps_the_contract_and_the_time() -> None:
    facts = json.loads(json.dumps(probe("null", "null", 44_100, 1.5)))
    judge(facts, round(1.5 * 44_100))
    judge_clock(facts, 1.5)
    assert facts["latency_s"] == 0.1


@pytest.mark.parametrize("backend", PORTAUDIO)
def test_every_sample_reaches_the_card_unchanged(backend: str, tmp_path: Path) -> None:
    """ALSA's file card: no clock, but every sample it was given can be read back."""
    alsa = card(lambda: AlsaPipe(tmp_path))
    facts = probed(alsa.environment, "play_only", backend, alsa.name, 44_100, 20.0)
    assert facts["played"] == 20 * 44_100 + 11_025
    played, sent = alsa.played(2), signal(20.0, Format(44_100, 2))
    first = int(np.flatnonzero(played.any(axis=1))[0])
    assert np.array_equal(played[first : first + len(sent)], sent)
    assert not played[first + len(sent) :].any()


@pytest.mark.parametrize("backend", PORTAUDIO)
def test_a_card_without_a_clock_keeps_the_contract(backend: str, tmp_path: Path) -> None:
    alsa = card(lambda: AlsaPipe(tmp_path))
    judge(probed(alsa.environment, "main", backend, alsa.name, 44_100, 2.0), 2 * 44_100)


@pytest.mark.case("R20")
@pytest.mark.parametrize("backend", PORTAUDIO)
def test_a_card_with_a_real_clock_sets_the_pace(backend: str, tmp_path: Path) -> None:
    with card(lambda: JackDummy(tmp_path)) as jack:
        facts = probed(jack.environment, "main", backend, "system", jack.rate_hz, 2.0)
    judge(facts, 2 * jack.rate_hz)
    judge_clock(facts, 2.0)
    assert any("system" in line and "JACK" in line for line in facts["devices"])


def test_every_registered_back_end_was_put_through_the_contract() -> None:
    assert set(BACKENDS) == {*PORTAUDIO, "null"}


def fake_devices(monkeypatch: pytest.MonkeyPatch, *names: str, outputs: int = 2) -> None:
    entries = [Device(number, name, 2, outputs, 44_100, "null") for number, name in enumerate(names)]
    monkeypatch.setattr(device_null, "list_devices", lambda: entries)


def chosen(name: str) -> Any:
    return open_output(name, Format(channels=2), "null")


def test_a_device_is_found_by_number_name_or_part(monkeypatch: pytest.MonkeyPatch) -> None:
    picked: list[int | None] = []
    monkeypatch.setattr(device_null, "Output", lambda index, format: picked.append(index))
    fake_devices(monkeypatch, "Built-in", "Scarlett 2i2", "Scarlett 2i2 USB", "7")
    for name in ("1", "built", "Scarlett 2i2", "usb", "", "default", "7"):
        if name == "7":
            with pytest.raises(DeviceError):
                chosen(name)
        else:
            chosen(name)
    assert picked == [1, 0, 1, 2, None, None]


def test_a_name_that_fits_several_is_refused_with_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_devices(monkeypatch, "Scarlett 2i2", "Scarlett 4i4")
    with pytest.raises(DeviceError, match=r"'scarlett' fits 2 among the outputs: 0: Scarlett 2i2; 1: Scarlett 4i4"):
        chosen("scarlett")


def test_a_machine_without_devices_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_devices(monkeypatch)
    with pytest.raises(DeviceError, match=r"no sound device 'default' among the outputs: none at all; .*null"):
        chosen("")


def test_a_missing_portaudio_is_named_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(name: str) -> None:
        raise OSError("PortAudio library not found")

    monkeypatch.setattr(device.importlib, "import_module", no_library)
    with pytest.raises(DeviceError, match=r"PortAudio library not found.*apt install libportaudio2.*brew.*pip"):
        device.list_devices()


def test_an_unknown_back_end_is_refused() -> None:
    with pytest.raises(DeviceError, match=r"no sound back end 'asio'; there are: auto, sounddevice, pyaudio, null"):
        device.list_devices("asio")


class Clock:
    """A clock that only sleeping moves."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += max(seconds, 1e-6)


def test_the_null_output_holds_its_buffer_and_counts_when_it_ran_dry() -> None:
    clock = Clock()
    output = device_null.Output(None, Format(1000, 1, 10, latency_s=0.1), clock, clock.sleep)
    output.start()
    output.write(np.zeros((100, 1)))
    assert clock.now_s == 100.0  # all of it fits into the buffer
    output.write(np.zeros((50, 1)))
    assert clock.now_s == pytest.approx(100.05)
    clock.now_s += 1.0
    output.write(np.zeros((10, 1)))
    assert (output.underruns, output.played) == (1, 160)
    output.write(np.zeros((10, 1)))
    assert output.underruns == 1


def test_the_null_input_counts_what_came_too_late() -> None:
    clock = Clock()
    source = device_null.Input(None, Format(1000, 1, 10, latency_s=0.1), clock, clock.sleep)
    source.start()
    assert source.read(50).shape == (50, 1)
    assert clock.now_s == pytest.approx(100.05)
    clock.now_s += 1.0
    source.read(50)
    assert source.overruns == 1
    source.read(50)
    assert source.overruns == 1


def test_an_input_is_opened_like_an_output() -> None:
    source = open_input("null", Format(channels=1), "sounddevice")
    source.start()
    assert source.read(64).shape == (64, 1)
    source.stop()
