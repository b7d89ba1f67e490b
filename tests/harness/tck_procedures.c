#include "tests/harness/tck_procedures.h"

#include <stdio.h>
#include <stdlib.h>

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

/* --- running: rows of the table whose first cells are the arguments --- */

/* null, 'text' without escapes, or a number. */
static struct value value_of(struct slice cell) {
    char text[64];
    if (cell.size >= 2 && cell.data[0] == '\'') return value_string(slice_make(cell.data + 1, cell.size - 2));
    snprintf(text, sizeof text, "%.*s", (int)cell.size, (const char *)cell.data);
    if (strcmp(text, "null") == 0) return value_null();
    return strchr(text, '.') ? value_float(strtod(text, NULL)) : value_integer(strtoll(text, NULL, 10));
}

static enum status table_open(struct procedure_call *call, void **state) {
    size_t *row = value_alloc(call->arena, sizeof *row);
    if (!row) return STATUS_NO_MEMORY;
    *row = 0;
    *state = row;
    return STATUS_OK;
}

static bool row_fits(const struct procedure_call *call, const struct slice *cells) {
    for (uint32_t i = 0; i < call->argument_count; i++)
        if (!value_equivalent(call->arguments[i], value_of(cells[i]))) return false;
    return true;
}

static enum status table_step(struct procedure_call *call, void *state, struct value *fields) {
    const struct tck_table *table = &((const struct tck_procedure *)(const void *)call->procedure)->table;
    const struct cypher_procedure *head = &call->procedure->head;
    size_t *row = state;
    while (++*row < table->rows) {
        const struct slice *cells = table->cells + *row * table->columns;
        if (!row_fits(call, cells)) continue;
        if (head->field_count == 0) return STATUS_END;
        for (uint32_t i = 0; i < head->field_count; i++) fields[i] = value_of(cells[call->argument_count + i]);
        return STATUS_OK;
    }
    return STATUS_END;
}

bool tck_procedures_add(struct tck_procedures *procedures, struct slice signature, const struct tck_table *table) {
    if (procedures->count == TCK_PROCEDURES_MAX) return false;
    const char *text = text_of(procedures, (const char *)signature.data, (const char *)signature.data + signature.size);
    const char *open = strchr(text, '(');
    if (!open) return false;
    struct tck_procedure *added = &procedures->items[procedures->count];
    *added = (struct tck_procedure){.procedure = {.open = table_open, .step = table_step}, .table = *table};
    struct cypher_procedure *head = &added->procedure.head;
    head->name = text_of(procedures, text, open);
    const char *rest = fields_of(procedures, open + 1, &head->arguments, &head->argument_count);
    const char *results = rest ? strchr(rest, '(') : NULL;
    if (!results || !fields_of(procedures, results + 1, &head->fields, &head->field_count)) return false;
    head->fewest_arguments = head->argument_count;
    procedures->count++;
    return true;
}

static const struct cypher_procedure *find(void *context, struct slice name) {
    const struct tck_procedures *procedures = context;
    for (uint32_t i = 0; i < procedures->count; i++)
        if (slice_equal(name, slice_from_text(procedures->items[i].procedure.head.name)))
            return &procedures->items[i].procedure.head;
    return NULL;
}

struct cypher_catalogue tck_procedures_catalogue(struct tck_procedures *procedures) {
    return (struct cypher_catalogue){.find = find, .context = procedures};
}
