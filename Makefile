# make demo   loads a demonstration and serves it on http://127.0.0.1:8000   (PORT=8080, RESET=1)
# make drill  plays a whole term on the movable clock, on SQLite and PostgreSQL   (SIZE=60 students a school, ON=sqlite)
# make test   sets itself up, checks the code and runs every test            (ARGS="tests/kernel -x", THOROUGH=1)

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
PORT ?= 8000
RESET ?=
ARGS ?=
SIZE ?= 60
ON ?= both
# One more than there are cores: tests that drive a browser or wait for a server leave theirs idle.
JOBS ?= $(shell echo $$(( $$(nproc) + 1 )))
THOROUGH ?=

BIN := .venv/bin
READY := .venv/.ready
READY_DEV := .venv/.ready-dev
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
export PYTHONUNBUFFERED := 1
export ZUTUAN_THOROUGH := $(THOROUGH)

# pip, with one short line per package instead of its own many
define install
$(BIN)/python -m pip install --progress-bar off $(1) 2>&1 \
	| awk '/^(Collecting|Processing) /{n = split($$2, part, "/"); print "   " part[n]; fflush()} \
	       /ERROR|error:|WARNING: Retrying/{print; fflush()}'
endef

.PHONY: help demo test check bench drill format pins clean python-is-usable

help:
	@sed -n '1,3s/^# //p' Makefile

demo: $(READY)
	@echo "== 启动演示 / starting the demonstration"
	@exec $(BIN)/zutuan demo --port $(PORT) $(if $(RESET),--reset)

test: check
	@echo "== 测试 / tests"
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

check: $(READY_DEV)
	@echo "== 格式 / format";  $(BIN)/ruff format --check --quiet --output-format concise . || { echo "   make format 可修复 / cures it"; exit 1; }
	@echo "== 规范 / lint";    $(BIN)/ruff check --quiet --output-format concise .
	@echo "== 类型 / types";   $(BIN)/mypy --no-error-summary
	@echo "== 依赖 / imports"; out=$$($(BIN)/lint-imports) || { echo "$$out"; exit 1; }

bench: $(READY_DEV)
	@$(BIN)/python -m bench

drill: $(READY_DEV)
	@$(BIN)/python -m drill --size $(SIZE) --on $(ON)

format: $(READY_DEV)
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

# Exact versions of everything, from pyproject.toml and requirements-dev.in; no address ever gets in.
PIN := -q --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	--no-header --annotation-style=line --allow-unsafe
pins: $(READY_DEV)
	@$(BIN)/python -m pip install -q pip-tools
	@$(BIN)/pip-compile $(PIN) --build-deps-for editable -o requirements.txt pyproject.toml
	@$(BIN)/pip-compile $(PIN) -o requirements-dev.txt requirements-dev.in

clean:
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

python-is-usable:
	@command -v $(PYTHON) >/dev/null || { echo "缺少 Python：sudo apt-get install python3 python3-venv  / no $(PYTHON) here"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 须为 3.11 以上，可用 PYTHON=python3.11 指定 / $(PYTHON) is too old, name another with PYTHON="; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "缺少 python3-venv：sudo apt-get install python3-venv  / missing python3-venv, that line cures it"; exit 1; }

# Made anew only when the pins or the project's own description have changed.
$(READY): requirements.txt pyproject.toml | python-is-usable
	@echo "== 安装依赖，首次约需一分钟 / installing, about a minute the first time"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(call install,-r requirements.txt)
	@$(call install,--no-build-isolation --no-deps -e .)
	@touch $@

$(READY_DEV): requirements-dev.txt $(READY)
	@echo "== 安装测试工具 / installing what tests need"
	@$(call install,-r requirements-dev.txt)
	@touch $@
