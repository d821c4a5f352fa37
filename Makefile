# SPDX-License-Identifier: GPL-3.0-or-later
# `make` alone lists the commands. What takes more than a line is a script in tools/.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fresh lint types docs sanity unit integration guides molecule bench service line campaign campaign-service campaign-failover campaign-line format clean

# Without a home that can be written, caches go where .gitignore has a place for them.
ifneq ($(shell test -n "$$HOME" && test -w "$$HOME" && echo yes),yes)
  export HOME := $(CURDIR)/.cache/home
  $(shell mkdir -p '$(HOME)')
endif
# Debian keeps sshd and dropbear where an ordinary user does not look.
export PATH := $(PATH):/usr/sbin:/sbin:$(CURDIR)/.cache/uv-env/bin

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { n = split($$1, names, " "); for (i = 1; i <= n; i++) printf "  make %-17s %s\n", names[i], $$2 }' $(MAKEFILE_LIST)

setup: ## Make the environment from uv.lock (every command below does that by itself)
	@tools/setup setup

demo: ## Serialize and label twelve simulated devices over SSH, report it, and run again
	@tools/setup demo
	@tools/demo

test: ## Run every check and every test, on each supported ansible-core that this machine can hold
	@tools/setup test
	@.venv/bin/python tools/checks.py $(if $(AGAIN),--again) $(if $(WORKERS),--workers $(WORKERS)) $(GROUPS_OF_TESTS)

test-fresh: ## Run `make demo` and `make test` in a fresh Debian (RELEASE=bookworm or trixie), as root
	@tools/test-fresh $(or $(RELEASE),trixie)

lint types sanity unit integration guides molecule: ## Run one group of `make test`
	@tools/setup test
	@.venv/bin/python tools/checks.py $@

docs: setup ## Build the documentation into build/docs/build/html
	@PATH="$(CURDIR)/.venv/bin:$$PATH" tools/docs

bench: setup ## Measure all in one table with its bars, and write the page of what is measured (QUICK=1, ROUNDS, AREAS, AGAINST="REVISION ...")
	@uv sync --quiet --locked --all-extras --group bench
	@PYTHONPATH=playbooks/collections .venv/bin/python -m tests.benchmark $(if $(QUICK),--size quick) $(if $(ROUNDS),--rounds '$(ROUNDS)') $(if $(AREAS),--areas '$(AREAS)') $(foreach revision,$(AGAINST),--against '$(revision)')

service: setup ## Start the factory service on 127.0.0.1:1234, with an SQLite ledger and nothing else
	@.venv/bin/python -m plugins.plugin_utils.service

line: ## Plug simulated boards into a line of eight slots for two minutes, with its page, and report it (SECONDS, SEED)
	@tools/setup demo
	@.venv/bin/python tools/line.py

campaign: setup ## Inject faults into storage, boards, controllers and ledgers (ROUNDS=200 of each, 50 whole runs, SEED), as root for all
	@PYTHONPATH=playbooks/collections .venv/bin/python -m tests.campaign $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED))

campaign-service: setup ## End the factory service and its databases under load (CAMPAIGN, UNITS, ENDS, SEED), and look what was lost
	@PYTHONPATH=playbooks/collections .venv/bin/python -m tests.campaign.service $(if $(CAMPAIGN),--campaign $(CAMPAIGN)) $(if $(UNITS),--units $(UNITS)) $(if $(ENDS),--ends $(ENDS)) $(if $(SEED),--seed $(SEED))

campaign-failover: setup ## Fail over the ledger's server in the middle of jobs and under the service's load (ROUNDS=20 of each fault, SEED), as root
	@PYTHONPATH=playbooks/collections .venv/bin/python -m tests.campaign.failover $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED))

campaign-line: setup ## Plug, pull and reboot boards at a hands-free line while its parts are killed (BOARDS=200, SEED)
	@PYTHONPATH=playbooks/collections .venv/bin/python -m tests.campaign.line $(if $(BOARDS),--boards $(BOARDS)) $(if $(SEED),--seed $(SEED))

format: setup ## Format the Python code
	@.venv/bin/ruff check --quiet --fix .
	@.venv/bin/ruff format .

clean: ## Remove what these commands have made, environments too
	rm -rf .venv .venv-2.21 .cache .ansible build .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
