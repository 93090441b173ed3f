"""One sentence on what to do about a model that cannot be loaded."""

from __future__ import annotations

import os
import platform
import re
import sys

from ..failures import chain
from ..report import message_of

_REQUIREMENTS = "requirements.txt"

_PICKLE_MODULES = ("pickle", "cloudpickle", "joblib")
_DAMAGE = (EOFError, FileNotFoundError, MemoryError)
_DAMAGE_NAMES = ("BadZipFile", "UnpicklingError")
"""What readers of pickles and of zip files raise where they read nonsense: lengths that no memory has, too."""

_ENVIRONMENT = f"into the environment of {sys.executable}"


def hint_for_load(error: BaseException, path: str, described: str | None) -> str | None:
    """Find the hint for an exception raised while a model was loaded. Never throws.

    Args:
        error: The exception.
        path: The model's folder.
        described: The text of its file MLmodel; None where it could not be read.
    """
    try:
        return _hint(error, path, described)
    except Exception:
        return None


def _hint(error: BaseException, path: str, described: str | None) -> str | None:
    if described is None:
        return f"{os.path.join(path, 'MLmodel')} must be a text file in UTF-8, as mlflow writes it."
    if not re.search(r"(?m)^flavors:", described) or _module_of(error).startswith("yaml"):
        return f"{os.path.join(path, 'MLmodel')} is not what mlflow writes: copy all of the model's folder again."
    missing = next((link for link in chain(error) if isinstance(link, ImportError) and link.name), None)
    if missing is not None:
        return _missing_module(str(missing.name), path)
    if '"python_function" flavor' in message_of(error):
        section = re.search(r"(?m)^flavors:.*\n((?:[ \t].*\n?)*)", described)
        flavours = ", ".join(re.findall(r"(?m)^  (\w+):", section[1] if section else ""))
        return (
            f"Its flavours are: {flavours or 'none'}. Only a model with the flavour python_function can be asked from "
            "Python; save it with the library's own mlflow.<library>.save_model()."
        )
    if re.search("#|%[0-9A-Fa-f]{2}", path) and type(error).__name__ == "MlflowException":
        return f"The path {path} has a # or a %, which MLflow takes for those of URLs. Rename the folder."
    return _other_version(error, described, path)


def _missing_module(module: str, path: str) -> str:
    package = module.split(".")[0]
    install = _install(path)
    if package == "mlflow":
        if module == "mlflow":
            return f"MLflow is not installed; mlflow-skinny is enough, with numpy and pandas. Install them: {install}."
        return (
            f"This MLflow has no {module}: the model was saved by another one. Install what it was saved with: "
            f"{install}."
        )
    if package == "skops":
        # MLflow names it in requirements.txt only where it has written that file itself (MLF-15).
        return f"MLflow 3 saves scikit-learn models with skops. Install it: pip install skops {_ENVIRONMENT}."
    if package == "pkg_resources":
        return f"An old MLflow needs an old setuptools. Install it: pip install 'setuptools<81' {_ENVIRONMENT}."
    return f"The model needs {package}. Install what it was saved with: {install}."


def _install(path: str) -> str:
    requirements = os.path.join(path, _REQUIREMENTS)
    what = f"-r {requirements}" if os.path.exists(requirements) else "mlflow-skinny numpy pandas"
    return f"pip install {what} {_ENVIRONMENT}"


def _other_version(error: BaseException, described: str, path: str) -> str | None:
    """Point to another version of Python, which pickled functions do not survive, or of packages."""
    found = re.search(r"(?m)^\s+python_version:\s*['\"]?(\d+\.\d+)", described)
    here = ".".join(platform.python_version_tuple()[:2])
    if found is not None and found[1] != here:
        return (
            f"The model was saved with Python {found[1]}, and {sys.executable} is Python {here}, which may not read "
            f"what another version has pickled. Serve it with Python {found[1]}."
        )
    if isinstance(error, _DAMAGE) or type(error).__name__ in _DAMAGE_NAMES:
        return f"A file of the model may be damaged or cut off. Copy all of {path} again."
    if isinstance(error, (AttributeError, TypeError, ValueError)) or _module_of(error) in _PICKLE_MODULES:
        return f"Its packages may be of other versions than it was saved with. Install those: {_install(path)}."
    return None


def _module_of(error: BaseException) -> str:
    return type(error).__module__.lstrip("_")
