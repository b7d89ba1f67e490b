/* restore_args: see restore_args.h. Numbers in front of rows are checked against the arguments that are there. */
#include "tools/loamd/restore_args.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/base/decimal.h"
#include "tsdb/tsdb.h"

#define ORDINARY_NAN UINT64_C(0x7ff8000000000000)

/* ---- Floats ------------------------------------------------------------------------------------------------------ */

static uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

size_t exact_double_format(double value, char text[EXACT_DOUBLE_BYTES]) {
    if (!isnan(value) || bits_of(value) == ORDINARY_NAN) {
        char digits[TSDB_VALUE_TEXT_BYTES];
        const size_t size = isnan(value) ? 3 : tsdb_format_value(value, digits);
        (void)snprintf(text, EXACT_DOUBLE_BYTES, "%s", isnan(value) ? "nan" : digits);
        return size;
    }
    return (size_t)snprintf(text, EXACT_DOUBLE_BYTES, "nan:%016" PRIx64, bits_of(value));
}

static bool parse_bits(struct slice digits, uint64_t *bits) {
    *bits = 0;
    for (size_t i = 0; i < digits.size; i++) {
        static const char hexadecimal[] = "0123456789abcdef";
        const char *digit = digits.data[i] ? strchr(hexadecimal, digits.data[i]) : NULL;
        if (digit == NULL) return false;
        *bits = *bits << 4 | (uint64_t)(digit - hexadecimal);
    }
    return digits.size == 16;
}

bool exact_double_parse(struct slice text, double *value) {
    static const struct slice prefix = {.data = (const uint8_t *)"nan:", .size = 4};
    uint64_t bits = ORDINARY_NAN;
    if (slice_has_prefix(text, prefix)) {
        double parsed;
        if (!parse_bits(slice_from(text, prefix.size), &bits)) return false;
        memcpy(&parsed, &bits, sizeof parsed);
        if (!isnan(parsed) || bits == ORDINARY_NAN) return false;
        *value = parsed;
    } else if (slice_equal(text, slice_from_text("nan"))) {
        memcpy(value, &bits, sizeof bits);
    } else if (slice_equal(text, slice_from_text("inf"))) {
        *value = HUGE_VAL;
    } else if (slice_equal(text, slice_from_text("-inf"))) {
        *value = -HUGE_VAL;
    } else {
        return tsdb_parse_value(text, value);
    }
    return true;
}

/* ---- Arguments --------------------------------------------------------------------------------------------------- */

static bool refuse(struct restore_args *from, const char *why) {
    from->why = why;
    return false;
}

bool restore_take_text(struct restore_args *from, struct slice *text) {
    if (from->at >= from->count) return refuse(from, "more arguments are expected");
    *text = from->args[from->at++];
    return true;
}

bool restore_take_number(struct restore_args *from, uint64_t *number) {
    int64_t value = 0;
    if (from->at >= from->count) return refuse(from, "more arguments are expected");
    if (!decimal_parse(from->args[from->at], &value) || value < 0) return refuse(from, "a number is expected");
    from->at++;
    *number = (uint64_t)value;
    return true;
}

/* A number of things of which each takes `each` arguments at least. */
static bool take_count(struct restore_args *from, size_t each, size_t *count) {
    uint64_t number = 0;
    if (!restore_take_number(from, &number)) return false;
    if (number > (from->count - from->at) / each) {
        from->at--;
        return refuse(from, "a number is larger than the arguments behind it allow");
    }
    *count = (size_t)number;
    return true;
}

static bool take_scalar(struct restore_args *from, struct buf *to, enum status *status) {
    static const char expected[] = "a value is expected: :INTEGER, ,FLOAT, #t, #f, $TEXT, or *N and N of these";
    struct slice text;
    int64_t integer = 0;
    double number = 0;
    if (!restore_take_text(from, &text)) return false;
    const struct slice content = text.size ? slice_from(text, 1) : text;
    const char kind = text.size ? (char)text.data[0] : '\0';
    const bool is_boolean = kind == '#' && content.size == 1 && (content.data[0] == 't' || content.data[0] == 'f');
    const bool fits = kind == '$' || is_boolean || (kind == ':' && decimal_parse(content, &integer)) ||
                      (kind == ',' && exact_double_parse(content, &number));
    if (!fits) {
        from->at--;
        return refuse(from, expected);
    }
    if (to == NULL) return true;
    if (kind == '$') *status = graph_property_encode_string(to, content);
    if (kind == '#') *status = graph_property_encode_boolean(to, content.data[0] == 't');
    if (kind == ':') *status = graph_property_encode_integer(to, integer);
    if (kind == ',') *status = graph_property_encode_float(to, number);
    return *status == STATUS_OK;
}

