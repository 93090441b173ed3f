"""The exceptions that end traceback texts as the contract words them, and the one that ends a start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .protocol import Record

if TYPE_CHECKING:
    from .locate import Place

IMPORT_FAILED = "Failed to import user script because it raised an unhandled exception"
UNHANDLED = "Caught an unhandled exception from the user script"


class UserScriptException(Exception):
    """The score script is at fault (contract LOAD-11, SIG, INIT-2, ERR-12)."""


class UserScriptImportException(UserScriptException):
    """The score script could not be imported (contract LOAD-9)."""


class BadInput(ValueError):
    """A request's body does not fit; the message is the text for the client (contract ERR-1, ERR-2)."""

    type_in_report = "BadInput"


class UnusableRequest(Exception):
    """Of what the front sent no request can be made: that fails this request, and no more."""


class ProtocolMismatch(Exception):
    """Front and worker speak different versions of the protocol."""


class StartFailure(Exception):
    """Loading, checking or initialising the script failed; the front is told and the worker ends."""

    def __init__(
        self,
        stage: str,
        error: BaseException,
        records: list[Record],
        *,
        hint: str | None = None,
        place: Place | None = None,
    ) -> None:
        """Take what FAILED carries.

        Args:
            stage: "protocol", "load", "model", "shape" or "init".
            error: What is reported; its cause is where the failure is located.
            records: Log records for the front to write, in order.
            hint: What to do, when the place that raised knows better than hints.py could guess.
            place: Where it happened, when the traceback does not say.
        """
        super().__init__(stage)
        self.stage = stage
        self.error = error
        self.records = records
        self.hint = hint
        self.place = place


def caused_by(wrapper: UserScriptException, cause: BaseException) -> UserScriptException:
    """Chain without raising, so that the wrapper's part of the traceback text shows no frames of ours."""
    wrapper.__cause__ = cause
    return wrapper


def chain(error: BaseException) -> Iterator[BaseException]:
    """Walk an exception and what led to it, each once."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        yield link
        seen.add(id(link))
        link = link.__cause__ or link.__context__
