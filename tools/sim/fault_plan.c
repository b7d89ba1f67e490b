#include "tools/sim/fault_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"

enum { VERSION = 1, LINE_BYTES = 256 };

static const char *const kind_names[FAULT_KIND_COUNT] = {
#define X(name, text) text,
    FAULT_KINDS(X)
#undef X
};

const char *fault_kind_name(enum fault_kind kind) {
    return kind < FAULT_KIND_COUNT ? kind_names[kind] : "?";
}

bool fault_is_damage(enum fault_kind kind) {
    return (kind >= FAULT_ROT_LOG && kind <= FAULT_ROT_PROMISE) || kind == FAULT_MISDIRECT;
}

bool fault_plan_damages(const struct fault_plan *plan) {
    for (size_t i = 0; i < plan->count; i++)
        if (fault_is_damage(plan->faults[i].kind)) return true;
    return false;
}

static bool leaves_a_whole_majority(const struct fault_plan *plan, const struct fault *fault) {
    const uint32_t all = (1U << plan->nodes) - 1;
    if (fault->kind == FAULT_MEMBERS) return __builtin_popcount(fault->nodes & all) >= FAULT_PLAN_WHOLE_VOTERS;
    return fault->kind != FAULT_WIPE;
}

/* Where nothing is damaged: a wiped disk is seen to by world_members_wipe. */
bool fault_plan_is_within_budget(const struct fault_plan *plan) {
    uint32_t damaged = 0;
    unsigned superblocks = 0;
    if (!fault_plan_damages(plan)) return true;
    for (size_t i = 0; i < plan->count; i++) {
        const struct fault *fault = &plan->faults[i];
        if (!leaves_a_whole_majority(plan, fault)) return false;
        if (!fault_is_damage(fault->kind)) continue;
        damaged |= fault->nodes;
        superblocks += fault->kind == FAULT_ROT_PROMISE || fault->kind == FAULT_MISDIRECT;
    }
    return fault_plan_founders(plan) >= FAULT_PLAN_WHOLE_VOTERS && plan->witness == 0 && superblocks <= 1 &&
           __builtin_popcount(damaged) == 1;
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
    if (status == STATUS_OK && plan->format_level != 0)
        status = buf_append_format(to, "format-level %u\n", plan->format_level);
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
    else if (strcmp(name, "format-level") == 0)
        plan->format_level = (unsigned)number;
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

static int by_time(const void *a, const void *b) {
    const struct fault *first = a, *second = b;
    return (first->at_ms > second->at_ms) - (first->at_ms < second->at_ms);
}

void fault_plan_sort(struct fault_plan *plan) {
    qsort(plan->faults, plan->count, sizeof plan->faults[0], by_time);
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
    if (plan->format_level > ENGINE_FORMAT_LEVEL_LATEST)
        return error_set(error, STATUS_INVALID, "format levels go up to %d", ENGINE_FORMAT_LEVEL_LATEST);
    uint32_t known = ((1U << plan->nodes) - 1) | 1U << FAULT_CLIENTS_BIT | 1U << FAULT_LEADER_BIT;
    for (size_t i = 0; i < plan->count; i++) {
        if ((plan->faults[i].nodes | plan->faults[i].others) & ~known) {
            return error_set(error, STATUS_INVALID, "fault %zu names a node that is not there", i + 1);
        }
    }
    fault_plan_sort(plan);
    return STATUS_OK;
}

enum status fault_plan_parse(struct slice text, struct fault_plan *plan, struct error *error) {
    *plan = (struct fault_plan){.nodes = 3, .clients = 4, .operations = FAULT_PLAN_OPERATIONS};
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
