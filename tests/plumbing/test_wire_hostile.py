"""The wire among strangers: junk, floods, forged addresses, guessed phrases."""

import logging
import random
import time

import psutil
import pytest
from wire_rig import Engine, Plain

from heart.plumbing.client import HeartClient
from heart.plumbing.clients import Client
from heart.plumbing.limits import UNPROVEN_FACTOR
from heart.plumbing.osc import decode, encode
from heart.plumbing.post import Post
from heart.plumbing.tape import Tape
from heart.plumbing.wire import Wire

KILLERS = (
    b"",
    b"\0",
    b"/",
    b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xfc",
    b"#bundle\0" + bytes(8) + b"\x7f\xff\xff\xff",
    b"/" + b"*" * 30 + b"x\0\0\0,\0\0\0",
    b"/heart/set/bpm\0\0,b\0\0\xff\xff\xff\xff",
    bytes(60_000),
    b"/heart/ping\0,i\0\0",
    b"/heart/ping\0" + b"," + b"i" * 4000 + bytes(4),
    b"\xff\xfe\xfd\xfc" * 20,
    b"#bundle\0" + b"\xff" * 8 + (16).to_bytes(4, "big") + b"#bundle\0" + bytes(8),
)


def mutated(dice: random.Random) -> bytes:
    """A datagram that was once well-formed, or never."""
    kind = dice.random()
    if kind < 0.3:
        return dice.randbytes(dice.randrange(0, 200))
    if kind < 0.35:
        return dice.choice(KILLERS)
    good = encode(
        dice.choice(("/heart/set/bpm", "/heart/credit", "/heart/hello", "/heart/no/such")),
        dice.choice((1, 2.5, "x")),
        dice.randrange(2**24),
    )
    data = bytearray(good)
    for _ in range(dice.randrange(1, 4)):
        data[dice.randrange(len(data))] = dice.randrange(256)
    return bytes(data[: dice.randrange(4, len(data) + 1)])


@pytest.mark.case("R01")
def test_20000_junk_datagrams_leave_pings_answered_sound_whole_and_memory_flat(
    caplog: pytest.LogCaptureFixture,
) -> None:
    dice = random.Random(20)
    process = psutil.Process()
    with (
        Engine() as engine,
        Plain(engine.port) as vandal,
        Plain(engine.port) as honest,
        HeartClient(port=engine.port, collect=False) as client,
    ):
        for datagram in KILLERS * 20:
            vandal.throw(datagram)
        honest.say("/heart/ping", 0)
        assert honest.hear("/heart/pong") == (0,)
        vandal.all(0.05)
        caplog.clear()
        before, waits, began = process.memory_info().rss, [], time.monotonic()
        for n in range(200):
            for _ in range(100):
                vandal.throw(mutated(dice))
            asked = time.monotonic()
            honest.say("/heart/ping", n)
            assert honest.hear("/heart/pong", 2.0) == (n,)
            waits.append(time.monotonic() - asked)
        seconds = time.monotonic() - began
        assert process.memory_info().rss - before < 10e6
        assert client.underruns == 0
        stats = engine.wire.stats()
    assert stats["junk"] > 5_000
    assert stats["errors"] < 200 + 50 * seconds
    kinds = {record.args[2].code for record in caplog.records if record.name == "heart.wire"}
    assert len(caplog.records) <= len(kinds) * (seconds + 2)
    assert sorted(waits)[int(0.95 * len(waits))] < 0.25


@pytest.mark.case("R02")
@pytest.mark.parametrize("killer", range(len(KILLERS)))
def test_each_killer_alone_leaves_the_next_ping_answered_at_once(killer: int) -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        plain.throw(KILLERS[killer])
        asked = time.monotonic()
        plain.say("/heart/ping", 9)
        assert plain.hear("/heart/pong") == (9,)
        assert time.monotonic() - asked < 0.1


@pytest.mark.case("R19")
def test_a_too_large_datagram_is_answered_not_silently_cut() -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        plain.throw(encode("/heart/in/1", *[0.0] * 1000) + bytes(9000))
        code, _, text = plain.hear("/heart/error")
        assert code == "size"
        assert "8192" in text


@pytest.mark.case("R01")
def test_errors_of_one_kind_are_rationed_and_others_still_come() -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        for _ in range(300):
            plain.say("/heart/set/bpm", 9999)
        assert 1 <= len(plain.all()) <= 40
        plain.say("/heart/set/gain", "loud")
        assert plain.hear("/heart/error")[1] == "/heart/set/gain"
        assert engine.wire.stats()["unanswered"] >= 260


def test_an_error_is_never_answered_with_an_error() -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        plain.say("/heart/error", "range", "/heart/set/bpm", "no")
        assert plain.all() == []
        assert engine.wire.stats()["unanswered"] == 1


@pytest.mark.case("R09")
def test_somebody_named_as_reply_port_gets_no_stream_and_at_most_three_times_what_was_sent() -> None:
    with Engine() as engine, Plain(engine.port) as attacker, Plain(engine.port) as victim:
        spent = 0
        for _ in range(30):
            spent += attacker.say("/heart/hello", "", victim.port, 1, 44_100, 2)
            spent += attacker.say("/heart/credit", 12345, 0, 0, 0)
        received = victim.all(0.5)
        assert 1 <= len(received) <= 3
        assert sum(map(len, received)) <= UNPROVEN_FACTOR * spent
        assert all(decode(packet)[0][0] == "/heart/welcome" for packet in received)
        engine.do(lambda: engine.wire.broadcast("/heart/value/bpm", 70.0))
        assert victim.all() == []


