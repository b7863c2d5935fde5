"""The client table: welcome, proof, loss, resumption and expiry, with time as an argument."""

import pytest

from heart.errors import UsageError, WireError
from heart.plumbing.clients import EXPIRY_S, LOST_S, MAX_EPOCH, Client, ClientTable, State
from heart.plumbing.door import Door, may_be_answered
from heart.plumbing.limits import Allowance, Buckets, Pacer


def client(port: int = 5000, ip: str = "127.0.0.1", **options: object) -> Client:
    return Client("test", (ip, port), (ip, port), **options)  # type: ignore[arg-type]


def entered(table: ClientTable, port: int = 5000, now: float = 0.0) -> Client:
    new = client(port)
    table.hello(new, now)
    return new


def streaming(table: ClientTable, port: int = 5000, now: float = 0.0) -> Client:
    new = entered(table, port, now)
    assert table.credit(new.epoch, new.source, now) == ("start", new)
    return new


def test_hello_gives_a_random_epoch_that_pure_data_can_hold() -> None:
    epochs = {entered(ClientTable()).epoch for _ in range(50)}
    assert len(epochs) > 45
    assert all(1 <= epoch <= MAX_EPOCH for epoch in epochs)


def test_a_client_is_proven_only_by_naming_its_epoch() -> None:
    table = ClientTable()
    new = entered(table)
    wrong = new.epoch % MAX_EPOCH + 1
    assert table.credit(wrong, new.source, 0.1) == ("old", new)
    assert not new.proven
    assert table.streaming() == []
    assert table.credit(new.epoch, new.source, 0.2) == ("start", new)
    assert new.proven
    assert table.credit(new.epoch, new.source, 0.3) == ("go", new)


def test_a_ping_with_the_epoch_proves_a_client_without_sound() -> None:
    table = ClientTable()
    new = entered(table)
    table.ping(new.epoch - 1, new.source, 0.1)
    assert table.proven() == []
    table.ping(new.epoch, new.source, 0.2)
    assert table.proven() == [new]


def test_credit_from_nobody_is_unknown() -> None:
    assert ClientTable().credit(7, ("127.0.0.1", 5000), 0.0) == ("unknown", None)


@pytest.mark.case("R09")
def test_half_a_second_without_credit_loses_the_client_once() -> None:
    table = ClientTable()
    lost = streaming(table)
    assert table.sweep(LOST_S) == []
    assert table.sweep(LOST_S + 0.01) == [("lost", lost)]
    assert table.sweep(LOST_S + 0.02) == []
    assert table.streaming() == []


def test_a_lost_client_resumes_with_a_new_epoch_and_must_prove_it() -> None:
    table = ClientTable()
    back = streaming(table)
    old = back.epoch
    table.sweep(1.0)
    assert table.credit(old, back.source, 1.1) == ("welcome", back)
    assert back.epoch != old
    assert back.state is State.WELCOMED
    assert not back.proven
    assert table.credit(back.epoch, back.source, 1.2) == ("start", back)


def test_old_credits_are_ignored_at_first_and_welcomed_when_the_welcome_was_lost() -> None:
    table = ClientTable()
    new = streaming(table)
    old = new.epoch
    table.restart(new, 1.0)
    assert table.credit(old, new.source, 1.02)[0] == "old"
    assert table.credit(old, new.source, 1.0 + LOST_S + 0.02)[0] == "welcome"
    assert table.credit(old, new.source, 1.0 + LOST_S + 0.04)[0] == "old"


@pytest.mark.case("R09")
def test_five_silent_seconds_expire_a_client_and_pings_keep_it() -> None:
    table = ClientTable()
    quiet, pinging = entered(table, 5000), entered(table, 5001)
    table.ping(1, pinging.source, EXPIRY_S - 1)
    assert table.sweep(EXPIRY_S + 0.1) == [("expired", quiet)]
    assert table.all() == [pinging]
    assert table.from_source(quiet.source) is None
    assert table.sweep(2 * EXPIRY_S) == [("expired", pinging)]


def test_a_restarted_client_keeps_its_place_and_gets_a_new_epoch() -> None:
    table = ClientTable()
    first, second = streaming(table, 5000), streaming(table, 5001)
    again = client(5000)
    assert table.hello(again, 1.0) is first
    assert again.epoch != first.epoch
    assert table.all() == [again, second]


