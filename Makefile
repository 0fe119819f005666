# `make demo` and `make test` each do all of their own set-up.
PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(wildcard bridgetune_plugins/*)

.PHONY: demo test browser lint docs fuzz dist clean

demo: $(VENV)/demo.installed
	$(BIN)/bridgetune demo --out runs/demo --force

test: $(VENV)/dev.installed lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal

# Chromium, in which the page is tested, where Debian's packages are to be had; without it these tests are skipped.
browser:
	command -v chromium || (apt-get -q update && apt-get -qy install --no-install-recommends chromium fonts-dejavu-core) \
		|| echo "no chromium: the tests of the page in a browser will be skipped"

lint: $(VENV)/dev.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

docs: $(VENV)/docs.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# MINUTES=30, SEED=7, CAMPAIGNS="images kills": how long, drawn from what, which; `python -m tests.fuzz --help`.
MINUTES ?= 4
fuzz: $(VENV)/dev.installed
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(CAMPAIGNS)

# Wheels and source distributions in dist/, tried as a user would; PLUGINS_OF_DIST="peers drpl": of which plugins.
dist: $(VENV)/dist.installed
	$(BIN)/python tools/dist.py --torch "$(TORCH)" $(if $(PLUGINS_OF_DIST),--only $(PLUGINS_OF_DIST))

# Without bytecode each of the processes of the tests would compile torch anew, three times what its import takes.
unexport PYTHONDONTWRITEBYTECODE

# A new pip finds out in a third of the time what fits what; --no-compile: Python compiles what is imported, when it is.
PIP := $(BIN)/python -m pip --quiet
INSTALL := $(PIP) install --no-compile

# torch comes first and by itself: what follows is content with the version that it finds.
$(VENV)/torch.installed:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "bridgetune needs Python 3.11 or newer; set PYTHON=python3.11, say")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade pip
	$(INSTALL) "$(TORCH)"
	touch $@

$(VENV)/%.installed: $(VENV)/torch.installed pyproject.toml $(wildcard bridgetune_plugins/*/pyproject.toml bridgetune_plugins/*/hatch_build.py bridgetune_plugins/*/src/*/*/*.c)
	$(INSTALL) -e ".[$*]"
	$(INSTALL) $(foreach plugin,$(PLUGINS),-e ./$(plugin))
	touch $@

clean:
	rm -rf $(VENV) runs site dist
