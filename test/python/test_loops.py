"""What both loops do beyond the scenarios."""

from __future__ import annotations

import pytest
from loop_harness import LoopHarness
from scorefn_worker import frames, stream


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_answer_that_a_frame_cannot_hold_is_an_error(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of 2 GiB, made smaller; the front would end the worker for such a frame."""
    monkeypatch.setattr(frames, "MAX_PAYLOAD_BYTES", 2_000_000)
    assert stream.check_size is frames.check_size
    harness = LoopHarness(kind, 1)

    def front() -> None:
        harness.say("RUN 1 huge a", "RUN 2 stream 2 2000001 b", "RUN 3 quick c", "STOP")
        texts = [harness.next().text for _ in range(3)]
        assert texts == ["ERROR 1 result", "ERROR 2 result", "RESULT 3"]

    harness.run(front)
