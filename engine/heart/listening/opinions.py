"""What the classifiers think of the last seconds, live: `Opinions`, and `Clerk`, who asks them beside the beats.

A classifier needs many times longer than a block of sound lasts. So the ear's main thread only collects sound and,
when a judgement is due and the last one is finished, hands over a copy of the newest window. A judgement that is
due while another one is still being made waits its turn with newer sound: an ear that is late skips judgements,
never sound, and beats do not wait.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import soxr

from heart.listening.classifier import Classifier
from heart.listening.judgement import HEART, OF_HEARTS, both, load_classifiers
from heart.records import Judged

log = logging.getLogger(__name__)

HOP_S = 1.0
WINDOW_S = 5.0
CLOSE_S = 1.0
"""Longest wait for a judgement under way at the end: a process that ends while a model works may hang."""
OPEN = 0.5
"""Gate from which questions that only a heart can answer are asked."""


@dataclass
class Judge:
    """One classifier at work: what it said lately, and when it is asked again."""

    classifier: Classifier
    next_s: float
    rows: deque[tuple[float, np.ndarray]] = field(default_factory=deque)
    """(second of the input, probabilities [labels]) of the windows that are pooled."""


@dataclass(frozen=True)
class Case:
    """One window to judge: float32 [n] at rate_hz, up to second time_s of the input."""

    what: str
    judge: Judge
    sound: np.ndarray
    rate_hz: int
    time_s: float

    def probabilities(self) -> np.ndarray:
        """The slow part: ask the classifier. Returns float32 [labels]. Raises FileError when it cannot run."""
        return self.judge.classifier.windows(_resampled(self.sound, self.rate_hz, self.judge.classifier))[-1]


def _resampled(sound: np.ndarray, rate_hz: int, to: Classifier) -> np.ndarray:
    """Exactly one window of `to`, from about one at rate_hz; its newest sound counts."""
    other = sound if rate_hz == to.rate_hz else soxr.resample(sound, rate_hz, to.rate_hz)
    return other[-to.frames :]


class Opinions:
    """Sliding judgements of one stream. `push`, `case` and `reset` belong to one thread; `take` to another one, as
    long as cases are handed over one at a time.

    hop_s: seconds between judgements of one kind; window_s: seconds over which they are pooled (at least one window
    of the classifier).
    """

    def __init__(
        self, classifiers: dict[str, Classifier], rate_hz: int, hop_s: float = HOP_S, window_s: float = WINDOW_S
    ) -> None:
        self.rate_hz, self.hop_s, self.window_s = rate_hz, hop_s, window_s
        # Spread over the hop, so that they do not all fall due in one moment.
        self._judges = {
            what: Judge(classifier, classifier.seconds + k * hop_s / len(classifiers))
            for k, (what, classifier) in enumerate(classifiers.items())
        }
        longest_s = max((c.seconds for c in classifiers.values()), default=0.0)
        self._sound = np.zeros(int(np.ceil(longest_s * rate_hz)) + 1, np.float32)  # ring
        self._pushed = 0
        self.gate: float | None = None
        """0..1: how sure the gate was of a heart when it was last asked; None before."""

    def push(self, samples: np.ndarray) -> None:
        """samples: float32 [n] at rate_hz, the next ones."""
        size = len(self._sound)
        newest = np.nan_to_num(np.asarray(samples, np.float32)[-size:], nan=0.0, posinf=0.0, neginf=0.0)
        self._pushed += len(samples)
        self._sound[(self._pushed - len(newest) + np.arange(len(newest))) % size] = newest

    def case(self, heart: float) -> Case | Judged | None:
        """The judgement that has been due the longest, None while none is.

        heart: 0..1, the beat net's opinion. What only makes sense of a heart gets no label at once where either it
        or the gate hears none.
        """
        now_s = self._pushed / self.rate_hz
        due = [(judge.next_s, what) for what, judge in self._judges.items() if judge.next_s <= now_s]
        if not due:
            return None
        what = min(due)[1]
        judge = self._judges[what]
        judge.next_s = now_s + self.hop_s
        if what in OF_HEARTS and both(heart, self.gate) < OPEN:
            judge.rows.clear()
            return Judged(now_s, what)
        return Case(what, judge, self._newest(judge.classifier.seconds), self.rate_hz, now_s)

    def take(self, case: Case, probabilities: np.ndarray) -> Judged:
        """Pool a new window's probabilities with those of the last seconds."""
        judge = case.judge
        judge.rows.append((case.time_s, probabilities))
        kept_s = max(self.window_s - judge.classifier.seconds, 0.0)
        while judge.rows and judge.rows[0][0] < case.time_s - kept_s - 1e-6:
            judge.rows.popleft()
        verdict = judge.classifier.pool(np.stack([row for _, row in judge.rows]))
        if case.what == "gate":
            self.gate = verdict.probabilities[HEART]
        return Judged(case.time_s, case.what, verdict.label, verdict.probabilities)

    def _newest(self, seconds: float) -> np.ndarray:
        frames = min(int(np.ceil(seconds * self.rate_hz)) + 1, len(self._sound))
        end = self._pushed % len(self._sound)
        return np.concatenate([self._sound[end:], self._sound[:end]])[-frames:]


