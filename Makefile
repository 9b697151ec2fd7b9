# rsthop: make, make check, make lint, make demo, make bench, make install.
# Variables: PREFIX, DESTDIR, CC, CFLAGS, SAN=address,undefined, V=1.

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share/rsthop
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions

CC ?= cc
PKG_CONFIG ?= pkg-config
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
LIBS_PC = libpcap jansson libmnl
LIBS_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(LIBS_PC) 2>/dev/null)
LIBS := $(shell $(PKG_CONFIG) --libs $(LIBS_PC) 2>/dev/null) $(LIBNET_LIBS) \
	-lm -pthread

ALL_CPPFLAGS = -std=c11 -D_DEFAULT_SOURCE -D_FORTIFY_SOURCE=2 -Iinclude \
	-DRSTHOP_VERSION='"$(VERSION)"' $(LIBNET_CFLAGS) $(LIBS_CFLAGS) \
	$(CPPFLAGS)
ifneq ($(SAN),)
ALL_CPPFLAGS += -U_FORTIFY_SOURCE
endif
ALL_CFLAGS = $(CFLAGS) $(WARN) -fstack-protector-strong -fPIE $(SANFLAGS) \
	-pthread
ALL_LDFLAGS = $(LDFLAGS) $(SANFLAGS) -pie -Wl,-z,relro,-z,now

LIB_FLOORS = base wire judge net jobs report
LIB_SRC := $(sort $(foreach f,$(LIB_FLOORS),$(wildcard src/$(f)/*.c)))
CLI_SRC := $(sort $(wildcard src/cli/*.c))
LIB_OBJ := $(LIB_SRC:%.c=$(O)/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(O)/%.o)
LIB := $(O)/librsthop.a
BIN := $(O)/rsthop

UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
UNIT_BIN := $(UNIT_SRC:%.c=$(O)/%)
UNIT_LIBS = $(shell $(PKG_CONFIG) --libs cmocka 2>/dev/null)
LAB_SRC := $(sort $(wildcard tests/lab/*.c))
LAB_BIN := $(LAB_SRC:%.c=$(O)/%)
LAB_LIBS = -lnetfilter_queue -lnfnetlink

.PHONY: all
all: $(BIN)

$(BIN): $(CLI_OBJ) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(CLI_OBJ) $(LIB) $(LIBS)

# Made anew each time, so that an object whose source is gone is gone too.
$(LIB): $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(LIB_OBJ)

$(O)/src/%.o: src/%.c VERSION Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Isrc/$(word 2,$(subst /, ,$<)) \
		-MMD -MP -c -o $@ $<

$(O)/tests/unit/%: tests/unit/%.c $(LIB) Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Isrc -Itests/unit -MMD -MP \
		$(ALL_LDFLAGS) -o $@ $< $(LIB) $(LIBS) $(UNIT_LIBS)

$(O)/tests/lab/%: tests/lab/%.c $(LIB) Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP \
		$(ALL_LDFLAGS) -o $@ $< $(LIB) $(LIBS) $(LAB_LIBS)

.PHONY: unit-bin lab-bin
unit-bin: $(UNIT_BIN)
lab-bin: $(LAB_BIN)

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(UNIT_BIN:=.d) $(LAB_BIN:=.d)

.PHONY: clean
clean:
	$(Q)rm -rf build
