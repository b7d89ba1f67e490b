#include "tools/sim/fault_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/prng.h"
#include "tools/sim/sim_disk.h"

enum {
    VERSION = 1,
    START_MS = 400,    /* the first leader has been found by then */
    HORIZON_MS = 1600, /* the last fault strikes before */
    FAULTS_MIN = 10,
    FAULTS_SPREAD = 11,
    KINDS_MIN = 4,
    TRANSFERS_MAX = 7,
    HUNG_DISKS_MAX = 2,
    ROTS_MAX = 3,
    WRITE_ERRORS_MAX = 2,
    CHANGES_MAX = 4,
    NEWCOMERS_MAX = 2,
    AT_CHANGE_MS = 120, /* a fault so soon behind a change may meet it half done */
    OPERATIONS = 200,
    LINE_BYTES = 256,
};

static const char *const kind_names[FAULT_KIND_COUNT] = {
#define X(name, text) text,
    FAULT_KINDS(X)
#undef X
};

const char *fault_kind_name(enum fault_kind kind) {
    return kind < FAULT_KIND_COUNT ? kind_names[kind] : "?";
}

/* ---- Drawing ----------------------------------------------------------------------------------------------------- */

static bool concerns_links(enum fault_kind kind) {
    return kind >= FAULT_PARTITION && kind <= FAULT_FRAME_DELAY;
}

static void draw_amount(struct prng *prng, struct fault *fault) {
    switch (fault->kind) {
    case FAULT_POWER_CUT: fault->amount = (int64_t)prng_below(prng, SIM_CUT_RANDOM + 1); break;
    case FAULT_SLOW_LINK: fault->amount = (int64_t)prng_between(prng, 2000, 60000); break;
    case FAULT_STALLS: fault->amount = (int64_t)prng_between(prng, 10000, 200000); break;
    case FAULT_FRAME_DROP:
    case FAULT_FRAME_REPEAT:
    case FAULT_FRAME_DELAY: fault->amount = (int64_t)prng_between(prng, 40000, 800000); break;
    case FAULT_SLOW_DISK: fault->amount = (int64_t)prng_between(prng, 50, 3000); break;
    case FAULT_DISK_FULL: fault->amount = (int64_t)prng_below(prng, 65536); break;
    case FAULT_READ_ERRORS: fault->amount = (int64_t)prng_between(prng, 2000, 400000); break;
    case FAULT_CLOCK_JUMP: fault->amount = (int64_t)prng_below(prng, 7200000) - 3600000; break;
    case FAULT_CLOCK_DRIFT:
        fault->amount = (int64_t)prng_below(prng, 2 * FAULT_DRIFT_MOST + 1) - FAULT_DRIFT_MOST;
        break;
    default: fault->amount = 0; break;
    }
}

/*
 * Some nodes on one side, the others on the other; at times with the clients among them, always if there is one node
 * only.
 */
static void draw_sides(struct prng *prng, const struct fault_plan *plan, struct fault *fault) {
    uint32_t all = (1U << plan->nodes) - 1;
    fault->nodes = (uint32_t)prng_between(prng, 1, plan->nodes > 1 ? all - 1 : all);
    fault->others = all & ~fault->nodes;
    if (plan->nodes == 1 || prng_chance(prng, 1, 3)) fault->others |= 1U << FAULT_CLIENTS_BIT;
}

/* A leader that goes away at a bad moment is what most of Raft is about. */
static void aim_at_leader(struct fault *fault) {
    fault->nodes = 1U << FAULT_LEADER_BIT;
    if (concerns_links(fault->kind)) fault->others &= 1U << FAULT_CLIENTS_BIT;
    if (fault->for_ms > 300) fault->for_ms /= 2;
}

static void draw_fault(struct prng *prng, const struct fault_plan *plan, struct fault *fault, const bool *kinds) {
    do {
        fault->kind = (enum fault_kind)prng_below(prng, FAULT_TRANSFER); /* which has draws of its own */
    } while (!kinds[fault->kind]);
    fault->at_ms = prng_between(prng, START_MS, HORIZON_MS);
    fault->for_ms = prng_between(prng, 30, 600);
    if (fault->kind == FAULT_RESET || fault->kind == FAULT_CLOCK_JUMP) fault->for_ms = 0;
    if (concerns_links(fault->kind)) {
        draw_sides(prng, plan, fault);
    } else {
        fault->nodes = 1U << prng_below(prng, plan->nodes);
        fault->others = 0;
    }
    draw_amount(prng, fault);
    if (plan->nodes > 1 && prng_chance(prng, plan->seed % 3 == 0 ? 16 : 5, 20)) aim_at_leader(fault);
}

