"""The codec, held to the golden frames that the TypeScript tests read too."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from conftest import FIXTURES
from scorefn_worker.frames import (
    LENGTH,
    FrameError,
    FrameReader,
    encode,
    encode_json,
    encode_meta,
    result_head,
    split_meta,
)
from scorefn_worker.protocol import INTERRUPT, MAX_PAYLOAD_BYTES

GOLDEN: list[dict[str, Any]] = json.loads((FIXTURES / "frames" / "frames.json").read_text())
STREAM = b"".join(bytes.fromhex(golden["frameHex"]) for golden in GOLDEN)
FRAMES = [
    (golden["type"], golden["id"], bytes.fromhex(golden["payloadHex"]), golden.get("beginBy", 0)) for golden in GOLDEN
]


def rebuild(golden: dict[str, Any]) -> bytes:
    kind, request, decoded, begin_by = golden["type"], golden["id"], golden["decoded"], golden.get("beginBy", 0)
    if "json" in decoded:
        return encode_json(kind, request, decoded["json"])
    body = bytes.fromhex(decoded.get("bodyHex", ""))
    if "meta" in decoded:
        return encode_meta(kind, request, decoded["meta"], body, begin_by)
    if "execMs" in decoded:
        return result_head(request, decoded["execMs"], len(body)) + body
    if "credit" in decoded:
        body = LENGTH.pack(decoded["credit"])
    return encode(kind, request, body, begin_by)


def read_all(reader: FrameReader) -> list[tuple[int, int, bytes, int]]:
    frames = []
    while (frame := reader.next()) is not None:
        frames.append((frame[0], frame[1], bytes(frame[2]), frame[3]))
    return frames


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden["name"])
def test_encodes_each_golden_frame_byte_for_byte(golden: dict[str, Any]) -> None:
    assert rebuild(golden).hex() == golden["frameHex"]


@pytest.mark.parametrize("golden", [golden for golden in GOLDEN if "meta" in golden["decoded"]])
def test_splits_the_meta_of_golden_frames_from_the_body(golden: dict[str, Any]) -> None:
    meta, body = split_meta(bytes.fromhex(golden["payloadHex"]))
    assert (meta, bytes(body).hex()) == (golden["decoded"]["meta"], golden["decoded"]["bodyHex"])


@pytest.mark.parametrize("seed", range(50))
def test_reads_the_same_frames_however_the_bytes_are_cut(seed: int) -> None:
    rng = random.Random(seed)
    reader = FrameReader()
    got = []
    at = 0
    while at < len(STREAM):
        size = rng.choice((1, rng.randint(1, 30), rng.randint(1, 2000)))
        reader.feed(STREAM[at : at + size])
        at += size
        if rng.random() < 0.7:
            got += read_all(reader)
    assert got + read_all(reader) == FRAMES
    assert not reader.is_midway()


def test_takes_out_a_frame_that_has_begun_to_arrive() -> None:
    reader = FrameReader()
    reader.feed(encode(2, 1, b"first") + encode(2, 9, b"0123456789", 77)[:15])
    assert reader.has_frame()
    assert reader.next() == (2, 1, b"first", 0)
    assert not reader.has_frame()
    assert reader.next() is None
    assert reader.is_midway()
    assert reader.pending_size() == 10
    assert reader.take_pending() == ((2, 9, b"012", 77), 10)
    assert reader.pending_size() == 0


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1",
        LENGTH.pack(MAX_PAYLOAD_BYTES + 1) + b"\2\0\0\0\1\0\0\0",
        encode(INTERRUPT, 1, b"", begin_by=1),
    ],
)
def test_refuses_what_is_not_a_frame_head(head: bytes) -> None:
    reader = FrameReader()
    reader.feed(head)
    with pytest.raises(FrameError, match="not a frame head"):
        reader.next()


@pytest.mark.parametrize("payload", [b"", b"\0\0", b"\5\0\0\0{}", b"\2\0\0\0{]"])
def test_refuses_a_meta_that_is_cut_or_not_json(payload: bytes) -> None:
    with pytest.raises(FrameError):
        split_meta(payload)
