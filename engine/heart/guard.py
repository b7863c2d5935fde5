"""The guard: the last thing every sound passes, in the process that sends it.

    samples ─▶ broken? ─▶ DC block ─▶ fade-in ─▶ rise ─▶ limiter ─▶ clip ─▶ out

* **Broken** samples (NaN, infinite, or beyond +36 dBFS, which no sound is) end the sound in a short fade,
  raise `alarm`, and hold silence until 50 ms have been clean; then the sound fades in again.
* **DC block**: a one-pole high-pass at 5 Hz. Its recurrence is solved as a weighted running sum, exactly
  and without a Python loop.
* **Rise**: what is louder than all of the last seconds comes up by at most 6 dB in 10 ms (`rise.py`).
* **Limiter**: no delay. Bit-exact below -3 dBFS; above that a soft knee bends towards the ceiling, with an
  instant attack and a slow release (the gain moves, so a loud passage is turned down rather than bent).
* **Clip**: so that rounding can never pass the ceiling either.

All inner arithmetic is anchored to a grid of 256 frames counted from the last reset, so the same
sound gives the same bits however it is cut into blocks. No scipy here: the engine imports this.
"""

from __future__ import annotations

import math

import numpy as np

from heart.rise import Rise

GRID = 256
"""Frames between two anchors of the running sums; larger would cost precision at low sample rates."""

DC_HZ = 5.0
KNEE_DB = -3.0
RELEASE_MS = 100.0
SANE_PEAK = 64.0
"""+36 dBFS. A sample beyond it is treated like NaN: letting it into the DC block would blast for seconds."""

FADE_OUT_MS = 8.0
HOLD_MS = 50.0
FADE_IN_MS = 100.0
FADE_IN_DB = -60.0
"""60 dB in 100 ms: a start never rises faster than 6 dB in 10 ms."""

INAUDIBLE = 1e-30
"""-600 dB: where a fade from here would end in denormal numbers."""

_TINY = 1e-18
"""Added and taken away again it rounds everything below 1e-34 to zero: no denormal number leaves."""


