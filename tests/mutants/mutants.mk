# make mutants: changes that no test notices, by folder (see mutants.py).
# MUTANTS='--folder judge --per-folder 40' for more of one; gcc and gcov only.

MUTANTS ?=
# One word of the shell, whatever quotes it has.
mutants_quote = '$(subst ','\'',$(1))'

.PHONY: mutants mutants-parts
mutants:
	$(Q)sh tests/setup.sh build check lab
	$(Q)$(MAKE) --no-print-directory SAN= mutants-parts

mutants-parts:
	$(Q)$(PYTHON) tests/mutants/mutants.py --cc "$(CC)" \
		--cppflags=$(call mutants_quote,$(ALL_CPPFLAGS)) \
		--cflags=$(call mutants_quote,$(ALL_CFLAGS)) \
		--libs="$(LIBS)" --test-libs="$(UNIT_LIBS)" $(MUTANTS)
