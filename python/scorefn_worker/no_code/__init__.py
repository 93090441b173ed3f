"""A model in place of a score script: what the worker loads when HELLO names one. Imported only then."""

from __future__ import annotations

from typing import Any

from ..locate import UserFiles
from ..script import Script


def open_model(model: dict[str, Any], files: UserFiles) -> Script:
    """Load the model that HELLO names.

    Raises:
        StartFailure: stage "model".
    """
    raise NotImplementedError(f"{model} {files}")
