/*
 * Several capture files as one, in the order of their stamps.
 */
#ifndef RSTHOP_CAPTURE_MERGE_H
#define RSTHOP_CAPTURE_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#include <rsthop/capture.h>

struct merge;

/* As capture_open_files_until.  merge_free in any case. */
int merge_open(const char *const *paths, size_t n, const char *filter,
    int stop_fd, struct merge **out, struct fault *f);

/* As capture_next of files. */
int merge_next(struct merge *m, struct capture_packet *out, struct fault *f);

/* As capture_is_ready. */
bool merge_is_ready(const struct merge *m);

void merge_free(struct merge *m);

#endif
