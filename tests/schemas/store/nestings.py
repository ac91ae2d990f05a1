"""Random nested queries whose conditions fail at every value but the signed-in project's own."""

from __future__ import annotations

from hypothesis import strategies as st


def queries() -> st.SearchStrategy[str]:
    """Nested queries with one column x; each condition fails at any value but an own one."""
    tables = st.sampled_from(["spans", "assay.span_texts", "scores", "logs", "segments"])
    columns = {"segments": "segment", "logs": "trace_id"}
    base = tables.map(lambda t: f"SELECT {columns.get(t, 'trace_id')} AS x FROM {t}")
    checked = base.map(lambda q: f"{q} WHERE toInt64(x) >= 0")

    def wrap(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        one = st.sampled_from(
            [
                "SELECT x FROM ({q}) WHERE toInt64(x) > 0",
                "SELECT x FROM ({q}) GROUP BY x HAVING toInt64(x) > 0",
                "SELECT DISTINCT x FROM ({q}) ORDER BY toInt64(x) LIMIT 9",
                "WITH c AS ({q}) SELECT x FROM c WHERE toInt64(x) IN (SELECT toInt64(x) FROM c)",
                "SELECT x FROM ({q}) WHERE x IN ({q}) AND toInt64(x) > 0",
                "SELECT x FROM (SELECT x, max(toInt64(x)) OVER () AS m FROM ({q})) WHERE m > 0",
                "SELECT x FROM ({q}) ARRAY JOIN [toInt64(x)] AS y WHERE y > 0",
                "SELECT x FROM ({q}) QUALIFY row_number() OVER (ORDER BY toInt64(x)) < 99",
                "SELECT x FROM ({q}) WHERE (SELECT max(toInt64(x)) FROM ({q})) > 0",
                "SELECT x FROM ({q}) AS o WHERE EXISTS (SELECT 1 FROM spans AS i"
                " WHERE i.trace_id = o.x AND toInt64(i.trace_id) > 0)",
            ]
        )
        two = st.sampled_from(
            [
                "SELECT x FROM ({q}) UNION ALL SELECT x FROM ({r}) WHERE toInt64(x) > 0",
                "SELECT a.x AS x FROM ({q}) AS a JOIN ({r}) AS b ON toInt64(a.x) = toInt64(b.x)"
                " WHERE toInt64(b.x) > 0",
                "SELECT a.x AS x FROM ({q}) AS a LEFT JOIN ({r}) AS b ON a.x = b.x"
                " AND toInt64(b.x) > 0 WHERE toInt64(a.x) > 0",
                "SELECT a.x AS x FROM ({q}) AS a, ({r}) AS b WHERE toInt64(a.x) = toInt64(b.x)",
                "SELECT x FROM ({q}) AS a ANY JOIN ({r}) AS b USING (x) WHERE toInt64(x) > 0",
            ]
        )
        single = st.tuples(one, inner).map(lambda p: p[0].replace("{q}", p[1]))
        double = st.tuples(two, inner, inner).map(
            lambda p: p[0].replace("{q}", p[1]).replace("{r}", p[2])
        )
        return single | double

    return st.recursive(base | checked, wrap, max_leaves=4)
