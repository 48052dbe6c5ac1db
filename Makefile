# What a contributor types. `make run` and `make test` need nothing but make, pip and Python >= 3.11;
# both make .venv first if it is missing or older than what it is made from.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PORT ?= 5000
VENV ?= .venv
# The first Python that is new enough; `make PYTHON=/path/to/python` names one.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
CARGO := $(shell command -v cargo 2>/dev/null)
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# The stamp carries whether cargo was there, so that installing Rust later builds the native server.
CORE := $(VENV)/.installed-$(if $(CARGO),native,pure)
TOOLS := $(VENV)/.installed-tools
RUST := $(shell find rust -name target -prune -o -type f -print 2>/dev/null)
CHECKED := $(wildcard src tests examples bench)
# One interpreter for cargo here and in pip: a change of PYO3_PYTHON compiles PyO3 again.
CARGO_ENV := PYO3_PYTHON=$(abspath $(BIN)/python)
MANIFEST := --manifest-path rust/Cargo.toml
COVERAGE_FLOOR := 98
# What stands beside the project: the cases of the behaviour suite, the record of the API.
SHARED ?= ../shared

.PHONY: help install run test check format bench bench-servers faults faults-short loom docs floors wire conformance \
	conformance-servers
help:
	@echo "make run       serve the example on http://127.0.0.1:5000 (PORT=8000 changes the port)"
	@echo "make test      everything that must pass: make check, then every test with branch coverage"
	@echo "make check     lints, formatting, types; Rust's too where cargo is installed"
	@echo "make format    format Python and Rust, apply safe lint fixes"
	@echo "make bench     run every measurement in bench/; ends with an error where a claim is missed"
	@echo "make bench-servers  .venv-bench with the other servers and frameworks that are compared with"
	@echo "make faults    break the server on purpose: kills, floods, reloads under load (bench/faults/)"
	@echo "make faults-short  the short ones of them, without times: what CI makes"
	@echo "make loom      every interleaving of the native server's queue"
	@echo "make wire      raw requests to the servers, judged by the table of wire cases (MODES=\"bytewise split\")"
	@echo "make conformance  Flask's own suites, the behaviour suite, the API's record; environments: SUITES_DIR"
	@echo "make conformance-servers  the table of tests/conformance behind gunicorn, waitress, uWSGI and Granian,"
	@echo "                          and the commands of docs/deployment.md"
	@echo "make docs      run the code blocks of the documentation, build its site in build/site"
	@echo "make floors    the tests on the oldest dependencies that pyproject.toml allows"
	@echo "make install   .venv with the package (editable) and the contributors' tools"

$(BIN)/python:
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "hipflask needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Making $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV)

$(CORE): pyproject.toml $(RUST) | $(BIN)/python
	@echo "Installing hipflask into $(VENV) (up to a minute the first time) ..."
	@$(PIP) install --editable .
	@$(if $(CARGO),:,echo "cargo was not found, so the pure-Python server is used; with Rust installed the next make builds the native one.")
	@rm -f $(VENV)/.installed-native $(VENV)/.installed-pure
	@touch $@

$(TOOLS): pyproject.toml | $(CORE)
	@echo "Installing the contributors' tools into $(VENV) ..."
	@$(PIP) install "pip>=25.1"  # the first with --group
	@$(PIP) install --group test
	@touch $@

install: $(CORE) $(TOOLS)

run: $(CORE)
	@exec $(BIN)/hipflask --app examples/board run --port $(PORT)

test: check
ifneq ($(CARGO),)
	cargo test $(MANIFEST) --package hipflask-http1 --package hipflask-handover --locked --quiet
endif
	$(if $(CARGO),,UNCOVERED='*/hipflask/server/native*.py') $(BIN)/python -m pytest --cov --cov-report=term --cov-fail-under=$(COVERAGE_FLOOR) $(ARGS)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src $(wildcard tests/typing)
ifneq ($(CARGO),)
	cargo fmt $(MANIFEST) --all --check
	$(CARGO_ENV) cargo clippy $(MANIFEST) --workspace --locked --quiet --all-targets -- --deny warnings
	@if command -v cargo-deny >/dev/null; then cargo deny $(MANIFEST) check bans licenses sources; \
		else echo "cargo-deny is not installed: licences and sources of the crates are not checked"; fi
endif

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(if $(CARGO),cargo fmt $(MANIFEST) --all)

