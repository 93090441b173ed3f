"""JSON text of what a model returned, as MLflow's server writes it (MLF-12), but for NaN and infinities."""

from __future__ import annotations

import json
import logging
from typing import Any

from ..logs import SERVER_LOGGER
from ..results import StrictResult
from .answers import JsonText

_NOT_FINITE = (
    "The model returned NaN or Infinity; the client gets null, for JSON has neither.",
    "Have the model return other values there, or ask for binary tensors.",
)
"""What is warned of: what happened, and what to do; the worker for Node says the same (protocol/table-answer.ts)."""

_log = logging.getLogger(SERVER_LOGGER)


class NoJsonForm(Exception):
    """The model returned what JSON cannot hold."""


class ModelRenderer:
    """Makes JSON texts of results. NaN and infinities become null, which is a missing number in requests, too."""

    def __init__(self, *, strict: bool) -> None:
        """Choose between one warning and, with `strict`, an error each time. MLflow must have been imported."""
        self._strict = strict
        self._has_warned = False
        encoder = _encoder_class()
        self._encode = encoder(allow_nan=False).encode
        self._encode_all = encoder().encode

    def render(self, result: Any) -> str:  # noqa: ANN401 - what run() of a model returned
        """Make the JSON text of a result.

        Raises:
            NoJsonForm, StrictResult: see the classes.
        """
        if type(result) is JsonText:
            return result.text
        try:
            return self._encode(result)
        except TypeError as error:
            raise NoJsonForm(f"The model returned what JSON has no form for: {error}") from error
        except ValueError as error:
            # NaN, or a value that holds itself; the second attempt tells which.
            text = self._encode_all(result)
            self._complain(error)
            # No other constants than NaN and infinities come here.
            return json.dumps(json.loads(text, parse_constant=_null))

    def _complain(self, error: ValueError) -> None:
        what, cure = _NOT_FINITE
        if self._strict:
            raise StrictResult(what, cure) from error
        if not self._has_warned:
            self._has_warned = True
            _log.warning(f"{what} {cure} With --strict it would be a 500.")


def _null(_name: str) -> None:
    """Read a word that JSON does not know."""


def _encoder_class() -> type[json.JSONEncoder]:
    # Here, for only a process that has MLflow can.
    from mlflow.utils.proto_json_utils import NumpyEncoder

    class Encoder(NumpyEncoder):  # type: ignore[misc, valid-type]
        """MLflow's, which names what it cannot write."""

        def default(self, o: Any) -> Any:  # noqa: ANN401
            """Write what JSON does not know by itself."""
            try:
                return super().default(o)
            except TypeError:
                raise NoJsonForm(f"The model returned a {type(o).__name__}, which JSON has no form for") from None

    return Encoder
