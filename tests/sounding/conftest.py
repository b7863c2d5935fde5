"""Fixtures of the sounding room."""

from __future__ import annotations

import pytest
from small_voice import write_voice


@pytest.fixture
def voice_folder(tmp_path):
    """A model folder of a voice that was never trained."""
    return write_voice(tmp_path / "voice-heart")
