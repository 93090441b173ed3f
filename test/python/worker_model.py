"""What a worker may say (protocol, §4 and §6), told from what it was sent; test/src/node-worker/worker-model.ts is the
same for the Node loop."""

from __future__ import annotations

from dataclasses import dataclass

from scorefn_worker import protocol as p


@dataclass
class Sent:
    """A request of the front."""

    begin_by: int
    state: str = "sent"
    is_late: bool = False
    """Its time had passed when BEGUN was written."""
    has_run: bool = False
    credit: int = p.STREAM_CREDIT_BYTES
    used: int = 0


class WorkerModel:
    """Raises AssertionError at the first thing that the worker must not say or do.

    `written` and `runs` are called by the loop's thread, the others by the front's; neither changes what the other
    does, for a lock could not be held where a signal may raise.
    """

    def __init__(self, concurrency: int, *, takes_all_along: bool = False) -> None:
        """Begin with nothing sent. `takes_all_along`: an answer brings all that was noted before it."""
        self.faults: list[AssertionError] = []
        self._takes_all_along = takes_all_along
        self._noted: list[str] = []
        self._told = 0
        """How many records were handed over or dropped."""
        self._sent: dict[int, Sent] = {}
        self._concurrency = concurrency
        self._recalls = 0
        self._answers = 0
        self._last_run = 0

    def run(self, request: int, begin_by: int) -> None:
        self._sent[request] = Sent(begin_by)

    def recall(self) -> None:
        self._recalls += 1

    def credit(self, request: int, count: int) -> None:
        if request in self._sent:
            self._sent[request].credit += count

    def streaming(self) -> list[int]:
        """Streams that may wait for the front."""
        return [request for request, sent in self._sent.items() if sent.state == "streaming"]

    def runs(self, request: int) -> None:
        """run() is called."""
        with self._guard():
            sent = self._sent[request]
            assert not sent.has_run, f"request {request} runs twice"
            assert sent.state not in ("recalled", "ended"), f"request {request} runs when it is {sent.state}"
            assert not sent.begin_by or sent.state == "begun", f"request {request} runs without BEGUN"
            assert not sent.is_late, f"request {request} runs although its time had passed when BEGUN was written"
            assert request > self._last_run, f"request {request} runs after {self._last_run}"
            sent.has_run = True
            self._last_run = request
            # One sent at once may run while the pipe has not taken the answers before it.
            if sent.begin_by:
                self._check_room()

    def notes(self, text: str) -> None:
        """The script writes a record."""
        self._noted.append(text)

    def written(self, kind: int, request: int, text: str, now_ns: int) -> None:
        """A frame has been handed to the system, at this time."""
        with self._guard():
            if kind == p.RECALLED:
                self._recalled([int(word) for word in text.split(" ")[1].split(",")] if " " in text else [], now_ns)
                return
            if kind == p.RECORDS:
                self._recorded(text)
                return
            sent = self._sent[request]
            if kind in (p.RESULT, p.END) and self._takes_all_along:
                assert self._told == len(self._noted), f"{text} before {self._noted[self._told :]}"
            if kind == p.BEGUN:
                assert sent.begin_by and sent.state == "sent", f"BEGUN of {request}, which is {sent.state}"
                sent.state = "begun"
                sent.is_late = not p.is_in_time(sent.begin_by, now_ns)
                self._check_room()
                return
            if kind in (p.CHUNK, p.END):
                assert sent.state == "streaming", f"{text} of a request that is {sent.state}"
                if kind == p.END:
                    sent.state = "ended"
                else:
                    assert sent.credit > sent.used, f"{text} without credit"
                    sent.used += int(text.split(" ")[2])
                return
            has_begun = sent.state == "begun" or (not sent.begin_by and sent.state == "sent")
            assert has_begun or (kind == p.ERROR and sent.state == "streaming"), f"{text}, which is {sent.state}"
            assert sent.has_run or kind == p.ERROR, f"{text} without a run"
            sent.state = "streaming" if kind == p.RESPONSE and not text.endswith("whole") else "ended"

    def end(self) -> None:
        """The worker has stopped by itself."""
        if self.faults:
            raise self.faults[0]
        for request, sent in self._sent.items():
            if sent.begin_by:
                assert sent.state not in ("begun", "streaming"), f"request {request} is {sent.state} at the end"
            else:
                assert sent.state == "ended", f"request {request}, sent at once, is {sent.state} at the end"
            assert not sent.has_run or sent.state == "ended", f"request {request} has run and is {sent.state}"
        assert self._told == len(self._noted), f"neither handed over nor dropped: {self._noted[self._told :]}"
        assert self._recalls == self._answers, f"{self._recalls} RECALLs, {self._answers} answers"

    def _recorded(self, text: str) -> None:
        """Records come in order; between those of one frame and after them some may have been dropped."""
        messages, _, dropped = text.partition(" ")[2].partition(" +")
        found = [message for message in messages.split(",") if message]
        upto = self._told + len(found) + int(dropped or 0)
        assert upto <= len(self._noted), f"{text}, and only {self._noted[self._told :]} are outstanding"
        rest = iter(self._noted[self._told : upto])
        assert all(message in rest for message in found), f"{text} is out of order, or comes twice"
        assert found or dropped, "RECORDS of nothing"
        self._told = upto

    def _recalled(self, requests: list[int], now_ns: int) -> None:
        assert requests == sorted(requests), f"RECALLED {requests} is out of order"
        is_late = False
        for request in requests:
            sent = self._sent[request]
            assert sent.begin_by and not sent.has_run, f"RECALLED {request}, which was sent at once, or has run"
            # The clock may have moved on between the write of BEGUN and the second look.
            is_over = not p.is_in_time(sent.begin_by, now_ns)
            assert sent.state == "sent" or (sent.state == "begun" and is_over), f"RECALLED {request}: {sent.state}"
            is_late = is_late or sent.state == "begun"
            sent.state = "recalled"
        # One that was late is not the answer to a RECALL.
        if not is_late:
            self._answers += 1
            assert self._answers <= self._recalls, "a RECALLED that answers nothing"

    def _check_room(self) -> None:
        begun = [
            request
            for request, sent in list(self._sent.items())
            if sent.state in ("begun", "streaming") or (sent.state == "sent" and sent.has_run)
        ]
        assert len(begun) <= self._concurrency, f"{begun} have begun, of {self._concurrency} at a time"

    def _guard(self) -> _Guard:
        return _Guard(self)


class _Guard:
    """Keeps a fault for the end: an exception here would be taken for the script's, or for the pipe's."""

    def __init__(self, model: WorkerModel) -> None:
        self._model = model

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: object, _traceback: object) -> bool:
        if isinstance(error, AssertionError):
            self._model.faults.append(error)
            return True
        return False
