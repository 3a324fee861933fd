# One cached environment serves every target; steps already done are skipped.
PYTHON ?= python3
VENV ?= .venv
VENV_UPSTREAM ?= .venv-upstream
PY := $(VENV)/bin/python
CONFIG ?= configs/medglip/ct.py
WORK_DIR ?= work_dirs/$(patsubst configs/%.py,%,$(CONFIG))
# In the order of the folders: files of few, long tests come before the many short ones of the package.
IN_PARALLEL := --numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder
DEMO_DATA := data/demo/store/store.json

.PHONY: help setup demo test test-slow test-upstream setup-upstream lint format docs licences audit check-env clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 18

setup:  ## make the environment, or bring it up to date
	@$(PYTHON) tools/setup_env.py --venv $(VENV) --line maintained --with test

setup-upstream:  ## the upstream OpenMMLab line, in an environment of its own
	@$(PYTHON) tools/setup_env.py --venv $(VENV_UPSTREAM) --line upstream --with test

demo: setup $(DEMO_DATA)  ## set up, make data, train on CT, test, draw
	$(PY) tools/train.py $(CONFIG) --work-dir $(WORK_DIR)
	$(PY) tools/test.py $(CONFIG) --work-dir $(WORK_DIR) --show-dir $(WORK_DIR)/pictures

$(DEMO_DATA): | setup
	$(PY) tools/make_demo_data.py

test: setup  ## set up and run the tests, a file to a core
	$(PY) -m pytest $(IN_PARALLEL)

test-slow: setup  ## the tests that take longer than about 20 seconds
	$(PY) -m pytest -m slow

test-upstream: setup-upstream  ## the tests on the upstream OpenMMLab line
	$(VENV_UPSTREAM)/bin/python -m pytest $(IN_PARALLEL)

lint: setup  ## style, format and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: setup  ## rewrite what lint's style and format checks can fix
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

docs:  ## build the documentation into docs/_build
	@$(PYTHON) tools/setup_env.py --venv $(VENV) --line maintained --with test docs
	$(PY) -m sphinx -W --keep-going -q -b html docs docs/_build/html

licences: setup  ## write docs/licences.md: the licence of every package
	$(PY) tools/list_licences.py --out docs/licences.md

audit:  ## report known vulnerabilities of what is in .venv; changes nothing there, never fails
	@$(PYTHON) -m venv .venv-audit && .venv-audit/bin/python -m pip install --quiet pip-audit==2.10.1 \
		&& .venv-audit/bin/pip-audit --progress-spinner off --path $(VENV)/lib/python3.*/site-packages \
		|| echo 'audit: no report, or findings above; see docs/hostile_input.md'

check-env: setup  ## print the tested versions beside the installed ones
	$(PY) tools/check_env.py

clean:  ## remove build outputs (keeps environments, data and work_dirs)
	rm -rf build dist docs/_build *.egg-info .pytest_cache .mypy_cache .ruff_cache .coverage
