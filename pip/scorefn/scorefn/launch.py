"""Becomes the Node process that scorefn is, with this Python as the one that runs Python scripts."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from . import debugged
from .node import NoNodeError, find_node

PACKAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "package")
"""What the npm package holds, and the packages it needs."""

PYTHON_VARIABLE = "SCOREFN_PYTHON"
LAUNCHER_VARIABLE = "SCOREFN_LAUNCHER_PID"
"""Names the process without which the server is not to go on (adapters/cli/launcher.ts)."""


def main() -> None:
    """Run scorefn with this process's arguments; does not return."""
    run("scorefn", sys.argv[1:])


def run(program: str, args: Sequence[str]) -> None:
    """Run `scorefn` or `azmlinfsrv` with these arguments; ends this process with the program's exit code or signal."""
    try:
        node = find_node(os.environ.get("PATH", ""))
    except NoNodeError as error:
        sys.exit(f"{program}: {error}")
    command = [node, os.path.join(PACKAGE, "dist", "adapters", "cli", f"{program}.js"), *args]
    environment = dict(os.environ)
    # An embedded Python may not know where it is; then one is looked for as always.
    if not environment.get(PYTHON_VARIABLE) and sys.executable:
        environment[PYTHON_VARIABLE] = sys.executable
    session = debugged.session()
    try:
        if session is not None:
            run_child(command, {**environment, **session})
        elif sys.platform == "win32":
            # There execv() starts another process and ends this one, whose caller then believes that all is over.
            run_child(command, environment)
        else:
            _become(command, environment)
    except OSError as error:
        # Made for another system library, for example.
        sys.exit(f"{program}: {node} does not start: {error.strerror}; put another Node on PATH")


def run_child(command: Sequence[str], environment: dict[str, str]) -> None:
    """Run a program below this process, which passes on what it gets; ends this process as the program has ended."""
    import subprocess

    # Ctrl+C reaches every process of a terminal. A handler, for what is ignored is ignored by the program, too.
    signal.signal(signal.SIGINT, lambda *_: None)
    environment[LAUNCHER_VARIABLE] = str(os.getpid())
    child = subprocess.Popen(command, env=environment)  # noqa: S603 - Node
    if sys.platform != "win32":
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, lambda number, _: child.send_signal(number))
    code = child.wait()
    if code < 0:
        # Nobody has a handler for this one, and the system takes none, not even the default.
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def _become(command: Sequence[str], environment: dict[str, str]) -> None:
    _flush()
    # Python ignores it, and what is ignored stays so in the program that follows.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execve(command[0], command, environment)  # noqa: S606 - Node


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
