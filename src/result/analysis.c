/*
 * What the job `analyze` brings home: what it owns.
 */
#include <stdlib.h>
#include <string.h>

#include <rsthop/analysis.h>

void
analysis_reset_free(struct analysis_reset *r)
{
	rst_verdict_free(&r->verdict);
	free(r->trigger);
	r->trigger = NULL;
	r->trigger_len = 0;
}

void
analysis_free(struct analysis *a)
{
	for (size_t i = 0; i < a->n_files; i++)
		free(a->files[i].path);
	for (size_t i = 0; i < a->n_resets; i++)
		analysis_reset_free(&a->resets[i]);
	for (size_t i = 0; i < a->n_groups; i++) {
		rst_verdict_free(&a->groups[i].why);
		free(a->groups[i].trigger.common);
	}
	for (size_t i = 0; i < a->n_vendors; i++)
		free(a->vendors[i]);
	result_evidence_free(&a->evidence);
	free(a->files);
	free(a->resets);
	free(a->groups);
	free(a->vendors);
	free(a->probed);
	memset(a, 0, sizeof(*a));
}
