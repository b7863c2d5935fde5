"""Fixtures of the sounding room."""

from __future__ import annotations

import pytest
import torch
from small_voice import write_voice


@pytest.fixture
def voice_folder(tmp_path):
    """A model folder of a voice that was never trained."""
    return write_voice(tmp_path / "voice-heart")


@pytest.fixture
def one_thread():
    """Small nets are slower on two threads than on one, far slower where the cores are busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
