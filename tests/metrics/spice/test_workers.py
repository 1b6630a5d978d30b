import os
import signal
import subprocess
import sys
import time

import pytest

from llava_vsd.metrics.spice.workers import spread

PARENT = """
import time
from llava_vsd.metrics.spice.workers import spread
import test_workers
if __name__ == "__main__":
    for pid in spread(test_workers.told_and_slow, test_workers.nothing, range(1_000), 2):
        print(pid, flush=True)
"""


def nothing():
    return None


def told_and_slow(_, number):
    time.sleep(0.05)
    return os.getpid()


def added(made, number):
    return made + number


def ten():
    return 10


@pytest.fixture
def parent():
    """A program with two processes at work, in a process group of its own; and the processes' numbers."""
    folders = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        env={**os.environ, "PYTHONPATH": folders},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process, {int(process.stdout.readline()) for _ in range(20)}
        process.kill()


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pids):
    end = time.monotonic() + 10
    while any(map(running, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    return not any(map(running, pids))


def test_what_is_found_comes_in_order():
    assert list(spread(added, ten, range(50), 2)) == list(range(10, 60))


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="looks at processes in /proc")
def test_ctrl_c_is_heard_once_and_leaves_no_process(parent):
    process, workers = parent
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it: to all of them
    _, errors = process.communicate(timeout=20)
    assert errors.count("Traceback") == errors.count("KeyboardInterrupt") == 1  # the program's own
    assert gone(workers)


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="looks at processes in /proc")
def test_processes_end_with_the_one_that_started_them(parent):
    process, workers = parent
    assert all(map(running, workers))
    process.kill()
    process.wait()
    assert gone(workers)
