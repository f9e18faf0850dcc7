# Eyelet. `make help` lists the targets.
#
# VARIANT names a build of the native code, in build/$(VARIANT): a processor level (x86-64-v4 has AVX-512, x86-64-v3 AVX2),
# `scalar` (no vector code), `sanitize` (address and undefined-behaviour checks) or `memory` (clang: what is read before it is written;
# the C tests of what reads data from outside). Default: the best this machine runs. VARIANT=any: a program with the code of all LEVELS,
# which takes the best for the processor that it runs on; EYELET_ISA=x86-64-v3 in its environment takes that one.
# MPI=1 makes the program for several machines beside the other one, by the MPI that pkg-config finds (MPI=mpich: that one).
# O=FOLDER puts everything that is built into FOLDER. V=1 shows the commands. WERROR=1 makes warnings errors. PLAIN=1 leaves the
# command line unoptimised, all but core: it is built in half of the time.

machine := $(shell uname -m)
cpu_has = $(shell for flag in $1; do grep -qw "$$flag" /proc/cpuinfo 2>/dev/null || exit 0; done; echo yes)
levels := $(if $(filter x86_64,$(machine)),\
  $(if $(call cpu_has,avx512f avx512bw avx512cd avx512dq avx512vl),x86-64-v4)\
  $(if $(call cpu_has,avx2 fma bmi2 f16c movbe),x86-64-v3),portable)
VARIANT ?= $(or $(firstword $(levels)),portable)
clang := $(firstword $(shell command -v clang clang-19 clang-14))
# What the C tests are built for; those that this machine cannot run are compiled all the same.
variants := $(if $(filter x86_64,$(machine)),x86-64-v4 x86-64-v3,portable) scalar sanitize memory
able := $(filter $(levels) portable scalar sanitize $(if $(clang),memory),$(variants))
unable := $(filter-out $(able) memory,$(variants))
others := $(filter-out $(VARIANT) sanitize memory,$(able)) # beside the one that is used

LEVELS ?= $(if $(filter x86_64,$(machine)),x86-64-v4 x86-64-v3) portable

O ?= build
PREFIX ?= /usr/local
build := $O/$(VARIANT)
module := $(if $(filter build,$O),web,$O)/classifier.wasm
teacher := $(module:classifier.wasm=teacher.wasm)
modules := $(module) $(teacher)
importer := $(module:classifier.wasm=importer.wasm)
scripts := $(modules:.wasm=_wasm.js)

SHELL := /bin/bash
.SHELLFLAGS := --norc -o pipefail -c # without --norc bash may read it, where a program's socket is its input
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
# Begins a recipe that shows `CC core/net/net.c` instead of its command.
quiet = $(if $V,,@printf '%-6s%s\n' $1 $2;)

ifeq ($(VARIANT),memory) # which cannot see into the runtime of OpenMP
override CC := $(clang)
endif
compiler := $(shell $(CC) --version 2>/dev/null | head -1)
# Products and sums stay unfused and in order, so that every machine computes the same bits (core/kernels/gemm.h). Nothing here
# reads the flags of floating-point exceptions: without -fno-trapping-math gcc would not vectorise a loop that compares.
# What is built does not say in which folder: the same sources give the same bytes in any.
anywhere := -ffile-prefix-map=$(CURDIR)=.
LANGUAGE := -std=c11 -ffp-contract=off -fno-math-errno -fno-trapping-math $(anywhere) -isystem /usr/include/stb
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Werror=switch -Werror=switch-enum $(if $(WERROR),-Werror)
# An include names the folder: "kernels/gemm.h" of core, "cli/errors.h" of the program, "support/test.h" of the tests.
INCLUDES := -iquote core -iquote train_native -iquote tests
OPENMP := -fopenmp
# Without asserts, as what is shipped; `scalar`, `sanitize` and the C tests in WebAssembly check the contracts of the kernels.
FLAGS := -O3 -g -DNDEBUG
# Debian's emcc asks PATH for its Python, and one there that is a script takes as long as compiling does.
emcc := NODE_PATH=/usr/share/nodejs $(if $(wildcard /usr/bin/python3),EMSDK_PYTHON=/usr/bin/python3 )emcc
emcc_flags := $(LANGUAGE) -msimd128 $(INCLUDES)
ifneq ($(filter x86-64-%,$(VARIANT)),)
FLAGS += -march=$(VARIANT)
else ifeq ($(VARIANT),scalar)
FLAGS := -O3 -g -DVEC_SCALAR
else ifeq ($(VARIANT),sanitize) # of vector code too, where the machine runs it: its last lanes must not reach too far
FLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all $(addprefix -march=,$(filter x86-64-%,$(firstword $(levels))))
else ifeq ($(VARIANT),memory)
FLAGS := -O1 -g -DVEC_SCALAR -fsanitize=memory
OPENMP :=
tested := image resizer preprocess decode jpeg png bmp inflate formats hostile model classifier
else ifneq ($(filter fuzz%,$(VARIANT)),) # for libFuzzer; fuzz-32 has the size_t of WebAssembly, fuzz-memory looks for unset memory
# ONNX: a few bytes ask for any number of constants; the less of them there may be, the sooner that is refused.
FLAGS := -O1 -g $(if $(filter fuzz-32,$(VARIANT)),-m32 -msse2) -fno-sanitize-recover=all -DONNX_MEMORY_BYTES=262144ul \
  -fsanitize=fuzzer-no-link,undefined,float-cast-overflow,implicit-integer-truncation,local-bounds,$(if $(filter fuzz-memory,$(VARIANT)),memory,address)
