"""Volume, failures, latency and cost of a period against the one before it, with intervals."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from schemas.clickhouse import Store
from schemas.estimates.shares import Z, difference, wilson
from schemas.queries import traffic
from schemas.queries.traffic import Traffic
from ui import links, period
from ui.money import places


def show(store: Store, project: str, start: int, end: int) -> None:
    st.subheader("Traffic against the period before")
    window, earlier = (start, end), (2 * start - end, start)
    whole = (earlier[0], end)
    now, was = (traffic.traffic(store, project, *one, whole) for one in (window, earlier))
    tiles = st.columns(5)
    _volume(tiles[0], now.traces, was.traces)
    _failed(tiles[1], now, was)
    for tile, share in ((tiles[2], 0.5), (tiles[3], 0.95)):
        _latency(tile, share, now, was)
    _cost(
        tiles[4], traffic.cost_interval(store, project, *window, whole),
        traffic.cost_interval(store, project, *earlier, whole),
    )  # fmt: skip
    between = {"from": period.written(start), "to": period.written(end + 10**9)}
    p50, p95 = (f"duration_ms>{now.latency(share)[0] * 1000:.0f}" for share in (0.5, 0.95))
    searches = (
        ("All traces", ""), ("Failed ones", "status=ERROR"),
        ("Slower than p50", p50), ("Slower than p95", p95), ("With a cost", "cost_usd>0"),
    )  # fmt: skip
    some = (now.traces, now.failed, now.roots, now.roots, now.cost)
    for tile, (label, search), count in zip(tiles, searches, some, strict=True):
        if count and "nan" not in search:
            links.link(tile, label, "traces", project, search=search, **between)
    st.caption(
        "In brackets 95% intervals: of failures Wilson's, of latency by order statistics over root"
        " spans (each read to within 0.5%), of cost by session. Below each: the change, with its"
        " interval; coloured where that leaves 0 out."
    )


def _volume(tile: Any, now: int, was: int) -> None:
    change = now - was
    half = Z * math.sqrt(now + was)
    tile.metric("Traces", f"{now:,}", f"{change:+,}" if was else None, delta_color="off")
    tile.caption(f"before {was:,}; by chance alone ± {half:,.0f}" if was else "none before")


def _failed(tile: Any, now: Traffic, was: Traffic) -> None:
    n, n0 = now.traces, was.traces
    share = now.failed / n if n else math.nan
    low, high = wilson(share if n else 0.0, n)
    shown, sure = None, False
    words = f"[{low:.2%}, {high:.2%}], {now.failed:,} of {n:,}"
    if n and n0:
        before = was.failed / n0
        down, up = difference(share, n, before, n0)
        shown = f"{share - before:+.2%}" if share != before else None
        sure = down > 0 or up < 0
        words += f"; change [{down:+.2%}, {up:+.2%}]"
    tile.metric("Failed", f"{share:.2%}" if n else "-", shown,
                delta_color="inverse" if sure else "off")  # fmt: skip
    tile.caption(words)


def _latency(tile: Any, share: float, now: Traffic, was: Traffic) -> None:
    (value, low, high), n = now.latency(share), now.roots
    words = f"[{low:.2f}, {high:.2f}], n {n:,}" if n else "no root span"
    shown, sure = None, False
    if n and was.roots:
        old, old_low, old_high = was.latency(share)
        change = value - old
        down = change - math.hypot(value - low, old_high - old)
        up = change + math.hypot(high - value, old - old_low)
        words += f"; change [{down:+.2f}, {up:+.2f}]"
        shown, sure = f"{change:+.2f} s", down > 0 or up < 0
    tile.metric(f"Latency p{share * 100:.0f}", f"{value:.2f} s" if n else "-", shown,
                delta_color="inverse" if sure else "off")  # fmt: skip
    tile.caption(words)


def _cost(tile: Any, now: tuple[float, float, int, float], was: tuple[float, float, int, float]
          ) -> None:  # fmt: skip
    mean, half, n, total = now
    shown = f"{total - was[3]:+,.4f}" if was[2] and total != was[3] else None
    tile.metric("Cost, USD", f"{total:,.4f}" if total else "-", shown, delta_color="off")
    if not n:
        return
    if not total:
        tile.caption("no span has a price")
        return
    words = f"{mean:.{places(half)}f} ± {half:.{places(half)}f} a trace, n {n:,}"
    if was[2]:
        wide = math.hypot(half, was[1])
        words += f"; change {mean - was[0]:+.{places(wide)}f} ± {wide:.{places(wide)}f}"
    tile.caption(words if math.isfinite(half) else f"{mean:.5f} a trace, n {n:,}")
