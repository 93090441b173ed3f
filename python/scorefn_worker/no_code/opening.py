"""Loads an MLflow model with the user's own MLflow, and says what is missing where that fails."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import warnings
from collections.abc import Iterator
from typing import Any

from ..failures import StartFailure, UserScriptException, caused_by
from ..logs import SCRIPT_LOGGER
from ..protocol import error_record
from ..report import traceback_text
from .advice import hint_for_load
from .facts import model_facts
from .model import MlflowModel
from .render import ModelRenderer
from .script import ModelScript
from .serving import Serving
from .swagger import schemas_of

MLMODEL = "MLmodel"

_LEVEL_VARIABLE = "MLFLOW_LOGGING_LEVEL"
_TELEMETRY_VARIABLE = "MLFLOW_DISABLE_TELEMETRY"
"""MLflow 3 reports to its makers what it is used for, unless this is set; who wants that sets it to false."""

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""Of terminals, in which MLflow writes some warnings."""

_log = logging.getLogger(SCRIPT_LOGGER)


class ModelLoadException(UserScriptException):
    """The model could not be loaded."""


def open_mlflow(path: str, name: str, *, strict: bool) -> ModelScript:
    """Load the model in a folder.

    Args:
        path: The folder with the file MLmodel.
        name: In paths and answers.
        strict: Whether warnings about results are errors.

    Raises:
        StartFailure: stage "model".
    """
    described = None
    try:
        described = _read_mlmodel(path)
        model = MlflowModel(name, path, _load(path))
        facts = model_facts(model)
        schemas = schemas_of(model)
        renderer = ModelRenderer(strict=strict)
    except BaseException as error:  # SystemExit in a model's own code is a failure like any other
        wrapper = caused_by(ModelLoadException(f"The model in {path} could not be loaded"), error)
        hint = hint_for_load(error, path, described)
        raise StartFailure("model", wrapper, [error_record(traceback_text(wrapper))], hint=hint) from error
    _log.info(f"Loaded the MLflow model in {path}")
    return ModelScript(Serving(model).run, models=[facts], schemas=schemas, render=renderer.render)


def _read_mlmodel(path: str) -> str:
    """Read the description as text; MLflow reads it once more, as YAML."""
    with open(os.path.join(path, MLMODEL), encoding="utf-8") as file:
        return file.read()


def _load(path: str) -> Any:  # noqa: ANN401 - mlflow.pyfunc.PyFuncModel
    os.environ.setdefault(_TELEMETRY_VARIABLE, "true")
    # Never MLflow's server, which needs packages that mlflow-skinny lacks (MLF-18).
    import mlflow.pyfunc
    import mlflow.utils.proto_json_utils

    with _in_our_log(logging.getLogger("mlflow")):
        return mlflow.pyfunc.load_model(path)


@contextlib.contextmanager
def _in_our_log(logger: logging.Logger) -> Iterator[None]:
    """Have what MLflow and the libraries warn of while they load written into the worker's log, each text once.

    Later MLflow would warn at each request, of columns and parameters that it does not use.
    """
    logger.handlers = []
    logger.propagate = True
    logger.parent = _log
    is_ours = _LEVEL_VARIABLE not in os.environ
    if is_ours:
        logger.setLevel(logging.WARNING)
    seen: set[str] = set()

    def show(message: Warning | str, *_rest: Any, **_named: Any) -> None:  # noqa: ANN401 - as in warnings
        text = _COLOURS.sub("", str(message))
        if text not in seen:
            seen.add(text)
            _log.warning(text)

    before, warnings.showwarning = warnings.showwarning, show
    try:
        yield
    finally:
        warnings.showwarning = before
        if is_ours:
            logger.setLevel(logging.ERROR)
