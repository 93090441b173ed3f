"""Declared schemas: where `inference_schema` comes from, and what the worker asks it (contract section 17)."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from types import FrameType
from typing import Any

from .inference_schema_fallback._registry import innermost
from .report import message_of

PACKAGE = "inference_schema"
_DECORATORS = f"{PACKAGE}.schema_decorators"
_FALLBACK_DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inference_schema_fallback")

_SWAGGER_VERSIONS = {"2.0": "2", "3.0": "3", "3.1": "3.1"}
"""The package's names of the swagger versions, and the front's."""


class SchemaFinder:
    """Finds our own `inference_schema`; its submodules are then found like those of any package."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: object = None) -> ModuleSpec | None:
        """Find the package, and nothing else."""
        if fullname != PACKAGE:
            return None
        return spec_from_file_location(
            PACKAGE, os.path.join(_FALLBACK_DIR, "__init__.py"), submodule_search_locations=[_FALLBACK_DIR]
        )


def offer_fallback() -> None:
    """Make our own `inference_schema` importable where the package is not installed."""
    sys.meta_path.append(SchemaFinder())


def find_schemas(run: Any) -> dict[str, Any] | None:  # noqa: ANN401 - not checked yet
    """Read what is declared for run().

    Returns:
        `schemas` of LOADED (docs/worker-protocol.md, §2); None when nothing is declared.

    Raises:
        TypeError, ValueError: a schema of the script's own types has no JSON form.
    """
    # Nothing can be declared by a script that has not imported the decorators.
    if _DECORATORS not in sys.modules:
        return None
    util = importlib.import_module(f"{PACKAGE}.schema_util")
    if not util.is_schema_decorated(run):
        return None
    return {
        "input": json.dumps(util.get_input_schema(run)),
        "output": json.dumps(util.get_output_schema(run)),
        "versions": [_SWAGGER_VERSIONS[version] for version in util.get_supported_versions(run)],
    }


def find_contradiction(run: Any, error: BaseException) -> str | None:  # noqa: ANN401
    """Tell whether an exception of run() came from the conversion of its input and not from its body.

    The decorators convert before the body is entered, in a function whose `param_name` and `input_data` are read here.

    Returns:
        `<parameter>: <reason>`, the parameter followed by the members on the way to the value; None for any other
        exception.
    """
    if not isinstance(error, Exception) or isinstance(error, MemoryError):
        return None
    body = getattr(innermost(run), "__code__", None)
    names: list[str] = []
    link = error.__traceback__
    while link is not None:
        frame = link.tb_frame
        if frame.f_code is body:
            return None
        name = _converted_name(frame)
        if name is not None and names[-1:] != [name]:
            names.append(name)
        link = link.tb_next
    if not names:
        return None
    reason = message_of(error)
    if type(error) not in (Exception, ValueError):
        reason = f"{type(error).__name__}: {reason}"  # such a message says little by itself
    return f"{'.'.join(names)}: {reason}"


def _converted_name(frame: FrameType) -> str | None:
    """Name what a frame converts, or None."""
    if frame.f_globals.get("__name__") != _DECORATORS:
        return None
    values = frame.f_locals
    return str(values["param_name"]) if "input_data" in values and "param_name" in values else None
