"""The whole engine as a performer meets it: knob to sound, killed workers, a restarted engine, its own cost.

python benchmarks/bench_live.py [--voice voice-heart] [--turns 30] [--seconds 30]
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

from heart.listening.judge import onsets
from heart.plumbing.client import HeartClient
from heart.records import LABELS, SAMPLE_RATE_HZ
from heart.stage.demo import Knob
from heart.stage.measure import knob_delays_ms
from heart.stage.rehearsal import RunningEngine, running_engine


def turned(client: HeartClient, name: str, value: float | str) -> Knob:
    knob = Knob(name, value, client.played)
    client.send(f"/heart/set/{name}", value)
    return knob


def random_turns(client: HeartClient, turns: int) -> list[float]:
    """Turn bpm and label in a random rhythm; delays in ms until the first frame sung with them."""
    dice, knobs = random.Random(0), [Knob("label", "N", 0)]
    for number in range(turns):
        name = ("bpm", "label")[number % 2]
        value = dice.uniform(50, 140) if name == "bpm" else LABELS[1:][number // 2 % 4]
        knobs.append(turned(client, name, value))
        time.sleep(dice.uniform(0.6, 1.6))
    time.sleep(1)
    return knob_delays_ms(knobs, client.inbox.chunks)


def heard_turns(client: HeartClient, turns: int) -> list[float]:
    """The same by ear: from 30 to 180 bpm in the middle of a pause; delay until the next beat sounds."""
    delays = []
    client.send("/heart/set/label", "N")
    client.send("/heart/set/rmssd", 0)
    for _ in range(turns):
        client.send("/heart/set/bpm", 30)
        last = wait_for_pause(client)
        begin = client.played
        client.send("/heart/set/bpm", 180)
        time.sleep(1.6)
        sound = client.played_audio()[last:]
        found = last + onsets(sound, SAMPLE_RATE_HZ) * SAMPLE_RATE_HZ
        after = found[found > begin + 0.05 * SAMPLE_RATE_HZ]
        delays.append((after[0] - begin) * 1000 / SAMPLE_RATE_HZ if len(after) else np.inf)
    return delays


def wait_for_pause(client: HeartClient) -> int:
    """Until 0.7 s after a beat at 30 bpm has begun, with no other to come for a second; its frame."""
    time.sleep(2.5)
    while True:
        time.sleep(0.01)
        slow = [beat.frame for beat in client.beats if beat.bpm < 35]
        if slow and 0.7 < (client.played - slow[-1]) / SAMPLE_RATE_HZ < 0.8:
            return slow[-1]


def restarted(folder: Path, voice: str, first: RunningEngine, client: HeartClient) -> float:
    """Seconds from the new engine's listening until the client's sound goes on."""
    first.process.kill()
    first.process.wait()
    resumed_s: list[float] = []

    def watch() -> None:
        time.sleep(1.2)  # what was in the ring has been played by then
        if client.wait_until(lambda: client.fill_ms > 50, 20):
            resumed_s.append(time.monotonic())

    watcher = threading.Thread(target=watch)
    watcher.start()
    with running_engine(folder, "--voice", voice, port=first.port) as second:
        watcher.join()
    return resumed_s[0] - second.listening_s if resumed_s else float("inf")


def alone(folder: Path, voice: str, voices: int, seconds: float) -> dict[str, Any]:
    """The figures of an engine that nobody disturbs, each voice on a channel of its own."""
    with (
        running_engine(folder, "--voice", voice, "--voices", str(voices)) as engine,
        HeartClient("127.0.0.1", engine.port, channels=voices) as client,
    ):
        for number, label in zip(range(2, voices + 1), LABELS[1:]):
            client.send(f"/heart/set/label_{number}", label)
        time.sleep(seconds)
    return engine.figures()


def percentiles(values: list[float]) -> str:
    p50, p95 = np.percentile(values, [50, 95])
    return f"p50 {p50:.0f}, p95 {p95:.0f} ms of {len(values)}"


def knobs_and_deaths(folder: Path, voice: str, turns: int) -> None:
    """Knob to sound, killed workers, a restarted engine."""
    with running_engine(folder, "--voice", voice) as engine:
        client = HeartClient("127.0.0.1", engine.port).start()
        client.wait_until(lambda: client.fill_ms > 100, 10)
        print(f"knob to sound, as announced:  {percentiles(random_turns(client, turns))} (aim p95 800)")
        print(f"knob to sound, by ear:        {percentiles(heard_turns(client, turns // 3))} (aim p95 800)")
        print(f"underruns so far:             {client.underruns} (aim 0)")
        for worker in ("voice", "ear"):
            kills = [engine.kill(worker, client) for _ in range(2)]
            back = ", ".join(f"{seconds:.2f}" for seconds, _ in kills)
            holes = sum(underruns for _, underruns in kills)
            print(f"{worker} killed -9: back after    {back} s (aim 5), {holes} underruns (aim 0)")
        print(f"engine restarted: resumes in  {restarted(folder, voice, engine, client):.2f} s (aim 2)")
        client.stop()


@click.command()
@click.option("--voice", default="voice-heart", show_default=True)
@click.option("--turns", default=30, show_default=True, help="Knob turns; 0: only the figures of voices at once.")
@click.option("--seconds", default=30.0, show_default=True, help="Of each of those figures.")
def main(voice: str, turns: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if turns:
            knobs_and_deaths(folder, voice, turns)
        for voices, aim in ((1, 0.35), (2, 0.6), (4, 0.9)):
            figures = alone(folder, voice, voices, seconds)
            p95, steps = figures["voice_p95_of_real_time"], figures["steps"]
            share = 100 * figures["engine_cpu_share"]
            said = f"p95 {p95:.3f} of real time (aim {aim}), engine {share:.1f} % of a core"
            print(f"voices {voices}, steps {steps}: {said}")


if __name__ == "__main__":
    main()
