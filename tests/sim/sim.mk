# make sim: locate in ten thousand simulated networks, beside other rules.
# SIM_RUNS=300 for a quick look, SIM_ARGS for more (see tests/sim/sim.c).
# make sim SENSITIVITY=1: what depends on each number, tests/sim/SENSITIVITY.md
# (see sensitivity.py); hours with SIM_RUNS=2000, its default there.  SIM_ARGS
# for more: make sim SENSITIVITY=1 SIM_ARGS='--only WEIGHT --out /tmp/w.md'.

SIM_JOBS ?= $(shell nproc)
SIM_ARGS ?=
SIM_SRC := $(sort $(wildcard tests/sim/*.c))
SIM_OBJ := $(SIM_SRC:%.c=$(O)/%.o)
# All but main, for the unit test too.
SIM_PARTS := $(filter-out $(O)/tests/sim/sim.o,$(SIM_OBJ))
SIM_BIN := $(O)/tests/sim/sim

$(O)/tests/sim/%.o: tests/sim/%.c Makefile | deps
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(SIM_BIN): $(SIM_OBJ) $(LIB)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(SIM_OBJ) $(LIB) $(LIBS)

# Unit tests that work in a simulated network.
SIM_UNIT := $(O)/tests/unit/test_sim $(O)/tests/unit/test_sweep $(O)/tests/unit/test_runs
$(SIM_UNIT): $(O)/tests/unit/%: tests/unit/%.c $(SIM_PARTS) $(LIB) Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Isrc -Itests -MMD -MP \
		$(ALL_LDFLAGS) -o $@ $< $(SIM_PARTS) $(LIB) $(LIBS) \
		$(UNIT_LIBS)

-include $(SIM_OBJ:.o=.d)

.PHONY: sim sim-sensitivity
ifneq ($(SENSITIVITY),)
SIM_RUNS ?= 2000
sim: sim-sensitivity
else
SIM_RUNS ?= 10000
sim: $(SIM_BIN)
	$(Q)$(SIM_BIN) --check-rules
	$(Q)$(SIM_BIN) --runs $(SIM_RUNS) --jobs $(SIM_JOBS) $(SIM_ARGS)
endif

sim-sensitivity: $(SIM_BIN)
	$(Q)nice $(PYTHON) tests/sim/sensitivity.py --sim $(SIM_BIN) \
		--cc "$(CC)" --cppflags=$(call mutants_quote,$(ALL_CPPFLAGS)) \
		--cflags='$(ALL_CFLAGS) $(ALL_LDFLAGS)' --libs="$(LIBS)" \
		--runs $(SIM_RUNS) --jobs $(SIM_JOBS) $(SIM_ARGS) \
		$(SIM_OBJ) $(LIB_OBJ)
