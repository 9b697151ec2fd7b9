#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rsthop/fault.h>

int
fault(struct fault *f, enum fault_kind kind, const char *fmt, ...)
{
	va_list ap;

	if (f == NULL)
		return -1;
	f->kind = kind;
	f->signal = 0;
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return -1;
}

int
fault_interrupted(struct fault *f, int signal)
{
	fault(f, FAULT_INTERRUPTED, "interrupted by signal %d", signal);
	if (f != NULL)
		f->signal = signal;
	return -1;
}

void
fault_clear(struct fault *f)
{
	memset(f, 0, sizeof(*f));
}

int
fault_exit_status(const struct fault *f)
{
	switch (f->kind) {
	case FAULT_NONE:
		return 0;
	case FAULT_USAGE:
		return 2;
	case FAULT_INPUT:
	case FAULT_PRIVILEGE:
	case FAULT_NETWORK:
	case FAULT_SYSTEM:
		return 3;
	case FAULT_INTERRUPTED:
		return 128 + f->signal;
	}
	return 3;
}
