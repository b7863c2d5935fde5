# Sounds of the Heart. `make` alone says what there is.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
SYSTEM := tools/system_packages.sh
NOTES  := build/trust.jsonl
QUICK  := not stage and not soak

.DEFAULT_GOAL := help
# Before the environment: PyAudio is built against PortAudio's headers.
system:
	@$(SYSTEM)

.PHONY: system help demo test check bench test-stage trust soak docs patches clean

help:            ## this list
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  make \1|/' | column -t -s '|'

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,train]'
	@tools/optional_extras.sh $(BIN)/python
	@touch $(STAMP)

demo: $(STAMP)   ## a minute of the instrument, no device, Max or network needed: demo.wav, demo.png, demo.json
	$(BIN)/heart demo

test: system $(STAMP)   ## everything that must hold: style, types, floors, tests (under ten minutes)
	@$(MAKE) --no-print-directory check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m '$(QUICK) and not alone' -n logical --maxprocesses 4 --dist loadfile
	$(BIN)/python -m pytest -m '$(QUICK) and alone'

check: $(STAMP)  ## style, types and floors alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)  ## the figures of the README, measured on this machine
	@for b in benchmarks/bench_*.py; do echo "== $$b"; \
	  case "$$b$$HEART_DATA" in *bench_follow.py|*bench_ecg.py) echo "needs recordings: set HEART_DATA"; continue;; esac; \
	  $(BIN)/python $$b || exit 1; done

test-stage: system $(STAMP)  ## the longer set of stage cases
	@$(SYSTEM) ardour
	$(BIN)/python -m pytest -m stage --timeout 1800

trust: system $(STAMP)  ## every case of docs/trust.md with its figure, and the page itself (under 25 minutes)
	@$(SYSTEM) pulseaudio
	@mkdir -p build && rm -f $(NOTES)
	-HEART_TRUST_REPORT=$(NOTES) OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "case and not soak" --timeout 900
	$(BIN)/python tools/trust_report.py $(NOTES)

soak: system $(STAMP)   ## an hour of real streaming, the smallest lead, and the soaks of docs/trust.md
	@mkdir -p build
	-HEART_TRUST_REPORT=$(NOTES) HEART_FUZZ_S=600 $(BIN)/python -m pytest -m "soak or (case and stage)" --timeout 10000
	$(BIN)/python tools/trust_report.py $(NOTES)
	$(BIN)/python benchmarks/bench_pd.py --smallest-lead
	$(BIN)/python benchmarks/bench_pd.py --seconds 3600

docs: $(STAMP)   ## write docs/osc.md, patches/daw and patches/pd from the one table
	$(BIN)/python -m heart.namespace > docs/osc.md
	$(BIN)/python tools/daw_files.py
	PYTHONPATH=engine:tools $(BIN)/python -m pd_patches

patches: $(STAMP) ## write the Max package from its builder and the table of addresses
	$(BIN)/python -m max.build

clean:           ## remove the environment and what was built
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
