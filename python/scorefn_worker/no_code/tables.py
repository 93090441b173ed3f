"""From the JSON members that MLflow's server knows to what a model is asked with (MLF-6 to MLF-10)."""

from __future__ import annotations

from typing import Any

from .faults import Unreadable, text_for_caller
from .model import MlflowModel

SPLIT, RECORDS, INSTANCES, INPUTS = "dataframe_split", "dataframe_records", "instances", "inputs"
TABLE_KEYS = (SPLIT, RECORDS, INSTANCES, INPUTS)
CHAT_KEYS = ("messages", "prompt", "input")
"""With one of these the body is for the model as it is, and its answer for the client (MLF-10)."""

PARAMS = "params"

FORMAT = (
    "The input must be a JSON dictionary with exactly one of the input fields "
    "{'dataframe_split', 'dataframe_records', 'instances', 'inputs'}."
)


def answer_members(members: dict[str, Any], model: MlflowModel) -> Any:  # noqa: ANN401
    """Ask a model with the members of a JSON object, and wrap what it returns as MLflow's server does.

    Raises:
        Unreadable: the members do not fit.
    """
    if any(key in members for key in CHAT_KEYS):
        names = {param.name for param in model.params.params} if model.params is not None else set()
        params = {key: value for key, value in members.items() if key in names}
        return jsonable(model.predict({key: value for key, value in members.items() if key not in names}, params))
    found = [key for key in TABLE_KEYS if key in members]
    if model.takes_list:
        if INPUTS not in members:
            raise Unreadable(f"The model's type hints ask for a JSON dictionary with '{INPUTS}'.")
        data = members[INPUTS]
    elif len(found) != 1:
        raise Unreadable(f"{FORMAT} Received dictionary with input fields: {found}.")
    else:
        data = read_table(found[0], members[found[0]], model)
    return predictions(model.predict(data, members.get(PARAMS)))


def read_table(key: str, value: Any, model: MlflowModel) -> Any:  # noqa: ANN401 - a DataFrame, an array, or a dict of them
    """Make of one of TABLE_KEYS' values what a model takes, cast by its signature.

    Raises:
        Unreadable: it cannot be made.
    """
    if model.exact is not None and key in (SPLIT, RECORDS):
        exact = model.exact.from_split(value) if key == SPLIT else model.exact.from_records(value)
        if exact is not None:
            return exact
    from mlflow.utils.proto_json_utils import dataframe_from_parsed_json, parse_tf_serving_input

    try:
        if key in (SPLIT, RECORDS):
            return dataframe_from_parsed_json(value, pandas_orient=key[len("dataframe_") :], schema=model.inputs)
        return parse_tf_serving_input({key: value}, schema=model.inputs)
    except Exception as error:  # nothing of the model's own runs here
        raise Unreadable(text_for_caller(error)) from None


def predictions(result: Any) -> dict[str, Any]:  # noqa: ANN401
    """Wrap what a model returned."""
    return {"predictions": jsonable(result)}


def jsonable(result: Any) -> Any:  # noqa: ANN401
    """Make of tables and arrays what JSON has forms for."""
    from mlflow.utils.proto_json_utils import _get_jsonable_obj

    return _get_jsonable_obj(result, pandas_orient="records")
