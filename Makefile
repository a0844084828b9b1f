# `make serve` and `make test` do everything that they need; a second call skips what is done.

SCORECARD ?= card_default
PYTHON ?= python3
PORT ?= 3000
DESK_PORT ?= 3100
BASE ?= python:3.11-slim
PROCESSES ?= 4
TOGETHER = --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder
VENV := .venv
BIN := $(VENV)/bin
export BENTOML_HOME ?= $(CURDIR)/.bentoml
export BENTOML_DO_NOT_TRACK = True
export PATH := $(CURDIR)/$(BIN):$(PATH)
# The tests start hundreds of Pythons, and each would compile every module that it imports.
unexport PYTHONDONTWRITEBYTECODE

RELEASE := releases/$(SCORECARD).json
# The earliest Python 3.11, which needs the most packages.
LOCK := uv pip compile pyproject.toml --quiet --constraints constraints.txt --generate-hashes --no-annotate \
	--python-version 3.11 --python-platform x86_64-manylinux_2_28 --custom-compile-command 'make requirements'
SOURCE := data/sources/$(SCORECARD)
# The code that DVC's stages of this scorecard are made of, so a change to it trains again.
MODEL_CODE := $(shell find $$(sed -nE 's:^ +- ((scoring|training)/.*):\1:p' dvc.yaml | sed 's:[$$]{key}:$(SCORECARD):' | sort -u) \
	-type f -not -name '*.pyc' 2>/dev/null)

.PHONY: help serve desk served-desk test coverage lint pythons load bench chaos image footprint compose requirements docs dvc reproduce environment slow \
	clean FORCE

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

serve: $(RELEASE) ## Train if nothing is trained yet, then serve on 127.0.0.1:3000 (PORT=3001 for another)
	@python -c "import socket; socket.create_server(('127.0.0.1', $(PORT))).close()" 2>/dev/null || \
		{ echo "port $(PORT) is in use; another: make serve PORT=3001" >&2; exit 1; }
	@echo "== serving $(SCORECARD) on http://127.0.0.1:$(PORT)"
	@SCOREBOX_SCORECARD=$(SCORECARD) exec bentoml serve service:Scorebox --host 127.0.0.1 --port $(PORT)

desk: ## Serve the lending desk on 127.0.0.1:3100 (DESK_PORT), full of made-up people, with the service next to it
	@$(MAKE) --no-print-directory SCORECARD=card_approval served-desk

served-desk: $(VENV)/.desk $(RELEASE)
	@python -c "import socket; socket.create_server(('127.0.0.1', $(PORT))).close(); socket.create_server(('127.0.0.1', $(DESK_PORT))).close()" \
		2>/dev/null || { echo "port $(PORT) or $(DESK_PORT) is in use; others: make desk PORT=3001 DESK_PORT=3101" >&2; exit 1; }
	@scorebox desk migrate
	@scorebox desk seed
	@scorebox desk score
	@echo "== serving the desk on http://127.0.0.1:$(DESK_PORT), $(SCORECARD) on port $(PORT); its log is desk-service.log"
	@SCOREBOX_SCORECARD=$(SCORECARD) bentoml serve service:Scorebox --host 127.0.0.1 --port $(PORT) > desk-service.log 2>&1 & \
		service=$$!; trap 'kill $$service' EXIT; trap 'exit 130' INT; trap 'exit 143' TERM; \
		SCOREBOX_DESK_SERVICES=$(SCORECARD)=http://127.0.0.1:$(PORT) scorebox desk serve --port $(DESK_PORT)

test: environment ## Run the quick test suite, in four processes (PROCESSES=2 for two)
	@echo "== tests"
	@python -m pytest -m "not slow" $(TOGETHER) $(MEASURED)

coverage: ## Run the quick tests with coverage measured; writes docs/measured/coverage.md
	@$(MAKE) --no-print-directory test MEASURED="--cov --cov-report="
	@python -m tests.coverage_page

# They wait more than the quick ones: for servers, containers and commands.
slow: environment ## Run the tests that take long
	@echo "== slow tests"
	@python -m pytest -m "slow and not alone" $(TOGETHER)
	@python -m pytest -m "slow and alone"

