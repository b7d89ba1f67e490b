/* figures: a run's figures as text and as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/loam/chaos/chaos.h"
#include "tools/loam/json_text.h"

static double to_ms(uint64_t ns) {
    return (double)ns / 1e6;
}

static double seconds_of(const struct chaos *chaos) {
    return (double)(chaos->ended_ns - chaos->started_ns) / 1e9;
}

void chaos_get_figures(const struct chaos *chaos, enum fault_kind kind, struct chaos_figures *figures) {
    *figures = (struct chaos_figures){.count = 0};
    hist_init(&figures->to_write);
    hist_init(&figures->leaderless);
    hist_init(&figures->stalled);
    for (size_t i = 0; i < chaos->nemesis.note_count; i++) {
        const struct nemesis_note *note = &chaos->nemesis.notes[i];
        if (kind != FAULT_KINDS && note->fault.kind != kind) continue;
        figures->count++;
        hist_add(&figures->leaderless, note->leaderless_ns);
        hist_add(&figures->stalled, note->stalled_ns);
        if (note->written_ns != 0)
            hist_add(&figures->to_write, note->written_ns - note->begun_ns);
        else
            figures->never_written++;
    }
}

/* ---- A line a second --------------------------------------------------------------------------------------------- */

void chaos_print_line(const struct chaos *chaos, const struct workload_counts *before) {
    struct workload_counts counts;
    size_t bucket_count;
    char leader[32] = "no leader";
    uint32_t worst_us = 0;
    workload_get_counts(chaos->workload, &counts);
    const struct workload_bucket *buckets = workload_buckets(chaos->workload, &bucket_count);
    for (size_t i = bucket_count > 6 ? bucket_count - 6 : 0; i + 1 < bucket_count; i++)
        if (buckets[i].max_us > worst_us) worst_us = buckets[i].max_us;
    if (chaos->hands.leader != 0) (void)snprintf(leader, sizeof leader, "node %u leads", chaos->hands.leader);
    (void)printf("%5.0f s  %s, term %" PRIu64 "; %" PRIu64 " ok, %" PRIu64 " failed, %" PRIu64
                 " unknown, slowest %.1f ms",
                 (double)(io_now_ns(chaos->cluster.io) - chaos->started_ns) / 1e9, leader, chaos->hands.term,
                 counts.ok - before->ok, counts.failed - before->failed, counts.unknown - before->unknown,
                 (double)worst_us / 1000);
    for (size_t i = chaos->nemesis.first_open; i < chaos->nemesis.note_count; i++)
        (void)printf("; %s%s", chaos->nemesis.notes[i].healed_ns ? "healing: " : "",
                     chaos->nemesis.notes[i].fault.text);
    (void)printf("\n");
    (void)fflush(stdout);
}

/* ---- Text -------------------------------------------------------------------------------------------------------- */

static enum status put_row(struct buf *to, const char *name, const struct chaos_figures *figures) {
    const struct hist *w = &figures->to_write, *l = &figures->leaderless, *s = &figures->stalled;
    return buf_append_format(to, "%-12s %6zu | %8.1f %8.1f %8.1f | %8.1f %8.1f %8.1f | %8.1f %8.1f %8.1f\n", name,
                             figures->count, to_ms(hist_quantile(w, 0.5)), to_ms(hist_quantile(w, 0.99)), to_ms(w->max),
                             to_ms(hist_quantile(l, 0.5)), to_ms(hist_quantile(l, 0.99)), to_ms(l->max),
                             to_ms(hist_quantile(s, 0.5)), to_ms(hist_quantile(s, 0.99)), to_ms(s->max));
}

static enum status put_table(struct buf *to, const struct chaos *chaos, struct chaos_figures *figures) {
    enum status status = buf_append_format(
        to, "%-12s %6s | %-26s | %-26s | %-26s\n%-12s %6s | %8s %8s %8s | %8s %8s %8s | %8s %8s %8s\n", "", "",
        "to the next write [ms]", "without a leader [ms]", "longest without a write", "fault", "times", "p50", "p99",
        "max", "p50", "p99", "max", "p50", "p99", "max");
    for (unsigned kind = 0; kind <= FAULT_KINDS && status == STATUS_OK; kind++) {
        chaos_get_figures(chaos, (enum fault_kind)kind, figures);
        if (figures->count > 0) status = put_row(to, kind == FAULT_KINDS ? "all" : fault_table[kind].name, figures);
    }
    return status;
}

static enum status put_verdict(struct buf *to, const struct chaos *chaos) {
    enum status status = STATUS_OK;
    if (chaos->is_judged) {
        status = buf_append_format(to, "history: %s (%zu operations on %zu keys, judged in %.2f s)\n",
                                   linearize_verdict_name(chaos->report.verdict), chaos->report.operations,
                                   chaos->report.keys, chaos->judge_seconds);
        if (status == STATUS_OK) status = buf_append_slice(to, buf_slice(&chaos->report.text));
    } else {
        status = buf_append_format(to, "history: not kept, not judged\n");
    }
    if (status == STATUS_OK && chaos->broken[0] != '\0') status = buf_append_format(to, "BROKEN: %s\n", chaos->broken);
    return status == STATUS_OK && chaos_is_clean(chaos) ? buf_append_format(to, "all promises kept\n") : status;
}

