/* engine_summary: medians and goals (engine_report.h). Source of the goals: the ratios that the engine is built for;
 * each counts only against peers of the same run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/bench/engine_report.h"
#include "tools/loam/bench/engine_workloads.h"

struct bench_result *report_result(const struct report *report, unsigned round, uint32_t step, unsigned engine) {
    return &report->results[((size_t)round * report->step_count + step) * report->engine_count + engine];
}

const char *report_step_name(const struct report *report, uint32_t step, char name[64]) {
    const struct bench_step *at = &report->steps[step];
    const struct workload *workload = &engine_workloads[at->workload];
    (void)snprintf(name, 64, "%s%s", workload->name,
                   at->compacted && !workload->compacts && !workload->alone ? ", compacted" : "");
    return name;
}

int report_column(const struct report *report, const struct driver *driver) {
    for (unsigned i = 0; i < report->engine_count; i++)
        if (report->engines[i] == driver) return (int)i;
    return -1;
}

/* ---- Medians ----------------------------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Of an even number of values, the mean of the two in the middle. */
static double median(double *values, unsigned count) {
    qsort(values, count, sizeof *values, compare_doubles);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double per_second(uint64_t operations, uint64_t ns) {
    return ns ? (double)operations * 1e9 / (double)ns : 0;
}

static double over(uint64_t above, uint64_t below) {
    return below ? (double)above / (double)below : 0;
}

enum { FIELDS = 16 };

/* In the order in which take_medians gives them out. */
static void spread(const struct bench_result *result, double to[FIELDS]) {
    const double fields[FIELDS] = {
        per_second(result->operations, result->elapsed_ns),
        per_second(result->operations, result->rest_ns),
        per_second(result->beside, result->elapsed_ns),
        (double)result->beside_max_ns / 1e6,
        over(result->conflicts, result->operations + result->conflicts),
        (double)result->p50_ns / 1e3,
        (double)result->p99_ns / 1e3,
        (double)result->p999_ns / 1e3,
        (double)result->max_ns / 1e6,
        result->operations ? (double)result->cpu_ns / 1e3 / (double)result->operations : 0,
        result->counted_writes ? over(result->written_bytes, result->user_bytes) : 0,
        over(result->table_bytes, result->live_bytes),
        over(result->table_bytes + result->log_bytes, result->live_bytes),
        (double)result->table_bytes / 1048576,
        (double)result->log_bytes / 1048576,
        (double)result->peak_bytes / 1048576,
    };
    memcpy(to, fields, sizeof fields);
}

static void take_medians(const struct report *report, uint32_t step, unsigned engine, struct report_cell *cell) {
    double fields[BENCH_ROUNDS_MAX][FIELDS], medians[FIELDS], column[BENCH_ROUNDS_MAX];
    for (unsigned round = 0; round < report->rounds; round++)
        spread(report_result(report, round, step, engine), fields[round]);
    for (unsigned field = 0; field < FIELDS; field++) {
        for (unsigned round = 0; round < report->rounds; round++) column[round] = fields[round][field];
        medians[field] = median(column, report->rounds);
        if (field > 0) continue;
        cell->rate_low = column[0];
        cell->rate_high = column[report->rounds - 1];
    }
    const struct bench_result *last = report_result(report, report->rounds - 1, step, engine);
    cell->operations = last->operations;
    cell->found = last->found;
    double *const to[] = {&cell->rate,
                          &cell->rest_rate,
                          &cell->beside_rate,
                          &cell->beside_max_ms,
                          &cell->conflict_share,
                          &cell->p50_us,
                          &cell->p99_us,
                          &cell->p999_us,
                          &cell->max_ms,
                          &cell->cpu_us,
                          &cell->write_amplification,
                          &cell->space_amplification,
                          &cell->directory_amplification,
                          &cell->table_mib,
                          &cell->log_mib,
                          &cell->peak_mib};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) *to[i] = medians[i];
    cell->median = last;
    for (unsigned round = 0; round < report->rounds; round++)
        if (fields[round][0] == cell->rate) cell->median = report_result(report, round, step, engine);
}

/* ---- Goals ------------------------------------------------------------------------------------------------------- */

/* Ratios to the better of RocksDB and LevelDB. */
static const struct rate_goal {
    const char *workload;
    double fresh;     /* as the fills left it, at rest */
    double compacted; /* with every engine fully compacted; 0 = none */
} rate_goals[] = {
    {"fillseq", 1.5, 0},    {"fillrandom", 2.5, 0}, {"overwrite", 2.5, 0},      {"readrandom", 2.5, 2},
    {"readmissing", 2, 2},  {"readseq", 2, 2},      {"readreverse", 3, 2},      {"seekrandom", 3, 2},
    {"deleterandom", 2, 0}, {"fillbatch", 1.3, 0},  {"readwhilewriting", 3, 0}, {"fillsync16", 1.6, 0},
    {"fill1k", 1.5, 0},     {"read1k", 2, 2},
};
static const double synced_share = 0.85;       /* of the device's rate, one writer */
static const double cpu_share = 0.5;           /* of RocksDB's, fillrandom */
static const double amplification_share = 0.8; /* of RocksDB's */
static const double space_limit = 1.25;        /* at which that counts */
static const double lmdb_share = 1 / 1.3;      /* of LMDB's reads, in data that fits the cache */
static const double stall_limit_ms = 1000;
static const double deleted_seek_us = 50; /* half of the seeks into what was deleted are faster */
static const double replay_mb_s = 500;    /* of what a log holds beside its own bytes, from memory */
static const double open_ms = 100;        /* with nothing to replay */

