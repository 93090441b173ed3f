"""What has been declared, by the name of the function it was declared for (contract IS-2)."""

from __future__ import annotations

import inspect
from typing import Any, Callable

ALL_VERSIONS = ("2.0", "3.0", "3.1")

INPUT = "input_schema"
OUTPUT = "output_schema"

schemas: dict[str, dict[str, Any]] = {}
"""Function name -> INPUT or OUTPUT -> schema."""

versions: dict[str, dict[str, list[str]]] = {}
"""Function name -> INPUT or OUTPUT -> swagger versions that can express the schema."""


def innermost(function: Any) -> Any:  # noqa: ANN401 - whatever was decorated
    """Look through wrappers, ours and any other closure around one function, for the function itself."""
    seen: set[int] = set()
    while id(function) not in seen:
        seen.add(id(function))
        wrapped = getattr(function, "__wrapped__", None)
        function = wrapped if callable(wrapped) else _enclosed(function) or function
    return function


def full_name(function: Any) -> str:  # noqa: ANN401
    """Name the innermost function: `<module>.<name>`."""
    inner = innermost(function)
    return f"{getattr(inner, '__module__', None)}.{getattr(inner, '__name__', None)}"


def argument_names(function: Any) -> list[str]:  # noqa: ANN401
    """Name the parameters that can be given by position, in their order."""
    inner = innermost(function)
    code = getattr(inner, "__code__", None)
    # getfullargspec() would evaluate the annotations, whose names need not exist while a script is being imported.
    return list(code.co_varnames[: code.co_argcount]) if code is not None else inspect.getfullargspec(inner).args


def add_input(function: Callable[..., Any], name: str, schema: dict[str, Any], supported: list[str]) -> None:
    """Note the schema of one parameter (IS-15); the last one noted decides on the versions (IS-20)."""
    known = schemas.setdefault(full_name(function), {})
    if INPUT not in known:
        names = argument_names(function)
        known[INPUT] = {"type": "object", "properties": {n: {} for n in names}, "example": {n: "" for n in names}}
    described = dict(schema)
    known[INPUT]["example"][name] = described.pop("example")
    known[INPUT]["properties"][name] = described
    versions.setdefault(full_name(function), {})[INPUT] = supported


def add_output(function: Callable[..., Any], schema: dict[str, Any], supported: list[str]) -> None:
    """Note the schema of the result.

    Raises:
        Exception: there is one already (IS-4).
    """
    name = full_name(function)
    known = schemas.setdefault(name, {})
    if OUTPUT in known:
        raise Exception(f"Error, output schema already defined for function: {name}.")
    known[OUTPUT] = schema
    versions.setdefault(name, {})[OUTPUT] = supported


def _enclosed(function: Any) -> Any:  # noqa: ANN401
    """Find the function that a closure closes over, or None."""
    for cell in getattr(function, "__closure__", None) or ():
        try:
            content = cell.cell_contents
        except ValueError:  # not filled yet
            continue
        if inspect.isfunction(content):
            return content
    return None
