# Everything here runs with nothing installed but make and a Python (3.11 or newer).
# A private uv (.tools) builds .venv from uv.lock; a second run finds both done and costs nothing.

.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

ARGS ?=
UV_MINIMUM := 0.13
VENV := .venv/bin
UV := .tools/bin/uv
GENERATORS := assetlog.schemas.jsonschema assetlog.schemas.reference assetlog.catalog.settings_reference \
	assetlog.catalog.cli.reference
CODE := schemas producers consumers catalog tests typing_tests $(wildcard benchmarks examples)

export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/.venv
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Where the system keeps certificates, they count: behind some proxies only they do.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem),)
export UV_SYSTEM_CERTS := true
endif
# An empty or unwritable HOME has no place for caches.
ifeq ($(shell test -n "$$HOME" && test -w "$$HOME" && echo yes),)
export UV_CACHE_DIR := $(CURDIR)/.tools/cache
endif

# The first Python that is new enough; one that can make virtual environments is preferred.
CANDIDATES := python3.14 python3.13 python3.12 python3.11 python3
PYTHON ?= $(shell for modules in sys,venv,ensurepip sys; do for name in $(CANDIDATES); do \
	"$$name" -c "import $$modules; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && command -v "$$name" && exit; \
	done; done)

##@ Using it
.PHONY: demo
demo: .venv/.synced ## Run the demo pipeline on a whole node; ARGS=--once stops after printing
	@$(VENV)/assetlog demo $(ARGS)

##@ Working on it
.PHONY: test
test: check ## Check everything, then run all tests; ARGS are pytest's
	@$(VENV)/pytest -q -n 2 --dist loadscope $(ARGS)

.PHONY: check
check: .venv/.synced ## Lint, format, types, import layers, generated files
	$(VENV)/ruff check $(CODE)
	$(VENV)/ruff format --check $(CODE)
	$(VENV)/mypy $(CODE)
	$(VENV)/lint-imports --no-logo
	@for module in $(GENERATORS); do $(VENV)/python -m $$module --check || exit 1; done

.PHONY: docs
docs: .venv/.synced ## Write the generated files anew: JSON Schemas, references
	@for module in $(GENERATORS); do $(VENV)/python -m $$module || exit 1; done

.PHONY: format
format: .venv/.synced ## Format the code
	$(VENV)/ruff check --fix $(CODE)
	$(VENV)/ruff format $(CODE)

.PHONY: chaos
chaos: .venv/.synced ## Kill, cut power, fill disks, flip bits: the long runs, with a table; ARGS are pytest's
	@$(VENV)/pytest -q tests/chaos --chaos-long --chaos-report build/chaos.md $(ARGS)

.PHONY: bench
bench: .venv/.synced ## Measure; ARGS choose what
	@$(VENV)/python -m benchmarks $(ARGS)

.PHONY: audit
audit: .venv/.synced ## Look every locked dependency up among the known vulnerabilities (needs the network)
	$(UV) export --quiet --locked --all-extras --no-emit-project --format requirements-txt --output-file .tools/locked.txt
	$(UV) run --locked --only-group audit --isolated pip-audit --strict --require-hashes --disable-pip --requirement .tools/locked.txt

.PHONY: clean
clean: ## Remove what make made
	rm -rf .venv .tools dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: help
help: ## Show this
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

# A Python that was named by hand may be another than the one .venv was made with: uv looks.
ifneq ($(origin PYTHON),file)
.PHONY: .venv/.synced
endif
.venv/.synced: pyproject.toml uv.lock $(UV)
	@echo "Installing assetlog and its tools into .venv ($(PYTHON)) ..."
	@$(UV) sync --quiet --locked --all-extras --group dev --python "$(PYTHON)"
	@touch $@

$(UV):
	@.ci/tools "$(PYTHON)" "$(UV_MINIMUM)"
