"""Lets what a request starts in threads know whose it is."""

from __future__ import annotations

import sys
import threading
from functools import partial
from types import ModuleType
from typing import Any, Callable

from .after_import import AfterImport
from .logs import request_members

_is_followed = False


def follow_threads() -> None:
    """Have threads that a request starts, and what it hands to a pool of threads, write with its ids."""
    global _is_followed
    if _is_followed:
        return
    _is_followed = True
    plain_start = threading.Thread.start

    def start(self: threading.Thread) -> None:
        members = request_members.get()
        if members:
            self.run = partial(_run_with, members, self.run)  # type: ignore[method-assign]
        plain_start(self)

    threading.Thread.start = start  # type: ignore[method-assign]
    if "concurrent.futures.thread" in sys.modules:
        _follow_pool(sys.modules["concurrent.futures.thread"])
    else:
        AfterImport(lambda name: name == "concurrent.futures.thread", _follow_pool).watch()


def _follow_pool(module: ModuleType) -> None:
    pool: Any = module.ThreadPoolExecutor
    plain_submit = pool.submit

    def submit(self: Any, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        return plain_submit(self, partial(_run_with, request_members.get(), function), *arguments, **options)

    pool.submit = submit


def _run_with(members: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
    """Call the function; its thread may be one that an earlier request has started."""
    token = request_members.set(members)
    try:
        return function(*arguments, **options)
    finally:
        request_members.reset(token)