# Ends with status 1 where a script does, one that misses a claim for example, but runs all of them.
bench: install
	@failed=; for script in bench/*.py; do \
		echo "== $$script"; $(BIN)/python "$$script" || failed="$$failed $$script"; \
	done; test -z "$$failed" || { echo "Missed:$$failed" >&2; exit 1; }

# The other servers and frameworks that bench/server.py and bench/board.py compare with, in an environment of their own.
bench-servers: $(VENV)-bench/.installed

$(VENV)-bench/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing what is compared with into $(VENV)-bench ..."
	@test -e $(VENV)-bench/bin/python || $(BIN)/python -m venv $(VENV)-bench
	@$(VENV)-bench/bin/python -m pip --disable-pip-version-check --quiet install "pip>=25.1"
	@$(VENV)-bench/bin/python -m pip --disable-pip-version-check --quiet install --group bench
	@touch $@

# Every interleaving of the native server's queue and its wake: minutes.
loom:
	RUSTFLAGS="--cfg loom" cargo test $(MANIFEST) --package hipflask-handover --release --locked --target-dir rust/target/loom

# Each experiment prints what it found, and ends with status 1 where a pass mark is missed; for a quiet moment.
# ARGS=--quick takes at most fifteen seconds for each; ARGS="--quick --untimed" judges nothing that a busy machine
# changes. FAULTS="drain reload" names those to make.
FAULTS ?= $(sort $(basename $(notdir $(wildcard bench/faults/*.py))))
faults: install
	@failed=; for name in $(FAULTS); do \
		$(BIN)/python "bench/faults/$$name.py" $(ARGS) || failed="$$failed $$name"; \
	done; count=$$(wc --words <<< "$(FAULTS)"); \
	test -z "$$failed" || { echo "faults: missed of $$count experiments:$$failed" >&2; exit 1; }; \
	echo "faults: $$count experiments, all marks passed"

# In their quick form, without times: three minutes, on any machine. The others need half a minute each, or more clients
# than a busy machine can run. .ci/run makes these.
FAULTS_SHORT := throughput slow_heads slow_bodies ranges idle_connections churn pipelining overload drain reload \
	kill_worker kill_supervisor crash hang descriptors aborts start_stop log_flood large_streams differential
faults-short:
	@$(MAKE) --no-print-directory faults FAULTS="$(FAULTS_SHORT)" ARGS="--quick --untimed"

# Raw requests to the pure and the native server, both by the same table, which stands beside the project; prints what
# was strict and what met the RFC's minimum. MODES="pipelined bytewise split" takes ten minutes.
MODES ?= pipelined
wire: install
	WIRE_MODES="$(MODES)" $(BIN)/python -m pytest --quiet -rs tests/wire tests/native/test_wire.py $(ARGS)

# Fails where a test is lost that tests/suites/*_deviations.tsv do not list, or a listed one passes.
conformance: install
	$(BIN)/python -m tests.suites.conformance --shared $(SHARED) $(ARGS)

# A separate environment: what users deploy with is not needed for anything else. One to two minutes.
conformance-servers: $(VENV)-servers/.installed
	PYTHONPATH=$(abspath src) $(VENV)-servers/bin/python -m pytest --quiet -rs \
		tests/conformance/test_servers.py tests/docs $(ARGS)

$(VENV)-servers/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing servers into $(VENV)-servers ..."
	@test -e $(VENV)-servers/bin/python || $(BIN)/python -m venv $(VENV)-servers
	@$(VENV)-servers/bin/python -m pip --disable-pip-version-check --quiet install "pip>=25.1"
	@$(VENV)-servers/bin/python -m pip --disable-pip-version-check --quiet install --group test --group servers
	@$(VENV)-servers/bin/python -m pip --disable-pip-version-check --quiet install --group server-uwsgi \
		|| echo "uWSGI could not be compiled, so it is left out."
	@touch $@

# A warning (a link that leads nowhere, say) fails. The site works offline: build/site/index.html.
docs: install $(VENV)-docs/.installed
	$(BIN)/python -m pytest --quiet tests/docs
	@rm -rf build/site
	PYTHONPATH=src $(VENV)-docs/bin/python -m sphinx --fail-on-warning --keep-going --quiet \
		--builder html --doctree-dir build/doctrees docs build/site
	@echo "The site is in build/site/index.html."

$(VENV)-docs/.installed: pyproject.toml | $(BIN)/python
	@echo "Installing Sphinx into $(VENV)-docs ..."
	@test -e $(VENV)-docs/bin/python || $(BIN)/python -m venv $(VENV)-docs
	@$(VENV)-docs/bin/python -m pip --disable-pip-version-check --quiet install "pip>=25.1"
	@$(BIN)/python -c 'import tomllib; \
		print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
		> $(VENV)-docs/dependencies.txt
	@$(VENV)-docs/bin/python -m pip --disable-pip-version-check --quiet install \
		--requirement $(VENV)-docs/dependencies.txt --group docs
	@touch $@

# A separate environment: pip resolves each `>=` of the dependencies as `==`.
floors: $(BIN)/python
	@test -e $(VENV)-floors/bin/python || $(BIN)/python -m venv $(VENV)-floors
	@$(VENV)-floors/bin/python -m pip --disable-pip-version-check --quiet install "pip>=25.1"
	@$(BIN)/python -c 'import tomllib; \
		names = tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"]; \
		print(*(name.replace(">=", "==") for name in names), sep="\n")' > $(VENV)-floors/constraints.txt
	@$(VENV)-floors/bin/python -m pip --disable-pip-version-check --quiet install \
		--constraint $(VENV)-floors/constraints.txt --editable . --group test
	$(VENV)-floors/bin/python -m pytest --quiet -m "not browser and not slow"
