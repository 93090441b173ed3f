"""The life of a worker: handshake, load, init, serve, leave."""

from __future__ import annotations

import inspect
import json
import os
import platform
import sys
import traceback
from collections.abc import Awaitable
from functools import partial
from typing import Any, Callable

from . import debugger, lifeline, logs, process, replacements
from .channel import Channel, FrontGone
from .failures import ProtocolMismatch, StartFailure
from .frames import FrameError, encode_json
from .interrupts import Interrupts
from .locate import UserFiles
from .loop import SyncLoop
from .preload import fork_workers
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
    lifeline.hold()
    channel = Channel(*process.claim_pipes())
    process.enable_fault_handler()
    process.ignore_stop_signals()
    interrupts = Interrupts()
    interrupts.install()
    try:
        code = _work(channel, interrupts)
    except FrontGone:
        lifeline.clean_up()
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
    _send_hello(channel)
    settings = Settings({})
    files = UserFiles(settings.app_root, None, None)
    try:
        settings = Settings(_front_hello(channel))
        files = UserFiles(settings.app_root, settings.entry_script, settings.source_directory)
        if settings.fork_socket is not None:
            lifeline.remove_at_end(settings.fork_socket)
        if settings.fresh:
            # Here, for few need it.
            from . import fresh

            fresh.install()
        # First, for logging.json may name classes of the user's own.
        extend_import_path(settings)
        replacements.install()
        undo_logs = logs.install(settings.log_level, settings.logging, is_json=settings.log_format == "json")
        releases = [undo_logs]
        if settings.records:
            channel = _record(channel, settings, releases)
        process.release_in_children(channel.close_in_child, *releases)
        if settings.debug_port is not None:
            debugger.connect(settings.debug_port)
        sys.argv[:] = [settings.entry_script or ""]
        script = _load(settings, files)
        channel.decodes = script.schemas is None  # JSON is read in whatever encoding it comes
        channel.send(encode_json(LOADED, 0, script.facts()))
        initialised = False
        if settings.fork_socket is not None:
            # What an async init() makes belongs to the event loop on which run() will await it: each worker's own.
            initialised = not (script.concurrent and inspect.iscoroutinefunction(script.init))
            if initialised:
                _initialise(script)
            channel.send(encode_json(READY, 0, {}))
            if not fork_workers(channel, settings.fork_socket, settings.fork_secret):
                return EXIT_STOPPED
            _begin_again(channel, script)
        if script.concurrent:
            # Here and below: asyncio takes a worker longer to import than all of its own modules.
            from .aio import run_forever

            run_forever(_serve_async(channel, script, settings, files, initialised=initialised))
        else:
            if not initialised:
                _initialise(script)
            channel.send(encode_json(READY, 0, script.ready(files)))
            SyncLoop(channel, script, interrupts, files).serve()
    except StartFailure as failure:
        channel.send(failed_frame(failure, files))
        return EXIT_FAILED
    return EXIT_STOPPED


def _load(settings: Settings, files: UserFiles) -> Script:
    if settings.model is None:
        return load_script(settings, files)
    # Here, for few need it.
    from .no_code import open_model

    return open_model(settings.model, strict=settings.strict)


def _record(channel: Channel, settings: Settings, releases: list[Callable[[], None]]) -> Channel:
    """Hand over the script's records from now on, to the last one. Returns the pipe to use instead."""
    # Here, for few need them.
    from . import records
    from .record_channel import LAST_WAIT_MS

    recording, undo = records.install(channel, settings.logging)
    process.at_end(partial(recording.hand_over, LAST_WAIT_MS))
    releases.append(undo)
    return recording


def _send_hello(channel: Channel) -> None:
    hello = {"protocol": PROTOCOL_VERSION, "runtime": f"python {platform.python_version()}", "pid": os.getpid()}
    channel.send(encode_json(WORKER_HELLO, 0, hello))


def _front_hello(channel: Channel) -> dict[str, Any]:
    """Receive the front's HELLO and check its version.

    Raises:
        StartFailure: stage "protocol".
    """
    kind, _, payload, _ = channel.receive()
    if kind != HELLO:
        raise FrameError(f"the first frame is of type {kind}, not HELLO")
    hello: dict[str, Any] = json.loads(payload)
    if hello.get("protocol") != PROTOCOL_VERSION:
        text = f"The worker speaks protocol {PROTOCOL_VERSION}, the front speaks protocol {hello.get('protocol')}."
        raise StartFailure("protocol", ProtocolMismatch(text), [error_record(text)])
    return hello


def _begin_again(channel: Channel, script: Script) -> None:
    """Shake hands as a forked worker, whose script is loaded already."""
    _send_hello(channel)
    _front_hello(channel)
    channel.send(encode_json(LOADED, 0, script.facts()))


def _initialise(script: Script) -> None:
    """Call init() without an event loop of its own; one that is async gets a loop for as long as it takes.

    Raises:
        StartFailure: stage "init".
    """
    try:
        remaining = begin_init(script)
        if remaining is not None:
            import asyncio

            asyncio.run(_finish(remaining))
    except BaseException as error:  # SystemExit in init() is a failure like any other (INIT-2)
        raise init_failure(error) from error
    end_init()


async def _serve_async(
    channel: Channel, script: Script, settings: Settings, files: UserFiles, *, initialised: bool
) -> None:
    """Call init() and answer requests on one event loop, so that init() can make what run() awaits."""
    if not initialised:
        try:
            remaining = begin_init(script)
            if remaining is not None:
                await _finish(remaining)
        except BaseException as error:
            raise init_failure(error) from error
        end_init()
    channel.send(encode_json(READY, 0, script.ready(files)))
    from .aio import AsyncLoop

    await AsyncLoop(channel, script, files, settings.concurrency).serve()


async def _finish(remaining: Awaitable[Any]) -> None:
    """Make a coroutine of what init() returned, which may be any awaitable."""
    await remaining
