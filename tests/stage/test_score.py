"""Scores as files: what their words mean, and that every mistake is told with its line before anything sounds."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heart.errors import FileError
from heart.stage.material import gather, rehearse
from heart.stage.prompter import Prompter, gathered
from heart.stage.score import Event, Score, marks, sets_steps, with_steps
from heart.stage.score_reader import read_score

HEAD = '{"score": 1, "title": "Trial", "seed": 5}\n'
CUE = '{"movement": "I", "seconds": 20}\n'
RATE = 44_100
DOCS = Path(__file__).resolve().parents[2] / "docs" / "score.md"


def written(folder: Path, text: str) -> Path:
    path = folder / "trial.score"
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, lines: str, given: tuple[str, ...] = (), seed: int | None = None) -> Score:
    return read_score(written(folder, HEAD + CUE + lines), seed, given)


def said(score: Score) -> list[tuple[float, str, tuple[object, ...]]]:
    """Seconds, address and arguments of all events but the seed's."""
    events = [event for event in score.events() if event.address != "/heart/set/seed"]
    return [(round(event.frame / RATE, 3), event.address.removeprefix("/heart/"), event.args) for event in events]


def test_the_words_of_a_score(tmp_path):
    score = read(
        tmp_path,
        """
        # a comment, and an empty line

        {"at": 1, "set": {"bpm": 60, "label": "AS"}}   // both at once
        {"after": 2, "ramp": {"gain": -12}, "over": 3}
        {"at": 4, "curve": {"rmssd": [[0, 10], [2, 50], [3, 20]]}}
        {"at": 4, "load": {"1": "storm.flac", "2": null}, "morph": [1, 0.5], "beats": "a.csv", "downbeat": 250}
        {"at": 5, "send": ["/heart/norm/bpm", 0.5]}
        {"send": ["/heart/panic"]}
        """,
    )
    assert said(score) == [
        (1.0, "set/bpm", (60,)),
        (1.0, "set/label", ("AS",)),
        (3.0, "ramp", ("gain", -12, 3.0)),
        (4.0, "set/rmssd", (10,)),
        (4.0, "ramp", ("rmssd", 50, 2)),
        (4.0, "sound/load", (1, "storm.flac")),
        (4.0, "sound/clear", (2,)),
        (4.0, "morph", (1, 0.5)),
        (4.0, "beats/load", ("a.csv",)),
        (4.0, "downbeat", (250,)),
        (5.0, "norm/bpm", (0.5,)),
        (5.0, "panic", ()),
        (6.0, "ramp", ("rmssd", 20, 1)),
    ]
    assert (score.title, score.seconds, score.seed) == ("Trial", 20.0, 5)
    assert score.sounds() == {"storm.flac": 9}
    assert score.tracks() == {"a.csv": 9}
    assert next(score.events()) == Event(0, "/heart/set/seed", (5,), 1)


def test_chance_is_the_seeds_and_new_in_every_turn_of_a_repeat(tmp_path):
    lines = """{"at": 2, "repeat": 8, "every": 2}
    {"at": [0, 1.5], "choose": {"label": ["AS", "MR", "MS", "MVP"]}}
    {"end": "repeat"}
    {"at": 19, "set": {"label": "N"}}
    """
    first, same, other = (said(read(tmp_path, lines, seed=seed)) for seed in (1, 1, 2))
    assert first == same != other
    assert len(first) == 9
    turns = [at - 2 - 2 * turn for turn, (at, _, _) in enumerate(first[:8])]
    assert all(0 <= turn <= 1.5 for turn in turns)
    assert len({round(turn, 3) for turn in turns}) > 5, "some other time in each turn"
    assert len({args for _, _, args in first[:8]}) > 2


def test_repeats_within_repeats(tmp_path):
    lines = """{"at": 1, "repeat": 2, "every": 5}
    {"at": 1, "repeat": 3, "every": 1}
    {"at": 0.5, "set": {"seed": 3}}
    {"end": "repeat"}
    {"end": "repeat"}
    """
    score = read(tmp_path, lines)
    times = [event.frame / RATE for event in score.events() if event.line > 1]
    assert times == pytest.approx([2.5, 3.5, 4.5, 7.5, 8.5, 9.5])


def test_what_depends_on_a_heart_or_on_beats(tmp_path):
    lines = """{"at": 1, "if": "heart", "set": {"mode": "follow"}}
    {"at": 1, "unless": "heart", "set": {"bpm": 60}}
    {"movement": "II", "seconds": 5, "if": "beats"}
    {"at": 0, "set": {"label": "AS"}}
    {"movement": "III", "seconds": 5}
    """
    alone, both = read(tmp_path, lines), read(tmp_path, lines, ("heart", "beats"))
    assert said(alone) == [(1.0, "set/bpm", (60,))]
    assert [cue.name for cue in alone.cues] == ["I", "III"]
    assert said(both) == [(1.0, "set/mode", ("follow",)), (20.0, "set/label", ("AS",))]
    assert marks(both.cues) == [(0.0, "I"), (20.0, "II"), (25.0, "III")]


