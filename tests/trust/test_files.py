"""Files that break decoders, disks that are full, recorders that die: the sound goes on."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile as sf

from heart import apart
from heart.apart import read_apart
from heart.audio import read_audio, write_audio
from heart.errors import FileError
from heart.plumbing.client import HeartClient
from heart.records import SAMPLE_RATE_HZ
from rig.live import LiveEngine, Program, until

LIMITS = (SAMPLE_RATE_HZ, 1_800.0, 192 << 20)


def wav(frames: int, rate_hz: int = 44_100, channels: int = 1, claimed: int | None = None, kind: int = 3) -> bytes:
    """A float WAV, which may claim another number of bytes than it has."""
    body = np.full(frames * channels, 0.1, "<f4").tobytes()
    size = len(body) if claimed is None else claimed
    form = struct.pack("<HHIIHH", kind, channels, rate_hz, 176_400, channels * 4 % 2**16, 32)
    return (
        b"RIFF"
        + struct.pack("<I", min(36 + size, 2**32 - 1))
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + (b"data" + struct.pack("<I", size) + body)
    )


def rf64(claimed: int) -> bytes:
    """100 GB in a header, and nothing behind it."""
    sizes = struct.pack("<QQQI", claimed + 72, claimed, claimed // 4, 0)
    form = struct.pack("<HHIIHH", 3, 1, 44_100, 176_400, 4, 32)
    head = b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<I", 28) + sizes
    return head + b"fmt " + struct.pack("<I", 16) + form + b"data\xff\xff\xff\xff" + bytes(400)


def write_bad(folder: Path) -> None:
    files = {
        "rf64.wav": rf64(100 << 30),
        "truncated.wav": wav(4410)[:30],
        "channels.wav": wav(10, channels=65_535)[:4000],
        "rate0.wav": wav(4410, rate_hz=0),
        "rate31.wav": wav(4410, rate_hz=2**31 - 1),
        "empty.wav": b"",
        "nothing.wav": wav(0),
        "renamed.wav": b"\x80\x02}q\x00." * 100,
        "adpcm.wav": wav(4410, kind=17),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    for name, value in (("nan.wav", np.nan), ("huge.wav", 1e30)):
        sf.write(folder / name, np.full(4410, value, np.float32), 44_100, subtype="FLOAT")
    with (folder / "sparse.wav").open("wb") as file:
        file.write(wav(0, claimed=2**32 - 1))
        file.truncate(100 << 30)
    with sf.SoundFile(folder / "bomb.flac", "w", 192_000, 8, format="FLAC", subtype="PCM_16") as file:
        for _ in range(40):
            file.write(np.zeros((192_000, 8), np.int16))  # 61 MB of silence in some kB; the claim is what counts
    data = bytearray((folder / "bomb.flac").read_bytes())
    data[21:26] = bytes([data[21] & 0xF0 | 0x0F]) + b"\xff\xff\xff\xff"  # total samples: 2^36 - 1
    (folder / "bomb.flac").write_bytes(data)


@pytest.mark.case("R35")
def test_bombs_are_refused_and_a_stream_hears_nothing_of_it(tmp_path: Path, reached) -> None:
    write_bad(tmp_path)
    write_audio(tmp_path / "good.wav", np.ones(44_100, np.float32) * 0.1, SAMPLE_RATE_HZ)
    names = sorted(path.name for path in tmp_path.iterdir() if path.name != "good.wav")
    waits = {}
    with LiveEngine(sounds=tmp_path) as live, HeartClient(port=live.port) as client, Program(live.port) as program:
        assert client.wait_until(lambda: client.fill_ms > 100, 5)
        program.ask("/heart/sound/load", 1, "good.wav")
        before = psutil.Process().memory_info().rss
        for name in names:
            asked_s = time.monotonic()
            said = program.ask("/heart/sound/load", 2, name)
            waits[name] = time.monotonic() - asked_s
            assert said[0] == "failed", (name, said)
            assert name in said[2]
        grown_mb = (psutil.Process().memory_info().rss - before) / 1e6
    worst = max(waits, key=waits.__getitem__)
    cost = f"worst {waits[worst]:.2f} s ({worst}), memory {grown_mb:+.0f} MB"
    reached(f"{len(names)} files refused, {cost}, {client.silent_frames} samples missing")
    assert client.silent_frames == 0
    assert grown_mb < 256
    assert waits[worst] < 5


def test_apart_reads_what_is_read_here(tmp_path: Path) -> None:
    sound = np.random.default_rng(1).uniform(-0.5, 0.5, (22_050, 2)).astype(np.float32)
    write_audio(tmp_path / "s.wav", sound, 22_050)
    here, _ = read_audio(tmp_path / "s.wav", 44_100)
    np.testing.assert_array_equal(read_apart(tmp_path / "s.wav", *LIMITS), here)


@pytest.mark.case("R35")
def test_a_decoder_that_crashes_or_hangs_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_audio(tmp_path / "s.wav", np.ones(4410, np.float32) * 0.1, 44_100)
    for name, code, words in (
        ("crash", "import os; os.abort()", "its reader ended by -6"),
        ("hang", "import time; time.sleep(60)", "could not be read within 1 s"),
    ):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{code}'\n")
        program.chmod(0o755)
        monkeypatch.setattr(apart.sys, "executable", str(program))
        with pytest.raises(FileError, match=words):
            read_apart(tmp_path / "s.wav", *LIMITS, timeout_s=1.0)
        monkeypatch.undo()


@pytest.mark.case("R35")
def test_the_reader_has_no_network_and_no_children(tmp_path: Path) -> None:
    code = "from heart.apart import limit; limit(); import {}"
    for what in ("socket; socket.create_connection(('127.0.0.1', 9))", "subprocess; subprocess.run(['true'])"):
        done = subprocess.run([sys.executable, "-c", code.format(what)], capture_output=True, text=True, timeout=30)
        assert "must not lead to" in done.stderr


@pytest.mark.stage
@pytest.mark.timeout(900)
@pytest.mark.case("R37")
def test_five_hundred_damaged_files_are_each_answered(tmp_path: Path, reached) -> None:
    dice = np.random.default_rng(37)
    sound = dice.uniform(-0.5, 0.5, 8_000).astype(np.float32)
    sf.write(tmp_path / "seed.wav", sound, 44_100, subtype="FLOAT")
    sf.write(tmp_path / "seed.flac", sound, 44_100)
    sf.write(tmp_path / "seed.ogg", sound, 44_100)
    seeds = [(path.suffix, path.read_bytes()) for path in sorted(tmp_path.glob("seed.*"))]
    counts = {"done": 0, "failed": 0}
    with LiveEngine(sounds=tmp_path) as live, Program(live.port) as program:
        live.engine.wire._post._errors.burst = live.engine.wire._post._errors_of_ip.burst = 1e9
        for number in range(500):
            suffix, seed = seeds[number % len(seeds)]
            data = bytearray(seed)
            for at in dice.integers(min(400, len(data)) if number % 2 else len(data), size=dice.integers(1, 12)):
                data[at] = dice.integers(256)
            name = f"damaged{suffix}"
            (tmp_path / name).write_bytes(data[: dice.integers(20, len(data) + 1)] if number % 5 == 0 else data)
            said = program.ask("/heart/sound/load", 1, name)
            counts["failed" if said[0] == "failed" else "done"] += 1
        program.send("/heart/ping", 1)
        assert program.wait_for("/heart/pong") == (1,)
    reached(f"500 damaged files: {counts['failed']} refused, {counts['done']} read, 0 exits")
    assert counts["failed"] > 50


def full_disk(folder: Path) -> tuple[Path, Callable[[], None]]:
    """A disk of 8 MB and how to take it away; where none may be mounted, a folder whose disk is said to be full."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no disk may be mounted here: tests/plumbing/test_recorder.py has a limit on files instead")
    return disk, lambda: subprocess.run(["umount", "-l", str(disk)], check=False)  # type: ignore[return-value]


