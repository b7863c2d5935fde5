"""Dance Diffusion's net: its size to the parameter, its names to the letter, its arithmetic by other means."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from heart.sounding.dance.net import DanceNet, DanceShape, shape_of
from heart.sounding.dance.speed import Stepper
from rig.dance_nets import NARROW, SHALLOW, noise, small_net

pytestmark = pytest.mark.usefixtures("one_thread")


def on_paper(widths=(128, 128, 256, 256, *[512] * 10), attention=6) -> dict[str, tuple[int, ...]]:
    """Names and sizes as the layout is described, written without the net."""
    sizes: dict[str, tuple[int, ...]] = {"timestep_embed.weight": (8, 1)}

    def block(at: str, c_in: int, mid: int, out: int, last: bool = False) -> None:
        for number, (a, b) in {0: (c_in, mid), 3: (mid, out)}.items():
            sizes[f"{at}main.{number}.weight"], sizes[f"{at}main.{number}.bias"] = (b, a, 5), (b,)
            if not (last and number == 3):
                norm = f"{at}main.{number + 1}."
                sizes[norm + "weight"], sizes[norm + "bias"] = (b,), (b,)
        if c_in != out:
            sizes[f"{at}skip.weight"] = (out, c_in, 1)

    def attend(at: str, c: int) -> None:
        sizes.update({f"{at}norm.weight": (c,), f"{at}norm.bias": (c,)})
        sizes.update({f"{at}qkv_proj.weight": (3 * c, c, 1), f"{at}qkv_proj.bias": (3 * c,)})
        sizes.update({f"{at}out_proj.weight": (c, c, 1), f"{at}out_proj.bias": (c,)})

    top = widths[0]
    for number, c_in in {0: 18, 1: top, 2: top, 4: 2 * top, 5: top}.items():
        block(f"net.{number}.", c_in, top, top)
    block("net.6.", top, top, 2, last=True)
    for i in range(2, len(widths) + 1):
        at, c, above = "net.3." + "main.7." * (i - 2), widths[i - 1], widths[i - 2]
        sizes[f"{at}main.0.kernel"] = sizes[f"{at}main.14.kernel"] = (8,)
        inner = c if i == len(widths) else 2 * c
        ins = {1: above, 3: c, 5: c, 8: inner, 10: c, 12: c}
        for number, c_in in ins.items():
            out = above if number == 12 else c
            block(f"{at}main.{number}.", c_in, c, out)
            if i > len(widths) - attention:
                attend(f"{at}main.{number + 1}.", out)
    return sizes


def test_the_full_net_has_the_published_size_and_names():
    with torch.device("meta"):
        net = DanceNet()
    state = net.state_dict()
    assert sum(parameter.numel() for parameter in net.parameters()) == 221_389_322
    assert (len(state), len(list(net.parameters())), len(list(net.buffers()))) == (932, 906, 26)
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == on_paper()
    assert state["net.0.main.0.weight"].shape[1] == 18
    assert net.shape.multiple == 8_192
    assert shape_of(state) == DanceShape()


@pytest.mark.parametrize("shape", [NARROW, SHALLOW, DanceShape(channels=1, widths=(4, 8), attention=0, fourier=3)])
def test_the_shape_is_read_from_names_and_sizes(shape):
    with torch.device("meta"):
        assert shape_of(DanceNet(shape).state_dict()) == shape


def test_a_conditioned_net_is_refused_by_its_channels():
    with torch.device("meta"):
        state = DanceNet(SHALLOW).state_dict()
        state["net.0.main.0.weight"] = torch.empty(8, 50, 5)
    with pytest.raises(ValueError, match="32 channels more"):
        shape_of(state)


def by_hand(state, shape: DanceShape, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The same function of the same tensors by plain arithmetic: full kernels, explicit softmax, no modules."""

    def norm(at, h):
        mean, spread = h.mean((1, 2), keepdim=True), h.var((1, 2), keepdim=True, correction=0)
        return (h - mean) / (spread + 1e-5).sqrt() * state[at + "weight"][:, None] + state[at + "bias"][:, None]

    def block(at, h):
        y = F.conv1d(h, state[at + "main.0.weight"], state[at + "main.0.bias"], padding=2)
        y = F.gelu(norm(at + "main.1.", y))
        y = F.conv1d(y, state[at + "main.3.weight"], state[at + "main.3.bias"], padding=2)
        if at + "main.4.weight" in state:
            y = F.gelu(norm(at + "main.4.", y))
        return y + (F.conv1d(h, state[at + "skip.weight"]) if at + "skip.weight" in state else h)

    def attend(at, h):
        if at + "norm.weight" not in state:
            return h
        qkv = F.conv1d(norm(at + "norm.", h), state[at + "qkv_proj.weight"], state[at + "qkv_proj.bias"])
        heads = []
        for q, k, v in zip(*(part.split(32, 1) for part in qkv.chunk(3, 1))):
            scores = torch.einsum("bcs,bct->bst", q * 32**-0.25, k * 32**-0.25)
            heads.append(torch.einsum("bst,bct->bcs", scores.softmax(-1), v))
        return h + F.conv1d(torch.cat(heads, 1), state[at + "out_proj.weight"], state[at + "out_proj.bias"])

    def dense(taps, channels):
        return torch.eye(channels)[:, :, None] * taps

    def level(at, h, depth):
        h = F.conv1d(F.pad(h, (3, 3), "reflect"), dense(state[at + "main.0.kernel"], h.shape[1]), stride=2)
        for number in (1, 3, 5):
            h = attend(f"{at}main.{number + 1}.", block(f"{at}main.{number}.", h))
        if depth + 1 < len(shape.widths):
            h = torch.cat([level(at + "main.7.", h, depth + 1), h], 1)
        for number in (8, 10, 12):
            h = attend(f"{at}main.{number + 1}.", block(f"{at}main.{number}.", h))
        taps = dense(state[at + "main.14.kernel"], h.shape[1])
        return F.conv_transpose1d(F.pad(h, (2, 2), "reflect"), taps, stride=2, padding=7)

    angles = 2 * math.pi * t[:, None] * state["timestep_embed.weight"][:, 0]
    features = torch.cat([angles.cos(), angles.sin()], 1)[:, :, None].repeat(1, 1, x.shape[-1])
    h = torch.cat([x, features], 1)
    for number in (0, 1, 2):
        h = block(f"net.{number}.", h)
    h = torch.cat([level("net.3.", h, 1), h], 1)
    for number in (4, 5, 6):
        h = block(f"net.{number}.", h)
    return h


