"""The wire over real sockets: the handshake, the messages, the life of a client and of the engine."""

import asyncio
import time

import numpy as np
import pytest
from wire_rig import Engine, Plain, noise

from heart.errors import HeartError, UsageError, WireError
from heart.namespace import ROWS
from heart.plumbing.client import HeartClient
from heart.plumbing.tape import Tape
from heart.plumbing.wire import Wire
from heart.records import SAMPLE_RATE_HZ


def test_every_row_of_the_wire_has_its_handler() -> None:
    handlers = {row.handler for row in ROWS.values() if row.owner == "wire" and row.direction != "out"}
    assert {"on_hello", "on_credit"} <= handlers
    for name in handlers:
        assert callable(getattr(Wire, name))


def test_hello_is_welcomed_and_sound_waits_for_the_epoch() -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        plain.say("/heart/hello", "patch", 0, 1, 44_100, 1)
        protocol, version, rate, channels, block, ring, epoch, voice = plain.hear("/heart/welcome")
        assert (protocol, version, rate, channels, block, ring, voice) == (1, "1.0", 44_100, 1, 256, 65_536, "test")
        plain.say("/heart/credit", epoch % (2**24 - 1) + 1, 0, 0, 0)
        assert plain.hear("/heart/audio/1", 0.2) is None
        plain.say("/heart/credit", epoch, 0, 0, 0)
        first = plain.hear("/heart/audio/1")
        assert first[:2] == (epoch, 0)
        assert first[2] % 256 == 0
        assert len(first[3]) == 256
        assert engine.events == ["hello", "start"]


def test_answers_go_to_the_named_reply_port() -> None:
    with Engine() as engine, Plain(engine.port) as speaking, Plain(engine.port) as listening:
        speaking.say("/heart/hello", "max", listening.port, 1, 44_100, 1)
        epoch = listening.hear("/heart/welcome")[6]
        speaking.say("/heart/credit", epoch, 0, 0, 0)
        assert listening.hear("/heart/audio/1")[0] == epoch
        speaking.say("/heart/ping", 5)
        assert listening.hear("/heart/pong") == (5,)
        assert speaking.all() == []


def test_ping_is_answered_to_anybody() -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        plain.say("/heart/ping", 77)
        assert plain.hear("/heart/pong") == (77,)


def test_other_messages_reach_the_stage_cleaned_with_their_sender() -> None:
    with Engine() as engine, Plain(engine.port) as daw, HeartClient(port=engine.port) as client:
        daw.say("/heart/set/bpm", 90)
        client.send("/heart/set/bpm", 91.5)
        assert client.wait_until(lambda: len(engine.messages) == 2)
        (address, args, sender), (_, _, known) = engine.messages
        assert (address, args) == ("/heart/set/bpm", (90.0,))
        assert isinstance(args[0], float)
        assert sender == ("127.0.0.1", daw.port)
        assert known is engine.wire.clients[0]
        assert engine.do(lambda: engine.wire.send(sender, "/heart/value/bpm", 90.0))
        assert daw.hear("/heart/value/bpm") == (90.0,)


def test_broadcast_leaves_one_out() -> None:
    with Engine() as engine, HeartClient(port=engine.port, name="a") as a, HeartClient(port=engine.port) as b:
        assert a.wait_until(lambda: len(engine.wire.streaming) == 2)
        origin = next(c for c in engine.wire.clients if c.name == "a")
        engine.do(lambda: engine.wire.broadcast("/heart/value/bpm", 99.0, except_for=origin))
        assert b.wait_for("/heart/value/bpm") == (99.0,)
        assert a.values == {}


def test_a_wrong_message_gets_one_error_that_names_everything() -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        plain.say("/heart/set/bpm", 999)
        code, address, text = plain.hear("/heart/error")
        assert (code, address) == ("range", "/heart/set/bpm")
        assert "999" in text
        assert "30 to 220" in text
        assert plain.all() == []
        assert engine.messages == []


def test_an_error_raised_by_the_stage_goes_to_the_one_who_asked() -> None:
    with Engine() as engine, Plain(engine.port) as plain:

        def refuse(address: str, args: tuple, sender: object) -> None:
            raise WireError("busy", address, "later") if "bpm" in address else HeartError("no such voice")

        engine.wire._on_message = refuse
        plain.say("/heart/set/bpm", 90)
        assert plain.hear("/heart/error") == ("busy", "/heart/set/bpm", "later")
        plain.say("/heart/set/seed", 1)
        assert plain.hear("/heart/error") == ("failed", "/heart/set/seed", "no such voice")


def test_a_fault_in_the_stage_does_not_stop_the_wire(caplog: pytest.LogCaptureFixture) -> None:
    with Engine() as engine, Plain(engine.port) as plain:

        def fail(*message: object) -> None:
            raise ZeroDivisionError

        engine.wire._on_message = fail
        plain.say("/heart/set/bpm", 90)
        plain.say("/heart/ping", 1)
        assert plain.hear("/heart/pong") == (1,)
    assert "/heart/set/bpm" in caplog.text


