"""`heart live` as a person sees it: a few lines at the start, one status line, a summary at the end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import click

from heart.config import LiveConfig
from heart.errors import HeartError
from heart.stage.live import Engine

LINE_S = 0.2
LOG_S = 10.0
"""How often a status line is written where there is no terminal."""


def run_live(config: LiveConfig, report: Path | None = None) -> None:
    """Run an engine until Ctrl-C, SIGTERM or `/heart/quit`. Raises HeartError when it cannot start."""
    asyncio.run(_live(config, report))


async def _live(config: LiveConfig, report: Path | None) -> None:
    engine = Engine(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(engine.stop.set))
    began_s, used_s = time.monotonic(), time.process_time()
    printer = asyncio.ensure_future(_print(engine))
    try:
        await engine.run()
    finally:
        printer.cancel()
        await asyncio.gather(printer, return_exceptions=True)
    seconds = time.monotonic() - began_s
    figures = summary(engine, seconds, time.process_time() - used_s)
    if report:
        report.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    click.echo(_last_words(figures))
    if engine.failure:
        raise HeartError(f"the engine stopped by itself: {engine.failure!r}")


def summary(engine: Engine, seconds: float, cpu_s: float) -> dict[str, Any]:
    """What a run was like; times in seconds, shares as ratios."""
    counts = engine.wire.stats()
    return {
        "seconds": round(seconds, 2),
        "engine_cpu_share": round(cpu_s / seconds, 4),
        "voice_p95_of_real_time": round(engine.conductor.p95(), 4),
        "chunks": engine.conductor.chunks,
        "bed_s": round(engine.conductor.bed_frames / 44_100, 2),
        "late_chunks": engine.conductor.late_chunks,
        "stale_chunks": engine.conductor.stale_chunks,
        "expired_wishes": engine.conductor.expired_wishes,
        "steps": engine.conductor.steps,
        "refused_chunks": engine.conductor.refused_chunks,
        "voice_restarts": engine.voice.restarts,
        "ear_restarts": engine.ear.restarts,
        **{name: value for name, value in counts.items() if name != "clients"},
    }


async def _print(engine: Engine) -> None:
    await engine.listening.wait()
    click.echo(f"listening on {engine.wire.host}:{engine.wire.port} · process {os.getpid()} · Ctrl-C ends it")
    terminal, said = sys.stdout.isatty(), ""
    waited_s = LOG_S
    while True:
        await asyncio.sleep(LINE_S)
        waited_s += LINE_S
        for line in engine.take_news():
            click.echo(("\r\033[K" if terminal else "") + line)
        if terminal:
            click.echo("\r\033[K" + status_line(engine), nl=False)
        elif waited_s >= LOG_S and status_line(engine) != said:
            said, waited_s = status_line(engine), 0.0
            click.echo(said)


def status_line(engine: Engine) -> str:
    """State, tempo, fill, load and underruns in one line."""
    now, stats = engine.status(), engine.wire.stats()["clients"]
    asked = engine.performance.values["steps"]
    steps = f"{now.steps} steps" if now.steps == asked else f"{now.steps} of {asked} steps"
    heard = f"heard {now.heard_bpm:.0f} bpm ({now.trust:.1f})" if now.heard_bpm else "hears no rhythm"
    fill_ms = min((client["fill_ms"] for client in stats), default=0.0)
    underruns = sum(client["underruns"] for client in stats)
    return (
        f"{now.state} · {now.mode} · {now.label} {now.bpm:.0f} bpm · {heard} · {now.clients} clients"
        f" · fill {fill_ms:.0f} ms · {steps}, p95 {now.p95:.2f} of real time · {underruns} underruns"
    )


def _last_words(figures: dict[str, Any]) -> str:
    return (
        f"\nended after {figures['seconds']:.0f} s: {figures['sent']} blocks sent,"
        f" {figures['resent']} resent, voice p95 {figures['voice_p95_of_real_time']:.2f} of real time,"
        f" engine {100 * figures['engine_cpu_share']:.1f} % of a core"
    )