static int by_time(const void *a, const void *b) {
    const struct fault *first = a, *second = b;
    return (first->at_ms > second->at_ms) - (first->at_ms < second->at_ms);
}

/* One that stops a process is always among them: a batch of runs must see restarts and new leaders. */
static void draw_kinds(struct prng *prng, bool *kinds) {
    static const enum fault_kind stops[] = {FAULT_POWER_CUT, FAULT_KILL};
    memset(kinds, 0, FAULT_KIND_COUNT * sizeof *kinds);
    kinds[stops[prng_below(prng, 2)]] = true;
    for (unsigned left = KINDS_MIN + (unsigned)prng_below(prng, 5); left > 0; left--) {
        kinds[prng_below(prng, FAULT_TRANSFER)] = true;
    }
}

/* From numbers of their own: what else a seed stands for does not change. */
static void draw_transfers(struct fault_plan *plan) {
    struct prng prng;
    prng_init(&prng, hash_mix(plan->seed, 0x7472616e));
    if (plan->nodes == 1 || prng_chance(&prng, 1, 2)) return;
    for (uint64_t left = prng_between(&prng, 1, TRANSFERS_MAX); left > 0; left--)
        plan->faults[plan->count++] = (struct fault){.kind = FAULT_TRANSFER,
                                                     .at_ms = prng_between(&prng, START_MS, HORIZON_MS),
                                                     .nodes = 1U << prng_below(&prng, plan->nodes)};
}

/* A disk so slow that who leads should not: as transfers, from numbers of their own. */
static void draw_hung_disks(struct fault_plan *plan) {
    struct prng prng;
    prng_init(&prng, hash_mix(plan->seed, 0x68756e67));
    if (plan->nodes < 3 || !prng_chance(&prng, 1, 3)) return;
    for (uint64_t left = prng_between(&prng, 1, HUNG_DISKS_MAX); left > 0; left--)
        plan->faults[plan->count++] = (struct fault){.kind = FAULT_SLOW_DISK,
                                                     .at_ms = prng_between(&prng, START_MS, HORIZON_MS),
                                                     .for_ms = prng_between(&prng, 500, 1300),
                                                     .nodes = 1U << FAULT_LEADER_BIT,
                                                     .amount = (int64_t)prng_between(&prng, 5000, 20000)};
}

/*
 * What is damaged is had again from the others, who must be a majority that is whole: one node in a plan, of three at
 * least. As transfers, from numbers of their own. One slot of its superblock is all that it may lose of that.
 */
static void draw_rots(struct fault_plan *plan) {
    struct prng prng;
    prng_init(&prng, hash_mix(plan->seed, 0x726f74));
    if (plan->nodes < 3 || !prng_chance(&prng, 1, 3)) return;
    const uint32_t node = 1U << prng_below(&prng, plan->nodes);
    enum fault_kind most = FAULT_ROT_PROMISE;
    for (uint64_t left = prng_between(&prng, 1, ROTS_MAX); left > 0; left--) {
        const enum fault_kind kind = (enum fault_kind)prng_between(&prng, FAULT_ROT_LOG, most);
        if (kind == FAULT_ROT_PROMISE) most = FAULT_ROT_STORE;
        plan->faults[plan->count++] =
            (struct fault){.kind = kind,
                           .at_ms = prng_between(&prng, START_MS, HORIZON_MS),
                           .for_ms = prng_chance(&prng, 1, 2) ? prng_between(&prng, 50, 500) : 0,
                           .nodes = node};
    }
}

/* As transfers, from numbers of their own. */
static void draw_write_errors(struct fault_plan *plan) {
    struct prng prng;
    prng_init(&prng, hash_mix(plan->seed, 0x77726974));
    if (!prng_chance(&prng, 1, 4)) return;
    for (uint64_t left = prng_between(&prng, 1, WRITE_ERRORS_MAX); left > 0; left--) {
        struct fault *fault = &plan->faults[plan->count++];
        *fault = (struct fault){.kind = FAULT_WRITE_ERRORS,
                                .at_ms = prng_between(&prng, START_MS, HORIZON_MS),
                                .for_ms = prng_between(&prng, 50, 500),
                                .nodes = 1U << prng_below(&prng, plan->nodes),
                                .amount = (int64_t)prng_between(&prng, 1000, 100000)};
        if (plan->nodes > 1 && prng_chance(&prng, 1, 3)) aim_at_leader(fault);
    }
}

