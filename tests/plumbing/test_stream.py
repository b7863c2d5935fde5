"""One stream without sockets: exact samples, offsets, resending, panic, resampling, running dry."""

import numpy as np
import pytest
from wire_rig import noise, sine

from heart.guard import Guard
from heart.plumbing.clients import Client, ClientTable
from heart.plumbing.desk import Faders
from heart.plumbing.history import MAX_RESENDS, RING_FRAMES, Block
from heart.plumbing.osc import decode
from heart.plumbing.playhead import WRAP, Playhead
from heart.plumbing.sender import Sender
from heart.plumbing.stream import Stream
from heart.plumbing.tape import Tape
from heart.records import SAMPLE_RATE_HZ


class Bench:
    """A sender with one or more clients whose time and credits the test decides."""

    def __init__(self, sound: np.ndarray, lead_ms: float = 200.0) -> None:
        self.tape = Tape(60)
        if len(sound):
            self.tape.lay(0, sound)
        self.now = 0.0
        self.table = ClientTable()
        self.sent: list[tuple[float, int, tuple]] = []
        self.settled: list[np.ndarray] = []
        self.sender = Sender(self.tape, self.table, self._sent, lead_ms, self.settled.append)

    def _sent(self, packet: bytes, addr: tuple[str, int]) -> None:
        ((_, args),) = decode(packet)
        self.sent.append((self.now, addr[1], args))

    def join(self, port: int = 5000, rate: int = SAMPLE_RATE_HZ, channels: int = 1) -> Client:
        client = Client("bench", ("127.0.0.1", port), ("127.0.0.1", port), rate, channels)
        self.table.hello(client, self.now)
        self.table.credit(client.epoch, client.source, self.now)
        self.sender.open(client)
        return client

    def credit(self, client: Client, played: int) -> None:
        assert client.stream is not None
        assert client.stream.playhead.report(played % WRAP, self.now)
        while self.sender.pump(self.now, client) and self.tape.head > self.sender.committed:
            self.now += 0.005

    def play(self, client: Client, seconds: float, already: int = 0) -> int:
        """Credits every 20 ms for `seconds`; the frames played by the end."""
        begin = self.now
        while self.now - begin < seconds:
            self.credit(client, already + round((self.now - begin) * client.rate_hz))
            self.now = round(self.now + 0.020, 6)
        return already + round((self.now - begin) * client.rate_hz)

    def sound(self, port: int = 5000) -> np.ndarray:
        """All blocks sent to a port, in the order sent: float32 [n]."""
        return np.concatenate([args[3] for _, to, args in self.sent if to == port])


def test_the_playhead_unwraps_and_ignores_reordered_credits() -> None:
    head = Playhead(44_100)
    total = 0
    for n in range(3_000):
        total = n * 882
        assert head.report(total % WRAP, n * 0.02)
    assert head.played == total > 2 * WRAP
    assert head.report((total - 882) % WRAP, 60.0)
    assert head.played == total


@pytest.mark.parametrize("count", [0, 400_000])
def test_the_playhead_refuses_a_count_that_began_anew_or_leapt(count: int) -> None:
    head = Playhead(44_100)
    head.report(100_000, 0.0)
    head.report(100_882, 0.02)
    assert not head.report(count, 0.04)


def test_the_playhead_runs_on_between_credits_but_not_for_long() -> None:
    head = Playhead(44_100)
    head.report(1000, 1.0)
    assert head.estimate(1.05) == 1000 + 2205
    assert head.estimate(9.0) == 1000 + 4410


def test_what_is_sent_is_the_guarded_tape_sample_for_sample() -> None:
    bench = Bench(noise(4))
    bench.play(bench.join(), 3.0)
    sound = bench.sound()
    assert len(sound) > 3 * SAMPLE_RATE_HZ
    np.testing.assert_array_equal(sound, Guard(SAMPLE_RATE_HZ).process(noise(4))[: len(sound)])


def test_blocks_are_numbered_without_gaps_and_land_where_their_frame_says() -> None:
    bench = Bench(noise(4))
    bench.play(bench.join(), 3.0)
    heads = [args[1:3] for _, _, args in bench.sent]
    assert [seq for seq, _ in heads] == list(range(len(heads)))
    first = heads[0][1]
    assert first >= 441
    assert first % 256 == 0
    assert [offset for _, offset in heads] == [(first + 256 * n) % RING_FRAMES for n in range(len(heads))]


