# The only build file. `make help` lists the targets.

CONFIG  ?= configs/full.config
ARCH    ?= $(shell uname -m | sed 's/^amd64$$/x86_64/; s/^aarch64$$/arm64/')
V       ?= 0

ifeq ($(ARCH),arm64)
TRIPLET := aarch64-linux-gnu
MUSL    := aarch64-linux-musl
LDSO    := ld-linux-aarch64.so.1
PAGE    := 65536
DEBIAN  := arm64
else
TRIPLET := x86_64-linux-gnu
MUSL    := x86_64-linux-musl
LDSO    := ld-linux-x86-64.so.2
PAGE    := 4096
DEBIAN  := amd64
# Debian 12's ld packs them for this architecture only; elsewhere musl relocates, from a longer list.
PACK    := -Wl,-z,pack-relative-relocs
endif

# build/ for what users want: the full set on this machine. Others have folders of their own.
NAME := $(basename $(notdir $(CONFIG)))
ifeq ($(NAME)-$(ARCH),full-x86_64)
OUT := build
else
OUT := build/$(NAME)-$(ARCH)
endif
OBJ := $(OUT)/obj

PYTHON := /usr/bin/python3
REALGCC ?= $(TRIPLET)-gcc
CC_MUSL := $(REALGCC) -specs /usr/lib/$(MUSL)/musl-gcc.specs

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef \
        -Wcast-align -Wwrite-strings -Wconversion
STD  := -std=gnu11 -D_GNU_SOURCE
INC   = -Isrc -I$(OBJ) -isystem $(OBJ)/include
# No time, path or machine name gets into an object: two builds of one commit are the same bytes.
REPRODUCIBLE := '-ffile-prefix-map=$(CURDIR)=.' -Wdate-time
CFLAGS  ?= -Oz -g
CFLAGS  += $(STD) $(WARN) $(REPRODUCIBLE) -fvisibility=hidden -ffunction-sections -fdata-sections \
           -fno-asynchronous-unwind-tables -fpie -MMD -MP
# Every function with an array in its frame guards it. (-fstack-protector-strong guards also whose
# locals' addresses are taken: with one struct err for all errors that is all of them, 12 KiB.)
CFLAGS  += -fstack-protector --param=ssp-buffer-size=1 -mstack-protector-guard=global
# Nothing here counts in floating point, and small code is wanted more than fast switches.
CFLAGS  += -mgeneral-regs-only -fno-jump-tables
# What gcc does at -Oz, too, and what makes code longer: 5 KiB.
CFLAGS  += -fno-caller-saves -fno-move-loop-invariants -fno-tree-loop-im -fno-if-conversion
# The linker compiles: it sees the whole program at once, which saves 8 KiB. Unit tests are linked
# as ever from the same objects. `make LTO=` does without, for a quicker build.
LTO     ?= -flto -flto-partition=one -ffat-lto-objects
CFLAGS  += $(LTO)
LDFLAGS += -Oz $(REPRODUCIBLE) $(filter -m% -f%,$(CFLAGS))
# A static position-independent executable, whose tables are read-only when they have been relocated:
# src/start.c. musl's specs know no such thing and would make a dynamic one, so its parts are named
# here. PAGE is the largest page that a kernel of the architecture can have; start.ld sees to it that
# parts with other rights are that far apart, and ld, for whom pages are small, pads nothing.
LDFLAGS += -nostdlib -static-pie -Wl,--gc-sections,--build-id=none,--spare-dynamic-tags=0 \
           -Wl,-z,noexecstack,-z,relro,-z,now,-z,text,-z,noseparate-code $(PACK) \
           -Wl,-z,max-page-size=16,-z,common-page-size=16,--defsym=PAGE=$(PAGE),-T,src/start.ld
LIBC := -L/usr/lib/$(MUSL) -l:rcrt1.o -l:crti.o -l:crtn.o -Wl,--start-group -lc -lgcc -Wl,--end-group
LINK = $(REALGCC) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBC)
BEARSSL := /usr/lib/$(TRIPLET)/libbearssl.a

SRC := $(sort $(wildcard src/*.c src/*/*.c))
# Beside main's: what any program here begins with, on a libc without fortified functions.
START := $(OBJ)/src/start.o $(OBJ)/third_party/chk.o
OBJS := $(SRC:%.c=$(OBJ)/%.o) $(OBJ)/roots.o $(OBJ)/third_party/chk.o

