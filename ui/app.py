"""The explorer's entry: project from the URL, navigation, and words where data is missing."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from schemas.clickhouse import Store
from schemas.errors import Permanent, Retryable
from schemas.queries import spans
from ui import data
from ui.views import (
    alerts,
    drift,
    findings,
    overview,
    retrieval,
    sessions,
    settings,
    trace,
    traces,
)

Render = Callable[[Store, str], None]


def page(render: Render) -> Callable[[], None]:
    """A page that keeps the project in the URL and says what to do when there is no data."""

    def show() -> None:
        try:
            store = data.store()
            projects = spans.projects(store)
        except (Retryable, Permanent, OSError) as error:
            data.store.clear()
            st.error(f"ClickHouse does not answer; `assay doctor` says why.\n\n{error}")
            return
        if not projects:
            st.info(
                "No traces yet. Point an OpenTelemetry SDK here:"
                " `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318`, or run `make demo`."
            )
            return
        wanted = st.query_params.get("project", st.session_state.get("project", projects[0]))
        index = projects.index(wanted) if wanted in projects else 0
        project = st.sidebar.selectbox("Project", projects, index=index)
        st.session_state["project"] = project
        st.query_params["project"] = project
        render(store, project)

    return show


def main() -> None:
    st.set_page_config(page_title="Assay", layout="wide")
    st.sidebar.markdown("### Assay")
    st.navigation(
        [
            st.Page(page(overview.render), title="Overview", url_path="overview", default=True),
            st.Page(page(findings.render), title="Findings", url_path="findings"),
            st.Page(page(traces.render), title="Traces", url_path="traces"),
            st.Page(page(trace.render), title="Trace", url_path="trace"),
            st.Page(page(sessions.render), title="Sessions", url_path="sessions"),
            st.Page(page(drift.render), title="Drift", url_path="drift"),
            st.Page(page(retrieval.render), title="Retrieval", url_path="retrieval"),
            st.Page(page(alerts.render), title="Alerts", url_path="alerts"),
            st.Page(page(settings.render), title="Settings", url_path="settings"),
        ]
    ).run()


main()
