"""The notes' process: wishes in, notes out, one by one. Started by `plumbing.worker`, spawned, never forked."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import torch

from heart.audio import resample
from heart.records import SAMPLE_RATE_HZ
from heart.sounding.notes.kinds import RATE_HZ
from heart.sounding.notes.model import NoteVoice, Said, open_notes
from heart.sounding.notes.wishes import NoteSound, NoteWish
from heart.sounding.serve import Pipe

log = logging.getLogger(__name__)


def serve(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """Load, warm up, decode until told to stop (`receive` then raises). options: "notes", a model's name."""
    began_s = time.monotonic()
    torch.set_num_threads(1)
    voice = open_notes(options["notes"])
    make(voice, NoteWish(0, (), 60, 100))
    log.info("notes %s ready in %.2f s", voice.name, time.monotonic() - began_s)
    pipe.ready()
    while True:
        wish = pipe.receive(1.0)
        if wish is not None:
            pipe.send(make(voice, wish))


def make(voice: NoteVoice, wish: NoteWish) -> NoteSound:
    """Decode a wish; latents that the model has not are left out."""
    sound = voice.decode(wish.z[: voice.latents], Said(wish.pitch, velocity=wish.velocity))
    return NoteSound(wish.number, resample(sound, RATE_HZ, SAMPLE_RATE_HZ))
