"""``halfmap reconstruct``: an average of particles with known poses, from their tilt series or extracted images."""

from collections.abc import Sequence

from halfmap.commands.reconstruct import images, tilt_series

FROM_IMAGES = "--from_images"


def main(argv: Sequence[str]) -> int:
    """Average from tilt series, or from extracted images where `--from_images` stands, and return the exit code."""
    if FROM_IMAGES in argv:
        return images.main([word for word in argv if word != FROM_IMAGES])
    return tilt_series.main(argv)
