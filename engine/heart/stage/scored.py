"""A score opened for the stage: read, checked against voice and folder, its sounds read, before anything sounds."""

from __future__ import annotations

from heart.config import LiveConfig
from heart.errors import UsageError
from heart.sounding.track import Track
from heart.stage.material import Material, gather, rehearse
from heart.stage.prompter import Prompter
from heart.stage.score_reader import read_score


def open_score(config: LiveConfig) -> tuple[Prompter | None, Material, int]:
    """The prompter of the score that `config` names, its material, and how many voices sing.

    Raises:
        FileError: the score, or a sound it names, cannot be read or performed; with the line.
        UsageError: it wants more voices than were asked for.
    """
    if config.score is None:
        return None, Material(), config.voices
    given = {"heart": config.heart or config.device_in, "beats": config.beats or config.ecg}
    score = read_score(config.score, given=[name for name, value in given.items() if value])
    if 1 < config.voices < score.voices:
        raise UsageError(f"--voices {config.voices}: {config.score} is for {score.voices} voices")
    rehearse(score, config.voice, Track((800.0, 800.0)) if given["beats"] else None)
    return Prompter(score, not config.unattended), gather(score, config.sounds), max(config.voices, score.voices)
