# make fuzz: each tests/fuzz/fuzz_NAME.c for FUZZ_SECONDS under ASan and UBSan.
#
# A fuzzer that is run with FUZZ_SEEDS=DIR writes its seeds there and ends.
# What ever broke one is kept in tests/data/crashes/NAME and tried first.
# A new crash is left in build/fuzz/NAME-crash-*: move it there with its fix.

FUZZ_SECONDS ?= 30
FUZZ_CC ?= clang
FUZZ_O := build/fuzz
FUZZ_SAN := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all \
	-fsanitize=fuzzer-no-link,address,undefined
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,\
	$(sort $(wildcard tests/fuzz/fuzz_*.c)))

.PHONY: fuzz fuzz-lib $(FUZZ_NAMES:%=fuzz-%)
fuzz: $(FUZZ_NAMES:%=fuzz-%)

# The library once more, with what libFuzzer needs to see its branches.
fuzz-lib:
	$(Q)$(MAKE) --no-print-directory SAN= O=$(FUZZ_O) CC=$(FUZZ_CC) \
		CFLAGS='$(FUZZ_SAN)' CPPFLAGS='$(CPPFLAGS) -U_FORTIFY_SOURCE' \
		$(FUZZ_O)/librsthop.a

$(FUZZ_NAMES:%=fuzz-%): fuzz-%: tests/fuzz/fuzz_%.c fuzz-lib
	$(call say,FUZZ,$*)
	$(Q)$(FUZZ_CC) $(ALL_CPPFLAGS) -U_FORTIFY_SOURCE $(WARN) -pthread \
		$(FUZZ_SAN) -fsanitize=fuzzer -Isrc -Itests/unit \
		-o $(FUZZ_O)/fuzz_$* $< $(FUZZ_O)/librsthop.a $(LIBS)
	$(Q)mkdir -p $(FUZZ_O)/$*
	$(Q)FUZZ_SEEDS=$(FUZZ_O)/$* $(FUZZ_O)/fuzz_$*
	$(Q)$(FUZZ_O)/fuzz_$* -max_total_time=$(FUZZ_SECONDS) -timeout=5 \
		-print_final_stats=1 -verbosity=0 -max_len=4096 \
		-artifact_prefix=$(FUZZ_O)/$*- $(FUZZ_O)/$* \
		$(wildcard tests/data/crashes/$*)
