"""A whole sound to heart states: the nets that read both ways, then the decoder, twice.

The first decoding knows nothing of the rate; the second expects, around each moment, the durations of the rate
that the first one found there, or, where it was not sure, of the period after which the sound repeats itself. A
recording that is still unclear is then heard once more with what it has taught about its own sound (`own_sound`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from heart.listening import features, net
from heart.listening.decoder import S1, S2, Decoder, Durations, Segment, boundary_s, emissions
from heart.listening.own_sound import adapted
from heart.listening.rhythm import Rhythm, rhythm
from heart.listening.timing import refine
from heart.records import HeardBeat

CHUNK_STEPS = 800
EDGE_STEPS = 200
"""A long sound is cut into chunks of 16 s that overlap by 4 s on either side; the edges are thrown away."""
CHUNKS_AT_ONCE = 16
SURE_PATH = 0.9
"""A decoding this certain needs no help from the rhythm, and may be as irregular as it likes."""


BLIND = slice(11, features.BANDS)
"""Bands above 230 Hz, which an unsure net is asked to do without beside hearing all: on some sensors they hold
rubbing and breath that it takes for heart sounds. It has learnt with such gaps. The mean of both, on training
recordings under noise: S1 F1 0.745, where the surer of the two had 0.724."""


@dataclass(frozen=True)
class States:
    """What the net says of a sound, one row every 20 ms.

    posteriors: float32 [steps, 4], chance of S1, systole, S2, diastole; heart: float32 [steps], 0..1;
    bands: float32 [steps, BANDS], what the net was shown.
    """

    posteriors: np.ndarray
    heart: np.ndarray
    bands: np.ndarray

    @classmethod
    def of(cls, out: np.ndarray, bands: np.ndarray) -> States:
        """From raw outputs of the net [steps, OUTPUTS]."""
        return cls(softmax(out[:, :4]), sigmoid(out[:, 4]), bands)


@dataclass(frozen=True)
class Parts:
    """A sound taken apart. path covers all steps; rhythm: None for less than 2 s."""

    beats: list[HeardBeat]
    states: States
    path: list[Segment]
    rhythm: Rhythm | None

    @property
    def s1_s(self) -> np.ndarray:
        """Onsets of S1, [beats]."""
        return np.array([beat.s1_s for beat in self.beats])


def softmax(logits: np.ndarray) -> np.ndarray:
    """Chances from logits along the last axis."""
    raised = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(raised / raised.sum(-1, keepdims=True), np.float32)


def states(nets: Sequence[net.Weights], samples: np.ndarray, blind: slice | None = None) -> States:
    """Run the both-ways nets over float32 [n] at the ear's rate, in chunks: memory does not grow but
    for the result. blind: bands that they are not shown."""
    steps = (
        len(features.band_powers(samples[: features.WINDOW]))
        and ((len(samples) - features.WINDOW) // features.HOP + 1) // features.STEP
    )
    if not steps:
        return NOTHING
    if steps <= CHUNK_STEPS:
        out, bands = _outputs(nets, samples, [(0, steps)], blind)
        return States.of(out[0], bands[0])
    hop = CHUNK_STEPS - 2 * EDGE_STEPS
    starts = [*range(0, steps - CHUNK_STEPS, hop), steps - CHUNK_STEPS]
    result = np.zeros((steps, net.OUTPUTS), np.float32)
    seen = np.zeros((steps, features.BANDS), np.float32)
    for first in range(0, len(starts), CHUNKS_AT_ONCE):
        group = starts[first : first + CHUNKS_AT_ONCE]
        out, bands = _outputs(nets, samples, [(s, s + CHUNK_STEPS) for s in group], blind)
        for k, start in enumerate(group):
            skip = EDGE_STEPS if start else 0
            here = slice(start + skip, start + CHUNK_STEPS)
            result[here], seen[here] = out[k, skip:], bands[k, skip:]
    return States.of(result, seen)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), safely."""
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x), np.float32)


def _outputs(
    nets: Sequence[net.Weights], samples: np.ndarray, spans: list[tuple[int, int]], blind: slice | None
) -> tuple[np.ndarray, np.ndarray]:
    """Outputs as logits [spans, steps, OUTPUTS] and bands [spans, steps, BANDS] of spans of equal length."""
    per_step = features.HOP * features.STEP
    rest = features.WINDOW - features.HOP
    pieces = [samples[a * per_step : b * per_step + rest] for a, b in spans]
    frames = np.stack([features.normalise(features.band_powers(piece)) for piece in pieces])
    whole = frames.shape[1] // features.STEP
    pairs = frames[:, : whole * features.STEP].reshape(len(frames), whole, features.STEP, -1)
    bands = pairs.mean(2)
    if blind is not None:
        frames[..., blind] = 0.0
    return together([net.run(weights, frames) for weights in nets]), bands


def together(outputs: Sequence[np.ndarray]) -> np.ndarray:
    """The logits of the mean chances that several nets give, [..., OUTPUTS] each."""
    if len(outputs) == 1:
        return outputs[0]
    chances = np.mean([softmax(out[..., :4]) for out in outputs], axis=0)
    heart = np.mean([sigmoid(out[..., 4:]) for out in outputs], axis=0).clip(1e-6, 1 - 1e-6)
    logs = [np.log(np.maximum(chances, 1e-7)), np.log(heart / (1 - heart))]
    return np.concatenate(logs, axis=-1).astype(np.float32)


NOTHING = States(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, features.BANDS), np.float32))


