"""Targets for worker tests: run in spawned children, so they are found by module name."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from heart.plumbing.child import Pipe

log = logging.getLogger("heart.target")


def echo(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """Send everything back, with the option `mark` in front."""
    pipe.ready()
    while True:
        record = pipe.receive(timeout_s=10.0)
        if record is not None:
            pipe.send((options.get("mark", ""), record))


def moody(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """Do what the record says."""
    pipe.ready()
    while True:
        word = pipe.receive()
        if word == "raise":
            raise RuntimeError("the valve is stuck")
        if word == "return":
            return
        if word == "loop":
            while True:
                pass
        if word == "freeze":
            os.kill(os.getpid(), signal.SIGSTOP)
        if word == "sleep":
            time.sleep(60)
        log.warning("heard %s", word)
        pipe.send(word)


def stillborn(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """Die while loading."""
    raise ValueError("no such model")


def deaf(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """Never take a record."""
    pipe.ready()
    time.sleep(60)


def slow_start(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """Never become ready."""
    time.sleep(60)


def priority(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """Report the process's priority number."""
    pipe.ready()
    pipe.send(os.nice(0))
    pipe.receive()


def recorder_on_a_small_disk(pipe: Pipe, options: Mapping[str, Any]) -> None:
    """The recorder, in a process that may write no file beyond 2 MB."""
    import resource

    from heart.plumbing.recorder import serve

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
    serve(pipe, options)
