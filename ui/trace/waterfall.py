"""The timeline of a trace: a page of rows, drawn in the browser, folded and picked there.

Streamlit has no tree table with bars, so this is a component of ours. It receives rows as JSON and
sets them as text nodes: nothing of a trace is parsed as HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from ui import money
from ui.charts import KINDS
from ui.plain import visible
from ui.trace.tree import Node, Tree

CSS = """
:host { font-family: var(--st-font); color: var(--st-text-color); font-size: 13px; }
.row { display: grid; gap: 8px;
  align-items: center; min-height: 26px; border-radius: 4px; cursor: pointer;
  outline-offset: -2px; }
.row:hover, .row:focus { background: var(--st-secondary-background-color); }
.row[aria-selected=true] { background: var(--st-secondary-background-color);
  box-shadow: inset 3px 0 0 var(--st-primary-color); }
.head { cursor: default; opacity: .7; font-size: 12px; }
.name { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; unicode-bidi: isolate; }
.fold { display: inline-block; width: 16px; text-align: center; }
.badge { border: 1px solid currentColor; border-radius: 3px; padding: 0 4px; margin-left: 4px;
  font-size: 11px; }
.bad { color: var(--st-red-text-color, #c92a2a); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.track { position: relative; height: 16px; background: linear-gradient(to right,
  var(--st-border-color, #8883) 1px, transparent 1px) 0 0 / 50% 100%; }
.bar { position: absolute; top: 2px; height: 12px; min-width: 2px; border-radius: 2px; }
.critical .bar { box-shadow: 0 0 0 1.5px var(--st-text-color); }
.failed .bar { background-image:
  repeating-linear-gradient(45deg, #fff8 0 3px, transparent 3px 7px); }
.axis { position: relative; height: 16px; container-type: inline-size; }
@container (max-width: 150px) { .axis span:nth-child(2) { display: none; } }
.axis span { position: absolute; transform: translateX(-50%); white-space: nowrap; }
.axis span:first-child { transform: none; } .axis span:last-child { transform: translateX(-100%); }
"""
JS = """
export default function ({ data, parentElement, setTriggerValue }) {
  const make = (kind, cls, text) => {
    const e = document.createElement(kind);
    if (cls) e.className = cls;
    if (text !== undefined) e.textContent = text;
    return e;
  };
  const box = parentElement.querySelector(".box");
  const held = parentElement.activeElement && parentElement.activeElement.dataset.id;
  const wide = ["tokens", "cost"].filter((name) => data.rows.some((r) => r[name]));
  const grid = "minmax(150px, 36%) 1fr 64px" + " 78px".repeat(wide.length);
  const head = make("div", "row head");
  head.style.gridTemplateColumns = grid;
  const axis = make("div", "axis");
  data.ticks.forEach((t, n) => {
    const tick = make("span", "", t);
    tick.style.left = (n * 100 / (data.ticks.length - 1)) + "%";
    axis.append(tick);
  });
  head.append(make("div", "", "span"), axis, make("div", "number", "time"),
    ...wide.map((name) => make("div", "number", name)));
  const rows = data.rows.map((r, n) => {
    const row = make("div", "row" + (r.critical ? " critical" : "") + (r.error ? " failed" : ""));
    row.setAttribute("role", "treeitem");
    row.setAttribute("aria-level", r.depth + 1);
    row.setAttribute("aria-selected", r.id === data.picked);
    if (r.children) row.setAttribute("aria-expanded", r.open);
    row.setAttribute("aria-label", r.label);
    row.title = r.label;
    row.dataset.id = r.id;
    row.tabIndex = r.id === (held || data.picked) || (!held && !data.picked && n === 0) ? 0 : -1;
    const name = make("div", "name");
    name.style.paddingLeft = Math.min(r.depth, 20) * 14 + "px";
    const fold = make("span", "fold", r.children ? (r.open ? "\\u25be" : "\\u25b8") : "");
    fold.onclick = (event) => {
      event.stopPropagation();
      if (r.children) setTriggerValue("folded", r.id);
    };
    name.append(fold, make("span", "", r.name));
    for (const [text, bad] of r.badges)
      name.append(make("span", "badge" + (bad ? " bad" : ""), text));
    const track = make("div", "track");
    const bar = make("div", "bar");
    bar.style.left = Math.min(r.left, 99.7) + "%";
    bar.style.width = Math.min(r.width, 100 - r.left) + "%";
    bar.style.backgroundColor = r.colour;
    track.append(bar);
    row.style.gridTemplateColumns = grid;
    row.append(name, track, make("div", "number", r.time),
      ...wide.map((key) => make("div", "number", r[key])));
    row.onclick = () => setTriggerValue("picked", r.id);
    row.onkeydown = (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const next = step && rows[n + step];
      if (next) { row.tabIndex = -1; next.tabIndex = 0; next.focus(); }
      else if ((event.key === "ArrowRight" && r.children && !r.open)
        || (event.key === "ArrowLeft" && r.children && r.open)) setTriggerValue("folded", r.id);
      else if (event.key === "Enter" || event.key === " ") setTriggerValue("picked", r.id);
      else return;
      event.preventDefault();
    };
    return row;
  });
  const tree = make("div");
  tree.setAttribute("role", "tree");
  tree.setAttribute("aria-label", "Spans over time");
  tree.append(...rows);
  box.replaceChildren(head, tree);
  if (held) { const again = rows.find((row) => row.dataset.id === held); if (again) again.focus(); }
}
"""


def duration(ns: float) -> str:
    """A time in the unit that suits it."""
    if ns < 10**6:
        return f"{ns / 1e3:.0f} µs"
    return f"{ns / 1e6:.0f} ms" if ns < 10**9 else f"{ns / 1e9:.2f} s"


def row(node: Node, is_open: bool, start: int, length: int) -> dict[str, Any]:
    """A node as the component draws it; `start` and `length` (ns) are those of the time axis."""
    head = node.head
    kind = head["kind"] if head["kind"] in KINDS else "SPAN"
    tokens = head["input_tokens"] + head["output_tokens"]
    badges = [] if kind == "SPAN" else [(kind, False)]
    if head["status"] == "ERROR":
        badges.append(("error", True))
    if node.retry:
        badges.append((f"try {node.retry}", True))
    if node.orphan:
        badges.append(("parent not stored", False))
    if not is_open and node.below:
        badges.append((f"{node.below:,} below", False))
        if node.failed:
            badges.append((f"{node.failed:,} failed", True))
    name = visible(str(head["name"]), 120) or "(no name)"
    said = [name, *(text for text, _ in badges), duration(head["duration_ns"])]
    if node.critical:
        said.append("on the critical path")
    return {
        "id": node.id, "name": name, "depth": node.depth, "children": node.children,
        "open": is_open, "critical": node.critical, "error": head["status"] == "ERROR",
        "badges": badges, "colour": KINDS[kind], "label": ", ".join(said),
        "left": round(100 * (head["start_ns"] - start) / length, 3),
        "width": round(100 * head["duration_ns"] / length, 3),
        "time": duration(head["duration_ns"]),
        "tokens": f"{head['input_tokens']:,} + {head['output_tokens']:,}" if tokens else "",
        "cost": money.said(head["cost_usd"], True, 5) if head["cost_usd"] else "",
    }  # fmt: skip


def draw(
    tree: Tree, rows: Sequence[Node], is_open: Callable[[Node], bool], picked: str,
    key: str, on_pick: Callable[[str], None] | None = None,
    on_fold: Callable[[str], None] | None = None, figures: bool = True,
) -> None:  # fmt: skip
    """Draw `rows` of a tree, with tokens and cost or without these `figures`; the callbacks get the
    id of a span that was picked or folded."""
    start, length = tree.time()
    without = {} if figures else {"tokens": "", "cost": ""}
    data = {
        "rows": [row(node, is_open(node), start, length) | without for node in rows],
        "ticks": ["0", duration(length / 2), duration(length)], "picked": picked,
    }  # fmt: skip

    def told(name: str, then: Callable[[str], None] | None) -> Callable[[], None]:
        def call() -> None:
            found = st.session_state.get(key, {}).get(name)
            if found and then is not None:
                then(str(found))

        return call

    component = st.components.v2.component(
        "assay_waterfall", html='<div class="box"></div>', css=CSS, js=JS
    )
    component(
        key=key, data=data, on_picked_change=told("picked", on_pick),
        on_folded_change=told("folded", on_fold),
    )  # fmt: skip