def test_steps_may_be_asked_for_from_outside(tmp_path):
    score = read(tmp_path, '{"at": 3, "set": {"steps": 2}}\n')
    assert sets_steps(score)
    assert not sets_steps(read(tmp_path, ""))
    assert [event.args for event in with_steps(score, 8).events() if event.address.endswith("steps")] == [(8,)]


@pytest.mark.parametrize(
    ("lines", "number", "words"),
    [
        ('{"at": 1, "set": {"bpm": 500}}', 3, "30 to 220"),
        ('{"at": 1, "set": {"bmp": 60}}', 3, "unknown address; did you mean /heart/set/bpm"),
        ('{"at": 1, "set": {"label": "XY"}}', 3, "XY"),
        ('{"at": 1, "send": ["/heart/hello", "x"]}', 3, "/heart/hello"),
        ('{"at": 1, "send": ["/heart/get/bpm"]}', 3, "is nothing a score performs"),
        ('{"at": 1, "send": ["/nowhere", 1]}', 3, "unknown address"),
        ('{"at": 2, "set": {"bpm": 60}}\n{"at": 1, "set": {"bpm": 70}}', 4, "time goes backwards: 1 s after 2 s"),
        ('{"at": 30, "set": {"bpm": 60}}', 3, "after the end of its cue"),
        ('{"at": 1, "ramp": {"bpm": 60}}', 3, "over is missing"),
        ('{"at": 1, "ramp": {"bpm": 600}, "over": 1}', 3, "30 to 220"),
        ('{"at": 1, "ramp": {"label": 1}, "over": 1}', 3, "label"),
        ('{"at": -1, "set": {"bpm": 60}}', 3, "at is -1"),
        ('{"at": true, "set": {"bpm": 60}}', 3, "at is True"),
        ('{"at": NaN, "set": {"bpm": 60}}', 3, "NaN is no number"),
        ('{"at": [3, 2], "set": {"bpm": 60}}', 3, "earlier than"),
        ('{"at": 1, "curve": {"bpm": [[0, 60]]}}', 3, "two points"),
        ('{"at": 1, "curve": {"bpm": [[0, 60], [0, 70]]}}', 3, "must rise"),
        ('{"at": 1, "load": {"x": "a.wav"}}', 3, "must name a slot"),
        ('{"at": 1, "load": {"99": "a.wav"}}', 3, "1 to 8"),
        ('{"at": 1, "choose": {"bpm": []}}', 3, "must list"),
        ('{"at": 1, "nonsense": 3}', 3, "says nothing to do"),
        ('{"at": 1, "set": {"bpm": 60}, "nonsense": 3}', 3, "'nonsense' means nothing here"),
        ('{"at": 1, "if": "love", "set": {"bpm": 60}}', 3, "there is heart and beats"),
        ('{"at": 1, "repeat": 3, "every": 1}', 3, "never ended"),
        ('{"end": "repeat"}', 3, "ends nothing"),
        ('{"at": 1, "set": {"bpm": [60]}}', 3, "takes numbers and words"),
        ('{"at": 1, "set": {"bpm": 60}} {"at": 2}', 3, "one object a line"),
        ('{"at": 1, "set": {"bpm": 60}', 3, "is not JSON"),
        ("[1, 2]", 3, "in braces"),
        ('{"movement": 3}', 3, "must be a name"),
        ('{"movement": "II", "seconds": 0}', 3, "seconds is 0"),
        ('{"score": 1}', 3, "a second header"),
        ('{"movement": "II", "seconds": 1e9}', 3, "seconds is"),
        ('{"at": 0, "repeat": 99999, "every": 0.01}\n{"set": {"seed": 1}, "choose": {"seed": [1, 2, 3]}}\n'
         '{"end": "repeat"}', 3, "more than 200,000|after the end"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(lines: str, number: int, words: str, tmp_path: Path) -> None:
    with pytest.raises(FileError) as told:
        read(tmp_path, lines + "\n")
    text = str(told.value)
    assert "\n" not in text
    assert re.search(words, text), text
    assert f"line {number}" in text or "trial.score: " in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a score begins with a line"),
        ("# nothing\n", "a score begins with a line"),
        (CUE, "a score begins with a line"),
        ('{"score": 2}\n', "is of format 2"),
        ('{"score": 1, "voices": 9}\n' + CUE, "voices is 9"),
        ('{"score": 1, "seed": "x"}\n' + CUE, "seed is 'x'"),
        ('{"score": 1, "set": {"bpm": 1}}\n' + CUE, "30 to 220"),
        (HEAD, "has no cue"),
        (HEAD + '{"at": 1, "set": {"bpm": 60}}\n', "before the first cue"),
    ],
)
def test_what_is_no_score_is_told(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=re.escape(words)):
        read_score(written(tmp_path, text))


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(FileError, match="no such score"):
        read_score(tmp_path / "absent.score")
    with pytest.raises(FileError, match="no such score"):
        read_score(tmp_path)
    (tmp_path / "noise.score").write_bytes(bytes(range(256)) * 9)
    with pytest.raises(FileError, match="cannot be read"):
        read_score(tmp_path / "noise.score")
    with (tmp_path / "huge.score").open("wb") as file:
        file.truncate(9 * 2**20)
    with pytest.raises(FileError, match="larger than 8 MB"):
        read_score(tmp_path / "huge.score")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('{"at": 1, "set": {"level_2": -6}}', "line 3: level_2: 1 of 4 voices sing here"),
        ('{"at": 1, "set": {"label": "rain"}}', "line 3: rain: this voice sings"),
        ('{"at": 1, "set": {"mode": "track"}}', "line 3: no beat track here"),
        ('{"at": 1, "morph": [0, 0]}', "line 3"),
    ],
)
def test_what_this_voice_cannot_perform_is_told_before_anything_sounds(lines, words, tmp_path):
    with pytest.raises(FileError, match=re.escape(words)):
        rehearse(read(tmp_path, lines + "\n"), "pulse")


