/*
 * Evidence that grows: packets around resets, appended to a pcapng file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pcapng_parts.h"
#include "words.h"
#include "writers.h"

#define EVIDENCE_MODE 0600 /* other people's packets */

struct report_evidence {
	char *path;
	char *older; /* path.1 */
	struct text ifname;
	uint64_t max, size;
	int fd;
	struct pcapng_links links;
};

static int
evidence_fault(const struct report_evidence *e, struct fault *f)
{
	return fault(f, FAULT_INPUT, "%.180s: cannot write the evidence: %s",
	    e->path, strerror(errno));
}

/* One write, so that nobody finds half a block; empties b in any case. */
static int
evidence_write(struct report_evidence *e, struct text *b, struct fault *f)
{
	size_t n = b->len;
	ssize_t done;

	if (b->bad) {
		text_free(b);
		return fault(f, FAULT_SYSTEM, "out of memory");
	}
	do
		done = write(e->fd, text_str(b), n);
	while (done < 0 && errno == EINTR);
	text_free(b);
	if (done == (ssize_t)n) {
		e->size += n;
		return 0;
	}
	if (done >= 0) {
		/* Half a block is worse than none. */
		if (ftruncate(e->fd, (off_t)e->size) != 0)
			return evidence_fault(e, f);
		errno = ENOSPC;
	}
	return evidence_fault(e, f);
}

static int
evidence_begin(struct report_evidence *e, struct fault *f)
{
	struct text b = {0};

	struct stat st;

	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
	/* Nothing but a plain file may be put aside: a device is not. */
	if (lstat(e->path, &st) == 0 && !S_ISREG(st.st_mode))
		return fault(f, FAULT_INPUT,
		    "%.180s: it is no plain file: choose another name",
		    e->path);
	if (rename(e->path, e->older) != 0 && errno != ENOENT)
		return evidence_fault(e, f);
	e->size = 0;
	e->links.n = 0;
	e->fd = open(e->path,
	    O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
	    EVIDENCE_MODE);
	if (e->fd < 0)
		return evidence_fault(e, f);
	pcapng_section(&b, "Packets around resets");
	return evidence_write(e, &b, f);
}

int
report_evidence_open(const char *path, const char *ifname, uint64_t max_bytes,
    struct report_evidence **out, struct fault *f)
{
	struct report_evidence *e = calloc(1, sizeof(*e));
	struct text older = {0};

	if (e == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	e->fd = -1;
	e->max = max_bytes;
	e->path = strdup(path);
	text_addf(&older, "%s.1", path);
	e->older = older.p;
	words_prose(&e->ifname, ifname);
	if (e->path == NULL || older.bad || e->ifname.bad)
		fault(f, FAULT_SYSTEM, "out of memory");
	else if (evidence_begin(e, f) == 0) {
		*out = e;
		return 0;
	}
	report_evidence_free(e);
	return -1;
}

void
report_evidence_free(struct report_evidence *e)
{
	if (e == NULL)
		return;
	if (e->fd >= 0)
		close(e->fd);
	text_free(&e->ifname);
	free(e->older);
	free(e->path);
	free(e);
}

/* "forged (>99 %): ip-id-echo, ttl-differs" */
static void
evidence_note(const struct analysis_reset *r, char *buf, size_t size)
{
	char percent[WORDS_PERCENT];
	struct text t = {0};

	text_addf(&t, "%s (%s), %s", rst_ruling_name(r->verdict.ruling),
	    words_percent(r->verdict.probability, percent),
	    rst_kind_name(r->verdict.kind));
	for (size_t i = 0; i < r->verdict.n_reasons && i < 3; i++)
		text_addf(&t, "%s%s", i > 0 ? ", " : ": ",
		    r->verdict.reasons[i].code);
	snprintf(buf, size, "%s", text_str(&t));
	text_free(&t);
}

int
report_evidence_add(struct report_evidence *e, const struct capture_packet *p,
    const struct analysis_reset *r, struct fault *f)
{
	union {
		const uint8_t *borrowed;
		uint8_t *p;
	} data = {p->data};
	struct result_packet rp = {.unix_ns = p->unix_ns,
	    .link = p->link,
	    .len = p->len,
	    .wire_len = p->wire_len,
	    .data = data.p};
	struct text b = {0};
	uint32_t interface;
	bool fresh;

	if (e->size + p->len > e->max && evidence_begin(e, f) != 0)
		return -1;
	if (r != NULL)
		evidence_note(r, rp.note, sizeof(rp.note));
	interface = pcapng_find_link(&e->links, p->link, &fresh);
	if (fresh)
		pcapng_interface(&b, p->link, text_str(&e->ifname));
	pcapng_packet(&b, &rp, interface);
	return evidence_write(e, &b, f);
}
