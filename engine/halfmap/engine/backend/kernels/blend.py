"""Instructions that numba does not write by itself: several numbers of neighbouring voxels handled at once."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_LANES = ir.VectorType(ir.FloatType(), 4)
_WHICH = ir.VectorType(ir.IntType(32), 4)


@intrinsic
def blended_pair(  # type: ignore[no-untyped-def]
    typing_context,  # noqa: ARG001
    flat,  # (voxels · 2,) float32: real and imaginary parts, x fastest
    first,  # int32: where the nearest voxel's pair begins
    row,  # int32: from there to the next y
    plane,  # int32: from there to the next z
    fx,  # float32: way to the next x, 0 to 1
    w00,  # float32: weight of the row of the nearest voxel
    w01,  # float32: of the row at the next y
    w10,  # float32: of that at the next z
    w11,  # float32: of that at both
):
    """Interpolate a pair between eight voxels; pairs that are neighbours in x lie side by side and are read together.

    Written out in Python the same arithmetic is compiled to sixteen reads of single numbers and takes twice as long.
    """
    numbers = (types.int32,) * 3 + (types.float32,) * 5
    signature = types.UniTuple(types.float32, 2)(flat, *numbers)
    return signature, _write_blend


def _write_blend(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    flat, first, row, plane, fx, *weights = arguments
    data = context.make_array(signature.args[0])(context, builder, flat).data
    next_plane = builder.add(first, plane)
    rows = [first, builder.add(first, row), next_plane, builder.add(next_plane, row)]

    def read(place: Any) -> Any:
        pointer = builder.gep(data, [builder.sext(place, ir.IntType(64))])
        return builder.load(builder.bitcast(pointer, _LANES.as_pointer()), align=np.float32().itemsize)

    def in_all_lanes(number: Any) -> Any:
        return builder.shuffle_vector(
            _vector(builder, [number]), ir.Constant(_LANES, None), ir.Constant(_WHICH, [0] * 4)
        )

    def multiplied_and_added(left: Any, right: Any, to: Any) -> Any:
        return builder.fadd(builder.fmul(left, right, flags=("contract",)), to, flags=("contract",))

    total = builder.fmul(in_all_lanes(weights[0]), read(rows[0]))
    for weight, place in zip(weights[1:], rows[1:], strict=True):
        total = multiplied_and_added(in_all_lanes(weight), read(place), total)
    far = builder.shuffle_vector(total, total, ir.Constant(_WHICH, [2, 3, 2, 3]))
    total = multiplied_and_added(in_all_lanes(fx), builder.fsub(far, total), total)
    pair = [builder.extract_element(total, ir.Constant(ir.IntType(32), lane)) for lane in (0, 1)]
    return context.make_tuple(builder, signature.return_type, pair)


@intrinsic
def add_to_pair(  # type: ignore[no-untyped-def]
    typing_context,  # noqa: ARG001
    flat,  # (voxels · 3,) float64
    first,  # int32: where the nearer voxel's three numbers begin; those of the next x follow
    near,  # float32: weight of the nearer voxel
    far,  # float32: of the next
    real,  # float32
    imag,  # float32
    weight,  # float32
):
    """Add three numbers to two voxels that are neighbours in x."""
    numbers = (types.float32,) * 5
    signature = types.void(flat, types.int32, *numbers)
    return signature, _write_addition


def _write_addition(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    flat, first, near, far, *numbers = arguments
    data = context.make_array(signature.args[0])(context, builder, flat).data
    products = [builder.fmul(share, number) for share in (near, far) for number in numbers]
    for start, count in ((0, 4), (4, 2)):
        lanes = ir.VectorType(ir.DoubleType(), count)
        place = builder.add(first, ir.Constant(ir.IntType(32), start))
        pointer = builder.gep(data, [builder.sext(place, ir.IntType(64))])
        target = builder.bitcast(pointer, lanes.as_pointer())
        added = builder.fpext(_vector(builder, products[start : start + count]), lanes)
        total = builder.fadd(builder.load(target, align=np.float64().itemsize), added)
        builder.store(total, target, align=np.float64().itemsize)
    return context.get_dummy_value()


def _vector(builder: Any, numbers: list[Any]) -> Any:
    """Put numbers into a vector, of four lanes if there is only one."""
    lanes = ir.VectorType(numbers[0].type, max(len(numbers), 2) if len(numbers) > 1 else 4)
    vector = ir.Constant(lanes, ir.Undefined)
    for lane, number in enumerate(numbers):
        vector = builder.insert_element(vector, number, ir.Constant(ir.IntType(32), lane))
    return vector
