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
# Products and sums stay unfused and in order, so that every machine computes the same bits (core/kernels/gemm.h). Nothing here reads the
# flags of floating-point exceptions: without -fno-trapping-math gcc would not vectorise a loop that compares.
EXACT := -std=c11 -ffp-contract=off -fno-math-errno -fno-trapping-math -isystem /usr/include/stb
FLAGS := -O3 -g -DNDEBUG
# An include names the folder: "kernels/gemm.h" of core, "cli/errors.h" of the program, "support/test.h" of the tests.
INCLUDES := -iquote core -iquote train_native -iquote tests
ifneq ($(filter x86-64-%,$(VARIANT)),)
FLAGS += -march=$(VARIANT)
else ifeq ($(VARIANT),scalar)
FLAGS += -DVEC_SCALAR
else ifeq ($(VARIANT),sanitize) # of vector code too, where the machine runs it: its last lanes must not reach too far
FLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all $(addprefix -march=,$(filter x86-64-%,$(firstword $(levels))))
endif
# stb_image 2.27 declares functions that JPEG and PNG do not need, and gcc takes one path in it for unset; and it indexes outside its tables on hostile files: stop before the access (core/image/decode.h).
GCC_TRAP := -Wno-unused-function -Wno-maybe-uninitialized -fsanitize=bounds -fsanitize-undefined-trap-on-error
CLANG_TRAP := -Wno-unused-function -fsanitize=bounds -fsanitize-trap=bounds
is_clang := $(shell $(CC) --version 2>/dev/null | grep -i clang)

