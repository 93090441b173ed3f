"""POST /invocations, as MLflow's own server answers it (MLF-10 to MLF-13), without stack traces and blank 500s."""

from __future__ import annotations

import io
import json
from importlib.util import find_spec
from typing import Any

from .answers import Answer
from .faults import Unreadable, text_for_caller
from .model import MlflowModel
from .request import Request
from .tables import FORMAT, answer_members, predictions

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
_TYPES = [CSV, JSON, PARQUET]

_UNSUPPORTED = 415
_PARQUET_READERS = ("pyarrow", "fastparquet")
"""Packages with which pandas reads parquet."""


def answer_invocations(request: Request, model: MlflowModel) -> Any:  # noqa: ANN401
    """Answer a request.

    Raises:
        BadInput: the body does not fit.
    """
    kind, *parameters = [part.strip() for part in request.headers.get("content-type", "").split(";")]
    refusal = _refusal(kind.lower(), parameters)
    if refusal is not None:
        # The server refuses most of these before they come here, in this form.
        body = json.dumps({"error_code": "BAD_REQUEST", "message": refusal}).encode()
        return Answer([("content-type", "application/json")], body, status=_UNSUPPORTED)
    kind = kind.lower()
    body = request.plain_body()
    if kind == JSON:
        return answer_members(_members(body), model)
    data = _read_csv(body, model) if kind == CSV else _read_parquet(body)
    return predictions(model.predict(data))


def _refusal(kind: str, parameters: list[str]) -> str | None:
    """Say why a content type is not taken."""
    if kind not in _TYPES:
        return f"This predictor only supports the following content types: Types: {_TYPES}. Got '{kind}'."
    named = {name.strip().lower(): value for name, _, value in (part.partition("=") for part in parameters if part)}
    if named.pop("charset", "utf-8").strip().strip('"').lower() != "utf-8":
        return "The scoring server only supports UTF-8"
    if named:
        return f"Unrecognized content type parameters: {', '.join(named)}."
    if kind == PARQUET and not any(find_spec(package) for package in _PARQUET_READERS):
        return f"{PARQUET} needs the package pyarrow, which the model's environment does not have."
    return None


def _members(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body)
    except (ValueError, RecursionError) as error:  # nested too deeply for Python's reader: the client's fault, too
        raise Unreadable(f"Invalid input. Ensure that input is a valid JSON formatted string. Error: {error}") from None
    if not isinstance(members, dict):
        raise Unreadable(f"Invalid input. {FORMAT} Received a {type(members).__name__}.")
    return members


def _read_csv(body: bytes, model: MlflowModel) -> Any:  # noqa: ANN401 - a DataFrame
    import pandas as pd

    dtype = None
    schema = model.inputs
    if schema is not None and not schema.is_tensor_spec():
        dtype = dict(zip(schema.input_names(), schema.pandas_types()))
    try:
        return pd.read_csv(io.StringIO(body.decode()), dtype=dtype)
    except UnicodeDecodeError as error:
        raise Unreadable(f"Invalid input. Ensure that input is a valid UTF-8 encoded string. Error: {error}") from None
    except Exception as error:
        raise _not_a_table("CSV", error) from None


def _read_parquet(body: bytes) -> Any:  # noqa: ANN401 - a DataFrame
    import pandas as pd

    try:
        return pd.read_parquet(io.BytesIO(body))
    except Exception as error:
        raise _not_a_table("Parquet", error) from None


def _not_a_table(form: str, error: Exception) -> Unreadable:
    return Unreadable(
        "Failed to parse input as a Pandas DataFrame. Ensure that the input is a valid "
        f"{form}-formatted Pandas DataFrame. Error: {text_for_caller(error)}"
    )