lint: environment ## Check style, types and import contracts
	@echo "== lint, types, import contracts"
	@ruff check . && ruff format --check . && mypy && lint-imports

pythons: environment ## Compile, lint and import with every declared Python that this machine has
	@echo "== Pythons"
	@.ci/pythons

load: environment $(RELEASE) ## Load test against a server that it starts; exit code by the targets
	@SCOREBOX_SCORECARD=$(SCORECARD) python -m loadtests.run

bench: environment $(RELEASE) ## Measure the service next to its peers; writes docs/measured/bench.md
	@SCOREBOX_SCORECARD=$(SCORECARD) python -m loadtests.bench

chaos: environment $(RELEASE) ## Kill, starve and flood the service for a quarter of an hour; writes docs/measured/chaos.md
	@SCOREBOX_SCORECARD=$(SCORECARD) python -m loadtests.chaos

image: environment $(RELEASE) ## Build the release image of the model that serves, and list what is in it (BASE=name@sha256:... pins)
	@scorebox image $(SCORECARD) --base $(BASE)

footprint: environment $(RELEASE) ## Build the release image and measure size, start and memory; writes docs/measured/footprint.md
	@python -m loadtests.footprint $$(scorebox image $(SCORECARD) --base $(BASE)) --base $(BASE)

requirements: environment ## Pin what images install, by hash, to the versions in constraints.txt
	@$(LOCK) --extra serve --output-file deploy/image/serve.txt
	@$(LOCK) --extra serve --extra ship --output-file deploy/image/ship.txt
	@$(LOCK) --extra serve --extra watch --output-file deploy/image/watch.txt
	@echo mlflow | $(subst pyproject.toml,-,$(LOCK)) --output-file deploy/compose/mlflow.txt

compose: environment $(RELEASE) ## Build what `docker compose up` runs, and write .env with passwords of its own
	@image=$$(scorebox image $(SCORECARD) --base $(BASE)) && \
		shipper=$$(scorebox image $(SCORECARD) --base $(BASE) --shipper) && \
		mlflow=$$(sed -n 's/^mlflow==\([^ ]*\).*/\1/p' deploy/compose/mlflow.txt) && \
		python deploy/compose/environment.py SCOREBOX_IMAGE=$$image SCOREBOX_SHIPPER_IMAGE=$$shipper \
			SCOREBOX_SCORECARD=$(SCORECARD) MLFLOW_VERSION=$$mlflow BASE=$(BASE)
	@docker compose --profile training build --quiet

docs: environment ## Build the site of docs/ into site/
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

dvc: environment ## Rewrite the code that each stage of dvc.yaml depends on, by the imports
	@python -m tests.stage_dependencies

reproduce: $(SOURCE) ## Full training of every scorecard, by DVC
	@dvc repro

# Rewritten only when the source has changed.
$(SOURCE): FORCE | $(VENV)/.serve
	@scorebox source $(SCORECARD)

environment: $(VENV)/.everything ## Install everything into .venv; `make serve` installs its part only

# Training and serving need half of it; tests, load tests and images the rest.
$(VENV)/.serve $(VENV)/.desk $(VENV)/.everything: pyproject.toml constraints.txt environment.py
	@$(PYTHON) environment.py $(@F:.%=%)

# The quick profile. Full training: `make reproduce`, then `scorebox promote`.
$(RELEASE): $(SOURCE) params.yaml $(MODEL_CODE) | $(VENV)/.serve
	@echo "== data, training, export, push, promotion: $(SCORECARD), quick profile"
	@scorebox build $(SCORECARD) --profile quick

clean: ## Remove what was made: data, models, releases, reports; no journal
	@journal=$$(find artifacts releases .bentoml mlruns -name 'segment-*.sqlite' -print -quit 2>/dev/null); \
		test -z "$$journal" || { echo "a journal is in $${journal%/*}: move it to another folder first" >&2; exit 1; }
	rm -rf artifacts releases .bentoml mlflow.db mlruns loadtests/results
