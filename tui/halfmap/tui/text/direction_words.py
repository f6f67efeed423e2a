"""What is said of the particles' directions: of how many, and how evenly they are spread."""

from halfmap.tui.files.directions import Directions


def whose(iteration: int | None, directions: Directions | None) -> tuple[str, ...]:
    """Say whose directions are shown, the longest way first."""
    if iteration is None:
        return ()
    if directions is None:
        return f"iteration {iteration}", f"it {iteration}"
    number = f"{directions.particles:,}"
    passed = f", {directions.passed_over:,} lines passed over" if directions.passed_over else ""
    return (
        f"iteration {iteration}, {number} particles{passed}",
        f"it {iteration}, {number} particles",
        f"it {iteration}, n = {number}",
        f"it {iteration}",
    )


def spread(directions: Directions | None) -> tuple[str, ...]:
    """Say how evenly directions are spread, the longest way first."""
    if directions is None:
        return ()
    share, even = f"{100 * directions.fullest_tenth:.0f} %", f"{100 * directions.even_tenth:.0f} %"
    passed = f"; {directions.passed_over:,} lines passed over" if directions.passed_over else ""
    return (
        f"the fullest tenth of all directions holds {share}; {even} if spread evenly{passed}",
        f"the fullest tenth of all directions holds {share}; {even} if spread evenly",
        f"fullest tenth: {share} (even: {even})",
        f"fullest tenth: {share}",
    )