OPENMP := $(if $(filter fuzz,$(VARIANT)),-fopenmp) # the other two are for core alone
DECODERS :=
endif
# Libraries that the program can do without. They read images which core does not (train_native/data/second_decoder.h), and models of
# Keras (train_native/exchange/hdf5_file.h): a header of each, and how it is found and linked, as in Debian.
# DECODERS: those that are installed; none of them: DECODERS=; one of them not, or elsewhere: HDF5=, HDF5="hdf5.h -lhdf5"
JPEG := jpeglib.h -ljpeg
WEBP := webp/demux.h -lwebpdemux -lwebp
HEIF := libheif/heif.h -lheif
GIF := stb/stb_image.h
HDF5 := hdf5.h -isystem/usr/include/hdf5/serial -lhdf5_serial
links = $(shell echo 'int main(void) { return 0; }' | \
  $(CC) $(FLAGS) $(filter -i% -I%,$($1)) -include stdio.h -include $(firstword $($1)) -x c - $(filter -l%,$($1)) -o /dev/null 2> /dev/null && echo $1)
ifeq ($(origin DECODERS),undefined)
DECODERS := $(foreach name,JPEG WEBP HEIF GIF HDF5,$(if $($(name)),$(call links,$(name))))
endif
# Libraries that the program always has (a package of each stands in to_build).
required := -lsqlite3 -lzip -lcjson -lprotobuf-c
libraries := $(foreach name,$(DECODERS),$(filter -l%,$($(name)))) $(if $(filter fuzz-32 fuzz-memory,$(VARIANT)),,$(required)) -lm
# The program over MPI is the other one but for a file of its own, in a folder of its own.
mpi_packages := ompi-c mpich mpi-c
ifneq ($(MPI),)
mpi := $(firstword $(foreach name,$(if $(filter 1,$(MPI)),$(mpi_packages),$(MPI)),$(shell pkg-config --exists $(name) 2> /dev/null && echo $(name))))
$(if $(mpi),,$(error MPI=$(MPI): pkg-config finds none of $(if $(filter 1,$(MPI)),$(mpi_packages),$(MPI)); in Debian: libopenmpi-dev openmpi-bin))
endif
program := $(build)/eyelet$(if $(MPI),-$(mpi))
# stb_image declares functions that GIF does not need, gcc takes one path in it for unset, and it has indexed outside its tables on
# hostile files: stop before the access (train_native/data/second_gif.c).
clang_trap := -Wno-unused-function -fsanitize=bounds -fsanitize-trap=bounds
gcc_trap := -Wno-unused-function -Wno-maybe-uninitialized -fsanitize=bounds -fsanitize-undefined-trap-on-error

