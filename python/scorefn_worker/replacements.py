"""Modules of the reference server that scripts and logging.json name, offered without anything being installed.

Scripts import AMLRequest, AMLResponse and rawhttp from `azureml_inference_server_http.api` or, as older ones do, from
`azureml.contrib.services` (contract API-1, API-2). These names are always ours, also where the real packages are
installed; everything else of real packages is left alone, and packages are stood in for only where there are no real
ones (LOG-7 needs one, too).
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

_SERVER = "azureml_inference_server_http"
_LOG_CONFIG = f"{_SERVER}.log_config"
_AML_REQUEST = f"{_SERVER}.api.aml_request"
_AML_RESPONSE = f"{_SERVER}.api.aml_response"

_ALIASES = {
    "azureml.contrib.services.aml_request": _AML_REQUEST,
    "azureml.contrib.services.aml_response": _AML_RESPONSE,
}

_OURS = (_AML_REQUEST, _AML_RESPONSE, *_ALIASES)

_PACKAGES = (_SERVER, f"{_SERVER}.api", "azureml", "azureml.contrib", "azureml.contrib.services")


# None of the classes below inherits from those of importlib.abc: its import costs each worker some 5 milliseconds.


def install() -> None:
    """Let the script find them."""
    sys.meta_path.insert(0, ScriptApiFinder())
    sys.meta_path.append(AbsentModuleFinder())


class ScriptApiFinder:
    """Finds the script-facing modules before any real ones."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        """Find one of _OURS."""
        return ModuleSpec(fullname, ReplacementLoader()) if fullname in _OURS else None


class AbsentModuleFinder:
    """Finds what nobody else has found."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> ModuleSpec | None:
        """Find a package, or the module that logging.json names."""
        if fullname not in _PACKAGES and fullname != _LOG_CONFIG:
            return None
        return ModuleSpec(fullname, ReplacementLoader(), is_package=fullname in _PACKAGES)


class ReplacementLoader:
    """Fills the modules."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python to make the module."""

    def exec_module(self, module: ModuleType) -> None:
        """Give a module its names; an alias becomes the module it stands for."""
        name = module.__name__
        if name in _ALIASES:
            sys.modules[name] = importlib.import_module(_ALIASES[name])
        elif name in _PACKAGES:
            module.__path__ = SearchPath(name)  # type: ignore[assignment]
        elif name == _AML_REQUEST:
            from .raw.library import make_aml_request
            from .raw.switch import rawhttp

            _set_names(module, AMLRequest=make_aml_request(), rawhttp=rawhttp)
        elif name == _AML_RESPONSE:
            from .raw.library import make_aml_response

            _set_names(module, AMLResponse=make_aml_response())
        else:
            from .logging_config import AMLLogFormatter, RootAccessFilter

            _set_names(module, AMLLogFormatter=AMLLogFormatter, RootAccessFilter=RootAccessFilter)


class SearchPath(Sequence[str]):
    """Where a real package of this name would have its modules: looked up when asked, for scripts extend sys.path."""

    def __init__(self, package: str) -> None:
        """Take the package's full name."""
        self._parts = package.split(".")

    def __getitem__(self, index: int) -> str:  # type: ignore[override]
        """Folder by position."""
        return os.path.join(sys.path[index], *self._parts)

    def __len__(self) -> int:
        """Count the folders."""
        return len(sys.path)

    def __iter__(self) -> Iterator[str]:
        """Iterate over a copy, for imports may change sys.path."""
        return iter([os.path.join(entry, *self._parts) for entry in sys.path])


def _set_names(module: ModuleType, **names: object) -> None:
    for name, value in names.items():
        setattr(module, name, value)
    module.__all__ = list(names)  # type: ignore[attr-defined]
