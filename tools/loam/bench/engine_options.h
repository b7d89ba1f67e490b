/*
 * engine_options: the command line of `loam bench engine`.
 */
#ifndef TOOLS_LOAM_BENCH_ENGINE_OPTIONS_H
#define TOOLS_LOAM_BENCH_ENGINE_OPTIONS_H

#include "tools/loam/bench/engine_bench.h"

struct bench_options {
    struct bench_settings settings;
    unsigned rounds;
    const char *workloads; /* names with commas between */
    bool asked[BENCH_ENGINES_MAX];
    const char *libraries[BENCH_ENGINES_MAX]; /* NULL = where the loader finds one */
    const char *html;                         /* NULL = none */
    bool json, keep, here, check_goals;
    bool child; /* this process is one */
    bool help;
};

/* False: what is wrong has been said. Strings are borrowed from the arguments. */
bool bench_options_parse(int argc, char **argv, struct bench_options *options);
void bench_options_print_usage(bool asked);

/* The steps of a run, with what they need put in front. 0: what is wrong has been said. */
uint32_t bench_options_plan(const struct bench_options *options, struct bench_step steps[BENCH_STEPS_MAX]);

#endif
