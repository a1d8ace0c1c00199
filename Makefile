# make help lists the targets.
SHELL := /bin/bash
PYTHON := .venv/bin/python
NAME ?= modelyard
TEST_NAME ?= modelyard-test
ARGS ?= run-overhead
ACT ?= loop
COMPILE := .venv/bin/uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --no-annotate --no-header \
  --python-version 3.11
ADDONS ?= gateway metrics-server

.PHONY: help venv lint format crds docs dashboards docs-site lock images cluster-up cluster-down cluster-env cluster-logs cluster-addon install demo test test-unit test-changed test-peers faults fuzz fuzz-server bench sbom audit reproduce

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.venv/installed: tests/requirements.txt pyproject.toml
	@echo "installing the development environment into .venv"
	@test -x .venv/bin/python || python3 -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

venv: .venv/installed ## The development environment, in .venv

lint: .venv/installed ## ruff, mypy, import contracts, generated files, the documentation's links
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTHON) -m modelyard_api.generate.crd --check
	$(PYTHON) -m modelyard_api.generate.rbac --check
	$(PYTHON) -m modelyard_api.generate.gitops --check
	$(PYTHON) -m modelyard_api.generate.reference --check
	$(PYTHON) -m manifests.dashboards --check
	site=$$(mktemp -d) && trap 'rm -rf "$$site"' EXIT && .venv/bin/mkdocs build --strict --site-dir "$$site"

format: .venv/installed ## Formats the code
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

crds: .venv/installed ## Generates crds/*.yaml, the RBAC rules and Flux' health checks from the pydantic models
	$(PYTHON) -m modelyard_api.generate.crd
	$(PYTHON) -m modelyard_api.generate.rbac
	$(PYTHON) -m modelyard_api.generate.gitops

docs: .venv/installed ## Generates the reference of the API, and the table of what a hostile tenant may try
	$(PYTHON) -m modelyard_api.generate.reference
	$(PYTHON) -m tests.harness.hostile.table

dashboards: .venv/installed ## Generates the Grafana dashboards
	$(PYTHON) -m manifests.dashboards

docs-site: .venv/installed ## Builds the documentation into build/site
	.venv/bin/mkdocs build --strict

lock: .venv/installed ## Resolves the locked dependencies anew
	for image in operator runtime server builder ingest tracking workspace; do \
	  $(COMPILE) --extra $$image pyproject.toml -o images/$$image/requirements.txt; done
	$(COMPILE) --extra dev pyproject.toml -o tests/requirements.txt
	$(COMPILE) tests/localcluster/addons/envoy/requirements.in -o tests/localcluster/addons/envoy/requirements.txt
	for peer in mlserver kserve; do \
	  $(COMPILE) tests/harness/bench/serving/peers/$$peer.in -o tests/harness/bench/serving/peers/$$peer.txt; done
	$(COMPILE) tests/supply/requirements.in -o tests/supply/requirements.txt

sbom: .venv/installed ## Writes what is in each image into build/sbom, as CycloneDX
	$(PYTHON) -m tests.supply.sbom

audit: .venv/installed ## Asks for known vulnerabilities of all locked packages
	$(PYTHON) -m tests.supply.audit

reproduce: .venv/installed ## Builds the images twice from nothing, and compares them byte by byte
	$(PYTHON) -m tests.supply.reproduce

images: .venv/installed ## Builds the images and brings them to the cluster NAME
	$(PYTHON) -m tests.localcluster images --name $(NAME)

cluster-up: .venv/installed ## Starts a real Kubernetes on this machine (NAME=modelyard)
	$(PYTHON) -m tests.localcluster up --name $(NAME)

cluster-down: .venv/installed ## Deletes all of it but the build caches
	$(PYTHON) -m tests.localcluster down --name $(NAME)

cluster-env: .venv/installed ## Prints the exports that kubectl needs: eval "$$(make -s cluster-env)"
	@$(PYTHON) -m tests.localcluster env --name $(NAME)

cluster-logs: .venv/installed ## The logs of the nodes and their pods, in a folder
	@$(PYTHON) -m tests.localcluster logs --name $(NAME)

cluster-addon: .venv/installed ## Adds a gateway, metrics and a registry to the cluster NAME: make cluster-addon ADDONS="gateway metrics-server keda registry"
	$(PYTHON) -m tests.localcluster addon $(ADDONS) --name $(NAME)

install: .venv/installed ## Builds the images and installs Modelyard on the cluster NAME
	$(PYTHON) -m tests.localcluster install --name $(NAME)

demo: .venv/installed ## The loop closes on a real table, as you watch; ACT=source: from a commit to production
	$(PYTHON) -m tests.demo --name $(NAME) --act $(ACT)

test-unit: .venv/installed ## The tests that need no cluster
	$(PYTHON) -m pytest -q -m "not cluster and not kwok and not peers"

test-changed: .venv/installed ## The tests without a cluster that your change reaches by imports
	$(PYTHON) -m tests.run.changed

test-peers: .venv/installed ## KServe's clients against the model server; installs their environment
	$(PYTHON) -m pytest -q -m peers

test: .venv/installed ## Everything: lint, unit, contract, cluster and end-to-end tests, on clusters that it starts
	$(PYTHON) -m tests.run --name $(TEST_NAME)

faults: ARGS :=
faults: .venv/installed ## Crashes, stale reads and API faults at every write: make faults ARGS="--scenario main"
	$(PYTHON) -m tests.harness.faults --name $(TEST_NAME)-faults $(ARGS)

fuzz-server: .venv/installed ## Requests against the model server: 5,000 from its OpenAPI document, 5,000 broken byte by byte
	$(PYTHON) -m tests.harness.fuzz_server $(if $(filter file,$(origin ARGS)),,$(ARGS))

bench: .venv/installed ## Benchmarks: make bench ARGS="run-overhead"
	$(PYTHON) -m tests.harness.bench $(ARGS)

fuzz: .venv/installed ## Generated objects against the operator: make fuzz ARGS="--count 2000 --seed 1"
	$(PYTHON) -m tests.harness.fuzz $(if $(filter file,$(origin ARGS)),,$(ARGS))
