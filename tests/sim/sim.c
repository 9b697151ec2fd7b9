#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include "run.h"
int main(int argc, char **argv)
{
	struct sim_record r;
	unsigned long s, a = strtoul(argv[1], NULL, 0), n = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;
	int o[SIM_OUTCOMES] = {0};
	if (n == 0) { sim_run(a, stdout, &r); return 0; }
	double cpu=0;
	for (s = a; s < a + n; s++) {
		sim_run(s, NULL, &r);
		o[r.outcome]++; cpu += r.cpu_ns/1e6;
		if (r.outcome == SIM_WRONG || r.outcome == SIM_FAILED || argc>3)
			printf("%lu cause %d %s %.3f -> kind %d hop %d/%d place %d conf %.4f conns %u cpu %.0f ms %s\n", s, r.truth.cause, sim_outcome_name(r.outcome), r.truth.dev.p, r.kind, r.hop, r.truth.dev.hop, r.place, r.confidence, r.connections, r.cpu_ns/1e6, sim_truth_twin(&r.truth)?"twin":"");
	}
	for (int i = 0; i < SIM_OUTCOMES; i++) printf("%s: %d\n", sim_outcome_name(i), o[i]);
	printf("cpu/run %.1f ms\n", cpu/n);
}
