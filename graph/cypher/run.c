/*
 * run: operators made from a plan, stepped, stopped; the arena of passing values renewed.
 */
#include "graph/cypher/run.h"

#include "engine/base/check.h"
#include "graph/cypher/evaluate_parts.h"
#include "graph/cypher/execute.h"
#include "graph/cypher/slots.h"

enum { PASSING_LIMIT_MIN_BYTES = 256 << 10 };

/* --- shared by operators --- */

bool run_work(struct run *run) {
    run->evaluation.work++;
    return run->evaluation.work < run->work_end && run->passing.arena.used_bytes <= run->passing_limit;
}

enum pull run_fail(struct run *run, enum status status) {
    check(status != STATUS_OK && status != STATUS_END);
    if (status == STATUS_NO_MEMORY) status = evaluation_no_memory(&run->evaluation);
    run->status = status;
    return PULL_FAIL;
}

enum status run_edit_failed(struct run *run, struct cypher_place place, enum status status) {
    if (status != STATUS_TOO_LARGE) return status;
    return cypher_fault_set(run->evaluation.fault, CYPHER_FAULT_TOO_LARGE, place,
                            "The change is larger than one query may make (%d labels and %d properties a node, %d "
                            "bytes a name, %d a node; %d edits): do it in parts",
                            GRAPH_LABELS_MAX, GRAPH_PROPERTIES_MAX, GRAPH_NAME_MAX_BYTES, GRAPH_ROW_MAX_BYTES,
                            GRAPH_EDITS_MAX);
}

enum pull operator_pull(struct run *run, struct stage *stage) {
    return stage->class->pull(run, stage);
}

void operator_restart(struct run *run, struct stage *stage) {
    if (stage->class->restart) stage->class->restart(run, stage);
    for (uint32_t i = 0; i < stage->child_count; i++) operator_restart(run, stage->children[i]);
}

/* --- Argument --- */

struct argument_state {
    bool given;
};

static enum pull argument_pull(struct run *run, struct stage *stage) {
    (void)run;
    struct argument_state *state = stage->state;
    if (state->given) return PULL_END;
    state->given = true;
    return PULL_ROW;
}

static void argument_restart(struct run *run, struct stage *stage) {
    (void)run;
    ((struct argument_state *)stage->state)->given = false;
}

const struct operator_class argument_class = {
    .state_bytes = sizeof(struct argument_state), .pull = argument_pull, .restart = argument_restart};

const struct operator_class *operator_class_of(enum plan_kind kind) {
    static const struct operator_class *const classes[PLAN_KIND_COUNT] = {
        [PLAN_ARGUMENT] = &argument_class,
        [PLAN_ALL_NODE_SCAN] = &scan_class,
        [PLAN_LABEL_SCAN] = &scan_class,
        [PLAN_ID_SEEK] = &id_seek_class,
        [PLAN_TRAVERSE] = &traverse_class,
        [PLAN_EXPAND_INTO] = &traverse_class,
        [PLAN_VARIABLE_TRAVERSE] = &variable_traverse_class,
        [PLAN_VARIABLE_EXPAND_INTO] = &variable_traverse_class,
        [PLAN_EDGE_ENDS] = &edge_ends_class,
        [PLAN_SHORTEST_PATH] = &shortest_path_class,
        [PLAN_FILTER] = &filter_class,
        [PLAN_PROJECT] = &project_class,
        [PLAN_AGGREGATE] = &aggregate_class,
        [PLAN_DISTINCT] = &distinct_class,
        [PLAN_SORT] = &sort_class,
        [PLAN_SKIP] = &skip_class,
        [PLAN_LIMIT] = &limit_class,
        [PLAN_UNWIND] = &unwind_class,
        [PLAN_PROCEDURE_CALL] = &procedure_class,
        [PLAN_APPLY] = &apply_class,
        [PLAN_CARTESIAN_PRODUCT] = &product_class,
        [PLAN_OPTIONAL] = &optional_class,
        [PLAN_SEMI_APPLY] = &semi_apply_class,
        [PLAN_ANTI_SEMI_APPLY] = &semi_apply_class,
        [PLAN_ROLL_UP] = &roll_up_class,
        [PLAN_CREATE] = &create_class,
        [PLAN_MERGE] = &merge_class,
        [PLAN_UPDATE] = &update_class,
        [PLAN_DELETE] = &delete_class,
        [PLAN_UNION] = &union_class,
        [PLAN_RESULTS] = &results_class,
    };
    return classes[kind];
}

/* --- making --- */

struct builder {
    struct run *run;
    struct slot_use use;
    uint32_t index; /* of the next stage in the plan's preorder */
};

/* Every kind but Union has a child where the plan has none: an Argument. Leaves' children are given by their classes.
 */
static uint32_t children_wanted(const struct plan_operator *plan) {
    if (plan->kind == PLAN_ARGUMENT) return 0;
    return plan->child_count > 0 ? plan->child_count : 1;
}

static bool keeps_rows(enum plan_kind kind) {
    return kind == PLAN_SORT || (kind >= PLAN_CREATE && kind <= PLAN_DELETE);
}

static enum status operator_make(struct builder *builder, const struct plan_operator *plan, struct stage **made);

static enum status operator_make_children(struct builder *builder, struct stage *stage) {
    const struct plan_operator *plan = stage->plan;
    stage->child_count = children_wanted(plan);
    stage->children = value_alloc_array(&builder->run->frame, stage->child_count, sizeof *stage->children);
    if (!stage->children) return STATUS_NO_MEMORY;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < stage->child_count && status == STATUS_OK; i++) {
        const struct plan_operator *child = i < plan->child_count ? plan->children[i] : NULL;
        status = operator_make(builder, child, &stage->children[i]);
    }
    return status;
}

