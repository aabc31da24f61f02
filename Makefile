# Everything that a person does with a checkout. Needs Python 3.11+ and make; the rest is fetched into .tools and .venv.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
UV ?= $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN = $(UV) run --frozen
PACKAGES = bot playground rendering sample tracking
CODE = $(PACKAGES) tests bench
OUT ?= pictures
TESTS ?= tests
# Most tests wait for a server of their own, so more processes than cores; the tests of one file share what is costly.
PARALLEL ?= -n 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo track serve cluster unit test check fix format lint types contracts dependencies coverage fuzz torture chaos bench load readme-media docs looks clean

help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(UV) ## Try it: a small Slack workspace in the browser, no account; on a port of your choice: make demo PORT=8400
	$(RUN) --no-default-groups tracklet demo $(if $(PORT),--port $(PORT))

track: $(UV) ## Track a video without Slack: make track VIDEO=holiday.mp4 OUT=pictures
	@if [ -z "$(VIDEO)" ]; then echo "Say which video: make track VIDEO=holiday.mp4" >&2; exit 2; fi
	$(RUN) --no-default-groups tracklet track "$(VIDEO)" --out "$(OUT)"

serve: $(UV) ## Run the bot with the settings of the environment
	$(RUN) --no-default-groups tracklet serve

cluster: $(UV) ## Postgres, a front, two workers and a playground on this machine, to kill one of them and watch
	$(RUN) python -m tests.cluster $(if $(PORT),--port $(PORT))

unit: $(UV) ## Run the tests that need no server, file or process: under half a minute
	$(RUN) pytest tests/unit -n auto --dist worksteal

test: $(UV) ## Run the tests; one of them: make test TESTS=tests/unit/test_model.py
	$(RUN) pytest $(TESTS) $(PARALLEL)

check: format lint types contracts dependencies coverage ## Everything that must hold before a commit

fix: $(UV) ## Format, and mend what the linter can
	$(RUN) ruff format $(CODE)
	$(RUN) ruff check --fix $(CODE)

format: $(UV)
	$(RUN) ruff format --check $(CODE)

lint: $(UV)
	$(RUN) ruff check $(CODE)

types: $(UV)
	$(RUN) --group bench mypy

contracts: $(UV)
	$(RUN) lint-imports

dependencies: $(UV)
	$(RUN) deptry $(PACKAGES)

coverage: $(UV)
	$(RUN) pytest $(PARALLEL) --cov --cov-report=
	$(RUN) coverage report --skip-covered --skip-empty

fuzz: $(UV) ## Try 10,000 broken videos and annotation files each, some minutes
	$(RUN) python -m tests.fuzz

torture: $(UV) ## Compare every way to pictures with a full decode, on recordings made by script: half a minute
	$(RUN) python -m tests.torture

chaos: $(UV) ## Kill and break everything at random on both databases, and count: make chaos KILLS=150 SEED=7
	$(RUN) python -m tests.chaos --kills $(or $(KILLS),100) --seed $(or $(SEED),1)

bench: $(UV) ## Measure, as ratios within one run
	$(RUN) --group bench python -m bench

load: $(UV) ## 250 videos within a minute, a day's thousand jobs, and one to three workers: half an hour
	$(RUN) --group bench python -m bench.load

readme-media: $(UV) ## Remake the pictures of the README from the sample clip
	$(RUN) python -m bench.readme_media

docs: $(UV) ## Remake docs/settings.md and the README's table of scopes from the code
	$(RUN) python -m bench.docs

looks: $(UV) ## Remake the pictures of docs/looks.md
	$(RUN) python -m bench.looks

clean: ## Remove what can be made again
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* dist

# uv goes into a private place, since many systems refuse a global pip install; where venv has no pip, pip itself can aim there.
.tools/bin/uv:
	@if [ -z "$(PYTHON)" ]; then echo "Tracklet needs Python 3.11 or newer." >&2; exit 1; fi
	@echo "fetching uv into .tools"
	@rm -rf .tools && { { $(PYTHON) -m venv .tools >/dev/null 2>&1 && .tools/bin/python -m pip install --quiet --disable-pip-version-check uv; } \
		|| { rm -rf .tools && $(PYTHON) -m pip install --quiet --disable-pip-version-check --target .tools uv; }; } \
		|| { rm -rf .tools; echo "uv could not be fetched: is there a network, and pip or the package python3-venv?" >&2; exit 1; }
