"""A page of the explorer, run as Streamlit runs it, without a browser."""

from __future__ import annotations

import json
from typing import Any

from streamlit.testing.v1 import AppTest

from schemas.settings import Settings


def opened(settings: Settings, name: str, project: str, **query: str) -> AppTest:
    """The page `ui.views.<name>` of a project at an address with these parts."""

    def show(name: str, project: str, home: str, port: str) -> None:
        import importlib

        from schemas import clickhouse
        from schemas.settings import from_environment

        settings = from_environment({"ASSAY_HOME": home, "ASSAY_STORE_PORT": port})
        page = importlib.import_module(f"ui.views.{name}")
        page.render(clickhouse.connect(settings), project)

    where = {"home": str(settings.home), "port": str(settings.store_port)}
    test = AppTest.from_function(show, kwargs={"name": name, "project": project, **where})
    for key, value in query.items():
        test.query_params[key] = value
    return test.run(timeout=120)


def words(page: AppTest) -> str:
    """What the page says, less the marks that keep Markdown from reading it."""
    kinds = ("title", "subheader", "error", "info", "warning", "success", "markdown", "caption",
             "text")  # fmt: skip
    return " ".join(str(e.value) for kind in kinds for e in page.get(kind)).replace("\\", "")


def components(page: AppTest, name: str) -> list[dict[str, Any]]:
    """What our own components of a page were given to draw."""
    return [
        json.loads(each.proto.json)
        for each in page.get("bidi_component")
        if each.proto.component_name == name
    ]
