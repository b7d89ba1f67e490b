/* columns: heads; see columns.h. Rows: graph/rows_text.c. */
#include "graph/columns.h"

#include <strings.h>

static bool is_word(struct slice text, const char *word) {
    return text.size == strlen(word) && strncasecmp((const char *)text.data, word, text.size) == 0;
}

static bool ends_with(struct slice text, char end) {
    return text.size > 0 && text.data[text.size - 1] == (uint8_t)end;
}

/* Where the last such byte stands; false if there is none. */
static bool find_last(struct slice text, char byte, size_t *at) {
    for (size_t i = text.size; i > 0; i--)
        if (text.data[i - 1] == (uint8_t)byte) {
            *at = i - 1;
            return true;
        }
    return false;
}

/* Cuts "...X inner Y" into what stands before X and the inner part; false if the text does not end so. */
static bool cut_brackets(struct slice *text, char open, char close, struct slice *inner) {
    size_t at;
    if (!ends_with(*text, close) || !find_last(*text, open, &at)) return false;
    *inner = slice_make(text->data + at + 1, text->size - at - 2);
    text->size = at;
    return true;
}

static enum status fault(struct error *error, struct slice head, const char *what) {
    return error_set(error, STATUS_INVALID, "column '%.*s': %s", (int)(head.size < 200 ? head.size : 200),
                     head.size ? (const char *)head.data : "", what);
}

/* ---- Types ------------------------------------------------------------------------------------------------------- */

