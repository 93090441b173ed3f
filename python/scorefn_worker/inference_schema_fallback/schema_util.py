"""What has been declared for a function (contract IS-1)."""

from __future__ import annotations

import copy
from typing import Any

from ._registry import ALL_VERSIONS, INPUT, OUTPUT, full_name, schemas, versions

ALL_SUPPORTED_VERSIONS = list(ALL_VERSIONS)


def get_input_schema(func: Any) -> dict[str, Any]:  # noqa: ANN401 - anything may be asked about
    """Describe the input of a function; `{"type": "object"}` where nothing is declared (IS-16)."""
    return _schema(func, INPUT)


def get_output_schema(func: Any) -> dict[str, Any]:  # noqa: ANN401
    """Describe the result of a function; `{"type": "object"}` where nothing is declared (IS-16)."""
    return _schema(func, OUTPUT)


def get_supported_versions(func: Any) -> list[str]:  # noqa: ANN401
    """List the swagger versions that can express input and output, of "2.0", "3.0" and "3.1" (IS-20)."""
    declared = versions.get(full_name(func), {}).values()
    return [version for version in ALL_VERSIONS if all(version in supported for supported in declared)]


def get_schemas_dict() -> dict[str, dict[str, Any]]:
    """Copy everything declared in this process: function name, then "input_schema" or "output_schema"."""
    return copy.deepcopy(schemas)


def is_schema_decorated(func: Any) -> bool:  # noqa: ANN401
    """Tell whether anything is declared for a function or for what it wraps (IS-2)."""
    return full_name(func) in schemas


def _schema(func: Any, kind: str) -> dict[str, Any]:  # noqa: ANN401
    return copy.deepcopy(schemas.get(full_name(func), {}).get(kind, {"type": "object"}))
