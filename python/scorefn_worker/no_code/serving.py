"""The run() of an MLflow model: the path says the protocol."""

from __future__ import annotations

from typing import Any

from .invocations import answer_invocations
from .model import MlflowModel
from .request import Request
from .score import answer_score

_INFER = "/v2/"
_INVOCATIONS = "/invocations"


class Serving:
    """Answers requests to one model."""

    def __init__(self, model: MlflowModel) -> None:
        """Take the model."""
        self._model = model

    def run(self, request: Request) -> Any:  # noqa: ANN401 - what ModelRenderer renders, or an Answer
        """Answer one request.

        Raises:
            BadInput: the client is at fault.
            BaseException: whatever the model raises.
        """
        if request.path.startswith(_INFER):
            # Here, for few clients speak it.
            from .oip import answer_infer

            return answer_infer(request.path, request.headers, request.body, self._model)
        if request.path == _INVOCATIONS:
            return answer_invocations(request, self._model)
        return answer_score(request, self._model)