class Guard:
    """Makes any stream of float32 fit for ears: finite, at most `ceiling_db`, without DC, faded in.

    One instance a stream, one thread at a time. `delay_frames` is 0: frame n out is frame n in.
    """

    delay_frames = 0

    def __init__(self, rate_hz: float, channels: int = 1, ceiling_db: float = -1.0) -> None:
        """`ceiling_db` lies between -40 and 0 dBFS and is kept rounded down to three decimals of gain."""
        if not 500 <= rate_hz <= 768_000 or channels < 1 or not -40 <= ceiling_db <= 0:
            raise ValueError(f"no guard for {rate_hz} Hz, {channels} channels, ceiling {ceiling_db} dB")
        self.rate_hz, self.channels = rate_hz, channels
        self.ceiling = math.floor(10 ** (ceiling_db / 20) * 1000) / 1000
        self._clip_at = _float32_below(self.ceiling)
        self._knee = min(10 ** (KNEE_DB / 20), 0.8 * self.ceiling)
        pole = math.exp(-2 * math.pi * DC_HZ / rate_hz)
        steps = np.arange(1, GRID + 1)[:, np.newaxis]
        self._dc_decay = pole**steps
        self._dc_weight = (1 - pole) / self._dc_decay
        release = math.exp(-1000 / (RELEASE_MS * rate_hz))
        self._release_decay = release ** steps[:, 0]
        self._fade_in = _fade_in(round(FADE_IN_MS * rate_hz / 1000))
        self._fade_out = _fade_out(max(1, round(FADE_OUT_MS * rate_hz / 1000)))
        self._hold_frames = len(self._fade_out) + round(HOLD_MS * rate_hz / 1000)
        self._rise = Rise(rate_hz, GRID)
        self.alarms = 0
        self.reset()

    def reset(self) -> None:
        """As new: the next frame is the first of a stream and fades in. `alarms` goes on counting."""
        self.alarm = False
        self._phase = 0
        self._sum = np.zeros(self.channels)
        self._reduction = 0.0
        self._rise.reset()
        self._loudest = 0.0
        self._faded = 0
        self._held = -1
        self._quiet_left = 0
        self._last = np.zeros(self.channels)

    def process(self, samples: np.ndarray) -> np.ndarray:
        """Guard the next frames: [n] (one channel) or [n, channels] in, new float32 of the same shape out.

        Sets `alarm` when this call met a broken sample, and counts one in `alarms` for each such stretch.
        """
        self.alarm = False
        frames = np.asarray(samples).reshape(-1, self.channels)
        out = np.empty(frames.shape, dtype=np.float32)
        at = 0
        while at < len(frames):
            end = min(at + GRID - self._phase, len(frames))
            self._piece(frames[at:end], out[at:end])
            at = end
        return out.reshape(np.shape(samples))

    def _piece(self, frames: np.ndarray, out: np.ndarray) -> None:
        """One stretch that does not cross the grid."""
        if self._held < 0 and frames.max() <= SANE_PEAK and frames.min() >= -SANE_PEAK:
            self._sound(frames, out)
        else:
            self._broken(frames, out)
        if self._phase == GRID:
            self._next_anchor()

    def _sound(self, frames: np.ndarray, out: np.ndarray) -> None:
        count = len(frames)
        rising = len(self._fade_in) - self._faded
        if not count:
            return
        if 0 < rising < count:
            self._sound(frames[:rising], out[:rising])
            self._sound(frames[rising:], out[rising:])
            return
        clean = self._block_dc(frames)
        if rising:
            clean *= self._fade_in[self._faded : self._faded + count]
            self._faded += count
        peak = max(clean.max(), -clean.min())
        if rising:
            self._rise.follow(peak)
        if not self._rise.holds(peak, self._phase, count):
            self._limit(clean, rising=True)
        elif peak > self._knee or self._reduction:
            self._limit(clean)
        self._loudest = max(self._loudest, clean.max(), -clean.min())
        np.clip(clean, -self._clip_at, self._clip_at, out=clean)
        out[:] = clean
        self._last = np.where(np.abs(clean[-1]) < INAUDIBLE, 0.0, clean[-1])
        self._phase += count

    def _block_dc(self, frames: np.ndarray) -> np.ndarray:
        """frames - mean, where mean[n] = p mean[n-1] + (1-p) frames[n], as one running sum."""
        at = slice(self._phase, self._phase + len(frames))
        sums = frames * self._dc_weight[at]
        sums[0] += self._sum
        np.add.accumulate(sums, axis=0, out=sums)
        self._sum = sums[-1].copy()
        sums *= self._dc_decay[at]
        np.subtract(frames, sums, out=sums)
        sums += _TINY
        sums -= _TINY
        return sums

    def _limit(self, clean: np.ndarray, rising: bool = False) -> None:
        """Scale in place: reduction[n] = max(needed[n], release * reduction[n-1]), as a running maximum."""
        decay = self._release_decay[self._phase : self._phase + len(clean)]
        level = np.abs(clean).max(axis=1)
        room = self.ceiling - self._knee
        over = np.maximum(level - self._knee, 0.0)
        needed = np.zeros(len(level))
        np.divide(over - room * np.tanh(over / room), level, out=needed, where=over > 0)
        if rising:
            allowed = self._rise.allowed(level, self._phase) * (1 + 1e-9)
            np.maximum(needed, 1 - allowed / np.maximum(level, allowed), out=needed)
        needed /= decay
        needed[0] = max(needed[0], self._reduction)
        np.maximum.accumulate(needed, out=needed)
        self._reduction = float(needed[-1])
        clean *= (1.0 - needed * decay)[:, np.newaxis]

    def _next_anchor(self) -> None:
        """Move the anchor of both running forms to here; what has faded below hearing becomes nothing."""
        self._sum = self._sum * self._dc_decay[-1]
        self._sum[np.abs(self._sum) < 1e-20] = 0.0
        self._reduction *= float(self._release_decay[-1])
        if self._reduction < 1e-6:
            self._reduction = 0.0
        self._rise.anchor(self._loudest)
        self._loudest = 0.0
        self._phase = 0

    def _broken(self, frames: np.ndarray, out: np.ndarray) -> None:
        """A stretch with broken samples in it, or within the silence after some. Rare, so in plain steps."""
        with np.errstate(invalid="ignore"):
            bad = ~(np.abs(frames) <= SANE_PEAK).all(axis=1)
        at = 0
        while at < len(frames):
            at += self._hold(bad[at:], out[at:]) if self._held >= 0 else self._until_bad(frames, bad, out, at)

    def _until_bad(self, frames: np.ndarray, bad: np.ndarray, out: np.ndarray, at: int) -> int:
        left = bad[at:]
        good = int(left.argmax()) if left.any() else len(left)
        self._sound(frames[at : at + good], out[at : at + good])
        if good < len(left):
            self._held = 0
            self._quiet_left = self._hold_frames
            self.alarms += 1
        return good

    def _hold(self, bad: np.ndarray, out: np.ndarray) -> int:
        """Fade the last good value away and stay silent; every new broken sample starts the wait again."""
        count = min(len(bad), self._quiet_left)
        broken = np.flatnonzero(bad[:count])
        if len(broken):
            self.alarm = True
            count = int(broken[-1]) + 1
        self._quiet_left = self._hold_frames if len(broken) else self._quiet_left - count
        out[:count] = 0.0
        tail = self._fade_out[self._held : self._held + count]
        out[: len(tail)] = tail * self._last
        self._held += count
        self._phase += count
        if self._quiet_left == 0:
            self._held, self._faded = -1, 0
        return count


