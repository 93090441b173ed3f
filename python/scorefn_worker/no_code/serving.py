"""The run() of an MLflow model: the path says the protocol."""

from __future__ import annotations

from typing import Any

from .invocations import answer_invocations
from .model import MlflowModel
from .oip import answer_infer
from .request import Request
from .score import answer_score

_INFER = "/v2/"
_INVOCATIONS = "/invocations"


class Serving:
    """Answers requests to one model."""

    def __init__(self, model: MlflowModel, max_body_bytes: int | None = None) -> None:
        """Take the model, and what bodies may have at most that come compressed."""
        self._model = model
        self._max_body_bytes = max_body_bytes

    def run(self, request: Request) -> Any:  # noqa: ANN401 - what ModelRenderer renders, or an Answer
        """Answer one request.

        Raises:
            BadInput: the client is at fault.
            BaseException: whatever the model raises.
        """
        request.max_body_bytes = self._max_body_bytes
        if request.path.startswith(_INFER):
            return answer_infer(request.path, request.headers, request.body, self._model, self._max_body_bytes)
        if request.path == _INVOCATIONS:
            return answer_invocations(request, self._model)
        return answer_score(request, self._model)