@pytest.mark.case("R09")
def test_the_ninth_client_takes_the_place_of_one_that_never_proved_itself() -> None:
    table = ClientTable()
    proven = [streaming(table, 5000 + n) for n in range(7)]
    doubtful = entered(table, 5007)
    assert table.hello(client(5008), 1.0) is doubtful
    table.credit(table.all()[-1].epoch, ("127.0.0.1", 5008), 1.1)
    with pytest.raises(WireError, match="8 clients") as refused:
        table.hello(client(5009), 1.2)
    assert refused.value.code == "full"
    assert table.all()[:7] == proven


def test_a_new_sending_port_is_recognised_by_the_epoch_on_the_same_computer_only() -> None:
    table = ClientTable()
    known = streaming(table)
    assert table.credit(known.epoch, ("10.0.0.9", 6000), 0.1) == ("unknown", None)
    assert table.credit(known.epoch, ("127.0.0.1", 6000), 0.1) == ("go", known)
    assert table.from_source(("127.0.0.1", 6000)) is known
    assert table.from_source(("127.0.0.1", 5000)) is None


def test_the_pacer_never_passes_its_sum_in_any_window() -> None:
    pacer = Pacer(32_000, 0.005)
    sent = [(t / 10_000, 1068) for t in range(2_000) for _ in range(3) if pacer.spend(1068, t / 10_000)]
    for at, _ in sent:
        assert sum(size for t, size in sent if at - 0.005 < t <= at) <= 32_000
    assert len(sent) * 1068 > 0.9 * 32_000 * 0.2 / 0.005


def test_buckets_give_their_burst_then_their_rate_and_forget_the_oldest_key() -> None:
    buckets = Buckets(burst=3, per_s=2, keys=10)
    assert [buckets.take("a", 0.0) for _ in range(5)] == [True, True, True, False, False]
    assert [buckets.take("a", 1.0) for _ in range(3)] == [True, True, False]
    for n in range(100):
        buckets.take(n, 1.0)
    assert len(buckets) == 10


def test_an_unproven_address_gets_three_times_what_it_sent() -> None:
    allowance = Allowance()
    allowance.received("10.0.0.1", 50)
    assert allowance.spend("10.0.0.1", 100)
    assert not allowance.spend("10.0.0.1", 51)
    assert allowance.spend("10.0.0.1", 50)
    assert not allowance.spend("10.0.0.2", 1)


def test_the_door_knows_this_computer_and_the_list() -> None:
    door = Door("0.0.0.0", ["192.168.1.0/24", "10.0.0.7"])
    assert all(door.knows(ip) for ip in ("127.0.0.1", "192.168.1.44", "10.0.0.7"))
    assert not any(door.knows(ip) for ip in ("192.168.2.1", "10.0.0.8"))
    assert not door.opens("guess")


@pytest.mark.case("R08")
def test_the_door_opens_for_the_phrase_only() -> None:
    door = Door("0.0.0.0", phrase="lub dub")
    assert door.opens("lub dub")
    assert not any(door.opens(guess) for guess in ("lub", "lub dub ", "", None, "\udc80"))


@pytest.mark.case("R07")
@pytest.mark.parametrize(
    ("host", "allow", "phrase"),
    [("0.0.0.0", None, None), ("192.168.1.2", [], None), ("127.0.0.1", ["here"], None), ("0.0.0.0", None, "")],
)
def test_a_door_that_would_stand_open_is_refused(host: str, allow: list[str] | None, phrase: str | None) -> None:
    with pytest.raises(UsageError, match=r"--allow|--phrase"):
        Door(host, allow, phrase)


@pytest.mark.case("R09")
@pytest.mark.parametrize(
    ("ip", "port"),
    [("127.0.0.1", 53), ("239.1.2.3", 9000), ("255.255.255.255", 9000), ("0.0.0.0", 9000), ("10.0.0.1", 0)],
)
def test_nothing_is_sent_to_system_ports_or_to_many(ip: str, port: int) -> None:
    assert not may_be_answered(ip, port)