@lru_cache(maxsize=256)
def durations_near(rr_20ms: int | None, firm: bool = False) -> Durations:
    """Durations for an RR of so many 20 ms, kept for the next call; firm: near that rate only."""
    return Durations.at(None if rr_20ms is None else rr_20ms / 50, firm)


def decode(posteriors: np.ndarray, rr_s: np.ndarray | None = None, firm: bool = False) -> list[Segment]:
    """Best sequence of states. posteriors: [steps, 4]; rr_s: [steps], the rate expected at each, or None; firm:
    how closely to keep to it."""
    decoder = Decoder()
    near = emissions(np.log(np.maximum(posteriors, 1e-5)))
    for step, row in enumerate(near):
        if rr_s is not None:
            decoder.durations = durations_near(round(float(rr_s[step]) * 50), firm)
        decoder.push(row)
        if step % 5000 == 4999:
            decoder.forget(step + 2)
    return decoder.path()


def onsets(segments: list[Segment], posteriors: np.ndarray, state: int) -> np.ndarray:
    """Times in s at which `state` began; one cut off by the start of the sound does not count."""
    return np.array(
        [boundary_s(posteriors, s.start, (state - 1) % 4) for s in segments if s.state == state and s.start]
    )


def beats(segments: list[Segment], posteriors: np.ndarray) -> list[HeardBeat]:
    """The beats of a decoded sound: each S1 with the S2 that follows it."""
    s1, s2 = onsets(segments, posteriors, S1), onsets(segments, posteriors, S2)
    after = np.searchsorted(s2, s1)
    ends = [*s1[1:], np.inf][: len(s1)]
    return [
        HeardBeat(float(a), float(s2[k]) if k < len(s2) and s2[k] < end else None)
        for a, k, end in zip(s1, after, ends, strict=True)
    ]


def local_rr(s1_s: np.ndarray, steps: int, around: int = 4) -> np.ndarray | None:
    """The RR to expect at each step: the median of the intervals nearby. None where there are not two."""
    if len(s1_s) < 3:
        return None
    rr = np.diff(s1_s)
    smooth = [float(np.median(rr[max(0, k - around) : k + around + 1])) for k in range(len(rr))]
    middle = (s1_s[1:] + s1_s[:-1]) / 2
    times = np.arange(steps) / features.STEPS_PER_S + features.CENTRE_S
    return np.interp(times, middle, smooth)


def segment(nets: Sequence[net.Weights], samples: np.ndarray) -> Parts:
    """Take float32 [n] at the ear's rate apart, by nets that read both ways."""
    heard = states(nets, samples)
    if not len(heard.posteriors):
        return Parts([], heard, [], None)
    heard, path = both_views(nets, samples, heard)
    found = rhythm(heard.posteriors, heard.bands)
    path = in_rhythm(heard, path, found)
    if certainty(path, heard.posteriors) < SURE_PATH:
        heard = States(adapted(heard.posteriors, heard.bands, path), heard.heart, heard.bands)
        path = in_rhythm(heard, decode(heard.posteriors), found)
    return Parts(timed(beats(path, heard.posteriors), samples), heard, path, found)


def in_rhythm(heard: States, path: list[Segment], found: Rhythm | None) -> list[Segment]:
    """Decoded again with the durations that its own beats, or where those are unsure the rhythm, let expect."""
    steps = len(heard.posteriors)
    unsure = certainty(path, heard.posteriors) < SURE_PATH
    if found is not None and unsure:
        expected: np.ndarray | None = found.at(steps)
    else:
        expected = local_rr(onsets(path, heard.posteriors, S1), steps)
    return path if expected is None else decode(heard.posteriors, expected, firm=unsure)


def both_views(nets: Sequence[net.Weights], samples: np.ndarray, heard: States) -> tuple[States, list[Segment]]:
    """What was heard with all bands, where the nets are unsure of it together with what they hear without BLIND;
    and its decoding."""
    path = decode(heard.posteriors)
    if certainty(path, heard.posteriors) >= SURE_PATH:
        return heard, path
    without = states(nets, samples, BLIND)
    views = States((heard.posteriors + without.posteriors) / 2, heard.heart, heard.bands)
    return views, decode(views.posteriors)


def timed(found: list[HeardBeat], samples: np.ndarray) -> list[HeardBeat]:
    """The same beats, each S1 where it is most like the others."""
    s1_s = refine(samples, np.array([beat.s1_s for beat in found]))
    return [HeardBeat(float(s1), beat.s2_s) for s1, beat in zip(s1_s, found, strict=True)]


def interval_certainty(s1_s: np.ndarray, path: list[Segment], posteriors: np.ndarray) -> np.ndarray:
    """Mean posterior of the decoded states within each RR interval, [n - 1], 0..1."""
    decoded = np.concatenate([np.full(part.end - part.start, part.state) for part in path])
    chosen = np.take_along_axis(posteriors, decoded[:, None], 1)[:, 0]
    sums = np.concatenate([[0.0], np.cumsum(chosen)])
    at = np.rint((s1_s - features.CENTRE_S) * features.STEPS_PER_S).astype(int).clip(0, len(chosen))
    return np.asarray(np.diff(sums[at]) / np.maximum(np.diff(at), 1))


def certainty(path: list[Segment], posteriors: np.ndarray) -> float:
    """Mean posterior of the decoded states, 0..1."""
    decoded = np.concatenate([np.full(part.end - part.start, part.state) for part in path])
    return float(np.take_along_axis(posteriors, decoded[:, None], 1).mean())
