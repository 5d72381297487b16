# The interpreter which .venv is made with: make test PYTHON=python3.13
PYTHON ?= python3
# Given, only these are passed to pytest, and coverage is left out: make test ARGS="tests/unit -x"
ARGS ?=
# Processes that tests run in.  They wait most of the time, so there are more than processors.
PROCESSES ?= 6

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
# pyenv puts on the path only the versions selected; tox is shown the others.
PYENV_ROOT ?= $(HOME)/.pyenv
PYTHONS := $(wildcard $(PYENV_ROOT)/versions/3.1[1-5].*/bin/python)
# CI runs with every server and flavour, so it is there that the table of the docs is written.
MATRIX := $(if $(CI),--matrix=docs/matrix.rst)
SIDE_BY_SIDE := -n $(PROCESSES)
COVERAGE := --cov=consul --cov-branch --cov-report=term-missing:skip-covered

.PHONY: demo test quick check canary docs soak bench all-pythons clean

demo: $(STAMP)
	@server=$$($(BIN)/python tools/servers.py quickest) && CONSUL_BIN="$$server" $(BIN)/python tools/demo.py

test: $(STAMP)
	@$(BIN)/python tools/servers.py all
	$(BIN)/python -m pytest $(or $(ARGS),$(SIDE_BY_SIDE) $(COVERAGE) $(MATRIX))

# Two flavours and one server, in less than a minute.
quick: $(STAMP)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	@server=$$($(BIN)/python tools/servers.py quickest) && CONSUL_BIN="$$server" \
		$(BIN)/python -m pytest -q $(SIDE_BY_SIDE) --quick \
		$(or $(ARGS),tests/unit tests/smoke tests/conformance)

# The newest releases and pre-releases of the libraries.
canary: $(STAMP)
	@$(BIN)/python tools/servers.py all
	PYTHON=$(BIN)/python PROCESSES=$(PROCESSES) .ci/canary

check: $(STAMP)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python consul
	$(BIN)/sphinx-build -q -nW docs docs/_build/html

docs: $(STAMP)
	$(BIN)/sphinx-build -nW docs docs/_build/html
	@echo docs/_build/html/index.html

# What takes minutes; the suite has a short form of it.
soak: $(STAMP)
	@server=$$($(BIN)/python tools/servers.py quickest) && CONSUL_BIN="$$server" $(BIN)/python tests/soak.py
	$(BIN)/python tools/cluster_numbers.py --seconds 60 --output /dev/null
	$(BIN)/python -m tests.large --mebibytes 2048
	@server=$$($(BIN)/python tools/servers.py quickest) && \
		$(BIN)/python -m tests.interrupted "$$server" 500 && \
		$(BIN)/python -m tests.contention "$$server" 60
	$(BIN)/python tools/mutants.py

bench: $(STAMP)
	@server=$$($(BIN)/python tools/servers.py quickest) && CONSUL_BIN="$$server" $(BIN)/python -m benchmarks

all-pythons: $(STAMP)
	@$(BIN)/python tools/servers.py all
	$(BIN)/tox run $(if $(PYTHONS),--discover $(PYTHONS)) $(if $(ARGS),-- $(ARGS))

clean:
	rm -rf $(VENV) .tox .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov \
		build dist docs/_build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): setup.cfg setup.py pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is missing or older than Python 3.11: use make PYTHON=python3.12, or the like" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make a venv: apt-get install python3-venv, or use make PYTHON=..." >&2; \
		exit 1; }
	@echo "making $(VENV), which takes a minute the first time" >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[all,test,docs]'
	@touch $@
