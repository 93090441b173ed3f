"""From RUN and RUN_META frames to the arguments of run(), and what becomes of arguments that do not fit."""

from __future__ import annotations

import inspect
import json
import logging
from typing import Any

from .failures import BadInput, UnusableRequest
from .frames import FrameError, cut_meta, split_meta
from .locate import UserFiles
from .logs import SERVER_LOGGER, request_members
from .protocol import RUN
from .raw.environ import Environ, make_environ
from .report import error_frame, input_error_frame
from .schemas import find_contradiction
from .script import HEADERS_PARAMETER, Script, train_case
from .tracing import note_place
from .utf8 import BadText

_log = logging.getLogger(SERVER_LOGGER)


_EMPTY = memoryview(b"")


class Arguments(dict[str, Any]):
    """Arguments of a run() that takes no request, with what Flask's request of it can be made of."""

    environ: Environ


def read_request(script: Script, kind: int, payload: Any) -> dict[str, Any]:  # noqa: ANN401 - as Frame
    """Make the keyword arguments of run().

    Raises:
        BadInput: the body does not fit.
        UnusableRequest: the meta does not fit.
    """
    meta, body = ({}, payload) if kind == RUN else _read_meta(payload) if script.reads_meta else _leave_meta(payload)
    if script.traces:
        note_place(meta)
    if script.takes == "model":
        return {script.parameter: _model_request(meta, body)}
    try:
        if script.raw:
            arguments = {script.parameter: make_environ(meta, body)}  # Script.call() makes the request of it
        elif script.schemas is not None:
            arguments = _json_arguments(script, body)
        else:
            arguments = {script.parameter: _text(body)}
    except (UnicodeDecodeError, BadText) as error:
        raise BadInput(f"Input cannot be decoded as UTF-8: {error}") from None
    if kind != RUN and script.takes_headers:
        arguments[HEADERS_PARAMETER] = train_case(meta.get("headers", {}))
    if not script.raw and "method" in meta:
        arguments = Arguments(arguments)
        # What run() gets for GET was made of the query.
        arguments.environ = make_environ(meta, _EMPTY if meta["method"] == "GET" else body)
    return arguments


def _model_request(meta: dict[str, Any], body: Any) -> Any:  # noqa: ANN401 - as Frame
    # Here, for few need it.
    from .no_code.request import Request

    return Request(meta, body)


def refusal_frame(request: int, error: Exception, files: UserFiles) -> bytes:
    """Build the ERROR frame for what `read_request` has raised."""
    if isinstance(error, BadInput):
        return input_error_frame(request, error)
    return error_frame(request, "run", error, files)


def failed_run_frame(request: int, script: Script, kind: str, error: BaseException, files: UserFiles) -> bytes:
    """Build the ERROR frame for a run() that failed by itself; `kind` as in the protocol, §5.

    Input that could not be converted as declared is the script's failure like any other (IS-7), unless the script is
    served strictly: then it is the client's (WEAK-6).
    """
    if script.takes == "model":
        # A model reads its requests in run(), for their form is a matter of the protocol.
        return (
            input_error_frame(request, error)
            if isinstance(error, BadInput)
            else error_frame(request, kind, error, files)
        )
    if kind == "run" and script.schemas is not None:
        contradiction = find_contradiction(script.run, error)
        if contradiction is not None:
            text = f"The input contradicts the declared schema: {contradiction}"
            if script.strict:
                return input_error_frame(request, BadInput(text))
            _log.warning(f"{text}{'' if text.endswith('.') else '.'} With --strict it would be a 400.")
    return error_frame(request, kind, error, files)


def _read_meta(payload: Any) -> tuple[dict[str, Any], memoryview]:  # noqa: ANN401 - as Frame
    """Split a payload and check the meta: a host may have made up a header that is a number, and run() expects text."""
    try:
        meta, body = split_meta(payload)
    except FrameError as error:
        raise UnusableRequest(f"The server sent {error}") from None
    headers = meta.get("headers", {}) if isinstance(meta, dict) else None
    if not isinstance(headers, dict):
        raise UnusableRequest("The server sent a request whose meta, or whose headers, are not a JSON object")
    for name, value in headers.items():
        if type(value) is not str:
            raise UnusableRequest(f"The header {name} of the request is not text but of type {type(value).__name__}")
    for name, value in meta.items():
        if type(value) is not str and value is not headers:
            raise UnusableRequest(f"The {name} of the request is not text but of type {type(value).__name__}")
    if "logFields" in meta:
        request_members.set(meta["logFields"])
    return meta, body


def _leave_meta(payload: Any) -> tuple[dict[str, Any], memoryview]:  # noqa: ANN401 - as Frame
    """Split a payload whose meta is for the log alone, which reads it when there is something to write."""
    try:
        text, body = cut_meta(payload)
    except FrameError as error:
        raise UnusableRequest(f"The server sent {error}") from None
    request_members.set(text)
    return {}, body


def _text(body: Any) -> str:  # noqa: ANN401
    """Decode a body; a long one comes decoded, or as the reason why it could not be (channel.py)."""
    if isinstance(body, (bytes, bytearray)):
        return body.decode()
    if isinstance(body, str):
        return body
    if isinstance(body, BadText):
        raise body
    return str(body, "utf-8")


def _json_arguments(script: Script, body: Any) -> dict[str, Any]:  # noqa: ANN401
    """Fill all parameters from the members of a JSON object, in UTF-8, UTF-16 or UTF-32 (IN-10 to IN-17)."""
    if len(body) == 0:
        raise BadInput("POST body is empty. Expecting a JSON dictionary.")
    try:
        members = json.loads(body if isinstance(body, (bytes, bytearray)) else bytes(body))
    except UnicodeDecodeError:
        raise
    except (ValueError, RecursionError) as error:  # nested too deeply for Python's reader: the client's fault, too
        raise BadInput(f"POST body could not be decoded as JSON: {error}") from None
    if not isinstance(members, dict):
        raise BadInput("POST body should be a JSON dictionary.")
    arguments = {}
    for name, default in script.parameters.items():
        value = members.get(name, default)
        if value is inspect.Parameter.empty:
            raise BadInput(f"A value is not provided for the '{name}' parameter.")
        arguments[name] = value
    return arguments
