#include "tools/sim/world_batch.h"

#include <inttypes.h>
#include <stdlib.h>

#include "tools/sim/sim_alloc.h"

enum { RUNS_FIRST = 64 };

/* Fields of struct world_report. */
#define FIGURES(X)                                                                                                     \
    X(COMPLETED, completed)                                                                                            \
    X(SERIES, series)                                                                                                  \
    X(GRAPHS, graphs)                                                                                                  \
    X(HUNG_UP, hung_up)                                                                                                \
    X(TIMED_OUT, timed_out)                                                                                            \
    X(REFUSED, refused)                                                                                                \
    X(UNKNOWN, unknown)                                                                                                \
    X(FAULTS, faults)                                                                                                  \
    X(KINDS, kinds)                                                                                                    \
    X(LEADER_CHANGES, leader_changes)                                                                                  \
    X(RESTARTS, restarts)                                                                                              \
    X(SNAPSHOTS, snapshots)                                                                                            \
    X(AUDITS, audits)                                                                                                  \
    X(POWER_CUTS, power_cuts)                                                                                          \
    X(DISK_FAULTS, disk_faults)                                                                                        \
    X(FRAMES_DROPPED, frames_dropped)                                                                                  \
    X(FRAMES_REPEATED, frames_repeated)                                                                                \
    X(FRAMES_DELAYED, frames_delayed)                                                                                  \
    X(VIRTUAL_MS, virtual_ms)                                                                                          \
    X(TRANSFERS, transfers)                                                                                            \
    X(GAVE_WAY, gave_way)                                                                                              \
    X(LEASE_READS, lease_reads)                                                                                        \
    X(ELSEWHERE, elsewhere)                                                                                            \
    X(REPAIRS, repairs)                                                                                                \
    X(SCRUBS, scrubs)                                                                                                  \
    X(MEMBER_CHANGES, member_changes)                                                                                  \
    X(JOINT_CRASHES, joint_crashes)                                                                                    \
    X(WIPED, wiped) X(WITNESSES, witnesses) X(MISDIRECTED, misdirected) X(UPGRADED, upgraded)

enum {
#define X(name, field) name,
    FIGURES(X)
#undef X
};

static const struct {
    const char *name;
    size_t offset;
} figures[] = {
#define X(name, field) {#field, offsetof(struct world_report, field)},
    FIGURES(X)
#undef X
};
_Static_assert(sizeof figures / sizeof figures[0] == WORLD_BATCH_FIGURES, "the header says how many there are");

static uint64_t figure_of(const struct world_report *report, size_t figure) {
    return *(const uint64_t *)(const void *)((const char *)report + figures[figure].offset);
}

void world_batch_init(struct world_batch *batch) {
    *batch = (struct world_batch){0};
}

void world_batch_deinit(struct world_batch *batch) {
    for (size_t i = 0; i < WORLD_BATCH_FIGURES; i++) sim_free(batch->figures[i]);
    *batch = (struct world_batch){0};
}

void world_batch_add(struct world_batch *batch, const struct world_report *report) {
    if (batch->runs == batch->capacity) {
        size_t grown = batch->capacity ? batch->capacity * 2 : RUNS_FIRST;
        for (size_t i = 0; i < WORLD_BATCH_FIGURES; i++) {
            batch->figures[i] = sim_grow(batch->figures[i], batch->runs * sizeof(uint64_t), grown * sizeof(uint64_t));
        }
        batch->capacity = grown;
    }
    for (size_t i = 0; i < WORLD_BATCH_FIGURES; i++) batch->figures[i][batch->runs] = figure_of(report, i);
    batch->runs++;
    batch->broken += report->verdict == WORLD_BROKEN;
    batch->stuck += report->verdict == WORLD_STUCK;
}

/* ---- Distribution ------------------------------------------------------------------------------------------------ */

struct distribution {
    uint64_t min, median, ninth, max, sum;
};

static int by_value(const void *a, const void *b) {
    const uint64_t *first = a, *second = b;
    return (*first > *second) - (*first < *second);
}

static struct distribution distribute(struct world_batch *batch, size_t figure) {
    uint64_t *values = batch->figures[figure];
    struct distribution result = {0};
    if (batch->runs == 0) return result;
    qsort(values, batch->runs, sizeof *values, by_value);
    for (size_t i = 0; i < batch->runs; i++) result.sum += values[i];
    result.min = values[0];
    result.median = values[batch->runs / 2];
    result.ninth = values[batch->runs * 9 / 10];
    result.max = values[batch->runs - 1];
    return result;
}

enum status world_batch_print(struct buf *to, struct world_batch *batch) {
    enum status status = buf_append_format(
        to, "%zu runs, %" PRIu64 " broken, %" PRIu64 " stuck; per run:\n  %-16s %8s %8s %8s %8s %10s\n", batch->runs,
        batch->broken, batch->stuck, "", "min", "median", "p90", "max", "sum");
    for (size_t i = 0; status == STATUS_OK && i < WORLD_BATCH_FIGURES; i++) {
        struct distribution of = distribute(batch, i);
        status = buf_append_format(to, "  %-16s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %10" PRIu64 "\n",
                                   figures[i].name, of.min, of.median, of.ninth, of.max, of.sum);
    }
    return status;
}

