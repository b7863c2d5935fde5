"""Many at once: processes of this machine, and a real Ray cluster of two workers started here."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from heart.cli import main
from heart.errors import HeartError, UsageError
from heart.stage.many import spread
from heart.stage.render import Wanted
from heart.stage.render_many import Parcel, pack, render_all, unpack_and_render

SCORE = """{"score": 1, "seed": SEED, "voices": 2, "voice": "pulse"}
{"movement": "One", "seconds": 3}
{"at": 0, "set": {"bpm": 90, "level_2": -6}}
{"at": 1, "load": {"1": "a.wav"}}
"""


def work(item: int) -> int:
    if item == 3:
        raise UsageError("three is none")
    if item == 4:
        os._exit(9)
    return item * 10


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    folder = tmp_path / "scores"
    folder.mkdir()
    CliRunner().invoke(main, ["generate", "-o", str(folder / "a.wav"), "--voice", "pulse", "--seconds", "1"])
    for number in range(4):
        (folder / f"s{number}.score").write_text(SCORE.replace("SEED", str(number)), encoding="utf-8")
    (folder / "broken.score").write_text(SCORE.replace("SEED", "1").replace("a.wav", "b.wav"), encoding="utf-8")
    return folder


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.wav"))}


def test_processes_bring_results_and_errors_back() -> None:
    results = dict(spread(work, [1, 2, 3], jobs=2))
    assert (results[0], results[1]) == (10, 20)
    assert isinstance(results[2], UsageError)
    assert str(results[2]) == "three is none"
    assert any(isinstance(result, HeartError) for _, result in spread(work, [4, 4], jobs=2)), "a process that dies"


def test_a_cluster_of_two_workers_renders_the_same_bytes(scores: Path, tmp_path: Path) -> None:
    alone, cluster = tmp_path / "alone", tmp_path / "cluster"
    options = ["--sounds", str(scores), "--threads", "1", "--stems"]
    one = CliRunner().invoke(main, ["render", str(scores), "-o", str(alone), *options])
    many = ["render", str(scores), "-o", str(cluster), *options, "--cluster", "local", "--jobs", "2"]
    two = CliRunner().invoke(main, many)
    assert (one.exit_code, two.exit_code) == (1, 1), two.output
    assert "broken.score" in two.output
    assert "b.wav" in two.output
    assert len(hashes(alone)) == 12
    assert hashes(alone) == hashes(cluster)
    data = ["generate", "--voice", "pulse", "--count", "5", "--seconds", "1", "--batch", "2", "-o"]
    for folder, more in (("d1", []), ("d2", ["--jobs", "2"])):
        made = CliRunner().invoke(main, [*data, str(tmp_path / folder), *more])
        assert made.exit_code == 0, made.output
    assert hashes(tmp_path / "d1") == hashes(tmp_path / "d2")
    assert len(hashes(tmp_path / "d1")) == 5


def test_a_cluster_that_is_not_there_is_one_line() -> None:
    for address in ("127.0.0.1:1", "ray://127.0.0.1:1", "nonsense"):
        with pytest.raises(UsageError, match=rf"--cluster {address}: no Ray cluster answers there"):
            list(spread(work, [1], cluster=address))


def test_a_worker_with_other_weights_refuses(scores: Path, tmp_path: Path) -> None:
    parcel = pack(Wanted(scores / "s1.score", tmp_path / "a.wav", sounds=scores))
    with pytest.raises(HeartError, match="other weights of pulse"):
        unpack_and_render(Parcel(parcel.wanted, parcel.ready, "another"))
    (result,) = render_all([Wanted(scores / "broken.score", tmp_path / "a.wav", sounds=scores)], cluster="auto")
    assert isinstance(result[1], HeartError)
    assert "line 4" in str(result[1])
