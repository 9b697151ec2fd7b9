/*
 * Several capture files as one: a heap of the next packet of each.  A file
 * whose turn is still to come is known by its first stamp alone, so that a
 * thousand files of a ring buffer are open one after the other.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "merge.h"
#include "reader.h"

struct merge_file {
	char *path;
	struct reader *reader; /* NULL while its turn is to come */
	struct capture_packet head;
};

/* A file that could not be opened, kept until merge_next tells it. */
struct merge_fault {
	struct merge_fault *next;
	size_t file;
	struct fault fault;
};

struct merge {
	struct capture_filter *filter; /* NULL for none */
	int stop_fd;		       /* the caller's; -1 for none */
	struct merge_file *files;
	size_t n_files;
	size_t *heap; /* indices of files that go on, the earliest first */
	size_t n_heap;
	bool handed; /* the earliest one's head is with the caller */
	struct merge_fault *faults;
	struct merge_fault **last_fault;
};

static bool
merge_is_before(const struct merge *m, size_t a, size_t b)
{
	int64_t s = m->files[a].head.unix_ns, t = m->files[b].head.unix_ns;

	return s < t || (s == t && a < b);
}

static void
merge_swap(struct merge *m, size_t i, size_t j)
{
	size_t was = m->heap[i];

	m->heap[i] = m->heap[j];
	m->heap[j] = was;
}