COMMA := ,
Q := $(if $(filter 0,$(V)),@)
say = $(if $(filter 0,$(V)),@printf '  %-7s %s\n' $(1) $(2))

.PHONY: all help minimal deps deps-build deps-test deps-uml deps-lint demo test unit system sanitize memcheck \
        test-peers kill kill-short soak fuzz fuzz-short test-uml lint format size bench install clean
.DELETE_ON_ERROR:

all: $(OUT)/cnibox $(OUT)/cnibox.spdx.json

help:
	@echo 'make            build/cnibox, one static file with every applet (build/cnibox.debug: its symbols)'
	@echo 'make demo       the walkthrough, end to end, in throwaway network namespaces'
	@echo 'make test       all tests: unit tests twice (musl; ASan and UBSan), system tests, peers'
	@echo 'make unit       the unit tests alone'
	@echo 'make system     the system tests alone (T=-k... passes arguments to pytest)'
	@echo 'make sanitize   the system tests with a program that ASan and UBSan are in (T=... likewise)'
	@echo 'make memcheck   a selection of them with valgrind around the program (T=... likewise)'
	@echo 'make test-peers the plugins against the reference ones: differences are decided ones (T=...)'
	@echo 'make kill       every system call of every plugin and command killed, and failed (T=...)'
	@echo 'make soak       64 pods at once come, go, die, are killed: SEED=1 OPERATIONS=20000'
	@echo 'make fuzz       what parses foreign bytes, for SECONDS=600 each (T=url: that one); fuzz-short: for two'
	@echo 'make test-uml   the system tests on another kernel, and an image of cnibox alone (T=... likewise)'
	@echo 'make lint       warnings of gcc and clang as errors, clang-tidy, cppcheck, shellcheck, format, ...'
	@echo 'make format     clang-format over the source'
	@echo 'make bench      ADD and DEL against the reference plugins, bash, and the least the kernel takes (B=--quick)'
	@echo 'make size       size of full and minimal against their budgets'
	@echo 'make deps       install what is missing, from Debian (ARCH=arm64: for the cross build)'
	@echo 'make install    build/cnibox and its plugin links to DESTDIR/opt/cni/bin'
	@echo 'variables: CONFIG=configs/minimal.config  ARCH=arm64  V=1  LTO= (quicker build, larger file)'

minimal:
	$(Q)$(MAKE) --no-print-directory CONFIG=configs/minimal.config all

# --- the program -------------------------------------------------------------------------------

# The kernel's and the libraries' headers, which musl's compiler would not find.
$(OBJ)/include/.done: Makefile | deps-build
	@mkdir -p $(@D)
	$(Q)ln -sfn $(addprefix /usr/include/,linux asm-generic bearssl bearssl.h jsmn.h cmocka.h) $(@D)
	$(Q)for d in /usr/include/$(TRIPLET)/asm /usr/$(TRIPLET)/include/asm; do \
		if [ -d $$d ]; then ln -sfn $$d $(@D)/asm; break; fi; done
	$(Q)touch $@

# X=y in the configuration becomes the macro IF_X(...), which keeps or drops its argument, and HAS_X.
$(OBJ)/config.h: $(CONFIG)
	@mkdir -p $(@D)
	$(Q)sed -n 's/^\([A-Z0-9_]*\)=y$$/#define IF_\1(...) __VA_ARGS__\n#define HAS_\1 1/p; s/^\([A-Z0-9_]*\)=n$$/#define IF_\1(...)\n#define HAS_\1 0/p' $< > $@

$(OBJ)/%.o: %.c $(OBJ)/include/.done $(OBJ)/config.h Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC_MUSL) $(CFLAGS) $(INC) -c -o $@ $<

# Trusted roots for nodes without a bundle, out of Debian's.
$(OBJ)/roots.c: tools/roots.py | deps-build
	@mkdir -p $(@D)
	$(Q)$(PYTHON) $< > $@

$(OBJ)/roots.o: $(OBJ)/roots.c $(OBJ)/include/.done Makefile
	$(call say,CC,$<)
	$(Q)$(CC_MUSL) $(CFLAGS) $(INC) -c -o $@ $<

$(OBJ)/cnibox: $(OBJS) $(BEARSSL) src/start.ld
	$(call say,LD,$@)
	$(Q)$(LINK)

