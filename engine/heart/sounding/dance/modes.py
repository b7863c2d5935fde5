"""The three modes of Dance Diffusion, generate, vary and interpolate; and two promised beside: inpaint, extend.

Sounds are float32 [C, n] at the net's own rate, in -1..1; the net gets them padded with silence to a length it
takes. A seed decides a sound whatever is sampled beside it, to the last bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from heart.sounding.along import cos, sin
from heart.sounding.dance.model import Dance
from heart.sounding.dance.recipe import Recipe
from heart.sounding.modes import spherical

Told = Callable[[], object]
"""Called after every answer of the net."""
FADE_S = 0.02
"""Of the cross-fade where something new meets what was there."""


def generate(dance: Dance, recipe: Recipe, seeds: Sequence[int], samples: int, told: Told) -> Tensor:
    """New sounds, one for each seed: [B, C, samples]."""
    noise = torch.stack([noise_of(dance, seed, samples) for seed in seeds])
    return recipe.sing(dance.denoiser(told), noise)[..., :samples].clamp(-1, 1)


def vary(dance: Dance, recipe: Recipe, sound: Tensor, level: float, seeds: Sequence[int], told: Told) -> Tensor:
    """The sound re-imagined, once for each seed: [B, C, n]. For the level see `Recipe.vary`."""
    count = sound.shape[-1]
    given = fitted(dance, sound)[None].expand(len(seeds), -1, -1)
    noise = torch.stack([noise_of(dance, seed, count) for seed in seeds])
    return recipe.vary(dance.denoiser(told), given, noise, level)[..., :count].clamp(-1, 1)


def invert(dance: Dance, recipe: Recipe, sounds: Sequence[Tensor], told: Told) -> list[Tensor]:
    """The noise of each sound [C, T], all at the length of the longest; one after another."""
    count = max(sound.shape[-1] for sound in sounds)
    long = [torch.nn.functional.pad(sound, (0, count - sound.shape[-1])) for sound in sounds]
    return [recipe.invert(dance.denoiser(told), fitted(dance, sound)[None])[0] for sound in long]


def between(noises: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Noises [C, T] mixed along the sphere, each channel by itself; weights sum to 1."""
    stacked = torch.stack(list(noises))
    return torch.cat([spherical(stacked[:, c : c + 1], weights) for c in range(stacked.shape[1])])


def positions(sounds: int, count: int) -> list[list[float]]:
    """`count` mixtures from the first sound over all others to the last, both ends included."""
    way = [i * (sounds - 1) / max(count - 1, 1) for i in range(count)]
    return [[max(0.0, 1 - abs(at - number)) for number in range(sounds)] for at in way]


def from_noise(dance: Dance, recipe: Recipe, noise: Tensor, samples: int, told: Told) -> Tensor:
    """The sound of one noise [C, T]: [C, samples]."""
    return recipe.sing(dance.denoiser(told), noise[None])[0, :, :samples].clamp(-1, 1)


def inpaint(
    dance: Dance,
    recipe: Recipe,
    sound: Tensor,
    begin: int,
    end: int,
    seed: int,
    told: Told,
    window: int | None = None,
) -> Tensor:
    """The sound with samples begin .. end sung anew; all else stays bit for bit.

    Whatever time the sampler asks at, the net sees what is known as noisy as it would be then. For the window see
    `Dance.denoiser`.
    """
    known = fitted(dance, sound)
    noise = noise_of(dance, seed, sound.shape[-1])
    free = torch.zeros(known.shape[-1], dtype=torch.bool)
    free[begin:end] = True
    free[sound.shape[-1] :] = end >= sound.shape[-1]  # behind the end there is nothing to fit to
    ask = dance.denoiser(told, window)

    def denoise(x: Tensor, t: float) -> Tensor:
        return ask(torch.where(free, x, cos(t) * known + sin(t) * noise), t)

    sung = recipe.sing(denoise, noise[None])[0, :, : sound.shape[-1]].clamp(-1, 1)
    return joined(sound, sung, begin, end, round(FADE_S * dance.rate_hz))


def extend(dance: Dance, recipe: Recipe, sound: Tensor, samples: int, seed: int, told: Told) -> Tensor:
    """The sound and `samples` more, in windows of the net's own length: [C, n + samples]."""
    known, window = last_known(dance, sound.shape[-1]), dance.window(dance.samples)
    tail = torch.nn.functional.pad(sound[:, -known:], (0, samples))
    sung = inpaint(dance, recipe, tail, known, known + samples, seed, told, window)
    return torch.cat([sound, sung[:, known:]], 1)


def last_known(dance: Dance, samples: int) -> int:
    """How many of a sound's last samples the net sees when it goes on: half a window."""
    return min(samples, dance.window(dance.samples) // 2)


def joined(sound: Tensor, sung: Tensor, begin: int, end: int, fade: int) -> Tensor:
    """The sound with begin .. end of `sung` in it. A jump at a border fades within the span."""
    new = sung[:, begin:end]
    at_begin = sound[:, :begin][:, -1:] - new[:, :1]
    at_end = sound[:, end:][:, :1] - new[:, -1:]
    new = new + _fading(at_begin, new, fade) + _fading(at_end, new, fade).flip(1)
    return torch.cat([sound[:, :begin], new.clamp(-1, 1), sound[:, end:]], 1)


def _fading(jump: Tensor, new: Tensor, fade: int) -> Tensor:
    """As long as `new`: a jump [C, 1], falling to nothing without a bend; [C, 0] where no border is."""
    if not jump.shape[1]:
        return torch.zeros_like(new)
    reach = min(fade, new.shape[1])
    falling = jump * torch.cos(torch.arange(reach) / reach * torch.pi / 2).square()
    return torch.nn.functional.pad(falling, (0, new.shape[1] - reach))


def noise_of(dance: Dance, seed: int, samples: int) -> Tensor:
    """[C, T]: what a seed stands for, the same on every device."""
    random = torch.Generator().manual_seed(seed)
    return torch.randn(dance.shape.channels, dance.shape.fitting(samples), generator=random)


def fitted(dance: Dance, sound: Tensor) -> Tensor:
    """Padded with silence to a length that the net takes."""
    return torch.nn.functional.pad(sound, (0, dance.shape.fitting(sound.shape[-1]) - sound.shape[-1]))
