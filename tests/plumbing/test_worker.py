"""Workers die in every way there is, and the engine goes on."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from heart.errors import WorkerError
from heart.plumbing import worker as worker_module
from heart.plumbing.worker import Worker

pytestmark = pytest.mark.alone

HERE = "worker_targets"


@pytest.fixture(autouse=True)
def _children_find_targets(monkeypatch):
    """Spawned children get the parent's sys.path, so the folder of the targets must be on it."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


class Diary:
    """A worker with everything it said."""

    def __init__(self, target: str, **settings) -> None:
        self.records: list = []
        self.events: list[tuple[str, str]] = []
        self.times: dict[str, float] = {}
        self.worker = Worker(
            "test", f"{HERE}:{target}", on_record=self.records.append, on_event=self.note, **settings
        )

    def note(self, event: str, text: str) -> None:
        self.events.append((event, text))
        self.times[event] = time.monotonic()

    @property
    def words(self) -> list[str]:
        return [event for event, _ in self.events]

    async def until(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        end_s = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end_s, f"waited {seconds} s in vain; events: {self.events}"
            await asyncio.sleep(0.002)

    async def count(self, event: str, times: int) -> None:
        await self.until(lambda: self.words.count(event) >= times)


def perform(target: str, scene, **settings) -> Diary:
    """Start a worker, play the scene, stop the worker."""

    async def play() -> Diary:
        diary = Diary(target, **settings)
        diary.worker.start()
        try:
            await diary.count("started", 1)
            await scene(diary)
        finally:
            await diary.worker.stop()
        return diary

    return asyncio.run(play())


def test_records_and_arrays_cross_in_order_and_unchanged() -> None:
    async def scene(diary: Diary) -> None:
        await diary.count("ready", 1)
        for number in range(100):
            diary.worker.send((number, np.arange(number, dtype=np.float32)))
        await diary.until(lambda: len(diary.records) == 100)

    diary = perform("echo", scene, options={"mark": "m"})
    assert [record[0] for record in diary.records] == ["m"] * 100
    for number, (_, (sent, array)) in enumerate(diary.records):
        assert sent == number
        assert array.dtype == np.float32
        assert np.array_equal(array, np.arange(number))
    assert diary.words == ["started", "ready", "stopped"]


@pytest.mark.case("R22")
def test_a_killed_worker_is_noticed_at_once_and_born_again() -> None:
    async def scene(diary: Diary) -> None:
        await diary.count("ready", 1)
        before = diary.worker.pid
        killed_s = time.monotonic()
        os.kill(before, signal.SIGKILL)
        await diary.count("died", 1)
        assert diary.times["died"] - killed_s < 0.25  # 50 ms is promised and measured; CI machines stall
        await diary.count("ready", 2)
        assert diary.worker.pid != before
        diary.worker.send("still there?")
        await diary.until(lambda: diary.records)

    diary = perform("echo", scene)
    assert diary.worker.restarts == 1
    assert ("died", f"signal {int(signal.SIGKILL)}") in diary.events


def test_an_uncaught_error_arrives_with_its_text_in_the_engines_log(caplog) -> None:
    async def scene(diary: Diary) -> None:
        await diary.count("ready", 1)
        diary.worker.send("raise")
        await diary.count("died", 1)

    with caplog.at_level(logging.INFO):
        diary = perform("moody", scene)
    died = next(text for event, text in diary.events if event == "died")
    assert died.startswith("RuntimeError: the valve is stuck")
    assert any("Traceback" in line.getMessage() and "valve" in line.getMessage() for line in caplog.records)


def test_log_lines_of_the_child_appear_under_their_own_name(caplog) -> None:
    async def scene(diary: Diary) -> None:
        diary.worker.send("knock")
        await diary.until(lambda: diary.records == ["knock"])

    with caplog.at_level(logging.INFO):
        perform("moody", scene)
    line = next(line for line in caplog.records if line.name == "heart.target")
    assert line.levelno == logging.WARNING
    assert line.getMessage() == "[test] heard knock"


@pytest.mark.case("R23")
@pytest.mark.parametrize(
    ("word", "reason"),
    [("loop", "stuck"), ("sleep", "stuck"), ("freeze", "no heartbeat"), ("return", "returned")],
)
def test_a_worker_that_lives_without_working_is_replaced(word: str, reason: str) -> None:
    async def scene(diary: Diary) -> None:
        await diary.count("ready", 1)
        diary.worker.send(word)
        await diary.count("ready", 2)
        diary.worker.send("well")
        await diary.until(lambda: diary.records == ["well"])

    diary = perform("moody", scene, silence_s=1.5, stall_s=1.0)
    died = next(text for event, text in diary.events if event == "died")
    assert reason in died


def test_waiting_for_a_record_is_not_being_stuck() -> None:
    async def scene(diary: Diary) -> None:
        await diary.count("ready", 1)
        await asyncio.sleep(2.0)

    assert "died" not in perform("moody", scene, stall_s=0.6, silence_s=1.5).words


@pytest.mark.case("R23")
def test_three_deaths_in_a_minute_end_the_tries_until_the_next_start() -> None:
    async def scene(diary: Diary) -> None:
        await diary.count("gave_up", 1)
        assert not diary.worker.alive
        assert diary.words.count("started") == 3
        diary.worker.start()
        await diary.count("started", 4)

    diary = perform("stillborn", scene)
    assert diary.words[:7] == ["started", "died"] * 3 + ["gave_up"]
    assert "no such model" in dict(diary.events)["gave_up"]


def test_a_worker_that_never_gets_ready_is_given_up_on() -> None:
    async def scene(diary: Diary) -> None:
        await diary.count("died", 1)

    diary = perform("slow_start", scene, start_s=1.0)
    assert "not ready after 1 s" in dict(diary.events)["died"]


def test_sending_to_a_deaf_worker_never_waits_and_counts_what_it_drops() -> None:
    async def scene(diary: Diary) -> None:
        await diary.count("ready", 1)
        block = np.zeros(100_000, dtype=np.float32)
        begin_s = time.monotonic()
        for _ in range(50):
            diary.worker.send(block)
        assert time.monotonic() - begin_s < 0.2
        await asyncio.sleep(0.1)

    diary = perform("deaf", scene, queue_records=8)
    assert diary.worker.dropped >= 50 - 8 - 2


def test_stop_ends_a_deaf_worker_by_force_in_time() -> None:
    async def scene(diary: Diary) -> None:
        await diary.count("ready", 1)
        begin_s = time.monotonic()
        await diary.worker.stop(timeout_s=0.5)
        assert 0.4 < time.monotonic() - begin_s < 1.5

    assert perform("deaf", scene).words == ["started", "ready", "stopped"]


def test_starting_twice_is_refused() -> None:
    async def scene(diary: Diary) -> None:
        with pytest.raises(WorkerError, match="already runs"):
            diary.worker.start()

    perform("echo", scene)


def test_a_record_that_cannot_be_pickled_is_reported_and_the_next_one_arrives(caplog) -> None:
    async def scene(diary: Diary) -> None:
        diary.worker.send(lambda: None)
        diary.worker.send("fine")
        await diary.until(lambda: diary.records)

    diary = perform("echo", scene)
    assert diary.records == [("", "fine")]
    assert any("cannot be sent" in line.getMessage() for line in caplog.records)


def test_nice_workers_leave_the_processor_to_the_engine() -> None:
    async def scene(diary: Diary) -> None:
        await diary.until(lambda: diary.records)

    assert perform("priority", scene, nice=3).records == [os.nice(0) + 3]


def test_the_heartbeat_reports_processor_time() -> None:
    async def scene(diary: Diary) -> None:
        await diary.until(lambda: diary.worker.cpu_s > 0)

    perform("echo", scene)


@pytest.mark.case("R22")
def test_five_lives_leave_no_descriptor_and_no_thread_behind() -> None:
    async def scene(diary: Diary) -> None:
        await diary.count("ready", 1)

    perform("echo", scene)  # the resource tracker of multiprocessing starts once and stays
    process = psutil.Process()
    before = process.num_fds(), threading.active_count(), len(process.children())
    for _ in range(5):
        perform("echo", scene)
    assert (process.num_fds(), threading.active_count(), len(process.children())) == before


def test_the_child_ends_when_the_engine_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "engine.py"
    script.write_text(
        "import asyncio\n"
        "from heart.plumbing.worker import Worker\n"
        "async def main():\n"
        f"    worker = Worker('w', '{HERE}:deaf')\n"
        "    worker.start()\n"
        "    while not worker.ready: await asyncio.sleep(0.01)\n"
        "    print(worker.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "if __name__ == '__main__': asyncio.run(main())\n"
    )
    paths = os.pathsep.join(path for path in sys.path if path)
    engine = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert engine.stdout is not None
    child = psutil.Process(int(engine.stdout.readline()))
    engine.send_signal(signal.SIGINT) if sys.platform == "win32" else engine.kill()
    engine.wait()
    engine.stdout.close()
    child.wait(timeout=5)


def engine_script(folder: Path, target: str) -> subprocess.Popen[str]:
    """An engine of its own in a process group of its own: prints its events, ignores Ctrl-C, ends at a line."""
    script = folder / "engine.py"
    script.write_text(
        "import asyncio, signal, sys\n"
        "from heart.plumbing.worker import Worker\n"
        "async def main():\n"
        f"    worker = Worker('w', '{HERE}:{target}', on_event=lambda event, text: print(event, flush=True),\n"
        "                    silence_s=1.0, stall_s=1.0)\n"
        "    loop = asyncio.get_running_loop()\n"
        "    loop.add_signal_handler(signal.SIGINT, lambda: None)\n"
        "    worker.start()\n"
        "    await loop.run_in_executor(None, sys.stdin.readline)\n"
        "    await worker.stop()\n"
        "if __name__ == '__main__': asyncio.run(main())\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )


def read_until(engine: subprocess.Popen[str], word: str) -> list[str]:
    assert engine.stdout is not None
    said: list[str] = []
    while word not in said:
        said.append(engine.stdout.readline().strip())
    return said


@pytest.mark.case("R25")
def test_a_pause_of_the_whole_machine_kills_nobody(tmp_path: Path) -> None:
    """A closed lid stops engine and worker together; the silence in between is nobody's fault."""
    engine = engine_script(tmp_path, "echo")
    read_until(engine, "ready")
    os.killpg(engine.pid, signal.SIGSTOP)
    time.sleep(2.5)
    os.killpg(engine.pid, signal.SIGCONT)
    time.sleep(3.5)  # longer than the excuse and the silence that is allowed
    said, _ = engine.communicate("\n", timeout=10)
    assert said.split() == ["stopped"]


def test_ctrl_c_reaches_the_engine_only_also_while_the_worker_starts(tmp_path: Path) -> None:
    engine = engine_script(tmp_path, "echo")
    assert read_until(engine, "started") == ["started"]
    for _ in range(20):
        os.killpg(engine.pid, signal.SIGINT)
        time.sleep(0.01)
    assert read_until(engine, "ready") == ["ready"]
    os.killpg(engine.pid, signal.SIGINT)
    time.sleep(0.2)
    said, _ = engine.communicate("\n", timeout=10)
    assert said.split() == ["stopped"]


def test_the_engine_side_loads_nothing_heavy() -> None:
    code = "import heart.plumbing.worker, heart.guard, heart.audio, sys; print(*sys.modules)"
    paths = os.pathsep.join(path for path in sys.path if path)
    loaded = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": paths},
    ).stdout.split()
    assert not {"torch", "scipy", "librosa", "numba", "soundfile", "sounddevice"} & set(loaded)


def test_back_off_grows_and_the_first_rebirth_does_not_wait() -> None:
    assert worker_module.BACK_OFF_S[0] == 0.0
    assert list(worker_module.BACK_OFF_S) == sorted(worker_module.BACK_OFF_S)
