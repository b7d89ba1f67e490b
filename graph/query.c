/* query: from text to rows and effects. */
#include "graph/query.h"

#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "graph/cypher/execute.h"
#include "graph/cypher/plan.h"
#include "graph/cypher/procedure_table.h"
#include "graph/cypher/symbols.h"

enum { TEXT_BLOCK_BYTES = 8 << 10 };

struct query {
    struct arena arena; /* text, tree, plan */
    struct plan plan;
    struct cypher_fault fault;
    struct query_options options;
    struct value_budget budget;
    struct value_arena parameters_arena;
    struct value *parameters;
    struct value *row; /* room for one of the result */
    struct prng prng;
    struct run run;
    bool started;
    uint64_t rows;
};

enum status query_prepare(struct slice text, struct query **query) {
    return query_prepare_with(text, &graph_procedures, query);
}

enum status query_prepare_with(struct slice text, const struct cypher_catalogue *catalogue, struct query **query) {
    *query = calloc(1, sizeof **query);
    if (!*query) return STATUS_NO_MEMORY;
    arena_init(&(*query)->arena, TEXT_BLOCK_BYTES);
    return cypher_prepare(&(*query)->arena, text, catalogue, &(*query)->plan, &(*query)->fault);
}

void query_destroy(struct query *query) {
    if (!query) return;
    query_stop(query);
    arena_deinit(&query->arena);
    free(query);
}

bool query_is_update(const struct query *query) {
    return query->plan.is_update;
}

uint32_t query_column_count(const struct query *query) {
    return query->plan.columns ? query->plan.columns->count : 0;
}

struct slice query_column_name(const struct query *query, uint32_t column) {
    check(column < query_column_count(query));
    return query->plan.columns->items[column].name;
}

enum status query_explain(const struct query *query, struct buf *to) {
    return plan_explain(&query->plan, to);
}

/* --- parameters --- */

static const struct cypher_setting *setting_find(const struct cypher_statement *statement, struct slice name) {
    for (uint32_t i = statement->setting_count; i > 0; i--)
        if (slice_equal(statement->settings[i - 1].name.text, name)) return &statement->settings[i - 1];
    return NULL;
}

/* A setting's value has neither variables nor parameters, and meets no graph. */
static enum status setting_evaluate(struct query *query, const struct cypher_setting *setting, struct value *value) {
    struct evaluation evaluation = {.arena = &query->parameters_arena,
                                    .prng = &query->prng,
                                    .clock_ms = query->options.clock_ms,
                                    .cancelled = query->options.cancelled,
                                    .fault = &query->fault};
    return cypher_evaluate(&evaluation, setting->value, value);
}

/* No setting is known to be for this parameter: it is missing, or the argument of a call without any, named by the
 * procedure. Of these there are few; those that the text names may be as many as the settings. */
static enum status parameter_search(struct query *query, uint32_t index) {
    const struct cypher_statement *statement = query->plan.statement;
    struct slice name = statement->parameters[index];
    const struct cypher_setting *setting = setting_find(statement, name);
    if (setting) return setting_evaluate(query, setting, &query->parameters[index]);
    return cypher_fault_set(&query->fault, CYPHER_FAULT_MISSING_PARAMETER, (struct cypher_place){0},
                            "Missing parameters: $%.*s", (int)name.size, (const char *)name.data);
}

/* The last of several settings with one name counts. */
static enum status parameters_fill(struct query *query, bool *made) {
    const struct cypher_statement *statement = query->plan.statement;
    enum status status = STATUS_OK;
    for (uint32_t i = statement->setting_count; i > 0 && status == STATUS_OK; i--) {
        const struct cypher_setting *setting = &statement->settings[i - 1];
        if (setting->parameter == SYMBOL_NONE || made[setting->parameter]) continue;
        made[setting->parameter] = true;
        status = setting_evaluate(query, setting, &query->parameters[setting->parameter]);
    }
    for (uint32_t i = 0; i < statement->parameter_count && status == STATUS_OK; i++)
        if (!made[i]) status = parameter_search(query, i);
    return status;
}

