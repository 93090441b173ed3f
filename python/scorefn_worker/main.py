"""The life of a worker: handshake, load, init, serve, leave."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import traceback
from collections.abc import Awaitable
from typing import Any

from . import logs, process
from .aio import AsyncLoop, run_forever
from .channel import Channel, FrontGone
from .failures import ProtocolMismatch, StartFailure
from .frames import FrameError, encode_json
from .interrupts import Interrupts
from .locate import UserFiles
from .loop import SyncLoop
from .protocol import (
    EXIT_FAILED,
    EXIT_FAULT,
    EXIT_STOPPED,
    HELLO,
    LOADED,
    PROTOCOL_VERSION,
    READY,
    WORKER_HELLO,
    Settings,
    error_record,
)
from .report import failed_frame
from .script import Script, begin_init, end_init, extend_import_path, init_failure, load_script


def main() -> None:
    """Be a worker until the front says STOP or is gone. Does not return."""
    pipe = process.claim_pipe()
    process.enable_fault_handler()
    process.ignore_stop_signals()
    channel = Channel(pipe)
    interrupts = Interrupts(channel)
    interrupts.install()
    try:
        code = _work(channel, interrupts)
    except FrontGone:
        process.leave(EXIT_STOPPED, limit_s=None)
    except FrameError as error:
        sys.stderr.write(f"scorefn worker {os.getpid()}: {error}\n")
        process.leave(EXIT_FAULT)
    except BaseException:
        # A fault of the worker's own. Left to Python, the process would first wait for the script's threads.
        traceback.print_exc()
        process.leave(EXIT_FAULT)
    else:
        process.leave(code)


def _work(channel: Channel, interrupts: Interrupts) -> int:
    """Do everything from HELLO to STOP and return the exit code."""
    hello = {"protocol": PROTOCOL_VERSION, "runtime": f"python {platform.python_version()}", "pid": os.getpid()}
    channel.send(encode_json(WORKER_HELLO, 0, hello))
    settings = Settings({})
    files = UserFiles(settings.app_root, None, None)
    try:
        settings = Settings(_front_hello(channel))
        files = UserFiles(settings.app_root, settings.entry_script, settings.source_directory)
        # First, for logging.json may name classes of the user's own.
        extend_import_path(settings)
        undo_logs = logs.install(settings.log_level, settings.logging)
        process.release_in_children(channel.close_in_child, undo_logs)
        process.watch_front(channel.sock)
        sys.argv[:] = [settings.entry_script or ""]
        script = load_script(settings, files)
        facts = {"takes": script.takes, "concurrent": script.concurrent}
        channel.send(encode_json(LOADED, 0, facts))
        if script.concurrent:
            run_forever(_serve_async(channel, script, settings, files))
        else:
            _serve_sync(channel, script, settings, interrupts, files)
    except StartFailure as failure:
        channel.send(failed_frame(failure, files))
        return EXIT_FAILED
    return EXIT_STOPPED


def _front_hello(channel: Channel) -> dict[str, Any]:
    """Receive the front's HELLO and check its version.

    Raises:
        StartFailure: stage "protocol".
    """
    kind, _, payload = channel.receive()
    if kind != HELLO:
        raise FrameError(f"the first frame is of type {kind}, not HELLO")
    hello: dict[str, Any] = json.loads(payload)
    if hello.get("protocol") != PROTOCOL_VERSION:
        text = f"The worker speaks protocol {PROTOCOL_VERSION}, the front speaks protocol {hello.get('protocol')}."
        raise StartFailure("protocol", ProtocolMismatch(text), [error_record(text)])
    return hello


def _serve_sync(channel: Channel, script: Script, settings: Settings, interrupts: Interrupts, files: UserFiles) -> None:
    """Call init() and answer requests, for a script whose run() is synchronous."""
    try:
        remaining = begin_init(script)
        if remaining is not None:
            asyncio.run(_finish(remaining))
    except BaseException as error:  # SystemExit in init() is a failure like any other (INIT-2)
        raise init_failure(error) from error
    end_init()
    channel.send(encode_json(READY, 0, {}))
    SyncLoop(channel, script, interrupts, files).serve()


async def _serve_async(channel: Channel, script: Script, settings: Settings, files: UserFiles) -> None:
    """The same on one event loop, so that init() can make what run() awaits."""
    try:
        remaining = begin_init(script)
        if remaining is not None:
            await _finish(remaining)
    except BaseException as error:
        raise init_failure(error) from error
    end_init()
    channel.send(encode_json(READY, 0, {}))
    await AsyncLoop(channel, script, files, settings.concurrency).serve()


async def _finish(remaining: Awaitable[Any]) -> None:
    """Make a coroutine of what init() returned, which may be any awaitable."""
    await remaining
