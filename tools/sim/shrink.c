/*
 * shrink: passes over the plan, each of which proposes smaller ones and keeps what breaks the same promise. Invariant:
 * the result's plan breaks it, and its report is of a run of that plan.
 */
#include "tools/sim/shrink.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"

enum {
    SEEDS = 4,
    EARLIEST_MS = 100, /* a fault strikes no sooner */
    SHORTEST_MS = 20,  /* and lasts no less, if it lasts */
};

struct search {
    const struct shrink *shrink;
    struct shrink_result *best;
    const char *promise; /* that is to be broken */
    bool ended;          /* by go_on */
};

/* ---- Candidates -------------------------------------------------------------------------------------------------- */

static bool breaks(struct search *search, const struct fault_plan *plan) {
    const struct shrink *shrink = search->shrink;
    struct shrink_result *best = search->best;
    if (search->ended || (shrink->go_on && !shrink->go_on(shrink->context, &best->plan, best->runs))) {
        search->ended = true;
        return false;
    }
    struct world_report report;
    best->runs++;
    shrink->run(shrink->context, plan, &report);
    if (report.verdict == WORLD_KEPT || report.promise != search->promise) return false;
    best->plan = *plan;
    best->report = report;
    return true;
}

/* True: it has become the best. A plan beyond the budget may break a promise that nobody made. */
static bool try_plan(struct search *search, const struct fault_plan *plan) {
    struct fault_plan other = *plan;
    if (fault_plan_is_within_budget(&search->best->plan) && !fault_plan_is_within_budget(plan)) return false;
    const unsigned seeds = search->shrink->seeds ? search->shrink->seeds : SEEDS;
    for (unsigned i = 0; i < seeds; i++) {
        if (breaks(search, &other)) return true;
        if (search->ended) return false;
        other.seed = hash_mix(plan->seed, i + 1) >> 16; /* so that a person can type it */
    }
    return false;
}

/* ---- Faults ------------------------------------------------------------------------------------------------------ */

static void leave_out(struct fault_plan *plan, size_t from, size_t count) {
    if (count > plan->count - from) count = plan->count - from;
    memmove(&plan->faults[from], &plan->faults[from + count], (plan->count - from - count) * sizeof plan->faults[0]);
    plan->count -= count;
}

/* What strikes after the promise was seen broken has no part in it. */
static bool no_later_faults(struct search *search) {
    struct fault_plan plan = search->best->plan;
    while (plan.count > 0 && plan.faults[plan.count - 1].at_ms > search->best->report.broken_ms) plan.count--;
    return plan.count < search->best->plan.count && try_plan(search, &plan);
}

/* Stretches of the list, half of it at first, then ever shorter ones. */
static bool fewer_faults(struct search *search) {
    const size_t before = search->best->plan.count;
    for (size_t stretch = (before + 1) / 2; stretch > 0; stretch /= 2) {
        for (size_t from = 0; from < search->best->plan.count;) {
            struct fault_plan plan = search->best->plan;
            leave_out(&plan, from, stretch);
            if (!try_plan(search, &plan)) from += stretch;
        }
    }
    return search->best->plan.count < before;
}

/* ---- Numbers ----------------------------------------------------------------------------------------------------- */

/* `put` gives a plan that number: the least that still breaks the promise is looked for between least and `now`, by
 * halves. What breaks it need not do so in a row: what is found is good, not best. */
static bool lower(struct search *search, int64_t least, int64_t now,
                  void (*put)(struct fault_plan *plan, size_t at, int64_t number), size_t at) {
    bool found = false;
    while (least < now && !search->ended) {
        struct fault_plan plan = search->best->plan;
        const int64_t middle = least + (now - least) / 2;
        put(&plan, at, middle);
        if (try_plan(search, &plan)) {
            now = middle;
            found = true;
        } else {
            least = middle + 1;
        }
    }
    return found;
}

static void put_operations(struct fault_plan *plan, size_t at, int64_t number) {
    (void)at;
    plan->operations = (unsigned)number;
}

static void put_clients(struct fault_plan *plan, size_t at, int64_t number) {
    (void)at;
    plan->clients = (unsigned)number;
}

