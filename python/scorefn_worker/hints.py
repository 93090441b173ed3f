"""One sentence on what to do about the common causes of a failed start or run."""

from __future__ import annotations

import os
import sys

from .failures import chain
from .locate import Place
from .raw.errors import FlaskNeeded

MODEL_DIR_VARIABLE = "AZUREML_MODEL_DIR"

_DISTRIBUTIONS = {
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "PIL": "Pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}
"""Packages whose name on PyPI is not that of their module."""

_CONVERSIONS = {
    "ndarray": "convert it with .tolist()",
    "Tensor": "convert it with .tolist()",
    "DataFrame": 'convert it with .to_dict(orient="records")',
    "Series": "convert it with .tolist()",
    "bytes": "decode it to text or encode it with base64",
    "set": "convert it with list() or sorted()",
    "datetime": "convert it with .isoformat()",
    "date": "convert it with .isoformat()",
    "Timestamp": "convert it with .isoformat()",
    "coroutine": "declare run() itself as `async def`, or await the coroutine",
    "async_generator": "declare run() itself as `async def`",
}


def hint_for(error: BaseException, place: Place | None) -> str | None:
    """Find the hint for an exception the script raised, or None. Never throws."""
    try:
        for link in chain(error):
            hint = _hint_for_one(link, place)
            if hint is not None:
                return hint
    except Exception:
        return None
    return None


def hint_for_type(value: object) -> str | None:
    """Find the hint for a value that JSON has no form for."""
    name = type(value).__name__
    if name in _CONVERSIONS:
        return f"A {name} has no JSON form; {_CONVERSIONS[name]} before returning it."
    if type(value).__module__ == "numpy":
        return f"numpy's {name} has no JSON form; convert it with .item() before returning it."
    return None


def _hint_for_one(error: BaseException, place: Place | None) -> str | None:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _module_hint(error.name, place)
    if isinstance(error, FlaskNeeded):
        return _install_hint("flask")
    if isinstance(error, FileNotFoundError) and error.filename is not None:
        path = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else str(error.filename)
        return f"There is no file {path} (current directory {os.getcwd()}). {_model_dir_state()}"
    if MODEL_DIR_VARIABLE not in os.environ and (
        (isinstance(error, KeyError) and error.args == (MODEL_DIR_VARIABLE,))
        or (isinstance(error, TypeError) and "NoneType" in str(error) and MODEL_DIR_VARIABLE in _source_of(place))
    ):
        return _model_dir_state()
    return None


def _module_hint(module: str, place: Place | None) -> str:
    package = module.split(".")[0]
    if place is not None:
        folder = os.path.dirname(os.path.abspath(place.filename))
        if os.path.exists(os.path.join(folder, f"{package}.py")) or os.path.isdir(os.path.join(folder, package)):
            return (
                f"{package} lies beside {os.path.basename(place.filename)}, but that folder is not on the import path; "
                "name it in AZUREML_SOURCE_DIRECTORY (relative to AML_APP_ROOT) or start the server in it."
            )
    return _install_hint(_DISTRIBUTIONS.get(package, package))


def _install_hint(distribution: str) -> str:
    return f"Install it: pip install {distribution} into the environment of {sys.executable}."


def _model_dir_state() -> str:
    value = os.environ.get(MODEL_DIR_VARIABLE)
    if value is None:
        return f"{MODEL_DIR_VARIABLE} is not set; set it with --model_dir."
    return f"{MODEL_DIR_VARIABLE} is {value}."


def _source_of(place: Place | None) -> str:
    return (place.location["source"] or "") if place is not None else ""
