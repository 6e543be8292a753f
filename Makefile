.PHONY: help setup fmt lint types test interop faults bench check serve
help:  ## print the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/'
setup:  ## make .venv with the locked dependencies
	@bin/setup dev
fmt: setup  ## format the code
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix -q .
lint: setup  ## ruff, and the layers between packages
	@.venv/bin/ruff format --check . && .venv/bin/ruff check . && .venv/bin/lint-imports
types: setup  ## mypy, strict
	@.venv/bin/mypy
test: setup  ## all tests but the long fault runs
	@bin/test
interop: setup  ## only the tests against real peers
	@bin/test -m interop
faults: setup  ## the long fault and fuzz runs: make faults SEED=7 ROUNDS=20
	@bin/test --faults
bench: setup  ## the benchmarks
	@bin/bench
check: lint types test  ## everything that must be green
serve: setup  ## a server on loopback, for trying things
	@bin/postmaster serve --config packaging/angarium.dev.toml
