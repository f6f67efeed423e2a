"""Instructions that numba does not write by itself: several numbers of neighbouring voxels handled at once.

Written out in Python the same arithmetic is compiled to one read and one sum per number, which takes two to three times
as long. Each function here has its formula in the tests.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

_FOUR = ir.VectorType(ir.FloatType(), 4)
_FLOAT_BYTES, _DOUBLE_BYTES = 4, 8


def _numbers(count: int, kind: Any = types.float32) -> Any:
    return types.UniTuple(kind, count)  # type: ignore[no-untyped-call]


@intrinsic
def _blended_pair(typing_context: Any, flat: Any, place: Any, steps: Any, shares: Any) -> Any:  # noqa: ARG001
    return _numbers(2)(flat, types.int32, _numbers(2, types.int32), _numbers(5)), _write_blend


blended_pair: Any = _blended_pair
"""Interpolate a pair of numbers between eight voxels.

``blended_pair(flat, place, (row, plane), (fx, w00, w01, w10, w11))``: `flat` holds float32 pairs, x fastest; `place` is
where the nearest voxel's pair begins, `row` and `plane` lead to the next y and z; `fx` is the way to the next x, and
the others are the weights of the four rows (z, y). Gives the two float32 numbers. Pairs that are neighbours in x are
read together.
"""


@intrinsic
def _add_to_pair(typing_context: Any, flat: Any, place: Any, shares: Any, numbers: Any) -> Any:  # noqa: ARG001
    return types.void(flat, types.int32, _numbers(2), _numbers(3)), _write_addition


add_to_pair: Any = _add_to_pair
"""Add three numbers to two voxels that are neighbours in x.

``add_to_pair(flat, place, (near, far), (real, imag, weight))``: `flat` holds three float64 numbers for each voxel;
`place` is where those of the nearer one begin; both get their share.
"""


def _write_blend(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    flat, place, steps, shares = arguments
    data = context.make_array(signature.args[0])(context, builder, flat).data
    row, plane = _items(builder, steps, 2)
    fx, *weights = _items(builder, shares, 5)
    next_plane = builder.add(place, plane)
    rows = [place, builder.add(place, row), next_plane, builder.add(next_plane, row)]
    total = builder.fmul(_repeated(builder, weights[0]), _read(builder, data, rows[0]))
    for weight, where in zip(weights[1:], rows[1:], strict=True):
        total = _multiplied_and_added(builder, _repeated(builder, weight), _read(builder, data, where), total)
    far = builder.shuffle_vector(total, total, _lanes(2, 3, 2, 3))
    total = _multiplied_and_added(builder, _repeated(builder, fx), builder.fsub(far, total), total)
    pair = [builder.extract_element(total, ir.Constant(ir.IntType(32), lane)) for lane in (0, 1)]
    return context.make_tuple(builder, signature.return_type, pair)


def _write_addition(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    flat, place, shares, numbers = arguments
    data = context.make_array(signature.args[0])(context, builder, flat).data
    products = [
        builder.fmul(share, number) for share in _items(builder, shares, 2) for number in _items(builder, numbers, 3)
    ]
    for start, count in ((0, 4), (4, 2)):
        target = _pointer(builder, data, builder.add(place, ir.Constant(ir.IntType(32), start)), ir.DoubleType(), count)
        added = builder.fpext(_vector(builder, products[start : start + count]), target.type.pointee)
        total = builder.fadd(builder.load(target, align=_DOUBLE_BYTES), added)
        builder.store(total, target, align=_DOUBLE_BYTES)
    return context.get_dummy_value()


def _items(builder: Any, group: Any, count: int) -> list[Any]:
    return [builder.extract_value(group, i) for i in range(count)]


def _pointer(builder: Any, data: Any, place: Any, kind: Any, count: int) -> Any:
    first = builder.gep(data, [builder.sext(place, ir.IntType(64))])
    return builder.bitcast(first, ir.VectorType(kind, count).as_pointer())


def _read(builder: Any, data: Any, place: Any) -> Any:
    return builder.load(_pointer(builder, data, place, ir.FloatType(), 4), align=_FLOAT_BYTES)


def _vector(builder: Any, numbers: list[Any]) -> Any:
    vector = ir.Constant(ir.VectorType(numbers[0].type, len(numbers)), ir.Undefined)
    for lane, number in enumerate(numbers):
        vector = builder.insert_element(vector, number, ir.Constant(ir.IntType(32), lane))
    return vector


def _repeated(builder: Any, number: Any) -> Any:
    return builder.shuffle_vector(
        builder.insert_element(ir.Constant(_FOUR, ir.Undefined), number, ir.Constant(ir.IntType(32), 0)),
        ir.Constant(_FOUR, ir.Undefined),
        _lanes(0, 0, 0, 0),
    )


def _lanes(*which: int) -> Any:
    return ir.Constant(ir.VectorType(ir.IntType(32), len(which)), list(which))


def _multiplied_and_added(builder: Any, left: Any, right: Any, to: Any) -> Any:
    return builder.fadd(builder.fmul(left, right, flags=("contract",)), to, flags=("contract",))
