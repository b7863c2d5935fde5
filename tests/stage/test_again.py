"""A live run sung again from its log is the tape that was, bit for bit; a damaged log is one clear line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from heart.audio import read_audio
from heart.cli import main
from heart.errors import FileError, HeartError, UsageError
from heart.guard import Guard
from heart.plumbing.client import HeartClient
from heart.plumbing.journal import Journal
from heart.records import SAMPLE_RATE_HZ, Beat, Judged
from heart.sounding.registry import open_voice
from heart.stage.again import sing_again
from heart.stage.chunk_log import encode_line, header_of, pack, unpack
from heart.stage.rehearsal import running_engine
from heart.stage.simulation import Simulation


def perform(stage: Simulation) -> np.ndarray:
    """Some of everything: knobs, a voice that dies, a bed, a voice too late; the tape as it stands at the end."""
    stage.run(1.0, listening=False)
    stage.run(2.0)
    stage.turn("bpm", 110.0)
    stage.run(2.3)
    stage.kill()
    stage.run(3.0)
    stage.alive = True
    stage.turn("label", "AS")
    stage.run(2.0)
    stage.work_s = 0.5
    stage.run(4.0)
    stage.work_s = 0.05
    stage.turn("seed", 7)
    stage.run(2.0)
    rest = stage.tape.read(stage.tape.sealed, stage.tape.head - stage.tape.sealed)[:, 0]
    return np.concatenate((stage.sound, rest))


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """The log of a performance of the pulse, and its tape."""
    path = tmp_path_factory.mktemp("log") / "run.log"
    journal = Journal(path, encode_line)
    journal.write(header_of("pulse", 0))
    stage = Simulation(log=journal.write)
    tape = perform(stage)
    journal.close()
    assert {laid.by for laid in stage.laid} == {"voice", "bed"}
    assert any(laid.first > laid.wish.start for laid in stage.laid), "one came late in part"
    return path, tape


def test_a_performance_is_sung_again_bit_for_bit(logged: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    path, tape = logged
    told = sing_again(path, tmp_path / "again.wav")
    again, rate_hz = read_audio(tmp_path / "again.wav")
    assert rate_hz == SAMPLE_RATE_HZ
    assert np.array_equal(again, tape)
    assert told.different == 0
    assert told.chunks == len(path.read_text().splitlines()) - 1


@pytest.mark.parametrize(("voice", "label"), [("voice-heart", "AS"), ("voice", "rain")])
def test_the_diffusion_voice_is_sung_again_bit_for_bit(voice: str, label: str, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "run.log", encode_line)
    journal.write(header_of(voice, 1))
    stage = Simulation(voice=open_voice(voice, threads=1), log=journal.write)
    stage.run(0.5, listening=False)
    stage.run(0.7)
    stage.turn("label", label)
    stage.turn("steps", 2)
    stage.run(0.8)
    stage.kill()
    stage.run(2.2)
    stage.alive = True
    stage.run(0.5)
    journal.close()
    assert {laid.by for laid in stage.laid} == {"voice", "bed"}
    told = sing_again(tmp_path / "run.log", tmp_path / "again.wav", to_s=stage.tape.sealed / SAMPLE_RATE_HZ)
    assert told.different == 0
    assert np.array_equal(read_audio(tmp_path / "again.wav")[0], stage.sound)


def test_a_part_of_it_is_the_same_as_in_the_whole(logged: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    path, tape = logged
    result = CliRunner().invoke(
        main, ["render", "--again", str(path), "-o", str(tmp_path / "part.wav"), "--from", "3.5", "--to", "6"]
    )
    assert result.exit_code == 0, result.output
    assert "bit for bit" in result.output
    part, _ = read_audio(tmp_path / "part.wav")
    assert np.array_equal(part, tape[round(3.5 * SAMPLE_RATE_HZ) : 6 * SAMPLE_RATE_HZ])


@pytest.mark.parametrize("voice", ["pulse", pytest.param("voice-heart", marks=pytest.mark.stage)])
def test_what_a_client_was_sent_is_the_tape_sung_again_behind_the_guard(voice: str, tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    with running_engine(tmp_path, "--voice", voice, "--threads", "1", "--log", str(log)) as engine:
        client = HeartClient("127.0.0.1", engine.port).start()
        try:
            assert client.wait_until(lambda: client.fill_ms > 100, 20)
            client.send("/heart/set/bpm", 130)
            time.sleep(2)
            client.send("/heart/set/label", "MR")
            time.sleep(2)
            dry = client.underruns
        finally:
            client.stop()
        engine.stop()
    told = sing_again(log, tmp_path / "again.wav")
    assert told.different == 0
    sent, _ = read_audio(engine.record)
    tape, _ = read_audio(tmp_path / "again.wav")
    assert len(sent) > 3 * SAMPLE_RATE_HZ
    heard = Guard(SAMPLE_RATE_HZ).process(tape[: len(sent)])
    same = int(np.argmin(np.append(heard == sent, False)))
    # A client that ran dry is set anew on the tape, further on: then only what it was sent before is in step.
    assert same == len(sent) if not dry else same > SAMPLE_RATE_HZ


def spoilt(line: int, change: Callable[[str], str]) -> Callable[[list[str]], None]:
    def spoil(lines: list[str]) -> None:
        lines[line - 1] = change(lines[line - 1])

    return spoil


def with_wish(name: str, value: Any) -> Callable[[str], str]:
    def change(text: str) -> str:
        line = json.loads(text)
        line["wish"][name] = value
        return json.dumps(line)

    return change


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (spoilt(4, lambda text: text[:50]), "line 4 is no line of a log"),
        (spoilt(3, lambda text: text.replace('"bpm": 72.0', '"bpm": NaN')), "line 3.*NaN is no number"),
        (spoilt(5, lambda text: text.replace('"first"', '"frist"')), "line 5.*lacks 'first'"),
        (spoilt(5, with_wish("start", -64)), "line 5.*-64 is no count"),
        (spoilt(5, with_wish("colour", "red")), "line 5.*colour"),
        (spoilt(5, with_wish("beats", [{"is": "Path"}])), "line 5.*no record is called 'Path'"),
        (spoilt(6, with_wish("past", 10**9)), "line 6 does not fit those before it"),
        (spoilt(1, lambda text: text.replace('"log": 2', '"log": 1')), "line 1.*format 1, this version reads 2"),
        (lambda lines: lines.clear(), "is empty"),
    ],
)
def test_a_damaged_log_is_one_line_that_names_the_line(
    spoil: Callable[[list[str]], None], says: str, logged: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    lines = logged[0].read_text().splitlines()
    spoil(lines)
    (tmp_path / "bad.log").write_text("\n".join(lines))
    with pytest.raises(FileError, match=says):
        sing_again(tmp_path / "bad.log", tmp_path / "x.wav")


def test_another_wish_or_other_weights_are_named(logged: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    lines, bad = logged[0].read_text().splitlines(), tmp_path / "bad.log"
    bad.write_text("\n".join([*lines[:5], with_wish("seed", 99)(lines[5])]))
    with pytest.raises(HeartError, match=r"line 6: chunk .* was sung by recipe"):
        sing_again(bad, tmp_path / "x.wav")
    bad.write_text("\n".join([lines[0].replace('"weights": ""', '"weights": "abc"'), *lines[1:]]))
    with pytest.raises(HeartError, match="with weights abc"):
        sing_again(bad, tmp_path / "x.wav")


def test_what_cannot_be_is_refused(logged: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    path = logged[0]
    with pytest.raises(UsageError, match=r"name a \.wav file"):
        sing_again(path, tmp_path / "x.flac")
    with pytest.raises(UsageError, match="nothing to sing between 5 s and 4"):
        sing_again(path, tmp_path / "x.wav", 5, 4)
    with pytest.raises(UsageError, match="ends before 100 s"):
        sing_again(path, tmp_path / "x.wav", 100)
    with pytest.raises(FileError, match="cannot be read"):
        sing_again(tmp_path / "none.log", tmp_path / "x.wav")


def test_records_survive_the_way_through_json() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    for value in (Beat(1, 2, 3, 4.5), (1, "a", None, (True,)), Judged(1.0, "scene", None, {"a": 0.5}), 0.1, "é"):
        assert unpack(json.loads(json.dumps(pack(value)))) == value
    back = unpack(json.loads(json.dumps(pack(array))))
    assert back.dtype == array.dtype
    assert np.array_equal(back, array)


def test_a_full_disk_ends_the_log_and_nothing_else() -> None:
    told: list[str] = []
    journal = Journal(Path("/dev/full"), str, told.append) if Path("/dev/full").exists() else None
    if journal is None:  # no such device on Windows and macOS
        return
    for number in range(10):
        journal.write(number)
    journal.close()
    assert len(told) == 1
    assert "the log ended (No space left on device)" in told[0]
