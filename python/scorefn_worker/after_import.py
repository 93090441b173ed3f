"""Takes notice of modules that the script imports. Imports nothing itself, and changes nothing that others see."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Callable


class AfterImport:
    """A finder that lets the others find a module and has a function called when it has been imported.

    No importlib.abc here, for its import takes its time.
    """

    def __init__(self, is_wanted: Callable[[str], bool], then: Callable[[ModuleType], None]) -> None:
        """Take what to look for.

        Args:
            is_wanted: Tells by a module's full name.
            then: Called with each such module; what it raises is dropped, for it must not be the script's import that
                fails.
        """
        self._is_wanted = is_wanted
        self._then = then

    def watch(self) -> None:
        """Take notice from now on."""
        sys.meta_path.insert(0, self)

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        """Find a wanted module where the others find it."""
        if not self._is_wanted(fullname):
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = find(fullname, path, target) if find is not None and finder is not self else None
            if spec is not None:
                self._follow(spec.loader)
                return spec
        return None

    def _follow(self, loader: Any) -> None:  # noqa: ANN401 - whatever finders return
        execute = getattr(loader, "exec_module", None)
        if execute is None:
            return

        def execute_and_tell(module: ModuleType) -> None:
            execute(module)
            with contextlib.suppress(Exception):
                self._then(module)

        # On this one loader, so that it stays what it is to everybody who asks it for source or data.
        with contextlib.suppress(AttributeError):
            loader.exec_module = execute_and_tell
