"""What clients hear over real sockets: every sample, through loss, stalls, restarts and panic."""

import time

import numpy as np
import pytest
from wire_rig import BadNetwork, Engine, Plain, noise, sine

from heart.guard import Guard
from heart.plumbing.client import HeartClient
from heart.plumbing.ring import PlayRing
from heart.records import SAMPLE_RATE_HZ

pytestmark = pytest.mark.alone


def play(client: HeartClient, frames: int, timeout_s: float = 15.0) -> None:
    """Wait until the client has played so much."""
    assert client.wait_until(lambda: client.played >= frames, timeout_s)


def sound_of(client: HeartClient) -> np.ndarray:
    """What the client heard of its present stream, from the first sound on."""
    start = client.stream_starts[-1][0] + (client.ring.first_frame or 0)
    return client.played_audio()[start:]


@pytest.mark.case("R13")
def test_one_client_hears_every_sample_and_the_record_is_the_same() -> None:
    with Engine() as engine:
        with HeartClient(port=engine.port) as client:
            play(client, 2 * SAMPLE_RATE_HZ)
        heard = sound_of(client)
        assert client.wait_until(lambda: "bye" in engine.events)
    assert client.underruns == client.ring.late == 0
    np.testing.assert_array_equal(heard, engine.heard()[: len(heard)])
    np.testing.assert_array_equal(heard, np.concatenate(engine.sent)[: len(heard), 0])


def test_two_clients_at_once_each_hear_every_sample() -> None:
    with Engine() as engine, HeartClient(port=engine.port, name="a") as a:
        play(a, 30_000)
        with HeartClient(port=engine.port, name="b", channels=2) as b:
            play(b, 2 * SAMPLE_RATE_HZ)
            late = next(c for c in engine.wire.clients if c.name == "b").stream.feed
        assert a.underruns == b.underruns == 0
        left, right = sound_of(b).T
        for sound, start in ((sound_of(a), 0), (left, late.tape_start), (right, late.tape_start)):
            np.testing.assert_array_equal(sound, engine.heard(start)[: len(sound)])


def test_a_48_khz_client_hears_the_right_pitch_and_beats_on_the_sample() -> None:
    sound = sine(8, 1000.0, 0.3)
    sound[30_000] = 0.95
    with Engine(sound) as engine, HeartClient(port=engine.port, rate=48_000) as client:
        assert client.wait_until(lambda: bool(engine.wire.streaming))
        there = engine.wire.streaming[0]
        beat = (1, there.ring_offset(30_000), 72.0, 833.0, 30.0, "N", 1.0)
        engine.do(lambda: engine.wire.send(there, "/heart/beat", *beat))
        play(client, 144_000)
        heard = client.played_audio()
    assert client.underruns == 0
    assert abs(int(np.argmax(np.abs(heard))) - client.beats[0].frame) <= 1
    steady = heard[80_000:128_000] * np.hanning(48_000)
    assert int(np.argmax(np.abs(np.fft.rfft(steady)))) == 1000


@pytest.mark.case("R14")
@pytest.mark.parametrize(("loss", "reorder", "jitter_s"), [(0.02, 0.02, 0.020), (0.05, 0.25, 0.020)])
def test_loss_reorder_and_jitter_are_repaired_to_the_last_sample(
    loss: float, reorder: float, jitter_s: float
) -> None:
    with (
        Engine() as engine,
        BadNetwork(engine.port, loss, reorder, jitter_s, seed=1) as network,
        HeartClient(port=network.port) as client,
    ):
        play(client, 5 * SAMPLE_RATE_HZ)
        heard = sound_of(client)
        assert engine.wire.stats()["resent"] > 5
        assert network.lost > 10
    assert client.underruns == 0
    np.testing.assert_array_equal(heard, engine.heard()[: len(heard)])


@pytest.mark.case("R14", control=True)
def test_loss_without_repair_would_be_heard() -> None:
    """The control of the test above: the network really loses sound."""
    with Engine() as engine, BadNetwork(engine.port, 0.02, seed=1) as network:
        client = HeartClient(port=network.port)
        client._new_ring = lambda: _patient(PlayRing(1))  # type: ignore[method-assign]
        with client:
            play(client, 3 * SAMPLE_RATE_HZ)
    assert client.underruns > 3


def _patient(ring: PlayRing) -> PlayRing:
    """A ring that never asks for anything."""
    ring.wanted = lambda now: []  # type: ignore[method-assign]
    return ring


@pytest.mark.case("R15")
@pytest.mark.parametrize(("stall_s", "lost"), [(0.4, False), (0.7, True)])
def test_a_stalled_client_goes_on_by_itself(stall_s: float, lost: bool) -> None:
    with Engine() as engine, HeartClient(port=engine.port) as client:
        play(client, 30_000)
        with client._lock:
            time.sleep(stall_s)
        frames = client.played + round((stall_s + 1.6) * SAMPLE_RATE_HZ)
        play(client, frames)
        feed = engine.wire.clients[0].stream.feed
        heard = client.played_audio()
        assert ("lost" in engine.events) == lost
        assert len(client.stream_starts) == (2 if lost else 1)
        assert client.underruns == 1
        begun = client.stream_starts[-1][0] + feed.stream_start
        expected = Guard(SAMPLE_RATE_HZ).process(engine.sound[feed.tape_start :])[: len(heard) - begun]
    assert len(expected) > SAMPLE_RATE_HZ
    np.testing.assert_array_equal(heard[begun:], expected)


