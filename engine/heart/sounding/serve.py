"""The voice's process: newest wish in, chunk out. Started by `plumbing.worker`, spawned, never forked."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Protocol

from heart.records import Wish
from heart.sounding.choir import sing_all
from heart.sounding.registry import open_voice

log = logging.getLogger(__name__)


class Pipe(Protocol):
    """What the worker hands us (plumbing.child.Pipe)."""

    def receive(self, timeout_s: float | None = None) -> Any | None: ...

    def send(self, record: Any) -> None: ...

    def ready(self) -> None: ...


def serve(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """Load, warm up, sing until told to stop (`receive` then raises).

    options: "voice" (a name of the registry), "threads" (0 chooses), "sampler" (default ddim), "device" (cpu).
    """
    began_s = time.monotonic()
    manner = int(options.get("threads", 0)), options.get("sampler", "ddim"), options.get("device", "cpu")
    voice = open_voice(options["voice"], *manner)
    voice.warm_up()
    log.info("voice %s ready in %.2f s", voice.name, time.monotonic() - began_s)
    pipe.ready()
    while True:
        wish = newest(pipe, timeout_s=1.0)
        if wish is not None:
            pipe.send(sing_all(voice, wish))


def newest(pipe: Pipe, timeout_s: float) -> Wish | None:
    """The latest wish that lies in the pipe; what came before it is stale. None after `timeout_s`."""
    wish = pipe.receive(timeout_s)
    while wish is not None:
        later = pipe.receive(0.0)
        if later is None:
            return wish
        wish = later
    return None
