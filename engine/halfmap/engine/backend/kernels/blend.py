"""One instruction that numba does not write by itself: four voxels' pairs read, weighted and added at once."""

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
    signature = types.UniTuple(types.float32, 2)(flat, first, row, plane, fx, w00, w01, w10, w11)
    return signature, _write


def _write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    flat, first, row, plane, fx, *weights = arguments
    data = context.make_array(signature.args[0])(context, builder, flat).data
    next_plane = builder.add(first, plane)
    rows = [first, builder.add(first, row), next_plane, builder.add(next_plane, row)]

    def read(place: Any) -> Any:
        pointer = builder.gep(data, [builder.sext(place, ir.IntType(64))])
        return builder.load(builder.bitcast(pointer, _LANES.as_pointer()), align=np.float32().itemsize)

    def in_all_lanes(number: Any) -> Any:
        vector = builder.insert_element(ir.Constant(_LANES, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
        return builder.shuffle_vector(vector, vector, ir.Constant(_WHICH, [0] * 4))

    def multiplied_and_added(left: Any, right: Any, to: Any) -> Any:
        return builder.fadd(builder.fmul(left, right, flags=("contract",)), to, flags=("contract",))

    total = builder.fmul(in_all_lanes(weights[0]), read(rows[0]))
    for weight, place in zip(weights[1:], rows[1:], strict=True):
        total = multiplied_and_added(in_all_lanes(weight), read(place), total)
    far = builder.shuffle_vector(total, total, ir.Constant(_WHICH, [2, 3, 2, 3]))
    total = multiplied_and_added(in_all_lanes(fx), builder.fsub(far, total), total)
    pair = [builder.extract_element(total, ir.Constant(ir.IntType(32), lane)) for lane in (0, 1)]
    return context.make_tuple(builder, signature.return_type, pair)
