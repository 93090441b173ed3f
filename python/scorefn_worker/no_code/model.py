"""An MLflow model as the protocols ask it."""

from __future__ import annotations

import inspect
import logging
from typing import Any

from ..failures import BadInput
from ..logs import SCRIPT_LOGGER
from ..report import traceback_text
from .exact_tables import Exact, exact_tables
from .faults import Unreadable, is_of_the_caller, is_of_the_data, text_for_caller

_log = logging.getLogger(SCRIPT_LOGGER)


class MlflowModel:
    """A model that mlflow.pyfunc has loaded."""

    def __init__(self, name: str, path: str, pyfunc: Any) -> None:  # noqa: ANN401 - mlflow.pyfunc.PyFuncModel
        """Take the model, and note what is asked at each request.

        Args:
            name: In paths and answers.
            path: Its folder.
            pyfunc: What `mlflow.pyfunc.load_model` returned.
        """
        self.name = name
        self.path = path
        self.signature: Any = pyfunc.metadata.signature
        """MLflow's ModelSignature, or None."""
        self.inputs: Any = getattr(self.signature, "inputs", None)
        """MLflow's Schema, or None; also `outputs`."""
        self.outputs: Any = getattr(self.signature, "outputs", None)
        self.params: Any = getattr(self.signature, "params", None)
        """MLflow's ParamSchema, or None: versions before 2.6 have none."""
        from_hints = getattr(pyfunc.metadata, "_is_signature_from_type_hint", None)
        self.takes_list: bool = bool(from_hints and from_hints())
        """Its signature was made of type hints, by which it takes a list (MLF-9)."""
        self.example: dict[str, Any] | None = getattr(pyfunc.metadata, "saved_input_example_info", None)
        self.exact = None if self.takes_list else exact_tables(pyfunc, self.inputs, self.params)
        """Makes tables that need no check; None: MLflow has to look at all."""
        self._pyfunc = pyfunc
        self._takes_params = "params" in inspect.signature(pyfunc.predict).parameters

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Ask the model.

        Raises:
            BadInput: the data do not fit the signature, or the model does not want them.
            BaseException: whatever else the model raises.
        """
        try:
            is_exact = type(data) is Exact
            if is_exact:
                data = data.table
            if self.exact is not None and not params and (is_exact or self.exact.fits(data)):
                return self.exact.ask(data)
            if self._takes_params:
                return self._pyfunc.predict(data, params=params)
            return self._pyfunc.predict(data)
        except Exception as error:
            if is_of_the_caller(error):
                raise BadInput(text_for_caller(error)) from None
            if is_of_the_data(error, is_checked=self.inputs is not None):
                _log.warning(f"The model does not take the input: {traceback_text(error)}")
                raise Unreadable(
                    f"The model does not take the input ({type(error).__name__}). Verify that the data are what it was "
                    "trained with, without missing values; the server's log has its own words."
                ) from None
            raise
