"""Names of the array types, and the unit that all times are cut by."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

SECOND_NS: Final = 1_000_000_000
"""Nanoseconds in a second."""

may_overflow: Final = np.errstate(over="ignore", invalid="ignore", divide="ignore")
"""Decorates what computes with quantities and prices: sums that overflow become inf and are shown as such; a warning
each time would help nobody."""
