"""Whether flask.request is to work in a run() that takes no request (contract API-20)."""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib.util import find_spec
from types import ModuleType

from .after_import import AfterImport
from .locate import UserFiles
from .raw.calls import flask_imported

_FLASK = "flask"
_WORD = re.compile(rb"\bflask\b")


def expects_flask(files: UserFiles) -> bool:
    """Tell whether the script has imported Flask, or one of the user's modules names it and may import it in run()."""
    if _FLASK in sys.modules:
        return True
    if find_spec(_FLASK) is None:
        return False
    # Not found out by importing it: a script that names Flask somewhere need not use it.
    if not any(_names_flask(module, files) for module in list(sys.modules.values())):
        return False
    _watch()
    return True


def _names_flask(module: ModuleType, files: UserFiles) -> bool:
    path = getattr(module, "__file__", None)
    # First what is quick, for there may be thousands.
    if not isinstance(path, str) or not path.startswith(files.folders) or files.name(path) is None:
        return False
    try:
        with open(path, "rb") as file:
            return _WORD.search(file.read()) is not None
    except OSError:
        return False


@cache
def _watch() -> None:
    AfterImport(_FLASK.__eq__, lambda _module: flask_imported()).watch()
