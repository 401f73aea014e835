# Thin: dev.py does the work. `make test ARGS="-k promote"` passes arguments on.
PYTHON ?= python3
ARGS ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test check docs bench screenshots lock matrix image notes clean

help:    ## print the targets
	@sed -n 's/^\([a-z]*\): *## /  make \1\t/p' Makefile

setup:   ## make .venv once (uv when it is there, else pip)
demo:    ## promote a service against the built-in sandbox
test:    ## run the tests
check:   ## format, lint, types, import contracts, the site, tests: what CI runs
docs:    ## build the documents as a site; ARGS=serve shows it at http://127.0.0.1:8000
bench:   ## run the benchmarks: ARGS=NAME for one, ARGS=--quick for a first look
screenshots: ## take the pictures of README.md anew (Chromium)
lock:    ## resolve the dependencies into requirements/; pins stay, but with ARGS=--upgrade
matrix:  ## run the tests on every declared Python found here
image:   ## build the container image, run it, check it (buildah, podman, root)
notes:   ## print what CHANGELOG.md says of this version, as a release does
clean:   ## remove what the targets made

setup demo test check docs bench screenshots lock matrix image notes:
	@$(PYTHON) dev.py $@ $(ARGS)

clean:
	rm -rf .venv .venvs dist .site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -path ./.git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