$(OUT)/cnibox: $(OBJ)/cnibox
	$(call say,STRIP,$@)
	$(Q)$(TRIPLET)-objcopy --only-keep-debug $< $(OUT)/cnibox.debug
	$(Q)$(TRIPLET)-objcopy --strip-all --remove-section=.comment --remove-section=.note* $< $@.new
	$(Q)if $(TRIPLET)-readelf -lW $@.new | grep -q INTERP; then echo '$@: not static: it asks for an interpreter' >&2; exit 1; fi
	$(Q)if $(TRIPLET)-readelf -dW $@.new | grep -q NEEDED; then echo '$@: not static: it needs a shared library' >&2; exit 1; fi
	$(Q)mv $@.new $@

# What it consists of.
$(OUT)/cnibox.spdx.json: $(OUT)/cnibox tools/sbom.py
	$(call say,SBOM,$@)
	$(Q)$(PYTHON) tools/sbom.py $< $(DEBIAN) > $@

# Nothing in C names its entry, which the linker's compiler would take for unused.
$(OBJ)/src/start.o: CFLAGS += -fno-lto

-include $(OBJS:.o=.d)

# --- tests -------------------------------------------------------------------------------------

# A program per test/unit/test_*.c, twice: with the objects of the release on musl, and with clang's
# ASan and UBSan, which need glibc.
TESTS   := $(patsubst test/unit/%.c,%,$(sort $(wildcard test/unit/test_*.c)))
ON_MUSL := $(TESTS:%=$(OUT)/unit/%)
ON_ASAN := $(TESTS:%=build/asan/unit/%)
MODULES := $(filter-out src/main.c src/start.c,$(SRC))
MODULES_MUSL := $(MODULES:%.c=$(OBJ)/%.o) $(OBJ)/roots.o
MODULES_ASAN := $(MODULES:%.c=build/asan/%.o) build/asan/roots.o
CC_ASAN := clang -O1 -g $(STD) $(WARN) -fsanitize=address,undefined -fno-sanitize-recover=all \
           -fno-omit-frame-pointer -MMD -MP
CMOCKA  := /usr/lib/$(TRIPLET)/libcmocka.so

$(OBJ)/modules.a: $(MODULES_MUSL)
	$(Q)rm -f $@ && $(TRIPLET)-ar rcD $@ $^

build/asan/modules.a: $(MODULES_ASAN)
	$(Q)rm -f $@ && ar rcD $@ $^

build/asan/src/%.o: src/%.c $(OBJ)/include/.done $(OBJ)/config.h Makefile | deps-test
	@mkdir -p $(@D)
	$(call say,ASAN,$<)
	$(Q)$(CC_ASAN) $(INC) -c -o $@ $<

build/asan/roots.o: $(OBJ)/roots.c Makefile | deps-test
	@mkdir -p $(@D)
	$(Q)$(CC_ASAN) $(INC) -c -o $@ $<

# Debian's libcmocka is made for glibc. It runs on musl with the few names beside it that musl lacks.
$(OUT)/unit/$(LDSO): test/unit/glibc_names.c $(OBJ)/include/.done | deps-test
	@mkdir -p $(@D)
	$(Q)$(CC_MUSL) $(STD) $(WARN) -Isrc -Os -shared -fPIC -Wl,-soname,$(LDSO) -o $@ $<

$(OUT)/unit/%: test/unit/%.c $(OUT)/unit/$(LDSO) $(OBJ)/modules.a $(OBJ)/third_party/chk.o
	$(call say,TEST,$@)
	$(Q)$(CC_MUSL) $(CFLAGS) $(INC) -fno-lto -no-pie -o $@ $< $(filter %.a %.o,$^) $(BEARSSL) $(CMOCKA) \
		$(OUT)/unit/$(LDSO) -Wl,--allow-shlib-undefined,-rpath,'$$ORIGIN:$(dir $(CMOCKA))'

build/asan/unit/%: test/unit/%.c build/asan/modules.a
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC_ASAN) $(INC) -o $@ $(filter %.c %.a,$^) $(BEARSSL) -lcmocka

# The HTTP client alone, as it is in the release, for system tests.
$(OUT)/http_get: $(OBJ)/test/unit/http_get.o $(START) $(OBJ)/modules.a $(BEARSSL) src/start.ld
	$(call say,TEST,$@)
	$(Q)$(LINK)