/* What goes wrong just when members change: somebody stops, newcomers as often as others. */
static void draw_fault_at_change(struct prng *prng, struct fault_plan *plan, uint64_t change_ms) {
    static const enum fault_kind kinds[] = {FAULT_KILL, FAULT_POWER_CUT, FAULT_PAUSE, FAULT_PARTITION};
    struct fault *fault = &plan->faults[plan->count++];
    *fault = (struct fault){.kind = kinds[prng_below(prng, 4)],
                            .at_ms = change_ms + prng_below(prng, AT_CHANGE_MS),
                            .for_ms = prng_between(prng, 30, 400),
                            .nodes = 1U << prng_below(prng, plan->nodes)};
    draw_amount(prng, fault);
    if (fault->kind == FAULT_PARTITION) fault->others = ((1U << plan->nodes) - 1) & ~fault->nodes;
    if (prng_chance(prng, 1, 3)) aim_at_leader(fault);
}

static bool has_rots(const struct fault_plan *plan) {
    for (size_t i = 0; i < plan->count; i++)
        if (plan->faults[i].kind >= FAULT_ROT_LOG && plan->faults[i].kind <= FAULT_ROT_PROMISE) return true;
    return false;
}

/* Not where a node is damaged: it may be one of two voters just then, or the only one. */
static void draw_changes(struct fault_plan *plan) {
    struct prng prng;
    prng_init(&prng, hash_mix(plan->seed, 0x6d656d62));
    if (plan->nodes < 3 || has_rots(plan) || !prng_chance(&prng, 1, 2)) return;
    plan->nodes += (unsigned)prng_below(&prng, NEWCOMERS_MAX + 1);
    if (plan->nodes > FAULT_PLAN_NODES_MAX) plan->nodes = FAULT_PLAN_NODES_MAX;
    const uint32_t all = (1U << plan->nodes) - 1;
    for (uint64_t left = prng_between(&prng, 1, CHANGES_MAX); left > 0; left--) {
        const struct fault change = {.kind = FAULT_MEMBERS,
                                     .at_ms = prng_between(&prng, START_MS, HORIZON_MS),
                                     .nodes = (uint32_t)prng_between(&prng, 1, all),
                                     .amount = (int64_t)prng_below(&prng, 4)};
        plan->faults[plan->count++] = change;
        if (prng_chance(&prng, 2, 3)) draw_fault_at_change(&prng, plan, change.at_ms);
    }
    if (prng_chance(&prng, 1, 3))
        plan->faults[plan->count++] = (struct fault){.kind = FAULT_WIPE,
                                                     .at_ms = prng_between(&prng, START_MS, HORIZON_MS),
                                                     .nodes = 1U << prng_below(&prng, plan->nodes)};
}

/* Not where disks are damaged or members change: what only the leader and a witness hold is on one disk. */
static void draw_witness(struct fault_plan *plan) {
    struct prng prng;
    prng_init(&prng, hash_mix(plan->seed, 0x7769746e));
    if (plan->nodes < 3 || plan->nodes != plan->founders || has_rots(plan) || !prng_chance(&prng, 1, 4)) return;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->faults[i].kind == FAULT_MEMBERS || plan->faults[i].kind == FAULT_WIPE) return;
    plan->witness = 1 + (unsigned)prng_below(&prng, plan->nodes);
}

void fault_plan_draw(struct fault_plan *plan, uint64_t seed, unsigned nodes) {
    struct prng prng;
    bool kinds[FAULT_KIND_COUNT];
    *plan = (struct fault_plan){.seed = seed, .nodes = nodes, .founders = nodes, .operations = OPERATIONS};
    prng_init(&prng, hash_mix(seed, 0x706c616e));
    plan->clients = (unsigned)prng_between(&prng, 3, 6);
    do {
        draw_kinds(&prng, kinds);
        plan->count = FAULTS_MIN + (size_t)prng_below(&prng, FAULTS_SPREAD);
        for (size_t i = 0; i < plan->count; i++) draw_fault(&prng, plan, &plan->faults[i], kinds);
    } while (fault_plan_kinds(plan) < 3);
    draw_transfers(plan);
    draw_hung_disks(plan);
    draw_rots(plan);
    draw_write_errors(plan);
    draw_changes(plan);
    draw_witness(plan);
    qsort(plan->faults, plan->count, sizeof plan->faults[0], by_time);
}

unsigned fault_plan_founders(const struct fault_plan *plan) {
    return plan->founders > 0 && plan->founders < plan->nodes ? plan->founders : plan->nodes;
}

