"""The worker as a process: descriptors, signals, forks, memory, its end (protocol intro, §1, §7)."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from conftest import Start, Worker, eventually
from scorefn_worker import protocol as p
from scorefn_worker.frames import encode

ECHO = """
    def init(): pass
    def run(data): return data
"""


def test_programs_the_script_starts_do_not_see_the_pipe(start: Start) -> None:
    worker = start("""
        import subprocess, sys
        PROGRAM = "import os; print([fd for fd in (3, 4) if os.path.exists(f'/proc/self/fd/{fd}') and not "
        PROGRAM += "os.readlink(f'/proc/self/fd/{fd}').startswith('/')])"
        def init(): pass
        def run(data):
            return subprocess.run([sys.executable, "-c", PROGRAM], close_fds=False, stdout=-1, text=True).stdout
    """)
    worker.ready()
    assert worker.run() == '"[]\\n"'


def test_a_forked_child_that_returns_into_the_loop_ends_without_answering(start: Start) -> None:
    worker = start("""
        import os
        def init(): pass
        def run(data):
            child = os.fork()
            if child:
                return os.waitpid(child, 0)[1]
            if data == "raise":
                raise ValueError
            print("printed by the child")
            return "from the child"
    """)
    worker.ready()
    assert worker.run("", 1) == "0"
    assert worker.run("raise", 2) == "0"
    assert worker.run("", 3) == "0"


def test_forked_children_can_be_terminated(start: Start) -> None:
    """They do not keep the worker's deafness to signals: Pool.terminate() relies on SIGTERM."""
    worker = start("""
        import multiprocessing, time
        def init(): pass
        def run(data):
            child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
            child.start()
            child.terminate()
            child.join()
            return child.exitcode
    """)
    worker.ready()
    assert worker.run() == str(-signal.SIGTERM)


def test_children_keep_the_handlers_the_script_gave_them(start: Start) -> None:
    worker = start("""
        import os, signal
        def child(inside):
            pid = os.fork()
            return os.waitpid(pid, 0)[1] if pid else os._exit(inside())
        def grandchild():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            pipe = os.pipe()
            def still_mine():
                os.fstat(pipe[0]), os.fstat(pipe[1])
                return signal.getsignal(signal.SIGTERM) != signal.SIG_IGN
            return child(still_mine)
        def init(): pass
        def run(data): return child(grandchild)
    """)
    worker.ready()
    assert worker.run() == "0"


def test_spawned_children_import_the_script_and_start_no_worker(start: Start) -> None:
    """WEAK-24."""
    worker = start("""
        import multiprocessing
        def double(number): return 2 * number
        def init():
            global pool
            pool = multiprocessing.get_context("spawn").Pool(1)
        def run(data): return pool.map(double, [1, 2])
    """)
    worker.ready()
    assert worker.run() == "[2, 4]"
    assert worker.stop() == 0
    assert worker.stderr() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_signals_do_not_touch_a_running_request(start: Start, number: signal.Signals) -> None:
    worker = start("""
        import time
        def init(): pass
        def run(data):
            print("begun")
            time.sleep(0.2)
            return 1
    """)
    worker.ready()
    worker.process.send_signal(number)
    worker.send(p.RUN, 1)
    eventually(lambda: "begun" in worker.stdout())
    worker.process.send_signal(number)
    assert worker.result(1) == "1"
    assert worker.stop() == 0


def test_stop_lets_exit_handlers_run_and_waits_for_no_thread(start: Start) -> None:
    worker = start("""
        import atexit, sys, threading
        def init():
            atexit.register(lambda: sys.stdout.write("handler ran, buffered"))
            threading.Thread(target=threading.Event().wait).start()
        def run(data): pass
    """)
    worker.ready()
    assert worker.stop() == 0
    assert worker.stdout().endswith("handler ran, buffered")


def test_an_exit_handler_that_hangs_or_raises_does_not_hold_the_worker(start: Start) -> None:
    worker = start("""
        import atexit, threading
        def init():
            atexit.register(threading.Event().wait)
            atexit.register(exit, 7)
        def run(data): pass
    """)
    worker.ready()
    assert worker.stop() == 0


def test_stop_finishes_the_request_that_has_begun(start: Start) -> None:
    worker = start(ECHO)
    worker.ready()
    worker.pipe.sendall(encode(p.RUN, 1, b"last") + encode(p.STOP, 0))
    assert worker.result(1) == '"last"'
    assert worker.exit_code() == 0


@pytest.mark.parametrize("body", ["0", "600"], ids=["idle", "busy"])
def test_the_front_vanishing_ends_the_worker(start: Start, body: str) -> None:
    worker = start("""
        import time
        def init(): pass
        def run(data):
            print("begun")
            while True: time.sleep(float(data) or 0.001)
    """)
    worker.ready()
    if body != "0":
        worker.send(p.RUN, 1, body.encode())
        eventually(lambda: "begun" in worker.stdout())
    worker.vanish()
    # On Linux it is killed, unless its own way out is quicker.
    assert worker.exit_code() in (0, -signal.SIGKILL)


def test_bytes_that_are_no_frame_end_the_worker_with_a_reason(start: Start) -> None:
    worker = start(ECHO)
    worker.ready()
    worker.pipe.sendall(b"GET / HTTP/1.1\r\n\r\n")
    assert worker.exit_code() == p.EXIT_FAULT
    assert "not a frame head" in worker.stderr()


def test_fatal_signals_dump_on_the_fault_pipe(start: Start) -> None:
    """LOG-16."""
    worker = start("""
        import os, signal
        def init(): pass
        def run(data): os.kill(os.getpid(), signal.SIGSEGV)
    """)
    worker.ready()
    worker.send(p.RUN, 1)
    assert worker.exit_code() == -signal.SIGSEGV
    assert worker.faults().startswith("Fatal Python error: Segmentation fault")
    assert worker.stderr() == ""


def peak_kib(worker: Worker) -> int:
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


@pytest.mark.parametrize(("character", "factor"), [("x", 1.15), ("é", 1.15), ("日", 1.15)])
def test_a_big_body_costs_its_own_size(start: Start, character: str, factor: float) -> None:
    """Protocol §7: decoded while it arrives, so the worker never holds bytes and text of it at once."""
    worker = start("def init(): pass\ndef run(data): return len(data)\n")
    worker.ready()
    worker.run()
    before = peak_kib(worker)
    body = character.encode() * (50_000_000 // len(character.encode()))
    assert worker.run(body, 2) == str(len(body) // len(character.encode()))
    assert (peak_kib(worker) - before) * 1024 < len(body) * factor + 4_000_000


def test_a_body_is_free_again_before_the_next_one_comes(start: Start) -> None:
    worker = start(
        """
        import json
        def init(): pass
        def run(data):
            if data == "resident":
                return json.dumps(open("/proc/self/statm").read())
            return len(data)
        """,
        # glibc gives memory above the threshold back at once, unless it has been told to adapt the threshold.
        env={"MALLOC_MMAP_THRESHOLD_": "131072"},
    )
    worker.ready()
    pages = [int(json.loads(json.loads(worker.run("resident", 1))).split()[1])]
    worker.run(b"x" * 20_000_000, 2)
    worker.fail(b"x" * 20_000_000 + b"\xff", 3, "input")
    pages.append(int(json.loads(json.loads(worker.run("resident", 4))).split()[1]))
    assert (pages[1] - pages[0]) * os.sysconf("SC_PAGE_SIZE") < 8_000_000
