# Two commands matter: `make run` shows a live session, `make test` runs every tier.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test test-faults build lint format bench fuzz clean

help: ## Lists the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s $$'\t'

run: ## Installs what is missing, builds, starts Redis and a node with a live example session, prints the links
	@.ci/install run
	swift build --product tandem
	@# A person reads this terminal: few log lines, as text. Flags in ARGS and the environment still win.
	@TANDEM_LOG_FORMAT=$${TANDEM_LOG_FORMAT:-text} TANDEM_LOG_LEVEL=$${TANDEM_LOG_LEVEL:-notice} \
	  .build/debug/tandem demo $(ARGS)

test: ## Installs what is missing and runs every tier (FILTER=name for some of the Swift tests)
	@.ci/install test
	@.ci/test

test-faults: ## Breaks every topology under load for hours (PART=0.1 for a tenth, SEED=1, ARGS="-k cluster"); prints a table
	@.ci/install test
	swift build --product tandem
	@[ -x .build/venv/bin/python ] || python3 -m venv .build/venv
	@.build/venv/bin/pip install --quiet --disable-pip-version-check -r Tests/EndToEnd/requirements.txt
	@TANDEM_FAULTS=long TANDEM_FAULTS_PART="$(or $(PART),1)" TANDEM_FAULTS_SEED="$(or $(SEED),1)" \
	  .build/venv/bin/python -m pytest Tests/Faults -q $(ARGS)

build: ## An optimised build at .build/release/tandem
	@.ci/install run
	swift build -c release --product tandem

lint: ## Checks the format as CI does
	swift format lint --strict --parallel --recursive Sources Tests Package.swift

format: ## Formats the sources
	swift format --in-place --parallel --recursive Sources Tests Package.swift

bench: ## Runs the benchmarks, each beside a bound of the same run (ARGS="scripts", "client", "messages", "fanout" or "viewers")
	@.ci/install test
	TANDEM_BENCHMARKS=1 swift build -c release --scratch-path .build-bench --product tandem-benchmarks
	TANDEM_BENCHMARKS=1 .build-bench/release/tandem-benchmarks $(ARGS)

fuzz: ## Fuzzes the parsers and two nodes (ARGS="json", "resp", "sse", "lines", "bodies" or "http"; TIME=360 SEED=1)
	@.ci/install test
	@[ -x .build/venv/bin/python ] || python3 -m venv .build/venv
	@.build/venv/bin/pip install --quiet --disable-pip-version-check -r Tests/EndToEnd/requirements.txt
	@TIME="$(TIME)" SEED="$(SEED)" .ci/fuzz $(ARGS)

clean: ## Removes what was built
	rm -rf .build .build-*