enum status world_batch_print_json(struct buf *to, struct world_batch *batch) {
    const char *misses = world_batch_misses(batch);
    enum status status = buf_append_format(
        to, "{\"runs\":%zu,\"broken\":%" PRIu64 ",\"stuck\":%" PRIu64 ",\"rare_cases\":%s,\"per_run\":{", batch->runs,
        batch->broken, batch->stuck, misses == NULL ? "true" : "false");
    for (size_t i = 0; status == STATUS_OK && i < WORLD_BATCH_FIGURES; i++) {
        struct distribution of = distribute(batch, i);
        status = buf_append_format(to,
                                   "%s\"%s\":{\"min\":%" PRIu64 ",\"median\":%" PRIu64 ",\"p90\":%" PRIu64
                                   ",\"max\":%" PRIu64 ",\"sum\":%" PRIu64 "}",
                                   i > 0 ? "," : "", figures[i].name, of.min, of.median, of.ninth, of.max, of.sum);
    }
    return status == STATUS_OK ? buf_append_format(to, "}}\n") : status;
}

const char *world_batch_misses(struct world_batch *batch) {
    if (batch->runs == 0) return "no run at all";
    if (distribute(batch, COMPLETED).min < 200) return "a run with fewer than 200 completed operations";
    if (distribute(batch, SERIES).min < 20) return "a run with fewer than 20 completed operations on time series";
    if (distribute(batch, GRAPHS).min < 20) return "a run with fewer than 20 completed queries of graphs";
    if (distribute(batch, HUNG_UP).median < 1) return "the median run has no client that left while its query ran";
    if (distribute(batch, FAULTS).min < 5) return "a run with fewer than 5 faults";
    if (distribute(batch, KINDS).min < 3) return "a run with fewer than 3 kinds of faults";
    if (distribute(batch, LEADER_CHANGES).median < 1) return "the median run has no leader change";
    if (distribute(batch, RESTARTS).median < 1) return "the median run has no restart";
    if (batch->runs >= 100 && distribute(batch, TRANSFERS).sum == 0) return "no leader has given its place away";
    if (batch->runs >= 100 && distribute(batch, LEASE_READS).sum == 0) return "no leader has read by a lease";
    if (batch->runs >= 100 && distribute(batch, GAVE_WAY).sum == 0) return "no leader has left for its slow disk";
    if (batch->runs >= 400 && distribute(batch, GAVE_WAY).sum * 100 < batch->runs) /* one in twenty is usual */
        return "fewer than one leader in a hundred runs has left for its slow disk";
    if (batch->runs >= 100 && distribute(batch, REPAIRS).sum == 0) return "no node had a damaged log or store again";
    if (batch->runs >= 400 && distribute(batch, ELSEWHERE).sum == 0) return "no node has read for another one";
    if (batch->runs >= 100 && distribute(batch, MEMBER_CHANGES).sum == 0) return "no member has come or gone";
    if (batch->runs >= 500 && distribute(batch, JOINT_CRASHES).sum == 0)
        return "no node went down in a joint configuration";
    if (batch->runs >= 500 && distribute(batch, WIPED).sum == 0) return "no disk was wiped";
    if (batch->runs >= 500 && distribute(batch, WITNESSES).sum == 0) return "no node was a witness";
    if (batch->runs >= 500 && distribute(batch, MISDIRECTED).sum == 0) return "no write went astray";
    if (batch->runs >= 100 && distribute(batch, UPGRADED).sum == 0) return "no store was upgraded";
    if (batch->runs >= 100 && distribute(batch, SCRUBS).sum == 0) return "no node has looked for damage";
    if (batch->runs >= 100 && distribute(batch, TIMED_OUT).sum == 0) return "no query ran out of its time";
    if (batch->runs >= 100 && distribute(batch, SNAPSHOTS).sum == 0) return "no run installed a snapshot";
    return NULL;
}

/* ---- One run ----------------------------------------------------------------------------------------------------- */

const char *world_verdict_name(enum world_verdict verdict) {
    static const char *const names[] = {"kept", "broken", "stuck"};
    return names[verdict];
}

enum status world_report_print(struct buf *to, uint64_t seed, const struct world_report *report) {
    return buf_append_format(to,
                             "seed %" PRIu64 ": %s; %" PRIu64 " done, %" PRIu64 " refused, %" PRIu64
                             " unknown; %" PRIu64 " faults, %" PRIu64 " leader changes, %" PRIu64 " restarts, %" PRIu64
                             " snapshots; hash %016" PRIx64 "%s%s",
                             seed, world_verdict_name(report->verdict), report->completed, report->refused,
                             report->unknown, report->faults, report->leader_changes, report->restarts,
                             report->snapshots, report->trace_hash, report->text[0] ? "\n  " : "", report->text);
}

static enum status print_json_text(struct buf *to, const char *text) {
    enum status status = buf_append_byte(to, '"');
    for (; status == STATUS_OK && *text; text++) {
        if (*text == '"' || *text == '\\') status = buf_append_byte(to, '\\');
        if (status == STATUS_OK) status = buf_append_byte(to, (uint8_t)*text < ' ' ? ' ' : (uint8_t)*text);
    }
    return status == STATUS_OK ? buf_append_byte(to, '"') : status;
}

enum status world_report_print_json(struct buf *to, uint64_t seed, const struct world_report *report) {
    enum status status = buf_append_format(to, "{\"seed\":%" PRIu64 ",\"verdict\":\"%s\",\"text\":", seed,
                                           world_verdict_name(report->verdict));
    if (status == STATUS_OK) status = print_json_text(to, report->text);
    if (status == STATUS_OK) status = buf_append_format(to, ",\"hash\":\"%016" PRIx64 "\"", report->trace_hash);
    for (size_t i = 0; status == STATUS_OK && i < WORLD_BATCH_FIGURES; i++) {
        status = buf_append_format(to, ",\"%s\":%" PRIu64, figures[i].name, figure_of(report, i));
    }
    return status == STATUS_OK ? buf_append_format(to, "}\n") : status;
}
