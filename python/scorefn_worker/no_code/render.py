"""JSON text of what a model returned, as MLflow's server writes it (MLF-12)."""

from __future__ import annotations

import json
import logging
from typing import Any

from ..logs import SERVER_LOGGER
from ..results import StrictResult
from .answers import JsonText

_NOT_A_NUMBER = (
    "The model returned NaN or Infinity; the client gets text that is not valid JSON.",
    "Have the model return other values there.",
)
"""What is warned of: what happened, and what to do."""

_log = logging.getLogger(SERVER_LOGGER)


class NoJsonForm(Exception):
    """The model returned what JSON cannot hold."""


class ModelRenderer:
    """Makes JSON texts of results; NaN is treated as it is for scripts."""

    def __init__(self, *, strict: bool) -> None:
        """Choose between a warning and, with `strict`, an error for NaN. MLflow must have been imported."""
        self._strict = strict
        self._encoder = _encoder_class()
        self._encode = self._encoder(allow_nan=False).encode

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
            encode = self._encoder().encode
            text = encode(result)
            what, cure = _NOT_A_NUMBER
            if self._strict:
                raise StrictResult(what, cure) from error
            _log.warning(f"{what} {cure} With --strict it would be a 500.")
            self._encode = encode
            return text


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
