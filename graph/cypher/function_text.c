/*
 * function_text: functions of strings. Lengths and positions count characters. A byte sequence that is no UTF-8 counts
 * as it can: every byte that does not continue a character begins one.
 */
#include "graph/cypher/function.h"
#include "graph/cypher/letter_case.h"

static bool begins_character(uint8_t byte) {
    return (byte & 0xC0) != 0x80;
}

/* Where the character behind the one at `at` begins. */
static size_t character_end(struct slice text, size_t at) {
    at++;
    while (at < text.size && !begins_character(text.data[at])) at++;
    return at;
}

size_t function_text_length(struct slice text) {
    size_t count = 0;
    for (size_t at = 0; at < text.size; at = character_end(text, at)) count++;
    return count;
}

/* Byte position of a character, at most the end. */
static size_t character_position(struct slice text, uint64_t index) {
    size_t at = 0;
    for (uint64_t i = 0; i < index && at < text.size; i++) at = character_end(text, at);
    return at;
}

static enum status part(struct slice text, size_t from, size_t to, struct value *value) {
    *value = value_string(slice_make(text.size ? text.data + from : NULL, to - from));
    return STATUS_OK;
}

enum status function_reverse_text(struct evaluation *evaluation, struct slice text, struct value *value) {
    enum status status;
    uint8_t *bytes = evaluation_alloc(evaluation, text.size, 1, &status);
    if (!bytes) return status;
    for (size_t at = 0; at < text.size;) {
        size_t end = character_end(text, at);
        memcpy(bytes + text.size - end, text.data + at, end - at);
        at = end;
    }
    *value = value_string(slice_make(bytes, text.size));
    return STATUS_OK;
}

/* --- parts --- */

static enum status refuse_negative(struct evaluation *evaluation, const struct function_call *call, uint32_t argument) {
    return cypher_fault_set(
        evaluation->fault, CYPHER_FAULT_ARGUMENT_RANGE, call->expr->call.arguments.items[argument]->place,
        "%s() takes no negative length or position", cypher_functions[call->expr->call.function].name);
}

enum status function_left(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    if (call->arguments[1].integer < 0) return refuse_negative(evaluation, call, 1);
    struct slice text = call->arguments[0].text;
    return part(text, 0, character_position(text, (uint64_t)call->arguments[1].integer), value);
}

enum status function_right(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    if (call->arguments[1].integer < 0) return refuse_negative(evaluation, call, 1);
    struct slice text = call->arguments[0].text;
    uint64_t length = function_text_length(text), wanted = (uint64_t)call->arguments[1].integer;
    return part(text, character_position(text, wanted < length ? length - wanted : 0), text.size, value);
}

enum status function_substring(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    struct slice text = call->arguments[0].text;
    for (uint32_t i = 1; i < call->count; i++)
        if (call->arguments[i].integer < 0) return refuse_negative(evaluation, call, i);
    size_t from = character_position(text, (uint64_t)call->arguments[1].integer), to = text.size;
    if (call->count > 2) to = from + character_position(slice_from(text, from), (uint64_t)call->arguments[2].integer);
    return part(text, from, to, value);
}

/* --- blanks --- */

static bool is_blank(uint8_t byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static enum status trim(struct slice text, bool front, bool back, struct value *value) {
    size_t from = 0, to = text.size;
    while (front && from < to && is_blank(text.data[from])) from++;
    while (back && to > from && is_blank(text.data[to - 1])) to--;
    return part(text, from, to, value);
}

enum status function_trim(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    return trim(call->arguments[0].text, true, true, value);
}
enum status function_ltrim(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    return trim(call->arguments[0].text, true, false, value);
}
enum status function_rtrim(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    (void)evaluation;
    return trim(call->arguments[0].text, false, true, value);
}

/* --- searching --- */

/* Position of `what`, which is not empty, at or behind `at`; text.size if there is none. */
static size_t text_find(struct slice text, size_t at, struct slice what) {
    if (text.size - at < what.size) return text.size;
    const uint8_t *found = memmem(text.data + at, text.size - at, what.data, what.size);
    return found ? (size_t)(found - text.data) : text.size;
}

static size_t text_count(struct slice text, struct slice what) {
    size_t count = 0;
    for (size_t at = text_find(text, 0, what); at < text.size; at = text_find(text, at + what.size, what)) count++;
    return count;
}

enum status function_replace(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    struct slice text = call->arguments[0].text, from = call->arguments[1].text, to = call->arguments[2].text;
    *value = call->arguments[0];
    if (from.size == 0 || text.size == 0) return STATUS_OK;
    size_t count = text_count(text, from), grown;
    if (count == 0) return STATUS_OK;
    enum status status;
    if (__builtin_mul_overflow(count, to.size, &grown)) return evaluation_no_memory(evaluation);
    size_t size = text.size - count * from.size + grown, fill = 0, at = 0;
    uint8_t *bytes = evaluation_alloc(evaluation, size, 1, &status);
    if (!bytes) return status;
    for (size_t i = 0; i < count; i++) {
        size_t found = text_find(text, at, from);
        memcpy(bytes + fill, text.data + at, found - at);
        fill += found - at;
        if (to.size) memcpy(bytes + fill, to.data, to.size);
        fill += to.size;
        at = found + from.size;
    }
    memcpy(bytes + fill, text.data + at, text.size - at);
    *value = value_string(slice_make(bytes, size));
    return STATUS_OK;
}

static enum status split_characters(struct evaluation *evaluation, struct slice text, struct value *value) {
    enum status status;
    size_t count = function_text_length(text), at = 0;
    struct value *items = evaluation_alloc(evaluation, count, sizeof *items, &status);
    if (!items) return status;
    for (size_t i = 0; i < count; i++) {
        size_t end = character_end(text, at);
        items[i] = value_string(slice_make(text.data + at, end - at));
        at = end;
    }
    return evaluation_list(evaluation, items, count, value);
}

enum status function_split(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    struct slice text = call->arguments[0].text, by = call->arguments[1].text;
    if (by.size == 0 && text.size > 0) return split_characters(evaluation, text, value);
    enum status status;
    size_t count = 1 + (text.size ? text_count(text, by) : 0), at = 0;
    struct value *items = evaluation_alloc(evaluation, count, sizeof *items, &status);
    if (!items) return status;
    for (size_t i = 0; i + 1 < count; i++) {
        size_t found = text_find(text, at, by);
        items[i] = value_string(slice_make(text.data + at, found - at));
        at = found + by.size;
    }
    items[count - 1] = value_string(slice_from(text, at));
    return evaluation_list(evaluation, items, count, value);
}

/* --- case --- */

static enum status change_case(struct evaluation *evaluation, struct slice text, bool upper, struct value *value) {
    enum status status;
    size_t size = letter_case_change(text, upper, NULL);
    uint8_t *bytes = evaluation_alloc(evaluation, size, 1, &status);
    if (!bytes) return status;
    letter_case_change(text, upper, bytes);
    *value = value_string(slice_make(bytes, size));
    return STATUS_OK;
}

enum status function_to_lower(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    return change_case(evaluation, call->arguments[0].text, false, value);
}
enum status function_to_upper(struct evaluation *evaluation, const struct function_call *call, struct value *value) {
    return change_case(evaluation, call->arguments[0].text, true, value);
}