enum status chaos_print_text(const struct chaos *chaos, struct buf *to) {
    struct workload_counts counts;
    struct chaos_figures *figures = malloc(sizeof *figures);
    if (!figures) return STATUS_NO_MEMORY;
    workload_get_counts(chaos->workload, &counts);
    const struct hist *latency = workload_latency(chaos->workload);
    enum status status = buf_append_format(
        to,
        "\n%.1f s%s, %u nodes, seed %" PRIu64 ": %" PRIu64 " operations ok (%" PRIu64 " writes), %" PRIu64
        " failed, %" PRIu64 " unknown; latency p50 %.2f, p99 %.2f, max %.1f ms\n%" PRIu64 " elections, %" PRIu64
        " of them without a fault; %zu faults\n",
        seconds_of(chaos), chaos->interrupted ? " (interrupted)" : "", chaos->cluster.plan.nodes, chaos->options.seed,
        counts.ok, counts.writes, counts.failed, counts.unknown, to_ms(hist_quantile(latency, 0.5)),
        to_ms(hist_quantile(latency, 0.99)), to_ms(latency->max), chaos->hands.terms_seen, chaos->quiet_elections,
        chaos->nemesis.note_count);
    if (status == STATUS_OK && chaos->nemesis.note_count > 0) status = put_table(to, chaos, figures);
    if (status == STATUS_OK) status = put_verdict(to, chaos);
    free(figures);
    return status;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static enum status put_quantiles(struct buf *to, const char *name, const struct hist *hist) {
    return buf_append_format(to, ", \"%s\": {\"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}", name,
                             to_ms(hist_quantile(hist, 0.5)), to_ms(hist_quantile(hist, 0.99)), to_ms(hist->max));
}

static enum status put_kinds(struct buf *to, const struct chaos *chaos, struct chaos_figures *figures) {
    enum status status = STATUS_OK;
    bool first = true;
    for (unsigned kind = 0; kind <= FAULT_KINDS && status == STATUS_OK; kind++) {
        chaos_get_figures(chaos, (enum fault_kind)kind, figures);
        if (figures->count == 0) continue;
        status = buf_append_format(to, "%s\n  {\"fault\": \"%s\", \"times\": %zu, \"never_written\": %zu",
                                   first ? "" : ",", kind == FAULT_KINDS ? "all" : fault_table[kind].name,
                                   figures->count, figures->never_written);
        if (status == STATUS_OK) status = put_quantiles(to, "to_write", &figures->to_write);
        if (status == STATUS_OK) status = put_quantiles(to, "leaderless", &figures->leaderless);
        if (status == STATUS_OK) status = put_quantiles(to, "stalled", &figures->stalled);
        if (status == STATUS_OK) status = buf_append_byte(to, '}');
        first = false;
    }
    return status;
}

enum status chaos_print_json(const struct chaos *chaos, struct buf *to) {
    struct workload_counts counts;
    struct chaos_figures *figures = malloc(sizeof *figures);
    if (!figures) return STATUS_NO_MEMORY;
    workload_get_counts(chaos->workload, &counts);
    enum status status = buf_append_format(
        to,
        "{\"chaos\": {\"nodes\": %u, \"seed\": %" PRIu64 ", \"seconds\": %.3f, \"interrupted\": %s, \"ok\": %" PRIu64
        ", \"writes\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"unknown\": %" PRIu64 ", \"errors\": %" PRIu64
        ", \"elections\": %" PRIu64 ", \"elections_without_a_fault\": %" PRIu64,
        chaos->cluster.plan.nodes, chaos->options.seed, seconds_of(chaos), chaos->interrupted ? "true" : "false",
        counts.ok, counts.writes, counts.failed, counts.unknown, counts.errors, chaos->hands.terms_seen,
        chaos->quiet_elections);
    if (status == STATUS_OK) status = put_quantiles(to, "latency", workload_latency(chaos->workload));
    if (status == STATUS_OK) status = buf_append_format(to, "},\n\"faults\": [");
    if (status == STATUS_OK) status = put_kinds(to, chaos, figures);
    if (status == STATUS_OK)
        status = buf_append_format(to, "],\n\"verdict\": \"%s\", \"keys\": %zu, \"operations\": %zu, \"broken\": ",
                                   chaos->is_judged ? linearize_verdict_name(chaos->report.verdict) : "not judged",
                                   chaos->report.keys, chaos->report.operations);
    if (status == STATUS_OK) status = json_text_append(to, chaos->broken);
    if (status == STATUS_OK)
        status = buf_append_format(to, ", \"clean\": %s}\n", chaos_is_clean(chaos) ? "true" : "false");
    free(figures);
    return status;
}
