"""How exactly a card multiplies."""

from enum import StrEnum


class Precision(StrEnum):
    """Precision of the factors of matrix products; sums are held in single precision."""

    TF32 = "tf32"
    FP32 = "fp32"
    BF16 = "bf16"
