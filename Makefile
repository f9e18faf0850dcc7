# Eyelet. `make help` lists the targets.
#
# VARIANT names a build of the native code, in build/$(VARIANT): a processor level (x86-64-v4 has AVX-512, x86-64-v3 AVX2),
# `scalar` (no vector code) or `sanitize` (address and undefined-behaviour checks). Default: the best this machine runs.

machine := $(shell uname -m)
cpu_has = $(shell for flag in $(1); do grep -qw "$$flag" /proc/cpuinfo 2>/dev/null || exit 0; done; echo yes)
levels := $(if $(filter x86_64,$(machine)),\
  $(if $(call cpu_has,avx512f avx512bw avx512cd avx512dq avx512vl),x86-64-v4)\
  $(if $(call cpu_has,avx2 fma bmi2 f16c movbe),x86-64-v3),portable)
VARIANT ?= $(or $(firstword $(levels)),portable)

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes
# Products and sums stay unfused and in order, so that every machine computes the same bits (core/gemm.h).
EXACT := -std=c11 -ffp-contract=off -fno-math-errno -isystem /usr/include/stb
FLAGS := -O3 -g -DNDEBUG
ifneq ($(filter x86-64-%,$(VARIANT)),)
FLAGS += -march=$(VARIANT)
else ifeq ($(VARIANT),scalar)
FLAGS += -DVEC_SCALAR
else ifeq ($(VARIANT),sanitize)
FLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all
endif
# stb_image 2.27 indexes outside its tables on hostile files: stop before the access (core/decode.h).
GCC_TRAP := -fsanitize=bounds -fsanitize-undefined-trap-on-error
CLANG_TRAP := -fsanitize=bounds -fsanitize-trap=bounds
is_clang := $(shell $(CC) --version 2>/dev/null | grep -i clang)

build := build/$(VARIANT)
core := $(wildcard core/*.c)
native := $(wildcard train_native/*.c)
tests := $(filter-out tests/fuzz_% tests/make_golden.c,$(wildcard tests/*.c))
objects = $(patsubst %.c,$(build)/%.o,$(1))

.PHONY: all native wasm run train test test-native test-core test-wasm test-node bench bench-native fuzz install install-test clean help
.DELETE_ON_ERROR:

all: native wasm

help:
	@echo 'make run           build everything and serve the page on 127.0.0.1 (installs what is missing)'
	@echo 'make test          build and run every test (installs what is missing)'
	@echo 'make train         train the shipped model on CIFAR-10 again; ARGUMENTS="..." for other options'
	@echo 'make bench         measure speed and size, and print the table of the README'
	@echo 'make native        build/eyelet, the command line: build/eyelet --help'
	@echo 'make wasm          web/classifier.wasm, the module for browsers and Node'
	@echo 'make fuzz          fuzz the model reader and the picture headers (clang; SECONDS=60)'
	@echo 'make clean         remove everything built'
	@echo
	@echo 'VARIANT=$(VARIANT) (also: $(filter-out $(VARIANT),x86-64-v4 x86-64-v3 portable scalar sanitize))'

# ---- The native program ----

native: $(build)/eyelet
	@ln -sf $(VARIANT)/eyelet build/eyelet

$(build)/eyelet: $(call objects,$(core) $(native))
	$(CC) $(FLAGS) -fopenmp $^ -lm -o $@

$(build)/%.o: %.c $(MAKEFILE_LIST) | /usr/include/stb/stb_image.h
	@mkdir -p $(@D)
	$(CC) $(EXACT) $(FLAGS) $(WARNINGS) -fopenmp -iquote core -MMD -MP -c $< -o $@

$(build)/train_native/%.o: EXACT += -D_GNU_SOURCE
$(build)/tests/%.o: EXACT += -D_GNU_SOURCE
$(build)/core/decode.o: EXACT += $(if $(is_clang),$(CLANG_TRAP),$(GCC_TRAP))
-include $(shell find build -name '*.d' 2>/dev/null)

# ---- The WebAssembly module ----

emcc := NODE_PATH=/usr/share/nodejs emcc
wasm_flags := $(EXACT) -msimd128 -DNDEBUG -iquote core
# The stack stands first in memory, so that an overflow traps instead of writing over data.
wasm_link := --no-entry -sSTANDALONE_WASM -sALLOW_MEMORY_GROWTH -sMALLOC=emmalloc -sTOTAL_STACK=262144 -Wl,--stack-first
wasm_core := $(filter-out core/decode.c core/net_backward.c core/optimizer.c core/loss.c core/gemm_fast.c,$(core))

wasm: web/classifier.wasm build/wasm/classifier-without-decoders.wasm

web/classifier.wasm: $(patsubst %.c,build/wasm/%.o,$(wasm_core) core/decode.c wasm/exports.c)
	$(emcc) -O3 -msimd128 $(wasm_link) $^ -o $@

build/wasm/classifier-without-decoders.wasm: $(patsubst %.c,build/wasm/%.o,$(wasm_core)) build/wasm/wasm/exports-without-decoders.o
	$(emcc) -O3 -msimd128 $(wasm_link) $^ -o $@

# Kernels for speed, everything else for size.
build/wasm/core/gemm.o build/wasm/core/conv.o build/wasm/core/pool.o build/wasm/core/norm.o build/wasm/core/activation.o: level := -O3
build/wasm/core/decode.o: level := -Oz $(CLANG_TRAP)
build/wasm/%.o: level := -Oz
build/wasm/wasm/exports-without-decoders.o: wasm/exports.c $(MAKEFILE_LIST)
	@mkdir -p $(@D)
	$(emcc) $(wasm_flags) -Oz -DWITHOUT_DECODERS -c $< -o $@
build/wasm/%.o: %.c $(MAKEFILE_LIST) | /usr/include/stb/stb_image.h
	@mkdir -p $(@D)
	$(emcc) $(wasm_flags) $(level) $(WARNINGS) -MMD -MP -c $< -o $@