@pytest.mark.stage
@pytest.mark.case("R38")
def test_a_full_disk_ends_the_take_and_nothing_else(tmp_path: Path, reached) -> None:
    disk, away = full_disk(tmp_path)
    try:
        (disk / "rest").write_bytes(bytes(7_300_000))
        with LiveEngine(record=disk / "take.wav") as live, HeartClient(port=live.port) as client:
            told = client.inbox._waiting
            assert client.wait_until(lambda: "disk" in [a[0] for a in told.get("/heart/alarm", ())], 20)
            text = next(args[1] for args in told["/heart/alarm"] if args[0] == "disk")
            time.sleep(1.0)
            missing = client.silent_frames
        taken, rate_hz = read_audio(disk / "take.wav")
        shutil.copy(disk / "take.wav", tmp_path)
    finally:
        away()
    reached(f"8 MB disk full: {missing} samples missing, the take opens with {len(taken) / rate_hz:.1f} s")
    assert "free some space" in text
    assert missing == 0
    assert len(taken) > rate_hz


@pytest.mark.stage
@pytest.mark.case("R39")
def test_a_killed_recorder_is_not_heard(tmp_path: Path, reached) -> None:
    with LiveEngine(record=tmp_path / "take.wav") as live, HeartClient(port=live.port) as client:
        assert client.wait_until(lambda: client.played > 3 * SAMPLE_RATE_HZ, 10)
        recorder = live.engine.recorder.worker
        former, played = recorder.pid, client.played
        os.kill(former, 9)
        assert until(lambda: recorder.pid not in (None, former) and recorder.ready, 10)
        time.sleep(1.0)
        missing = client.silent_frames
        taken, _ = read_audio(tmp_path / "take.wav")
    lost_s = (played - len(taken)) / SAMPLE_RATE_HZ
    reached(f"{missing} samples missing; the take is whole to {lost_s:.1f} s before")
    assert missing == 0
    assert lost_s < 1.5
    assert (tmp_path / "take-2.wav").exists()


@pytest.mark.stage
@pytest.mark.case("R27")
def test_rendering_is_the_same_twice_and_with_other_threads(tmp_path: Path, reached) -> None:
    code = (
        "import sys, hashlib, json, numpy as np\nfrom heart.sounding.offline import generate\n"
        "a = [generate(2.0, voice='voice-heart', threads=n, seed=5) for n in (1, 1, 2)]\n"
        "told = [hashlib.sha256(x.tobytes()).hexdigest() for x in a]\n"
        "print(json.dumps([told, float(np.abs(a[0] - a[2]).max())]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-1500:]
    (first, second, _), apart_by = json.loads(done.stdout.splitlines()[-1])
    reached(f"twice the same bytes: {first == second}; 1 and 2 threads differ by {apart_by:.1e}")
    assert first == second
    assert apart_by <= 1e-5


@pytest.mark.case("R31")
def test_the_guard_costs_little(reached) -> None:
    from heart.guard import Guard

    guard, sound = Guard(48_000, 2), np.random.default_rng(0).uniform(-0.9, 0.9, (256, 2)).astype(np.float32)
    spent = []
    for _ in range(2_000):
        began = time.perf_counter()
        guard.process(sound)
        spent.append(time.perf_counter() - began)
    middle_ms, worst_ms = 1000 * float(np.median(spent)), 1000 * float(np.percentile(spent, 99))
    reached(f"{middle_ms:.3f} ms a block of 256 x 2, p99 {worst_ms:.3f} ms")
    assert middle_ms < 0.25
