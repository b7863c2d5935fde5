"""numpy's `default_rng(seeds)` in TorchScript: an exported voice draws the very numbers the engine draws.

The engine's noise, styles and rhythm come from numpy's generator, which no TorchScript can call, and torch's own
generators give other numbers. So here is the same arithmetic on tensors: SeedSequence (O'Neill, "Developing
a seed_seq alternative", 2015), PCG64 XSL-RR (O'Neill, "PCG", 2014), normal numbers by the ziggurat of 256 layers
(Marsaglia and Tsang, Journal of Statistical Software 2000), whole numbers by Lemire's method (ACM TOMACS 2019).

A generator is wanted only for its first numbers, so there is no state: `words` jumps. From m states the next m
follow by one multiplication of 128-bit numbers, which are held as eight limbs of 16 bits, lowest first.
"""

from __future__ import annotations

import itertools
import math
from decimal import Decimal, localcontext

import torch
from torch import Tensor, nn

_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
_JUMPS = 18
"""Jumps of 1, 2, 4 ... states: enough for 2^18 words."""
_LAYERS = 256
_TAIL = Decimal("3.6541528853610087963519472518")
"""Where the ziggurat's lowest layer goes over into the tail."""
_AREA = Decimal("0.004928673233974654931590913431847")
"""Of every layer."""


def _limbs(number: int) -> list[int]:
    return [number >> 16 * j & 0xFFFF for j in range(8)]


def _factor(number: int) -> list[list[int]]:
    """The matrix that multiplies limbs by a number."""
    limbs = _limbs(number)
    return [[limbs[j - i] if j >= i else 0 for j in range(8)] for i in range(8)]


def _jumps() -> tuple[Tensor, Tensor]:
    """Factors of state and of increment over 2^k steps: int64 [_JUMPS, 8, 8] each."""
    a, c, states, increments = _MULTIPLIER, 1, [], []
    for _ in range(_JUMPS):
        states.append(_factor(a))
        increments.append(_factor(c))
        a, c = a * a % 2**128, c * (1 + a) % 2**128
    return torch.tensor(states), torch.tensor(increments)


def _edges() -> list[Decimal]:
    """Right edges of the layers 1 .. 255; of 0 the width it would have as a rectangle."""
    with localcontext() as context:
        context.prec = 40
        edges = [_TAIL]
        for _ in range(_LAYERS - 2):
            edges.append((-2 * (_AREA / edges[-1] + (-(edges[-1] ** 2) / 2).exp()).ln()).sqrt())
        return [_AREA / (-(_TAIL**2) / 2).exp(), *reversed(edges)]


