"""A photo is decoded in another process: what happens to that process happens to nothing else."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from labelling import photo_processes
from labelling.photo_processes import read_photo_apart
from labelling.photos import BadPhoto, read_photo
from tests.inside import REPOSITORY
from tests.labelling.test_photos import encoded, png, smooth


@pytest.fixture(autouse=True)
def processes_of_this_test(settings):
    """Started with the limits that a test has set, and gone when it ends."""
    settings.DECODE_PROCESSES = 2
    photo_processes._current = None
    yield
    if photo_processes._current is not None:
        while not photo_processes._current._free.empty():
            photo_processes._current._free.get_nowait().end()
    photo_processes._current = None


def child() -> photo_processes._Child:
    """The one that read last, taken out of the pool and put back."""
    taken = photo_processes._current._free.get_nowait()
    photo_processes._current._free.put(taken)
    return taken


def test_another_process_reads_the_same():
    data = encoded(smooth(300, 200))
    assert read_photo_apart(data) == read_photo(data)
    first = child()._process.pid
    read_photo_apart(encoded(smooth(30, 20)))
    assert child()._process.pid == first != os.getpid()


def test_a_refusal_comes_back_in_the_same_words():
    with pytest.raises(BadPhoto, match="cut short"):
        read_photo_apart(encoded(smooth(300, 200))[:-500])


def test_many_are_read_side_by_side_by_no_more_processes_than_allowed():
    photos = [encoded(smooth(80, 60, seed)) for seed in range(12)]
    read, threads = {}, []
    for number, data in enumerate(photos):
        threads.append(threading.Thread(target=lambda n=number, d=data: read.update({n: read_photo_apart(d).sha256})))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert read == {number: read_photo(data).sha256 for number, data in enumerate(photos)}
    assert photo_processes._current._free.qsize() <= 2


def test_a_process_that_fell_is_replaced():
    read_photo_apart(encoded(smooth()))
    gone = child()._process
    gone.kill()
    assert read_photo_apart(encoded(smooth(seed=2))).width == 60
    assert child()._process.pid != gone.pid


def test_a_process_that_worked_too_long_is_ended_by_the_system():
    busy = "from labelling.photo_child import _allow\n_allow(1)\nwhile True: pass"
    assert subprocess.run([sys.executable, "-c", busy], cwd=REPOSITORY).returncode == -signal.SIGXCPU


def test_a_photo_that_takes_too_much_processor_time_is_refused_in_words():
    read_photo_apart(encoded(smooth()))
    pid = child()._process.pid
    os.kill(pid, signal.SIGSTOP)

    def end_as_the_system_does() -> None:
        os.kill(pid, signal.SIGXCPU)
        os.kill(pid, signal.SIGCONT)

    threading.Timer(0.2, end_as_the_system_does).start()
    with pytest.raises(BadPhoto, match="more than 20 seconds"):
        read_photo_apart(encoded(smooth(seed=2)))
    assert read_photo_apart(encoded(smooth(seed=3))).width == 60


def test_a_process_that_stands_still_is_given_up(settings, monkeypatch):
    read_photo_apart(encoded(smooth()))
    monkeypatch.setattr(photo_processes, "PATIENCE", 0.05)
    os.kill(child()._process.pid, signal.SIGSTOP)
    with pytest.raises(BadPhoto, match="more than 20 seconds"):
        read_photo_apart(encoded(smooth(seed=2)))
    monkeypatch.undo()
    assert read_photo_apart(encoded(smooth(seed=3))).width == 60


def test_a_photo_that_crashes_every_decoder_is_refused():
    done = threading.Event()

    def kill_each() -> None:
        while not done.wait(0.005):
            for pid in Path("/proc/self/task").glob("*/children"):
                for number in pid.read_text().split():
                    if b"photo_child" in Path(f"/proc/{number}/cmdline").read_bytes():
                        os.kill(int(number), signal.SIGKILL)

    killer = threading.Thread(target=kill_each)
    killer.start()
    try:
        with pytest.raises(BadPhoto, match="crash"):
            read_photo_apart(encoded(smooth()))
    finally:
        done.set()
        killer.join()
    assert read_photo_apart(encoded(smooth())).width == 60


def test_a_photo_that_wants_more_memory_than_there_is_is_refused(settings):
    settings.DECODE_MEMORY_BYTES = 400 * 2**20
    wide = png(7_000, 7_000, depth=8, colour=6, rows=b"\0" * (7_000 * 4 + 1) * 7_000)
    with pytest.raises(BadPhoto, match="memory"):
        read_photo_apart(wide)
    assert read_photo_apart(encoded(smooth())).width == 60