core := $(sort $(shell find core -name '*.c'))
native := $(filter-out %/transport_mpi.c %/any_processor.c,$(sort $(shell find train_native -name '*.c')))
# C tests, with what they call of the command line.
tests := $(filter-out tests/support/make_golden.c tests/support/fault.c,$(sort $(wildcard tests/core/*.c tests/support/*.c))) \
  $(addprefix train_native/,cli/message_blocks.c cli/sha256.c cli/md5.c commands/progress_line.c model/privacy.c exchange/flatbuffer.c) \
  $(addprefix train_native/cli/,errors.c escape.c failure.c list.c memory.c text.c) $(sort $(wildcard train_native/exchange/graph*.c))
benches := $(sort $(wildcard tests/bench/*.c))
fuzzers := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
objects = $(patsubst %.c,$(build)/%.o,$1)
embedded := $(patsubst %,$(build)/%.o,$(addprefix web/,\
  $(addprefix templates/,report.html report.css report.js relabel.js relabel_view.js standalone.html standalone.js) \
  index.html style.css contract.js source.js pixels.js engine.js picture.js view.js) train_native/exchange/imagenet_labels.txt)
formatted := $(filter-out tests/golden/%,$(sort $(shell find core train_native wasm tests -name '*.[ch]')))
# The decoder of ONNX files, which protobuf-c writes from a description of the messages.
messages := $O/protobuf/onnx.pb-c
without_main := $(call objects,$(core) $(filter-out train_native/main.c,$(native))) $(embedded) $(build)/protobuf/onnx.pb-c.o

.PHONY: all native wasm library compile run site train reproduce test test-core test-native test-wasm test-skipped test-node test-faults test-bundlers bench \
  bench-native bench-train fuzz check-format format deps deps-test install dist deb clean distclean help always $(variants:%=test-core-%) test-core-wasm

all: native wasm

help:
	@sed -n 's/^\([a-z-]*\):.* ## /\1 /p' $(firstword $(MAKEFILE_LIST)) | while read -r name text; do printf 'make %-17s%s\n' "$$name" "$$text"; done
	@echo 'VARIANT=$(VARIANT) (also: $(filter-out $(VARIANT),x86-64-v4 x86-64-v3 portable any scalar sanitize memory)), O=$O, V=1, WERROR=1'

# ---- The native program ----

native: $(program) ## build/eyelet, the command line: build/eyelet --help
	@[ $O/eyelet -ef $< ] || ln -sf $(<:$O/%=%) $O/eyelet

compile = $(CC) $(LANGUAGE) $(FLAGS) $(WARNINGS) $(OPENMP) $(INCLUDES) -I$O/protobuf \
  $(foreach name,$(DECODERS),-DWITH_$(name) $(filter -i% -I%,$($(name))))
$(build)/tests/%.o: own_flags := -D_GNU_SOURCE
$(build)/train_native/%.o: own_flags := -D_GNU_SOURCE $(if $(PLAIN),-O0)
# The commit, of a repository of our own, is in main.o alone, so that another one compiles that and links.
commit := $(if $(wildcard .git),$(shell git describe --always --dirty --abbrev=12 --exclude='*' 2> /dev/null))
$(build)/train_native/main.o: own_flags += -DVERSION='"$(version)$(commit:%=+%)"'
$(build)/train_native/main.o: $(build)/commit
# A fuzzer is guided by what the bytes make the code do, not by its own code, nor by the table of a checksum or the search for the option
# that was meant; what a model is compared with is known to the mutator (tests/fuzz/model_parts.c), and each letter of a text is compared
# with so much that this takes half of the time, while the branches say the same.
ifneq ($(filter fuzz%,$(VARIANT)),)
$(build)/tests/fuzz/%.o $(build)/core/base/bytes.o $(build)/train_native/cli/nearest.o: own_flags += -fno-sanitize=fuzzer-no-link
$(build)/core/net/%.o $(build)/core/base/text.o: own_flags += -fno-sanitize-coverage=trace-cmp
endif
$(build)/train_native/data/second_gif.o: own_flags += $(if $(findstring clang,$(compiler)),$(clang_trap),$(gcc_trap))
# In large pages, where glibc has them, a compiler takes an eighth less time.
$(build)/%.o: %.c $(build)/command Makefile | /usr/include/stb/stb_image_write.h
	@mkdir -p $(@D)
	$(call quiet,CC,$<) GLIBC_TUNABLES=glibc.malloc.hugetlb=1 $(compile) $(own_flags) -MMD -MP -c $< -o $@

$(messages).c $(messages).h &: train_native/exchange/onnx.proto
	@mkdir -p $(@D)
	$(call quiet,PROTO,$<) protoc-c --proto_path=$(<D) --c_out=$(@D) $(<F)
$(call objects,$(filter train_native/exchange/onnx_%,$(native))): | $(messages).h
$(build)/protobuf/onnx.pb-c.o: $(messages).c $(build)/command Makefile
	@mkdir -p $(@D)
	$(call quiet,CC,$<) $(CC) $(FLAGS) $(anywhere) -I$(<D) -c $< -o $@

# Files that are bytes of the program, each with a zero behind it (train_native/report/html.h).
$(embedded): $(build)/%.o: % $(build)/command Makefile
	@mkdir -p $(@D)
	$(call quiet,EMBED,$<) { echo 'const unsigned char $(subst .,_,$(<F))[] = {'; \
	  od -An -v -tu1 $< | sed 's/[0-9][0-9]*/&,/g'; echo '0};'; } | $(CC) $(FLAGS) $(anywhere) -x c -c - -o $@

link = $(call quiet,LINK,$@) $(CC) $(FLAGS) $(OPENMP) $^ $(libraries) -o $@
# All of the program, for one that is linked of several: its main has the variant's name, and nothing else can be seen.
whole_main := eyelet_$(subst -,_,$(VARIANT))
$(build)/whole.o: $(without_main) $(build)/train_native/main.o
	$(call quiet,LD,$@) ld -r $^ -o $@ && objcopy --redefine-sym main=$(whole_main) $@ && objcopy --keep-global-symbol=$(whole_main) $@
ifeq ($(VARIANT),any)
$(build)/train_native/any_processor.o: own_flags += '-DLEVELS=$(foreach level,$(LEVELS),LEVEL($(subst -,_,$(level)), "$(level)"))'
$(LEVELS:%=$O/%/whole.o): always
	@$(MAKE) VARIANT=$(@:$O/%/whole.o=%) $@
$(build)/eyelet: $(LEVELS:%=$O/%/whole.o) $(build)/train_native/any_processor.o
else
$(build)/eyelet: $(without_main) $(build)/train_native/main.o
endif
	$(link)
$(build)/$(mpi)/transport_mpi.o: train_native/ranks/transport_mpi.c $(build)/command Makefile
	@mkdir -p $(@D)
	$(call quiet,CC,$<) $(compile) -D_GNU_SOURCE -DWITH_MPI $(patsubst -I%,-isystem%,$(shell pkg-config --cflags $(mpi))) -MMD -MP -c $< -o $@
ifneq ($(MPI),)
$(program): libraries += $(shell pkg-config --libs $(mpi))
$(program): $(filter-out %/transport_none.o,$(without_main)) $(build)/train_native/main.o $(build)/$(mpi)/transport_mpi.o | $(build)/eyelet
	$(link)
endif
$(build)/run-tests: libraries := -lm
$(build)/run-tests: $(call objects,$(core) $(tests))
	$(link)
$(build)/bench-%: $(without_main) $(build)/tests/bench/bench_%.o
	$(link)
# A target takes from the archive what it calls. What would end the program comes to tests/fuzz/command.c. A planted bug
# (tests/fuzz/canaries.js) is a changed copy of a file, in PLANTED, that is linked before it.
fuzz_support := $(filter-out $(fuzzers:%=tests/fuzz/fuzz_%.c),$(wildcard tests/fuzz/*.c))
ifeq ($(VARIANT),fuzz)
fuzz_objects := $(without_main) $(call objects,$(fuzz_support) wasm/importer/json.c)
# The importer's JSON, under other names than the library's.
$(build)/wasm/importer/json.o $(PLANTED)/wasm/importer/json.o: own_flags := -include tests/fuzz/importer_json.h
fuzz_link := -Wl,--wrap=exit,--wrap=open_memstream,--wrap=mmap,--wrap=munmap,--wrap=sandbox_run,--wrap=sandbox_admit
else
fuzz_objects := $(call objects,$(core) $(filter-out tests/fuzz/command.c,$(fuzz_support)))
endif
$(build)/fuzz.a: $(fuzz_objects)
	$(call quiet,AR,$@) rm -f $@; ar rcs $@ $^
$(build)/fuzz-%: $(build)/tests/fuzz/fuzz_%.o $(build)/fuzz.a
	$(link) -fsanitize=fuzzer $(fuzz_link)
planted := $(if $(PLANTED),$(patsubst %.c,%.o,$(shell find $(PLANTED) -name '*.c')))
$(PLANTED)/train_native/%.o: own_flags := -D_GNU_SOURCE
$(planted): %.o: %.c
	$(call quiet,CC,$<) $(compile) $(own_flags) -c $< -o $@
$(PLANTED)/fuzz-%: $(planted) $(build)/tests/fuzz/fuzz_%.o $(build)/fuzz.a
	$(link) -fsanitize=fuzzer $(fuzz_link)

# One object of what the public functions reach, with no other global symbols: nothing in core meets an embedder's names.
library: $(build)/libeyelet.a ## libeyelet.a, to link C programs against (core/classifier.h)
$(build)/libeyelet.o: $(call objects,$(core))
	$(call quiet,LD,$@) ld -r --gc-sections $$(nm -g --defined-only $^ | sed -n 's/.* T \(eyelet_.*\)/-u \1/p') $^ -o $@ && \
	  objcopy --wildcard --keep-global-symbol='eyelet_*' --strip-unneeded $@
$(build)/libeyelet.a: $(build)/libeyelet.o
	$(call quiet,AR,$@) ar rcs $@ $<

# Every C file of a variant that need not run here.
compile: $(call objects,$(core) $(native) $(tests) $(benches) $(wildcard tests/fuzz/*.c))

# The command line that a folder was built by: written anew, and so newer than its objects, only when another one builds.
native_command := $(compiler): $(compile)$(if $(PLAIN), and -O0 for train_native)$(if $(filter any,$(VARIANT)), for $(LEVELS))
wasm_command := $(emcc) $(emcc_flags) $(WARNINGS)
changed = $(shell echo '$1' | cmp -s - $2 || echo always)
$(build)/command: $(call changed,$(native_command),$(build)/command)
	@mkdir -p $(@D); echo '$(native_command)' > $@
$(build)/commit: $(call changed,$(commit),$(build)/commit)
	@mkdir -p $(@D); echo '$(commit)' > $@
$O/wasm/command: $(call changed,$(wasm_command),$O/wasm/command)
	@mkdir -p $(@D); echo '$(wasm_command)' > $@

-include $(shell find $O -name '*.d' -type f 2>/dev/null)

# ---- The WebAssembly module ----

# The stack stands first in memory, so that an overflow traps instead of writing over data.
wasm_link := -msimd128 -sSTANDALONE_WASM -sALLOW_MEMORY_GROWTH -Wl,--stack-first

wasm: $(modules) $(scripts) $(importer) $O/wasm/classifier-without-decoders.wasm ## web/classifier.wasm, the module for browsers and Node; teacher.wasm, importer.wasm

# Of core, the linker drops what no export reaches: training, and without decoders those. teacher.wasm is for what goes
# back through the network: all of wasm/. NAME.symbols lists the functions that stay.
$(modules) $(importer): link_level := -O3
$O/wasm/classifier-without-decoders.wasm: link_level := -Oz # costs a tenth of what a JPEG takes, and nothing else
$(module): $O/wasm/wasm/exports.o
$(teacher): $(patsubst %.c,$O/wasm/%.o,$(sort $(wildcard wasm/*.c)))
$O/wasm/classifier-without-decoders.wasm: $O/wasm/wasm/exports-without-decoders.o
# importer.wasm is for the page: the readers of TensorFlow.js's models, with what these call of the program, and of core.
imports := $(sort $(wildcard wasm/importer/*.c)) $(addprefix train_native/,model/model_file.c \
  $(addprefix cli/,failure.c list.c memory.c message_blocks.c sha256.c text.c) \
  $(addprefix exchange/,import_bytes.c import_labels.c import_preprocess.c importer.c json_tree.c named_weights.c \
  keras_activation.c keras_config.c keras_functional.c keras_layer.c keras_model.c)) \
  $(filter train_native/exchange/graph% train_native/exchange/tfjs%,$(native))
$(importer): $(patsubst %.c,$O/wasm/%.o,$(imports))
$(modules) $(importer) $O/wasm/classifier-without-decoders.wasm: $(patsubst %.c,$O/wasm/%.o,$(core))
	$(call quiet,LINK,$@) $(emcc) $(link_level) $(wasm_link) --no-entry -sMALLOC=emmalloc -sTOTAL_STACK=262144 --emit-symbol-map $^ -o $@
	@$(if $(filter $O/%,$@),,mv $@.symbols $O/wasm/)

# A module as a script: no bundler has to know what becomes of a file that stands beside one.
$(scripts): %_wasm.js: %.wasm
	@{ echo '/* The bytes of $(<F). Written by make wasm. */'; \
	  echo 'export const wasmBytes = () => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));'; \
	  echo "const base64 = '$$(base64 -w 0 $<)';"; } > $@

# Kernels for speed, everything else for size. Above -O1 clang unrolls and moves more than the source asks for: larger, and in V8 no
# faster but where loops are for the compiler to vectorise or choices to be made outside of them.
$(addprefix $O/wasm/core/,kernels/depthwise.o int8/int8_kernels.o): level := -O3
$(addprefix $O/wasm/core/,kernels/conv.o kernels/gemm.o kernels/winograd.o kernels/winograd_filters.o kernels/winograd_rows.o kernels/pool.o int8/int8_winograd.o): level := -O1
$(addprefix $O/wasm/core/,net/model_weights.o base/bytes.o): level := -O1 # they go through every weight of a model that is opened
$(addprefix $O/wasm/core/,net/net.o net/model_read.o image/placement.o): level := -O1 # smaller, compressed, than with -Oz
$O/wasm/core/image/resize_kernels.o: level := -O1
$O/wasm/core/image/png_rows.o: level := -O2 # the filters take most of a PNG's time: with -Oz half as long again
$O/wasm/core/kernels/activation.o: level := -O3 -fno-unroll-loops
$(addprefix $O/wasm/core/image/,jpeg_idct.o jpeg_rows.o jpeg_scan.o): level := -O2
$(addprefix $O/wasm/core/training/,softmax_regression.o similarity.o loss.o): level := -O2 # the head of a taught model is trained while one waits
$O/wasm/%.o: level := -Oz
$O/wasm/train_native/%.o: own_flags := -D_GNU_SOURCE
$(addprefix $O/wasm/,$(imports:.c=.o)): emcc_flags += -isystem $O/wasm/include
$(addprefix $O/wasm/,$(imports:.c=.o)): | $O/wasm/include/cjson
# Of cJSON the header alone: wasm/importer/json.c is what it declares.
$O/wasm/include/cjson:
	@mkdir -p $(@D)
	ln -sfn /usr/include/cjson $@

$O/wasm-tests/%.o: level := -O2
$O/wasm-tests/train_native/%.o: own_flags := -D_GNU_SOURCE
compile_wasm = $(call quiet,EMCC,$<) $(emcc) $(emcc_flags) $(WARNINGS) $(level) $(own_flags) -MMD -MP -c $< -o $@
$O/wasm/wasm/exports-without-decoders.o: own_flags := -DWITHOUT_DECODERS
$O/wasm/wasm/exports-without-decoders.o: wasm/exports.c $O/wasm/command Makefile
	@mkdir -p $(@D)
	$(compile_wasm) -DNDEBUG
$O/wasm/%.o: %.c $O/wasm/command Makefile
	@mkdir -p $(@D)
	$(compile_wasm) -DNDEBUG
$O/wasm-tests/%.o: %.c $O/wasm/command Makefile
	@mkdir -p $(@D)
	$(compile_wasm)

$O/wasm-tests/run-tests.wasm: $(patsubst %.c,$O/wasm-tests/%.o,$(core) $(tests))
	$(call quiet,LINK,$@) $(emcc) -O3 $(wasm_link) -sTOTAL_STACK=1048576 $^ -o $@

# ---- Using it ----

run: deps ## build everything and serve the page on 127.0.0.1 (fetches what is missing)
	$(MAKE) all
	node web/cli.js serve

site: wasm ## build/site, the page for any static host, under any path; it works offline, too (web/README.md)
	@node web/build_site.js $O/site

train: deps ## train on CIFAR-10; ARGUMENTS="..." (default: the recipe of web/models/tutorial.eyelet)
	$(MAKE) native
	@mkdir -p $O/models
	$O/eyelet train -o $O/models/tutorial.eyelet $(ARGUMENTS)

# A model that ships, from nothing; the page's default takes an hour and a half on two cores, airbench95 one. Any AVX2 or AVX-512
# machine gets its weights. What each is made from: web/models/README.md.
MODEL ?= objects160
OBJECTS ?= data/objects-160
TEACHER ?= ../shared/data/backbones/mobilenet_v2_1.0_224.onnx
reproduced := $O/models/reproduced
define make_objects160
$O/eyelet import $(TEACHER) -o $O/models/teacher.eyelet
$O/eyelet train $(OBJECTS) -o $(reproduced).eyelet --from none --recipe objects160 --teacher $O/models/teacher.eyelet
$O/eyelet quantize $(reproduced).eyelet -o $(reproduced)-int8.eyelet --data $(OBJECTS)
endef
define make_airbench95
$O/eyelet train -o $(reproduced).eyelet --recipe airbench95
$O/eyelet convert $(reproduced).eyelet -o $(reproduced)-int8.eyelet --weights int8
endef
reproduce: deps ## train a model that ships again and compare the weights; MODEL=objects160, MODEL=airbench95 (an hour)
	@$(if $(make_$(MODEL)),,echo 'MODEL is objects160 or airbench95, not $(MODEL)'; exit 1)
	$(MAKE) native
	@mkdir -p $O/models
	$(make_$(MODEL))
	@of() { $O/eyelet summary $$1 | grep -o 'checksum .*'; }; \
	  cmp <(of $(reproduced)-int8.eyelet) <(of web/models/$(MODEL).eyelet) && echo 'the same weights as web/models/$(MODEL).eyelet'

clean: ## remove what was built, but for build/models (make distclean: those too)
	if [ -d $O ]; then find $O -mindepth 1 -maxdepth 1 ! -name models -exec rm -rf {} +; fi
	rm -f $(modules) $(importer) $(scripts)
distclean: clean
	rm -rf $O

# ---- Tests ----

test: deps-test ## build and run every test (fetches what is missing)
	$(MAKE) all
	@failed=; $(MAKE) test-core || failed=1; $(MAKE) test-node || failed=1; $(if $(MPI),$(MAKE) test-mpi || failed=1;) $(MAKE) test-skipped; [ -z "$$failed" ]

# The same C tests, on every kind of build that this machine can run; all of them, whatever fails, and beside each other with -j.
# The longest is the first.
test-core: $(messages).h
	@failed=; $(MAKE) -k -Otarget $(addprefix test-core-,$(filter sanitize,$(able)) $(filter-out sanitize,$(able)) wasm $(unable)) || failed=1; \
	$(MAKE) test-skipped; [ -z "$$failed" ]
$(able:%=test-core-%): test-core-%:
	@$(MAKE) VARIANT=$* $(if $(filter $(others),$*),PLAIN=1) test-native || { echo 'FAILED: C tests of $*'; exit 1; }
$(unable:%=test-core-%): test-core-%:
	@$(MAKE) VARIANT=$* compile || { echo 'FAILED: compiling $*'; exit 1; }
test-core-wasm:
	@$(MAKE) test-wasm || { echo 'FAILED: C tests of wasm'; exit 1; }

# Threads that wait for each other leave the processor to what runs beside them.
test-native: export OMP_WAIT_POLICY := passive
test-native: $(build)/run-tests $(if $(filter sanitize memory,$(VARIANT)),,$(build)/eyelet)
	$< $(tested) | tee $(build)/tests.log

test-wasm: $O/wasm-tests/run-tests.wasm
	node tests/support/run_wasm.js $< | tee $O/wasm-tests/tests.log

# What the C tests left out, in the last lines.
test-skipped:
	@for build in $(able) wasm-tests; do sed -n "s/^SKIPPED /SKIPPED in $$build: /p" $O/$$build/tests.log; done
	@[ -n "$(MPI)" ] || echo 'SKIPPED: several ranks: this needs make MPI=1 test-mpi'
	@[ -n "$(clang)" ] || echo 'SKIPPED: C tests of memory: there is no clang'
	@for variant in $(unable); do echo "SKIPPED: all C tests of $$variant, only compiled: this processor does not run it"; done

# The JavaScript module, the command line, the pages in three browsers, and native against WebAssembly on whole test sets.
# With a program for any processor, of what the C tests have built.
test-node: all $O/faults/fault.so
	@$(MAKE) $(build)/whole.o || exit 1; for variant in $(others); do $(MAKE) VARIANT=$$variant PLAIN=1 $O/$$variant/whole.o || exit 1; done
	@$(MAKE) VARIANT=any LEVELS='$(VARIANT) $(others)' $(foreach level,$(VARIANT) $(others),-o $O/$(level)/whole.o) $O/any/eyelet
	node --test --test-concurrency=$(shell expr $$(nproc) + 2) --test-reporter=./tests/support/reporter.js --test-reporter-destination=stdout $(filter-out %/mpi.test.js,$(sort $(wildcard tests/*/*.test.js)))

# Ranks, of other processors too: the programs of `make test`, each linked with MPI.
.PHONY: program test-mpi
program: $(program)
test-mpi: $(build)/eyelet $(program) ## with MPI=1: train and classify under 1, 2 and 3 ranks
	@[ -n "$(MPI)" ] || { echo 'make MPI=1 test-mpi'; exit 1; }
	@for variant in $(others); do $(MAKE) VARIANT=$$variant PLAIN=1 program || exit 1; done
	EYELET=$(abspath $(build)/eyelet) EYELET_MPI=$(abspath $(program)) EYELET_MPI_OTHERS='$(foreach variant,$(able),$(abspath $O/$(variant)/eyelet-$(mpi)))' \
	  node --test --test-reporter=./tests/support/reporter.js --test-reporter-destination=stdout tests/cli/mpi.test.js

# A library that is put before libc: tests/cli/faults.test.js tries a sample of the calls in `make test`.
$O/faults/fault.so: tests/support/fault.c
	@mkdir -p $(@D)
	$(call quiet,CC,$<) $(CC) -O2 $(WARNINGS) -shared -fPIC $< -o $@ -ldl
test-faults: all $O/faults/fault.so ## fail each allocation and each call on files once; kill a run at each
	FAULTS=all node --test --test-reporter=./tests/support/reporter.js --test-reporter-destination=stdout tests/cli/faults.test.js

# What needs Node 22 or later brings it along. Kept: nothing but npm's cache.
test-bundlers: deps-test wasm ## the package in bundlers, run-times and test runners of pinned versions; ONLY=vite,jest
	ONLY='$(ONLY)' node tests/bundlers/run.js

check-format: ## compare the C files with .clang-format (make format: rewrite them)
	@printf '%s\n' $(formatted) | xargs -P $$(nproc) -n 20 clang-format-14 --dry-run -Werror
format:
	clang-format-14 -i $(formatted)

bench: deps-test ## measure speed and size, beside other runtimes too; a part: ARGUMENTS="race --networks mobile --quick"
	$(MAKE) all
	node tests/bench/bench.js $(ARGUMENTS)

bench-native: deps ## measure native inference, folders of images too
	$(MAKE) native $(build)/bench-native
	node tests/bench/bench_native.js $(build)/bench-native $(ARGUMENTS)

bench-train: deps ## measure training, beside PyTorch if Debian's python3-torch is there
	$(MAKE) $(build)/bench-train
	node tests/bench/bench_train.js $(build)/bench-train

.PHONY: bench-pixels
bench-pixels: deps ## measure training from more images than memory; ARGUMENTS="--images 100000 --folder FOLDER"
	$(MAKE) native
	node tests/bench/bench_pixels.js $(ARGUMENTS)

.PHONY: bench-mpi
bench-mpi: deps ## with MPI=1: measure several ranks, the exchange apart, and two over a network of known rate (root)
	$(MAKE) program $(build)/bench-delay
	node tests/bench/bench_mpi.js $(program) $(ARGUMENTS)

.PHONY: bench-duplicates
bench-duplicates: deps ## measure the search for near-duplicates on DATA="FOLDER ..." (default: photos-20 and CIFAR-10)
	$(MAKE) $(build)/bench-duplicates
	$(build)/bench-duplicates $(or $(DATA),$(wildcard data/photos-20 ../shared/data/photos-20) $(wildcard data/cifar-10-batches-bin))

.PHONY: bench-import bench-operators
bench-operators: deps ## run ONNX's own one-operator models that can be imported (Debian's libonnx-testdata)
	$(MAKE) $(build)/bench-operators
	node tests/bench/bench_operators.js $(build)/bench-operators
bench-import: deps ## compare imported ONNX networks with ONNX Runtime, if Debian's python3-torchvision is there
	$(MAKE) native wasm
	node tests/bench/bench_import.js $(ARGUMENTS)

.PHONY: bench-search
bench-search: deps ## measure the search for the nearest of 10,000 and of a million random vectors (1.4 GB in build/)
	$(MAKE) $(build)/bench-search
	@printf '| images | dimensions | ms, one thread | ms, all |\n| --- | --- | --- | --- |\n'
	@for count in 10000 1000000; do $(build)/bench-search $O/search-$$count.sqlite $$count 1280; done

# Targets, their seeds and their builds: tests/fuzz/targets.js.
fuzz: ## fuzz what reads files, SECONDS=60 each, ONLY="model csv" (clang); CANARY=1: does it find planted bugs?
	node tests/fuzz/$(if $(CANARY),plant,run).js --out $O $(if $(SECONDS),$(if $(CANARY),,--seconds $(SECONDS))) $(if $(ONLY),--only '$(ONLY)')

# ---- Installing ----

# The modules' files and the element's, of which four are built; the others are the page's, and the npm package's alone.
module_files := $(modules) $(scripts) web/classifier.d.ts web/element.d.ts web/teacher.d.ts $(filter-out $(addprefix web/,\
  serve.js react.js script.js crc32.js workerd.js classifier_wasm.js teacher_wasm.js) $(wildcard web/cli*.js web/build_*.js web/bundled*.js),$(wildcard web/*.js))
version := $(shell sed -n 's/.*"version": "\(.*\)".*/\1/p' package.json)
public_headers = $(sort $(shell $(CC) -MM -iquote core core/classifier.h core/explain.h core/teacher.h | grep -o 'core/[^ ]*\.h'))
$O/eyelet.1: $(build)/eyelet train_native/cli/man.sh
	train_native/cli/man.sh $< > $@

completions := $(addprefix $O/completions/,bash zsh fish)
$(completions): $(build)/eyelet train_native/cli/completions.sh
	@mkdir -p $(@D)
	train_native/cli/completions.sh $< $(@F) > $@

install: native wasm library $O/eyelet.1 $(completions) ## install program, library, module, manual page, completions; PREFIX=/usr/local, DESTDIR
	install -D $(program) $(DESTDIR)$(PREFIX)/bin/eyelet
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/eyelet $(module_files) web/models/objects160.eyelet
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 $O/eyelet.1
	install -D -m 644 $O/completions/bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/eyelet
	install -D -m 644 $O/completions/zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_eyelet
	install -D -m 644 $O/completions/fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/eyelet.fish
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib $(build)/libeyelet.a
	@for header in $(public_headers); do \
	  install -D -m 644 $$header $(DESTDIR)$(PREFIX)/include/eyelet/$${header#core/} || exit 1; done
	@mkdir -p $(DESTDIR)$(PREFIX)/lib/pkgconfig; printf '%s\n' 'Name: eyelet' 'Description: image classification' 'Version: $(version)' \
	  'Cflags: -I$(PREFIX)/include/eyelet' 'Libs: -L$(PREFIX)/lib -leyelet' > $(DESTDIR)$(PREFIX)/lib/pkgconfig/eyelet.pc

# Of the last commit; make native builds without git, and its version then has no commit.
dist: ## build/eyelet-VERSION.tar.gz, the sources
	@mkdir -p $O
	git archive --prefix=eyelet-$(version)/ -o $O/eyelet-$(version).tar.gz HEAD

# The program for any processor, and the library.
deb: ## build/deb/*.deb, Debian packages (dpkg-dev)
	rm -rf $O/deb
	$(MAKE) VARIANT=any DESTDIR=$(abspath $O)/deb/all PREFIX=/usr install
	.ci/deb $(version) $O/deb

to_build := libstb-dev=/usr/include/stb/stb_image_write.h libsqlite3-dev=/usr/include/sqlite3.h libzip-dev=/usr/include/zip.h libcjson-dev=/usr/include/cjson/cJSON.h \
  libprotobuf-c-dev=/usr/include/protobuf-c/protobuf-c.h protobuf-c-compiler=protoc-c emscripten=emcc nodejs=node curl=curl ca-certificates=/etc/ssl/certs/ca-certificates.crt
deps: ## fetch what building and serving need (make deps-test: tests too)
	@.ci/deps $(to_build)
deps-test:
	@.ci/deps $(to_build) npm=npm chromium=chromium
	@test node_modules/.installed -nt package.json || \
	  { npm install --no-audit --no-fund --no-package-lock --ignore-scripts && touch node_modules/.installed; }

/usr/include/stb/stb_image_write.h:
	@echo 'stb_image_write.h is missing: run make deps'; exit 1
