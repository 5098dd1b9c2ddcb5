# Commands of the project; `make help` lists them. Needs GNU make and Python 3.11 or newer.

.DEFAULT_GOAL := help
SHELL := /bin/bash

# The first of these that runs and is new enough; override with `make PYTHON=...`.
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# Options for pip, for example another package index.
PIP_ARGS ?=
# Processes that share the tests.
WORKERS ?= 2
# Options for pytest.
PYTEST_ARGS ?=
# Seconds per parser of fuzz.
FUZZ_SECONDS ?= 600
# Folder of the meshes of bench-shapes.
MESHES ?= shared/data/meshes
# Options for the benchmarks: --only NAME, --effort N; --help lists them.
BENCH_ARGS ?=

BIN := .venv/bin
STAMP := .venv/.installed
NO_TORCH := .venv-without-torch
# Tests of what PyTorch might be imported for: commands, encoding, decoding, media, architectures.
TORCH_FREE := $(addprefix tests/,cli encoding decoding media architectures pyramid shapes stages layering)
PEERS := .venv/.peers-installed
FUZZER := .venv/.fuzzer-installed
CONFORMANCE := $(BIN)/inrc-conformance run --mode batch --jobs $(WORKERS)

.PHONY: help env demo readme-picture test test-without-torch check bench-main bench-pruning bench-plugins bench-speed bench-volumes bench-images bench-bounds bench-scale bench-latency bench-first-second bench-lossless bench-accuracy bench-shapes bench-robustness fuzz conformance conformance-js clean distclean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) \
		| awk -F ':.*## ' '{ printf "make %-16s %s\n", $$1, $$2 }'

env: $(STAMP)  ## make .venv and install inrc into it (every target does this first)

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer found; say make PYTHON=..." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install $(PIP_ARGS) -c constraints.txt -e '.[all,test,check,demo]'
	@touch $@

demo: $(STAMP)  ## encode a real NetCDF file, decode it in a new process, compare (1-3 minutes)
	$(BIN)/python benchmarks/demo.py

readme-picture: $(STAMP)  ## make the README's picture again
	$(BIN)/python benchmarks/demo.py --picture docs/images/demo-slice.png

test: $(STAMP)  ## run all tests
	$(BIN)/python -m pytest -n $(WORKERS) $(PYTEST_ARGS)

$(NO_TORCH)/.installed: pyproject.toml constraints.txt
	test -x $(NO_TORCH)/bin/python || $(PYTHON) -m venv $(NO_TORCH)
	$(NO_TORCH)/bin/python -m pip install $(PIP_ARGS) -c constraints.txt -e '.[test]'
	@touch $@

test-without-torch: $(NO_TORCH)/.installed  ## the fast tests that need no PyTorch, where there is none
	$(NO_TORCH)/bin/python -m pytest -n $(WORKERS) -m 'not torch and not slow' \
		$(TORCH_FREE) $(PYTEST_ARGS)

check: $(STAMP)  ## linter, types, layering and the fast tests: run it before every commit
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n $(WORKERS) -m 'not slow' $(PYTEST_ARGS)

conformance: $(STAMP)  ## run the conformance vectors against the reference decoder and against inrc
	$(CONFORMANCE) --decoder '$(BIN)/python -m inrc_conformance.decoder'
	$(CONFORMANCE) --decoder '$(BIN)/python tests/conformance_product.py'

conformance-js: $(STAMP)  ## the same of the decoder in JavaScript; needs node 20.11 or newer
	cd conformance/decoders/js && node --test --test-timeout=60000
	$(CONFORMANCE) --architectures constant,pyramid,siren --decoder 'node conformance/decoders/js/cli.mjs'

bench-main: $(STAMP)  ## measure sizes, speed and memory; writes benchmarks/RESULTS.md (10-20 minutes)
	$(BIN)/python benchmarks/bench_main.py $(BENCH_ARGS)

bench-pruning: $(STAMP)  ## cost of pruning half of a latent grid, every pruner (minutes)
	$(BIN)/python benchmarks/bench_pruning.py $(BENCH_ARGS)

bench-scale: $(STAMP)  ## a 4 GiB field in tiles: memory, resumption, a region (BENCH_ARGS='--gib 0.5')
	$(BIN)/python benchmarks/bench_scale.py $(BENCH_ARGS)

bench-latency: $(STAMP)  ## how long a small region of a large field takes; writes benchmarks/RESULTS.md
	$(BIN)/python benchmarks/bench_latency.py --write --json benchmarks/results/latency.json $(BENCH_ARGS)

bench-first-second: $(STAMP)  ## seconds of commands on small files, with and without compiled loops (a minute)
	$(BIN)/python benchmarks/bench_first_second.py $(BENCH_ARGS)

$(PEERS): $(STAMP)
	$(BIN)/python -m pip install $(PIP_ARGS) -c constraints.txt -e '.[bench]'
	@touch $@

bench-volumes: $(PEERS)  ## bytes at equal PSNR against SZ3, ZFP, SPERR and TTHRESH (hours)
	$(BIN)/python benchmarks/bench_volumes.py $(BENCH_ARGS)

bench-speed: $(PEERS)  ## speed, memory and bytes next to SPERR, SZ3, ZFP, TTHRESH and zstd (an hour; BENCH_ARGS=--quick)
	$(BIN)/python benchmarks/bench_speed.py $(BENCH_ARGS)

bench-images: $(PEERS)  ## rate at equal PSNR against JPEG, JPEG 2000, WebP, AVIF and JPEG XL (hours)
	$(BIN)/python benchmarks/bench_images.py $(BENCH_ARGS)

bench-bounds: $(PEERS)  ## bytes at the same error bound against SZ3, ZFP and SPERR (an hour)
	$(BIN)/python benchmarks/bench_bounds.py $(BENCH_ARGS)

bench-plugins: $(PEERS)  ## research systems against their own storage, all architectures (an hour; INRC_DATA=folder)
	$(BIN)/python benchmarks/bench_plugins.py $(BENCH_ARGS)

bench-accuracy: $(STAMP)  ## how far decoders are from the float64 reference; writes docs/accuracy.md (minutes)
	$(BIN)/python benchmarks/bench_accuracy.py --write $(BENCH_ARGS)

bench-lossless: $(PEERS)  ## integers kept exactly, against zstd and PNG (minutes)
	$(BIN)/python benchmarks/bench_lossless.py $(BENCH_ARGS)

bench-shapes: $(PEERS)  ## surfaces at equal bytes against decimation and Draco; MESHES=folder (an hour)
	$(BIN)/python benchmarks/bench_shapes.py --meshes '$(MESHES)' $(BENCH_ARGS)

bench-robustness: $(STAMP)  ## damaged and hostile files, counted; writes docs/reliability.md (40 minutes)
	$(BIN)/python benchmarks/bench_robustness.py --write $(BENCH_ARGS)

$(FUZZER): $(STAMP)
	$(BIN)/python -m pip install $(PIP_ARGS) -c constraints.txt -e '.[fuzz]'
	@touch $@

fuzz: $(FUZZER)  ## fuzz every parser, FUZZ_SECONDS each (hours; the corpus stays in .fuzz)
	PYTHONPATH=. $(BIN)/python tests/fuzzing/fuzz.py --seconds $(FUZZ_SECONDS)

clean:  ## remove what the commands wrote, but not .venv
	rm -rf demo .fuzz build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -path './.venv*' -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean  ## remove .venv as well
	rm -rf .venv $(NO_TORCH)