static void
merge_sift_up(struct merge *m, size_t i)
{
	while (i > 0 && merge_is_before(m, m->heap[i], m->heap[(i - 1) / 2])) {
		merge_swap(m, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

static void
merge_sift_down(struct merge *m, size_t i)
{
	size_t child;

	while ((child = 2 * i + 1) < m->n_heap) {
		if (child + 1 < m->n_heap &&
		    merge_is_before(m, m->heap[child + 1], m->heap[child]))
			child++;
		if (!merge_is_before(m, m->heap[child], m->heap[i]))
			return;
		merge_swap(m, i, child);
		i = child;
	}
}

static void
merge_shut(struct merge_file *file)
{
	reader_free(file->reader);
	file->reader = NULL;
}

/* The file's next packet to its head: 1, 0 at its end, -1. */
static int
merge_read(struct merge *m, struct merge_file *file, struct fault *f)
{
	int rc = reader_next(file->reader, &file->head, f);

	if (rc == 1 && m->filter != NULL &&
	    capture_filter_prepare(m->filter, file->head.link, f) != 0)
		return -1;
	return rc;
}

/* Opens a file whose turn has come, again where it was only looked at. */
static int
merge_begin(struct merge *m, struct merge_file *file, struct fault *f)
{
	file->head.frame = 0;
	if (reader_open(file->path, m->stop_fd, &file->reader, f) != 0)
		return -1;
	return merge_read(m, file, f);
}

/*
 * Finds the file's place by its first stamp.  Only what cannot be opened
 * again, or is alone, stays open.
 */
static int
merge_look(struct merge *m, size_t i, struct fault *f)
{
	struct merge_file *file = &m->files[i];
	int rc = merge_begin(m, file, f);

	if (rc != 1) {
		merge_shut(file);
		return rc;
	}
	if (m->n_files > 1 && file->reader->src.can_reopen)
		merge_shut(file);
	m->heap[m->n_heap++] = i;
	merge_sift_up(m, m->n_heap - 1);
	return 0;
}

static int
merge_keep_fault(
    struct merge *m, size_t file, const struct fault *why, struct fault *f)
{
	struct merge_fault *kept = calloc(1, sizeof(*kept));

	if (kept == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	kept->fault = *why;
	kept->file = file;
	*m->last_fault = kept;
	m->last_fault = &kept->next;
	return 0;
}

static int
merge_look_all(struct merge *m, struct fault *f)
{
	struct fault why;

	for (size_t i = 0; i < m->n_files; i++) {
		fault_clear(&why);
		if (merge_look(m, i, &why) == 0)
			continue;
		/* What was asked for wrongly is so whatever the rest holds. */
		if (why.kind == FAULT_USAGE) {
			if (f != NULL)
				*f = why;
			return -1;
		}
		if (merge_keep_fault(m, i, &why, f) != 0)
			return -1;
	}
	return 0;
}

static int
merge_copy_paths(
    struct merge *m, const char *const *paths, size_t n, struct fault *f)
{
	size_t stdins = 0;

	for (size_t i = 0; i < n; i++) {
		stdins += strcmp(paths[i], "-") == 0;
		m->files[i].head.file = (uint32_t)i;
		m->files[i].path = strdup(paths[i]);
		if (m->files[i].path == NULL)
			return fault(f, FAULT_SYSTEM, "out of memory");
	}
	if (stdins > 1)
		return fault(f, FAULT_USAGE,
		    "standard input (-) is named %zu times: it can be read "
		    "once",
		    stdins);
	return 0;
}

static struct merge *
merge_new(size_t n)
{
	struct merge *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return NULL;
	m->last_fault = &m->faults;
	m->n_files = n;
	m->files = calloc(n, sizeof(*m->files));
	m->heap = calloc(n, sizeof(*m->heap));
	if (m->files == NULL || m->heap == NULL) {
		m->n_files = 0;
		merge_free(m);
		return NULL;
	}
	return m;
}

int
merge_open(const char *const *paths, size_t n, const char *filter, int stop_fd,
    struct merge **out, struct fault *f)
{
	struct merge *m = merge_new(n);

	if (m == NULL)
		return fault(f, FAULT_SYSTEM, "out of memory");
	m->stop_fd = stop_fd;
	if (merge_copy_paths(m, paths, n, f) != 0)
		goto out;
	if (filter != NULL && capture_filter_new(filter, &m->filter, f) != 0)
		goto out;
	if (merge_look_all(m, f) != 0)
		goto out;
	*out = m; /* hand over last */
	return 0;
out:
	merge_free(m);
	return -1;
}

/* rc tells whether the earliest file goes on, and so where it belongs. */
static int
merge_settle(struct merge *m, int rc)
{
	if (rc != 1) {
		merge_shut(&m->files[m->heap[0]]);
		m->heap[0] = m->heap[--m->n_heap];
	}
	merge_sift_down(m, 0);
	return rc < 0 ? -1 : 0;
}

/* The earliest file goes on to its next packet, or is done. */
static int
merge_advance(struct merge *m, struct fault *f)
{
	struct merge_file *file = &m->files[m->heap[0]];

	m->handed = false;
	return merge_settle(m, merge_read(m, file, f));
}

/* It was looked at before, and so has a first packet, or has changed. */
static int
merge_enter(struct merge *m, struct fault *f)
{
	struct merge_file *file = &m->files[m->heap[0]];

	return merge_settle(m, merge_begin(m, file, f));
}

/* Of which file, and behind which of its packets, stands in *out. */
static int
merge_tell(struct merge *m, size_t file, struct capture_packet *out)
{
	out->file = (uint32_t)file;
	out->frame = m->files[file].head.frame;
	return -1;
}

static int
merge_tell_kept(struct merge *m, struct capture_packet *out, struct fault *f)
{
	struct merge_fault *kept = m->faults;
	size_t file = kept->file;

	m->faults = kept->next;
	if (f != NULL)
		*f = kept->fault;
	free(kept);
	return merge_tell(m, file, out);
}

int
merge_next(struct merge *m, struct capture_packet *out, struct fault *f)
{
	if (m->faults != NULL)
		return merge_tell_kept(m, out, f);
	for (;;) {
		const struct merge_file *first;
		size_t file = m->n_heap > 0 ? m->heap[0] : 0;

		if (m->handed && merge_advance(m, f) != 0)
			return merge_tell(m, file, out);
		if (m->n_heap == 0)
			return 0;
		first = &m->files[m->heap[0]];
		if (first->reader == NULL) {
			file = m->heap[0];
			if (merge_enter(m, f) != 0)
				return merge_tell(m, file, out);
			continue; /* it may have changed, and be later now */
		}
		m->handed = true;
		if (m->filter == NULL ||
		    capture_filter_pass(m->filter, &first->head)) {
			*out = first->head;
			return 1;
		}
	}
}

/* A filter may pass over many packets, beyond what is in the buffer. */
bool
merge_is_ready(const struct merge *m)
{
	return m->faults == NULL && m->filter == NULL && m->handed &&
	    m->n_heap > 0 && reader_is_ready(m->files[m->heap[0]].reader);
}

void
merge_free(struct merge *m)
{
	if (m == NULL)
		return;
	while (m->faults != NULL) {
		struct merge_fault *kept = m->faults;

		m->faults = kept->next;
		free(kept);
	}
	for (size_t i = 0; i < m->n_files; i++) {
		merge_shut(&m->files[i]);
		free(m->files[i].path);
	}
	capture_filter_free(m->filter);
	free(m->files);
	free(m->heap);
	free(m);
}
