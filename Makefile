# loam: one list of sources per layer, no recursive make for the product, no configure step. `make help` lists the targets.

VERSION := 0.1.0
SONAME := libloam.so.0
PREFIX ?= /usr/local

# --- flavours: each has a build directory of its own, so that they never mix -----------------------------------------------------
BUILD ?= release
B_release := build
B := $(or $(B_$(BUILD)),build/$(BUILD))

CC_clang := clang
CC_fuzz := clang
ifneq ($(CC_$(BUILD)),)
CC := $(CC_$(BUILD))
else ifeq ($(origin CC),default)
CC := gcc
endif

OPT_release := -O2
OPT_debug := -O1 -DLOAM_DEBUG -fno-omit-frame-pointer
OPT_clang := -O2
OPT_asan := -O1 -DLOAM_DEBUG -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
OPT_tsan := -O1 -DLOAM_DEBUG -fno-omit-frame-pointer -fsanitize=thread
OPT_coverage := -O0 --coverage -DLOAM_COVERAGE_BUILD
OPT_fuzz := -O1 -DLOAM_DEBUG -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
OPT := $(OPT_$(BUILD))
ifeq ($(OPT),)
$(error BUILD=$(BUILD) is not one of release debug clang asan tsan coverage fuzz)
endif

# Sanitizer, debug and coverage builds are slow: their tests run a tenth of the volume (tests/README.md).
SCALE_release := 100
SCALE_clang := 100
LOAM_TEST_SCALE ?= $(or $(SCALE_$(BUILD)),10)

# Warnings are errors with the compilers that CI runs; another one may know warnings that nobody has seen yet. WERROR=1 or 0 decides.
WERROR ?= $(if $(filter 12 14 12.% 14.%,$(shell $(CC) -dumpversion 2>/dev/null)),1,0)
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef \
    $(if $(filter 1,$(WERROR)),-Werror)

# gcc 12 copies what it knows to be short by `rep movsq` and clears so, which costs more than a call of the C library.
STRINGS := $(shell $(CC) -mstringop-strategy=libcall -x c -fsyntax-only /dev/null >/dev/null 2>&1 && echo -mstringop-strategy=libcall)

CFLAGS ?= -g
# A stores' float arithmetic is the same on every replica: no contraction to fused operations.
LOAM_CFLAGS = -std=gnu11 -D_GNU_SOURCE -DLOAM_VERSION='"$(VERSION)"' -I. $(OPT) $(WARNINGS) -fPIC -fvisibility=hidden \
    -ffp-contract=off $(STRINGS) -MMD -MP $(PKG_CFLAGS) $(CFLAGS)
LOAM_LDFLAGS = $(filter -fsanitize=% --coverage,$(OPT)) -Wl,--as-needed -pthread $(LDFLAGS)

# --- what a build needs ----------------------------------------------------------------------------------------------------------
LIB_PACKAGES := liburing libzstd liblz4 libxxhash libcrypto
TOOL_PACKAGES := libmicrohttpd libnghttp2 ncursesw
TEST_PACKAGES := cmocka
PACKAGES := $(LIB_PACKAGES) $(TOOL_PACKAGES) $(TEST_PACKAGES)
PKG_CFLAGS = $(shell pkg-config --cflags $(PACKAGES))
PKG_LIBS_lib = $(shell pkg-config --libs $(LIB_PACKAGES))
PKG_LIBS_tool = $(shell pkg-config --libs $(TOOL_PACKAGES)) -lm -ldl
PKG_LIBS_test = $(shell pkg-config --libs $(TEST_PACKAGES))

# Goals that build nothing ask for no packages; for all others a missing one is installed first (build/deps.mk is remade, make starts again).
GOALS := $(or $(MAKECMDGOALS),all)
ifneq ($(filter-out help clean deps fmt fmt-check,$(GOALS)),)
ifneq ($(shell $(CC) --version >/dev/null 2>&1 && pkg-config --exists $(PACKAGES) 2>/dev/null && echo yes),yes)
DEPS_GOALS := build $(filter test,$(GOALS))
.PHONY: force-deps
build/deps.mk: force-deps
endif
build/deps.mk:
	@for goal in $(or $(DEPS_GOALS),build); do tools/deps.sh $$goal $(PACKAGES) || exit 1; done
	@mkdir -p build && touch $@
