"""heart render: the same bytes every time, after a crash too; what it writes, and what it says when it cannot."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from heart.cli import main
from heart.errors import FileError, UsageError
from heart.records import SAMPLE_RATE_HZ
from heart.stage.again import sing_again
from heart.stage.mixdown import Format, loudness_of
from heart.stage.render import Wanted, prepare, render

RATE = SAMPLE_RATE_HZ
SCORE = """{"score": 1, "title": "Trial", "seed": 5, "voices": 2, "voice": "pulse"}
{"movement": "One", "seconds": 4}
{"at": 0, "set": {"bpm": 90, "level_2": -6, "tempo_2": 2}}
{"at": 1.2, "set": {"balance": 0.5}}
{"at": 1.9, "ramp": {"bpm": 150, "gain": -9}, "over": 2}
{"movement": "Two", "seconds": 4, "wait": true}
{"at": 0.5, "choose": {"pattern": ["bigeminy", "af"]}}
{"at": 1, "send": ["/heart/panic"]}
{"at": 2, "send": ["/heart/resume"]}
{"at": 2, "set": {"gain": 0}}
"""


@pytest.fixture
def score(tmp_path: Path) -> Path:
    path = tmp_path / "trial.score"
    path.write_text(SCORE, encoding="utf-8")
    return path


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(score: Path, tmp_path: Path) -> None:
    outs = [tmp_path / f"{name}.wav" for name in ("a", "b", "c")]
    for out, seed in zip(outs, (5, None, 6)):
        render(Wanted(score, out, seed=seed))
    assert sha(outs[0]) == sha(outs[1]) != sha(outs[2])
    assert not list(tmp_path.glob("*.part"))


def test_what_is_written_is_fit_for_ears_and_does_what_the_score_says(score: Path, tmp_path: Path) -> None:
    told = render(Wanted(score, tmp_path / "a.wav", format=Format(bits="float")))
    sound, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert (rate, sound.shape) == (RATE, (8 * RATE, 2))
    assert (told.seconds, told.remarks) == (8.0, ())
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= 10 ** (-1 / 20)
    assert np.abs(sound.mean(0)).max() < 1e-4
    assert told.level.peak_db == pytest.approx(20 * np.log10(np.abs(sound).max()), abs=1e-6)
    silent = sound[round(5.25 * RATE) : 6 * RATE]
    assert np.abs(silent).max() < 1e-4, "panic"
    assert np.abs(sound[round(6.1 * RATE) :]).max() > 0.05, "resume"
    loud = [np.sqrt(np.mean(sound[round(a * RATE) : round(b * RATE)] ** 2)) for a, b in ((0.2, 1.9), (4, 5))]
    assert loud[0] > 2 * loud[1], "the ramp of gain"
    assert np.abs(sound[-1]).max() < 1e-4, "it ends without a click"
    assert not np.allclose(sound[:, 0], sound[:, 1]), "two voices, one on each channel"


@pytest.mark.parametrize(("suffix", "rate", "bits", "subtype"), [
    (".wav", 44_100, "16", "PCM_16"), (".wav", 48_000, "24", "PCM_24"), (".flac", 96_000, "24", "PCM_24"),
])  # fmt: skip
def test_formats(suffix: str, rate: int, bits: str, subtype: str, score: Path, tmp_path: Path) -> None:
    out = tmp_path / f"a{suffix}"
    render(Wanted(score, out, format=Format(rate, bits)))
    info = soundfile.info(out)
    assert (info.samplerate, info.subtype, info.channels) == (rate, subtype, 2)
    assert info.frames == pytest.approx(8 * rate, abs=2)


def test_loudness_is_met_and_stems_are_the_whole(score: Path, tmp_path: Path) -> None:
    """So soft that the guard, which knows all channels of a file, lets them through as they are."""
    score.write_text(SCORE.replace("/heart/panic", "/heart/resume").replace('"gain": -9', '"gain": 0'))
    told = render(Wanted(score, tmp_path / "a.wav", format=Format(bits="float", loudness=-45.0), stems=True))
    sound, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert loudness_of(sound) == pytest.approx(-45, abs=0.5)
    stems = [soundfile.read(path, dtype="float32")[0] for path in told.stems]
    assert [path.name for path in told.stems] == ["a-voice-1.wav", "a-voice-2.wav"]
    for channel, stem in enumerate(stems):
        assert np.abs(stem - sound[:, channel]).max() < 2e-3


def test_the_log_of_a_rendering_is_sung_again(score: Path, tmp_path: Path) -> None:
    render(Wanted(score, tmp_path / "a.wav", log=tmp_path / "a.log"))
    told = sing_again(tmp_path / "a.log", tmp_path / "again.wav")
    assert told.different == 0
    assert told.seconds > 8


SLOWLY = """
import sys, time
from pathlib import Path
from heart.stage import render as stage
sing = stage.sing_all
stage.sing_all = lambda *args: time.sleep(0.1) or sing(*args)
stage.KEEP_S = 0.2
stage.render(stage.Wanted(Path(sys.argv[1]), Path(sys.argv[2])))
"""


def test_a_killed_rendering_goes_on_where_it_was_to_the_same_bytes(score: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole.wav", tmp_path / "killed.wav"
    render(Wanted(score, whole))
    child = subprocess.Popen([sys.executable, "-c", SLOWLY, str(score), str(out)])
    try:
        deadline = time.monotonic() + 60
        while not (out.with_name("killed.wav.part") / "state.npz").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
            assert child.poll() is None
        time.sleep(0.3)
        assert child.poll() is None, "it was killed under way"
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait(10)
    assert not out.exists()
    told = render(Wanted(score, out))
    assert told.resumed
    assert sha(out) == sha(whole)
    assert not out.with_name("killed.wav.part").exists()


def test_a_changed_score_begins_anew(score: Path, tmp_path: Path) -> None:
    part = tmp_path / "a.wav.part"
    part.mkdir()
    (part / "key.json").write_text('"of something else"')
    (part / "mix.f32").write_bytes(b"\0" * 999)
    assert not render(Wanted(score, tmp_path / "a.wav")).resumed
    assert soundfile.info(tmp_path / "a.wav").frames == 8 * RATE


def limited(bytes_: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))


def test_a_full_disk_is_one_line_and_what_is_there_is_kept(score: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "heart", "render", str(score), "-o", str(tmp_path / "a.wav")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, preexec_fn=lambda: limited(500_000)
    )
    assert done.returncode == 1, done.stderr
    assert "a.wav.part: cannot be written (File too large); what is there is kept" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "a.wav.part" / "mix.f32").stat().st_size > 0
    assert subprocess.run(command, capture_output=True, timeout=120, check=False).returncode == 0


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"out": Path("a.mp3")}, UsageError, "must end in .wav or .flac"),
        ({"out": Path("/nowhere/a.wav")}, UsageError, "no such folder"),
        ({"format": Format(bits="float"), "out": Path("a.flac")}, UsageError, "FLAC has 16 or 24 bits"),
        ({"format": Format(loudness=0.0)}, UsageError, "loudness 0"),
        ({"score": Path("absent.score")}, FileError, "no such score"),
        ({"heart": Path("absent.wav")}, FileError, "absent.wav"),
        ({"beats": Path("absent.csv")}, FileError, "absent.csv"),
        ({"voice": "nobody"}, UsageError, "no voice called 'nobody'"),
    ],
)
def test_what_cannot_be_rendered_is_one_line(change, error, words, score, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        render(Wanted(**{"score": score, "out": Path("b.wav"), **change}))
    assert not list(tmp_path.glob("*.part"))


def test_a_heart_is_followed_and_beats_are_taken(tmp_path: Path) -> None:
    score = tmp_path / "f.score"
    score.write_text(
        '{"score": 1, "voice": "pulse"}\n{"movement": "I", "seconds": 9}\n{"at": 0, "set": {"rmssd": 0}}\n'
        '{"at": 2, "if": "heart", "set": {"mode": "follow"}}\n{"at": 2, "if": "beats", "set": {"mode": "track"}}\n'
    )
    heart = Path(__file__).resolve().parents[2] / "sounds" / "heart-rest.flac"
    (tmp_path / "rr.csv").write_text("rr_s\n" + "0.5\n1.0\n" * 20)
    followed = prepare(Wanted(score, tmp_path / "a.wav", heart=heart))
    assert followed.heart is not None
    assert followed.heart.bpm == pytest.approx(78, abs=1.5)
    render(Wanted(score, tmp_path / "b.wav", beats=tmp_path / "rr.csv", log=tmp_path / "b.log"))
    text = (tmp_path / "b.log").read_text()
    assert '"rr_ms": 500.0' in text
    assert '"rr_ms": 1000.0' in text


def test_a_folder_of_scores_is_rendered_side_by_side_to_the_same_bytes(score: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scores"
    folder.mkdir()
    for name, seed in (("one", 1), ("two", 2)):
        (folder / f"{name}.score").write_text(SCORE.replace('"seed": 5', f'"seed": {seed}'))
    (folder / "bad.score").write_text("{}\n")
    (folder / "notes.txt").write_text("no score")
    run = CliRunner().invoke(main, ["render", str(folder), "-o", str(tmp_path / "out"), "--jobs", "2"])
    assert run.exit_code == 1
    assert "bad.score: a score begins with" in run.output
    render(Wanted(folder / "two.score", tmp_path / "two.wav"))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one.wav", "two.wav"]
    assert sha(tmp_path / "out" / "two.wav") == sha(tmp_path / "two.wav")


def test_a_page_is_drawn(score: Path, tmp_path: Path) -> None:
    render(Wanted(score, tmp_path / "a.wav", plot=tmp_path / "a.png"))
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_render_wants_a_score_or_a_log(tmp_path: Path) -> None:
    run = CliRunner().invoke(main, ["render", "-o", str(tmp_path / "a.wav")])
    assert run.exit_code == 2
    assert "name a SCORE" in run.output


def test_the_nets_give_the_same_bytes_on_any_number_of_threads(tmp_path: Path) -> None:
    """That is why offline all cores may sing what live half of them sang."""
    score = tmp_path / "t.score"
    lines = ['{"score": 1, "voices": 2}', '{"movement": "I", "seconds": 1.5}', '{"at": 0, "set": {"level_2": -6}}']
    score.write_text("\n".join([*lines, '{"at": 0.5, "set": {"label_2": "rain", "cross": "now"}}\n']))
    outs = [tmp_path / f"{threads}.wav" for threads in (1, 2)]
    for threads, out in enumerate(outs, 1):
        render(Wanted(score, out, threads=threads, steps=4))
    assert sha(outs[0]) == sha(outs[1])