# Kills a program, or fails it, at a chosen system call.
$(OUT)/inject: test/kill/inject.c $(OBJ)/include/.done Makefile
	$(call say,TEST,$@)
	$(Q)$(CC_MUSL) -Os $(STD) $(WARN) -isystem $(OBJ)/include -static -no-pie -o $@ $<

-include $(MODULES_ASAN:.o=.d) $(ON_MUSL:=.d) $(ON_ASAN:=.d)

unit: $(ON_MUSL) $(ON_ASAN)
	$(Q)tools/private.sh tools/unit.sh $^

# Tests wait more than they compute: more of them at once than there are processors.
WORKERS ?= 4
PYTEST = PYTHONPATH=test/system tools/private.sh $(PYTHON) -m pytest -p skips -q -n $(WORKERS)

system: all $(OUT)/http_get | deps-test
	$(Q)$(PYTEST) --timeout 300 test/system $(T)

# The system tests with programs that tell of what is wrong in them (test/system/findings.py): all but
# those of their files, system calls, rights and memory, which are others then.
REPORTING = $(PYTEST) -p findings --timeout 600

# ASan and UBSan are in them.
ASAN_RUN := build/asan/run

build/asan/http_get.o: test/unit/http_get.c $(OBJ)/include/.done Makefile | deps-test
	@mkdir -p $(@D)
	$(Q)$(CC_ASAN) $(INC) -c -o $@ $<

$(ASAN_RUN)/cnibox: build/asan/src/main.o
$(ASAN_RUN)/http_get: build/asan/http_get.o
$(ASAN_RUN)/cnibox $(ASAN_RUN)/http_get: test/sanitize/options.c build/asan/modules.a
	@mkdir -p $(@D)
	$(call say,ASAN,$@)
	$(Q)$(CC_ASAN) -o $@ $(filter %.c %.o,$^) $(filter %.a,$^) $(BEARSSL)

sanitize: $(ASAN_RUN)/cnibox $(ASAN_RUN)/http_get | deps-test
	$(Q)INSTRUMENTED=$(ASAN_RUN) SLOWNESS=3 $(REPORTING) -m 'not bare' test/system $(T)

# valgrind's memcheck is around them; every fourth test from the first on, as that takes a while.
SHARD ?= 0/4
MEMCHECK := build/memcheck

$(MEMCHECK)/cnibox: test/memcheck/launcher.c $(OBJ)/include/.done Makefile
	@mkdir -p $(@D)
	$(call say,TEST,$@)
	$(Q)$(CC_MUSL) -Os $(STD) $(WARN) -isystem $(OBJ)/include -static -no-pie -o $@ $<

$(MEMCHECK)/bin/cnibox $(MEMCHECK)/bin/http_get: $(MEMCHECK)/bin/%: $(OBJ)/cnibox $(OUT)/http_get
	@mkdir -p $(@D)
	$(Q)cp $(filter %/$*,$^) $@

memcheck: $(MEMCHECK)/cnibox $(MEMCHECK)/bin/cnibox $(MEMCHECK)/bin/http_get | deps-test
	$(Q)ln -sf cnibox $(MEMCHECK)/http_get
	$(Q)mkdir -p $(addprefix $(MEMCHECK)/ipam/,host-local static)
	$(Q)for name in host-local static; do ln -sf ../../bin/cnibox $(MEMCHECK)/ipam/$$name/$$name; done
	$(Q)INSTRUMENTED=$(MEMCHECK) SLOWNESS=10 SHARD=$(SHARD) CALLS_EVERY=6 $(REPORTING) -p shard \
		-m 'not bare and not no_valgrind' test/system $(T)

# The same cases for cnibox and for the reference plugins, side by side.
test-peers: all | deps-test
	$(Q)$(PYTEST) --timeout 300 test/peers $(T)

# Every system call of every verb and command is the last one, or fails; all of that, or a selection.
KILL = $(PYTEST) test/kill
kill: all $(OUT)/inject | deps-test
	$(Q)KILL_EVERY=1 $(KILL) --timeout 7200 -k 'not soak' $(T)

kill-short: all $(OUT)/inject | deps-test
	$(Q)$(KILL) --timeout 300 $(T)

# Thousands of operations, 64 at once: SEED=7 OPERATIONS=20000.
SEED ?= 1
OPERATIONS ?= 20000
soak: all $(OUT)/inject | deps-test
	$(Q)SOAK_SEED=$(SEED) SOAK_OPERATIONS=$(OPERATIONS) SOAK_SECONDS=7200 $(KILL) -k soak