class Clerk:
    """Asks the classifiers in a thread of its own and tells what they said.

    push, reset and set belong to the ear's main thread; `tell` is called in the clerk's thread.
    """

    def __init__(
        self, tell: Callable[[Judged], None], rate_hz: int, hop_s: float = HOP_S, window_s: float = WINDOW_S
    ) -> None:
        self._tell = tell
        self._rate_hz, self._hop_s, self._window_s = rate_hz, hop_s, window_s
        self._classifiers: dict[str, Classifier] = {}
        self._opinions: Opinions | None = None
        self._cases: queue.Queue[tuple[Opinions, Case | Judged] | None] = queue.Queue()
        self._idle = threading.Event()
        self._loaded = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart-clerk", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether the models are loaded; what sounds before is not judged."""
        return self._loaded.is_set() and self._idle.is_set()

    @property
    def gate(self) -> float | None:
        """0..1: how sure the gate is of a heart; None where it has not been asked yet."""
        return self._opinions.gate if self._opinions else None

    def push(self, samples: np.ndarray, heart: float) -> None:
        """The next sound, float32 [n]; heart: 0..1, the beat net's opinion of it."""
        if self._opinions is None and self._loaded.is_set():
            self._opinions = Opinions(self._classifiers, self._rate_hz, self._hop_s, self._window_s)
        if self._opinions is None:
            return
        self._opinions.push(samples)
        if self._idle.is_set() and (case := self._opinions.case(heart)) is not None:
            self._idle.clear()
            self._cases.put_nowait((self._opinions, case))

    def set(self, hop_s: float, window_s: float) -> None:
        """Another hop and another window, in seconds."""
        self._hop_s, self._window_s = hop_s, window_s
        if self._opinions is not None:
            self._opinions.hop_s, self._opinions.window_s = hop_s, window_s

    def reset(self) -> None:
        """Another sound begins: forget the one before."""
        self._opinions = None

    def close(self) -> None:
        """End the thread when it has made what it is making; nothing is told any more."""
        self._opinions = None
        self._cases.put(None)
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        try:
            self._work()
        except BaseException:  # the pipe says in this way that the engine is gone
            log.debug("the clerk ends", exc_info=True)

    def _work(self) -> None:
        _be_modest()
        self._classifiers, off = load_classifiers()
        for what, why in off.items():
            log.warning("the judgement %s is off: %s", what, why)
            self._tell(Judged(0.0, what, off=why))
        self._loaded.set()
        while True:
            self._idle.set()
            handed = self._cases.get()
            if handed is None:
                return
            opinions, case = handed
            judged = case if isinstance(case, Judged) else self._judge(opinions, case)
            if judged is not None and opinions is self._opinions:
                self._tell(judged)

    def _judge(self, opinions: Opinions, case: Case) -> Judged | None:
        try:
            return opinions.take(case, case.probabilities())
        except Exception as error:  # one judgement that fails must not silence the others, nor the beats
            log.warning("no judgement of %s: %s", case.what, error)
            return None


def _be_modest() -> None:
    """Let the beats go first where a thread can have a priority of its own (Linux)."""
    if sys.platform == "linux":
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)
        except OSError:
            log.debug("the clerk keeps its priority")
