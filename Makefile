# Two doors: `make run` starts a server, `make test` runs every check. Both build .venv if needed.

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
export PESAN_HOME ?= $(CURDIR)/var
# Some container images set it; every process that a test starts would compile all of Pesan anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test lint types arrows tests format words pictures bench crash realms simulate soak fuzz clean

run: $(VENV)/.ready
	@exec $(BIN)/pesan up

test: lint types arrows tests

lint: $(VENV)/.built
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.built
	$(BIN)/mypy -n 2

arrows: $(VENV)/.built
	$(BIN)/lint-imports

# The window in real browsers comes last, and by itself: browsers beside five processes would be slow and in the way.
tests: $(VENV)/.built
	$(BIN)/pytest -n 5 --dist worksteal --ignore tests/browser
	$(BIN)/pytest tests/browser

format: $(VENV)/.built
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Bring the catalogues of the window's texts up to its code; names what has no translation.
words: $(VENV)/.built
	$(BIN)/python -m client.gui.words.gather

# Pictures of every screen, in docs/pictures: some five minutes. Needs Chromium.
pictures: $(VENV)/.built
	$(BIN)/python -m tests.browser.pictures

# Speed, on a server of its own: some minutes. See docs/PERFORMANCE.md.
bench: $(VENV)/.built
	$(BIN)/python -m benchmarks all

# What happens when processes are killed, stopped or cut off, to messages and to files: some ten minutes.
# See docs/RELIABILITY.md.
crash: $(VENV)/.built
	$(BIN)/python -m benchmarks crash
	$(BIN)/python -m benchmarks crash --files

# Three servers that know each other, on hosts of their own (network namespaces: needs root and Debian's iproute2;
# without, as processes on one machine), while links are cut and servers killed: some minutes.
realms: $(VENV)/.built
	$(BIN)/python -m benchmarks realms --chaos --hosts

# The whole system on a virtual clock, with everything going wrong, from 1,000 seeds, and two realms from as many:
# some minutes.
simulate: $(VENV)/.built
	$(BIN)/python -m tests.simulation --seeds 1000
	$(BIN)/python -m tests.simulation --realms --seeds 1000

# Twenty minutes at half of what the server can do, with the memory of every process.
soak: $(VENV)/.built
	$(BIN)/python -m benchmarks soak --minutes 20

# Coverage-guided fuzzing of all that is read from a socket. See tests/fuzz/README.md.
FUZZ_SECONDS ?= 60
fuzz: $(VENV)/.built
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzz.guided --seconds $(FUZZ_SECONDS)

# What serving needs, the window for browsers included: a minute. The checks need more, of which they use little:
# not compiled.
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[gui]'
	@touch $@

$(VENV)/.built: pyproject.toml $(VENV)/.ready
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
