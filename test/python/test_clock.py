"""Front and worker compare "begin by" with the same clock (protocol, §4, rule 2)."""

from __future__ import annotations

import subprocess

import pytest
from scorefn_worker import protocol as p


def node_ns() -> int:
    """Ask another process, a Node, for its process.hrtime()."""
    script = "process.stdout.write(String(process.hrtime.bigint()))"
    return int(subprocess.run(["node", "-e", script], stdout=subprocess.PIPE, check=True).stdout)


def test_nodes_clock_is_ours() -> None:
    """However long the other process takes to start: its time lies between two of ours."""
    before = p.monotonic_ns()
    theirs = node_ns()
    assert before < theirs < p.monotonic_ns()


@pytest.mark.parametrize(
    ("ticks_ahead", "in_time"), [(-1, False), (0, False), (1, True), (125, True), (126, False), (1 << 23, False)]
)
@pytest.mark.parametrize("now_ticks", [0, 1, 4711, 0xFFFFFF, 0xFFFFFF - 60, 5 << 24])
def test_a_request_is_in_time_for_a_lease(now_ticks: int, ticks_ahead: int, in_time: bool) -> None:
    begin_by = (now_ticks + ticks_ahead) & 0xFFFFFF
    for nanoseconds in (0, 7_999_999):
        assert p.is_in_time(begin_by, now_ticks * 8_000_000 + nanoseconds) is in_time
