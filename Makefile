# What one does with this project. `make help` lists it.
#
# Needs Python >= 3.11 and make; `make up` and `make test-stack` need Docker with its compose plugin as well.

UV_VERSION := 0.13.8
VENV       := .venv
BIN        := $(VENV)/bin
STAMP      := $(VENV)/.setup-stamp
MEMBERS    := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml tools/*/pyproject.toml)
ARGS       ?=

export UV_VERSION

.DEFAULT_GOAL := help
.PHONY: help setup run test lint types up down coverage keys password lock loadtest bench dashboards settings runbook test-browser test-stack test-faults test-long fuzz soak clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | awk -F '\t' '{printf "  make %-14s%s\n", $$1, $$2}'

setup: $(STAMP) ## make the environment in .venv, with all console scripts; PYTHON=… names the interpreter

$(STAMP): requirements.lock pyproject.toml $(MEMBERS) scripts/setup.sh
	@VENV=$(VENV) ./scripts/setup.sh

# An environment that is dead, was moved, or is of another Python than asked for is made anew, however new its stamp is.
ifneq ($(wildcard $(STAMP)),)
ifneq ($(shell VENV=$(VENV) PYTHON=$(PYTHON) ./scripts/venv_is_good.sh && echo good),good)
$(STAMP): remake
endif
endif
remake:

run: $(STAMP) ## start the services as processes, with a simulated market; Ctrl-C stops them all
	@$(BIN)/python scripts/run.py

test: lint types $(STAMP) ## lint, types, and all tests that need no browser and no container engine
	$(BIN)/pytest $(ARGS)

lint: $(STAMP) ## formatting, lint rules of Python and JavaScript, import contracts, Dockerfile
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/oxlint libs services tests/ticket tests/ui/board

types: $(STAMP) ## the strict type check
	$(BIN)/mypy

COVER := FUZZ_TIMES=0.1 $(BIN)/coverage run --parallel-mode -m pytest -q

coverage: $(STAMP) ## branch coverage by the tests that run in this process; ARGS="--show-missing" lists lines
	@rm -f .coverage .coverage.*
	$(COVER) tests/analytics tests/client tests/dashboards tests/schema & \
		$(COVER) tests/ingest tests/loadtest tests/runtime tests/ui; one=$$?; wait $$! && exit $$one
	$(BIN)/coverage combine -q
	$(BIN)/coverage report $(ARGS)

# Without an engine the client names a socket, and without the client make names a file.
NEEDS_ENGINE = @docker compose version >/dev/null 2>&1 && docker version >/dev/null 2>&1 || { \
	echo "make $@: no container engine answers: install Docker with its compose plugin, or start it" >&2; exit 1; }

up: ## build and start the containers, and wait until all are healthy
	$(NEEDS_ENGINE)
	docker compose up --build --detach --wait
	@for one in "Page ui 8501" "Grafana grafana 3000" "Prometheus prometheus 9090" "Alertmanager alertmanager 9093"; do set -- $$one; \
		at=$$(docker compose port $$2 $$3 2>/dev/null) && [ -n "$$at" ] && printf '%s http://%s  ' $$1 $$at; done; echo

down: ## stop the containers; the data stays in their volumes
	$(NEEDS_ENGINE)
	docker compose down

keys: $(STAMP) ## make key pairs (CURVE) in keys/, for the services and ARGS="bot-1 bot-2"; keeps those that are there
	@$(BIN)/python scripts/keys.py $(ARGS)

password: $(STAMP) ## ask for the password of ARGS="NAME" on the page and write it, hashed, to keys/passwords
	@$(BIN)/python scripts/password.py $(ARGS)

lock: $(STAMP) ## renew requirements.lock; ARGS="--upgrade" takes the newest versions, ARGS="--upgrade-package ruff" only one
	@VENV=$(VENV) ./scripts/lock.sh $(ARGS)

loadtest: $(STAMP) ## load the running stack, or one of its own where none answers; ARGS="--help" lists the options
	@$(BIN)/loadtest $(ARGS)

bench: $(STAMP) ## measure the pipeline against bare ZeroMQ
	@$(BIN)/bench $(ARGS)

settings: $(STAMP) ## write the README's table of settings anew from code
	@$(BIN)/python scripts/settings_table.py

runbook: ## give the page the runbook of docs/ as it is now; the page's image has no docs
	@cp docs/runbook.md services/ui/src/ui/page/runbook.md

dashboards: $(STAMP) ## write the Grafana dashboards anew from code
	@$(BIN)/build-dashboards $(ARGS)

test-browser: $(STAMP) ## the page in headless Chromium
	$(BIN)/pytest -m browser tests/browser $(ARGS)

test-stack: $(STAMP) ## the containers on a real engine
	@./scripts/engine.sh
	$(BIN)/pytest -m stack tests/stack $(ARGS)

test-faults: $(STAMP) ## 50 kills, stops and restarts under load, for each way to sync the log
	$(BIN)/pytest -m faults tests/faults $(ARGS)

test-long: $(STAMP) ## 20,000 random histories of orders, shuffled and repeated: each gives one result
	$(BIN)/pytest -m long tests/analytics/orders $(ARGS)

fuzz: $(STAMP) ## ten minutes of insane values for all that takes in bytes; ARGS="--seconds 3600" for an hour
	@$(BIN)/python scripts/fuzz.py $(ARGS)

soak: $(STAMP) ## minutes of load, watching memory
	$(BIN)/pytest -m soak $(ARGS)

clean: ## remove what the tools made; running containers and their data are left alone
	rm -rf $(VENV) .venv-system .tools .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist reports .coverage
	find libs services tools tests -name __pycache__ -type d -prune -exec rm -rf {} +
