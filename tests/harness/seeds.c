/* seeds: the one seed that is running; what is still there at the end has failed. */
#include "tests/harness/seeds.h"

#include <stdbool.h>
#include <stdio.h>

static const char *running_test;
static uint64_t running_seed;

static void report_running(const char *program) {
    if (!running_test) return;
    fprintf(stderr, "%s failed at seed %llu", running_test, (unsigned long long)running_seed);
    if (program) fprintf(stderr, "; replay: LOAM_TEST_SEED=%llu %s", (unsigned long long)running_seed, program);
    fputc('\n', stderr);
    running_test = NULL;
}

void seed_starts(const char *test, uint64_t seed) {
    report_running(NULL);
    running_test = test;
    running_seed = seed;
}

void seed_passes(void) {
    running_test = NULL;
}

int seed_report(int failed, const char *program) {
    report_running(program);
    return failed;
}