uint64_t fault_plan_end_ms(const struct fault_plan *plan) {
    uint64_t end = 0;
    for (size_t i = 0; i < plan->count; i++) {
        uint64_t over = plan->faults[i].at_ms + plan->faults[i].for_ms;
        if (over > end) end = over;
    }
    return end;
}

unsigned fault_plan_kinds(const struct fault_plan *plan) {
    uint32_t seen = 0;
    for (size_t i = 0; i < plan->count; i++) seen |= 1U << plan->faults[i].kind;
    return (unsigned)__builtin_popcount(seen);
}

/* ---- Printing ---------------------------------------------------------------------------------------------------- */

static void print_nodes(uint32_t nodes, char *to, size_t size) {
    size_t at = 0;
    to[0] = '-';
    to[1] = '\0';
    for (unsigned i = 0; i < 32 && at + 5 < size; i++) {
        if (!(nodes & (1U << i))) continue;
        if (at > 0) to[at++] = ',';
        int printed = i < FAULT_LEADER_BIT ? snprintf(to + at, size - at, "%u", i + 1)
                                           : snprintf(to + at, size - at, "%s", i == FAULT_LEADER_BIT ? "l" : "c");
        at += (size_t)printed;
    }
}

enum status fault_print(struct buf *to, const struct fault *fault) {
    char nodes[64], others[64];
    print_nodes(fault->nodes, nodes, sizeof nodes);
    print_nodes(fault->others, others, sizeof others);
    return buf_append_format(to, "at=%" PRIu64 " for=%" PRIu64 " kind=%s nodes=%s others=%s amount=%" PRId64,
                             fault->at_ms, fault->for_ms, fault_kind_name(fault->kind), nodes, others, fault->amount);
}

enum status fault_plan_print(struct buf *to, const struct fault_plan *plan) {
    enum status status =
        buf_append_format(to, "loam-plan %d\nseed %" PRIu64 "\nnodes %u\nfounders %u\nclients %u\noperations %u\n",
                          VERSION, plan->seed, plan->nodes, fault_plan_founders(plan), plan->clients, plan->operations);
    if (status == STATUS_OK && plan->witness != 0) status = buf_append_format(to, "witness %u\n", plan->witness);
    for (size_t i = 0; status == STATUS_OK && i < plan->count; i++) {
        status = buf_append_format(to, "fault ");
        if (status == STATUS_OK) status = fault_print(to, &plan->faults[i]);
        if (status == STATUS_OK) status = buf_append_byte(to, '\n');
    }
    return status;
}

/* ---- Parsing ----------------------------------------------------------------------------------------------------- */

static bool parse_number(const char *text, uint64_t *number) {
    char *end;
    if (text[0] < '0' || text[0] > '9') return false;
    *number = strtoull(text, &end, 10);
    return *end == '\0';
}