build := build/$(VARIANT)
core := $(sort $(shell find core -name '*.c'))
native := $(sort $(shell find train_native -name '*.c'))
# C tests, with what they call of the command line.
tests := $(filter-out tests/support/make_golden.c,$(wildcard tests/core/*.c tests/support/*.c)) train_native/cli/sha256.c
objects = $(patsubst %.c,$(build)/%.o,$(1))
embedded_objects := $(patsubst %,$(build)/%.o,$(addprefix web/,templates/report.html templates/standalone.html style.css \
  contract.js source.js engine.js picture.js))

.PHONY: all native wasm run train reproduce test test-native test-core test-wasm test-node bench bench-native bench-train fuzz install install-test clean help
.DELETE_ON_ERROR:

all: native wasm

help:
	@echo 'make run           build everything and serve the page on 127.0.0.1 (installs what is missing)'
	@echo 'make test          build and run every test (installs what is missing)'
	@echo 'make train         train on CIFAR-10; ARGUMENTS="..." (default: the recipe of web/models/tutorial.eyelet)'
	@echo 'make reproduce     train the page'"'"'s default model again and compare the weights (an hour)'
	@echo 'make bench         measure speed and size, beside other runtimes too; its tables go into the README. A part of it:'
	@echo '                   ARGUMENTS="race --networks mobile --quick" (tests/bench/bench.js)'
	@echo 'make bench-native  measure classifying natively, folders of pictures too; its table goes there too'
	@echo 'make bench-train   measure training, beside PyTorch if Debian'"'"'s python3-torch is there; its table goes there too'
	@echo 'make native        build/eyelet, the command line: build/eyelet --help'
	@echo 'make wasm          web/classifier.wasm, the module for browsers and Node'
	@echo 'make fuzz          fuzz the model reader and the picture headers (clang; SECONDS=60)'
	@echo 'make clean         remove everything built'
	@echo
	@echo 'VARIANT=$(VARIANT) (also: $(filter-out $(VARIANT),x86-64-v4 x86-64-v3 portable scalar sanitize))'

# ---- The native program ----

native: $(build)/eyelet
	@ln -sf $(VARIANT)/eyelet build/eyelet

$(build)/eyelet: $(call objects,$(core) $(native)) $(embedded_objects)
	$(CC) $(FLAGS) -fopenmp $^ -lm -o $@

$(build)/%.o: %.c Makefile | /usr/include/stb/stb_image.h
	@mkdir -p $(@D)
	$(CC) $(EXACT) $(FLAGS) $(WARNINGS) -fopenmp $(INCLUDES) -MMD -MP -c $< -o $@

# Files that are bytes of the program, each with a zero behind it (train_native/report/html.h).
$(embedded_objects): $(build)/%.o: % Makefile
	@mkdir -p $(@D)
	{ echo 'const unsigned char $(subst .,_,$(<F))[] = {'; od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g'; echo '0};'; } | \
	  $(CC) $(FLAGS) -x c -c - -o $@

$(build)/train_native/%.o: EXACT += -D_GNU_SOURCE
$(build)/tests/%.o: EXACT += -D_GNU_SOURCE
$(build)/core/image/decode.o: WARNINGS += $(if $(is_clang),$(CLANG_TRAP),$(GCC_TRAP))
-include $(shell find build -name '*.d' 2>/dev/null)

# ---- The WebAssembly module ----

emcc := NODE_PATH=/usr/share/nodejs emcc
wasm_flags := $(EXACT) -msimd128 -DNDEBUG $(INCLUDES)
# The stack stands first in memory, so that an overflow traps instead of writing over data.
wasm_link := --no-entry -sSTANDALONE_WASM -sALLOW_MEMORY_GROWTH -sMALLOC=emmalloc -sTOTAL_STACK=262144 -Wl,--stack-first
wasm_core := $(filter-out core/image/decode.c core/training/%,$(core))

wasm: web/classifier.wasm build/wasm/classifier-without-decoders.wasm

web/classifier.wasm: $(patsubst %.c,build/wasm/%.o,$(wasm_core) core/image/decode.c wasm/exports.c)
	$(emcc) -O3 -msimd128 $(wasm_link) $^ -o $@

build/wasm/classifier-without-decoders.wasm: $(patsubst %.c,build/wasm/%.o,$(wasm_core)) build/wasm/wasm/exports-without-decoders.o
	$(emcc) -O3 -msimd128 $(wasm_link) $^ -o $@

# Kernels for speed, everything else for size. Above -O1 clang unrolls and moves more than the source asks for: larger, and in V8 no
# faster but where loops are for the compiler to vectorise or choices to be made outside of them.
$(addprefix build/wasm/core/,kernels/conv.o kernels/depthwise.o kernels/activation.o int8/int8_kernels.o): level := -O3
$(addprefix build/wasm/core/,kernels/gemm.o kernels/winograd.o kernels/winograd_rows.o kernels/pool.o int8/int8_winograd.o): level := -O1
$(addprefix build/wasm/core/,net/model.o base/bytes.o): level := -O2 # they go through every weight of a model that is opened
build/wasm/core/image/decode.o: WARNINGS += $(CLANG_TRAP)
build/wasm/%.o: level := -Oz
build/wasm/wasm/exports-without-decoders.o: wasm/exports.c Makefile
	@mkdir -p $(@D)
	$(emcc) $(wasm_flags) -Oz -DWITHOUT_DECODERS -c $< -o $@
build/wasm/%.o: %.c Makefile | /usr/include/stb/stb_image.h
	@mkdir -p $(@D)
	$(emcc) $(wasm_flags) $(level) $(WARNINGS) -MMD -MP -c $< -o $@

# ---- Using it ----

run: install
	$(MAKE) all
	node web/serve.js

train: install
	$(MAKE) native
	build/eyelet train -o build/tutorial.eyelet $(ARGUMENTS)

# The model that the page opens first, from nothing: an hour on two cores. Any AVX2 or AVX-512 machine gets its weights.
reproduce: install
	$(MAKE) native
	build/eyelet train -o build/reproduced.eyelet --recipe airbench95
	build/eyelet convert build/reproduced.eyelet -o build/reproduced-int8.eyelet --weights int8
	@checksum() { build/eyelet summary $$1 | grep -o 'checksum .*'; }; \
	if [ "$$(checksum build/reproduced-int8.eyelet)" = "$$(checksum web/models/airbench95.eyelet)" ]; then \
	  echo 'the same weights as web/models/airbench95.eyelet'; \
	else echo 'OTHER WEIGHTS than web/models/airbench95.eyelet'; exit 1; fi

# ---- Tests ----

test: install-test
	$(MAKE) all
	$(MAKE) test-core
	$(MAKE) test-node

# The same C tests, on every kind of build that this machine can run.
test-core:
	for variant in $(levels) scalar sanitize; do $(MAKE) VARIANT=$$variant test-native || exit 1; done
	$(MAKE) test-wasm

test-native: $(build)/run-tests $(if $(filter sanitize,$(VARIANT)),,$(build)/eyelet)
	$<

$(build)/run-tests: $(call objects,$(core) $(tests))
	$(CC) $(FLAGS) -fopenmp $^ -lm -o $@

test-wasm: build/wasm/run-tests.wasm
	node tests/support/run_wasm.js $<

build/wasm/run-tests.wasm: $(patsubst %.c,build/wasm-tests/%.o,$(core) $(tests))
	@mkdir -p $(@D)
	$(emcc) -O3 -msimd128 -sSTANDALONE_WASM -sALLOW_MEMORY_GROWTH -sTOTAL_STACK=1048576 -Wl,--stack-first $^ -o $@

build/wasm-tests/core/image/decode.o: WARNINGS += $(CLANG_TRAP)
build/wasm-tests/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(emcc) $(EXACT) -O2 -msimd128 $(WARNINGS) $(INCLUDES) -MMD -MP -c $< -o $@

# The JavaScript module, the command line, the page in Chromium, and native against WebAssembly on the whole test set.
test-node: all
	node --test $(wildcard tests/*/*.test.js)

bench: install-test
	$(MAKE) all
	node tests/bench/bench.js $(ARGUMENTS)

bench-native: install
	$(MAKE) native $(build)/bench-native
	node tests/bench/bench_native.js $(build)/bench-native $(ARGUMENTS)

bench-train: install
	$(MAKE) $(build)/bench-train
	node tests/bench/bench_train.js $(build)/bench-train

$(build)/bench-native $(build)/bench-train: $(build)/bench-%: $(call objects,$(core) $(filter-out train_native/main.c,$(native))) $(embedded_objects) $(build)/tests/bench/bench_%.o
	$(CC) $(FLAGS) -fopenmp $^ -lm -o $@

SECONDS ?= 60
# The model reader starts from small models of every kind of weights; the quantized one needs CIFAR-10 (eyelet train --fetch).
fuzz: build/fuzz/model build/fuzz/decode native
	@mkdir -p build/fuzz/seeds build/fuzz/corpus-model build/fuzz/corpus-decode
	cp tests/golden/model.eyelet build/fuzz/seeds/float32
	for type in float16 int8; do build/eyelet convert build/fuzz/seeds/float32 -o build/fuzz/seeds/$$type --weights $$type; done
	printf '%s\n' 'input 8x8x3' 'a: conv2d 4 3x3 same relu' 'conv2d 4 3x3 same' 'add a gelu' 'depthwise 3x3 stride 2 same relu6' \
	  'maxpool 2' flatten 'dense classes softmax' > build/fuzz/network.txt
	build/eyelet train -o build/fuzz/small.eyelet --network build/fuzz/network.txt --size 8 --limit 64 --epochs 1 --warmup 0 && \
	  build/eyelet quantize build/fuzz/small.eyelet -o build/fuzz/seeds/quantized --drop 100 --limit 100 || \
	  echo 'LEFT OUT: a quantized model among the seeds'
	build/fuzz/model -max_total_time=$(SECONDS) -print_final_stats=1 build/fuzz/corpus-model build/fuzz/seeds
	build/fuzz/decode -max_total_time=$(SECONDS) -print_final_stats=1 build/fuzz/corpus-decode

build/fuzz/%: tests/fuzz/fuzz_%.c $(core)
	@mkdir -p $(@D)
	clang $(EXACT) -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all $(INCLUDES) $^ -lm -o $@

# ---- What the machine needs ----

# A command or file that is missing, and the Debian package that brings it.
has = $(shell command -v $(1) >/dev/null 2>&1 && echo yes)
missing := $(if $(wildcard /usr/include/stb/stb_image.h),,libstb-dev) $(if $(call has,emcc),,emscripten) \
  $(if $(call has,node),,nodejs) $(if $(call has,curl),,curl ca-certificates)
missing_test := $(missing) $(if $(call has,npm),,npm) $(if $(call has,chromium),,chromium)

install:
	@$(call get,$(missing),to build and serve the page)

install-test:
	@$(call get,$(missing_test),to build and test everything)
	@test node_modules/.installed -nt package.json || \
	  { npm install --no-audit --no-fund --no-package-lock && touch node_modules/.installed; }

define get
if [ -n "$(strip $(1))" ]; then \
  echo 'Eyelet needs these packages $(2): $(strip $(1))'; \
  if ! command -v apt-get >/dev/null; then \
    echo 'Install them with the package manager of your system, then run make again.'; exit 1; \
  fi; \
  sudo=; if [ "$$(id -u)" != 0 ]; then sudo=sudo; echo 'Your password is asked for, to install them.'; fi; \
  $$sudo apt-get update && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $(strip $(1)); \
fi
endef

/usr/include/stb/stb_image.h:
	@echo 'stb_image.h is missing: run make install'; exit 1

clean:
	rm -rf build web/classifier.wasm
