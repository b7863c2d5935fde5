"""The same work on many things at once: in processes of this machine, or on the workers of a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

from heart.errors import HeartError, UsageError

Item = TypeVar("Item")
Result = TypeVar("Result")
CONNECT_S = 5
RETRIES = 2
"""How often a task is given to another worker when its own dies."""


def spread(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int | None = None, cluster: str | None = None
) -> Iterator[tuple[int, Result | HeartError]]:
    """`work` on each item; (number of the item, its result or why there is none), as they come.

    Args:
        work: a function of a module, for it has to be found on the other side; what it returns goes over the wire.
        jobs: processes of this machine at once; None or 1: this one.
        cluster: address of a Ray cluster (HOST:PORT, ray://HOST:PORT, or auto); "local": one of `jobs` workers
            (None: one a core) that is started here for this work.

    Raises:
        UsageError: Ray is not installed, or no cluster answers there.
    """
    if cluster:
        return _on_ray(work, items, cluster, jobs)
    return _in_processes(work, items, jobs) if jobs and jobs > 1 and len(items) > 1 else _here(work, items)


def _here(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[int, Result | HeartError]]:
    for number, item in enumerate(items):
        yield number, tried(work, item)


def _in_processes(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int
) -> Iterator[tuple[int, Result | HeartError]]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(items)), mp_context=context) as pool:
        futures = {pool.submit(tried, work, item): number for number, item in enumerate(items)}
        for future in as_completed(futures):
            error = future.exception()
            yield futures[future], HeartError(f"a process ended with it ({error})") if error else future.result()


def _on_ray(
    work: Callable[[Item], Result], items: Sequence[Item], address: str, jobs: int | None
) -> Iterator[tuple[int, Result | HeartError]]:
    ray = _connect(address, jobs)
    try:
        remote = ray.remote(num_cpus=1, max_retries=RETRIES)(tried)
        waiting = {remote.remote(work, item): number for number, item in enumerate(items)}
        while waiting:
            (done,), _ = ray.wait([*waiting], num_returns=1)
            yield waiting.pop(done), _fetched(ray, done)
    finally:
        ray.shutdown()


def _connect(address: str, jobs: int | None) -> Any:
    try:
        import ray
    except ImportError:
        raise UsageError(
            "--cluster: Ray is not installed here; pip install 'sounds-of-the-heart[cluster]'"
        ) from None
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": False}
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if address == "local":
        ray.init(num_cpus=jobs, **options)
        return ray
    del options["include_dashboard"]
    try:
        _knock(address)  # Ray itself waits for minutes
        ray.init(address=address, **options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
        raise UsageError(f"--cluster {address}: no Ray cluster answers there ({reason})") from None
    return ray


def _knock(address: str) -> None:
    """Raises OSError or ValueError when nobody listens at HOST:PORT."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto":
        return
    if not host or not port.isdecimal():
        raise ValueError("an address is HOST:PORT, or auto")
    socket.create_connection((host, int(port)), CONNECT_S).close()


def _fetched(ray: Any, done: Any) -> Any:
    try:
        return ray.get(done)
    except ray.exceptions.RayError as error:
        return HeartError(f"a worker of the cluster failed ({str(error).strip().splitlines()[-1][:160]})")


def tried(work: Callable[[Item], Result], item: Item) -> Result | HeartError:
    """The result, or the expected error itself: it has to travel."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        return work(item)
    except HeartError as error:
        return _plain(error)


def _plain(error: HeartError) -> HeartError:
    """An error that can be pickled, of the same exit code."""
    return UsageError(str(error)) if error.exit_code == 2 else HeartError(str(error))
