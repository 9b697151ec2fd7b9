# rsthop: make, make check, make lint, make demo, make bench, make matrix,
# make fuzz, make install.
# Variables: PREFIX, DESTDIR, CC, CFLAGS, SAN=address,undefined, V=1.
#
# check, lint, demo, bench, matrix and fuzz install the Debian packages that
# they need (tests/setup.sh), then make themselves again, so that what
# pkg-config says is asked once the packages are there.

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share/rsthop
DOCDIR ?= $(PREFIX)/share/doc/rsthop
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions

CC ?= cc
PKG_CONFIG ?= pkg-config
# The system's, for it is what packages of modules are for.
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
CFLAGS ?= -O2 -g
O ?= build
WARN = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
	-Wcast-qual -Wwrite-strings -Wformat=2 -Wundef -Wvla \
	-Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference

ifneq ($(SAN),)
# A build of its own beside the plain one, so that the two never mix.
comma := ,
O := build/san-$(subst $(comma),-,$(SAN))
SANFLAGS = -fsanitize=$(SAN) -fno-omit-frame-pointer \
	-fno-sanitize-recover=all
CFLAGS := -O1 -g
endif

V ?= 0
ifeq ($(V),0)
Q = @
say = @printf ' %-5s %s\n' $(1) $(2)
else
Q =
say = @:
endif

VERSION := $(shell cat VERSION)

# Debian's libnet has no .pc file.
LIBNET_CFLAGS := $(shell $(PKG_CONFIG) --cflags libnet 2>/dev/null || \
	libnet-config --cflags --defines 2>/dev/null)
LIBNET_LIBS := $(shell $(PKG_CONFIG) --libs libnet 2>/dev/null || \
	libnet-config --libs 2>/dev/null)
LIBS_PC = libpcap jansson libmnl zlib
# Optional: without it there are no logins to MySQL and MariaDB.  Only its
# headers: it is loaded when a login is asked for.
LIBMARIADB_CFLAGS := $(shell $(PKG_CONFIG) --exists libmariadb 2>/dev/null && \
	echo -DHAVE_LIBMARIADB `$(PKG_CONFIG) --cflags libmariadb`)
LIBS_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(LIBS_PC) 2>/dev/null) \
	$(LIBMARIADB_CFLAGS)
LIBS := $(shell $(PKG_CONFIG) --libs $(LIBS_PC) 2>/dev/null) $(LIBNET_LIBS) \
	-lm -ldl -pthread

ALL_CPPFLAGS = -std=c11 -D_DEFAULT_SOURCE -D_FORTIFY_SOURCE=2 -Iinclude \
	-DRSTHOP_VERSION='"$(VERSION)"' $(LIBNET_CFLAGS) $(LIBS_CFLAGS) \
	$(CPPFLAGS)
ifneq ($(SAN),)
ALL_CPPFLAGS += -U_FORTIFY_SOURCE
endif
ALL_CFLAGS = $(CFLAGS) $(WARN) -fstack-protector-strong -fPIE $(SANFLAGS) \
	-pthread
# libmariadb's plugins look for that function of ours by its name.
ALL_LDFLAGS = $(LDFLAGS) $(SANFLAGS) -pie -Wl,-z,relro,-z,now \
	-Wl,--export-dynamic-symbol=mysql_authentication_dialog_ask

