# Each recipe replaces its shell with exec, so that signals reach the program itself.
VENV := .venv/bin
INSTALL := python=$$(scripts/find-python) && exec "$$python" -m tools.launch.install
LOCK := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
COMPILE := $(VENV)/python -m tools.launch.uv pip compile $(LOCK) --directory requirements

# Names of people and folders are not ASCII. Python would use the locale's encoding for files.
export PYTHONUTF8 := 1

.PHONY: help up models test check chaos bench scale llm evaluate fmt console openapi lock clean base dev
.DEFAULT_GOAL := help

help: ## show this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

up: base ## install missing packages and run the whole system, until Ctrl-C
	@exec $(VENV)/python -m tools.launch --end-with-parent

test: dev ## install missing packages and run all tests on SQLite, then the database tests on PostgreSQL
	@exec scripts/test $(ARGS)

models: base ## fetch the weights of the desk photos' models; `make up` does so in the background
	@exec $(VENV)/python manage.py fetch_models

chaos: dev ## run the fault campaign; ARGS="--seed 7 --database sqlite", --help lists all
	@exec $(VENV)/python -m tools.chaos $(ARGS)

bench: dev ## measure performance and compare with peers; ARGS="--quick", --help lists all
	@exec $(VENV)/python -m tools.benchmarks $(ARGS)

scale: dev ## measure the log as it grows to 5,000,000 rows; ARGS="--rows 100000", --help lists all
	@exec $(VENV)/python -m tools.benchmarks.scale $(ARGS)

llm: base ## serve a small language model on this machine; MODEL=path.gguf another one
	@exec $(VENV)/python -m tools.llm $(if $(MODEL),--model "$(MODEL)") $(ARGS)

evaluate: base ## ask the connected language model 200 questions whose answers are known; ARGS="--sample 40" fewer
	@exec $(VENV)/python -m tools.llm.evaluate $(ARGS)

check: dev ## check format, lint, types, import contracts, migrations, settings, OpenAPI, known vulnerabilities
	@exec scripts/check

fmt: dev ## format the code and apply the linter's fixes
	@$(VENV)/ruff format . && exec $(VENV)/ruff check --fix .

console: dev ## build the console from frontend/ into frontend/dist
	@exec $(VENV)/python -m tools.console build

openapi: dev ## generate docs/openapi.yaml from the code
	@exec $(VENV)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

lock: dev ## update the lock files; ARGS=--upgrade for newer versions
	@$(COMPILE) $(ARGS) uv.in --output-file uv.txt
	@$(COMPILE) $(ARGS) base.in --output-file base.txt
	@$(COMPILE) $(ARGS) llm.in --output-file llm.txt
	@$(COMPILE) $(ARGS) dev.in --output-file dev.txt
	@exec $(COMPILE) $(ARGS) ../ml_server/requirements.in --constraint base.txt --output-file ../ml_server/requirements.txt

clean: ## remove .venv and caches; data in var/ stays
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

base dev:
	@$(INSTALL) $@
