"""One trace, taken apart: tree, timeline, evidence, spans, copies, comparison."""