def test_the_stream_stays_one_lead_ahead_and_commits_no_more() -> None:
    bench = Bench(noise(8), lead_ms=100.0)
    client = bench.join()
    played = bench.play(client, 2.0)
    assert client.stream is not None
    ahead = client.stream.feed.next_stream - played
    assert 4410 - 882 - 256 <= ahead <= 4410
    assert bench.sender.committed == client.stream.feed.next_tape == bench.tape.sealed
    demand = bench.sender.demand(bench.now)
    assert 0 <= demand - bench.sender.committed <= 882 + 512


def test_at_most_32_kb_go_out_in_any_five_milliseconds() -> None:
    bench = Bench(noise(8), lead_ms=1000.0)
    bench.play(bench.join(channels=2), 1.0)
    times = np.array([at for at, _, _ in bench.sent])
    for at in np.unique(times):
        assert np.sum((times > at - 0.005) & (times <= at)) * 1068 <= 32_000


def test_a_ring_is_never_filled_over_its_own_play_position() -> None:
    bench = Bench(noise(8), lead_ms=1000.0)
    client = bench.join(rate=192_000)
    bench.play(client, 0.5)
    assert client.stream is not None
    assert client.stream.feed.next_stream - client.stream.playhead.played < RING_FRAMES - 4096


def test_two_channels_carry_the_same_sound() -> None:
    bench = Bench(noise(2))
    bench.play(bench.join(channels=2), 0.5)
    assert [args[:3] for _, _, args in bench.sent[::2]] == [args[:3] for _, _, args in bench.sent[1::2]]
    assert all(np.array_equal(a[2][3], b[2][3]) for a, b in zip(bench.sent[::2], bench.sent[1::2], strict=True))


def test_an_empty_tape_sends_nothing_and_a_late_one_is_heard_from_its_first_frame() -> None:
    bench = Bench(noise(0))
    client = bench.join()
    bench.credit(client, 0)
    assert bench.sent == []
    assert bench.sender.demand(bench.now) >= 8820
    bench.tape.lay(0, noise(2))
    bench.now += 0.02
    bench.play(client, 0.2, 882)
    np.testing.assert_array_equal(bench.sound()[:4096], Guard(SAMPLE_RATE_HZ).process(noise(2))[:4096])