static double better_peer(const struct report *report, uint32_t step, bool rest) {
    double best = 0;
    const struct driver *const peers[] = {&engine_driver_rocksdb, &engine_driver_leveldb};
    for (size_t i = 0; i < 2; i++) {
        int column = report_column(report, peers[i]);
        if (column < 0) continue;
        const struct report_cell *cell = &report->cells[step][column];
        double rate = rest ? cell->rest_rate : cell->rate;
        if (rate > best) best = rate;
    }
    return best;
}

double report_ratio(const struct report *report, uint32_t step, bool rest) {
    const struct report_cell *loam = &report->cells[step][0];
    double peer = better_peer(report, step, rest);
    return peer > 0 ? (rest ? loam->rest_rate : loam->rate) / peer : 0;
}

static void add_goal(struct report *report, uint32_t step, const char *what, double value, double goal, bool at_most) {
    if (report->goal_count == REPORT_GOALS_MAX) return;
    struct report_goal *added = &report->goals[report->goal_count++];
    *added = (struct report_goal){.step = step, .value = value, .goal = goal, .at_most = at_most};
    (void)snprintf(added->what, sizeof added->what, "%s", what);
    added->met = at_most ? value <= goal : value >= goal;
}

static bool is_step(const struct report *report, uint32_t step, const char *name) {
    return strcmp(engine_workloads[report->steps[step].workload].name, name) == 0;
}

static void add_rate_goals(struct report *report, uint32_t step) {
    for (size_t i = 0; i < sizeof rate_goals / sizeof *rate_goals; i++) {
        const struct rate_goal *row = &rate_goals[i];
        if (!is_step(report, step, row->workload) || better_peer(report, step, false) <= 0) continue;
        double goal = report->steps[step].compacted ? row->compacted : row->fresh;
        if (goal <= 0) continue;
        add_goal(report, step, "rate", report_ratio(report, step, false), goal, false);
        if (engine_workloads[report->steps[step].workload].writes)
            add_goal(report, step, "rate to rest", report_ratio(report, step, true), goal, false);
    }
}

static void add_rocksdb_goals(struct report *report, uint32_t step) {
    int column = report_column(report, &engine_driver_rocksdb);
    if (column < 0) return;
    const struct report_cell *loam = &report->cells[step][0], *rocks = &report->cells[step][column];
    if (is_step(report, step, "readwhilewriting") && rocks->p999_us > 0)
        add_goal(report, step, "p99.9 by rocksdb's", loam->p999_us / rocks->p999_us, 1, true);
    if (is_step(report, step, "fillrandom") && rocks->cpu_us > 0)
        add_goal(report, step, "cpu by rocksdb's", loam->cpu_us / rocks->cpu_us, cpu_share, true);
    if (!is_step(report, step, "fillrandom") && !is_step(report, step, "overwrite")) return;
    if (rocks->write_amplification <= 0 || loam->write_amplification <= 0) return;
    add_goal(report, step, "write amplification by rocksdb's", loam->write_amplification / rocks->write_amplification,
             amplification_share, true);
    if (loam->space_amplification > 0)
        add_goal(report, step, "space amplification", loam->space_amplification, space_limit, true);
}

/* The device's rate in the same run. */
static double device_rate(const struct report *report) {
    for (uint32_t step = 0; step < report->step_count; step++)
        if (engine_workloads[report->steps[step].workload].alone) return report->cells[step][0].rate;
    return 0;
}

static void add_other_goals(struct report *report, uint32_t step) {
    const struct report_cell *loam = &report->cells[step][0];
    if (is_step(report, step, "fillsync") && device_rate(report) > 0)
        add_goal(report, step, "rate by the device's", loam->rate / device_rate(report), synced_share, false);
    const struct bench_settings *settings = &report->settings;
    const bool fits = settings->entries * (settings->value_bytes + BENCH_KEY_BYTES) <= settings->cache_bytes;
    int column = report_column(report, &engine_driver_lmdb);
    const bool looked_up = is_step(report, step, "readrandom") || is_step(report, step, "seekrandom");
    if (column >= 0 && fits && looked_up && report->cells[step][column].rate > 0)
        add_goal(report, step, "rate by lmdb's (stretch)", loam->rate / report->cells[step][column].rate, lmdb_share,
                 false);
    const struct workload *workload = &engine_workloads[report->steps[step].workload];
    if (workload->seeks_deleted) add_goal(report, step, "seek, us", loam->p50_us, deleted_seek_us, true);
    if (workload->replays) {
        const uint64_t value_bytes = workload->large ? BENCH_LARGE_VALUE_BYTES : settings->value_bytes;
        add_goal(report, step, "keys and values, MB/s", loam->rate * (double)(BENCH_KEY_BYTES + value_bytes) / 1e6,
                 replay_mb_s, false);
    } else if (workload->reopens && report->steps[step].compacted)
        add_goal(report, step, "open, ms", loam->p50_us / 1000, open_ms, true);
    if ((workload->writes || workload->beside) && loam->max_ms > 0)
        add_goal(report, step, "longest wait, ms", loam->max_ms, stall_limit_ms, true);
    if (workload->beside)
        add_goal(report, step, "writer's longest wait, ms", loam->beside_max_ms, stall_limit_ms, true);
}

/* ---- All --------------------------------------------------------------------------------------------------------- */

void report_summarize(struct report *report) {
    for (uint32_t step = 0; step < report->step_count; step++)
        for (unsigned engine = 0; engine < report->engine_count; engine++)
            take_medians(report, step, engine, &report->cells[step][engine]);
    for (uint32_t step = 0; step < report->step_count; step++) {
        add_rate_goals(report, step);
        add_rocksdb_goals(report, step);
        add_other_goals(report, step);
    }
}

bool report_met(const struct report *report) {
    for (unsigned i = 0; i < report->goal_count; i++)
        if (!report->goals[i].met) return false;
    return true;
}