bool restore_take_value(struct restore_args *from, struct buf *to, enum status *status) {
    int64_t count = 0;
    *status = STATUS_OK;
    if (from->at >= from->count) return refuse(from, "more arguments are expected");
    const struct slice text = from->args[from->at];
    if (text.size == 0 || text.data[0] != '*') return take_scalar(from, to, status);
    if (!decimal_parse(slice_from(text, 1), &count) || count < 0 ||
        (uint64_t)count > (uint64_t)(from->count - from->at - 1))
        return refuse(from, "a list's number of items is wrong");
    from->at++;
    if (to != NULL) *status = graph_property_encode_list_head(to, (uint64_t)count);
    bool good = *status == STATUS_OK;
    for (int64_t i = 0; good && i < count; i++) good = take_scalar(from, to, status);
    return good;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static bool take_properties(struct restore_args *from, size_t *count, struct restore_args *properties) {
    struct slice key;
    enum status status;
    if (!take_count(from, 2, count)) return false;
    *properties = *from;
    for (size_t i = 0; i < *count; i++)
        if (!restore_take_text(from, &key) || !restore_take_value(from, NULL, &status)) return false;
    return true;
}

static bool take_hole(struct restore_args *from) {
    const bool is_hole = from->at < from->count && slice_equal(from->args[from->at], slice_from_text("-"));
    from->at += is_hole;
    return is_hole;
}

bool restore_take_node(struct restore_args *from, struct restore_node *node) {
    *node = (struct restore_node){.label_count = 0};
    if (!restore_take_text(from, &node->external)) return false;
    node->is_hole = take_hole(from);
    if (node->is_hole) return node->external.size ? refuse(from, "a hole has no external id") : true;
    if (!take_count(from, 1, &node->label_count)) return false;
    node->labels = from->args + from->at;
    from->at += node->label_count;
    return take_properties(from, &node->property_count, &node->properties);
}

bool restore_take_edge(struct restore_args *from, struct restore_edge *edge) {
    *edge = (struct restore_edge){.source = 0};
    edge->is_hole = take_hole(from);
    if (edge->is_hole) {
        const bool good = restore_take_number(from, &edge->source);
        edge->destination = edge->source;
        return good;
    }
    return restore_take_number(from, &edge->source) && restore_take_number(from, &edge->destination) &&
           restore_take_text(from, &edge->type) && take_properties(from, &edge->property_count, &edge->properties);
}

/* ---- Forms ------------------------------------------------------------------------------------------------------- */

static const char *const form_names[RESTORE_FORMS] = {
    [RESTORE_GRAPH] = "GRAPH",
    [RESTORE_LABELS] = "LABELS",
    [RESTORE_TYPES] = "TYPES",
    [RESTORE_KEYS] = "KEYS",
    [RESTORE_NODES] = "NODES",
    [RESTORE_EDGES] = "EDGES",
    [RESTORE_NODE_HOLES] = "NODE_HOLES",
    [RESTORE_EDGE_HOLES] = "EDGE_HOLES",
    [RESTORE_DROP] = "DROP",
};

const char *restore_form_name(enum restore_form form) {
    return form_names[form];
}

static bool find_form(struct slice word, enum restore_form *form) {
    for (size_t i = 0; i < RESTORE_FORMS; i++) {
        const bool is_it =
            word.size == strlen(form_names[i]) && strncasecmp((const char *)word.data, form_names[i], word.size) == 0;
        *form = (enum restore_form)i;
        if (is_it) return true;
    }
    return false;
}

static bool read_numbers(struct restore_command *command) {
    struct restore_args *rows = &command->rows;
    switch (command->form) {
    case RESTORE_GRAPH: return true;
    case RESTORE_LABELS:
    case RESTORE_TYPES:
    case RESTORE_KEYS:
        if (!restore_take_number(rows, &command->first)) return false;
        command->count = rows->count - rows->at;
        return command->count > 0 ? true : refuse(rows, "words are expected");
    case RESTORE_DROP: return restore_take_number(rows, &command->first);
    default: break;
    }
    if (!restore_take_number(rows, &command->first) || !restore_take_number(rows, &command->count)) return false;
    if (command->count == 0) return refuse(rows, "a number above 0 is expected");
    if (command->first > (uint64_t)INT64_MAX - command->count) return refuse(rows, "the ids are too large");
    return command->form == RESTORE_EDGE_HOLES ? restore_take_number(rows, &command->node) : true;
}

bool restore_command_read(const struct slice *args, size_t count, struct restore_command *command, const char **why) {
    *command = (struct restore_command){.rows = {.args = args, .count = count, .at = 3}};
    *why = "GRAPH, LABELS, TYPES, KEYS, NODES, EDGES, NODE_HOLES, EDGE_HOLES or DROP is expected";
    if (count < 3 || !find_form(args[2], &command->form)) return false;
    const bool good = read_numbers(command);
    const bool has_rows = command->form == RESTORE_NODES || command->form == RESTORE_EDGES ||
                          (command->form >= RESTORE_LABELS && command->form <= RESTORE_KEYS);
    *why = good ? "there are more arguments than expected" : command->rows.why;
    return good && (has_rows || command->rows.at == count);
}
