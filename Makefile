# Each target makes its own environment. One line each; what the system lacks is said in one line.
PY := $(or $(PYTHON),python3)
BIN := .venv/bin
ARGS ?=

.PHONY: install demo up test check proof bench new-policy clean

install: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@bash .ci/install "$(PY)"

demo: install  ## carry four stories through, with a live timeline
	@$(BIN)/prior-auth demo $(ARGS)

up: install  ## the same services until stopped
	@$(BIN)/prior-auth up $(ARGS)

test: install  ## every test; what a machine lacks is skipped with its reason
	@$(BIN)/pytest -n 3 --dist loadgroup $(ARGS)

check: install  ## lint, format, types, import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

proof: install  ## the big numbers, seeded and resumable; results in tests/proof/results
	@$(BIN)/python tests/proof/run.py $(ARGS)

bench: install  ## speed, as ratios of one run
	@$(BIN)/python tests/bench/run.py $(ARGS)

new-policy: install  ## ARGS="payer topic": policy.yaml, policy.cql and tests.yaml to fill in
	@$(BIN)/prior-auth rules new $(ARGS)

clean:
	rm -rf .venv .venv-ehr .mypy_cache .ruff_cache .pytest_cache
