"""The cues of a score as clients see them: /heart/cue/... ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heart.errors import UsageError
from heart.stage.effects import Effect, Origin


class Cues:
    """Handles /heart/cue/go, to and list."""

    def on_go(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        raise self._none()

    def on_to(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        raise self._none()

    def on_list(self, args: Sequence[Any], origin: Origin) -> list[Effect]:
        raise self._none()

    def _none(self) -> UsageError:
        return UsageError("no score here: start the engine with heart live --score FILE")
