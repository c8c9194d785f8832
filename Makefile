# Two commands matter: `make demo` shows the whole flow, `make test` runs everything that guards it.
#
#   make demo       a throwaway Center under DEMO_DIR, the form on http://127.0.0.1:PORT
#   make test       lint, types, import contracts, and every test
#   make bench      the benchmarks, as ratios against a reference of the same run
#   make hardening  the long tests; PART=i/n runs one part of n
#   make catalogues  bring the translations up to the sentences of the pages
#   make lock       remake requirements/*.txt (needs uv)

PYTHON ?= python3
DEMO_DIR ?= demo
PORT ?= 8000
PART ?= 1/1
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check install --quiet
APT_TEST := chromium firefox-esr fonts-noto-core fonts-noto-cjk gettext minisign signify-openbsd age strace haproxy tor openssl curl iproute2 xfsprogs e2fsprogs

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench hardening catalogues lock setup-test clean

help:
	@sed -n 's/^#   //p' Makefile

# --- environments -----------------------------------------------------------------------------

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; run: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || .ci/apt python3-venv
	$(PYTHON) -m venv .venv

.venv/demo.done: .venv/bin/pip requirements/build.txt requirements/demo.txt pyproject.toml
	$(PIP) --require-hashes -r requirements/build.txt -r requirements/demo.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/test.done: .venv/bin/pip requirements/build.txt requirements/dev.txt pyproject.toml
	$(PIP) --require-hashes -r requirements/build.txt -r requirements/dev.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch .venv/demo.done $@

tests/interop/node_modules/.done: tests/interop/package-lock.json .venv/test.done
	cd tests/interop && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

setup-test: .venv/test.done tests/interop/node_modules/.done
	@.ci/apt $(APT_TEST)

# --- what people run --------------------------------------------------------------------------

demo: .venv/demo.done
	@exec $(BIN)/python -m tests.demo --directory "$(DEMO_DIR)" --port "$(PORT)"

lint: .venv/test.done
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/vulture
	-@$(BIN)/ruff check --select C901,PLR0912,PLR0915 --exit-zero --quiet --output-format concise crypto intake review_tool

test: lint setup-test
	$(BIN)/pytest -q -n 2 --dist loadfile --cov --cov-report=term:skip-covered

bench: .venv/test.done
	$(BIN)/python -m tests.bench

hardening: setup-test
	$(BIN)/python -m tests.hardening --part "$(PART)"
	$(BIN)/python -m tests.hardening.fuzz --part "$(PART)"
	$(BIN)/python -m tests.hardening.flood --part "$(PART)"
	$(BIN)/python -m tests.hardening.boot --part "$(PART)"
	$(BIN)/python -m tests.hardening.kills --part "$(PART)"
	$(BIN)/python -m tests.hardening.power --part "$(PART)"
	$(BIN)/python -m tests.hardening.image --part "$(PART)"
	$(BIN)/python -m tests.hardening.memory --part "$(PART)"
	$(BIN)/python -m tests.browser.matrix --part "$(PART)"
	$(BIN)/pytest -q -m hardening tests/browser tests/hardening

UV := uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header
catalogues: .venv/test.done
	$(BIN)/python -m tests.catalogues

lock:
	echo 'setuptools>=77' | $(UV) - -o requirements/build.txt
	$(UV) pyproject.toml --extra intake -o requirements/intake.txt
	$(UV) pyproject.toml --extra review -o requirements/review.txt
	$(UV) pyproject.toml --extra intake --extra review -o requirements/demo.txt
	$(UV) pyproject.toml --extra intake --extra review --group dev -o requirements/dev.txt

clean:
	rm -rf .venv tests/interop/node_modules artifacts
