"""A regression in stored traffic becomes one alert that names it, and ends when it does."""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from monitors.alerts.journal import Journal
from monitors.alerts.sinks import webhook
from monitors.watch import Watch
from schemas import control
from schemas.clickhouse import Store
from schemas.models import ScoreRow, SpanRow
from schemas.queries import scores, spans
from schemas.settings import Settings
from tests.conftest import own_settings
from tests.monitors.alerts.receivers import http_target

HOUR_NS = 3600 * 10**9
START = time.time_ns() // HOUR_NS * HOUR_NS - 96 * HOUR_NS
ONSET = START + 30 * HOUR_NS


settings = own_settings  # the tests of this file look at every project


@pytest.fixture(autouse=True)
def clean(store: Store) -> Iterator[None]:
    """Control state is the store's: leave none behind."""
    yield
    control.apply(store, {}, "test")


def send(store: Store, project: str, hours: tuple[float, float], n: int, lost: float) -> None:
    """Judged traces; those of prompt v7 lose `lost` from the onset on."""
    draw = np.random.default_rng(round(hours[1]))
    rows, judged = [], []
    for at in np.sort(draw.uniform(*hours, n)):
        trace, start = uuid.uuid4().hex, START + round(at * HOUR_NS)
        version = str(draw.choice(["v6", "v7"]))
        value = 0.8 + draw.normal(0, 0.1) - lost * (version == "v7" and start >= ONSET)
        rows.append(SpanRow(project, trace, trace[:16], start, session_id=f"s{trace}",
                            prompt_version=version, model="m", segment="s"))  # fmt: skip
        judged.append(ScoreRow(project, "groundedness", "1", trace, "", start, "scored",
                               float(value), time.time_ns() // 10**6))  # fmt: skip
    spans.insert_spans(store, rows, str(uuid.uuid4()))
    scores.insert_scores(store, judged)


def test_a_regression_is_one_alert_that_says_what_where_and_since_when_until_it_is_over(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    project = f"regression-{uuid.uuid4()}"
    mine = dataclasses.replace(settings, allow_private_webhooks=True)
    with http_target() as target:
        text = f"""
        alerts: {{a: {{url: '{target.url}', projects: [{project}]}}}}
        monitors: {{page_uncalibrated: true}}
        """
        control.apply(store, control.parse(text), "test")
        loop = Watch(mine, {}, Journal(tmp_path), {"webhook": webhook.deliver})
        send(store, project, (0, 48), 800, 0.3)
        assert loop.once() and loop.once()
        (got,) = target.requests
        firing = json.loads(got.body)
        assert firing["segment"] == {"prompt_version": "v7"}
        found = datetime.fromisoformat(firing["onset"]).timestamp() * 1e9
        assert abs(found - ONSET) < 2 * HOUR_NS
        assert firing["share_explained"] > 0.8 and firing["p_value"] < 0.002
        assert firing["effect_interval"][0] < -0.3 < firing["effect_interval"][1] or (
            abs(firing["effect"] + 0.3) < 0.05
        )
        assert len(firing["examples"]) == 3
        assert firing["summary"].startswith("groundedness fell from 0.8")
        send(store, project, (48, 55), 300, 0.0)
        assert loop.once()
        later = [json.loads(r.body) for r in target.requests[1:]]
    (over,) = [m for m in later if m["state"] == "resolved"]
    assert over["key"] == firing["key"]
    assert over["summary"].startswith("It is over: it is 0.")