@pytest.mark.parametrize("name", ["absent.wav", "../trial.score", "/etc/passwd", "trial.score"])
def test_a_sound_that_is_not_in_the_folder_is_told_with_its_line(name, tmp_path):
    score = read(tmp_path, f'\n{{"at": 1, "load": {{"1": "{name}"}}}}\n')
    with pytest.raises(FileError, match="line 4"):
        gather(score, tmp_path)


def test_the_examples_of_the_documentation_are_scores(tmp_path):
    blocks = re.findall(r"```\n(\{\"score\".*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        score = read_score(written(tmp_path, block))
        rehearse(score, "voice")
        assert score.seconds == 70


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200), st.binary(max_size=200))
def test_no_text_does_more_than_be_refused(tmp_path_factory, text, data):
    folder = tmp_path_factory.mktemp("fuzz")
    for content in (text.encode("utf-8", "surrogatepass"), (HEAD + CUE + text).encode("utf-8", "replace"), data):
        path = folder / "any.score"
        path.write_bytes(content)
        with contextlib.suppress(FileError):
            read_score(path)


# The prompter: which cue is played, what waits.

THREE = (
    HEAD
    + """{"movement": "I", "seconds": 2}
{"at": 0, "set": {"bpm": 60}}
{"at": 1, "ramp": {"bpm": 90}, "over": 5}
{"at": 1, "set": {"label": "AS"}}
{"movement": "II", "wait": true, "seconds": 3}
{"at": 0, "set": {"label": "MR"}}
{"movement": "III", "seconds": 1}
{"at": 0.5, "set": {"label": "N"}}
"""
)


def test_a_cue_that_waits_begins_at_go_and_the_next_by_itself(tmp_path):
    prompter = Prompter(read_score(written(tmp_path, THREE)))
    assert (prompter.due, len(prompter.take())) == (0, 2)
    assert (prompter.due, len(prompter.take())) == (RATE, 2)
    assert prompter.due is None
    place = prompter.place(3 * RATE)
    assert (place.number, place.state, place.left, place.next, place.next_waits) == (1, "waiting", 0.0, "II", True)
    assert prompter.go(10 * RATE) == []
    assert prompter.due == 10 * RATE
    assert [event.args for event in prompter.take()] == [("MR",)]
    assert prompter.due == 13 * RATE
    assert prompter.take() == []
    assert prompter.due == 13.5 * RATE
    prompter.take()
    assert prompter.due is None
    assert prompter.over
    assert prompter.place(20 * RATE).state == "ended"


def test_go_before_the_time_sets_what_was_still_to_come(tmp_path):
    prompter = Prompter(read_score(written(tmp_path, THREE)))
    prompter.take()
    left = prompter.go(RATE // 2)
    assert [(event.address, event.args) for event in left] == [
        ("/heart/set/bpm", (90,)),
        ("/heart/set/label", ("AS",)),
    ]
    assert prompter.place(RATE // 2).name == "II"


def test_without_anybody_no_cue_waits(tmp_path):
    prompter = Prompter(read_score(written(tmp_path, THREE)), patient=False)
    times = []
    while prompter.due is not None:
        times.append(prompter.due / RATE)
        prompter.take()
    assert times == [0, 1, 2, 5, 5.5]


def test_gathered_keeps_the_last_word_of_each():
    events = [
        Event(0, "/heart/set/bpm", (60,), 1),
        Event(1, "/heart/ramp", ("bpm", 90, 3), 2),
        Event(2, "/heart/downbeat", (3,), 3),
        Event(3, "/heart/sound/load", (1, "a"), 4),
        Event(4, "/heart/sound/load", (2, "b"), 5),
        Event(5, "/heart/sound/clear", (1,), 6),
    ]
    assert [(event.address, event.args) for event in gathered(events)] == [
        ("/heart/set/bpm", (90,)),
        ("/heart/sound/load", (2, "b")),
        ("/heart/sound/clear", (1,)),
    ]
