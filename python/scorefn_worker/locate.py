"""From an exception to the place in the user's own files where it happened (contract ERR-11). Nothing here throws."""

from __future__ import annotations

import linecache
import os
import sysconfig
from types import CodeType, TracebackType
from typing import Callable

from .failures import chain
from .protocol import Location

PACKAGE_DIR = os.path.dirname(os.path.abspath(__file__))

FRAME_LINES = 2
"""Source lines a code frame shows before and after the marked one."""

MAX_SOURCE_CHARS = 400
"""Longer source lines are cut: a minified or generated line is no help to a reader."""

_LIBRARY_FOLDERS = ("site-packages", "dist-packages")


class UserFiles:
    """Knows which files are the user's own and what to call them."""

    def __init__(self, app_root: str, entry_script: str | None, source_directory: str | None) -> None:
        """Take the folders of HELLO; the order is that in which a file is named relative to them."""
        folders = [app_root]
        if entry_script is not None:
            folders.append(os.path.dirname(entry_script))
        if source_directory is not None:
            folders.append(os.path.join(app_root, source_directory))
        # A script may be reached through a symlink: both spellings are the user's.
        self._folders: list[str] = []
        for folder in folders:
            for spelling in (_absolute(folder), os.path.realpath(_absolute(folder))):
                if spelling not in self._folders:
                    self._folders.append(spelling)
        self.folders = tuple(self._folders)
        """What the absolute path of a user's file begins with; so do others, which `name` tells apart."""
        self._libraries = [os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]

    def name(self, filename: str) -> str | None:
        """Name a file of the user's relative to its folder, with `/`; None for any other file, and where there is none:
        compiled code names its sources relative to where it was built, other code names what it likes."""
        if filename.startswith("<"):
            return None
        path = _absolute(filename)
        if _is_inside(path, PACKAGE_DIR) or any(_is_inside(path, library) for library in self._libraries):
            return None
        for folder in self._folders:
            if _is_inside(path, folder):
                relative = os.path.relpath(path, folder)
                parts = relative.split(os.sep)
                if any(part in _LIBRARY_FOLDERS for part in parts) or not _is_there(path):
                    return None
                return "/".join(parts)
        return None


def _absolute(path: str) -> str:
    """os.path.abspath where there is a current folder, which may have been removed; the path of nothing otherwise."""
    try:
        return os.path.abspath(path)
    except OSError:
        return os.path.join(os.devnull, path)


class Place:
    """A location with the file name that the source can be read from."""

    def __init__(self, filename: str, location: Location) -> None:
        """Join the two."""
        self.filename = filename
        self.location = location


def find_place(error: BaseException, files: UserFiles) -> Place | None:
    """Find the innermost place in the user's files; of a chain, in the first exception that has one."""
    try:
        for link in chain(error):
            place = _syntax_place(link, files) if isinstance(link, SyntaxError) else None
            place = place or _frame_place(link.__traceback__, files)
            if place is not None:
                return place
    except Exception:
        return None
    return None


def function_place(function: Callable[..., object], files: UserFiles) -> Place | None:
    """Find the definition of a function."""
    try:
        code = getattr(function, "__code__", None)
        if not isinstance(code, CodeType):
            return None
        return _place(files, code.co_filename, code.co_firstlineno, None, getattr(function, "__name__", None))
    except Exception:
        return None


def code_frame(place: Place) -> str | None:
    """Show the lines around a place, the line marked with `>` and the column, where known, with `^`."""
    try:
        lines = linecache.getlines(place.filename)
        line, column = place.location["line"], place.location["column"]
        if not 1 <= line <= len(lines):
            return None
        last = min(len(lines), line + FRAME_LINES)
        width = len(str(last))
        shown = []
        for number in range(max(1, line - FRAME_LINES), last + 1):
            text = lines[number - 1].rstrip("\r\n")[:MAX_SOURCE_CHARS]
            mark = ">" if number == line else " "
            shown.append(f"{mark} {number:>{width}} | {text}".rstrip())
            if number == line and column is not None and column <= len(text) + 1:
                indent = "".join("\t" if char == "\t" else " " for char in text[: column - 1])
                shown.append(f"  {'':>{width}} | {indent}^")
        return "\n".join(shown)
    except Exception:
        return None


def _is_there(path: str) -> bool:
    """Tell whether a path is that of a file, or of a module in an archive."""
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return os.path.isfile(path)


def _is_inside(path: str, folder: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def _syntax_place(error: SyntaxError, files: UserFiles) -> Place | None:
    """Locate the syntax error itself; None when it is not in a file of the user's."""
    if not error.filename or not error.lineno:
        return None
    place = _place(files, error.filename, error.lineno, error.offset or None, None)
    if place is not None and error.text and place.location["source"] is None:
        place.location["source"] = _shorten(error.text)
    return place


def _frame_place(traceback: TracebackType | None, files: UserFiles) -> Place | None:
    """Locate the innermost frame that runs a file of the user's."""
    innermost = None
    while traceback is not None:
        if files.name(traceback.tb_frame.f_code.co_filename) is not None:
            innermost = traceback
        traceback = traceback.tb_next
    if innermost is None:
        return None
    code = innermost.tb_frame.f_code
    line, column = _position(code, innermost)
    return _place(files, code.co_filename, line, column, code.co_name)


def _position(code: CodeType, traceback: TracebackType) -> tuple[int, int | None]:
    """Line and column, both from 1; the column only where Python records it (3.11 and later)."""
    line = traceback.tb_lineno
    positions = getattr(code, "co_positions", None)
    if positions is None:
        return line, None
    for index, (start, _, offset, _) in enumerate(positions()):
        if index == traceback.tb_lasti // 2:
            if start != line or offset is None:
                return line, None
            # Python counts the bytes of the UTF-8 source.
            before = linecache.getline(code.co_filename, line).encode()[:offset]
            return line, len(before.decode(errors="replace")) + 1
    return line, None


def _place(files: UserFiles, filename: str, line: int, column: int | None, function: str | None) -> Place | None:
    name = files.name(filename)
    if name is None:
        return None
    source = _shorten(linecache.getline(filename, line)) or None
    location: Location = {"file": name, "line": line, "column": column, "function": function, "source": source}
    return Place(filename, location)


def _shorten(source: str) -> str:
    return source.strip()[:MAX_SOURCE_CHARS]
