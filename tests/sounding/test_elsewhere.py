"""The voice's net on another device: the same sound, and a device that is not there is one clear line."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from heart.cli import main
from heart.config import models_dir
from heart.errors import UsageError
from heart.records import Beat, Wish
from heart.sounding.elsewhere import NetElsewhere, find_device
from heart.sounding.registry import open_voice
from heart.sounding.together import SharedNet
from heart.sounding.weights import load_net


def test_a_net_elsewhere_sings_the_same_sound_under_another_recipe() -> None:
    here, there = open_voice("voice-heart", threads=1), open_voice("voice-heart", threads=1)
    net = load_net(models_dir() / "voice-heart" / "voice.safetensors").net
    there.net, there.few = SharedNet(NetElsewhere(net, torch.device("cpu"))), {}  # type: ignore[attr-defined]
    there._proof = there._proof.replace(here.net.runtime, there.net.runtime)  # type: ignore[attr-defined]
    wish = Wish(1, 0, 16_384, np.zeros(0, np.float32), (Beat(0, 6_000, 20_000, 833.0),), steps=3)
    mine, its = here.sing(wish), there.sing(wish)
    assert its.audio == pytest.approx(mine.audio, abs=1e-4)
    assert its.recipe != mine.recipe, "the last bits may differ, and a log must tell"


def test_auto_takes_what_is_here() -> None:
    best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert find_device("auto").type == best


def test_a_device_that_is_not_here_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r"--device cuda: torch finds none here; there is .*cpu"):
        find_device("cuda")
    result = CliRunner().invoke(main, ["bench", "--device", "cuda"])
    assert result.exit_code == 2
    assert "--device cuda" in result.output
