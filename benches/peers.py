#!/usr/bin/env python3
"""Measures task graphs in Python: ampeg 0.2.0, joblib, Dask and Ray on the work of the other benchmarks, in one table.

Usage: python3 benches/peers.py [folder of the virtual environment]

The peers are installed into a virtual environment of their own, by default a new one for this run. A peer that cannot
be installed or fails is skipped, and the reason is printed. Each peer runs in a process of its own. The last rows are
procspawn and this crate, if `cargo` exists: `cargo bench --bench overhead` and `--bench data` measure more.

 cold   six tasks on two new processes, from the start to the results, in ms
 chain  one of many tiny tasks in a chain, on workers that are kept, in µs
 large  100 MB made in one process and summed in another, in ms
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv

PEERS = {
    "ampeg": ["ampeg==0.2.0", "numpy"],
    "joblib": ["joblib", "numpy"],
    "dask": ["distributed", "numpy"],
    "ray": ["ray", "numpy"],
}
WORK = ["cold", "chain", "large"]
LARGE = 100_000_000
LINKS = 300


def square(x):
    return x * x


def half(x):
    return x // 2


def add(x, y):
    return x + y


def sub(x, y):
    return x - y


def mul(x, y):
    return x * y


def one():
    return 1


def increment(x):
    return x + 1


def make():
    import numpy

    return numpy.full(LARGE // 8, 0.5)


def total(values):
    return float(values.sum())


def timed(run, times=5):
    """The median time of a run, and its result."""
    spans = []
    for _ in range(times):
        start = time.perf_counter()
        result = run()
        spans.append(time.perf_counter() - start)
    return statistics.median(spans), result


def check(found, expected):
    if found != expected:
        raise AssertionError(f"expected {expected}, found {found}")


def measure_ampeg():
    import ampeg

    def needs(task, cost=1):
        return ampeg.Dependency(task, None, cost)

    def run(graph, processes):
        lists, ids = ampeg.earliest_finish_time(graph, processes)
        return ampeg.execute_task_lists(lists, ids)

    def six():
        graph = {
            "a": (square, 3, 10.8),
            "b": (square, 4, 10.8),
            "h": (half, 10, 11),
            "c": (add, (needs("a"), needs("b")), 10.7),
            "d": (mul, (needs("a"), needs("h")), 10.8),
            "e": (sub, (needs("c"), needs("d")), 10.9),
        }
        return run(graph, 2)["e"]

    span, found = timed(six)
    check(found, -20)
    yield "cold", span * 1e3

    def chain():
        graph = {0: (square, 1, 1)}
        for task in range(1, LINKS):
            graph[task] = (increment, needs(task - 1), 1)
        return run(graph, 1)[LINKS - 1]

    # This peer keeps no workers, so each task includes the start of a process.
    span, found = timed(chain)
    check(found, LINKS)
    yield "chain", span / LINKS * 1e6

    def large():
        # The schedule puts both into one process, so it is made by hand: costs that pull them apart.
        graph = {
            "other": (square, 1, 1000),
            "made": (full, LARGE // 8, 1000),
            "sum": (both, (needs("made"), needs("other", 2000)), 1),
        }
        return run(graph, 2)["sum"]

    span, found = timed(large, 3)
    check(found, LARGE // 16)
    yield "large", span * 1e3


def full(length):
    import numpy

    return numpy.full(length, 0.5)


def both(values, _):
    return total(values)


def measure_joblib():
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor

    def levels(parallel):
        a, b, h = parallel([delayed(square)(3), delayed(square)(4), delayed(half)(10)])
        c, d = parallel([delayed(add)(a, b), delayed(mul)(a, h)])
        return parallel([delayed(sub)(c, d)])[0]

    def six():
        get_reusable_executor().shutdown(wait=True)
        with Parallel(n_jobs=2) as parallel:
            return levels(parallel)

    span, found = timed(six)
    check(found, -20)
    yield "cold", span * 1e3
    with Parallel(n_jobs=2) as parallel:
        levels(parallel)

        def chain():
            value = 0
            for _ in range(LINKS):
                value = parallel([delayed(increment)(value)])[0]
            return value

        span, found = timed(chain, 3)
        check(found, LINKS)
        yield "chain", span / LINKS * 1e6

        def large():
            made = parallel([delayed(make)()])[0]
            return parallel([delayed(total)(made)])[0]

        span, found = timed(large, 3)
        check(found, LARGE // 16)
        yield "large", span * 1e3


def measure_dask():
    import logging

    from distributed import Client, LocalCluster

    def cluster():
        return LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        )

    def levels(client):
        a, b, h = client.submit(square, 3), client.submit(square, 4), client.submit(half, 10)
        c, d = client.submit(add, a, b), client.submit(mul, a, h)
        return client.submit(sub, c, d).result()

    def six():
        with cluster() as own, Client(own) as client:
            return levels(client)

    span, found = timed(six, 3)
    check(found, -20)
    yield "cold", span * 1e3
    with cluster() as own, Client(own) as client:
        levels(client)
        here, there = list(client.scheduler_info()["workers"])[:2]

        def chain():
            value = client.submit(one, pure=False)
            for _ in range(LINKS - 1):
                value = client.submit(increment, value, pure=False)
            return value.result()

        span, found = timed(chain, 3)
        check(found, LINKS)
        yield "chain", span / LINKS * 1e6

        def large():
            made = client.submit(make, pure=False, workers=[here])
            return client.submit(total, made, pure=False, workers=[there]).result()

        span, found = timed(large, 3)
        check(found, LARGE // 16)
        yield "large", span * 1e3


def measure_ray():
    import logging

    import ray

    def start():
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            object_store_memory=1_000_000_000,
        )

    def remote(function):
        return ray.remote(function).remote

    def levels():
        a, b, h = remote(square)(3), remote(square)(4), remote(half)(10)
        c, d = remote(add)(a, b), remote(mul)(a, h)
        return ray.get(remote(sub)(c, d))

    def six():
        start()
        found = levels()
        ray.shutdown()
        return found

    span, found = timed(six, 3)
    check(found, -20)
    yield "cold", span * 1e3
    start()
    levels()
    first, link = remote(one), remote(increment)

    def chain():
        value = first()
        for _ in range(LINKS - 1):
            value = link(value)
        return ray.get(value)

    span, found = timed(chain, 3)
    check(found, LINKS)
    yield "chain", span / LINKS * 1e6

    @ray.remote(num_cpus=1)
    class Process:
        def make(self):
            return make()

        def total(self, values):
            return total(values)

    maker, reader = Process.remote(), Process.remote()

    def large():
        return ray.get(reader.total.remote(maker.make.remote()))

    span, found = timed(large, 3)
    check(found, LARGE // 16)
    yield "large", span * 1e3
    ray.shutdown()


def measure(peer):
    """In a process of the virtual environment: one figure a line, as soon as it is known."""
    for work, figure in globals()[f"measure_{peer}"]():
        print(json.dumps([work, figure]), flush=True)


def python_of(folder):
    return os.path.join(folder, "Scripts" if os.name == "nt" else "bin", "python")


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no reason is given"


def row_of(peer, folder):
    """The figures of a peer, and why some are missing."""
    install = [python_of(folder), "-m", "pip", "install", "--quiet", *PEERS[peer]]
    installed = subprocess.run(install, capture_output=True, text=True)
    if installed.returncode != 0:
        return {}, f"cannot be installed: {last_line(installed.stderr)}"
    command = [python_of(folder), os.path.abspath(__file__), "--measure", peer]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=600)
        output, reason = run.stdout, None if run.returncode == 0 else last_line(run.stderr)
    except subprocess.TimeoutExpired as expired:
        output, reason = (expired.stdout or b"").decode(), "no end within 600 s"
    figures = {}
    for line in output.splitlines():
        try:
            work, figure = json.loads(line)
            figures[work] = figure
        except (ValueError, TypeError):
            continue
    return figures, reason


def rows_in_rust():
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    command = ["cargo", "bench", "--bench", "peers", "--", "--json"]
    try:
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    except OSError as error:
        return [("this crate", {}, f"cargo cannot be run: {error}")]
    if run.returncode != 0:
        errors = [line for line in run.stderr.splitlines() if line.startswith("error")]
        return [("this crate", {}, last_line("\n".join(errors[:1])))]
    rows = json.loads(last_line(run.stdout))
    return [(name, rows[name], None) for name in ("procspawn", "this crate")]


def main(folder):
    venv.create(folder, with_pip=True)
    rows = [(f"{peer} (Python)", *row_of(peer, folder)) for peer in PEERS]
    rows.extend(rows_in_rust())
    print(f"{'':<16}{'cold, ms':>12}{'chain, µs':>12}{'large, ms':>12}")
    for name, figures, reason in rows:
        cells = [f"{figures[work]:.1f}" if work in figures else "-" for work in WORK]
        print(f"{name:<16}" + "".join(f"{cell:>12}" for cell in cells) + (f"   {reason}" if reason else ""))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2])
    elif len(sys.argv) > 1:
        main(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(folder)
