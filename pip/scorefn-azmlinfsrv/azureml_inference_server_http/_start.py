"""Starts the server, unless the package whose names these are is here, too."""

from __future__ import annotations

import os
import sys

from scorefn import launch

REFERENCE = "azureml_inference_server_http-"
"""What the folder of the reference's metadata begins with."""


def main() -> None:
    """Run azmlinfsrv with this process's arguments; does not return."""
    _refuse_beside_reference(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    launch.run("azmlinfsrv", sys.argv[1:])


def _refuse_beside_reference(place: str) -> None:
    """End when it is installed in the same folder: there, files of one stand in place of the other's."""
    if any(name.startswith(REFERENCE) for name in os.listdir(place)):
        sys.exit(
            "azmlinfsrv: scorefn-azmlinfsrv and azureml-inference-server-http own the same names, and both are "
            f"installed in {place}; pip uninstall both, then pip install the one that is to serve"
        )
