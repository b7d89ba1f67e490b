/* engine_json: the report for programs (engine_report.h); the schema stands in tools/loam/README.md. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/loam/bench/engine_report.h"
#include "tools/loam/bench/engine_workloads.h"

/* Paths and reasons: quotes, backslashes and control characters are escaped. */
static void print_string(const char *text) {
    (void)putchar('"');
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at == '"' || *at == '\\') {
            printf("\\%c", *at);
        } else if (*at < ' ') {
            printf("\\u%04x", *at);
        } else {
            (void)putchar(*at);
        }
    }
    (void)putchar('"');
}

static void print_engines(const struct report *report) {
    printf(" \"engines\": [\n");
    for (unsigned i = 0; i < report->engine_count; i++) {
        const struct peer_build *build = &report->builds[i];
        char text[256];
        report->engines[i]->describe(&report->settings, text, sizeof text);
        printf("  {\"name\": \"%s\", \"version\": ", report->engines[i]->name);
        print_string(build->version);
        printf(", \"file\": ");
        print_string(build->file);
        printf(", \"file_bytes\": %" PRIu64 ", \"assertions\": %s, \"settings\": ", build->size_bytes,
               build->has_assertions ? "true" : "false");
        print_string(text);
        printf("}%s\n", i + 1 < report->engine_count ? "," : "");
    }
    printf(" ],\n \"skipped\": [");
    const char *comma = "";
    for (unsigned i = 0; i < BENCH_ENGINES_MAX; i++) {
        if (!report->skipped[i][0]) continue;
        printf("%s", comma);
        print_string(report->skipped[i]);
        comma = ", ";
    }
    printf("],\n");
}

static void print_settings(const struct report *report) {
    static const char *const compressions[] = {"none", "lz4", "zstd"};
    const struct bench_settings *settings = &report->settings;
    printf("{\"bench\": \"engine\", \"rounds\": %u, \"entries\": %" PRIu64 ", \"reads\": %" PRIu64
           ", \"sync_writes\": %" PRIu64 ", \"key_bytes\": %d, \"value_bytes\": %" PRIu64 ", \"seed\": %" PRIu64
           ",\n \"keys\": \"%s\", \"compression\": \"%s\", \"memtable_bytes\": %" PRIu64 ", \"cache_bytes\": %" PRIu64
           ", \"memory_bytes\": %" PRIu64 ", \"policy\": \"%s\", \"level_bytes\": %" PRIu64 ", \"file_bytes\": %" PRIu64
           ", \"filter_bits\": %" PRIu64 ", \"value_threshold_bytes\": %" PRIu64 ", \"dictionary_bytes\": %" PRIu64
           ", \"map_tables\": %s, \"values\": \"%s\", \"writers\": %" PRIu64 ", \"hot_keys\": %" PRIu64
           ", \"write_rate\": %" PRIu64 ",\n",
           report->rounds, settings->entries, settings->reads, settings->sync_writes, BENCH_KEY_BYTES,
           settings->value_bytes, settings->seed, settings->decimal_keys ? "decimal" : "binary",
           compressions[settings->compression], settings->memtable_bytes, settings->cache_bytes, settings->memory_bytes,
           bench_policy_name(settings->policy), settings->level_bytes, settings->file_bytes, settings->filter_bits,
           settings->value_threshold_bytes, settings->dictionary_bytes, settings->map_tables ? "true" : "false",
           settings->json_values ? "json" : "noise", settings->writers, settings->hot_keys, settings->write_rate);
}

static void print_cell(const struct report *report, const struct report_cell *cell, unsigned engine) {
    printf("    {\"engine\": \"%s\", \"operations\": %" PRIu64 ", \"found\": %" PRIu64
           ", \"rate\": %.0f, \"rate_low\": %.0f, \"rate_high\": %.0f, \"rest_rate\": %.0f, \"beside_rate\": %.0f, "
           "\"beside_max_ms\": %.3f, \"conflict_share\": %.4f,\n"
           "     \"p50_us\": %.3f, \"p99_us\": %.3f, \"p999_us\": %.3f, \"max_ms\": %.3f, \"cpu_us\": %.4f,\n"
           "     \"write_amplification\": %.3f, \"space_amplification\": %.3f, \"directory_amplification\": %.3f, "
           "\"table_mib\": %.1f, \"log_mib\": %.1f, \"peak_mib\": %.1f}",
           report->engines[engine]->name, cell->operations, cell->found, cell->rate, cell->rate_low, cell->rate_high,
           cell->rest_rate, cell->beside_rate, cell->beside_max_ms, cell->conflict_share, cell->p50_us, cell->p99_us,
           cell->p999_us, cell->max_ms, cell->cpu_us, cell->write_amplification, cell->space_amplification,
           cell->directory_amplification, cell->table_mib, cell->log_mib, cell->peak_mib);
}

static void print_goals(const struct report *report, uint32_t step) {
    printf(",\n   \"goals\": [");
    const char *comma = "";
    for (unsigned i = 0; i < report->goal_count; i++) {
        const struct report_goal *goal = &report->goals[i];
        if (goal->step != step) continue;
        printf("%s\n    {\"what\": \"%s\", \"value\": %.4f, \"goal\": %.4f, \"at\": \"%s\", \"met\": %s}", comma,
               goal->what, goal->value, goal->goal, goal->at_most ? "most" : "least", goal->met ? "true" : "false");
        comma = ",";
    }
    printf("]");
}

static void print_step(const struct report *report, uint32_t step) {
    const struct bench_step *at = &report->steps[step];
    const struct workload *workload = &engine_workloads[at->workload];
    printf("  {\"workload\": \"%s\", \"compacted\": %s, \"writes\": %s,\n   \"cells\": [\n", workload->name,
           at->compacted ? "true" : "false", workload->writes ? "true" : "false");
    const unsigned engines = workload->alone ? 1 : report->engine_count;
    for (unsigned i = 0; i < engines; i++) {
        print_cell(report, &report->cells[step][i], i);
        printf("%s\n", i + 1 < engines ? "," : "");
    }
    printf("   ],\n   \"ratio\": %.4f, \"rest_ratio\": %.4f", report_ratio(report, step, false),
           report_ratio(report, step, true));
    print_goals(report, step);
    printf("}%s\n", step + 1 < report->step_count ? "," : "");
}

enum status report_print_json(const struct report *report) {
    print_settings(report);
    print_engines(report);
    printf(" \"steps\": [\n");
    for (uint32_t step = 0; step < report->step_count; step++) print_step(report, step);
    printf(" ],\n \"met\": %s}\n", report_met(report) ? "true" : "false");
    return fflush(stdout) == 0 && !ferror(stdout) ? STATUS_OK : STATUS_IO;
}
