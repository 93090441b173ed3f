"""Loads the score script, checks its shape and calls its init() (contract sections 6 to 8)."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import logging
import os
import sys
from collections.abc import Awaitable
from types import ModuleType
from typing import Any, Callable

from .by_value import send_by_value
from .expects_flask import expects_flask
from .failures import (
    IMPORT_FAILED,
    UNHANDLED,
    StartFailure,
    UserScriptException,
    UserScriptImportException,
    caused_by,
)
from .locate import UserFiles, function_place
from .logs import SCRIPT_LOGGER
from .protocol import Record, Settings, error_record
from .raw.calls import FlaskCall, PlainCall, RawCall, plain_call
from .raw.switch import is_raw
from .report import traceback_text
from .results import Renderer
from .schemas import find_schemas, offer_fallback
from .tracing import has_tracing

ENTRY_MODULE = "entry_module"
FALLBACK_MODULE = "main"
HEADERS_PARAMETER = "request_headers"


_log = logging.getLogger(SCRIPT_LOGGER)


class Script:
    """A loaded score script whose shape is right."""

    def __init__(
        self,
        init: Callable[[], Any],
        run: Callable[..., Any],
        parameters: dict[str, Any],
        *,
        headers: bool,
        raw: bool = False,
    ) -> None:
        """Join what the loops need.

        Args:
            init: The script's init().
            run: The script's run().
            parameters: Names of the parameters of run() except `request_headers` in their order, with their defaults;
                `inspect.Parameter.empty` where there is none.
            headers: Whether run() takes the request headers too.
            raw: Whether run() takes the HTTP request itself (SIG-7).
        """
        self.init = init
        self.run = run
        self.parameters = parameters
        self.parameter = next(iter(parameters))
        """Takes the input, where it is one."""
        self.takes_headers = headers
        self.raw = raw
        self.takes = "request" if raw else "headers" if headers else "body"
        self.concurrent = _is_async(run)
        self.schemas: dict[str, Any] | None = None
        """What is declared for run(), as LOADED has it; None: it takes text, or the request."""
        self.strict = False
        """Whether input that contradicts the schemas is refused."""
        self.reads_meta = True
        """Whether anything but the log asks for more of a request than its body."""
        self.traces = False
        """Whether it had OpenTelemetry imported when init() was done."""
        self.render = Renderer(strict=False).render

    def facts(self) -> dict[str, Any]:
        """Make the payload of LOADED."""
        facts: dict[str, Any] = {"takes": self.takes, "concurrent": self.concurrent}
        if self.schemas is not None:
            facts.update(input="json", schemas=self.schemas)
        return facts

    def call(self, arguments: dict[str, Any]) -> PlainCall | FlaskCall:
        """Make what a call of run() with these arguments is to be surrounded by, in a `with` statement."""
        if self.raw:
            return RawCall(self.parameter, arguments)
        return plain_call(None if type(arguments) is dict else getattr(arguments, "environ", None))

    def ready(self, files: UserFiles) -> dict[str, Any]:
        """Take note of what the script has imported, and make the payload of READY, when init() is done."""
        self.traces = has_tracing()
        facts: dict[str, Any] = {"meta": "request"} if not self.raw and expects_flask(files) else {}
        self.reads_meta = self.takes != "body" or self.traces or "meta" in facts
        return {**facts, "traces": True} if self.traces else facts


def train_case(headers: dict[str, str]) -> dict[str, str]:
    """Name headers as `request_headers` does (IN-21); names with an underscore are dropped."""
    return {name.title(): value for name, value in headers.items() if "_" not in name}


def extend_import_path(settings: Settings) -> None:
    """Make the app root, the source directory and the current directory importable (LOAD-5 to LOAD-7)."""
    sys.path.append(settings.app_root)
    if settings.source_directory is not None:
        sys.path.append(os.path.join(settings.app_root, settings.source_directory))
    try:
        current = os.getcwd()
    except OSError:  # it has been removed since: there is nothing to import from
        return
    if current not in sys.path:
        sys.path.insert(0, current)


def load_script(settings: Settings, files: UserFiles) -> Script:
    """Import the script and check it.

    Raises:
        StartFailure: stage "load" or "shape".
    """
    offer_fallback()
    module = _import_script(settings)
    path = module.__file__ or settings.entry_script or FALLBACK_MODULE
    for name in ("init", "run"):
        if not hasattr(module, name):
            raise _shape_failure(
                f"User script at {path} does not have a {name}() function defined.",
                hint="A score script defines init(), called once per worker, and run(data), called for every request.",
            )

    run = module.run
    driver = getattr(module, "driver_module", None)
    if isinstance(driver, ModuleType) and hasattr(driver, "run"):
        run = driver.run
        _log.info(f"Found driver script at {path} and the score script at {driver.__file__}")
    else:
        _log.info(f"Found user script at {path}")

    script = _check_run(module.init, run, path, files)
    script.strict = settings.strict
    script.render = Renderer(strict=settings.strict).render
    _decide_mode(script, path)
    return script


def begin_init(script: Script) -> Awaitable[Any] | None:
    """Call init(); when it is async, return what remains to be awaited.

    Raises whatever init() raises; `init_failure` words it.
    """
    _log.info("Invoking user's init function")
    result = script.init()
    return result if inspect.isawaitable(result) else None


def end_init() -> None:
    """Say that init() is done."""
    _log.info("Users's init has completed successfully")


def init_failure(error: BaseException) -> StartFailure:
    """Word an exception of init() (INIT-2)."""
    wrapper = caused_by(UserScriptException(UNHANDLED), error)
    records = [
        error_record("User's init function failed"),
        error_record(f"Encountered Exception {traceback_text(wrapper)}"),
    ]
    return StartFailure("init", wrapper, records)


def _import_script(settings: Settings) -> ModuleType:
    path = settings.entry_script
    try:
        if path is not None:
            return _import_file(path)
        if importlib.util.find_spec(FALLBACK_MODULE) is not None:
            return importlib.import_module(FALLBACK_MODULE)
    except BaseException as error:  # SystemExit at module level is a failure like any other (LOAD-9)
        raise _import_failure(error) from error
    missing = ModuleNotFoundError("No score script is configured, and there is no main.py to fall back to.")
    raise StartFailure(
        "load",
        missing,
        [
            error_record("No score script found. Expected score script main.py."),
            error_record(f"Expected script to be found in PYTHONPATH: {sys.path}"),
            error_record(_app_root_contents(settings.app_root)),
        ],
        hint=f"Name the score script with --entry_script, or put a main.py into {settings.app_root}.",
    )


def _import_file(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(ENTRY_MODULE, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python module: its name ends in none of .py, .pyc, .so", path=path)
    module = importlib.util.module_from_spec(spec)
    # Registered, unlike the reference server, so that dataclasses and pickle find the script's module (LOAD-3).
    sys.modules[ENTRY_MODULE] = module
    send_by_value(module)
    spec.loader.exec_module(module)
    return module


def _import_failure(error: BaseException) -> StartFailure:
    wrapper = caused_by(UserScriptImportException(IMPORT_FAILED), error)
    records: list[Record] = []
    if isinstance(error, FileNotFoundError):
        records.append(error_record("No such file or directory."))
    records.append(error_record(traceback_text(wrapper)))
    return StartFailure("load", wrapper, records)


def _app_root_contents(root: str) -> str:
    try:
        return f"Current contents of AML_APP_ROOT: {sorted(os.listdir(root))}"
    except OSError:
        return f"The directory {root} not an accessible directory in the container."


def _check_run(init: Callable[[], Any], run: Any, path: str, files: UserFiles) -> Script:  # noqa: ANN401 - unchecked yet
    """Check the parameters of run() (SIG-1 to SIG-3, SIG-9)."""
    place = function_place(run, files) if callable(run) else None
    expected = f"Write it as `def run(data):`, or `def run(data, {HEADERS_PARAMETER}):` to see the request headers too."
    if not callable(run):
        raise _shape_failure(
            f"run in the user script at {path} is a {type(run).__name__}, not a function.", hint=expected
        )
    try:
        parameters = inspect.signature(run).parameters
    except (TypeError, ValueError) as error:
        text = f"The parameters of run() in the user script at {path} cannot be found out: {error}"
        raise _shape_failure(text, hint="Wrap it in a plain function: `def run(data): ...`.") from error

    refused = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    names = [name for name in parameters if name != HEADERS_PARAMETER]
    problem = None
    if any(parameter.kind in refused for parameter in parameters.values()):
        problem = "run() cannot accept positional-only arguments, *args, or **kwargs."
    elif not parameters:
        problem = "run() needs to accept an argument for input data."
    elif not names:
        problem = f'run() needs to accept an argument other than "{HEADERS_PARAMETER}".'
    if problem is not None:
        raise _shape_failure(problem, hint=expected, place=place)
    defaults = {name: parameters[name].default for name in names}
    return Script(init, run, defaults, headers=HEADERS_PARAMETER in parameters, raw=is_raw())


def _decide_mode(script: Script, path: str) -> None:
    """Find out what run() is called with (SIG-4, SIG-5)."""
    try:
        schemas = find_schemas(script.run)
    except Exception as error:  # the declared types may be the script's own
        text = f"The schema declared for run() in the user script at {path} cannot be written as JSON: {error}"
        raise _shape_failure(text, hint="input_to_swagger() returns a JSON schema with its `example`.") from error
    if script.raw and schemas is not None:
        raise _shape_failure(
            "run() cannot be decorated with both @rawhttp and @input_schema",
            hint="Remove one of them: a raw run() reads the request itself, whatever is declared.",
        )
    script.schemas = schemas
    if script.raw:
        _log.info("run() is decorated with @rawhttp. Server will invoke it with the flask request object.")
    elif schemas is not None:
        names = ", ".join(script.parameters)
        _log.info(
            f"run() is decorated with @input_schema. Server will invoke it with the following arguments: {names}."
        )
    else:
        _log.info("run() is not decorated. Server will invoke it with the input in JSON string.")


def _shape_failure(message: str, **details: Any) -> StartFailure:  # noqa: ANN401 - passed on
    error = UserScriptException(message)
    return StartFailure("shape", error, [error_record(traceback_text(error))], **details)


def _is_async(run: Callable[..., Any]) -> bool:
    candidates = (run, getattr(run, "__call__", None))  # noqa: B004 - an object with `async def __call__` counts
    return any(inspect.iscoroutinefunction(item) or inspect.isasyncgenfunction(item) for item in candidates)