LIB_FLOORS = base wire judge result capture net talk probe locate analyze report
LIB_SRC := $(sort $(foreach f,$(LIB_FLOORS),$(wildcard src/$(f)/*.c)))
CLI_SRC := $(sort $(wildcard src/cli/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(O)/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(O)/%.o)
LIB := $(O)/librsthop.a
BIN := $(O)/rsthop

UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
UNIT_BIN := $(UNIT_SRC:%.c=$(O)/%)
UNIT_LIBS = $(shell $(PKG_CONFIG) --libs cmocka 2>/dev/null)
# forger_*.c are parts of the forger, the others programs.
FORGER_SRC := $(sort $(wildcard tests/lab/forger_*.c))
FORGER_OBJ := $(FORGER_SRC:%.c=$(O)/%.o)
LAB_SRC := $(filter-out $(FORGER_SRC),$(sort $(wildcard tests/lab/*.c)))
LAB_BIN := $(LAB_SRC:%.c=$(O)/%)
LAB_LIBS = -lnetfilter_queue -lnfnetlink
BENCH_SRC := $(sort $(wildcard tests/bench/*.c))
BENCH_BIN := $(BENCH_SRC:%.c=$(O)/%)

.PHONY: all
all: $(BIN)

.PHONY: deps
deps:
	@$(PKG_CONFIG) --exists $(LIBS_PC) && [ -n "$(LIBNET_LIBS)" ] || { \
	    echo "rsthop needs libpcap, libnet, jansson, libmnl and zlib to build;" \
	    "on Debian: sudo make setup" >&2; exit 1; }

.PHONY: setup
setup:
	$(Q)sh tests/setup.sh build

$(BIN): $(CLI_OBJ) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(CLI_OBJ) $(LIB) $(LIBS)

# Made anew each time, so that an object whose source is gone is gone too.
# q, not r: files of one name from two floors both go in.
$(LIB): $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) qcs $@ $(LIB_OBJ)

$(O)/src/%.o: src/%.c VERSION Makefile | deps
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Isrc/$(word 2,$(subst /, ,$<)) \
		-MMD -MP -c -o $@ $<

$(O)/tests/unit/%: tests/unit/%.c $(LIB) Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Isrc -Itests/unit -MMD -MP \
		$(ALL_LDFLAGS) -o $@ $< $(LIB) $(LIBS) $(UNIT_LIBS)

$(O)/tests/lab/%.o: tests/lab/%.c Makefile | deps
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Isrc -MMD -MP -c -o $@ $<

$(O)/tests/lab/forger: $(FORGER_OBJ)

$(O)/tests/lab/%: tests/lab/%.c $(LIB) Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP \
		$(ALL_LDFLAGS) -o $@ $< $(filter %.o,$^) $(LIB) $(LIBS) \
		$(LAB_LIBS)

$(O)/tests/bench/%: tests/bench/%.c $(LIB) Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP \
		$(ALL_LDFLAGS) -o $@ $< $(LIB) $(LIBS)

.PHONY: unit-bin lab-bin bench-bin
unit-bin: $(UNIT_BIN)
lab-bin: $(LAB_BIN)
bench-bin: $(BENCH_BIN)

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(UNIT_BIN:=.d) $(LAB_BIN:=.d) \
	$(FORGER_OBJ:.o=.d) $(BENCH_BIN:=.d)

# Jobs of the inner make, where the outer one was given none.
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: check check-parts
check:
	$(Q)sh tests/setup.sh build lab check
	$(Q)$(MAKE) $(JOBS) --no-print-directory all unit-bin lab-bin
	$(Q)$(MAKE) --no-print-directory check-parts

check-parts:
	$(Q)$(PYTHON) tests/check.py --build $(O) --rsthop $(BIN) --cc "$(CC)" \
		--cflags="$(LIBNET_CFLAGS) $(LIBS_CFLAGS)" \
		$(if $(SAN),--sanitized) $(UNIT_BIN)

.PHONY: lint lint-parts
lint:
	$(Q)sh tests/setup.sh build lint
	$(Q)$(MAKE) --no-print-directory lint-parts

lint-parts:
	$(Q)sh tests/lint.sh $(ALL_CPPFLAGS)

.PHONY: demo demo-parts
demo:
	$(Q)sh tests/setup.sh build lab demo
	$(Q)$(MAKE) $(JOBS) --no-print-directory all lab-bin
	$(Q)$(MAKE) --no-print-directory demo-parts

demo-parts:
	$(Q)sh tests/demo.sh $(BIN) $(O)/tests/lab

# What BENCH says is handed on to the part about captures.
.PHONY: bench bench-parts
bench:
	$(Q)sh tests/setup.sh build lab bench
	$(Q)$(MAKE) $(JOBS) --no-print-directory all lab-bin bench-bin
	$(Q)$(MAKE) --no-print-directory bench-parts

bench-parts:
	$(Q)$(PYTHON) tests/bench/bench.py --rsthop $(BIN) \
		--build $(O)/tests/lab
	$(Q)$(PYTHON) tests/bench/bench_analyze.py --rsthop $(BIN) \
		--tools $(O)/tests/bench $(BENCH)
	$(Q)$(PYTHON) tests/bench/bench_watch.py --rsthop $(BIN) \
		--build $(O)/tests/lab --tools $(O)/tests/bench

# What MATRIX says is handed on: make matrix MATRIX='--runs 3 --only nat'.
.PHONY: matrix matrix-parts
matrix:
	$(Q)sh tests/setup.sh build lab check
	$(Q)$(MAKE) $(JOBS) --no-print-directory all lab-bin
	$(Q)$(MAKE) --no-print-directory matrix-parts

matrix-parts:
	$(Q)$(PYTHON) tests/lab/matrix.py --rsthop $(BIN) \
		--build $(O)/tests/lab $(MATRIX)

include tests/fuzz/fuzz.mk
include tests/sim/sim.mk
include tests/mutants/mutants.mk

.PHONY: fuzz-setup
fuzz-lib: fuzz-setup
fuzz-setup:
	$(Q)sh tests/setup.sh build fuzz

MAN1 = $(sort $(wildcard man/*.1))
MAN5 = $(sort $(wildcard man/*.5))
SCHEMAS = $(sort $(wildcard share/schema/*.json))
DIALOGUES = $(sort $(wildcard share/dialogues/*.dialogue))
DOCS = README.md CHANGELOG.md LICENSE

.PHONY: install uninstall
install: all
	$(Q)install -d $(DESTDIR)$(BINDIR) \
		$(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 \
		$(DESTDIR)$(DATADIR)/schema $(DESTDIR)$(DATADIR)/dialogues \
		$(DESTDIR)$(DOCDIR) $(DESTDIR)$(BASHCOMPDIR)
	$(Q)install -m 755 $(BIN) $(DESTDIR)$(BINDIR)/rsthop
	$(Q)install -m 644 $(MAN1) $(DESTDIR)$(MANDIR)/man1
	$(Q)install -m 644 $(MAN5) $(DESTDIR)$(MANDIR)/man5
	$(Q)install -m 644 $(SCHEMAS) $(DESTDIR)$(DATADIR)/schema
	$(Q)install -m 644 $(DIALOGUES) $(DESTDIR)$(DATADIR)/dialogues
	$(Q)install -m 644 $(DOCS) $(DESTDIR)$(DOCDIR)
	$(Q)install -m 644 src/completion/rsthop.bash \
		$(DESTDIR)$(BASHCOMPDIR)/rsthop

# By name, and only folders that are empty then: DATADIR may be anyone's.
uninstall:
	$(Q)rm -f $(DESTDIR)$(BINDIR)/rsthop \
		$(MAN1:man/%=$(DESTDIR)$(MANDIR)/man1/%) \
		$(MAN5:man/%=$(DESTDIR)$(MANDIR)/man5/%) \
		$(SCHEMAS:share/schema/%=$(DESTDIR)$(DATADIR)/schema/%) \
		$(DIALOGUES:share/%=$(DESTDIR)$(DATADIR)/%) \
		$(DOCS:%=$(DESTDIR)$(DOCDIR)/%) \
		$(DESTDIR)$(BASHCOMPDIR)/rsthop
	$(Q)for d in $(DATADIR)/schema $(DATADIR)/dialogues $(DATADIR) \
		$(DOCDIR); do \
		rmdir $(DESTDIR)$$d 2>/dev/null || true; done

.PHONY: clean
clean:
	$(Q)rm -rf build
