/*
 * engine_report: what a run of `loam bench engine` found: medians over the rounds, ratios, goals; and its three faces:
 * text, JSON, a page.
 */
#ifndef TOOLS_LOAM_BENCH_ENGINE_REPORT_H
#define TOOLS_LOAM_BENCH_ENGINE_REPORT_H

#include "engine/base/buf.h"
#include "tools/loam/bench/engine_bench.h"
#include "tools/loam/bench/engine_driver.h"

enum { REPORT_GOALS_MAX = 128 };

/* One engine at one step: medians over the rounds, each taken by itself. 0 where a thing was not measured. */
struct report_cell {
    uint64_t operations, found; /* of the last round */
    double rate;                /* operations a second, to the last one */
    double rate_low, rate_high; /* of the rounds */
    double rest_rate;           /* writes: to rest */
    double beside_rate;         /* of the writer in readwhilewriting */
    double beside_max_ms;       /* its longest wait */
    double conflict_share;      /* of the transactions that were tried */
    double p50_us, p99_us, p999_us, max_ms;
    double cpu_us; /* an operation, or seconds a million operations */
    double write_amplification, space_amplification;
    double directory_amplification; /* with logs */
    double table_mib, log_mib, peak_mib;
    const struct bench_result *median; /* the round whose rate is the median; borrowed */
};

/* What is compared with what the engine of this project shall reach. */
struct report_goal {
    uint32_t step;
    char what[64]; /* "rate", "rate to rest", "p99.9", ... */
    double value;  /* a ratio, or what the words say */
    double goal;
    bool at_most; /* value <= goal, else value >= goal */
    bool met;
};

struct report {
    struct bench_settings settings;
    unsigned rounds;
    unsigned engine_count; /* loam is the first */
    const struct driver *engines[BENCH_ENGINES_MAX];
    struct peer_build builds[BENCH_ENGINES_MAX];
    char skipped[BENCH_ENGINES_MAX][160]; /* "rocksdb: why"; "" = none */
    uint32_t step_count;
    struct bench_step steps[BENCH_STEPS_MAX];
    struct bench_result *results; /* owned; [round][step][engine] */
    struct report_cell cells[BENCH_STEPS_MAX][BENCH_ENGINES_MAX];
    unsigned goal_count;
    struct report_goal goals[REPORT_GOALS_MAX];
};

struct bench_result *report_result(const struct report *report, unsigned round, uint32_t step, unsigned engine);
/* "readrandom", or "readrandom, compacted". */
const char *report_step_name(const struct report *report, uint32_t step, char name[64]);
/* Column of the engine, or -1. */
int report_column(const struct report *report, const struct driver *driver);

/* Fills in cells and goals from the results. */
void report_summarize(struct report *report);
bool report_met(const struct report *report);
/* loam's rate over the better of RocksDB's and LevelDB's; 0 if neither ran. rest: of the rates to rest. */
double report_ratio(const struct report *report, uint32_t step, bool rest);

void report_print_text(const struct report *report);
MUST_CHECK enum status report_print_json(const struct report *report);
/* A whole page that needs nothing from outside. */
MUST_CHECK enum status report_make_page(const struct report *report, struct buf *page);

#endif
