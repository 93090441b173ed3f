"""Incremental decoding says the same as Python's own decoder (contract IN-6, IN-7)."""

from __future__ import annotations

import random

import pytest
from scorefn_worker.utf8 import PIECE_BYTES, BadText, decode_pieces

GOOD = ["a", "é", "日", "\U0001f600", "\ufeff"]
BAD = [
    b"\xff",
    b"\x80",
    b"\xc0\xaf",
    b"\xe2\x28\xa1",
    b"\xf0\x9f\x98\x28",
    b"\xed\xa0\x80",
    b"\xc3",
    b"\xe2\x82",
    b"\xf5",
]


def decode(data: bytes, rng: random.Random) -> str | BadText:
    """Decode as a pipe would deliver it, cut anywhere."""
    first = rng.randint(0, min(len(data) - 1, 20))
    pieces = decode_pieces(len(data), data[:first])
    at = first
    try:
        room = next(pieces)
        while True:
            count = min(len(room), rng.randint(1, 7), len(data) - at)
            assert count > 0, "asks for more than the body has"
            room[:count] = data[at : at + count]
            at += count
            room = pieces.send(count)
    except StopIteration as end:
        assert at == len(data), "the rest of the body is still in the pipe"
        return end.value


@pytest.mark.parametrize("seed", range(100))
def test_decodes_like_python_however_the_body_is_cut(seed: int) -> None:
    rng = random.Random(seed)
    text = "".join(rng.choices(GOOD, k=rng.randint(1, 60)))
    assert decode(text.encode(), rng) == text


@pytest.mark.parametrize("seed", range(100))
def test_words_errors_like_python_however_the_body_is_cut(seed: int) -> None:
    rng = random.Random(seed)
    before, after = ("".join(rng.choices(GOOD, k=rng.randint(0, 30))).encode() for _ in range(2))
    data = before + rng.choice(BAD) + after * rng.randint(0, 1) + b"x" * rng.randint(0, 1)
    with pytest.raises(UnicodeDecodeError) as expected:
        data.decode()
    got = decode(data, rng)
    assert isinstance(got, BadText)
    assert str(got) == str(expected.value)


def test_takes_a_first_part_larger_than_a_piece() -> None:
    data = b"x" * (PIECE_BYTES + 5) + "é".encode()
    pieces = decode_pieces(len(data), data[:-1])
    room = next(pieces)
    room[:1] = data[-1:]
    with pytest.raises(StopIteration) as end:
        pieces.send(1)
    assert end.value.value == data.decode()
