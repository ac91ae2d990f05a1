"""Vega-Lite charts as plain specifications.

Altair writes the same, and checks each part of a chart against the language's schema while a page
is drawn: 0.1 to 0.2 s a chart, for charts that do not change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

Spec = dict[str, Any]
_KINDS = {"T": "temporal", "Q": "quantitative", "N": "nominal"}


def of(short: str, **given: Any) -> Spec:
    """A channel by a field and the letter of its kind, as `time:T`."""
    field, kind = short.rsplit(":", 1)
    return {"field": field, "type": _KINDS[kind], **given}


def tips(*fields: str | Spec) -> list[Spec]:
    """What stands beside the mouse."""
    return [of(field) if isinstance(field, str) else field for field in fields]


def layer(mark: str | Spec, data: str = "", **encoding: Any) -> Spec:
    """One layer; `data` names the frame where a chart has several."""
    made: Spec = {"mark": mark, "encoding": encoding}
    return {**made, "data": {"name": data}} if data else made


def chart(
    frames: pd.DataFrame | Mapping[str, pd.DataFrame], layers: Sequence[Spec], height: Any,
    **encoding: Any,
) -> Spec:  # fmt: skip
    """Layers over a frame, or over several by name, the first of which is the usual one;
    `encoding` is what all have in common."""
    named = {"rows": frames} if isinstance(frames, pd.DataFrame) else dict(frames)
    return {
        "data": {"name": next(iter(named))}, "datasets": named, "height": height,
        "encoding": encoding, "layer": list(layers),
    }  # fmt: skip


def draw(spec: Spec, **given: Any) -> Any:
    return st.vega_lite_chart(spec=spec, **given)
