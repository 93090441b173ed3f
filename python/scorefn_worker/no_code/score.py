"""POST /score, as Azure's script for MLflow models answers it (MLF-20 to MLF-22), with reasons for its blank 500s."""

from __future__ import annotations

import json
from typing import Any

from ..failures import BadInput
from .faults import text_for_caller
from .model import MlflowModel
from .request import Request
from .sample import TABLE, TENSOR, TENSORS, kind_of
from .tables import CHAT_KEYS, PARAMS, SPLIT, TABLE_KEYS, answer_members, jsonable, read_table

INPUT_DATA = "input_data"

_SPLIT_MEMBERS = ("columns", "index", "data")


def answer_score(request: Request, model: MlflowModel) -> Any:  # noqa: ANN401
    """Answer a request. MLflow's own members are taken, too, and answered as MLflow's server would.

    Raises:
        BadInput: the body does not fit.
    """
    members = _members(request.plain_body())
    if INPUT_DATA in members:
        result = jsonable(model.predict(_read(members[INPUT_DATA], model), members.get(PARAMS)))
        return {} if result is None else result  # as for scripts
    if any(key in members for key in TABLE_KEYS + CHAT_KEYS):
        return answer_members(members, model)
    raise BadInput(f"A value is not provided for the '{INPUT_DATA}' parameter.")


def _members(body: bytes) -> dict[str, Any]:
    if len(body) == 0:
        raise BadInput("POST body is empty. Expecting a JSON dictionary.")
    try:
        members = json.loads(body)
    except UnicodeDecodeError as error:
        raise BadInput(f"Input cannot be decoded as UTF-8: {error}") from None
    except (ValueError, RecursionError) as error:  # nested too deeply for Python's reader: the client's fault, too
        raise BadInput(f"POST body could not be decoded as JSON: {error}") from None
    if not isinstance(members, dict):
        raise BadInput("POST body should be a JSON dictionary.")
    return members


def _read(value: Any, model: MlflowModel) -> Any:  # noqa: ANN401 - what the model takes
    """Make of `input_data` what the model takes; of what form it is to be does not depend on the request."""
    if model.takes_list:
        return value
    kind = kind_of(model)
    if kind == TABLE:
        _expect(value, dict, "an object with `columns`, `index` and `data`, one list for each row", model)
        if "columns" not in value or "data" not in value:
            raise BadInput(f"{INPUT_DATA} must have `columns` and `data`; it has {_names(value)}.")
        return read_table(SPLIT, value, model)
    if kind == TENSOR:
        _expect(value, list, "an array", model)
        return _array(value, model.inputs.inputs[0].type, INPUT_DATA)
    if kind == TENSORS:
        _expect(value, dict, "an object with an array for each input", model)
        types = {spec.name: spec.type for spec in model.inputs.inputs}
        return {name: _array(item, types[name], name) for name, item in value.items() if name in types}
    return _read_free(value, model)


def _read_free(value: Any, model: MlflowModel) -> Any:  # noqa: ANN401 - as _read
    """Read what nothing is known of but itself (MLF-22)."""
    if isinstance(value, dict):
        if all(name in value for name in _SPLIT_MEMBERS):
            return read_table(SPLIT, value, model)
        return {name: _array(item, None, name) for name, item in value.items()}
    return _array(value, None, INPUT_DATA) if isinstance(value, list) else value


def _expect(value: Any, kind: type, words: str, model: MlflowModel) -> None:  # noqa: ANN401
    if not isinstance(value, kind):
        got = {dict: "an object", list: "an array", type(None): "null"}.get(type(value), f"a {type(value).__name__}")
        raise BadInput(f"{INPUT_DATA} must be {words}, for the model's signature is {model.inputs}; it is {got}.")


def _array(value: Any, dtype: Any, name: str) -> Any:  # noqa: ANN401 - numpy's
    import numpy as np

    try:
        return np.array(value, dtype=dtype)
    except Exception as error:
        raise BadInput(
            f"{name} is no array of {'one type' if dtype is None else dtype}: {text_for_caller(error)}"
        ) from None


def _names(value: dict[str, Any]) -> str:
    shown = ", ".join(f"`{name}`" for name in sorted(value)[:5])
    return shown or "no members"
