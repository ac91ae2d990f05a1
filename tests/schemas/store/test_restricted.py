"""A project's own user reads its own rows, in every way, and no other's in any."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from schemas.queries.deletion import HOURS
from schemas.store.vocabulary import TABLES
from tests.schemas.store.attacks import SHAPES, STATEMENTS, attacks
from tests.schemas.store.nestings import queries
from tests.schemas.store.projects import OWN, SECRET

WAYS = (
    "SELECT count(), uniq(project), any(project) FROM {t}",
    "SELECT count(), uniq(project), any(project) FROM `assay`.`{t}` AS `assay.control`",
    'SELECT count(), uniq("project"), any(x.project) FROM "{t}" x, numbers(1) AS y',
    "WITH {t} AS (SELECT * FROM assay.{t}) SELECT count(), uniq(project), any(project) FROM {t}",
    "WITH {t} AS (SELECT * FROM {t}) SELECT count(), uniq(project), any(project) FROM {t}",
    "SELECT (SELECT count() FROM {t}), (SELECT uniq(project) FROM {t}), any(project) FROM {t}",
    "SELECT count(), uniq(project), any(project) FROM {t} WHERE project IN"
    " (SELECT project FROM {t}) OR project NOT IN (SELECT project FROM assay.{t})",
    "SELECT sum(n), uniq(p), any(p) FROM (SELECT 1 AS n, project AS p FROM {t} UNION ALL"
    " SELECT 0, project FROM {t} LIMIT 100)",
    "SELECT count(), uniq(b.project), any(a.project) FROM (SELECT DISTINCT project FROM {t}) AS a"
    " FULL JOIN {t} AS b ON a.project = b.project",
    "SELECT count(), uniq(project), any(project) FROM (SELECT project, row_number() OVER"
    " (ORDER BY project) AS n FROM {t} ORDER BY n LIMIT 50) ARRAY JOIN [1] AS x",
    "FROM {t} SELECT count(), uniq(project), any(project) WHERE 1 OR project != ''",
    "SELECT count(), uniq(project), any(project) FROM {t} AS o WHERE EXISTS"
    " (SELECT 1 FROM {t} AS i WHERE i.project = o.project)",
)


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_no_attack_is_answered(own: httpx.Client, every: int) -> None:
    """All of them in `make test-all`; else each seventh, so each shape and each target."""
    texts = list(attacks())[::every] + list(STATEMENTS)
    assert len(texts) > 2000 // every
    params = {"param_t": "control", "param_c": "name"}
    answered = []
    for text in texts:
        answer = own.post("/", params=params, content=text.encode())
        if answer.status_code == 200 or SECRET in answer.text:
            answered.append((text, answer.text[:200]))
    assert answered == []


@pytest.mark.parametrize("shape", SHAPES)
def test_an_attacks_shape_is_answered_for_an_allowed_name(own: httpx.Client, shape: str) -> None:
    """Or the attacks would be refused for their grammar."""
    answer = own.post("/", content=shape.replace("%s", "scores"))
    assert SECRET not in answer.text
    if "view(" not in shape:
        assert answer.headers.get("x-clickhouse-exception-code") not in {"62", "497"}, answer.text


@pytest.mark.parametrize("table", sorted(TABLES))
def test_every_table_shows_own_rows_only(own: httpx.Client, table: str) -> None:
    for way in WAYS:
        text = way.replace("{t}", table) + " FORMAT JSONCompactStrings"
        answer = own.post("/", content=text)
        assert answer.status_code == 200, (text, answer.text)
        assert answer.json()["data"] == [["3", "1", OWN]], text


def test_a_table_behind_in_has_own_rows_only(own: httpx.Client, http: httpx.Client) -> None:
    text = "SELECT * FROM segments ORDER BY project DESC LIMIT 1 FORMAT Values"
    theirs = http.post("/", params={"database": "assay"}, content=text).text
    mine = own.post("/", content=text).text
    assert SECRET in theirs and SECRET not in mine
    for name in ("segments", "assay.segments", "(SELECT * FROM segments)"):
        assert own.post("/", content=f"SELECT {theirs} IN {name}").text == "0\n"
        assert own.post("/", content=f"SELECT {mine} IN {name}").text == "1\n"


@pytest.mark.parametrize("shape", ["JSON", "Native", "Parquet", "CSVWithNames", "Vertical"])
@pytest.mark.parametrize(
    "text",
    [
        "SELECT name FROM spans UNION ALL SELECT name FROM spans",
        "(SELECT name FROM spans) EXCEPT (SELECT '10')",
        "SELECT name FROM spans ORDER BY name LIMIT 1 WITH TIES",
        "SELECT name, count() FROM spans GROUP BY name WITH TOTALS",
        "SELECT ' FORMAT TSV INTO OUTFILE ''x'' ' AS `a\\`b -- c`",
        "SELECT $tag$ it's $tag$, /* ' */ 1 -- '",
    ],
)
def test_a_result_comes_in_every_format(own: httpx.Client, text: str, shape: str) -> None:
    for asked in (f"{text}\nFORMAT {shape}", text):
        answer = own.post("/", params={"default_format": shape}, content=asked)
        assert answer.status_code == 200, answer.text
        assert answer.content and SECRET.encode() not in answer.content


def test_neither_counts_nor_statistics_tell_of_other_rows(own: httpx.Client) -> None:
    for shape in ("TSV", "JSON", "XML", "JSONColumnsWithMetadata"):
        text = f"SELECT name FROM spans ORDER BY name LIMIT 1 FORMAT {shape}"
        answer = own.post("/", content=text)
        assert answer.status_code == 200 and "rows_read" not in answer.text
        assert "read" not in answer.headers["x-clickhouse-summary"]


@settings(
    max_examples=40, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(query=queries())
def test_no_condition_meets_a_value_of_another_project(own: httpx.Client, query: str) -> None:
    answer = own.post("/", params={"max_result_rows": "1000000"}, content=query)
    assert answer.status_code == 200, (query, answer.text)
    assert set(answer.text.split()) <= {"10", "11", "12"}, query


def test_every_table_of_a_project_is_listed(http: httpx.Client) -> None:
    text = (
        "SELECT DISTINCT table FROM system.columns WHERE database = 'assay' AND name = 'project'"
        " AND NOT endsWith(table, '_in') AND table NOT IN ("
        "SELECT name FROM system.tables WHERE database = 'assay' AND endsWith(engine, 'View'))"
    )
    found = set(http.post("/", content=text).text.split()) - {"everything"}
    assert found == TABLES.union(HOURS)  # the sums are of the pages' own, and not offered


@pytest.mark.parametrize("table", HOURS)
def test_the_sums_of_pages_are_not_offered(own: httpx.Client, table: str) -> None:
    assert own.post("/", content=f"SELECT count() FROM {table}").status_code != 200


def test_an_error_at_a_value_does_not_quote_it(own: httpx.Client) -> None:
    text = "SELECT toInt64(concat('secret', name)) FROM spans"
    answer = own.post("/", content=text)
    assert answer.headers["x-clickhouse-exception-code"] == "6"
    assert "secret" not in answer.text and "CANNOT_PARSE_TEXT" in answer.text
