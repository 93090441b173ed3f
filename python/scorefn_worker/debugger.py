"""Connects the worker to a debugger that waits for it (contract DBG-1 to DBG-3)."""

from __future__ import annotations

import os
import socket
import sys
import time
from types import ModuleType

from .failures import StartFailure
from .protocol import error_record

HOST = "127.0.0.1"
#: How long a debugger may take to listen, in seconds. An editor that starts the server with one key starts its debug
#: adapter when the server says that it connects; that takes a second or two, on a busy machine several.
LISTEN_S = 15.0
#: Between two looks whether it listens, in seconds.
LOOK_S = 0.1

_ANNOUNCEMENT = """\
!! Starting the inference server in DEBUGGING mode because AZUREML_DEBUG_PORT is set.
!! This environment variable should not be set in a production environment.
** Connecting to debugger at port {port}...
"""
_NOT_INSTALLED = "** Cannot connect to a debugger because debugpy is not installed."


_SESSION = "SCOREFN_DEBUG_SESSION"
"""Set when the server runs below a Python process that an editor debugs (pip/scorefn/scorefn/debugged.py)."""


class DebuggerUnavailable(Exception):
    """AZUREML_DEBUG_PORT is set and no debugger can be had."""


def connect(port: int) -> None:
    """Connect out to the debugger listening on 127.0.0.1 and wait until it has set its breakpoints.

    Raises:
        StartFailure: stage "load", when debugpy is missing or nothing listens for a while.
    """
    _write_bare(_ANNOUNCEMENT.format(port=port))
    session = _session()
    try:
        debugpy = _load(None if session is None else session["folder"])
    except ImportError as error:
        _write_bare(f"{_NOT_INSTALLED}\n")
        message = "AZUREML_DEBUG_PORT is set, but debugpy is not installed"
        hint = f"Install it with: {sys.executable} -m pip install debugpy, or unset AZUREML_DEBUG_PORT."
        raise _failure(message, hint) from error
    try:
        if session is None:
            _wait_until_it_listens(port)
            debugpy.connect((HOST, port))
        else:
            debugpy.connect((HOST, port), access_token=session["token"], parent_session_pid=session["pid"])
        debugpy.wait_for_client()
    except Exception as error:
        message = f"no debugger listens on {HOST}:{port}: {error}"
        hint = "Start the editor's listening debug configuration, or unset AZUREML_DEBUG_PORT."
        raise _failure(message, hint) from error


def _session() -> dict | None:
    """The debug session to join; the script does not see the variable."""
    text = os.environ.pop(_SESSION, None)
    if text is None:
        return None
    import json

    return json.loads(text)


def _load(folder: str | None) -> ModuleType:
    """Import debugpy, the editor's own from its folder."""
    if folder is None:
        import debugpy

        return debugpy
    # For the import only: beside it the folder may hold packages that the script must not find.
    sys.path.insert(0, folder)
    try:
        import debugpy

        return debugpy
    finally:
        sys.path.remove(folder)


def _wait_until_it_listens(port: int) -> None:
    """Wait a while: a `debugpy.connect` that has failed cannot be repeated in the same process."""
    deadline = time.monotonic() + LISTEN_S
    while not _is_taken(port) and time.monotonic() < deadline:
        time.sleep(LOOK_S)


def _is_taken(port: int) -> bool:
    """Tell whether a port is somebody's. A debugger that is only connected to takes that for its program."""
    with socket.socket() as probe:
        if os.name != "nt":
            # So that the debugger may take the port at the same moment.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _failure(message: str, hint: str) -> StartFailure:
    return StartFailure("load", DebuggerUnavailable(message), [error_record(message)], hint=hint)


def _write_bare(text: str) -> None:
    """Write lines that are no log records."""
    if sys.__stdout__ is not None:
        sys.__stdout__.write(text)
        sys.__stdout__.flush()