class Chance(nn.Module):
    """Draws of `numpy.random.default_rng(seeds)`, seeds being whole numbers from 0 on."""

    def __init__(self) -> None:
        super().__init__()
        edges, self.tail = _edges(), float(_TAIL)
        with localcontext() as context:
            context.prec = 40
            heights = [Decimal(1), *((-edge * edge / 2).exp() for edge in edges[1:])]
            inner = [_TAIL / edges[0], Decimal(0), *(b / a for b, a in itertools.pairwise(edges[1:]))]
            self.scale: Tensor = torch.tensor([float(edge / 2**52) for edge in edges], dtype=torch.float64)
            self.scale32: Tensor = torch.tensor([float(edge / 2**23) for edge in edges])
            self.inner: Tensor = torch.tensor([int(part * 2**52) for part in inner])
            self.inner32: Tensor = torch.tensor([int(part * 2**23) for part in inner])
        self.height: Tensor = torch.tensor([float(height) for height in heights], dtype=torch.float64)
        self.state_jumps, self.increment_jumps = _jumps()

    def words(self, seeds: list[int], count: int) -> Tensor:
        """The first `count` 64-bit outputs as their lower and upper halves: int64 [count, 2] of 0 .. 2^32 - 1."""
        key = seed_words(seeds)
        start, sequence = limbs_of(key[2:4] + key[0:2]), limbs_of(key[6:8] + key[4:6])
        increment = carried(sequence * 2 + torch.tensor([1, 0, 0, 0, 0, 0, 0, 0]))
        states = self.jumped(carried(increment + start), increment, 1)  # one step of seeding, one of drawing
        jump = 0
        while states.shape[0] < count:
            states = torch.cat([states, self.jumped(states, increment, jump)])
            jump += 1
        return output(states[:count])

    def jumped(self, states: Tensor, increment: Tensor, jump: int) -> Tensor:
        """States 2^jump steps later."""
        return carried(states @ self.state_jumps[jump] + increment @ self.increment_jumps[jump])

    def normal32(self, seeds: list[int], count: int) -> Tensor:
        """`standard_normal(count, dtype=float32)`: float32 [count]."""
        halves = self.words(seeds, (count + count // 16) // 2 + 64).flatten()
        layer, positive, part = halves & 0xFF, (halves >> 8) & 1 == 0, (halves >> 9) & 0x7FFFFF
        value = part.float() * self.scale32[layer] * torch.where(positive, 1.0, -1.0)
        slow: list[int] = torch.nonzero(part >= self.inner32[layer]).flatten().tolist()
        pieces, at, filled = [value[:0]], 0, 0
        for index in slow:  # one in eighty: these take further words, so all after them move up
            if index >= at and filled < count:
                pieces.append(value[at:index])
                drawn, used = self.slow32(halves, index, int(layer[index]), float(value[index]))
                pieces.append(torch.tensor(drawn, dtype=torch.float32))
                filled += index - at + len(drawn)
                at = index + used
        pieces.append(value[at:])
        return torch.cat(pieces)[:count]

    def slow32(self, halves: Tensor, index: int, layer: int, value: float) -> tuple[list[float], int]:
        """What a word outside the certain part of its layer gives: one number or none, and the words it took."""
        if layer > 0:
            below, above = float(self.height[layer]), float(self.height[layer - 1])
            level = below + (above - below) * unit32(halves, index + 1)
            return ([value] if level < math.exp(-0.5 * value * value) else empty()), 2
        used, x, y = 1, 0.0, -1.0
        while 2 * y <= x * x:
            x = -math.log1p(-unit32(halves, index + used)) / self.tail
            y = -math.log1p(-unit32(halves, index + used + 1))
            used += 2
        negative = (int(halves[index]) >> 17) & 1 == 1
        return [-(self.tail + x) if negative else self.tail + x], used

    def normals(self, seeds: list[int], count: int) -> list[float]:
        """`standard_normal(count)`, for a few numbers."""
        words = self.words(seeds, 2 * count + 64)
        found, at = empty(), 0
        while len(found) < count:
            low, high = int(words[at, 0]), int(words[at, 1])
            layer, negative, part = low & 0xFF, (low >> 8) & 1, (low >> 9) | ((high & 0x1FFFFFFF) << 23)
            value = float(part) * float(self.scale[layer]) * (1.0 - 2.0 * float(negative))
            at += 1
            if part < int(self.inner[layer]):
                found.append(value)
            elif layer > 0:
                below, above = float(self.height[layer]), float(self.height[layer - 1])
                if below + (above - below) * unit(words, at) < math.exp(-0.5 * value * value):
                    found.append(value)
                at += 1
            else:
                x, y = 0.0, -1.0
                while 2 * y <= x * x:
                    x, y = -math.log1p(-unit(words, at)) / self.tail, -math.log1p(-unit(words, at + 1))
                    at += 2
                found.append(-(self.tail + x) if (part >> 8) & 1 == 1 else self.tail + x)
        return found

    def uniforms(self, seeds: list[int], count: int) -> list[float]:
        """`random(count)`, for a few numbers."""
        words = self.words(seeds, count)
        return [unit(words, at) for at in range(count)]

    def integer(self, seeds: list[int], below: int) -> int:
        """`integers(below)`; below: 1 .. 2^31."""
        if below == 1:
            return 0
        halves = self.words(seeds, 64).flatten()
        least, at = (0x100000000 - below) % below, 0
        product = int(halves[0]) * below
        while (product & 0xFFFFFFFF) < least:
            at += 1
            product = int(halves[at]) * below
        return product >> 32


def empty() -> list[float]:
    """A list of no numbers, which TorchScript cannot spell otherwise."""
    found: list[float] = []
    return found


def unit(words: Tensor, at: int) -> float:
    """The word as a number of 53 bits in 0 .. 1."""
    return float((int(words[at, 0]) >> 11) | (int(words[at, 1]) << 21)) * 2.0**-53


def unit32(halves: Tensor, at: int) -> float:
    """The half word as a number of 24 bits in 0 .. 1."""
    return float(int(halves[at]) >> 8) * 2.0**-24


def carried(limbs: Tensor) -> Tensor:
    """Limbs [..., 8] that grew beyond 16 bits, put in order; what leaves the eighth is lost."""
    carry, kept = torch.zeros_like(limbs[..., 0]), [limbs[..., 0]]
    for j in range(8):
        whole = limbs[..., j] + carry
        kept.append(whole & 0xFFFF)
        carry = whole >> 16
    return torch.stack(kept[1:], -1)


def output(states: Tensor) -> Tensor:
    """PCG's XSL-RR of states [n, 8]: int64 [n, 2]."""
    mixed = states[:, :4] ^ states[:, 4:]
    low, high = mixed[:, 0] | (mixed[:, 1] << 16), mixed[:, 2] | (mixed[:, 3] << 16)
    turn = states[:, 7] >> 10
    swap, by = turn >= 32, turn & 31
    first, second = torch.where(swap, high, low), torch.where(swap, low, high)
    return torch.stack([rotated(first, second, by), rotated(second, first, by)], 1)


def rotated(low: Tensor, high: Tensor, by: Tensor) -> Tensor:
    """The lower half of 64 bits turned right by 0 .. 31."""
    return ((low >> by) | (high << (32 - by))) & 0xFFFFFFFF


def seed_words(seeds: list[int]) -> list[int]:
    """SeedSequence(seeds).generate_state(8): eight words of 32 bits."""
    entropy: list[int] = []
    for seed in seeds:
        entropy.append(seed & 0xFFFFFFFF)
        left = seed >> 32
        while left > 0:
            entropy.append(left & 0xFFFFFFFF)
            left = left >> 32
    constant, pool = 0x43B0D7E5, [0, 0, 0, 0]
    for i in range(4):
        pool[i], constant = hashed(entropy[i] if i < len(entropy) else 0, constant, 0x931E8875)
    for source in range(4):
        for i in range(4):
            if i != source:
                value, constant = hashed(pool[source], constant, 0x931E8875)
                pool[i] = mixed_in(pool[i], value)
    for source in range(4, len(entropy)):
        for i in range(4):
            value, constant = hashed(entropy[source], constant, 0x931E8875)
            pool[i] = mixed_in(pool[i], value)
    constant, words = 0x8B51F9DD, [0, 0, 0, 0, 0, 0, 0, 0]
    for i in range(8):
        words[i], constant = hashed(pool[i % 4], constant, 0x58F38DED)
    return words


def hashed(value: int, constant: int, factor: int) -> tuple[int, int]:
    """A word stirred, and the next constant."""
    following = times32(constant, factor)
    value = times32(value ^ constant, following)
    return value ^ (value >> 16), following


def mixed_in(x: int, y: int) -> int:
    """A word of the pool with another stirred in."""
    value = (times32(x, 0xCA01F9DD) - times32(y, 0x4973F715)) & 0xFFFFFFFF
    return value ^ (value >> 16)


def times32(x: int, y: int) -> int:
    """The lower 32 bits of a product, never beyond the 63 that TorchScript's whole numbers have."""
    return (x * (y & 0xFFFF) + (((x * (y >> 16)) & 0xFFFF) << 16)) & 0xFFFFFFFF


def limbs_of(words: list[int]) -> Tensor:
    """Four 32-bit words, lowest first, as limbs: int64 [1, 8]."""
    limbs: list[int] = []
    for word in words:
        limbs.append(word & 0xFFFF)
        limbs.append(word >> 16)
    return torch.tensor([limbs])
