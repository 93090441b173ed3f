"""A model in place of a score script: what the worker loads when HELLO names one. Imported only then."""

from __future__ import annotations

from typing import Any

from ..script import Script


def open_model(model: dict[str, Any], *, strict: bool) -> Script:
    """Load the model that HELLO names.

    Args:
        model: Its `kind`, `path` and `name`, and `maxBodyBytes` where bodies have a limit.
        strict: Whether warnings about results are errors.

    Raises:
        StartFailure: stage "model".
    """
    # Here, for this package is also looked into for its answers alone.
    from .opening import open_mlflow

    return open_mlflow(model["path"], model["name"], strict=strict, max_body_bytes=model.get("maxBodyBytes"))
