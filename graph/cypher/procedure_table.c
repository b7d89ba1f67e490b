/* procedure_table: the table of procedures, and those that tell what a graph and this server have. */
#include "graph/cypher/procedure_table.h"

#include <strings.h>

#include "graph/cypher/procedure_algo.h"

enum status procedure_refuse(struct procedure_call *call, uint32_t argument, const char *expected) {
    const struct cypher_procedure *head = &call->procedure->head;
    return cypher_fault_set(call->fault, CYPHER_FAULT_INVALID_ARGUMENT_VALUE, call->place,
                            "Argument '%s' of `%s` must be %s but was %s", head->arguments[argument].name, head->name,
                            expected, value_type_name((enum value_type)call->arguments[argument].type));
}

/* --- words of the graph: db.labels, db.relationshipTypes, db.propertyKeys --- */

struct words_state {
    enum graph_vocabulary vocabulary;
    uint32_t next, end;
};

static enum status words_open(struct procedure_call *call, enum graph_vocabulary vocabulary, void **state) {
    struct graph_facts facts;
    graph_get_facts(call->graph, &facts);
    struct words_state *words = value_alloc(call->arena, sizeof *words);
    if (!words) return STATUS_NO_MEMORY;
    *words = (struct words_state){.vocabulary = vocabulary, .end = facts.words[vocabulary]};
    *state = words;
    return STATUS_OK;
}

static enum status labels_open(struct procedure_call *call, void **state) {
    return words_open(call, GRAPH_LABEL, state);
}
static enum status types_open(struct procedure_call *call, void **state) {
    return words_open(call, GRAPH_TYPE, state);
}
static enum status keys_open(struct procedure_call *call, void **state) {
    return words_open(call, GRAPH_KEY, state);
}

static enum status words_step(struct procedure_call *call, void *state, struct value *fields) {
    struct words_state *words = state;
    if (words->next >= words->end) return STATUS_END;
    struct slice text;
    enum status status = graph_get_word(call->graph, words->vocabulary, words->next, &text);
    if (status != STATUS_OK) return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
    words->next++;
    fields[0] = value_string(text);
    return STATUS_OK;
}

static const struct cypher_field label_fields[] = {{"label", CYPHER_TYPE_STRING}};
static const struct cypher_field type_fields[] = {{"relationshipType", CYPHER_TYPE_STRING}};
static const struct cypher_field key_fields[] = {{"propertyKey", CYPHER_TYPE_STRING}};

static const struct graph_procedure labels_procedure = {
    .head = {.name = "db.labels", .fields = label_fields, .field_count = 1}, .open = labels_open, .step = words_step};
static const struct graph_procedure types_procedure = {
    .head = {.name = "db.relationshipTypes", .fields = type_fields, .field_count = 1},
    .open = types_open,
    .step = words_step};
static const struct graph_procedure keys_procedure = {
    .head = {.name = "db.propertyKeys", .fields = key_fields, .field_count = 1}, .open = keys_open, .step = words_step};

/* --- dbms.procedures --- */

static enum status list_open(struct procedure_call *call, void **state) {
    size_t *next = value_alloc(call->arena, sizeof *next);
    if (!next) return STATUS_NO_MEMORY;
    *next = 0;
    *state = next;
    return STATUS_OK;
}

static enum status list_step(struct procedure_call *call, void *state, struct value *fields) {
    (void)call;
    size_t *next = state;
    const struct graph_procedure *procedure = graph_procedure_at(*next);
    if (!procedure) return STATUS_END;
    ++*next;
    fields[0] = value_string(slice_from_text(procedure->head.name));
    fields[1] = value_string(slice_from_text(procedure->head.is_update ? "WRITE" : "READ"));
    return STATUS_OK;
}

static const struct cypher_field list_fields[] = {{"name", CYPHER_TYPE_STRING}, {"mode", CYPHER_TYPE_STRING}};
static const struct graph_procedure list_procedure = {
    .head = {.name = "dbms.procedures", .fields = list_fields, .field_count = 2}, .open = list_open, .step = list_step};

/* --- the table --- */

static const struct graph_procedure *const table[] = {
    &labels_procedure,        &types_procedure,         &keys_procedure,
    &list_procedure,          &algo_bfs_procedure,      &algo_distances_procedure,
    &algo_sp_paths_procedure, &algo_pagerank_procedure, &algo_wcc_procedure,
};

enum { TABLE_SIZE = sizeof table / sizeof *table };

const struct graph_procedure *graph_procedure_at(size_t number) {
    return number < TABLE_SIZE ? table[number] : NULL;
}

const struct graph_procedure *graph_procedure_find(struct slice name) {
    for (size_t i = 0; i < TABLE_SIZE; i++) {
        const char *text = table[i]->head.name;
        if (strlen(text) == name.size && strncasecmp(text, (const char *)name.data, name.size) == 0) return table[i];
    }
    return NULL;
}

static const struct cypher_procedure *catalogue_find(void *context, struct slice name) {
    (void)context;
    const struct graph_procedure *procedure = graph_procedure_find(name);
    return procedure ? &procedure->head : NULL;
}

const struct cypher_catalogue graph_procedures = {.find = catalogue_find};