test: unit
	$(Q)$(MAKE) --no-print-directory system
	$(Q)$(MAKE) --no-print-directory test-peers
	$(Q)$(MAKE) --no-print-directory kill-short

# --- fuzzing -----------------------------------------------------------------------------------

# A program per test/fuzz/fuzz_*.c, with all of src instrumented for libFuzzer.
FUZZERS := $(patsubst test/fuzz/%.c,build/fuzz/%,$(sort $(wildcard test/fuzz/fuzz_*.c)))
CC_FUZZ := $(subst -fsanitize=address,-fsanitize=fuzzer-no-link$(COMMA)address,$(CC_ASAN))
MODULES_FUZZ := $(MODULES:%.c=build/fuzz/%.o)
SECONDS ?= 600

build/fuzz/src/%.o: src/%.c $(OBJ)/include/.done $(OBJ)/config.h Makefile | deps-test
	@mkdir -p $(@D)
	$(call say,FUZZ,$<)
	$(Q)$(CC_FUZZ) $(INC) -c -o $@ $<

build/fuzz/modules.a: $(MODULES_FUZZ) build/asan/roots.o
	$(Q)rm -f $@ && ar rcD $@ $^

build/fuzz/fuzz_%: test/fuzz/fuzz_%.c build/fuzz/modules.a
	$(call say,FUZZ,$@)
	$(Q)$(CC_FUZZ) $(INC) -fsanitize=fuzzer -o $@ $(filter %.c %.a,$^) $(BEARSSL)

-include $(MODULES_FUZZ:.o=.d) $(FUZZERS:=.d)

fuzz-short: $(FUZZERS)
	$(Q)tools/fuzz.sh 2 $^

fuzz: $(if $(T),build/fuzz/fuzz_$(T),$(FUZZERS))
	$(Q)tools/fuzz.sh $(SECONDS) $^

# On a kernel that has other things than this one, and in an image with nothing else in it.
$(OUT)/uml/image: test/uml/image.c $(OBJ)/include/.done Makefile
	@mkdir -p $(@D)
	$(Q)$(CC_MUSL) -Os $(STD) $(WARN) -static -no-pie -o $@ $<

test-uml: all $(OUT)/uml/image | deps-test deps-uml
	$(Q)test/uml/image.sh $(OUT)/cnibox $(OUT)/uml/image
	$(Q)test/uml/reboot.sh $(OUT)/cnibox
	$(Q)test/uml/run.sh $(OUT)/cnibox $(OUT)/uml -q --timeout 600 test/system $(T)

demo: all | deps-test
	$(Q)tools/private.sh $(PYTHON) test/lab/demo.py $(OUT)/cnibox

# --- for developers ----------------------------------------------------------------------------

$(OUT)/bench/%: $(OBJ)/tools/bench/%.o $(START) src/start.ld
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(LINK)

# B='--scenario one --json', B=--quick, B=--write-budgets ...: arguments of tools/bench/bench.py.
bench: all $(OUT)/bench/floor $(OUT)/bench/runtime $(OUT)/bench/flood | deps-test
	$(Q)tools/private.sh $(PYTHON) tools/bench/bench.py --build $(OUT) $(B)

# Stripped; in KiB.
BUDGET_FULL    := 448
BUDGET_MINIMAL := 120

size: all minimal
	$(Q)tools/size.sh $(OUT) $(BUDGET_FULL) build/minimal-$(ARCH) $(BUDGET_MINIMAL)

# S=clang-tidy: that step alone.
lint: $(OBJ)/include/.done $(OBJ)/config.h | deps-lint
	$(Q)CC_MUSL='$(CC_MUSL)' STD='$(STD)' WARN='$(WARN)' OBJ='$(OBJ)' tools/lint.sh $(S)

deps: deps-build deps-test deps-uml deps-lint

deps-build deps-test deps-uml deps-lint: deps-%:
	$(Q)tools/deps.sh $(ARCH) $*

install: all
	$(OUT)/cnibox install $(DESTDIR)/opt/cni/bin

format:
	clang-format -i $$(git ls-files 'src/*.[ch]' 'test/*.[ch]' 'tools/*.[ch]' 'third_party/*.[ch]')

clean:
	rm -rf build
