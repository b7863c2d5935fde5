"""A score performed without a clock: performance, conductor and tape as live, and a reader that never waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from heart.plumbing.desk import Faders
from heart.plumbing.tape import Tape
from heart.records import GRAIN, OVERLAP, SAMPLE_RATE_HZ, Beat, Chunk, Wish
from heart.sounding.registry import labels_of
from heart.sounding.track import Track
from heart.stage.conductor import Conductor, Laid, to_grain
from heart.stage.effects import Effect, Mute, Turn
from heart.stage.material import Material
from heart.stage.partners import LEVELS
from heart.stage.performance import Performance
from heart.stage.prompter import Prompter
from heart.stage.score import Score
from heart.stage.score_player import ScorePlayer

STEP = 882
"""Frames (20 ms) after which ramps of levels are looked at again."""
KEPT_S = 4.0
"""Of the tape: more than any wish looks back."""

Answer = Callable[[Wish], Chunk]


@dataclass(frozen=True)
class Piece:
    """Certain frames: float32 [n, voices] from tape frame `begin` on, and how the desk stands from there on."""

    begin: int
    sound: np.ndarray
    faders: Faders
    muted: bool = False


@dataclass(frozen=True)
class Sounded:
    """A beat that was sung: of which voice, and what that voice sang."""

    beat: Beat
    voice: int
    label: str


@dataclass(frozen=True)
class Checkpoint:
    """Where a rendering may go on: after so many chunks, with so much given away, on this tape."""

    chunks: int
    given: int
    """Frames that pieces had been given for."""
    sound: np.ndarray
    parts: np.ndarray
    """The end of the tape: float32 [n, voices] and [n, 2 * voices]."""


@dataclass
class Playing:
    """One performance of a score offline.

    Args:
        score: what is performed; no cue waits.
        material: its sounds and beats.
        voice: name of the voice, for what it can sing.
        answer: sings a wish.
        track: beats of mode track before the score names others.
        heart: beats that are sung where the score follows a heart.
        log: told every chunk laid.
        since: where an earlier rendering of the same stopped; chunks before it are not sung again.
    """

    score: Score
    material: Material
    voice: str
    answer: Answer
    track: Track | None = None
    heart: Track | None = None
    log: Callable[[Laid], object] = lambda laid: None
    since: Checkpoint | None = None
    beats: list[Sounded] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.total = round(self.score.seconds * SAMPLE_RATE_HZ)
        self.tape = Tape(seconds=30, channels=self.score.voices)
        self.performance = Performance(
            labels=labels_of(self.voice), voices=self.score.voices, track=self.track or self.heart
        )
        self.conductor = Conductor(self.tape, self.performance, self._ask, log=self._log, timed=False)
        self.prompter = Prompter(self.score, patient=False)
        self.player = ScorePlayer(self.performance, self.conductor, self.material, self.heart)
        self.chunks = self.given = 0
        self._wish: Wish | None = None
        self._faders, self._muted = Faders(), False

    def pieces(self) -> Iterator[Piece]:
        """The whole performance, in order, as it becomes certain. Raises HeartError, OSError."""
        while self.given < self.total:
            self._prompt()
            yield from self._certain()
            self.conductor.tick(None)
            if self._wish is not None:
                wish, self._wish = self._wish, None
                self.conductor.chunk(self._sing(wish))
                self._resume()

    def checkpoint(self) -> Checkpoint:
        """Where it stands now."""
        frames = min(int(KEPT_S * SAMPLE_RATE_HZ), self.tape.head - self.tape.tail)
        span = self.tape.head - frames, frames
        return Checkpoint(self.chunks, self.given, self.tape.read(*span), self.conductor.parts.read(*span))

    def _prompt(self) -> None:
        """What is due happens once the tape holds whole splices behind it: then a reserve would change nothing."""
        due = self.prompter.due
        if due is None or self.conductor.changing:
            return
        if due == self.tape.head == 0 or self.tape.head >= to_grain(due) + GRAIN + 2 * OVERLAP:
            self.player.perform(due, self.prompter.take())

    def _certain(self) -> Iterator[Piece]:
        """Give away what no event and no chunk will change any more."""
        due = self.total if self.prompter.due is None else min(self.prompter.due, self.total)
        end = self.given if self.conductor.changing else min(due, self.tape.head - OVERLAP)
        while self.given < end:
            self._do(self.player.settle(self.given) + self.performance.advance(self.given))
            turn = self.player.next_turn
            until = min(end, self.given + STEP, end if turn is None else turn)
            yield self._give(until)
        self.conductor.sealed_chunks()

    def _give(self, until: int) -> Piece:
        begin, self.given = self.given, until
        self.tape.seal(until)
        self._note_beats(begin, until)
        return Piece(begin, self.tape.read(begin, until - begin), self._faders, self._muted)

    def _note_beats(self, begin: int, end: int) -> None:
        label = self.performance.mixing.now.label
        self.beats += [Sounded(beat, 1, label) for beat in self.performance.beats_between(begin, end)]
        self.beats += [
            Sounded(beat, partner.voice, partner.mixing.now.label)
            for partner, beat in self.performance.partner_beats(begin, end)
        ]

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Mute):
                self._muted = effect.on
            elif isinstance(effect, Turn) and effect.name == "gain":
                self._faders = replace(self._faders, gain_db=effect.value)
            elif isinstance(effect, Turn) and effect.name in LEVELS:
                levels_db = {**self._faders.levels_db, LEVELS[effect.name]: effect.value}
                self._faders = replace(self._faders, levels_db=levels_db)

    def _ask(self, wish: Wish) -> None:
        self._wish = wish

    def _sing(self, wish: Wish) -> Chunk:
        self.chunks += 1
        if self.since is None or self.chunks > self.since.chunks:
            return self.answer(wish)
        others = tuple(replace(silence(wish), voice=other.voice) for other in wish.others)
        return replace(silence(wish), others=others)

    def _log(self, laid: Laid) -> None:
        if self.since is None or self.chunks > self.since.chunks:
            self.log(laid)

    def _resume(self) -> None:
        """All decisions were made again, but not the sound: put that back."""
        if self.since is not None and self.chunks == self.since.chunks:
            begin = self.tape.head - len(self.since.sound)
            self.tape.restore(begin, self.since.sound)
            self.conductor.parts.restore(begin, self.since.parts)


def silence(wish: Wish) -> Chunk:
    """A chunk that sounds like nothing, as long as the one wished for."""
    return Chunk(
        wish.number, wish.start, np.zeros(wish.frames + OVERLAP, np.float32), 0.0, wish.seed, "", wish.steps
    )
