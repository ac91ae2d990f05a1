"""The explorer's entry: project from the URL, navigation, and words where data is missing."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from schemas.control import ControlError
from schemas.errors import Permanent, Retryable
from schemas.queries import spans
from ui import data, errors, saved, viewer
from ui.pages import EMPTY_TOO, SECTIONS, Render

# Without one of ours the browser would fetch a page's icon from another host.
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M2 13 8 3l6 10"'
    ' fill="none" stroke="#3b5bdb" stroke-width="2.4"/></svg>'
)


def page(path: str, render: Render) -> Callable[[], None]:
    """A page that keeps the project in the URL and says what to do when there is no data."""

    def show() -> None:
        banner = st.container()
        try:
            _shown(path, render)
        except (Retryable, Permanent, OSError) as error:
            with banner:
                errors.show(error)
        except ControlError as error:
            banner.error(data.literal(f"Control state cannot be used: {error}"))

    return show


def _shown(path: str, render: Render) -> None:
    store = data.store()
    person = viewer.arrived()
    if person is None:
        st.warning("You are logged out. Reload the page to log in.")
        st.stop()
    projects = [name for name in spans.projects(store) if person.sees(name)]
    if not projects and path not in EMPTY_TOO:
        st.info(
            "No traces yet. Point an OpenTelemetry SDK here:"
            " `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318`, or run `make demo`."
        )
        return
    projects = projects or list(person.projects) or ["default"]
    wanted = st.query_params.get("project", st.session_state.get("project", projects[0]))
    if wanted not in projects:
        st.warning(data.literal(f"There is no project {wanted}, or it is not yours."))
        wanted = projects[0]
    project = st.sidebar.selectbox("Project", projects, index=projects.index(wanted))
    st.session_state["project"] = project
    st.query_params["project"] = project
    if person.name:
        st.sidebar.caption(data.literal(f"{person.name} ({person.role})"))
        st.sidebar.html('<a href="/logout" target="_self">Log out</a>')
    render(store, project)
    # Behind the page, whose widgets write into the address what a view is to show again.
    saved.sidebar(store, project, path, person)


# Tables need the width and the first screen the height that Streamlit leaves empty.
ROOM = "<style>[data-testid=stMainBlockContainer] {padding: 3.5rem 2.5rem 4rem}</style>"


def main() -> None:
    st.set_page_config(page_title="Assay", page_icon=ICON, layout="wide")
    st.html(ROOM)
    first = True
    found: dict[str, list[st.Page]] = {}
    for section, pages in SECTIONS.items():
        for title, path, render in pages:
            made = st.Page(page(path, render), title=title, url_path=path, default=first)
            found.setdefault(section, []).append(made)
            first = False
    st.navigation(found, expanded=True).run()


main()
