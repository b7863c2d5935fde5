"""The command line as a user meets it: help everywhere, one line for a mistake, files that are what they say."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from heart.cli import main
from heart.learning import MODELS, evaluator, trainer
from heart.namespace import PARAMS, as_json, as_markdown
from heart.sounding.offline import generate

ROOT = Path(__file__).resolve().parent.parent


def run(*args: str) -> Result:
    return CliRunner().invoke(main, [*args])


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_explains_itself_and_is_in_the_readme(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert main.commands[command].help
    assert f"heart {command}" in (ROOT / "README.md").read_text() + (ROOT / "models/README.md").read_text()


def test_help_costs_no_heavy_import() -> None:
    code = (
        "import sys; from heart.cli import main; main(['--help'], standalone_mode=False);"
        "print([m for m in ('torch', 'scipy', 'numpy', 'matplotlib', 'sounddevice') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout.strip().endswith("[]"), done.stdout


@pytest.mark.parametrize("command", ["live", "generate"])
def test_options_of_beats_are_the_parameters(command: str) -> None:
    options = {option.name: option for option in main.commands[command].params}
    for name in ("systole", "balance", "ectopy", "pattern"):
        kind, param = options[name].type, PARAMS[name]
        assert options[name].default == param.default
        if param.choices:
            assert tuple(kind.choices) == param.choices
        else:
            assert (kind.min, kind.max) == (param.low, param.high)


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("generate", "-o", "x.mp3"), 2, ".wav or .flac"),
        (("generate", "-o", "nowhere/x.wav"), 2, "nowhere"),
        (("generate", "-o", "x.wav", "--bpm", "900"), 2, "900"),
        (("generate", "-o", "x.wav", "--voice", "nobody"), 2, "nobody"),
        (("generate", "-o", "x.wav", "--beats", "missing.csv"), 1, "missing.csv"),
        (("live", "--mode", "track"), 2, "--beats"),
        (("live", "--voice", "pulse", "--port", "0", "--beats", "missing.hea"), 1, "missing.hea"),
        (("generate", "-o", "x.wav", "--voice", "pulse", "--label", "ABC"), 2, "ABC"),
        (("vary", "missing.wav", "-o", "x.wav"), 1, "missing.wav"),
        (("vary", "silence.wav", "-o", "x.wav"), 1, "silent"),
        (("vary", "short.wav", "-o", "x.wav"), 1, "50 ms"),
        (("vary", "long.wav", "-o", "x.wav"), 1, "at most 1800 s"),
        (("vary", "nan.wav", "-o", "x.wav"), 1, "not numbers"),
        (("vary", "noise.wav", "-o", "x.mp3"), 2, ".wav or .flac"),
        (("vary", "noise.wav", "-o", "x.wav", "--strength", "1.5"), 2, "strength 1.5"),
        (("vary", "noise.wav", "-o", "x.wav", "--sampler", "nope"), 2, "nope"),
        (("morph", "noise.wav", "-o", "x.wav"), 2, "two sounds"),
        (("morph", "noise.wav", "noise.wav", "-o", "x.wav", "--weights", "0,0"), 2, "all weights are 0"),
        (("morph", "noise.wav", "noise.wav", "-o", "x.wav", "--weights", "1"), 2, "1 weights for 2 sounds"),
        (("morph", "noise.wav", "noise.wav", "-o", "x.wav", "--weights", "1,2"), 2, "weight 2"),
        (("morph", "noise.wav", "noise.wav", "-o", "x.wav", "--weights", "a,b"), 2, "--weights"),
        (("morph", "noise.wav", "noise.wav", "-o", "x.wav", "--path", "missing.txt"), 1, "missing.txt"),
        (("morph", "noise.wav", "noise.wav", "-o", "x.wav", "--weights", "1,1", "--path", "p"), 2, "not both"),
        (("inpaint", "noise.wav", "-o", "x.wav", "--from", "0.5", "--to", "9"), 2, "0.5 to 9"),
        (("continue", "missing.wav", "-o", "x.wav"), 1, "missing.wav"),
        (("listen", "missing.wav"), 1, "missing.wav"),
        (("listen", "--live", "missing.wav"), 1, "missing.wav"),
        (("listen",), 2, "--in"),
        (("listen", "--in", "no such card"), 1, "no such card"),
        (("listen", "--live", "silence.wav"), 1, "silent"),
        (("demo", "--heart", "silence.wav"), 1, "silent"),
        (("listen", "--live", "hour.wav"), 1, "hour.wav"),
        (("models", "show", "nobody"), 2, "nobody"),
        (("train", "nobody", "--data", "tests"), 2, "nobody"),
        (("train", "ear-beats", "--data", "tests"), 2, "manifest.csv"),
        (("evaluate", "ear-beats"), 2, "HEART_DATA"),
        (("osc", "--check", "nonsense"), 2, "HOST:PORT"),
        (("osc", "--check", "127.0.0.1:9"), 1, "heart live"),
        (("demo", "--heart", "missing.wav"), 1, "missing.wav"),
    ],
)
def test_a_mistake_is_one_line_with_the_way_out(
    args: tuple[str, ...], code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEART_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").mkdir()
    soundfile.write("silence.wav", np.zeros(44_100), 44_100)
    soundfile.write("short.wav", np.full(400, 0.1), 44_100)
    soundfile.write("noise.wav", 0.1 * np.random.default_rng(0).standard_normal(44_100), 44_100)
    soundfile.write("nan.wav", np.full(44_100, np.nan, np.float32), 44_100, subtype="FLOAT")
    soundfile.write("long.wav", np.ones(500 * 1_801, np.int16), 500)
    if "hour.wav" in args:
        soundfile.write("hour.wav", np.zeros(4_000 * 3_700, np.int16), 4_000)
    result = run(*args)
    assert result.exit_code == code, result.output
    assert words in result.output
    assert "Traceback" not in result.output


def test_generate_writes_what_was_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "heart.wav"
    assert run("generate", "-o", str(out), "--voice", "pulse", "--seconds", "3", "--label", "MR").exit_code == 0
    sound, rate = soundfile.read(out, dtype="float32")
    assert (len(sound), rate) == (3 * 44_100, 44_100)
    assert 0.1 < np.abs(sound).max() <= 0.8913
    first = out.read_bytes()
    run("generate", "-o", str(out), "--voice", "pulse", "--seconds", "3", "--label", "MR")
    assert out.read_bytes() == first


def test_generate_makes_many_with_seeds_of_their_own(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    result = run("generate", "-o", str(folder), "--voice", "pulse", "--seconds", "1", "--count", "3", "--seed", "5")
    assert result.exit_code == 0, result.output
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == ["heart-000005.wav", "heart-000006.wav", "heart-000007.wav"]
    assert len({file.read_bytes() for file in files}) == 3


def varied(tmp_path: Path, *args: str) -> np.ndarray:
    out = tmp_path / "out.wav"
    result = run(*args, "-o", str(out), "--voice", "pulse")
    assert result.exit_code == 0, result.output
    sound, rate = soundfile.read(out, dtype="float32")
    assert rate == 44_100
    return sound


@pytest.fixture
def given(tmp_path: Path) -> tuple[str, np.ndarray]:
    """A heart with a tempo of its own, on the grid of 24 bits."""
    sound = np.round(generate(6, bpm=95, rmssd=0, voice="pulse") * 2**20) / 2**20
    soundfile.write(tmp_path / "given.wav", sound, 44_100, subtype="PCM_24")
    return str(tmp_path / "given.wav"), sound.astype(np.float32)


def test_vary_gives_the_sound_back_or_another(tmp_path: Path, given: tuple[str, np.ndarray]) -> None:
    path, sound = given
    assert np.abs(varied(tmp_path, "vary", path, "--strength", "0") - sound).max() < 1e-4
    other = varied(tmp_path, "vary", path, "--strength", "0.8", "--follow")
    assert len(other) == len(sound)
    assert np.abs(other - sound).max() > 0.05


def test_morph_moves_along_its_path(tmp_path: Path, given: tuple[str, np.ndarray]) -> None:
    path, sound = given
    noise = (0.1 * np.random.default_rng(0).standard_normal((8_000, 2))).astype(np.float32)
    soundfile.write(tmp_path / "noise.flac", noise, 8_000)
    (tmp_path / "path.txt").write_text("# seconds, heart, noise\n2,1,0\n4,0,1\n")
    rows = ("--path", str(tmp_path / "path.txt"))
    moved = varied(tmp_path, "morph", path, str(tmp_path / "noise.flac"), *rows, "--method", "fade")
    assert len(moved) == len(sound)
    assert np.abs(moved[:70_000] - sound[:70_000]).max() < 1e-4
    assert moved[-70_000:].std() == pytest.approx(0.07, abs=0.02)


def test_continue_goes_on_in_the_beat_of_the_sound(tmp_path: Path, given: tuple[str, np.ndarray]) -> None:
    path, sound = given
    longer = varied(tmp_path, "continue", path, "--seconds", "5")
    assert np.array_equal(longer[: len(sound)], sound)
    soundfile.write(tmp_path / "out.wav", longer, 44_100)
    heard = json.loads(run("listen", "--json", str(tmp_path / "out.wav")).stdout)
    assert heard["bpm"] == pytest.approx(95, abs=2)
    assert np.median(heard["rr_s"][-4:]) == pytest.approx(60 / 95, abs=0.03)
    assert max(heard["rr_s"]) < 1.2 * 60 / 95


def test_inpaint_leaves_the_rest_bit_for_bit(tmp_path: Path, given: tuple[str, np.ndarray]) -> None:
    path, sound = given
    mended = varied(tmp_path, "inpaint", path, "--from", "2", "--to", "3.5")
    begin, end = 2 * 44_100, round(3.5 * 44_100)
    assert np.array_equal(mended[:begin], sound[:begin])
    assert np.array_equal(mended[end:], sound[end:])
    assert np.abs(mended[begin:end] - sound[begin:end]).max() > 0.01


def test_listen_prints_one_json_object_a_line_and_draws(tmp_path: Path) -> None:
    heart = generate(12, bpm=80, rmssd=0, voice="pulse")
    noise = np.random.default_rng(0).standard_normal(len(heart)).astype(np.float32)
    soundfile.write(tmp_path / "heart.wav", heart + 0.02 * noise, 44_100)
    soundfile.write(tmp_path / "silence.wav", np.zeros(44_100 * 4), 44_100)
    result = run("listen", str(tmp_path), "--json", "--plot", str(tmp_path / "plots"))
    assert result.exit_code == 0, result.output
    heard, silence = [json.loads(line) for line in result.stdout.splitlines()]
    keys = ["file", "seconds", "heart", "trust", "bpm", "beats", "rr_s"]
    keys += ["sdnn_ms", "rmssd_ms", "pnn50", "hrv_trust"]
    assert list(heard) == [*keys, "scene", "valve", "condition"]
    assert heard["bpm"] == pytest.approx(80, abs=1)
    assert silence["bpm"] is None
    assert (tmp_path / "plots" / "heart.png").read_bytes().startswith(b"\x89PNG")


def test_listen_live_says_what_it_hears_as_it_hears_it(tmp_path: Path) -> None:
    heart = generate(7, bpm=110, rmssd=0, voice="pulse")
    noise = np.random.default_rng(0).standard_normal(len(heart)).astype(np.float32)
    soundfile.write(tmp_path / "heart.wav", heart + 0.02 * noise, 44_100)
    result = run("listen", "--live", "--json", str(tmp_path / "heart.wav"))
    assert result.exit_code == 0, result.output
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(records) in (6, 7)
    assert records[-1]["bpm"] == pytest.approx(110, abs=3)
    assert sum(len(record["beats"]) for record in records) >= 7


def test_listen_goes_on_after_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF????")
    soundfile.write(tmp_path / "good.wav", np.zeros(44_100 * 4), 44_100)
    result = run("listen", str(tmp_path / "bad.wav"), str(tmp_path / "good.wav"))
    assert result.exit_code == 1
    assert "bad.wav" in result.output
    assert "good.wav" in result.output


def test_osc_prints_the_one_table_in_three_forms() -> None:
    assert run("osc", "--markdown").output.strip() == as_markdown().strip()
    assert json.loads(run("osc", "--json").output) == (
        as_json() if not isinstance(as_json(), str) else json.loads(as_json())  # type: ignore[arg-type]
    )
    assert "/heart/set/bpm" in run("osc").output


def test_models_are_listed_and_whole() -> None:
    listed = run("models").output
    assert "voice-heart" in listed
    assert "ear-beats" in listed
    assert run("models", "check").output.count("is whole") >= 2
    assert 'name = "voice-heart"' in run("models", "show", "voice-heart").output


def test_doctor_says_what_it_looked_at() -> None:
    result = run("doctor")
    assert result.exit_code == 0, result.output
    for word in ("Python", "torch", "models", "9700", "sound devices", "k-diffusion"):
        assert word in result.output


def test_bench_advises_a_step_count() -> None:
    result = run("bench", "--voice", "pulse", "--seconds", "1")
    assert result.exit_code == 0, result.output
    assert "advice: steps 16" in result.output


def test_bench_names_what_runs_the_net() -> None:
    result = run("bench", "--seconds", "0.5")
    assert result.exit_code == 0, result.output
    assert "by onnxruntime" in result.output.splitlines()[0]


@pytest.mark.parametrize("name", MODELS)
def test_every_model_knows_how_long_its_training_takes(name: str) -> None:
    """`heart train NAME` without --minutes leaves that to the model."""
    parameters = inspect.signature(trainer(name)).parameters
    assert {"seed", "resume"} <= set(parameters)
    assert parameters["minutes"].default > 0
    assert {"data_dir"} <= set(inspect.signature(evaluator(name)).parameters)