def test_sound_for_the_ear_arrives_as_sent() -> None:
    sound = noise(0.1)[:256]
    with Engine() as engine, HeartClient(port=engine.port) as client:
        client.send_input(2, sound)
        client.send_input(2, sound[:16])
        assert client.wait_until(lambda: len(engine.inputs) == 2)
    assert [(ch, seq, len(samples)) for ch, seq, samples in engine.inputs] == [(2, 0, 256), (2, 1, 16)]
    np.testing.assert_array_equal(engine.inputs[0][2], sound)


def test_another_block_size_comes_with_a_new_welcome() -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        before = plain.hello()
        plain.say("/heart/credit", before, 0, 0, 0)
        plain.say("/heart/block", 1024)
        welcome = plain.hear("/heart/welcome")
        assert welcome[4] == 1024
        assert welcome[6] != before
        plain.say("/heart/credit", welcome[6], 0, 0, 0)
        while (block := plain.hear("/heart/audio/1"))[0] == before:
            pass
        assert len(block[3]) == 1024


def test_bye_ends_the_stream() -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        epoch = plain.hello()
        plain.say("/heart/credit", epoch, 0, 0, 0)
        assert plain.hear("/heart/audio/1")
        plain.say("/heart/bye")
        plain.all()
        plain.say("/heart/credit", epoch, 882, 0, 0)
        code, address, _ = plain.hear("/heart/error")
        assert (code, address) == ("unknown-client", "/heart/credit")
        assert engine.events == ["hello", "start", "bye"]


def test_a_client_that_falls_silent_is_lost_told_and_then_forgotten() -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        plain.say("/heart/credit", plain.hello(), 0, 0, 0)
        code, _ = plain.hear("/heart/alarm", 1.5)
        assert code == "lost"
        assert engine.wait(lambda: engine.events == ["hello", "start", "lost"])
        assert engine.wire.committed > 0
        plain.all()
        assert engine.wait(lambda: engine.events == ["hello", "start", "lost", "expired"], 8.0)
        assert engine.wire.clients == []


def test_stopping_says_bye_and_the_last_sound_is_recorded() -> None:
    engine = Engine()
    with engine, Plain(engine.port) as plain:
        plain.say("/heart/credit", plain.hello(), 0, 0, 0)
        assert plain.hear("/heart/audio/1")
        engine.call(engine.wire.stop())
        assert plain.hear("/heart/bye") == ()
    assert len(np.concatenate(engine.sent)) % 256 == 0
    assert len(np.concatenate(engine.sent)) > 1024


@pytest.mark.case("R11")
def test_a_port_in_use_is_named_and_the_first_engine_goes_on() -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        with pytest.raises(HeartError, match=f"port {engine.port} .*--port"), Engine(port=engine.port):
            pass
        plain.say("/heart/ping", 3)
        assert plain.hear("/heart/pong") == (3,)


def test_an_address_of_another_computer_is_refused() -> None:
    with pytest.raises(HeartError, match=r"192\.0\.2\.1.*--bind"), Engine(host="192.0.2.1", allow=["10.0.0.1"]):
        pass


@pytest.mark.case("R07")
def test_an_open_network_needs_a_list_or_a_phrase() -> None:
    with pytest.raises(UsageError, match="--allow"):
        Wire(Tape(1), host="0.0.0.0")


def test_starting_and_stopping_leaves_nothing_behind() -> None:
    async def life() -> int:
        wire = Wire(Tape(1), port=0)
        await wire.start()
        await wire.stop()
        return len(asyncio.all_tasks())

    assert asyncio.run(life()) == 1


def test_nobody_there_is_one_clear_line() -> None:
    with Plain(1) as free, pytest.raises(HeartError, match=rf"port {free.port}.*heart live"):
        HeartClient(port=free.port).start(timeout_s=0.3)


def test_a_stranger_who_has_to_make_room_is_told_to_the_stage_as_gone() -> None:
    """Whoever keeps something for a client on "hello" can drop it again, also in a flood of hellos."""
    with Engine() as engine, Plain(engine.port) as plain:
        for port in range(20_000, 20_012):
            plain.say("/heart/hello", "stranger", port, 1, SAMPLE_RATE_HZ, 1)
        assert engine.wait(lambda: engine.events.count("hello") == 12)
        assert engine.events.count("expired") == 12 - 8


@pytest.mark.case("R25")
def test_what_waited_while_the_engine_stood_still_is_dropped_counted_and_told() -> None:
    told: list[tuple[float, int]] = []
    with (
        Engine(on_stopped=lambda seconds, dropped: told.append((seconds, dropped))) as engine,
        Plain(engine.port) as plain,
    ):

        def sleep() -> None:
            time.sleep(1.3)

        engine._loop.call_soon_threadsafe(sleep)
        time.sleep(0.3)
        for number in range(20):
            plain.say("/heart/ping", number)
        assert engine.wait(lambda: bool(told))
        plain.say("/heart/ping", 99)
        assert plain.hear("/heart/pong") == (99,)
        assert engine.wire.stats()["stale"] == sum(dropped for _, dropped in told) >= 20
        assert told[0][0] > 1.0
