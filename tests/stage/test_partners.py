"""Voices side by side: each sings its own label by the same beats, all in one pass, on channels of their own."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from heart.audio import read_audio
from heart.errors import WireError
from heart.guard import Guard
from heart.listening.judge import onsets as heard_onsets
from heart.plumbing.client import HeartClient
from heart.plumbing.desk import Desk, Faders
from heart.plumbing.journal import Journal
from heart.records import OVERLAP, SAMPLE_RATE_HZ
from heart.sounding.choir import sing_all
from heart.sounding.pulse import Pulse
from heart.sounding.registry import open_voice
from heart.stage.again import sing_again
from heart.stage.chunk_log import encode_line, header_of
from heart.stage.effects import SingAgain, Turn
from heart.stage.performance import Performance
from heart.stage.rehearsal import running_engine
from heart.stage.simulation import Simulation
from rig.live import Program


def test_a_voice_that_is_not_there_is_a_clear_error() -> None:
    performance = Performance(voices=2)
    assert performance.message("/heart/set/label_2", ("AS",), "x")
    with pytest.raises(WireError, match=r"level_3: 2 of 4 voices sing here; .*--voices 3"):
        performance.message("/heart/set/level_3", (-6.0,), "x")


def test_one_voice_alone_wishes_what_it_always_wished() -> None:
    past = np.linspace(-1, 1, 5_000, dtype=np.float32)
    wish = Performance().wish(1, 6_400, 8_192, past)
    assert wish.others == ()
    assert np.array_equal(wish.past, past)


def test_each_voice_has_its_own_label_seed_and_tempo() -> None:
    performance = Performance(voices=3)
    performance.message("/heart/set/label_2", ("MR",), "x")
    performance.message("/heart/set/seed_3", (77,), "x")
    performance.message("/heart/set/tempo_3", (2.0,), "x")
    performance.rewind(0)
    lead = performance.wish(1, 5 * SAMPLE_RATE_HZ, 8_192, np.zeros((OVERLAP, 3), np.float32))
    second, third = lead.others
    assert (lead.label, second.label, third.label) == ("N", "MR", "N")
    assert (lead.seed, second.seed, third.seed) == (0, 1, 77)
    assert second.beats == lead.beats
    assert np.diff([beat.s1 for beat in third.beats]).mean() * 2 == pytest.approx(
        np.diff([beat.s1 for beat in lead.beats]).mean(), rel=0.1
    )


def test_a_voice_at_the_bottom_is_not_asked_and_asked_again_when_it_comes_up() -> None:
    performance = Performance(voices=2)
    past = np.zeros((OVERLAP, 2), np.float32)
    assert performance.message("/heart/set/level_2", (-60.0,), "x")[0] == Turn("level_2", -60.0)
    assert performance.wish(1, 0, 8_192, past).others == ()
    assert SingAgain(beats=False) in performance.message("/heart/set/level_2", (-12.0,), "x")
    assert len(performance.wish(2, 0, 8_192, past).others) == 1
    assert SingAgain(beats=False) not in performance.message("/heart/set/level_2", (-6.0,), "x")


def test_a_texture_of_a_further_voice_comes_in_on_its_own_beat() -> None:
    performance = Performance(voices=2)
    past = np.ones((OVERLAP, 2), np.float32)
    performance.wish(1, 0, 8_192, past)
    performance.message("/heart/set/label_2", ("rain",), "x")
    lead = performance.wish(2, 8_192, 65_536, past)
    (second,) = lead.others
    assert lead.crossing is None
    assert second.crossing is not None
    assert second.crossing.frame in [beat.s1 for beat in second.beats]


def perform(stage: Simulation) -> np.ndarray:
    """Knobs of the second voice, a voice that dies, one that goes and comes back; the whole tape at the end."""
    stage.turn("steps", 1)
    stage.run(0.5, listening=False)
    stage.run(0.5)
    stage.turn("label_2", "AS")
    stage.turn("tempo_2", 2.0)
    stage.run(0.5)
    stage.kill()
    stage.run(2.2)
    stage.alive = True
    stage.turn("level_2", -60.0)
    stage.run(2.2)
    stage.turn("level_2", 0.0)
    stage.run(0.8)
    rest = stage.tape.read(stage.tape.sealed, stage.tape.head - stage.tape.sealed)
    return np.concatenate((stage.sound, rest))


@pytest.mark.parametrize("name", ["pulse", "voice-heart"])
def test_several_voices_are_sung_again_from_the_log_bit_for_bit(name: str, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run.log", encode_line)
    journal.write(header_of(name, 1, 2))
    stage = Simulation(voice=open_voice(name, threads=1), voices=2, log=journal.write)
    tape = perform(stage)
    journal.close()
    assert {laid.by for laid in stage.laid} == {"voice", "bed"}
    assert {len(laid.wish.others) for laid in stage.laid} == {0, 1}
    told = sing_again(tmp_path / "run.log", tmp_path / "again.wav")
    assert told.different == 0
    assert np.array_equal(read_audio(tmp_path / "again.wav", mono=False)[0], tape)


def test_sung_together_each_is_what_it_is_alone() -> None:
    performance, voice = Performance(voices=4), open_voice("voice-heart", threads=1)
    for number, label in ((2, "AS"), (3, "MR"), (4, "MVP")):
        performance.message(f"/heart/set/label_{number}", (label,), "x")
    wish = performance.wish(1, 0, 16_384, np.zeros((0, 4), np.float32))
    chunk = sing_all(voice, wish)
    for asked, sung in zip((wish, *wish.others), (chunk, *chunk.others), strict=True):
        assert sung.voice == asked.voice
        assert sung.audio == pytest.approx(voice.sing(asked).audio, abs=1e-4)
    assert chunk.recipe != sing_all(voice, performance.wish(2, 64, 16_384, np.zeros((0, 4), np.float32))).recipe


def test_two_rhythms_are_heard_on_two_channels() -> None:
    stage = Simulation(voice=Pulse(), voices=2)
    stage.turn("rmssd", 0.0)
    stage.turn("bpm", 60.0)
    stage.turn("tempo_2", 1.5)
    stage.run(1.0, listening=False)
    stage.run(12.0)
    for channel, rate in ((0, 60.0), (1, 90.0)):
        onsets = heard_onsets(stage.sound[:, channel], SAMPLE_RATE_HZ)
        assert 60 / np.median(onsets[2:] - onsets[:-2]) == pytest.approx(rate, rel=0.02)


def test_a_live_client_hears_each_voice_on_its_channel(tmp_path: Path) -> None:
    options = ("--voice", "pulse", "--voices", "3", "--log", str(tmp_path / "run.log"))
    with running_engine(tmp_path, *options) as engine:
        with Program(engine.port) as program:  # the guard knows all channels: a fader that moves moves its reserve
            program.send("/heart/set/level_2", -6)
            program.send("/heart/get/level_2")
            assert program.wait_for("/heart/value/level_2") == (-6.0,)
        client = HeartClient("127.0.0.1", engine.port, channels=3).start()
        try:
            assert client.wait_until(lambda: client.fill_ms > 100, 20)
            client.send("/heart/set/label_2", "MR")
            client.send("/heart/set/tempo_3", 2.0)
            assert client.wait_for("/heart/beat/2", 10)
            assert client.wait_for("/heart/beat/3", 10)
            client.send("/heart/set/label_4", "MR")
            assert "--voices 4" in client.wait_for("/heart/error", 5)[2]
            time.sleep(2)
            dry = client.underruns
        finally:
            client.stop()
        engine.stop()
    told = sing_again(tmp_path / "run.log", tmp_path / "again.wav")
    assert told.different == 0
    sent, _ = read_audio(engine.record, mono=False)
    assert sent.shape[1] == 3
    assert len({channel.tobytes() for channel in sent.T}) == 3
    tape, _ = read_audio(tmp_path / "again.wav", mono=False)
    faded = Desk(3, 3, Faders(levels_db={2: -6.0})).process(tape[: len(sent)])
    heard = Guard(SAMPLE_RATE_HZ, 3).process(faded)
    if not dry:
        assert np.array_equal(heard, sent)
