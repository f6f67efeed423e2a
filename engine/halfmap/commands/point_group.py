"""The point group that a command is given."""

from collections.abc import Sequence

from halfmap.engine.errors import BadInput
from halfmap.engine.sampling.symmetry import PointGroup


def point_group(symmetry: str, problems: Sequence[str] = (), flag: str = "--sym") -> PointGroup:
    """Read a point group; BadInput tells other problems, if there are any, and what groups are offered."""
    try:
        group = PointGroup.parse(symmetry)
    except ValueError as error:
        raise BadInput(*problems, f"{flag}: {error}.") from None
    if problems:
        raise BadInput(*problems)
    return group
