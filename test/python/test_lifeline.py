"""The lifeline where the kernel does not end the process: a thread does (test/lifeline/ has the rest)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from conftest import DEADLINE_S, PYTHON_DIR

PROGRAM = """
import os, sys
sys.path.insert(0, sys.argv[1])
os.dup2(int(sys.argv[2]), 5)
os.close(int(sys.argv[2]))
from scorefn_worker import lifeline
lifeline.remove_at_end(sys.argv[3])
lifeline.hold()
print("held", flush=True)
while True: pass
"""


def test_a_thread_ends_a_busy_process_and_removes_the_socket_of_a_dead_front(tmp_path: Path) -> None:
    folder = tmp_path / "scorefn-x"
    folder.mkdir()
    (folder / "fork").touch()
    front_end, worker_end = os.pipe()  # Not a socket, as on a system that knows no signals for those.
    arguments = [os.fspath(PYTHON_DIR), str(worker_end), os.fspath(folder / "fork")]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], pass_fds=[worker_end], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            os.close(worker_end)
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            assert process.poll() is None
            os.close(front_end)
            assert process.wait(DEADLINE_S) == 0
        finally:
            process.kill()
    assert not folder.exists()


def test_without_a_lifeline_nothing_is_held() -> None:
    program = "import sys; sys.path.insert(0, sys.argv[1]); from scorefn_worker import lifeline; lifeline.hold()"
    subprocess.run([sys.executable, "-c", program, os.fspath(PYTHON_DIR)], check=True, timeout=DEADLINE_S)