static enum status parameters_make(struct query *query) {
    const uint32_t count = query->plan.statement->parameter_count;
    uint32_t columns = query_column_count(query);
    query->parameters = value_alloc_array(&query->parameters_arena, count, sizeof *query->parameters);
    query->row = value_alloc_array(&query->parameters_arena, columns, sizeof *query->row);
    bool *made = value_alloc_array(&query->parameters_arena, count, sizeof *made);
    if (!query->parameters || !query->row || !made) return STATUS_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++) made[i] = false;
    return parameters_fill(query, made);
}

/* --- life --- */

enum status query_start(struct query *query, const struct query_options *options) {
    query_stop(query);
    query->options = *options;
    query->fault = (struct cypher_fault){0};
    query->rows = 0;
    query->budget = (struct value_budget){.limit_bytes = options->memory_limit_bytes ? options->memory_limit_bytes
                                                                                     : QUERY_MEMORY_DEFAULT_BYTES,
                                          .pool = options->memory_pool};
    prng_init(&query->prng, options->seed);
    value_arena_init(&query->parameters_arena, &query->budget);
    query->started = true;
    query->run = (struct run){0};
    enum status status = parameters_make(query);
    if (status != STATUS_OK) return status;
    struct run_options run = {.plan = &query->plan,
                              .graph = options->graph,
                              .parameters = query->parameters,
                              .budget = &query->budget,
                              .prng = &query->prng,
                              .clock_ms = options->clock_ms,
                              .hash_seed = hash_mix(options->seed, 1),
                              .cancelled = options->cancelled,
                              .fault = &query->fault};
    return run_start(&query->run, &run);
}

void query_stop(struct query *query) {
    if (!query->started) return;
    query->started = false;
    if (query->run.plan) run_stop(&query->run);
    value_arena_deinit(&query->parameters_arena);
    check(query->budget.used_bytes == 0);
}

static enum status row_deliver(struct query *query) {
    uint32_t count = query_column_count(query);
    if (count == 0) return STATUS_OK;
    if (query->options.row_limit && ++query->rows > query->options.row_limit)
        return cypher_fault_set(&query->fault, CYPHER_FAULT_TOO_LARGE, (struct cypher_place){0},
                                "The result has more than %llu rows; ask for less with LIMIT",
                                (unsigned long long)query->options.row_limit);
    if (!query->options.sink.row) return STATUS_OK;
    for (uint32_t i = 0; i < count; i++) query->row[i] = query->run.row[query->plan.columns->items[i].slot];
    return query->options.sink.row(query->options.sink.context, query->options.graph, query->row, count);
}

enum status query_step(struct query *query, uint64_t work) {
    check(query->started && work > 0);
    enum status status = run_step_begin(&query->run, work);
    while (status == STATUS_OK) {
        status = run_pull(&query->run);
        if (status == STATUS_OK) status = row_deliver(query);
    }
    return status == STATUS_END ? STATUS_OK : status;
}

const char *query_error_text(const struct query *query) {
    return query ? query->fault.text : "";
}

const struct cypher_fault *query_fault(const struct query *query) {
    return &query->fault;
}

size_t query_peak_bytes(const struct query *query) {
    return query->budget.peak_bytes;
}

size_t query_held_bytes(const struct query *query) {
    return sizeof *query + query->arena.reserved_bytes;
}

void query_get_counts(const struct query *query, struct graph_edit_counts *counts) {
    graph_edit_get_counts(query->options.graph, counts);
}

enum status query_encode(const struct query *query, struct buf *operation) {
    if (graph_edit_is_empty(query->options.graph)) return STATUS_OK;
    return graph_edit_operation(query->options.graph, operation);
}
