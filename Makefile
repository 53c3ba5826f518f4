# What the portal needs is Python 3.11 or later, make and git; the rest is installed into .venv by the first command.
#
#   PYTHON=python3.12   another interpreter for the virtual environment
#   ARGS="-k callback"  further arguments of `make test` and `make bench`
#   COVERAGE=1          `make test` gathers coverage (judged by .ci/run)
#   POSTGRESQL, REDIS, RABBITMQ   the servers of `make chaos`, which makes its databases itself;
#   CHAOS_WAYBILLS=300            a trial of it

PYTHON ?= python3
BIN := .venv/bin
MAIN := .venv/.main-is-installed
DEV := .venv/.dev-is-installed
PIP := $(BIN)/pip --disable-pip-version-check install --quiet --require-hashes
LOCK := --quiet --generate-hashes --allow-unsafe --strip-extras \
        --no-emit-index-url --no-emit-find-links --no-emit-trusted-host
# The developer's own .env must decide neither a test nor a check.
BARE := PORTAL_ENV_FILE=/dev/null
POSTGRESQL ?= postgres://postgres@127.0.0.1:5432/portal_chaos
REDIS ?= redis://127.0.0.1:6379/14
RABBITMQ ?= amqp://guest:guest@127.0.0.1:5672//
PYTEST := $(if $(COVERAGE),$(BIN)/coverage run -m pytest,$(BIN)/pytest)

.DEFAULT_GOAL := help
.PHONY: help demo run web worker test chaos bench check lock install

help: ## what there is
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: $(MAIN) ## the portal with demo data, its workers and WeChat's sandbox; Ctrl-C stops all
	@exec $(BIN)/python -m portal.demo

run: $(MAIN) ## web and workers as in production; Ctrl-C stops all
	@exec $(BIN)/python manage.py serve

web: $(MAIN) ## the web half of `make run`
	@exec $(BIN)/python manage.py serve web

worker: $(MAIN) ## the workers' half of `make run`
	@exec $(BIN)/python manage.py serve worker

test: $(DEV) ## the whole test suite, on DATABASE_URL and CELERY_BROKER_URL where they are set
	@$(if $(findstring not browser,$(ARGS)),:,sh .ci/chromium)
	@sh .ci/curl
	$(BARE) $(PYTEST) $(ARGS)

chaos: export CHAOS := full
chaos: $(DEV) ## the tests that kill and pause processes, in full size, on SQLite, then PostgreSQL with each broker: two hours
	env -u DATABASE_URL -u CELERY_BROKER_URL $(BARE) $(BIN)/pytest -m chaos $(ARGS)
	DATABASE_URL=$(POSTGRESQL) CELERY_BROKER_URL=$(REDIS) $(BARE) $(BIN)/pytest -m chaos $(ARGS)
	DATABASE_URL=$(POSTGRESQL) CELERY_BROKER_URL=$(RABBITMQ) $(BARE) $(BIN)/pytest -m broker $(ARGS)

bench: $(DEV) ## the benchmarks, as ratios
	$(BARE) $(BIN)/python -m bench.run $(ARGS)

check: export DJANGO_DEBUG := 1
check: $(DEV) ## what a reader should not have to find: style, types, imports, migrations, configuration
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BARE) $(BIN)/mypy
	$(BARE) $(BIN)/lint-imports
	$(BARE) $(BIN)/python manage.py makemigrations --check --dry-run
	$(BARE) $(BIN)/python manage.py check

lock: ## pin every dependency anew, with hashes; UPGRADE=1 takes newer versions
	@tools=$$(mktemp -d) && trap 'rm -rf "$$tools"' EXIT && $(PYTHON) -m venv "$$tools" \
	&& "$$tools"/bin/pip --disable-pip-version-check install --quiet pip-tools \
	&& "$$tools"/bin/pip-compile $(LOCK) $(if $(UPGRADE),--upgrade) --output-file requirements/main.txt requirements/main.in \
	&& "$$tools"/bin/pip-compile $(LOCK) $(if $(UPGRADE),--upgrade) --output-file requirements/dev.txt requirements/dev.in

install: $(DEV) ## the virtual environment with all that tests and checks need

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| { echo "Python 3.11 or later is needed: name it with PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .venv \
	|| { rm -rf .venv; echo "Python's venv is missing; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(MAIN): requirements/main.txt | .venv/bin/pip
	@echo "Installing what the portal runs on…"
	@$(PIP) -r requirements/main.txt
	@touch $@

$(DEV): requirements/dev.txt $(MAIN)
	@echo "Installing what tests and checks need…"
	@$(PIP) -r requirements/main.txt -r requirements/dev.txt
	@touch $@