@pytest.mark.case("R17")
def test_a_client_restarted_at_once_hears_only_its_own_stream() -> None:
    with Engine() as engine:
        for _ in range(4):
            with HeartClient(port=engine.port, reply_port=_free_port()) as client:
                began = time.monotonic()
                assert client.wait_until(lambda: client.ring.first_frame is not None, 0.5)
                assert time.monotonic() - began < 0.5
                play(client, 20_000)
            assert client.underruns == 0
        assert engine.wire.stats()["clients"] == [] or client.wait_until(lambda: not engine.wire.clients)


@pytest.mark.case("R17")
def test_the_same_port_restarted_without_bye_gets_a_new_epoch_and_no_stale_block() -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        first = plain.hello()
        plain.say("/heart/credit", first, 0, 0, 0)
        assert plain.hear("/heart/audio/1")
        second = plain.hello()
        assert second != first
        plain.all()
        plain.say("/heart/credit", second, 0, 0, 0)
        assert plain.hear("/heart/audio/1")[:2] == (second, 0)


@pytest.mark.case("R18")
def test_an_engine_killed_and_started_again_is_found_within_two_seconds() -> None:
    first = Engine().__enter__()
    with HeartClient(port=first.port) as client:
        play(client, 20_000)
        first.kill()
        time.sleep(0.3)
        with Engine(port=first.port) as second:
            began = time.monotonic()
            assert client.wait_until(lambda: "start" in second.events, 2.0)
            assert time.monotonic() - began < 2.0
            start = client.played
            play(client, start + SAMPLE_RATE_HZ)
            heard = sound_of(client)
            np.testing.assert_array_equal(heard, second.heard()[: len(heard)])
    assert len(heard) > 20_000


def panicked() -> tuple[np.ndarray, int]:
    """A sine, panic, resume, as heard; and the frame that sounded when panic had been called."""
    with Engine(sine(20)) as engine, HeartClient(port=engine.port) as client:
        play(client, 30_000)
        asked = client.played_at(time.monotonic())
        engine.do(engine.wire.panic)
        play(client, asked + 12_000)
        engine.do(engine.wire.resume)
        play(client, asked + 36_000)
        return client.played_audio(), asked


@pytest.mark.case("R29")
def test_panic_is_silent_within_20_ms_as_heard_by_the_client_and_resume_brings_sound_back() -> None:
    # On a busy machine the client itself may sleep through its 20 ms, so the middle one of five counts.
    loudest, clicks = [], []
    for _ in range(5):
        heard, asked = panicked()
        assert np.abs(heard[asked - 400 : asked]).max() > 0.4
        assert np.abs(heard[-4000:]).max() > 0.4
        assert np.abs(heard[asked + 10_000 : asked + 11_000]).max() == 0.0
        loudest.append(np.abs(heard[asked + round(0.020 * SAMPLE_RATE_HZ) : asked + 10_000]).max())
        clicks.append(np.abs(np.diff(heard[20_000:], 2)).max())
    assert np.median(loudest) == 0.0
    assert np.median(clicks) < 3 * np.abs(np.diff(sine(1), 2)).max()


def test_a_lead_of_30_ms_is_enough() -> None:
    with Engine(lead_ms=30.0) as engine, HeartClient(port=engine.port) as client:
        play(client, 3 * SAMPLE_RATE_HZ)
        heard = sound_of(client)
        holes = client.silent_frames
    good = heard == engine.heard()[: len(heard)] if not holes else np.zeros(1)
    assert holes == 0
    assert good.all()


def test_a_device_may_be_the_clock() -> None:
    with Engine() as engine, HeartClient(port=engine.port, by_device=True) as client:
        pulled = []
        for _ in range(100):
            pulled.append(client.pull(441))
            time.sleep(0.01)
    sound = np.concatenate(pulled)[:, 0]
    np.testing.assert_array_equal(sound, client.played_audio())
    heard = sound[client.ring.first_frame :]
    assert client.underruns == 0
    np.testing.assert_array_equal(heard, engine.heard()[: len(heard)])


def test_nothing_is_invented_while_the_tape_is_empty() -> None:
    with Engine(noise(0)) as engine, HeartClient(port=engine.port) as client:
        play(client, 15_000)
        assert np.abs(client.played_audio()).max() == 0.0
        assert engine.wire.demand(time.monotonic()) > 8000
        engine.sound = noise(3)
        engine.do(lambda: engine.tape.lay(0, engine.sound))
        assert client.wait_until(lambda: client.ring.first_frame is not None, 0.5)
        play(client, client.played + 20_000)
        heard = sound_of(client)
    np.testing.assert_array_equal(heard, engine.heard()[: len(heard)])


def _free_port() -> int:
    with Plain(1) as plain:
        return plain.port
