"""An async loop whose front does not read: what waits does not begin before the front can know of it (§4, rule 4)."""

from __future__ import annotations

from loop_harness import LoopHarness, wait_until


def test_a_waiting_request_does_not_begin_while_the_pipe_has_not_taken_earlier_frames() -> None:
    harness = LoopHarness("async", 3)

    def front() -> None:
        harness.say("RUN 1 stream 9 100000 a")
        wait_until(lambda: harness.written > 100_000)
        harness.say("RUN 2 waits 1000 quick b")
        harness.say("INTERRUPT 1 client-gone")
        harness.hooks.wait_for(lambda: harness.hooks.closed_names == ["a"], "the stream to be closed")
        assert harness.hooks.ran == ["a"]
        texts = [harness.next().text for _ in range(7)]
        assert texts == ["RESPONSE 1", *["CHUNK 1 100000"] * 3, "ERROR 1 interrupted", "BEGUN 2", "RESULT 2"]
        harness.say("STOP")

    harness.run(front)
    assert harness.hooks.ran == ["a", "b"]


def test_one_whose_time_passes_while_the_pipe_does_not_take_its_begun_is_given_back() -> None:
    harness = LoopHarness("async", 1)

    def front() -> None:
        harness.say("RUN 1 huge a", "RUN 2 waits 1000 quick b", "RUN 3 quick c")
        wait_until(lambda: harness.written > 100_000)
        harness.clock_ms += 2_000
        assert [harness.next().text for _ in range(4)] == ["RESULT 1", "BEGUN 2", "RECALLED 2", "RESULT 3"]
        harness.say("STOP")

    harness.run(front)
    assert harness.hooks.ran == ["a", "c"]


def test_one_that_is_interrupted_meanwhile_ends_without_running() -> None:
    harness = LoopHarness("async", 1)

    def front() -> None:
        harness.say("RUN 1 huge a", "RUN 2 waits 1000 quick b")
        wait_until(lambda: harness.written > 100_000)
        harness.say("INTERRUPT 2 client-gone", "RECALL 2", "STOP", "RUN 3 quick c")
        assert [harness.next().text for _ in range(5)] == [
            *("RESULT 1", "BEGUN 2", "RECALLED", "ERROR 2 interrupted", "RESULT 3")
        ]

    harness.run(front)
    assert harness.hooks.ran == ["a", "c"]