def test_the_net_is_what_plain_arithmetic_says():
    net, x, t = small_net(), noise(2, 2, 24_576), torch.tensor([0.3, 0.9])
    expected = by_hand(net.state_dict(), NARROW, x, t)
    got = net(x, t)
    assert float(expected.std()) > 0.05
    assert float((got - expected).abs().max()) < 1e-5 * float(expected.abs().max())


def test_resampling_keeps_a_slow_wave_and_its_level():
    down, up = (small_net(SHALLOW).net[3].main[number] for number in (0, 14))
    wave = torch.sin(2 * math.pi * torch.arange(512) / 64)[None, None].repeat(1, 3, 1)
    halved = down(wave)
    assert halved.shape[-1] == 256
    assert float((up(halved) - wave)[..., 16:-16].abs().max()) < 0.01


@pytest.mark.parametrize(("samples", "fitting"), [(1, 24_576), (65_536, 65_536), (65_537, 73_728)])
def test_a_length_is_rounded_up_to_what_the_net_takes(samples, fitting):
    assert DanceShape().fitting(samples) == fitting


def test_the_shortest_length_runs_and_a_shorter_one_cannot():
    net = small_net(SHALLOW)
    assert net(noise(1, 2, SHALLOW.fitting(1)), torch.ones(1)).shape == (1, 2, 48)
    with pytest.raises(RuntimeError):
        net(noise(1, 2, 32), torch.ones(1))


def test_a_step_is_timed():
    step = Stepper(SHALLOW, 1_024).step()
    assert step.wall_s > 0
    assert step.cpu_s >= 0
