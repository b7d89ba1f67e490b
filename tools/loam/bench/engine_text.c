/* engine_text: the report for people at a terminal (engine_report.h). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/loam/bench/engine_report.h"
#include "tools/loam/bench/engine_workloads.h"

enum { NAME_WIDTH = 24, COLUMN_WIDTH = 24, TEXT_BYTES = 64 };

static void print_settings(const struct report *report) {
    static const char *const compressions[] = {"no compression", "lz4", "zstd"};
    const struct bench_settings *settings = &report->settings;
    printf("%" PRIu64 " entries, keys of %d bytes (%s), values of %" PRIu64 "%s; memtable %" PRIu64
           " MiB, cache %.4g MiB, filters of %" PRIu64 " bits, log on and not synced, %s; medians of %u round%s\n",
           settings->entries, BENCH_KEY_BYTES, settings->decimal_keys ? "decimal" : "binary", settings->value_bytes,
           settings->json_values ? " (rows of JSON)" : "", settings->memtable_bytes >> 20,
           (double)settings->cache_bytes / 1048576, settings->filter_bits, compressions[settings->compression],
           report->rounds, report->rounds == 1 ? "" : "s");
    for (unsigned i = 0; i < report->engine_count; i++) {
        char text[256];
        const struct driver *driver = report->engines[i];
        const struct peer_build *build = &report->builds[i];
        driver->describe(settings, text, sizeof text);
        printf("  %-8s %-8s %s\n", driver->name, build->version, text);
        if (!build->file[0]) continue;
        printf("  %-8s %-8s %s, %.1f MiB, %s\n", "", "", build->file, (double)build->size_bytes / 1048576,
               build->has_assertions ? "built WITH ASSERTIONS: its figures do not count" : "built without assertions");
    }
    for (unsigned i = 0; i < BENCH_ENGINES_MAX; i++)
        if (report->skipped[i][0]) printf("  skipped: %s\n", report->skipped[i]);
}

static void print_head(const struct report *report, const char *title, const char *tail) {
    printf("\n%-*s", NAME_WIDTH, title);
    for (unsigned i = 0; i < report->engine_count; i++) printf("%*s", COLUMN_WIDTH, report->engines[i]->name);
    printf("%s\n", tail);
}

static void print_step_name(const struct report *report, uint32_t step) {
    char name[64];
    printf("%-*s", NAME_WIDTH, report_step_name(report, step, name));
}

/* ---- Rates ------------------------------------------------------------------------------------------------------- */

static void print_rate(double rate, double low, double high) {
    char text[COLUMN_WIDTH + 16];
    if (rate <= 0) {
        (void)snprintf(text, sizeof text, "-");
    } else if (high > low) {
        (void)snprintf(text, sizeof text, "%.0f (%.0f..%.0f k)", rate, low / 1e3, high / 1e3);
    } else {
        (void)snprintf(text, sizeof text, "%.0f", rate);
    }
    printf("%*s", COLUMN_WIDTH, text);
}

static const struct report_goal *find_goal(const struct report *report, uint32_t step, const char *what) {
    for (unsigned i = 0; i < report->goal_count; i++)
        if (report->goals[i].step == step && strcmp(report->goals[i].what, what) == 0) return &report->goals[i];
    return NULL;
}

static void print_writers(const struct report *report, uint32_t step) {
    printf("  writers");
    for (unsigned i = 0; i < report->engine_count; i++) printf(" %.0f k", report->cells[step][i].beside_rate / 1e3);
}

static void print_conflicts(const struct report *report, uint32_t step) {
    printf("  conflicts");
    for (unsigned i = 0; i < report->engine_count; i++)
        if (report->cells[step][i].rate > 0) printf(" %.3f %%", report->cells[step][i].conflict_share * 100);
}

static void print_ratio(const struct report *report, uint32_t step, bool rest) {
    double ratio = report_ratio(report, step, rest);
    if (ratio > 0) printf("  %6.2f", ratio);
    const struct report_goal *goal = find_goal(report, step, rest ? "rate to rest" : "rate");
    if (goal) printf(" (%.1f %s)", goal->goal, goal->met ? "met" : "MISSED");
    int lmdb = report_column(report, &engine_driver_lmdb);
    const struct report_cell *cells = report->cells[step];
    if (cells[0].beside_rate > 0) print_writers(report, step);
    if (!rest && engine_workloads[report->steps[step].workload].transacts) print_conflicts(report, step);
    if (!rest && lmdb > 0 && cells[lmdb].rate > 0) printf("  lmdb %.2f", cells[0].rate / cells[lmdb].rate);
}

