# One command each; every target sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-sam test-targets test-pythons test-flavors flavors differential fuzz bench bench-protocol bundles check fmt lint types layers template lock clean

PYTHON := .venv/bin/python
INSTALLED := .venv/.installed

help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Make .venv from the committed lock

$(INSTALLED): requirements/dev.txt pyproject.toml scripts/setup.sh hatch_build.py handler/engines/trees.c
	@sh scripts/setup.sh

demo: $(INSTALLED) ## Train, build, publish to an embedded S3, invoke on the real Lambda runtime
	@$(PYTHON) examples/random_forest/demo.py

test: $(INSTALLED) .tools/judge/.installed .tools/sam/.installed ## Run the default test suite
	$(PYTHON) -m pytest -n 2 --dist worksteal

test-sam: $(INSTALLED) .tools/sam/.installed ## Run `sam local` for real, in a Docker engine started for it; as root
	$(PYTHON) -m pytest -rP -m sam tests/machines/sam

test-targets: $(INSTALLED) ## Build for every target, run on Debian 13 and under qemu; as root, half an hour
	$(PYTHON) -m pytest -m targets tests/machines/targets

test-pythons: $(INSTALLED) ## Build and run models of Python 3.7 to 3.9, which have to be on the PATH with 3.12
	$(PYTHON) -m pytest -m pythons tests/machines/pythons

test-flavors: $(INSTALLED) ## Log, build and run models of all flavors in all formats (torch ...); gigabytes, an hour
	$(PYTHON) -m pytest -m flavors tests/parity/flavors tests/emulator/test_large_models.py

flavors: $(INSTALLED) ## Run models of all flavors, or of some (ROWS="onnx sklearn/skops"), into docs/flavors.md
	$(PYTHON) -m tests.parity.flavors $(ROWS)

differential: $(INSTALLED) .tools/judge/.installed ## Ask MLflow and us generated requests (COUNT=100000, SEED=1)
	$(PYTHON) -m tests.parity.differential --count $(or $(COUNT),100000) --seed $(or $(SEED),1)

fuzz: $(INSTALLED) ## Fuzz raw bodies and Lambda events (COUNT=50000 of each, SEED=0)
	$(PYTHON) -m tests.parity.fuzz $(or $(COUNT),50000) --seed $(or $(SEED),0)

bench: $(INSTALLED) ## Measure cold starts, warm requests and the goals into docs/performance.md (GROWTH=1: growth too)
	$(PYTHON) -m benchmarks.cold $(if $(GROWTH),--growth)

bench-protocol: $(INSTALLED) ## Compare the protocol's speed with MLflow's
	$(PYTHON) -m benchmarks.protocol

bundles: $(INSTALLED) ## Measure bundles of every target into docs/bundles.md
	$(PYTHON) -m benchmarks.bundles --write

check: fmt lint types layers template test ## All that CI checks

fmt: $(INSTALLED) ## Check the format (mend it: make fmt FIX=1)
	.venv/bin/ruff format $(if $(FIX),,--check) .

lint: $(INSTALLED) ## Lint (mend what can be: make lint FIX=1)
	.venv/bin/ruff check $(if $(FIX),--fix) .

types: $(INSTALLED) ## Check the types
	.venv/bin/mypy

layers: $(INSTALLED) ## Check which room imports which
	.venv/bin/lint-imports

template: .tools/sam/.installed ## sam validate --lint, with SAM in an environment of its own
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 .tools/sam/bin/sam validate --lint --template template.yaml

# aws-sam-cli pins an old click and boto3: it cannot share an environment with us.
.tools/sam/.installed: requirements/sam.txt | $(INSTALLED)
	.venv/bin/uv venv --quiet --clear --python $(PYTHON) .tools/sam
	.venv/bin/uv pip install --quiet --python .tools/sam/bin/python --require-hashes -r requirements/sam.txt
	@touch $@

# MLflow's own code, without what its wheel pins and the index may lack: the tests' environment
# has the rest.
.tools/judge/.installed: requirements/judge.txt | $(INSTALLED)
	rm -rf .tools/judge
	.venv/bin/uv pip install --quiet --python $(PYTHON) --target .tools/judge --no-deps --require-hashes -r requirements/judge.txt
	@touch $@

COMPILE := .venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --quiet $(if $(UPGRADE),--upgrade)

lock: $(INSTALLED) ## Renew the locks from pyproject.toml and the .in files (UPGRADE=1: newest)
	$(COMPILE) pyproject.toml --group dev --all-extras -o requirements/dev.txt
	$(COMPILE) --constraints requirements/dev.txt requirements/release.in -o requirements/release.txt
	$(COMPILE) requirements/sam.in -o requirements/sam.txt
	$(COMPILE) --no-deps requirements/judge.in -o requirements/judge.txt
	$(COMPILE) examples/random_forest/requirements.in -o examples/random_forest/requirements.txt

clean: ## Remove everything that was made here
	rm -rf .venv .tools dist examples/*/.work .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
