# SPDX-License-Identifier: GPL-2.0-or-later
# One makefile for everything. Outputs go to build/.
#   make            the binary, the library, the BPF object   (as an ordinary user)
#   sudo make test  installs what is missing, builds, runs every test
#   sudo make demo  installs what is missing, builds, shows the tool at work
#   make install DESTDIR= PREFIX=

VERSION := 0.1.0
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
B ?= build

CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(shell PATH="$$PATH:/usr/sbin:/sbin" command -v bpftool)
PKG_CONFIG ?= pkg-config
ARCH := $(shell uname -m | sed 's/x86_64/x86/; s/aarch64/arm64/; s/ppc64.*/powerpc/; s/s390x/s390/; s/riscv.*/riscv/')

WARN := -Wall -Wextra -Wformat=2 -Wshadow -Wno-unused-parameter -Wno-missing-field-initializers $(if $(CI),-Werror)
CFLAGS ?= -O2 -g
CFLAGS_ALL = -std=gnu11 $(WARN) $(CFLAGS) $(SANFLAGS) -Iinclude -Iuser -I. -I$(B) -DTCPTIMER_VERSION='"$(VERSION)"' -MMD -MP
LIBS_PKG := libbpf json-c libcyaml yaml-0.1 libseccomp libcap libmd ncursesw
# Not linked: user/daemon/libs.c loads them when they are needed.
LOADED_PKG := libsystemd libmicrohttpd
LIB_CFLAGS = $(shell $(PKG_CONFIG) --cflags $(LIBS_PKG) $(LOADED_PKG))
PURE_LIBS = $(shell $(PKG_CONFIG) --libs libcyaml yaml-0.1 json-c libmd) -lz -lm
LIBS = -Wl,--as-needed $(shell $(PKG_CONFIG) --libs $(LIBS_PKG)) -lelf -lz -lm
ifeq ($(SAN),1)
SANFLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
endif

# V=1 shows the commands themselves.
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-6s %s\n' $(1) $@)

