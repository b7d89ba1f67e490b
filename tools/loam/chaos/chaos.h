/* chaos: one run of `loam chaos`, and what its reports are made of. */
#ifndef TOOLS_LOAM_CHAOS_CHAOS_H
#define TOOLS_LOAM_CHAOS_CHAOS_H

#include "tools/judge/linearize.h"
#include "tools/loam/chaos/nemesis.h"

struct chaos_options {
    const char *dir, *fault_names, *report, *history;
    uint64_t nodes, base_port, seconds, seed, clients, keys, rate, fail_overs;
    uint32_t kinds;
    bool full_speed, unjudged, json, keep, netns;
};

struct chaos {
    struct chaos_options options;
    struct cluster cluster;
    struct hands hands;
    struct nemesis nemesis;
    struct workload *workload; /* NULL until the cluster serves */
    char addresses[PLAN_NODES_MAX][IO_ADDRESS_BYTES];
    uint64_t started_ns, ended_ns; /* of the load */
    uint64_t quiet_elections;      /* while nothing was wrong */
    uint64_t peak_rate;
    bool interrupted;

    bool is_judged;
    struct linearize_report report;
    double judge_seconds;
    char broken[ERROR_TEXT_BYTES]; /* what else was promised and not kept; "" */
};

/* From the start of nodes to the verdict; ends every process that it started. The error says what failed; what was
 * broken is in *chaos. */
MUST_CHECK enum status chaos_run(struct chaos *chaos, struct error *error);
void chaos_deinit(struct chaos *chaos);
/* How many nodes have data, and serve clients: the first ones. */
static inline unsigned chaos_data_nodes(const struct chaos *chaos) {
    return chaos->cluster.plan.nodes - chaos->cluster.witness;
}
bool chaos_is_clean(const struct chaos *chaos);
/* Nothing is known to be broken, and the judge reached its bound. */
bool chaos_is_undecided(const struct chaos *chaos);

/* Quantiles of one kind of fault; FAULT_KINDS: of all together. */
struct chaos_figures {
    size_t count;
    struct hist to_write, leaderless, stalled; /* ns */
    size_t never_written;                      /* no write was acknowledged before the next fault */
};
void chaos_get_figures(const struct chaos *chaos, enum fault_kind kind, struct chaos_figures *figures);

MUST_CHECK enum status chaos_print_text(const struct chaos *chaos, struct buf *to);
MUST_CHECK enum status chaos_print_json(const struct chaos *chaos, struct buf *to);
/* One page with all that it needs within. */
MUST_CHECK enum status chaos_print_page(const struct chaos *chaos, struct buf *to);
/* The line of a second: what happened in it, and what is wrong at present. */
void chaos_print_line(const struct chaos *chaos, const struct workload_counts *before);

#endif
