"""cloudpickle sends what the score script defines by value: no child can import the script by the name it has here.

joblib's, dask's and ray's workers are programs of their own, which never see our code. In the reference server the
script stands in no `sys.modules`, which makes cloudpickle send its functions and classes whole, with the globals that
they use. Here it does stand there (contract LOAD-3), so each copy of cloudpickle is told.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from .after_import import AfterImport

_NAME = "cloudpickle"
"""Last part of the name wherever it is copied to: `joblib.externals.cloudpickle`, `pyspark.cloudpickle`."""


def send_by_value(script: ModuleType) -> None:
    """Tell the copies of cloudpickle that are imported, and those to come, about the score script."""
    for name, module in list(sys.modules.items()):
        if _is_copy(name):
            _tell(module, script)
    AfterImport(_is_copy, lambda copy: _tell(copy, script)).watch()


def _is_copy(name: str) -> bool:
    return name.endswith(_NAME) and name[: -len(_NAME)][-1:] in ("", ".")


def _tell(copy: ModuleType, script: ModuleType) -> None:
    register = getattr(copy, "register_pickle_by_value", None)
    if register is not None:
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
