"""How exactly a card multiplies, and what it leaves to others."""

from dataclasses import dataclass
from enum import StrEnum


class Precision(StrEnum):
    """Precision of the factors of matrix products; sums are held in single precision."""

    TF32 = "tf32"
    FP32 = "fp32"
    BF16 = "bf16"


@dataclass(frozen=True)
class CardSettings:
    """What a person decides about a card.

    Parameters
    ----------
    precision
        Of matrix products.
    leave_free_mb
        Memory that is left to others.
    """

    precision: Precision
    leave_free_mb: int = 0
