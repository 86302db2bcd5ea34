# Everything that is done often; `make` alone lists it.
BIN := .venv/bin
CODE := contract accounting runtime importer simulator demo services $(wildcard benchmarks mosquitto/*.py)

.PHONY: help demo demo-clean test test-fast bench lint lock

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile | expand -t 12

demo: ## run the whole system on this machine, with simulated meters; Ctrl-C ends it
	@tools/setup.sh demo
	@exec $(BIN)/mmetering-demo

demo-clean: ## forget the demo's data
	@if [ -x $(BIN)/mmetering-demo ]; then $(BIN)/mmetering-demo forget; else rm -rf .demo; fi

test: ## check and test everything, against real servers
	@tools/setup.sh test
	@$(MAKE) --no-print-directory lint
	$(BIN)/pytest -n auto --dist loadgroup

test-fast: ## run the pure tests
	@tools/setup.sh demo
	$(BIN)/pytest -n auto -m 'not servers and not system'

bench: ## measure everything that the README quotes
	@tools/setup.sh demo
	@for name in plan wire dead tcp thousand ingest quarter_hours latency storage queries month predecessor soak; do echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

lint: ## check style, types and the order of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(CODE)
	MYPYPATH=tests $(BIN)/mypy --explicit-package-bases tests
	$(BIN)/lint-imports

lock: ## compile the locked requirements anew
	PATH="$(CURDIR)/$(BIN):$$PATH" tools/lock.sh --upgrade
