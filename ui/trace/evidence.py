"""The answer, sentence by sentence: what supports it, and what nothing supports.

A component of ours: choosing a sentence shows its passage at once, and every text is set as a text
node, never as HTML.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from schemas.support import Support, marked, place, read
from ui.plain import visible

MOST = 20_000  # characters of the answer, and of each document
DOCUMENTS = 30
CSS = """
:host { font-family: var(--st-font); color: var(--st-text-color); font-size: 14px; }
.both { display: grid; grid-template-columns: 1fr 1fr; gap: 24px; }
@media (max-width: 800px) { .both { grid-template-columns: 1fr; } }
.text { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; line-height: 1.55; }
h4 { margin: 0 0 6px; font-size: 13px; opacity: .75; font-weight: 600; }
.said { padding: 1px 2px; cursor: pointer; border-radius: 3px; }
.yes { border-bottom: 2px solid #1c7ed6; }
.no { border-bottom: 2px dashed #e8590c; background: #e8590c22; }
.on { background: #1c7ed644; outline: 1px solid #1c7ed6; }
.no.on { background: #e8590c44; outline-color: #e8590c; }
sup { font-weight: 700; margin-right: 2px; }
.doc { border: 1px solid var(--st-border-color, #8884); border-radius: 6px; padding: 8px 10px;
  margin-bottom: 8px; max-height: 260px; overflow: auto; }
.note { margin-top: 10px; min-height: 3em; font-size: 13px; opacity: .9; }
"""
JS = """
export default function ({ data, parentElement }) {
  const make = (kind, cls, text) => {
    const e = document.createElement(kind);
    if (cls) e.className = cls;
    if (text !== undefined) e.textContent = text;
    return e;
  };
  const box = parentElement.querySelector(".box");
  const both = make("div", "both"), left = make("div"), right = make("div");
  left.append(make("h4", "", data.title));
  const answer = make("div", "text"), note = make("div", "note", data.hint);
  note.setAttribute("aria-live", "polite");
  const buttons = [], passages = [];
  const choose = (n) => {
    buttons.forEach((b) => b.classList.toggle("on", +b.dataset.n === n));
    const at = data.shown[n];
    passages.forEach((p) => p.classList.toggle("on", +p.dataset.n === at));
    note.textContent = data.notes[n];
    const first = passages.find((p) => +p.dataset.n === at);
    const card = first && first.closest(".doc");
    if (card) card.scrollTop = first.offsetTop - card.offsetTop - 40;
  };
  for (const [text, n] of data.answer) {
    if (n < 0) { answer.append(make("span", "", text)); continue; }
    const b = make("span", "said " + data.marks[n][0], text);
    b.setAttribute("role", "button");
    b.tabIndex = 0;
    b.dataset.n = n;
    b.append(make("sup", "", data.marks[n][1]));
    b.setAttribute("aria-label", text + ": " + data.notes[n]);
    b.onclick = () => choose(n);
    b.onkeydown = (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose(n);
    };
    buttons.push(b);
    answer.append(b);
  }
  left.append(answer, note);
  for (const doc of data.documents) {
    right.append(make("h4", "", doc.title));
    const card = make("div", "doc text");
    card.tabIndex = 0;
    for (const [text, n] of doc.pieces) {
      const p = make("span", "", text);
      if (n >= 0) { p.dataset.n = n; passages.push(p); }
      card.append(p);
    }
    right.append(card);
  }
  both.append(left, right);
  box.replaceChildren(both);
}
"""


def number(told: Support, documents: Sequence[str]) -> int:
    """Index of the document that holds the passage: as told where it does, else the first that
    does; -1 where none does. The order of documents may differ from when they were read."""
    if told.document < 0 or not told.passage:
        return -1
    near = [told.document, *range(len(documents))]
    return next((n for n in near if n < len(documents) and place(documents[n], told.passage)), -1)


def payload(
    answer: str, documents: Sequence[str], titles: Sequence[str], told: Sequence[Support]
) -> dict[str, Any]:
    """What the component draws: pieces of the answer and of the documents, and words on each."""
    at = [number(each, documents) for each in told]
    marks, notes = [], []
    for each, where in zip(told, at, strict=True):
        mark = f"[{where + 1}]" if where >= 0 else "✓" if each.supported else "✗"
        marks.append(("yes" if each.supported else "no", mark))
        words = "supported" if each.supported else "not supported by any document"
        if where >= 0:
            words += f" by document {where + 1}"
        words += f"; chance that it is supported: {each.probability:.0%}"
        if each.absent:
            words += f"; not in the documents: {', '.join(map(visible, each.absent))}"
        notes.append(words)
    ids = [(where, each.passage) for each, where in zip(told, at, strict=True)]
    shown = [ids.index(each) for each in ids]  # sentences may share a passage
    cut = [visible(text, MOST) for text in documents[:DOCUMENTS]]
    return {
        "title": "Answer", "hint": "Choose a sentence to see what supports it.",
        "answer": marked(visible(answer, MOST), [visible(each.sentence) for each in told]),
        "marks": marks, "notes": notes, "shown": shown,
        "documents": [
            {
                "title": title,
                "pieces": _spread(text, [(i, visible(told[i].passage)) for i in sorted(set(shown))
                                         if at[i] == n]),
            }
            for n, (text, title) in enumerate(zip(cut, titles, strict=False))
        ],
    }  # fmt: skip


def _spread(text: str, passages: Sequence[tuple[int, str]]) -> list[tuple[str, int]]:
    """Pieces of a document, numbered by sentence."""
    pieces = marked(text, [passage for _, passage in passages])
    return [(said, passages[n][0] if n >= 0 else -1) for said, n in pieces]


def draw(
    answer: str, documents: Sequence[str], titles: Sequence[str],
    judged: Sequence[Mapping[str, Any]], key: str,
) -> bool:  # fmt: skip
    """Show the evidence of the newest groundedness verdict; False where it tells of no sentence."""
    told = next(
        (found for row in judged
         if row["evaluator"] == "groundedness" and (found := read(row["explanation"]))), [],
    )  # fmt: skip
    if not told or not answer:
        return False
    data = payload(answer, documents, titles, told)
    bad = sum(not each.supported for each in told)
    placed = {n for _, n in data["answer"] if n >= 0}
    st.subheader("What supports the answer")
    words = f"{len(told) - bad} of {len(told)} sentences are supported by a passage"
    if missed := len(told) - len(placed):
        words += f"; {missed} could not be found again in the answer's text"
    st.caption(f"{words}. [n] is the document; ✗ and a dashed line: nothing supports it.")
    component = st.components.v2.component(
        "assay_evidence", html='<div class="box"></div>', css=CSS, js=JS
    )
    component(key=key, data=data)
    return True
