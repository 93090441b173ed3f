"""A request that is the bytes of one tensor and no more: all else follows from what the model declares (OIP-9)."""

from __future__ import annotations

import math
import struct

from ..failures import BadInput
from .oip_request import Request
from .oip_shape import shown, text_of
from .oip_slots import ANY, Slot
from .oip_tensors import BYTES, NUMPY_NAMES, Tensor, from_bytes

_BATCH_AND_ONE = 2
"""Dimensions of variable size that still tell a shape."""


def raw_request(part: memoryview, slots: list[Slot], model: str) -> Request:
    """Make a request of a raw body; all its outputs are wanted in binary.

    Raises:
        BadInput: no shape can be deduced.
    """
    if len(slots) != 1:
        raise BadInput(
            f"Raw request must only have 1 input (found 1) to be deduced but got {len(slots)} inputs in "
            f"'{model}' model configuration"
        )
    (slot,) = slots
    request = Request(model)
    fault = f"Raw request for model '{model}': the shape of input {shown(slot.name)}, {text_of(slot.shape)}, "
    if slot.datatype == BYTES:
        # The body is the one text, without its length.
        shape = [1 if size == ANY else size for size in slot.shape]
        if any(size != 1 for size in shape):
            raise BadInput(f"{fault}takes more than one text")
        part = memoryview(struct.pack("<I", len(part)) + part)
    else:
        shape = _deduce(len(part), slot, fault)
    request.inputs.append(Tensor(slot.name, slot.datatype, from_bytes(part, slot.datatype, shape, slot.name, model)))
    return request


def _deduce(size: int, slot: Slot, fault: str) -> list[int]:
    import numpy

    variable = slot.shape.count(ANY)
    # The first is then that of a batch.
    is_batched = variable == _BATCH_AND_ONE and slot.shape[0] == ANY
    if variable > 1 and not is_batched:
        raise BadInput(f"{fault}has more than one dimension of variable size")
    known = math.prod(each for each in slot.shape if each != ANY) * numpy.dtype(NUMPY_NAMES[slot.datatype]).itemsize
    if variable > 0 and (known == 0 or size % known != 0):
        raise BadInput(f"{fault}takes multiples of {known} bytes, got {size}")
    shape = [size // known if each == ANY else each for each in slot.shape]
    return [1, *shape[1:]] if is_batched else shape
