# Copyright (c) 2026, the warroom.launch authors
# SPDX-License-Identifier: GPL-3.0-or-later
STORY ?= healthy
FLAVOUR ?= classic
PYTEST = .venv/bin/python -m pytest

.PHONY: help demo demo-stop test units integration versions bench soak gameday gameday-replay lint sanity clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile

demo: ## rehearse a launch here: start the practice stack (FLAVOUR=classic or modern), play STORY=name (several with commas), give the verdict
	@.ci/demo '$(STORY)' '$(FLAVOUR)'

demo-stop: ## stop the practice stack and remove all of it
	@.ci/demo --stop

test: ## install what is missing, then lint, sanity, unit and integration tests
	@.ci/bootstrap test
	@.ci/test

units: ## unit tests only, on all cores
	@.ci/units

integration: ## tests against real servers that they start themselves
	@$(PYTEST) tests/integration -m "not versions"

versions: ## tests against other versions of the servers
	@$(PYTEST) tests/integration -m versions

bench: ## overhead, as ratios within one run
	@$(PYTEST) tests/bench

soak: ## what takes long: the port table and more; goes on where it stopped (ARGS="--seed 7 --only mysql")
	@.ci/soak $(ARGS)

gameday: ## record faults of the practice stack that are not recorded yet (ARGS="--only no-op --minutes 60"); goes on where it stopped
	@.ci/bootstrap demo
	@.ci/gameday record $(ARGS)

gameday-replay: ## judge all recorded faults by today's rules (CELLS=folder: those of another folder)
	@.ci/gameday replay $(CELLS)

lint: ## style, types, YAML, documentation, licences
	@.ci/lint

sanity: ## ansible-test sanity
	@.ci/sanity

clean: ## remove everything that was made here, the practice stack too
	@.ci/demo --stop
	rm -rf .venv .collections .nox .mypy_cache .ruff_cache .tools tests/output launch-report