class Gain:
    """A fader without clicks: level changes glide in dB, mute and unmute along half a cosine.

    One thread at a time. `process` may be called with any block size; the result does not depend on it.
    """

    LOWEST_DB, HIGHEST_DB = -90.0, 24.0

    def __init__(self, rate_hz: float, ramp_ms: float = 8.0, gain_db: float = 0.0) -> None:
        """`ramp_ms`: how long every change takes, from its first frame to its last."""
        self._ramp = max(1, round(ramp_ms * rate_hz / 1000))
        self._from_db = self._to_db = self._bounded(gain_db)
        self._gone = self._ramp
        self._open = self._ramp
        self.muted = False

    @property
    def gain_db(self) -> float:
        """Where the fader is going, or stands."""
        return self._to_db

    def set(self, gain_db: float) -> None:
        """Go to `gain_db` (held within -90..24) from wherever the fader is now."""
        self._from_db = float(self._level_db(self._gone))
        self._to_db = self._bounded(gain_db)
        self._gone = 0

    def mute(self) -> None:
        """Silent `ramp_ms` from the next frame on, until `unmute`."""
        self.muted = True

    def unmute(self) -> None:
        """Back to the fader's level within `ramp_ms`."""
        self.muted = False

    def process(self, samples: np.ndarray) -> np.ndarray:
        """The next frames, [n] or [n, channels], at the fader's level: new float32 of the same shape."""
        frames = np.asarray(samples, dtype=np.float32)
        count = len(frames)
        steady = self._gone >= self._ramp and self._open == (0 if self.muted else self._ramp)
        gain = np.asarray(self._standing()) if steady else self._moving(count)
        if gain.ndim and frames.ndim == 2:
            gain = gain[:, np.newaxis]
        return (frames * gain).astype(np.float32, copy=False)

    def _standing(self) -> np.float32:
        return np.float32(0.0 if self.muted else 10 ** (self._to_db / 20))

    def _moving(self, count: int) -> np.ndarray:
        steps = np.arange(1, count + 1)
        way = -steps if self.muted else steps
        opened = np.clip(self._open + way, 0, self._ramp)
        level = 10 ** (self._level_db(self._gone + steps) / 20)
        if count:
            self._gone = min(self._gone + count, self._ramp)
            self._open = int(opened[-1])
        shape = 0.5 - 0.5 * np.cos(np.pi * opened / self._ramp)
        return (level * shape).astype(np.float32)

    def _level_db(self, gone: int | np.ndarray) -> np.ndarray:
        part = np.minimum(gone, self._ramp) / self._ramp
        return self._from_db + (self._to_db - self._from_db) * part

    def _bounded(self, gain_db: float) -> float:
        if math.isnan(gain_db):
            raise ValueError("a gain in dB must be a number, not NaN")
        return min(max(gain_db, self.LOWEST_DB), self.HIGHEST_DB)


def _float32_below(value: float) -> float:
    near = np.float32(value)
    return float(near if near <= value else np.nextafter(near, np.float32(0)))


def _fade_in(frames: int) -> np.ndarray:
    rise_db = FADE_IN_DB * (1 - np.arange(1, frames + 1) / (frames + 1))
    return (10 ** (rise_db / 20))[:, np.newaxis]


def _fade_out(frames: int) -> np.ndarray:
    return (0.5 + 0.5 * np.cos(np.pi * np.arange(1, frames + 1) / frames))[:, np.newaxis]
