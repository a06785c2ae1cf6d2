"""Who does the work: this process, processes on this machine, or an existing Dask cluster. One signature for all."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.process import BaseProcess
from typing import Any, Literal, TypeVar

from deblurbench.errors import DeblurbenchError, UsageError

Executor = Literal["local", "dask"]
Job = TypeVar("Job")
Result = TypeVar("Result")

_AHEAD = 4  # jobs per worker that wait: enough to keep it busy, few enough to keep memory flat


def run_jobs(
    function: Callable[[Job], Result],
    jobs: Iterable[Job],
    *,
    workers: int = 1,
    executor: Executor = "local",
    scheduler: str | None = None,
) -> Iterator[Result]:
    """Yield `function(job)` of every job, in any order; the jobs are taken one by one, as there is room.

    Args:
        function: at the top level of a module, so that other processes find it.
        jobs: picklable.
        workers: processes on this machine; 1 works in this one.
        executor: `local`, or `dask` to use the cluster of `scheduler`.
        scheduler: address of a Dask scheduler, such as `tcp://host:8786`.

    Raises: what `function` raises, first come first served; DeblurbenchError where a worker died; UsageError where
        there is no such cluster.
    """
    check_executor(executor, scheduler)
    if executor == "dask":
        yield from _on_dask(function, jobs, scheduler)
    elif workers <= 1:
        yield from map(function, jobs)
    else:
        yield from _in_processes(function, jobs, workers)


def _in_processes(function: Callable[[Job], Result], jobs: Iterable[Job], workers: int) -> Iterator[Result]:
    workers = min(workers, 61) if sys.platform == "win32" else workers  # as many as Windows can wait for
    context = multiprocessing.get_context("spawn")  # the same on all systems, and safe beside threads
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker) as pool:
        try:
            yield from _bounded(lambda job: _submit(pool, function, job), iter(jobs), workers * _AHEAD)
        except BrokenProcessPool as error:
            hint = "use fewer --workers; the same command goes on"
            raise DeblurbenchError("a worker process died, perhaps for lack of memory", hint) from error
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _bounded(submit: Callable[[Job], Future[Result]], jobs: Iterator[Job], room: int) -> Iterator[Result]:
    running = {submit(job) for job in islice(jobs, room)}
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        running |= {submit(job) for job in islice(jobs, len(done))}
        for future in done:
            yield future.result()


def _submit(pool: ProcessPoolExecutor, function: Callable[[Job], Result], job: Job) -> Future[Result]:
    with _interrupts_held():
        return pool.submit(function, job)


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back while workers start, so that none of them meets it before it can ignore it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, and do not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def check_executor(executor: Executor, scheduler: str | None) -> None:
    """Raise UsageError, before any work is done, where a cluster is not named, or one that is not asked for."""
    if executor == "dask" and not scheduler:
        raise UsageError("--executor dask needs a cluster", "name it with --scheduler ADDRESS, say tcp://host:8786")
    if executor == "local" and scheduler:
        raise UsageError(f"--scheduler {scheduler} is not used", "give --executor dask to work there")


def _on_dask(function: Callable[[Job], Result], jobs: Iterable[Job], scheduler: str | None) -> Iterator[Result]:
    try:
        import distributed
    except ImportError as error:
        raise UsageError("Dask is not installed", "pip install 'deblurbench[cluster]'") from error
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what goes wrong is said once, by us
    cluster: Any = distributed
    try:
        client = cluster.Client(scheduler, timeout=15)
    except (OSError, ValueError, TimeoutError) as error:
        raise UsageError(f"no Dask scheduler answers at {scheduler}", "start one with `dask scheduler`") from error
    try:
        with client:
            room = _AHEAD * max(1, sum(client.nthreads().values()))
            waiting = iter(jobs)
            running = cluster.as_completed([client.submit(function, job, pure=False) for job in islice(waiting, room)])
            for future in running:
                yield future.result()
                for job in islice(waiting, 1):
                    running.add(client.submit(function, job, pure=False))
    except (cluster.scheduler.KilledWorker, CancelledError, ImportError, OSError) as error:
        what = f"{type(error).__name__}: {error}".partition("\n")[0]
        hint = "look at its logs; the same command goes on"
        raise DeblurbenchError(f"the Dask cluster at {scheduler} failed ({what})", hint) from error
