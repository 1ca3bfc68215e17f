# Each target does all of its own set-up, on Debian and Ubuntu, as root or as a user with sudo.

.PHONY: quickstart setup image lint unit test e2e clean

# Builds a small tree of packages from source, into ./quickstart.
quickstart:
	@scripts/quickstart.sh

# What running needs: packages, subordinate IDs, .venv.
setup:
	@scripts/setup.sh

# The base image that builds run in.
image: setup
	@.venv/bin/builder image build cpu

lint:
	@scripts/setup.sh --tests
	@scripts/lint.sh

unit:
	@scripts/test.sh unit

# Everything but the slow sets: checks, unit tests, and containers on each engine.
test: lint
	@scripts/test.sh unit engines

# The slow sets.
e2e:
	@scripts/test.sh e2e

# What the targets above made in this folder; images stay in the cache.
clean:
	rm -rf .venv quickstart dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find builder tests e2e -name __pycache__ -prune -exec rm -rf {} +
