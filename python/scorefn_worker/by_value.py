"""cloudpickle sends what the score script defines by value: no child can import the script by the name it has here.

joblib's, dask's and ray's workers are programs of their own, which never see our code. In the reference server the
script stands in no `sys.modules`, which makes cloudpickle send its functions and classes whole, with the globals that
they use. Here it does stand there (contract LOAD-3), so each copy of cloudpickle is told.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_NAME = "cloudpickle"
"""Last part of the name wherever it is copied to: `joblib.externals.cloudpickle`, `pyspark.cloudpickle`."""


def send_by_value(script: ModuleType) -> None:
    """Tell the copies of cloudpickle that are imported, and those to come, about the score script."""
    for name, module in list(sys.modules.items()):
        if _is_copy(name):
            _tell(module, script)
    sys.meta_path.insert(0, _CopyFinder(script))


class _CopyFinder:
    """Sees a copy being imported and lets the others find it. No importlib.abc here, for its import takes its time."""

    def __init__(self, script: ModuleType) -> None:
        self._script = script

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        """Find a copy of cloudpickle, and have it told when it has been imported."""
        if not _is_copy(fullname):
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
            _tell(module, self._script)

        # On this one loader, so that it stays what it is to everybody who asks it for source or data.
        with contextlib.suppress(AttributeError):
            loader.exec_module = execute_and_tell


def _is_copy(name: str) -> bool:
    return name.endswith(_NAME) and name[: -len(_NAME)][-1:] in ("", ".")


def _tell(copy: ModuleType, script: ModuleType) -> None:
    register = getattr(copy, "register_pickle_by_value", None)
    if register is not None:
        with contextlib.suppress(Exception):  # what goes wrong here must not be the script's import that fails
            register(script)
        return
    # Before version 2.0, as in joblib 1.0: what it finds in no module, it sends by value.
    look_up = getattr(copy, "_lookup_module_and_qualname", None)
    if look_up is None:
        return

    def look_up_elsewhere(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
        found = look_up(*args, **kwargs)
        return None if found is not None and found[0] is script else found

    copy._lookup_module_and_qualname = look_up_elsewhere  # type: ignore[attr-defined]
