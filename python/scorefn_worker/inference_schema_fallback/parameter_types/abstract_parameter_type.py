"""What all parameter types have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from .._registry import ALL_VERSIONS


class AbstractParameterType(ABC):
    """Base of the parameter types, and of a script's own ones (contract IS-14)."""

    def __init__(self, sample_input: Any) -> None:  # noqa: ANN401 - any sample
        """Keep the sample.

        Args:
            sample_input: Stands for what is expected; values of its class are not converted.
        """
        self.sample_input = sample_input
        self.sample_data_type = type(sample_input)

    @abstractmethod
    def deserialize_input(self, input_data: Any) -> Any:  # noqa: ANN401
        """Convert a value from its JSON form; raise when that cannot be done."""

    @abstractmethod
    def input_to_swagger(self) -> dict[str, Any]:
        """Describe the type: a JSON schema with its `example`."""

    def supported_versions(self) -> list[str]:
        """List the swagger versions that can express the example (IS-20)."""
        first = 0 if _is_uniform(self.input_to_swagger()["example"]) else 1
        return list(ALL_VERSIONS[first:])


def _is_uniform(value: Any) -> bool:  # noqa: ANN401
    """Tell whether no list has elements of different types; dicts inside lists are not looked into, nor subclasses."""
    kind = type(value)
    if kind is dict:
        return all(_is_uniform(item) for item in value.values())
    if kind not in (list, tuple):
        return True
    if len({type(item) for item in value}) > 1:
        return False
    return all(_is_uniform(item) for item in value if type(item) is not dict)