static bool find_tag(struct slice text, enum graph_property_tag *tag) {
    static const struct {
        const char *word;
        enum graph_property_tag tag;
    } words[] = {
        {"string", GRAPH_PROPERTY_STRING},   {"char", GRAPH_PROPERTY_STRING},  {"int", GRAPH_PROPERTY_INTEGER},
        {"integer", GRAPH_PROPERTY_INTEGER}, {"long", GRAPH_PROPERTY_INTEGER}, {"short", GRAPH_PROPERTY_INTEGER},
        {"byte", GRAPH_PROPERTY_INTEGER},    {"float", GRAPH_PROPERTY_FLOAT},  {"double", GRAPH_PROPERTY_FLOAT},
        {"boolean", GRAPH_PROPERTY_TRUE},    {"bool", GRAPH_PROPERTY_TRUE},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (is_word(text, words[i].word)) {
            *tag = words[i].tag;
            return true;
        }
    return false;
}

static enum status parse_type(struct graph_column *column, struct slice type, struct error *error) {
    if (type.size >= 2 && memcmp(type.data + type.size - 2, "[]", 2) == 0) {
        column->is_list = true;
        type.size -= 2;
    }
    if (!find_tag(type, &column->tag)) return fault(error, column->head, "its type is not known");
    if (column->name.size == 0) return fault(error, column->head, "a property has a name");
    return STATUS_OK;
}

/* ---- Heads ------------------------------------------------------------------------------------------------------- */

static bool find_role(struct slice text, enum graph_column_role *role) {
    static const struct {
        const char *word;
        enum graph_column_role role;
    } words[] = {
        {"ID", GRAPH_COLUMN_ID},          {"LABEL", GRAPH_COLUMN_LABELS},   {"LABELS", GRAPH_COLUMN_LABELS},
        {"TYPE", GRAPH_COLUMN_TYPE},      {"START_ID", GRAPH_COLUMN_START}, {"END_ID", GRAPH_COLUMN_END},
        {"IGNORE", GRAPH_COLUMN_IGNORED},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (is_word(text, words[i].word)) {
            *role = words[i].role;
            return true;
        }
    return false;
}

static bool names_end(enum graph_column_role role) {
    return role == GRAPH_COLUMN_ID || role == GRAPH_COLUMN_START || role == GRAPH_COLUMN_END;
}

/* "{id-type:int}" */
static enum status parse_settings(struct graph_column *column, struct slice settings, struct error *error) {
    size_t at;
    if (!find_last(settings, ':', &at) || !is_word(slice_make(settings.data, at), "id-type") ||
        !find_tag(slice_from(settings, at + 1), &column->tag) || column->role != GRAPH_COLUMN_ID ||
        (column->tag != GRAPH_PROPERTY_INTEGER && column->tag != GRAPH_PROPERTY_STRING))
        return fault(error, column->head, "only {id-type:int} and {id-type:string} of :ID are known here");
    return STATUS_OK;
}

/* What stands behind the last ':' is a role, perhaps with (space) and {settings}. */
static enum status parse_role(struct graph_column *column, struct slice name, bool has_space, struct slice space,
                              bool has_settings, struct slice settings, struct error *error) {
    const bool may_have_name = column->role == GRAPH_COLUMN_ID || column->role == GRAPH_COLUMN_IGNORED;
    if (name.size > 0 && !may_have_name) return fault(error, column->head, "only :ID may have a name before it");
    if (has_space && !names_end(column->role)) return fault(error, column->head, "only ids have a (space)");
    if (memchr(space.size ? (const char *)space.data : "", '\0', space.size))
        return fault(error, column->head, "a space's name holds no NUL");
    column->name = name;
    column->space = space;
    return has_settings ? parse_settings(column, settings, error) : STATUS_OK;
}

/* ":LABEL=A" and ":TYPE=T"; OK and *is_one = false for any other head. */
static enum status parse_constant(struct graph_column *column, bool *is_one, struct error *error) {
    const uint8_t *equals = column->head.size ? memchr(column->head.data, '=', column->head.size) : NULL;
    *is_one = column->head.size > 0 && column->head.data[0] == ':' && equals;
    if (!*is_one) return STATUS_OK;
    const size_t size = (size_t)(equals - column->head.data);
    const bool known = find_role(slice_make(column->head.data + 1, size - 1), &column->role);
    if (!known || (column->role != GRAPH_COLUMN_LABELS && column->role != GRAPH_COLUMN_TYPE))
        return fault(error, column->head, "only :LABEL= and :TYPE= are the same for every row");
    column->is_constant = true;
    column->constant = slice_from(column->head, size + 1);
    return STATUS_OK;
}

static enum status parse_head(struct graph_column *column, struct error *error) {
    bool is_constant = false;
    enum status status = parse_constant(column, &is_constant, error);
    if (status != STATUS_OK || is_constant) return status;
    struct slice text = column->head, space = {0}, settings = {0};
    size_t colon;
    const bool has_settings = cut_brackets(&text, '{', '}', &settings);
    const bool has_space = cut_brackets(&text, '(', ')', &space);
    if (find_last(text, ':', &colon) && find_role(slice_from(text, colon + 1), &column->role))
        return parse_role(column, slice_make(text.data, colon), has_space, space, has_settings, settings, error);
    column->role = GRAPH_COLUMN_PROPERTY;
    column->name = column->head;
    if (!find_last(column->head, ':', &colon))
        return column->head.size ? STATUS_OK
                                 : fault(error, column->head, "a column has a name (:IGNORE leaves it out)");
    column->name.size = colon;
    return parse_type(column, slice_from(column->head, colon + 1), error);
}

/* ---- All of them ------------------------------------------------------------------------------------------------- */

static bool clashes(const struct graph_column *a, const struct graph_column *b) {
    if (a->role == GRAPH_COLUMN_IGNORED || b->role == GRAPH_COLUMN_IGNORED) return false;
    const bool same_name = a->name.size > 0 && slice_equal(a->name, b->name);
    const bool may_repeat = a->role == GRAPH_COLUMN_PROPERTY || a->role == GRAPH_COLUMN_LABELS;
    return same_name || (a->role == b->role && !may_repeat);
}

static enum status check_roles(struct graph_columns *columns, const struct slice head, struct error *error) {
    unsigned seen = 0;
    for (size_t i = 0; i < columns->count; i++) seen |= 1u << columns->items[i].role;
    const unsigned ends = 1u << GRAPH_COLUMN_START | 1u << GRAPH_COLUMN_END;
    const bool nodes = seen & 1u << GRAPH_COLUMN_ID;
    columns->is_edges = seen & ends;
    if (!nodes && (seen & ends) != ends)
        return fault(error, head, "columns of nodes have an :ID, those of edges a :START_ID and an :END_ID");
    if (nodes && columns->is_edges) return fault(error, head, ":ID is of nodes, :START_ID and :END_ID of edges");
    if (nodes && (seen & 1u << GRAPH_COLUMN_TYPE)) return fault(error, head, ":TYPE is of edges");
    if (columns->is_edges && (seen & 1u << GRAPH_COLUMN_LABELS)) return fault(error, head, ":LABEL is of nodes");
    if (columns->is_edges && !(seen & 1u << GRAPH_COLUMN_TYPE)) return fault(error, head, "edges have a :TYPE");
    return STATUS_OK;
}

enum status graph_columns_parse(struct graph_columns *columns, const struct slice *heads, size_t count,
                                struct error *error) {
    columns->count = columns->field_count = 0;
    if (count == 0 || count > GRAPH_COLUMNS_MAX)
        return error_set(error, STATUS_INVALID, "%zu columns; 1 to %d are allowed", count, GRAPH_COLUMNS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct graph_column *column = &columns->items[i];
        *column = (struct graph_column){.tag = GRAPH_PROPERTY_STRING, .head = heads[i]};
        enum status status = parse_head(column, error);
        if (status != STATUS_OK) return status;
        for (size_t j = 0; j < i; j++)
            if (clashes(column, &columns->items[j])) return fault(error, column->head, "there is one like it already");
        if (column->name.size > GRAPH_NAME_MAX_BYTES) return fault(error, column->head, "its name is too long");
        if (!column->is_constant) columns->field_count++;
    }
    columns->count = count;
    return check_roles(columns, heads[0], error);
}