# ---- what is pure links without libbpf ----
ENGINE_SRC := $(wildcard user/engine/*.c) user/words.c
CTL_SRC := user/daemon/ctl_proto.c user/daemon/policy_source.c
PURE_SRC := $(filter-out user/words.c,$(wildcard user/*.c)) $(wildcard user/policy/*.c) $(CTL_SRC)
CLI_SRC := $(wildcard user/cli/*.c) $(wildcard user/kernel/*.c) $(filter-out $(CTL_SRC),$(wildcard user/daemon/*.c))
BPF_SRC := $(filter-out bpf/walk.bpf.c,$(sort $(wildcard bpf/*.bpf.c)))
obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
ENGINE_OBJ := $(call obj,$(ENGINE_SRC))
PURE_OBJ := $(call obj,$(PURE_SRC))
CLI_OBJ := $(call obj,$(CLI_SRC))

.PHONY: all clean deps deps-test test demo install unit system cli fuzz check conformance conformance-table format-check \
	deb package-test kubernetes-test bench bench-smoke
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
FORCE:
all: $(B)/tcptimer $(B)/libtcptimer.a $(B)/tcptimer.pc $(B)/tcptimer.bash

$(B)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS_ALL) $(LIB_CFLAGS) -c $< -o $@

$(B)/libtcptimer.a: $(ENGINE_OBJ)
	$(call say,AR)
	$(Q)$(AR) rcs $@ $^

$(B)/libpure.a: $(PURE_OBJ)
	$(call say,AR)
	$(Q)$(AR) rcs $@ $^

$(B)/tcptimer: $(CLI_OBJ) $(B)/libpure.a $(B)/libtcptimer.a
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) $^ -o $@ $(LIBS)

# bash completion, out of the command's own tables
$(B)/tcptimer.bash: $(B)/tcptimer
	$(call say,GEN)
	$(Q)$< --completion > $@

# Names PREFIX, so made anew each time.
$(B)/tcptimer.pc: FORCE
	@mkdir -p $(@D)
	@printf 'prefix=%s\nincludedir=$${prefix}/include\nlibdir=%s\n\nName: tcptimer\nDescription: reference engine of the kernel TCP timers\nVersion: %s\nCflags: -I$${includedir}\nLibs: -L$${libdir} -ltcptimer\n' $(PREFIX) $(LIBDIR) $(VERSION) > $@

# ---- BPF: each file to an object, one linked object, one skeleton ----
$(B)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h include/tcptimer/*.h) Makefile
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) -g -O2 -target bpf -D__TARGET_ARCH_$(ARCH) -Ibpf -Iinclude -Wall -Wextra -Wno-unused-parameter $(if $(CI),-Werror) -c $< -o $@

$(B)/tcptimer.bpf.o: $(patsubst bpf/%.c,$(B)/bpf/%.o,$(BPF_SRC))
	$(call say,GEN)
	$(Q)$(BPFTOOL) gen object $@ $^

$(B)/tcptimer.skel.h: $(B)/tcptimer.bpf.o
	$(call say,GEN)
	$(Q)$(BPFTOOL) gen skeleton $< name tcptimer_bpf > $@

# The snapshot by itself, for those who only look: less to relocate, and no /proc/kallsyms to read.
$(B)/snapshot.bpf.o: bpf/snapshot.bpf.c $(wildcard bpf/*.h include/tcptimer/*.h) Makefile
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) -g -O2 -target bpf -D__TARGET_ARCH_$(ARCH) -DPOLICY_MAPS -DSNAPSHOT_ALONE -Ibpf -Iinclude -Wall -Wextra -Wno-unused-parameter $(if $(CI),-Werror) -c $< -o $@

# Stalled sockets without the iterator: the same. Not in the one object, whose loader knows no kfuncs.
$(B)/walk.bpf.o: bpf/walk.bpf.c $(wildcard bpf/*.h include/tcptimer/*.h) Makefile
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) -g -O2 -target bpf -D__TARGET_ARCH_$(ARCH) -DPOLICY_MAPS -Ibpf -Iinclude -Wall -Wextra -Wno-unused-parameter $(if $(CI),-Werror) -c $< -o $@

$(B)/walk.skel.h: $(B)/walk.bpf.o
	$(call say,GEN)
	$(Q)$(BPFTOOL) gen skeleton $< name walk_bpf > $@

# What the daemon puts in force, for the same reason.
$(B)/policy.bpf.o: $(patsubst %,$(B)/bpf/%.bpf.o,guard policy_iter snapshot sockops)
	$(call say,GEN)
	$(Q)$(BPFTOOL) gen object $@ $^

$(B)/policy.skel.h: $(B)/policy.bpf.o
	$(call say,GEN)
	$(Q)$(BPFTOOL) gen skeleton $< name policy_bpf > $@

$(B)/snapshot.skel.h: $(B)/snapshot.bpf.o
	$(call say,GEN)
	$(Q)$(BPFTOOL) gen skeleton $< name snapshot_bpf > $@

$(call obj,$(wildcard user/kernel/*.c tests/conformance/*.c)): | $(B)/tcptimer.skel.h $(B)/snapshot.skel.h $(B)/walk.skel.h $(B)/policy.skel.h

# ---- tests ----
UNIT := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
SYSTEM := $(patsubst tests/system/%.c,$(B)/system/%,$(wildcard tests/system/test_*.c))
FUZZ := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
TESTLIB_OBJ := $(call obj,$(wildcard tests/lib/*.c user/kernel/*.c) $(filter-out tests/system/test_%,$(wildcard tests/system/*.c)))

$(B)/unit/%: tests/unit/%.c $(B)/libpure.a $(B)/libtcptimer.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS_ALL) -Itests $< -o $@ $(B)/libpure.a $(B)/libtcptimer.a -lcmocka $(PURE_LIBS)

$(B)/system/%: tests/system/%.c $(TESTLIB_OBJ) $(B)/libpure.a $(B)/libtcptimer.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS_ALL) $(LIB_CFLAGS) -Itests $^ -o $@ -lcmocka $(LIBS)

# libFuzzer under the sanitizers: FUZZ_SECONDS a target.
FUZZFLAGS := -std=gnu11 -O1 -g -Iinclude -Iuser -Itests -fno-sanitize-recover=undefined
SAN_OBJ := $(patsubst %.c,$(B)/san/%.o,$(ENGINE_SRC) $(PURE_SRC))
$(B)/san/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) $(FUZZFLAGS) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c $< -o $@
$(B)/fuzz/%: tests/fuzz/%.c $(SAN_OBJ)
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) $(FUZZFLAGS) -fsanitize=fuzzer,address,undefined $^ -o $@ $(PURE_LIBS)

$(call obj,$(wildcard tests/lib/*.c)): CFLAGS_ALL += -Itests

# ---- conformance: the engine against kernels, on this host and in guests under virtual time ----
CONF := $(B)/conformance
CONF_LIB := sys rtnl packet tun peer app witness
CONF_OBJ := $(call obj,$(wildcard tests/conformance/*.c) $(CONF_LIB:%=tests/lib/%.c))
CONF_OUT := $(B)/conformance-out
# How many are drawn at random beside the rows, on each kernel, and from which seed.
CONF_RANDOM ?= 320
CONF_SEED ?= 1
$(call obj,$(wildcard tests/conformance/*.c)): CFLAGS_ALL += -Itests -Itests/conformance

$(CONF): $(CONF_OBJ) $(call obj,$(wildcard user/kernel/*.c)) $(B)/libpure.a $(B)/libtcptimer.a
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS) $(SANFLAGS) $^ -o $@ $(LIBS)
$(B)/guest-init: tests/guest/init.c
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) -std=gnu11 -O2 $(WARN) -static $< -o $@

conformance: deps-test $(CONF) $(B)/guest-init
	sh tests/conformance/all.sh $(B) $(CONF_OUT) --random $(CONF_RANDOM) --seed $(CONF_SEED)
# The table for the README, out of the last run; full.md beside it has a row a scenario.
conformance-table:
	@cat $(CONF_OUT)/table.md

FUZZ_SECONDS ?= 5
# What strangers can write to: a minute each.
FUZZ_LONG ?= fuzz_policy fuzz_ctl
unit: $(UNIT)
	sh tests/run.sh $(UNIT)
system: $(SYSTEM) all
	TCPTIMER=$(B)/tcptimer sh tests/run.sh $(SYSTEM)
cli: all
	sh tests/cli/test_simulate.sh $(B)/tcptimer
	sh tests/cli/test_explain.sh $(B)/tcptimer
	sh tests/cli/test_policy.sh $(B)/tcptimer
	sh tests/cli/test_preview.sh $(B)/tcptimer
	sh tests/cli/test_daemon.sh $(B)/tcptimer
	sh tests/cli/test_metrics.sh $(B)/tcptimer
	sh tests/cli/test_story.sh $(B)/tcptimer
	sh tests/cli/test_kill.sh $(B)/tcptimer
	sh tests/cli/test_record.sh $(B)/tcptimer
	bash tests/cli/test_completion.sh $(B)/tcptimer.bash
	sh tests/cli/test_summary.sh $(B)/tcptimer
	sh tests/cli/test_top.sh $(B)/tcptimer
	sh tests/cli/test_prometheus.sh
fuzz: $(FUZZ)
	FUZZ_LONG="$(FUZZ_LONG)" sh tests/fuzz.sh $(B)/fuzz $(FUZZ_SECONDS) $(FUZZ)
check: all $(UNIT) $(SYSTEM) $(FUZZ) $(CONF) $(B)/guest-init
	$(MAKE) format-check
	$(MAKE) unit
	sh tests/coverage.sh $(B)/coverage
	$(MAKE) fuzz
	$(MAKE) cli
	$(MAKE) system
	sh tests/guest/doctor.sh $(B) $(B)/guests
	sh tests/guest/systemd.sh $(B) $(B)/guests
	$(MAKE) bench-smoke
	$(MAKE) conformance
	sh tests/docs.sh $(B)

deps:
	@sh contrib/deps.sh build
deps-test:
	@sh contrib/deps.sh build test
test: deps-test
	+$(MAKE) check
demo: 
	@sh contrib/deps.sh build demo
	+$(MAKE) all $(B)/demo-stall
	sh contrib/demo/demo.sh $(B)/tcptimer $(B)/demo-stall

$(B)/demo-stall: contrib/demo/stall.c
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) -std=gnu11 $(WARN) $(CFLAGS) $< -o $@

# ---- what it costs: a table, and the same as JSON, in $(B)/bench-out ----
BENCH := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/bench_*.c))
$(B)/bench/%: tests/bench/%.c tests/bench/figure.c $(B)/libtcptimer.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS_ALL) $(LIB_CFLAGS) -Itests $(filter %.c,$^) -o $@ $(B)/libtcptimer.a -lbpf
BENCH += $(B)/bench/empty.bpf.o
$(B)/bench/%.bpf.o: tests/bench/%.bpf.c bpf/kernel.h Makefile
	@mkdir -p $(@D)
	$(call say,CLANG)
	$(Q)$(CLANG) -g -O2 -target bpf -D__TARGET_ARCH_$(ARCH) -Ibpf -I. -Wall -Wextra -Wno-unused-parameter $(if $(CI),-Werror) -c $< -o $@
# Peers that can't be installed leave their ratios out.
bench:
	@sh contrib/deps.sh build bench
	@sh contrib/deps.sh peers || true
	$(MAKE) all $(BENCH)
	sh tests/bench/run.sh $(B) $(B)/bench-out
# The same with tiny sizes: that it runs, not how fast.
bench-smoke: all $(BENCH)
	sh tests/bench/run.sh $(B) $(B)/bench-smoke smoke

format-check:
	@clang-format --dry-run --Werror $(shell git ls-files '*.c' '*.h')

# ---- install ----
install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(PREFIX)/include/tcptimer
	install -d $(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/tcptimer/schema
	install -m 755 $(B)/tcptimer $(DESTDIR)$(PREFIX)/sbin/
	install -m 644 $(B)/libtcptimer.a $(DESTDIR)$(LIBDIR)/
	install -m 644 $(B)/tcptimer.pc $(DESTDIR)$(LIBDIR)/pkgconfig/
	install -m 644 include/tcptimer/*.h $(DESTDIR)$(PREFIX)/include/tcptimer/
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 644 $(B)/tcptimer.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/tcptimer
	install -m 644 man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	install -m 644 man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 contrib/schema/*.json $(DESTDIR)$(PREFIX)/share/tcptimer/schema/
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's,/usr/local/sbin,$(PREFIX)/sbin,' contrib/systemd/tcptimer.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/tcptimer.service
	install -d $(DESTDIR)$(PREFIX)/share/tcptimer/examples
	install -m 644 contrib/examples/*.yaml $(DESTDIR)$(PREFIX)/share/tcptimer/examples/
	sed 's,/usr/local/sbin,$(PREFIX)/sbin,' contrib/systemd/metrics.conf > $(DESTDIR)$(PREFIX)/share/tcptimer/examples/metrics.conf
	install -d $(DESTDIR)$(PREFIX)/share/tcptimer/prometheus $(DESTDIR)$(PREFIX)/share/tcptimer/grafana
	install -m 644 contrib/prometheus/*.yml $(DESTDIR)$(PREFIX)/share/tcptimer/prometheus/
	install -m 644 contrib/grafana/tcptimer.json $(DESTDIR)$(PREFIX)/share/tcptimer/grafana/

# ---- Debian packages, in $(B)/deb ----
deb:
	@sh contrib/deps.sh build package
	sh contrib/deb.sh $(B)/deb $(VERSION)
package-test: deb
	sh tests/cli/test_package.sh $(B)/deb

# The manifests against the Kubernetes API's schemas, from the npm registry the first time.
kubernetes-test: all
	@sh contrib/deps.sh build kubernetes
	sh tests/cli/test_kubernetes.sh $(B)/tcptimer $(B)

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' -type f 2>/dev/null)
