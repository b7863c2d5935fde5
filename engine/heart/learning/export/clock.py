"""The beat clock in TorchScript: `sounding.beats.BeatClock` in sinus rhythm, or led by a phase that comes in.

Each item of a batch has beats of its own, as rows of float64: number, S1, S2, RR in ms, S1 before rounding, bpm.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from heart.learning.export.chance import Chance
from heart.records import SAMPLE_RATE_HZ
from heart.sounding import beats, rhythm
from heart.sounding.conditions import PULSE_MS
from heart.sounding.filterbank import HOP

KEPT = 32
"""Beats remembered."""
COLUMNS = 6


class Clock(nn.Module):
    """Beats on absolute frames, made on demand.

    Attributes: bpm, rmssd (ms), systole (share of the law's): see `BeatClock`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bpm, self.rmssd, self.systole = 72.0, 30.0, 1.0
        self.changed = False
        """Whether rmssd or systole are new, so that what is to come is made anew."""
        self.rate, self.hop, self.first_s1, self.kept = float(SAMPLE_RATE_HZ), HOP, float(beats.FIRST_S1), KEPT
        self.columns = COLUMNS
        self.least_diastole, self.least_systole = rhythm.MIN_DIASTOLE_MS, beats._SHORTEST_SYSTOLE_MS
        self.breath, self.pressure = rhythm._BREATH_BEATS, rhythm._PRESSURE_BEATS
        self.shares, self.block = list(rhythm._SHARES), rhythm._BLOCK
        self.width = PULSE_MS * SAMPLE_RATE_HZ / 1_000
        self.chance = Chance()
        self.variations: Any = torch.jit.Attribute({}, dict[int, list[float]])
        self.beats: list[Tensor] = [torch.zeros(0, COLUMNS, dtype=torch.float64)]
        self.next: list[float] = [self.first_s1]
        self.led: list[bool] = [False]
        self.phase: list[float] = [-1.0]
        """The last value of the phase that came in; below 0: none yet."""

    def reset(self, items: int) -> None:
        """Forget all beats."""
        self.beats = [torch.zeros(0, self.columns, dtype=torch.float64) for _ in range(items)]
        self.next = [self.first_s1 for _ in range(items)]
        self.led = [False for _ in range(items)]
        self.phase = [-1.0 for _ in range(items)]

    def until(self, item: int, seed: int, control: Tensor, start: int, frames: int) -> Tensor:
        """Beats [n, 6] with S1 before the end of `frames` frames from `start` on, and a second more.

        control: [2, values], one value each `frames / values` frames, at their end: a rate in bpm (used from 20 to
        300), and the phase of the beat, 0 .. 1, which leads where it moves.
        """
        wished = float(control[0, -1])
        bpm = wished if wished >= 20.0 and wished <= 300.0 else self.bpm
        period, distance = self.followed(item, control[1], frames // control.shape[1])
        if period > 0.0:
            self.lead(item, start, period, float(start + frames - 1) + distance)
        elif self.led[item] or self.changed or self.tempo(item) != bpm:
            self.rewind(item, start, bpm)
        self.led[item] = period > 0.0
        while self.next[item] < start + frames + self.rate:
            self.schedule(item, seed, bpm, period)
        self.beats[item] = self.beats[item][-self.kept :]
        return self.beats[item]

    def tempo(self, item: int) -> float:
        """The rate with which the last beat was made; what is asked for where there is none."""
        return float(self.beats[item][-1, 5]) if len(self.beats[item]) else self.bpm

    def followed(self, item: int, phases: Tensor, ratio: int) -> tuple[float, float]:
        """Period of a moving phase, and frames from its last value to the next wrap; (0, 0) of one that stands."""
        known: list[float] = [float(phase) for phase in phases]
        if self.phase[item] >= 0.0:
            known.insert(0, self.phase[item])
        self.phase[item] = known[-1]
        if len(known) < 2 or not (known[-1] >= 0.0 and known[-1] <= 1.0 and known[-2] >= 0.0):
            return 0.0, 0.0
        step = (known[-1] - known[-2]) % 1.0
        if step < 1e-4 or step > 0.5:
            return 0.0, 0.0
        return ratio / step, (1.0 - known[-1]) * ratio / step

    def lead(self, item: int, start: int, period: float, wrap: float) -> None:
        """Let S1 fall where the phase wraps, from `start` on; half a period after the last one at the soonest."""
        self.drop(item, start)
        soonest = float(start)
        if len(self.beats[item]):
            soonest = max(soonest, float(self.beats[item][-1, 4]) + 0.5 * period)
        self.next[item] = wrap - math.floor((wrap - soonest) / period) * period
        self.reach(item, 60.0 * self.rate / period)

    def drop(self, item: int, start: int) -> None:
        """Forget the beats from `start` on."""
        kept = self.beats[item][:, 1] < start
        gone = self.beats[item][~kept]
        if len(gone):
            self.next[item] = float(gone[0, 4])
        self.beats[item] = self.beats[item][kept]

    def reach(self, item: int, bpm: float) -> None:
        """Let the last beat end where the next one begins."""
        if len(self.beats[item]):
            last = self.beats[item][-1].clone()
            last[3], last[5] = (self.next[item] - float(last[4])) * 1000.0 / self.rate, bpm
            self.beats[item] = torch.cat([self.beats[item][:-1], last[None]])

    def rewind(self, item: int, start: int, bpm: float) -> None:
        """Make the beats from `start` on anew; the one under way keeps its phase at the new tempo."""
        self.drop(item, start)
        before = self.tempo(item)
        if len(self.beats[item]) and self.next[item] > start and before != bpm:
            left = (self.next[item] - start) * before / bpm
            earliest = float(self.beats[item][-1, 2]) + self.least_diastole * self.rate / 1000.0
            self.next[item] = max(start + left, min(earliest, self.next[item]))
            self.reach(item, bpm)

    def schedule(self, item: int, seed: int, bpm: float, period: float) -> None:
        """One beat more; period: of a phase that leads, else 0."""
        number = int(self.beats[item][-1, 0]) + 1 if len(self.beats[item]) else 0
        mean = 60000.0 / bpm
        rr = period * 1000.0 / self.rate
        if period == 0.0:
            rr = min(max(mean + self.rmssd * self.variation(seed, number), 0.5 * mean), 1.5 * mean)
            period = rr * self.rate / 1000.0
        exact = self.next[item]
        law = self.systole * max(443.0 - 1.7 * 60000.0 / rr, 150.0)
        length = max(min(law, rr - self.least_diastole), self.least_systole)
        s1 = round(exact)
        s2 = s1 + round(length * self.rate / 1000.0)
        row = torch.tensor([[float(number), s1, s2, rr, exact, bpm]], dtype=torch.float64)
        self.beats[item] = torch.cat([self.beats[item], row])
        self.next[item] += period

    def variation(self, seed: int, number: int) -> float:
        """Deviation of a beat's RR interval for an RMSSD of 1: see `sounding.rhythm`."""
        block = number // self.block
        key = seed * 100003 + block
        if key not in self.variations:
            if len(self.variations) > 64:
                self.variations.clear()
            self.variations[key] = self.varied(seed, block)
        return self.variations[key][number % self.block]

    def varied(self, seed: int, block: int) -> list[float]:
        """Deviations of a block's beats: mean 0 and RMSSD 1."""
        count = self.block
        numbers = torch.arange(block * count, (block + 1) * count, dtype=torch.float64)
        phases = self.chance.uniforms([seed, 4294967296], 2)
        noise = torch.tensor(self.chance.normals([seed, block], count), dtype=torch.float64)
        values = math.sqrt(self.shares[2] / 2.0) * noise
        waves: list[float] = [self.breath, self.pressure]
        for wave in range(2):
            period, share, turn = waves[wave], self.shares[wave], 2.0 * math.pi * phases[wave]
            size = math.sqrt(share / 2.0) / math.sin(math.pi / period)
            values = values + size * torch.sin(2.0 * math.pi * numbers / period + turn)
        values = values - values.mean()
        found: list[float] = (values / (values[1:] - values[:-1]).square().mean().sqrt()).tolist()
        return found

    def track(self, beats: Tensor, first: int, count: int) -> Tensor:
        """The beat track of `count` frames from `first` on: float32 [4, count]; see `conditions.beat_channels`."""
        time = ((first + torch.arange(count)) * self.hop + self.hop // 2).double()
        s1, s2, rr = beats[:, 1], beats[:, 2], beats[:, 3] * self.rate / 1000.0
        end = torch.cat([s1[1:], (s1 + rr)[-1:]])
        before = s1[:1] - rr[:1]
        s1, s2, end = torch.cat([before, s1]), torch.cat([before + s2[:1] - s1[:1], s2]), torch.cat([s1[:1], end])
        current = torch.searchsorted(s1, time, right=True) - 1
        known = current >= 0
        current = current.clamp(min=0)
        systole = (time - s1[current]) / (s2 - s1)[current].clamp(min=1)
        diastole = (time - s2[current]) / (end - s2)[current].clamp(min=1)
        rows = [
            self.pulses(s1, time),
            self.pulses(s2, time),
            torch.where(known & (systole < 1), systole.clamp(0, 1), 0.0),
            torch.where(known & (diastole > 0), diastole.clamp(0, 1), 0.0),
        ]
        return torch.stack(rows).float()

    def pulses(self, marks: Tensor, time: Tensor) -> Tensor:
        """Bells at the marks."""
        near = marks[(marks > time[0] - 4 * self.width) & (marks < time[-1] + 4 * self.width)]
        return torch.exp(-0.5 * ((time[None] - near[:, None]) / self.width).square()).sum(0)
