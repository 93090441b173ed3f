"""A model as the loops see it: in place of a score script."""

from __future__ import annotations

from typing import Any, Callable

from ..locate import UserFiles
from ..raw.calls import PlainCall
from ..script import Script
from ..tracing import has_tracing

Facts = dict[str, Any]

_CALL = PlainCall()


class ModelScript(Script):
    """A model that is loaded; its run() takes a Request. What it raises as BadInput is the client's fault."""

    def __init__(
        self,
        run: Callable[..., Any],
        *,
        models: list[Facts],
        schemas: dict[str, Any] | None,
        render: Callable[[Any], str],
    ) -> None:
        """Join what the loops need.

        Args:
            run: Answers a `request`: with what `render` takes, or with an Answer.
            models: As LOADED has them.
            schemas: As LOADED has them.
            render: Makes JSON text of what run() returns.
        """
        super().__init__(_nothing, run, {"request": None}, headers=False)
        self.takes = "model"
        self.schemas = schemas
        self.render = render
        self._models = models

    def facts(self) -> dict[str, Any]:
        """Make the payload of LOADED."""
        schemas = {} if self.schemas is None else {"schemas": self.schemas}
        return {"takes": self.takes, "concurrent": False, "input": "json", **schemas, "models": self._models}

    def call(self, _arguments: dict[str, Any]) -> PlainCall:
        """Surround a call with nothing: a model knows no request of Flask."""
        return _CALL

    def ready(self, _files: UserFiles) -> dict[str, Any]:
        """Make the payload of READY."""
        self.traces = has_tracing()
        return {"traces": True} if self.traces else {}


def _nothing() -> None:
    """Have nothing left to do: the model is loaded."""