static void put_length(struct fault_plan *plan, size_t at, int64_t number) {
    plan->faults[at].for_ms = (uint64_t)number;
}

static void put_amount(struct fault_plan *plan, size_t at, int64_t number) {
    plan->faults[at].amount = plan->faults[at].amount < 0 ? -number : number;
}

/* All that strikes from fault `at` on does so earlier, in the same order. */
static void put_time(struct fault_plan *plan, size_t at, int64_t number) {
    const uint64_t earlier = plan->faults[at].at_ms - (uint64_t)number;
    for (size_t i = at; i < plan->count; i++) plan->faults[i].at_ms -= earlier;
}

/* ---- Nodes ------------------------------------------------------------------------------------------------------- */

/* What concerned only nodes that are not there any more goes with them. */
static void put_nodes(struct fault_plan *plan, unsigned nodes) {
    const uint32_t stay = ((1U << nodes) - 1) | 1U << FAULT_CLIENTS_BIT | 1U << FAULT_LEADER_BIT;
    plan->nodes = nodes;
    if (plan->founders > nodes) plan->founders = nodes;
    if (plan->witness > plan->founders || plan->founders < 3) plan->witness = 0;
    for (size_t i = 0; i < plan->count;) {
        struct fault *fault = &plan->faults[i];
        const bool had_others = fault->others != 0;
        fault->nodes &= stay;
        fault->others &= stay;
        if (fault->nodes != 0 && (fault->others != 0 || !had_others))
            i++;
        else
            leave_out(plan, i, 1);
    }
}

static bool fewer_nodes(struct search *search) {
    bool found = false;
    for (unsigned nodes = search->best->plan.nodes; nodes > 1 && !search->ended; nodes--) {
        struct fault_plan plan = search->best->plan;
        put_nodes(&plan, nodes - 1);
        if (try_plan(search, &plan)) found = true;
    }
    return found;
}

static bool latest_format(struct search *search) {
    struct fault_plan plan = search->best->plan;
    plan.format_level = 0;
    return search->best->plan.format_level != 0 && try_plan(search, &plan);
}

/* ---- The whole --------------------------------------------------------------------------------------------------- */

static bool shorter_run(struct search *search) {
    const struct fault_plan *best = &search->best->plan;
    bool found = false;
    for (size_t i = 0; i < best->count; i++) {
        const uint64_t before = i ? best->faults[i - 1].at_ms : EARLIEST_MS;
        if (best->faults[i].at_ms > before)
            found |= lower(search, (int64_t)before, (int64_t)best->faults[i].at_ms, put_time, i);
    }
    found |= lower(search, 1, best->operations, put_operations, 0);
    return lower(search, 1, best->clients, put_clients, 0) || found;
}

static int64_t magnitude(int64_t number) {
    return number < 0 ? -number : number;
}

static bool weaker_faults(struct search *search) {
    const struct fault_plan *best = &search->best->plan;
    bool found = false;
    for (size_t i = 0; i < best->count; i++) {
        if (best->faults[i].for_ms > SHORTEST_MS)
            found |= lower(search, SHORTEST_MS, (int64_t)best->faults[i].for_ms, put_length, i);
        const bool is_name = best->faults[i].kind == FAULT_POWER_CUT || best->faults[i].kind == FAULT_MEMBERS;
        if (!is_name) found |= lower(search, 0, magnitude(best->faults[i].amount), put_amount, i);
    }
    return found;
}

enum status shrink_plan(const struct shrink *shrink, const struct fault_plan *plan, struct shrink_result *result) {
    *result = (struct shrink_result){.plan = *plan, .runs = 1};
    shrink->run(shrink->context, plan, &result->report);
    if (result->report.verdict == WORLD_KEPT) return STATUS_INVALID;
    struct search search = {.shrink = shrink, .best = result, .promise = result->report.promise};
    bool found = true;
    while (found && !search.ended) {
        found = no_later_faults(&search);
        found |= fewer_faults(&search);
        found |= shorter_run(&search);
        found |= fewer_nodes(&search);
        found |= weaker_faults(&search);
        found |= latest_format(&search);
    }
    result->is_least = !search.ended;
    return STATUS_OK;
}