def test_after_running_dry_the_tape_goes_on_where_it_stopped_further_on_in_the_ring() -> None:
    bench = Bench(noise(1))
    client = bench.join()
    played = bench.play(client, 2.0)
    before = len(bench.sound())
    assert SAMPLE_RATE_HZ - 256 < before <= SAMPLE_RATE_HZ
    bench.tape.lay(SAMPLE_RATE_HZ, noise(2, seed=1))
    bench.play(client, 0.5, played)
    assert client.stream is not None
    assert client.stream.restarts == 1
    start = client.stream.feed.tape_start
    assert start in (SAMPLE_RATE_HZ, before)
    whole = np.concatenate((noise(1), noise(2, seed=1)))
    after = bench.sound()[before:]
    np.testing.assert_array_equal(after, Guard(SAMPLE_RATE_HZ).process(whole[start:])[: len(after)])
    offset = next(args[2] for _, _, args in bench.sent[before // 256 :])
    assert played <= client.stream.feed.stream_start < played + 0.055 * SAMPLE_RATE_HZ + 256
    assert offset == client.stream.feed.stream_start % RING_FRAMES


def test_a_second_client_hears_the_same_frame_at_the_same_time() -> None:
    bench = Bench(noise(10))
    first = bench.join(5000)
    played = bench.play(first, 2.0)
    second = bench.join(5001)
    bench.credit(first, played)
    bench.credit(second, 30)
    assert abs(first.heard_frame(bench.now) - second.heard_frame(bench.now)) <= 2
    start = second.stream.feed.tape_start
    sound = bench.sound(5001)
    np.testing.assert_array_equal(sound, Guard(SAMPLE_RATE_HZ).process(noise(10)[start:])[: len(sound)])


@pytest.mark.parametrize("rate", [48_000, 96_000, 22_050])
def test_a_resampled_click_sounds_at_the_offset_that_a_beat_would_name(rate: int) -> None:
    click = np.zeros(3 * SAMPLE_RATE_HZ, dtype=np.float32)
    click[50_000] = 0.5
    bench = Bench(click)
    client = bench.join(rate=rate)
    bench.play(client, 2.0)
    sound = bench.sound()
    offset = (bench.sent[0][2][2] + int(np.argmax(np.abs(sound)))) % RING_FRAMES
    assert abs(offset - client.ring_offset(50_000)) <= 1


def test_a_resampled_sine_keeps_its_pitch_and_is_clean() -> None:
    bench = Bench(sine(4, 1000.0))
    bench.play(bench.join(rate=48_000), 3.0)
    steady = bench.sound()[24_000:120_000] * np.hanning(96_000)
    spectrum = np.abs(np.fft.rfft(steady))
    peak = int(np.argmax(spectrum))
    assert peak == 2000
    rest = np.delete(spectrum, slice(peak - 5, peak + 6))
    assert 20 * np.log10(rest.max() / spectrum[peak]) < -80


def test_gain_glides_without_a_click_and_arrives() -> None:
    bench = Bench(sine(4))
    client = bench.join()
    played = bench.play(client, 1.0)
    bench.sender.turn(Faders(-12.0))
    bench.play(client, 1.0, played)
    sound = bench.sound()
    assert np.abs(np.diff(sound, 2)).max() < 1.5 * np.abs(np.diff(sine(1), 2)).max()
    assert np.abs(sound[-8000:]).max() == pytest.approx(0.5 * 10 ** (-12 / 20), rel=0.02)


def test_a_nack_brings_the_same_block_to_the_same_place_a_few_times_only() -> None:
    bench = Bench(noise(4))
    client = bench.join()
    bench.play(client, 0.2)
    number = len(bench.sent) - 5
    original = bench.sent[number][2]
    for _ in range(MAX_RESENDS + 3):
        client.stream.nack(number, 1, bench.now)
        bench.sender.pump(bench.now, client)
    copies = [args for _, _, args in bench.sent[number + 1 :] if args[1] == number]
    assert len(copies) == MAX_RESENDS
    assert all(a[:3] == original[:3] and np.array_equal(a[3], original[3]) for a in copies)


def test_a_nack_for_what_was_played_or_never_sent_brings_nothing() -> None:
    bench = Bench(noise(4))
    client = bench.join()
    bench.play(client, 1.0)
    before = len(bench.sent)
    client.stream.nack(0, 20, bench.now)
    client.stream.nack(before + 50, 4096, bench.now)
    assert not bench.sender.pump(bench.now, client)
    assert all(args[1] >= before for _, _, args in bench.sent[before:])
    assert bench.sender.counts()["resent"] == 0


def test_panic_rewrites_what_the_client_holds_and_keeps_silent_until_resume() -> None:
    bench = Bench(sine(6))
    client = bench.join()
    played = bench.play(client, 1.0)
    ring = {args[2]: args[3] for _, _, args in bench.sent}
    asked = len(bench.sent)
    while bench.sender.panic(bench.now):
        bench.now += 0.005
    for _, _, args in bench.sent[asked:]:
        ring[args[2]] = args[3]
    assert asked < len(bench.sent) < asked + 60
    heard = np.concatenate([ring[offset] for offset in sorted(ring)])
    start = played - min(ring)
    assert np.abs(heard[start - 200 : start]).max() > 0.4
    assert np.abs(heard[start + round(0.0155 * SAMPLE_RATE_HZ) :]).max() == 0.0
    assert np.abs(np.diff(heard, 2)).max() < 3 * np.abs(np.diff(sine(1), 2)).max()
    played = bench.play(client, 0.5, played)
    assert np.abs(bench.sound()[-8000:]).max() == 0.0
    bench.sender.resume()
    bench.play(client, 1.0, played)
    assert np.abs(bench.sound()[-4000:]).max() == pytest.approx(0.5, rel=0.02)


def test_the_record_is_what_was_heard_once_in_order_also_after_panic_and_resends() -> None:
    bench = Bench(sine(6))
    client = bench.join()
    played = bench.play(client, 1.0)
    client.stream.nack(len(bench.sent) - 5, 3, bench.now)
    bench.sender.panic(bench.now)
    bench.play(client, 1.0, played)
    bench.sender.close(client)
    latest: dict[int, np.ndarray] = {}
    for _, _, args in bench.sent:
        latest[args[1]] = args[3]
    heard = np.concatenate([latest[seq] for seq in sorted(latest)])
    np.testing.assert_array_equal(np.concatenate(bench.settled)[:, 0], heard)
    assert bench.sender.recorded_format == (SAMPLE_RATE_HZ, 1)


def test_a_client_that_falls_off_the_tape_begins_again_softly() -> None:
    bench = Bench(noise(1))
    stream = Stream(bench.tape, 1, SAMPLE_RATE_HZ)
    assert stream.begin(512, 0)
    stream.fill(0.0)
    bench.tape.seal(bench.tape.head)
    for _ in range(70):
        bench.tape.lay(bench.tape.head, noise(1))
        bench.tape.seal(bench.tape.head)
    assert stream.is_dry()
    assert stream.start_frame(0.0) is not None


def test_a_block_knows_its_ring_offset() -> None:
    assert Block(3, 70_000, np.zeros((256, 1))).offset == 70_000 - RING_FRAMES
