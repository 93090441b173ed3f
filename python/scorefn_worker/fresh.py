"""Loads the user's modules from their source, for a server that reloads.

Python takes the bytecode beside a module for current when time and size are those of the source, and it knows the time
to the second only: an edit in the second of the one before it, of the same size, would not be seen.
"""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Mapping
from importlib.machinery import SourceFileLoader
from typing import Any

_LIBRARY_FOLDERS = ("site-packages", "dist-packages")


def install() -> None:
    """Have modules outside Python's libraries compiled each time. Bytecode of theirs is neither read nor written."""
    libraries = tuple(
        os.path.realpath(sysconfig.get_path(name)) + os.sep for name in ("stdlib", "platstdlib", "purelib", "platlib")
    )
    known_stats = SourceFileLoader.path_stats

    def path_stats(self: SourceFileLoader, path: str) -> Mapping[str, Any]:
        is_library = os.path.realpath(path).startswith(libraries) or any(
            part in _LIBRARY_FOLDERS for part in path.split(os.sep)
        )
        if not is_library:
            # What the loader takes for a source that has no bytecode.
            raise OSError(f"the bytecode of {path} is not used")
        return known_stats(self, path)

    SourceFileLoader.path_stats = path_stats  # type: ignore[method-assign]
