/*
 * seeds: which seed a failed test had, and the command that replays it.
 *
 *     for (uint64_t seed = first; seed < last; seed++) {
 *         seed_starts("name_of_the_test", seed);
 *         ... assertions ...
 *         seed_passes();
 *     }
 *     int main(void) { return seed_report(cmocka_run_group_tests_name(...), "build/tests/unit/engine/foo_test"); }
 */
#ifndef TESTS_HARNESS_SEEDS_H
#define TESTS_HARNESS_SEEDS_H

#include <stdint.h>

/* `test` is a static string. A seed that was started before and did not pass has failed. */
void seed_starts(const char *test, uint64_t seed);
void seed_passes(void);

/* Prints the seeds that failed and how to replay them; returns `failed`. */
int seed_report(int failed, const char *program);

#endif
