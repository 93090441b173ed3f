"""The scenarios that both task loops pass (protocol §4 to §6); test/src/node-worker/scenarios.test.ts runs the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from loop_harness import SCENARIOS, LoopHarness, Said


def cases() -> Iterator[Any]:
    for file in sorted(SCENARIOS.glob("*.json")):
        for scenario in json.loads(file.read_text()):
            for kind in ("sync", "async"):
                if kind not in scenario.get("loops", (kind,)):
                    continue
                given = scenario.get("concurrency")
                if kind == "sync" and given is not None and given > 1 and "sync" not in scenario.get("loops", ()):
                    continue
                several = (1, 4) if given is None and kind == "async" else (given or 1,)
                for concurrency in several:
                    for whole in (True,) if scenario.get("cut") == "whole" else (True, False):
                        cut = "whole" if whole else "cut"
                        name = f"{scenario['rule']}: {scenario['name']} ({kind}, {concurrency}, {cut})"
                        yield pytest.param(kind, concurrency, whole, scenario, id=name)


@pytest.mark.parametrize(("kind", "concurrency", "whole", "scenario"), list(cases()))
def test_scenario(kind: str, concurrency: int, whole: bool, scenario: dict[str, Any]) -> None:
    harness = LoopHarness(kind, concurrency, records=scenario.get("records", False))
    front = Front(harness, whole=whole)

    def play() -> None:
        for step in scenario["steps"]:
            front.take(step)
        if not front.asks_to_stop:
            front.feed(["STOP"])

    harness.run(play)
    assert front.rest == []
    assert harness.hooks.ran == scenario["ran"]


class Front:
    """Takes the steps of a scenario."""

    def __init__(self, harness: LoopHarness, *, whole: bool) -> None:
        self.asks_to_stop = False
        self.rest: list[str] = []
        self._harness = harness
        self._whole = whole
        harness.on_end = lambda: self.rest.extend(harness.rest())

    def take(self, step: dict[str, Any]) -> None:
        ((kind, value),) = step.items()
        getattr(self, f"_{kind}")(value)

    def feed(self, texts: list[str]) -> None:
        self.asks_to_stop = self.asks_to_stop or "STOP" in texts
        data = b"".join(map(self._harness.encode, texts))
        signals = any(text.startswith(("INTERRUPT", "RECALL")) for text in texts)
        if self._whole:
            self._harness.send(data, signals=signals)
            return
        for at in range(len(data)):
            self._harness.send(data[at : at + 1], signals=signals and at == len(data) - 1)

    _in = feed

    def _out(self, texts: list[str]) -> list[Said]:
        said = [self._harness.next() for _ in texts]
        assert [frame.text for frame in said] == texts
        return said

    def _outAnyOrder(self, texts: list[str]) -> None:
        assert sorted(self._harness.next().text for _ in texts) == sorted(texts)

    def _write(self, texts: list[str]) -> None:
        said = self._out(texts)
        assert self._harness.write_of(said[0]) == (said[0].start, said[-1].end), "they left in one write, alone"

    def _ends(self, request: int) -> None:
        ends = {f"RESULT {request}", f"RESPONSE {request} whole", f"END {request}"}
        while True:
            text = self._harness.next().text
            if text in ends or text.startswith(f"ERROR {request} "):
                return

    def _noted(self, text: str) -> None:
        self._harness.hooks.wait_for(lambda: text in self._harness.hooks.noted, f"{text} to be noted")

    def _turn(self, _: int) -> None:
        self._harness.turn()

    def _runs(self, name: str) -> None:
        self._harness.hooks.wait_for(lambda: name in self._harness.hooks.ran, f"{name} to run")

    def _closed(self, name: str) -> None:
        self._harness.hooks.wait_for(lambda: name in self._harness.hooks.closed_names, f"{name} to be closed")

    def _release(self, name: str) -> None:
        self._harness.fence()
        self._harness.release(name)

    def _clock(self, milliseconds: int) -> None:
        self._harness.fence()
        self._harness.clock_ms += milliseconds

    def _clockAt(self, milliseconds: int) -> None:
        self._harness.clock_ms = milliseconds

    def _afterBegun(self, milliseconds: int) -> None:
        self._harness.after_begun_ms = milliseconds
