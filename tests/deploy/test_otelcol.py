"""The Collector's configuration names what exists: ports, pipelines and components."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from schemas.settings import from_environment

FILE = Path(__file__).parents[2] / "deploy" / "otelcol.yaml"


def test_every_pipeline_leads_to_assays_http_port() -> None:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text())
    exporter = found["exporters"]["otlphttp/assay"]
    assert exporter["endpoint"].endswith(f"127.0.0.1:{from_environment({}).otlp_http_port}}}")
    assert exporter["retry_on_failure"]["max_elapsed_time"] == "0s"
    assert set(found["service"]["pipelines"]) == {"traces", "logs", "metrics"}
    for pipeline in found["service"]["pipelines"].values():
        for kind, names in pipeline.items():
            assert set(names) <= set(found[kind])
    assert set(found["service"]["extensions"]) <= set(found["extensions"])
    assert exporter["sending_queue"]["storage"] in found["extensions"]
