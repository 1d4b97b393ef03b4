# Every command of the project. `make demo` and `make test` need Python 3.11, make and git, nothing else.
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev dashboards demo test check format lint types contracts bench faults fuzz train teach docs lock clean cluster audit sbom

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TESTS ?= tests

help: ## Lists the commands.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort | expand -t 14

$(BIN)/uv: requirements/build.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Bellwether needs Python 3.11 or newer; set PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.lock
	@touch $@

$(VENV)/.runtime: $(BIN)/uv requirements/runtime.lock pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/runtime.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.lock
	@touch $@

setup: $(VENV)/.runtime ## Makes .venv with the `bellwether` command in it.

setup-dev: $(VENV)/.dev ## The same, with what tests and checks need.

demo: setup ## Starts Kafka, a worker and the board, and streams the sample archive. Ctrl-C ends all of it.
	@$(BIN)/bellwether up --demo

# Tests that mostly wait for processes run beside those that mostly compute: three at a time.
WAITING = tests/integration
SHOWING = tests/faults tests/browser tests/deploy tests/history
PYTEST = $(BIN)/python -m pytest

test: setup-dev ## Runs every test.
ifeq ($(TESTS),tests)
	@$(PYTEST) -o cache_dir=.pytest_cache/waiting $(WAITING) > $(VENV)/waiting.log 2>&1 & waiting=$$!; \
	$(PYTEST) -o cache_dir=.pytest_cache/showing $(SHOWING) > $(VENV)/showing.log 2>&1 & showing=$$!; \
	status=0; \
	$(PYTEST) $(addprefix --ignore=,$(WAITING) $(SHOWING)) $(TESTS) || status=$$?; \
	wait $$waiting || status=$$?; wait $$showing || status=$$?; \
	cat $(VENV)/waiting.log $(VENV)/showing.log; \
	grep -hE '^(FAILED|ERROR) |^=+ .* in [0-9.]+s' $(VENV)/waiting.log $(VENV)/showing.log; exit $$status
else
	$(PYTEST) $(TESTS)
endif

check: format-check lint types contracts test ## Format, lint, types, import contracts, tests.

format: setup-dev ## Formats the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix --quiet . || true

format-check: setup-dev
	$(BIN)/ruff format --check .

lint: setup-dev
	$(BIN)/ruff check .

types: setup-dev
	$(BIN)/mypy

contracts: setup-dev
	$(BIN)/lint-imports

train: setup ## Trains the model that ships from models/corpus.
	$(BIN)/bellwether train

NEWS ?= ../shared/data/rss_2021.jsonl.gz ../shared/data/current_events.jsonl.gz
MEASURED ?= ../shared/data/real_dev.jsonl

teach: $(BIN)/uv requirements/train.lock ## Trains the encoder anew (two hours; TRIAL=1: minutes, into build/) from models/corpus and the news in NEWS; then run `make train`.
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python build/teach/venv
	$(BIN)/uv pip install --quiet --python build/teach/venv/bin/python --require-hashes -r requirements/train.lock
	build/teach/venv/bin/python -m models.distill.pretrained build/teach/pretrained
	build/teach/venv/bin/python -m models.train_encoder build/teach/pretrained $(if $(TRIAL),--trial --out build/teach/trial) $(addprefix --unlabelled ,$(NEWS)) $(addprefix --measured ,$(MEASURED))

docs: setup ## Writes the generated parts of docs/, the alert rules and the figures that the board shows.
	$(BIN)/bellwether docs
	$(BIN)/python -m deploy.prometheus.alerts
	$(BIN)/python -m tests.helpers.measured_figures

dashboards: setup-dev ## Writes the Grafana dashboards from their code.
	$(BIN)/python -m deploy.grafana.build

bench: setup-dev ## Runs the benchmarks.
	$(BIN)/python -m tests.bench

faults: setup-dev ## Runs the long fault suite with SEEDS seeds of each kind, and writes its table.
	$(BIN)/python -m tests.faults --seeds $(or $(SEEDS),5)

cluster: setup-dev ## Runs the long form of the tests on a cluster of three brokers, and prints the tables of docs/scaling.md.
	nice -n 10 $(BIN)/python -m pytest -m long tests/cluster tests/integration
	nice -n 10 $(BIN)/python -m tests.cluster

audit: setup ## Looks up known vulnerabilities of everything that the locks name (needs the network).
	@$(BIN)/python -m deploy.audit $(if $(LENIENT),--lenient)

sbom: setup ## Writes build/sbom.json, a CycloneDX list of what the locks and Kafka's jars name, without the network.
	$(BIN)/python -m deploy.sbom build/sbom.json

fuzz: setup-dev ## Fuzzes each way in for FUZZ_SECONDS (600), in an environment of its own.
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python build/fuzz
	$(BIN)/uv pip install --quiet --python build/fuzz/bin/python --require-hashes -r requirements/fuzz.lock
	$(BIN)/uv pip install --quiet --python build/fuzz/bin/python --no-deps --no-build-isolation --editable .
	build/fuzz/bin/python -m tests.hostile.fuzz --seconds $(or $(FUZZ_SECONDS),600)

lock: $(BIN)/uv ## Resolves the locks again from pyproject.toml.
	$(BIN)/uv pip compile -q pyproject.toml --extra kafka --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -o requirements/runtime.lock
	$(BIN)/uv pip compile -q pyproject.toml --extra kafka --extra fulltext --extra pdf --extra parquet --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -c requirements/runtime.lock -o requirements/dev.lock
	$(BIN)/uv pip compile -q requirements/train.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -c requirements/runtime.lock -o requirements/train.lock
	printf 'atheris>=3.0; sys_platform == "linux"\nschemathesis>=4.32\nsetuptools>=77\n' | cat - requirements/dev.lock | grep -v -e '--hash' -e '^ *\#' | sed 's/ \\$$//' | $(BIN)/uv pip compile -q - --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate -o requirements/fuzz.lock
	printf 'uv>=0.4\nsetuptools>=77\n' | $(BIN)/uv pip compile -q - --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -o requirements/build.lock

clean: ## Removes what was made: .venv and caches.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info