include build/deps.mk
endif

# --- sources ---------------------------------------------------------------------------------------------------------------------
sources = $(sort $(wildcard $(foreach folder,$(1),$(folder)/*.c $(folder)/*/*.c $(folder)/*/*/*.c)))
objects = $(patsubst %.c,$(B)/obj/%.o,$(1))

LIB_SOURCES := $(call sources,engine raft kv tsdb graph)
SIM_SOURCES := $(call sources,tools/sim)
RESP_SOURCES := $(call sources,tools/resp)
JUDGE_SOURCES := $(call sources,tools/judge)
LOAMD_SOURCES := $(call sources,tools/loamd)
LOAM_SOURCES := $(call sources,tools/loam)
TIDY_SOURCES := $(call sources,tools/tidy)
HARNESS_SOURCES := $(call sources,tests/harness)
PROGRAM_MAINS := tools/loamd/main.c tools/loam/main.c tools/tidy/main.c

# Long suites first, so that all runners end together.
TEST_FOLDERS := tests/sim tests/crash tests/cluster tests/property $(sort $(wildcard tests/unit/*)) tests/golden tests/script
TEST_SOURCES := $(wildcard $(addsuffix /*_test.c,$(TEST_FOLDERS)))
TEST_SOURCES += $(filter-out $(TEST_SOURCES),$(wildcard tests/*/*_test.c))
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/*_fuzz.c))
TEST_PROGRAMS := $(TEST_SOURCES:%.c=$(B)/%) $(FUZZ_SOURCES:%.c=$(B)/%)
# The thread sanitizer runs what has threads; simulations have one, and so have a table, its reader, and tools that only look.
ONE_THREAD := sim/% crash/% property/% golden/% fuzz/% \
    $(addprefix unit/,$(addprefix engine/sst_,test walk_test fault_test dictionary_test) raft/driver_prefetch_test \
    $(addprefix tools/,replay_test shape_test shrink_test sim_device_test world_test world_sets_test write_trace_test))
ifeq ($(BUILD),tsan)
TEST_PROGRAMS := $(filter-out $(addprefix $(B)/tests/,$(ONE_THREAD)),$(TEST_PROGRAMS))
endif
TEST_SCRIPTS := $(sort $(wildcard tests/*/*_test.sh tests/unit/*/*_test.sh))
ifeq ($(BUILD),tsan)
TEST_SCRIPTS := $(filter-out tests/script/inspect_% tests/script/dump_test.sh tests/script/explain_test.sh tests/script/simulate_test.sh tests/script/trace_page_test.sh,$(TEST_SCRIPTS))
endif
# What mostly waits begins first, beside simulations, which never do.
FIRST_TESTS := $(B)/tests/sim/% tests/cluster/% tests/script/% $(B)/tests/cluster/%
ALL_TESTS = $(TEST_PROGRAMS) $(TEST_SCRIPTS)
TESTS_IN_ORDER = $(filter $(FIRST_TESTS),$(ALL_TESTS)) $(filter-out $(FIRST_TESTS),$(ALL_TESTS))

ALL_SOURCES := $(sort $(LIB_SOURCES) $(SIM_SOURCES) $(RESP_SOURCES) $(JUDGE_SOURCES) $(LOAMD_SOURCES) $(LOAM_SOURCES) $(TIDY_SOURCES) \
    $(HARNESS_SOURCES) $(TEST_SOURCES) $(FUZZ_SOURCES) $(wildcard tests/fuzz/*.c))
FORMATTED := $(shell find engine raft kv tsdb graph tools tests -name '*.[ch]' -not -path '*/corpus/*' 2>/dev/null)

# A program is built once it has a main.c.
PROGRAMS := $(if $(wildcard tools/loamd/main.c),$(B)/loamd) $(if $(wildcard tools/loam/main.c),$(B)/loam)
PRODUCT := $(B)/libloam.a $(B)/libloam.so $(PROGRAMS)

.PHONY: all test check-deps asan tsan clang debug release coverage fuzz sim same-trace crash flips soak bench mutants cluster lint fmt formats fmt-check \
    compile_commands install deps clean help tests
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
# All processors, unless -j was given.
ifeq ($(MAKELEVEL)$(filter -j% j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif

all: $(PRODUCT)

# `make V=1` shows whole commands.
QUIET := $(if $(V),,@)
SILENT := $(findstring s,$(filter-out --%,$(firstword $(MAKEFLAGS))))
say = $(if $(V)$(SILENT),,@printf '%-7s %s\n' $(1) $(2))

# Pages are taken in by the assembler.
$(B)/obj/tools/loam/web_page.o: tools/loam/web_page.html
$(B)/obj/tools/loam/inspect/inspect_page.o: $(wildcard tools/loam/inspect/*.html tools/loam/inspect/*.css tools/loam/inspect/*.js)
$(B)/obj/tools/loam/inspect/raftview/raft_page.o: $(wildcard tools/loam/inspect/raftview/*.html tools/loam/inspect/raftview/*.css tools/loam/inspect/raftview/*.js)
$(B)/obj/tools/loam/inspect/shape/shape_page.o: $(wildcard tools/loam/inspect/shape/*.html tools/loam/inspect/shape/*.css tools/loam/inspect/shape/*.js)
$(B)/obj/tools/loam/simulate/compaction_page.o: $(wildcard tools/loam/simulate/*.html tools/loam/simulate/*.css tools/loam/simulate/*.js)
$(B)/obj/tools/loam/trace/trace_assets.o: $(wildcard tools/loam/trace/*.html tools/loam/trace/*.css tools/loam/trace/*.js)

# --- rules -----------------------------------------------------------------------------------------------------------------------
$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(QUIET)$(CC) $(LOAM_CFLAGS) -c $< -o $@

define archive
@rm -f $@
@ar rcs $@ $^
endef

$(B)/libloam.a: $(call objects,$(LIB_SOURCES))
	$(archive)
$(B)/lib/sim.a: $(call objects,$(SIM_SOURCES))
	$(archive)
$(B)/lib/resp.a: $(call objects,$(RESP_SOURCES))
	$(archive)
$(B)/lib/judge.a: $(call objects,$(JUDGE_SOURCES))
	$(archive)
$(B)/lib/loamd.a: $(call objects,$(filter-out $(PROGRAM_MAINS),$(LOAMD_SOURCES)))
	$(archive)
$(B)/lib/loam.a: $(call objects,$(filter-out $(PROGRAM_MAINS),$(LOAM_SOURCES)))
	$(archive)
$(B)/lib/tidy.a: $(call objects,$(filter-out $(PROGRAM_MAINS),$(TIDY_SOURCES)))
	$(archive)
$(B)/lib/harness.a: $(call objects,$(filter-out $(TEST_SETUP),$(HARNESS_SOURCES)))
	$(archive)
$(B)/lib/sim.a $(B)/lib/resp.a $(B)/lib/judge.a $(B)/lib/loamd.a $(B)/lib/loam.a $(B)/lib/tidy.a $(B)/lib/harness.a: | $(B)/lib
$(B)/lib:
	@mkdir -p $@

# A sanitizer's own symbols come from the program that loads the library.
ALL_DEFINED := -Wl,-z,defs
$(B)/libloam.so: $(call objects,$(LIB_SOURCES))
	$(call say,LINK,$@)
	$(QUIET)$(CC) -shared -Wl,-soname,$(SONAME) -Wl,-Bsymbolic-functions $(if $(filter release clang debug,$(BUILD)),$(ALL_DEFINED)) \
	    $(LOAM_LDFLAGS) $^ $(PKG_LIBS_lib) -lm -o $@
	@ln -sf libloam.so $(B)/$(SONAME)

link = $(CC) $(LOAM_LDFLAGS) $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group

$(B)/loamd: $(B)/obj/tools/loamd/main.o $(B)/lib/loamd.a $(B)/lib/resp.a $(B)/libloam.a
	$(call say,LINK,$@)
	$(QUIET)$(link) $(PKG_LIBS_lib) $(PKG_LIBS_tool) -o $@
$(B)/loam: $(B)/obj/tools/loam/main.o $(B)/lib/loam.a $(B)/lib/sim.a $(B)/lib/loamd.a $(B)/lib/judge.a $(B)/lib/resp.a $(B)/libloam.a
	$(call say,LINK,$@)
	$(QUIET)$(link) $(PKG_LIBS_lib) $(PKG_LIBS_tool) -o $@
$(B)/tidy: $(B)/obj/tools/tidy/main.o $(B)/lib/tidy.a $(B)/libloam.a
	$(call say,LINK,$@)
	$(QUIET)$(link) $(PKG_LIBS_lib) -o $@

# Every test program: its own object, the set-up objects (line-wise output, allocations that can be made to fail), the archives; tests of
# the programs get these too, without their main().
TEST_SETUP := tests/harness/line_output.c tests/harness/alloc_fault.c
TEST_LIBS := $(B)/lib/harness.a $(B)/lib/sim.a $(B)/lib/judge.a $(B)/lib/resp.a $(B)/libloam.a
TOOL_LIBS := $(B)/lib/tidy.a $(B)/lib/loam.a $(B)/lib/loamd.a
WRAP := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=mmap
link-test = $(QUIET)$(link) $(WRAP) $(PKG_LIBS_lib) $(PKG_LIBS_tool) $(PKG_LIBS_test) -o $@

$(B)/tests/unit/tools/tidy_test: $(B)/lib/tidy.a
$(filter-out %/tidy_test,$(patsubst %.c,$(B)/%,$(wildcard tests/unit/tools/*_test.c tests/cluster/*_test.c tests/sim/*_test.c))): $(TOOL_LIBS)
$(addprefix $(B)/tests/unit/engine/,dictionary_test sst_dictionary_test engine_dictionary_test format_level_test): $(B)/lib/loam.a
$(addprefix $(B)/tests/fuzz/,import_fuzz describe_fuzz inspect_fuzz info_fuzz explain_fuzz store_fuzz node_fuzz dump_fuzz write_trace_fuzz): $(B)/lib/loam.a $(B)/lib/loamd.a
$(B)/tests/golden/write_trace_golden_test: $(B)/lib/loam.a
$(B)/tests/%_test: $(B)/obj/tests/%_test.o $(call objects,$(TEST_SETUP)) $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(link-test)
ifeq ($(BUILD),fuzz)
$(B)/tests/fuzz/%_fuzz: $(B)/obj/tests/fuzz/%_fuzz.o $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(QUIET)$(link) -fsanitize=fuzzer $(PKG_LIBS_lib) $(PKG_LIBS_tool) $(PKG_LIBS_test) -o $@
else
$(B)/tests/fuzz/%_fuzz: $(B)/obj/tests/fuzz/%_fuzz.o $(B)/obj/tests/fuzz/replay_main.o $(call objects,$(TEST_SETUP)) $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(link-test)
endif

-include $(patsubst %.c,$(B)/obj/%.d,$(ALL_SOURCES))

# --- tests -----------------------------------------------------------------------------------------------------------------------
tests: all $(TEST_PROGRAMS)

test: tests
	@LOAM_TEST_SCALE=$(LOAM_TEST_SCALE) tests/run $(B) $(TESTS_IN_ORDER)

debug release:
	+@$(MAKE) --no-print-directory BUILD=$@ all
asan tsan clang:
	+@$(MAKE) --no-print-directory BUILD=$@ test

coverage:
	+@$(MAKE) --no-print-directory BUILD=coverage test
	@lcov -q -c -d build/coverage -b . --no-external -o build/coverage/all.info
	@lcov -q -r build/coverage/all.info '*/tests/*' -o build/coverage/loam.info
	@genhtml -q -o build/coverage/html build/coverage/loam.info && lcov --list build/coverage/loam.info | tail -n 1
	@echo "build/coverage/html/index.html"

FUZZ_SECONDS ?= 30
fuzz:
	+@$(MAKE) --no-print-directory BUILD=fuzz run-fuzz
.PHONY: run-fuzz
run-fuzz: $(FUZZ_SOURCES:%.c=$(B)/%)
	@for program in $^; do \
	    name=$$(basename $$program _fuzz); mkdir -p build/fuzz/found/$$name; echo "== $$name: $(FUZZ_SECONDS) s"; \
	    $$program -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 -artifact_prefix=build/fuzz/found/$$name- \
	        build/fuzz/found/$$name tests/fuzz/corpus/$$name || exit 1; done

SOAK_OPERATIONS ?= 1000000
soak: all $(B)/tests/cluster/soak_test
	LOAM_BUILD_DIR=$(B) LOAM_SOAK_OPERATIONS=$(SOAK_OPERATIONS) $(B)/tests/cluster/soak_test

# The same seeds by gcc and clang, optimised and hardly.
same-trace: build/loam
	+@$(MAKE) --no-print-directory BUILD=clang build/clang/loam
	+@$(MAKE) --no-print-directory BUILD=debug build/debug/loam
	tests/sim/same_trace build/loam build/clang/loam build/debug/loam

SEEDS ?= 2000
sim: $(B)/loam
	$(B)/loam sim --seeds $(SEEDS)

# The engine's sweep, in series of seeds of its own side by side: it takes every I/O of some lives and one in three of the others, and prints
# its points and what was under way at them; the other suites run after it.
CRASH_PERCENT ?= 1000
CRASH_SWEEP_PERCENT ?= 250
CRASH_SEEDS := 1 100001
crash: $(patsubst %.c,$(B)/%,$(wildcard tests/crash/*_test.c))
	@start=$$(date +%s); printf '%s\n' $(CRASH_SEEDS) | xargs -P 2 -I{} sh -c 'echo "== seeds from {}"; LOAM_TEST_SEED={} LOAM_TEST_SCALE=$(CRASH_SWEEP_PERCENT) \
	    $(B)/tests/crash/engine_power_cut_test 2>&1 && echo "== seeds from {}: passed"' | tee $(B)/crash.out; \
	    awk -v seconds=$$(($$(date +%s) - start)) '/ points in /{ sum += $$1 } END { print sum " points of the engine in " seconds " s" }' \
	    $(B)/crash.out; test $$(grep -c ': passed$$' $(B)/crash.out) -eq $(words $(CRASH_SEEDS))
	LOAM_TEST_SCALE=$(CRASH_PERCENT) LOAM_TEST_TIMEOUT=3600 tests/run $(B) $(filter-out %/engine_power_cut_test,$^)

# Bits flipped in stores, one at a time.
FLIPS ?= 1000000
flips: $(B)/tests/crash/engine_flip_test
	@start=$$(date +%s); printf '1\n100001\n' | LOAM_TEST_SCALE=$$(( $(FLIPS) / 200 )) xargs -P 2 -I{} sh -c 'LOAM_TEST_SEED={} $< 2>&1 && echo "== passed"' \
	    | tee $(B)/flips.out; \
	    awk -v seconds=$$(($$(date +%s) - start)) '/ flips, 0 wrong/{ sum += $$1 } END { print sum " flips, 0 wrong answers, in " seconds " s" }' $(B)/flips.out; \
	    test $$(grep -c '^== passed$$' $(B)/flips.out) -eq 2

bench: all
	$(B)/loam bench engine --peer rocksdb,leveldb,lmdb
	$(B)/loam bench cluster
	@[ ! -d ../shared/data/timeseries/nab ] || $(B)/loam bench tsdb

mutants:
	tests/mutants/run

cluster: all
	tools/demo.sh $(B) $(CLUSTER_OPTIONS)

# --- install ---------------------------------------------------------------------------------------------------------------------
# Headers keep their root-relative names below include/loam. The simulator comes as an archive of its own: it is for tests.
DEST = $(DESTDIR)$(PREFIX)
STORES := kv tsdb graph
PUBLIC_HEADERS := $(wildcard engine/*.h raft/*.h $(foreach store,$(STORES),$(store)/$(store).h $(store)/state_machine.h)) \
    $(filter-out engine/base/text.h,$(wildcard engine/base/*.h))
SIM_HEADERS := $(wildcard $(addprefix tools/sim/,sim.h sim_io.h sim_net.h sim_disk.h))

$(B)/libloam_sim.a: $(call objects,$(SIM_SOURCES) $(RESP_SOURCES))
	$(archive)

install: all $(B)/libloam_sim.a
	@install -d $(DEST)/bin $(DEST)/lib/pkgconfig
	@$(foreach program,$(PROGRAMS),install -m 755 $(program) $(DEST)/bin/;)
	@install -m 644 $(B)/libloam.a $(B)/libloam_sim.a $(DEST)/lib/
	@install -m 755 $(B)/libloam.so $(DEST)/lib/libloam.so.$(VERSION)
	@ln -sf libloam.so.$(VERSION) $(DEST)/lib/$(SONAME)
	@ln -sf $(SONAME) $(DEST)/lib/libloam.so
	@$(foreach header,$(PUBLIC_HEADERS) $(SIM_HEADERS),install -D -m 644 $(header) $(DEST)/include/loam/$(header);)
	@printf '%s\n' 'prefix=$(PREFIX)' 'includedir=$${prefix}/include/loam' 'libdir=$${prefix}/lib' '' 'Name: loam' \
	    'Description: storage engine, Raft and the stores on them' 'Version: $(VERSION)' 'Cflags: -I$${includedir}' \
	    'Libs: -L$${libdir} -lloam' 'Libs.private: $(strip $(PKG_LIBS_lib)) -lm -pthread' > $(DEST)/lib/pkgconfig/loam.pc
	@printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' '' 'Name: loam-sim' \
	    'Description: the deterministic simulator of loam: disk, network and clock behind struct io' 'Version: $(VERSION)' \
	    'Requires: loam' 'Libs: -L$${libdir} -lloam_sim' > $(DEST)/lib/pkgconfig/loam-sim.pc
	@echo "installed to $(DEST)"

# --- care ------------------------------------------------------------------------------------------------------------------------
lint: $(B)/tidy
	@status=0; $(B)/tidy . || status=1; \
	tools/lint.sh $(LIB_SOURCES) $(SIM_SOURCES) $(RESP_SOURCES) $(JUDGE_SOURCES) $(LOAMD_SOURCES) $(LOAM_SOURCES) $(TIDY_SOURCES) || status=1; exit $$status

# The tables of fields in the FORMAT.md pages, from those that drive the tools; a test holds the pages to them.
formats: $(B)/tests/unit/tools/format_table_test
	$(QUIET)$< --write

fmt:
	@clang-format -i $(FORMATTED)
fmt-check:
	@clang-format --dry-run -Werror $(FORMATTED) && echo "fmt-check: $(words $(FORMATTED)) files are laid out as .clang-format says"

compile_commands:
	@{ echo '['; separator=; for source in $(ALL_SOURCES); do \
	    printf '%s{"directory":"%s","file":"%s","command":"%s"}' "$$separator" "$(CURDIR)" "$$source" \
	        "$(CC) $(subst ",\",$(subst ',,$(filter-out -MMD -MP,$(LOAM_CFLAGS)))) -c $$source"; separator=',\n'; done; echo ']'; \
	} > compile_commands.json && echo "compile_commands.json: $(words $(ALL_SOURCES)) files"

deps:
	@tools/deps.sh all $(PACKAGES)

clean:
	rm -rf build compile_commands.json

help:
	@echo "make                 build/loamd build/loam build/libloam.a build/libloam.so (-O2 -g, checks on)"
	@echo "make cluster         three nodes on this machine, with a short demonstration"
	@echo "make test            all tests; the last line is: N passed, N failed, N skipped"
	@echo "make deps            install what is missing (Debian, Ubuntu), or name it"
	@echo "make install         programs, library, headers, loam.pc (PREFIX=$(PREFIX), DESTDIR)"
	@echo "make debug release   one flavour: build/debug with slow checks, build"
	@echo "make asan tsan clang build and test under the sanitizers, or with clang"
	@echo "make fuzz            every fuzzer for FUZZ_SECONDS=$(FUZZ_SECONDS)"
	@echo "make same-trace      the same seeds of the simulator by gcc and clang, with and without optimisation: the same runs to the bit"
	@echo "make sim crash       long runs of the simulator (SEEDS=$(SEEDS)) and of the power-cut tests"
	@echo "make flips           FLIPS=$(FLIPS) bits flipped in stores of the engine, one at a time"
	@echo "make soak            $(SOAK_OPERATIONS) operations: memory and disk must not grow with their number"
	@echo "make mutants         planted bugs: each must be found"
	@echo "make bench           measurements, beside peers where they are installed"
	@echo "make formats         the tables of fields in the FORMAT.md pages, as the tools read by them"
	@echo "make lint fmt fmt-check coverage compile_commands clean"
	@echo "variables            BUILD=release|debug|clang|asan|tsan|coverage CC CFLAGS LDFLAGS WERROR=0|1 LOAM_TEST_SCALE=percent"
