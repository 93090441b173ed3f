"""The decorators `input_schema` and `output_schema` (contract IS-3 to IS-9)."""

from __future__ import annotations

import functools
import inspect
from typing import Any, Callable

from ._registry import add_input, add_output, argument_names
from .parameter_types.abstract_parameter_type import AbstractParameterType

_PASSED_AS_IT_IS = {"parameters", "input_string"}
"""A dict with exactly these keys, given by position, is not converted (IS-9)."""

Function = Callable[..., Any]


def input_schema(
    param_name: str,
    param_type: AbstractParameterType,
    convert_to_provided_type: bool = True,
    optional: bool = False,
) -> Callable[[Function], Function]:
    """Declare what one parameter of the function takes.

    Args:
        param_name: Name of the parameter.
        param_type: What it takes.
        convert_to_provided_type: Convert what the function is called with, from its JSON form.
        optional: Let a missing or falsy value pass unconverted.

    Raises:
        Exception: `param_type` is not a parameter type.
    """
    if not isinstance(param_type, AbstractParameterType):
        raise Exception("Error, provided param_type must be a subclassof the AbstractParameterType.")
    schema = param_type.input_to_swagger()
    supported = param_type.supported_versions()

    def decorate(function: Function) -> Function:
        add_input(function, param_name, schema, supported)
        if not convert_to_provided_type:
            return _wrap(function, lambda args, kwargs: (args, kwargs))
        names = argument_names(function)

        def convert(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
            if args and isinstance(args[0], dict) and set(args[0]) == _PASSED_AS_IT_IS:
                return args, kwargs
            if param_name in kwargs:
                value = kwargs[param_name]
                if optional and not value:
                    return args, kwargs
                return args, {**kwargs, param_name: _convert(value, param_type, param_name)}
            if param_name not in names:
                text = f'Error, provided param_name "{param_name}" is not in the decorated function.'
                raise Exception(text)
            position = names.index(param_name)
            if optional and (position >= len(args) or not args[position]):
                return args, kwargs
            given = list(args)
            given[position] = _convert(given[position], param_type, param_name)
            return tuple(given), kwargs

        return _wrap(function, convert)

    return decorate


def output_schema(output_type: AbstractParameterType) -> Callable[[Function], Function]:
    """Declare what the function returns; the result is neither converted nor checked (IS-8).

    Raises:
        Exception: `output_type` is not a parameter type, or the function has an output schema already.
    """
    if not isinstance(output_type, AbstractParameterType):
        raise Exception("Error, provided param_type must be a subclass of the AbstractParameterType.")
    schema = output_type.input_to_swagger()
    supported = output_type.supported_versions()

    def decorate(function: Function) -> Function:
        add_output(function, schema, supported)
        return _wrap(function, lambda args, kwargs: (args, kwargs))

    return decorate


def _convert(input_data: Any, param_type: AbstractParameterType, param_name: str) -> Any:  # noqa: ANN401
    """Convert one value and the values inside it (IS-5, IS-10).

    The worker knows a conversion that fails by this module and by the names `input_data` and `param_name`, which the
    package's own function has, too (schemas.py).
    """
    expected = param_type.sample_data_type
    # What is declared with a tuple comes as a list, for JSON has no tuples; it stays one.
    if not isinstance(input_data, (tuple, list) if expected is tuple else expected):
        input_data = param_type.deserialize_input(input_data)
    members = getattr(param_type, "sample_data_type_map", None)
    if members and isinstance(input_data, dict):
        converted = dict(input_data)
        for name, member_type in members.items():
            if name in converted:
                converted[name] = _convert(converted[name], member_type, name)
        return converted
    elements = getattr(param_type, "sample_data_type_list", None)
    if elements and isinstance(input_data, (list, tuple)):
        return [_convert(item, elements[0], param_name) for item in input_data]
    return input_data


def _wrap(
    function: Function,
    convert: Callable[[tuple[Any, ...], dict[str, Any]], tuple[tuple[Any, ...], dict[str, Any]]],
) -> Function:
    """Put a conversion of the arguments in front of a function and let it stay the kind of function it is."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaiting(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            args, kwargs = convert(args, kwargs)
            return await function(*args, **kwargs)

        return awaiting
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def yielding(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            args, kwargs = convert(args, kwargs)
            items = function(*args, **kwargs)
            try:
                async for item in items:
                    yield item
            finally:
                await items.aclose()

        return yielding

    @functools.wraps(function)
    def calling(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        args, kwargs = convert(args, kwargs)
        return function(*args, **kwargs)

    return calling
