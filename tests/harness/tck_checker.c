#include "tests/harness/tck_checker.h"

#include <stdlib.h>

#include "graph/cypher/plan.h"

void tck_procedures_init(struct tck_procedures *procedures) {
    *procedures = (struct tck_procedures){0};
    arena_init(&procedures->arena, 4096);
}

void tck_procedures_deinit(struct tck_procedures *procedures) {
    arena_deinit(&procedures->arena);
}

void tck_procedures_clear(struct tck_procedures *procedures) {
    arena_reset(&procedures->arena);
    procedures->count = 0;
}

/* --- signatures --- */

static uint16_t type_of(struct slice name) {
    static const struct {
        const char *name;
        uint16_t type;
    } types[] = {{"INTEGER", CYPHER_TYPE_NUMBER},
                 {"FLOAT", CYPHER_TYPE_NUMBER},
                 {"NUMBER", CYPHER_TYPE_NUMBER},
                 {"STRING", CYPHER_TYPE_STRING},
                 {"BOOLEAN", CYPHER_TYPE_BOOLEAN}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (slice_has_prefix(name, slice_from_text(types[i].name))) return types[i].type;
    return CYPHER_TYPE_ANY;
}

static char *text_of(struct tck_procedures *procedures, const char *from, const char *end) {
    char *text = arena_alloc(&procedures->arena, (size_t)(end - from) + 1, 1);
    if (!text) abort();
    memcpy(text, from, (size_t)(end - from));
    text[end - from] = '\0';
    return text;
}

/* name :: TYPE, name :: TYPE up to the bracket; NULL if there is none. */
static const char *fields_of(struct tck_procedures *procedures, const char *at, const struct cypher_field **fields,
                             uint32_t *count) {
    enum { FIELDS_MAX = 8 };
    struct cypher_field *list =
        arena_alloc(&procedures->arena, FIELDS_MAX * sizeof *list, _Alignof(struct cypher_field));
    const char *end = strchr(at, ')');
    if (!list) abort();
    *fields = list;
    *count = 0;
    while (end && at < end && *count < FIELDS_MAX) {
        const char *colons = strstr(at, " :: ");
        if (!colons || colons > end) break;
        list[*count].name = text_of(procedures, at, colons);
        list[(*count)++].type = type_of(slice_from_text(colons + 4));
        const char *comma = strchr(colons, ',');
        at = comma && comma < end ? comma + 2 : end;
    }
    return end ? end + 1 : NULL;
}

bool tck_procedures_add(struct tck_procedures *procedures, struct slice signature, const struct tck_table *table) {
    if (procedures->count == TCK_PROCEDURES_MAX) return false;
    const char *text = text_of(procedures, (const char *)signature.data, (const char *)signature.data + signature.size);
    const char *open = strchr(text, '(');
    struct cypher_procedure *procedure = &procedures->items[procedures->count];
    if (!open) return false;
    procedure->name = text_of(procedures, text, open);
    const char *rest = fields_of(procedures, open + 1, &procedure->arguments, &procedure->argument_count);
    const char *results = rest ? strchr(rest, '(') : NULL;
    if (!results || !fields_of(procedures, results + 1, &procedure->fields, &procedure->field_count)) return false;
    procedure->fewest_arguments = procedure->argument_count;
    procedures->tables[procedures->count++] = *table;
    return true;
}

static const struct cypher_procedure *find(void *context, struct slice name) {
    const struct tck_procedures *procedures = context;
    for (uint32_t i = 0; i < procedures->count; i++)
        if (slice_equal(name, slice_from_text(procedures->items[i].name))) return &procedures->items[i];
    return NULL;
}

struct cypher_catalogue tck_procedures_catalogue(struct tck_procedures *procedures) {
    return (struct cypher_catalogue){.find = find, .context = procedures};
}

/* --- the subject --- */

static void checker_clear(void *context) {
    tck_procedures_clear(context);
}

static bool checker_procedure(void *context, struct slice signature, const struct tck_table *table) {
    return tck_procedures_add(context, signature, table);
}

static bool is_given(const struct tck_parameter *parameters, size_t count, struct slice name) {
    for (size_t i = 0; i < count; i++)
        if (slice_equal(parameters[i].name, name)) return true;
    return false;
}

static void checker_run(void *context, struct slice query, const struct tck_parameter *parameters, size_t count,
                        struct tck_result *result) {
    const struct cypher_catalogue catalogue = tck_procedures_catalogue(context);
    const struct cypher_place start = {1, 1};
    struct plan plan;
    result->outcome = TCK_NOT_RUN;
    result->at_compile_time = true;
    if (cypher_prepare(&result->arena, query, &catalogue, &plan, &result->fault) != STATUS_OK) {
        result->outcome = TCK_FAULT;
        return;
    }
    for (uint32_t i = 0; i < plan.statement->parameter_count; i++) {
        if (is_given(parameters, count, plan.statement->parameters[i])) continue;
        cypher_fault_set(&result->fault, CYPHER_FAULT_MISSING_PARAMETER, start, "a parameter is missing");
        result->outcome = TCK_FAULT;
    }
}

struct tck_subject tck_checker(struct tck_procedures *procedures) {
    return (struct tck_subject){
        .context = procedures, .clear = checker_clear, .run = checker_run, .procedure = checker_procedure};
}
