"""The voice's process, its pipe played by hand."""

from __future__ import annotations

import pytest
from small_voice import wish, write_voice

from heart.errors import UsageError
from heart.records import OVERLAP
from heart.sounding.serve import newest, serve


class Stop(Exception):
    pass


class HandPipe:
    """Gives out batches of records: each batch lies in the pipe at once."""

    def __init__(self, *batches):
        self.batches = [list(batch) for batch in batches]
        self.sent: list = []
        self.ready_after: int | None = None

    def receive(self, timeout_s=None):
        if not self.batches:
            raise Stop
        if self.batches[0]:
            return self.batches[0].pop(0)
        self.batches.pop(0)
        return None

    def send(self, record):
        self.sent.append(record)

    def ready(self):
        assert not self.sent
        self.ready_after = len(self.sent)


def run(pipe, **options):
    with pytest.raises(Stop):
        serve(pipe, {"voice": "pulse", **options})


def test_only_the_newest_of_the_waiting_wishes_is_sung():
    pipe = HandPipe([wish(number=1), wish(number=2), wish(number=3)], [wish(number=4)])
    run(pipe)
    assert [chunk.number for chunk in pipe.sent] == [3, 4]
    assert pipe.ready_after == 0


def test_nothing_in_the_pipe_is_no_wish():
    assert newest(HandPipe([]), 0.0) is None


def test_a_trained_voice_answers_through_the_pipe(tmp_path, monkeypatch):
    write_voice(tmp_path / "voice-heart")
    monkeypatch.setenv("HEART_MODELS", str(tmp_path))
    pipe = HandPipe([wish(number=7)])
    run(pipe, voice="voice-heart", threads=1)
    assert pipe.sent[0].number == 7
    assert pipe.sent[0].audio.shape == (8_192 + OVERLAP,)


def test_an_unknown_voice_is_refused():
    with pytest.raises(UsageError, match="no voice called 'tenor'"):
        serve(HandPipe([]), {"voice": "tenor"})
