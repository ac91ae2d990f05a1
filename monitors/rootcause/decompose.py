"""A change of a ratio split into what happened inside each part and what the mix did.

Midpoint form of Kitagawa (Journal of the American Statistical Association 50, 1955): for disjoint
parts i with weights w and rates r, before and after,
    change = sum(mean w_i * change of r_i) + sum(change of w_i * (mean r_i - mean total rate)),
exactly, because the weights of each window add up to one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from monitors.windows import Floats


@dataclass(frozen=True, slots=True)
class Parts:
    """Contributions (parts,) to the change of the total, in the measure's unit."""

    inside: Floats
    mix: Floats

    @property
    def total(self) -> float:
        return float(self.inside.sum() + self.mix.sum())


def parts(before: Floats, before_weight: Floats, after: Floats, after_weight: Floats) -> Parts:
    """Sums and weights (parts,) of both windows; a part absent from one window keeps the other's
    rate, so that all it does is mix."""
    with np.errstate(invalid="ignore", divide="ignore"):
        r0, r1 = before / before_weight, after / after_weight
    r0, r1 = np.where(before_weight > 0, r0, r1), np.where(after_weight > 0, r1, r0)
    r0, r1 = np.nan_to_num(r0), np.nan_to_num(r1)
    w0, w1 = before_weight / before_weight.sum(), after_weight / after_weight.sum()
    middle = (before.sum() / before_weight.sum() + after.sum() / after_weight.sum()) / 2
    return Parts((w0 + w1) / 2 * (r1 - r0), (w1 - w0) * ((r0 + r1) / 2 - middle))