/* Arguments that the plan left out have no place in its preorder. */
static enum status operator_make(struct builder *builder, const struct plan_operator *plan, struct stage **made) {
    struct run *run = builder->run;
    struct stage *stage = value_alloc(&run->frame, sizeof *stage);
    if (!stage) return STATUS_NO_MEMORY;
    *stage = (struct stage){.plan = plan, .class = plan ? operator_class_of(plan->kind) : &argument_class};
    stage->state = value_alloc(&run->frame, stage->class->state_bytes);
    if (!stage->state) return STATUS_NO_MEMORY;
    memset(stage->state, 0, stage->class->state_bytes);
    *made = stage;
    enum status status = STATUS_OK;
    if (plan) {
        uint32_t index = builder->index++;
        if (keeps_rows(plan->kind))
            status = slot_use_carried(&run->frame, &builder->use, index, plan->kind != PLAN_SORT, &stage->carried);
        if (status == STATUS_OK) status = operator_make_children(builder, stage);
    }
    if (status == STATUS_OK) {
        run->operators[run->operator_count++] = stage;
        if (stage->class->start) status = stage->class->start(run, stage);
    }
    return status;
}

static enum status row_make(struct run *run) {
    uint32_t count = run->plan->slot_count;
    run->row = value_alloc_array(&run->frame, count, sizeof *run->row);
    if (!run->row) return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) run->row[i] = value_null();
    run->evaluation.row = run->row;
    return STATUS_OK;
}

static enum status operators_make(struct run *run) {
    struct builder builder = {.run = run};
    enum status status = slot_use_make(&run->frame, run->plan, &builder.use);
    if (status != STATUS_OK) return status;
    /* An stage has at most one Argument of its own. */
    run->operators = value_alloc_array(&run->frame, 2 * (size_t)builder.use.operator_count + 1, sizeof *run->operators);
    if (!run->operators) return STATUS_NO_MEMORY;
    return operator_make(&builder, run->plan->root, &run->root);
}

enum status run_start(struct run *run, const struct run_options *options) {
    *run = (struct run){.plan = options->plan, .graph = options->graph, .budget = options->budget};
    value_arena_init(&run->passing, options->budget);
    value_arena_init(&run->frame, options->budget);
    run->passing_limit = PASSING_LIMIT_MIN_BYTES;
    run->hash_seed = options->hash_seed;
    reader_init(&run->reader, options->graph);
    run->evaluation = (struct evaluation){.arena = &run->passing,
                                          .parameters = options->parameters,
                                          .reader = &run->reader,
                                          .prng = options->prng,
                                          .clock_ms = options->clock_ms,
                                          .cancelled = options->cancelled,
                                          .fault = options->fault};
    enum status status = row_make(run);
    if (status == STATUS_OK) status = operators_make(run);
    if (status == STATUS_NO_MEMORY) status = evaluation_no_memory(&run->evaluation);
    return status;
}

void run_stop(struct run *run) {
    for (uint32_t i = 0; i < run->operator_count; i++)
        if (run->operators[i]->class->stop) run->operators[i]->class->stop(run, run->operators[i]);
    run->operator_count = 0;
    reader_forget(&run->reader);
    value_arena_deinit(&run->passing);
    value_arena_deinit(&run->frame);
}

/* --- steps --- */

static enum status keep_all(struct run *run, struct value_arena *arena) {
    enum status status = STATUS_OK;
    for (uint32_t slot = 0; slot < run->plan->slot_count && status == STATUS_OK; slot++)
        status = value_copy(arena, run->row[slot], &run->row[slot]);
    for (uint32_t i = 0; i < run->operator_count && status == STATUS_OK; i++) {
        struct stage *stage = run->operators[i];
        if (stage->class->keep) status = stage->class->keep(run, stage, arena);
    }
    return status;
}

/* What is still held moves into a fresh arena. For the moment of the copy both count; the limit does not apply to it,
 * for what it frees is more than what it takes. */
static enum status passing_renew(struct run *run) {
    struct value_arena fresh;
    size_t limit = run->budget ? run->budget->limit_bytes : 0;
    value_arena_init(&fresh, run->budget);
    if (run->budget) run->budget->limit_bytes = 0;
    enum status status = keep_all(run, &fresh);
    if (run->budget) run->budget->limit_bytes = limit;
    value_arena_deinit(&run->passing);
    run->passing = fresh;
    run->passing_limit = 2 * fresh.arena.used_bytes + PASSING_LIMIT_MIN_BYTES;
    return status;
}

static bool is_cancelled(const struct run *run) {
    const atomic_bool *cancelled = run->evaluation.cancelled;
    return cancelled && atomic_load_explicit(cancelled, memory_order_relaxed);
}

enum status run_pull(struct run *run) {
    if (run->evaluation.work >= run->work_end || run->passing.arena.used_bytes > run->passing_limit) return STATUS_BUSY;
    switch (operator_pull(run, run->root)) {
    case PULL_ROW: run->evaluation.work++; return STATUS_OK;
    case PULL_END: return STATUS_END;
    case PULL_MORE: return STATUS_BUSY;
    default: return run->status;
    }
}

enum status run_step_begin(struct run *run, uint64_t work) {
    if (is_cancelled(run)) return STATUS_CANCELLED;
    run->work_end = run->evaluation.work + work;
    if (run->passing.arena.used_bytes <= run->passing_limit) return STATUS_OK;
    return passing_renew(run);
}