@pytest.mark.case("R09")
def test_a_welcome_is_at_most_three_times_its_hello() -> None:
    with Engine(voice_name="v" * 200) as engine, Plain(engine.port) as attacker, Plain(engine.port) as victim:
        sent = attacker.say("/heart/hello", "", victim.port, 1, 44_100, 1)
        assert len(victim.raw()) <= UNPROVEN_FACTOR * sent


@pytest.mark.case("R09")
@pytest.mark.parametrize("port", [53, 1023])
def test_a_system_port_is_never_answered(port: int) -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        plain.say("/heart/hello", "x", port, 1, 44_100, 1)
        code, address, _ = plain.hear("/heart/error")
        assert (code, address) == ("range", "/heart/hello")
        assert engine.wire.clients == []


def test_the_engine_never_talks_to_itself() -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        plain.say("/heart/hello", "x", engine.port, 1, 44_100, 1)
        assert plain.hear("/heart/error")[0] == "range"


def test_another_protocol_is_refused_with_both_numbers() -> None:
    with Engine() as engine, Plain(engine.port) as plain:
        plain.say("/heart/hello", "x", 0, 2, 44_100, 1)
        code, _, text = plain.hear("/heart/error")
        assert code == "protocol"
        assert "2" in text
        assert "1" in text


class Elsewhere:
    """A wire whose datagrams are handed over by hand, as if from other computers; nothing is really sent."""

    def __init__(self, **options: object) -> None:
        self.now = 0.0
        self.wire = Wire(Tape(1), host="0.0.0.0", clock=lambda: self.now, **options)  # type: ignore[arg-type]
        self.out: list[tuple[str, tuple, tuple[str, int]]] = []
        self.bytes_out = 0
        self.wire._post.datagram = self._sent  # type: ignore[method-assign]

    def _sent(self, packet: bytes, addr: tuple[str, int]) -> None:
        self.bytes_out += len(packet)
        self.out += [(*message, addr) for message in decode(packet)]

    def say(self, ip: str, address: str, *args: object) -> int:
        packet = encode(address, *args)
        self.wire.received(packet, (ip, 5000))
        return len(packet)


@pytest.mark.case("R08")
def test_ten_thousand_guessed_phrases_open_nothing_and_get_an_answer_a_second() -> None:
    far = Elsewhere(phrase="lub dub")
    for n in range(10_000):
        far.now += 0.001
        far.say("10.0.0.9", "/heart/hello", "x", 0, 1, 44_100, 1, f"guess {n}")
    assert far.wire.clients == []
    assert len(far.out) <= 11
    assert {args[0] for _, args, _ in far.out} == {"phrase"}


@pytest.mark.case("R08")
def test_the_phrase_opens_and_only_a_proven_client_may_then_turn_knobs() -> None:
    heard = []
    far = Elsewhere(phrase="lub dub", on_message=lambda *message: heard.append(message))
    far.say("10.0.0.9", "/heart/set/bpm", 90)
    assert far.out[-1][1][0] == "forbidden"
    far.say("10.0.0.9", "/heart/hello", "x", 0, 1, 44_100, 1, "lub dub")
    far.say("10.0.0.9", "/heart/set/bpm", 90)
    assert heard == []
    far.say("10.0.0.9", "/heart/credit", far.wire.clients[0].epoch, 0, 0, 0)
    far.say("10.0.0.9", "/heart/set/bpm", 90)
    assert [message[:2] for message in heard] == [("/heart/set/bpm", (90.0,))]


def test_the_list_admits_who_is_on_it_and_nobody_else() -> None:
    heard = []
    far = Elsewhere(allow=["10.0.0.0/24"], on_message=lambda *message: heard.append(message))
    far.say("10.0.1.9", "/heart/set/bpm", 90)
    far.say("10.0.1.9", "/heart/hello", "x", 0, 1, 44_100, 1)
    assert heard == far.wire.clients == []
    far.say("10.0.0.9", "/heart/set/bpm", 90)
    assert len(heard) == 1


@pytest.mark.case("R09")
def test_an_unproven_address_is_never_sent_more_than_three_times_its_bytes() -> None:
    far = Elsewhere(allow=["10.0.0.0/24"])
    dice = random.Random(3)
    received = 0
    for _ in range(3000):
        far.now += 0.01
        address, args = dice.choice(
            (
                ("/heart/ping", (1,)),
                ("/heart/set/bpm", (9999,)),
                ("/heart/x", ()),
                ("/heart/hello", ("x", 7000, 1, 44_100, 1)),
                ("/heart/credit", (5, 1, 1, 1)),
            )
        )
        received += far.say("10.0.0.9", address, *args)
        assert far.bytes_out <= UNPROVEN_FACTOR * received
    assert far.bytes_out > 0
    assert not far.wire.send(("10.0.0.10", 7000), "/heart/pong", 1)


def test_a_client_that_named_its_epoch_may_be_sent_anything() -> None:
    post = Post()
    sent: list[bytes] = []
    post.datagram = lambda packet, addr: sent.append(packet)  # type: ignore[method-assign]
    client = Client("x", ("10.0.0.9", 7000), ("10.0.0.9", 7000))
    assert not post.send(client, "/heart/done", "y" * 500)
    client.proven = True
    assert post.send(client, "/heart/done", "y" * 500)
    assert len(sent) == 1


@pytest.mark.case("R01")
def test_junk_is_logged_once_a_second(caplog: pytest.LogCaptureFixture) -> None:
    far = Elsewhere(allow=["10.0.0.0/24"])
    with caplog.at_level(logging.WARNING, "heart.wire"):
        for n in range(3000):
            far.now = n / 1000
            far.wire.received(b"junk", ("10.0.0.9", 5000))
    assert 1 <= len(caplog.records) <= 4
    assert far.out == []