static bool parse_amount(const char *text, int64_t *amount) {
    uint64_t number;
    bool is_negative = text[0] == '-';
    if (!parse_number(text + is_negative, &number) || number > INT64_MAX) return false;
    *amount = is_negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static bool parse_nodes(char *text, uint32_t *nodes) {
    char *rest = NULL;
    *nodes = 0;
    if (strcmp(text, "-") == 0) return true;
    for (char *part = strtok_r(text, ",", &rest); part != NULL; part = strtok_r(NULL, ",", &rest)) {
        uint64_t number = strcmp(part, "c") == 0 ? FAULT_CLIENTS_BIT + 1 : FAULT_LEADER_BIT + 1;
        bool is_named = strcmp(part, "c") == 0 || strcmp(part, "l") == 0;
        if (!is_named && (!parse_number(part, &number) || number < 1 || number > FAULT_PLAN_NODES_MAX)) return false;
        *nodes |= 1U << (number - 1);
    }
    return true;
}

static bool parse_kind(const char *text, enum fault_kind *kind) {
    for (unsigned i = 0; i < FAULT_KIND_COUNT; i++) {
        if (strcmp(kind_names[i], text) != 0) continue;
        *kind = (enum fault_kind)i;
        return true;
    }
    return false;
}

static bool parse_field(char *word, struct fault *fault) {
    char *value = strchr(word, '=');
    if (value == NULL) return false;
    *value++ = '\0';
    if (strcmp(word, "at") == 0) return parse_number(value, &fault->at_ms);
    if (strcmp(word, "for") == 0) return parse_number(value, &fault->for_ms);
    if (strcmp(word, "kind") == 0) return parse_kind(value, &fault->kind);
    if (strcmp(word, "nodes") == 0) return parse_nodes(value, &fault->nodes);
    if (strcmp(word, "others") == 0) return parse_nodes(value, &fault->others);
    if (strcmp(word, "amount") == 0) return parse_amount(value, &fault->amount);
    return false;
}

static enum status parse_fault(char *rest, struct fault_plan *plan) {
    if (plan->count == FAULT_PLAN_FAULTS_MAX) return STATUS_TOO_LARGE;
    struct fault fault = {.kind = FAULT_KIND_COUNT};
    char *next = NULL;
    for (char *word = strtok_r(rest, " \t", &next); word != NULL; word = strtok_r(NULL, " \t", &next)) {
        if (!parse_field(word, &fault)) return STATUS_SYNTAX;
    }
    if (fault.kind == FAULT_KIND_COUNT || fault.nodes == 0) return STATUS_SYNTAX;
    plan->faults[plan->count++] = fault;
    return STATUS_OK;
}

static enum status parse_setting(const char *name, const char *value, struct fault_plan *plan) {
    uint64_t number;
    if (value == NULL || !parse_number(value, &number)) return STATUS_SYNTAX;
    if (strcmp(name, "loam-plan") == 0) return number == VERSION ? STATUS_OK : STATUS_VERSION;
    if (strcmp(name, "seed") == 0) {
        plan->seed = number;
        return STATUS_OK;
    }
    if (number < 1 || number > 1000000) return STATUS_INVALID;
    if (strcmp(name, "nodes") == 0)
        plan->nodes = (unsigned)number;
    else if (strcmp(name, "founders") == 0)
        plan->founders = (unsigned)number;
    else if (strcmp(name, "witness") == 0)
        plan->witness = (unsigned)number;
    else if (strcmp(name, "clients") == 0)
        plan->clients = (unsigned)number;
    else if (strcmp(name, "operations") == 0)
        plan->operations = (unsigned)number;
    else
        return STATUS_SYNTAX;
    return STATUS_OK;
}

static enum status parse_line(char *line, struct fault_plan *plan) {
    char *rest = NULL;
    line[strcspn(line, "#\r")] = '\0';
    const char *name = strtok_r(line, " \t", &rest);
    if (name == NULL) return STATUS_OK;
    if (strcmp(name, "fault") == 0) return parse_fault(rest, plan);
    return parse_setting(name, strtok_r(NULL, " \t", &rest), plan);
}

static enum status check_plan(struct fault_plan *plan, struct error *error) {
    if (plan->nodes < 1 || plan->nodes > FAULT_PLAN_NODES_MAX || plan->clients < 1 ||
        plan->clients > FAULT_PLAN_CLIENTS_MAX) {
        return error_set(error, STATUS_INVALID, "a plan needs 1 to %d nodes and 1 to %d clients", FAULT_PLAN_NODES_MAX,
                         FAULT_PLAN_CLIENTS_MAX);
    }
    if (plan->founders == 0) plan->founders = plan->nodes;
    if (plan->founders > plan->nodes)
        return error_set(error, STATUS_INVALID, "%u founders of %u nodes", plan->founders, plan->nodes);
    if (plan->witness > plan->founders || (plan->witness != 0 && plan->founders < 3))
        return error_set(error, STATUS_INVALID, "a witness is one of three founders or more");
    uint32_t known = ((1U << plan->nodes) - 1) | 1U << FAULT_CLIENTS_BIT | 1U << FAULT_LEADER_BIT;
    for (size_t i = 0; i < plan->count; i++) {
        if ((plan->faults[i].nodes | plan->faults[i].others) & ~known) {
            return error_set(error, STATUS_INVALID, "fault %zu names a node that is not there", i + 1);
        }
    }
    qsort(plan->faults, plan->count, sizeof plan->faults[0], by_time);
    return STATUS_OK;
}

enum status fault_plan_parse(struct slice text, struct fault_plan *plan, struct error *error) {
    *plan = (struct fault_plan){.nodes = 3, .clients = 4, .operations = OPERATIONS};
    size_t number = 0;
    while (text.size > 0) {
        char line[LINE_BYTES];
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end != NULL ? (size_t)(end - text.data) : text.size;
        number++;
        if (size >= sizeof line) return error_set(error, STATUS_TOO_LARGE, "line %zu is too long", number);
        memcpy(line, text.data, size);
        line[size] = '\0';
        text = slice_from(text, end != NULL ? size + 1 : size);
        enum status status = parse_line(line, plan);
        if (status != STATUS_OK) return error_set(error, status, "line %zu: %s", number, status_text(status));
    }
    return check_plan(plan, error);
}
