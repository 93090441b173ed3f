"""Children of multiprocessing's "spawn" method, which import what they are sent by the name of its module."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec

from . import replacements
from .schemas import offer_fallback
from .script import ENTRY_MODULE


class EntryModuleFinder(MetaPathFinder):
    """Finds the score script under the name its worker gave it, though no file has that name."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        """Find `entry_module` at the path that the worker left in sys.argv, which children inherit."""
        if fullname != ENTRY_MODULE or not sys.argv[:1]:
            return None
        return importlib.util.spec_from_file_location(ENTRY_MODULE, sys.argv[0])


def offer_entry_module() -> None:
    """Let the child import the score script's functions and classes."""
    offer_fallback()
    sys.meta_path.append(EntryModuleFinder())
    replacements.install()