static void print_rates(const struct report *report) {
    print_head(report, "operations a second", "   ratio to the better of rocksdb and leveldb (goal)");
    for (uint32_t step = 0; step < report->step_count; step++) {
        print_step_name(report, step);
        for (unsigned i = 0; i < report->engine_count; i++) {
            const struct report_cell *cell = &report->cells[step][i];
            print_rate(cell->rate, cell->rate_low, cell->rate_high);
        }
        print_ratio(report, step, false);
        printf("\n");
        if (!engine_workloads[report->steps[step].workload].writes) continue;
        printf("%-*s", NAME_WIDTH, "  to rest");
        for (unsigned i = 0; i < report->engine_count; i++) print_rate(report->cells[step][i].rest_rate, 0, 0);
        print_ratio(report, step, true);
        printf("\n");
    }
}

/* ---- Other tables ------------------------------------------------------------------------------------------------ */

/* Three digits that count, within six places. */
static void put_short(char text[16], double value) {
    if (value >= 9999.5) {
        (void)snprintf(text, 16, "%.3gk", value / 1e3);
    } else {
        (void)snprintf(text, 16, value >= 99.95 ? "%.0f" : value >= 9.995 ? "%.1f" : "%.2f", value);
    }
}

static void print_latencies(const struct report *report) {
    print_head(report, "us: p50 p99 p99.9", "");
    for (uint32_t step = 0; step < report->step_count; step++) {
        print_step_name(report, step);
        for (unsigned i = 0; i < report->engine_count; i++) {
            const struct report_cell *cell = &report->cells[step][i];
            char text[TEXT_BYTES] = "-", p50[16], p99[16], p999[16];
            put_short(p50, cell->p50_us);
            put_short(p99, cell->p99_us);
            put_short(p999, cell->p999_us);
            if (cell->p50_us > 0) (void)snprintf(text, sizeof text, "%s %s %s", p50, p99, p999);
            printf("%*s", COLUMN_WIDTH, text);
        }
        printf("\n");
    }
}

static void print_costs(const struct report *report) {
    print_head(report, "cpu us an op; peak MiB", "");
    for (uint32_t step = 0; step < report->step_count; step++) {
        print_step_name(report, step);
        for (unsigned i = 0; i < report->engine_count; i++) {
            const struct report_cell *cell = &report->cells[step][i];
            char text[TEXT_BYTES] = "-";
            if (cell->rate > 0) (void)snprintf(text, sizeof text, "%.2f; %.0f", cell->cpu_us, cell->peak_mib);
            printf("%*s", COLUMN_WIDTH, text);
        }
        printf("\n");
    }
}

static void print_writes(const struct report *report) {
    print_head(report, "at rest: write, space *", "   * bytes written by user bytes; tables (with logs) by live bytes");
    for (uint32_t step = 0; step < report->step_count; step++) {
        const struct workload *workload = &engine_workloads[report->steps[step].workload];
        if (!workload->writes) continue;
        print_step_name(report, step);
        for (unsigned i = 0; i < report->engine_count; i++) {
            const struct report_cell *cell = &report->cells[step][i];
            char text[64];
            (void)snprintf(text, sizeof text, "%.2f, %.2f (%.2f)", cell->write_amplification, cell->space_amplification,
                           cell->directory_amplification);
            printf("%*s", COLUMN_WIDTH, text);
        }
        printf("\n");
    }
    print_head(report, "longest wait of one, ms", "");
    for (uint32_t step = 0; step < report->step_count; step++) {
        if (report->cells[step][0].p50_us <= 0) continue;
        print_step_name(report, step);
        for (unsigned i = 0; i < report->engine_count; i++)
            printf("%*.2f", COLUMN_WIDTH, report->cells[step][i].max_ms);
        printf("\n");
    }
}

static void print_goals(const struct report *report) {
    if (report->goal_count == 0) return;
    printf("\ngoals\n");
    for (unsigned i = 0; i < report->goal_count; i++) {
        const struct report_goal *goal = &report->goals[i];
        print_step_name(report, goal->step);
        printf("%-36s %8.2f  at %s %.2f  %s\n", goal->what, goal->value, goal->at_most ? "most" : "least", goal->goal,
               goal->met ? "met" : "MISSED");
    }
}

void report_print_text(const struct report *report) {
    print_settings(report);
    print_rates(report);
    print_latencies(report);
    print_costs(report);
    print_writes(report);
    print_goals(report);
    (void)fflush(stdout);
}
