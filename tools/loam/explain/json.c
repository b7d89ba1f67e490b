/* json: see json.h. */
#include "tools/loam/explain/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/inspect/row_text.h"
#include "tools/loam/json_text.h"

void json_note(struct json *json, enum status status) {
    if (json->status == STATUS_OK) json->status = status;
}

static void put(struct json *json, const char *text) {
    json_note(json, buf_append_slice(json->to, slice_from_text(text)));
}

static void begin_member(struct json *json, const char *name) {
    if (json->goes_on) put(json, ",");
    json->goes_on = true;
    if (!name) return;
    json_note(json, json_text_append(json->to, name));
    put(json, ":");
}

void json_begin(struct json *json, struct buf *to) {
    *json = (struct json){.to = to};
    put(json, "{");
}

enum status json_end(struct json *json) {
    put(json, "}\n");
    return json->status;
}

void json_text(struct json *json, const char *name, const char *text) {
    begin_member(json, name);
    json_note(json, json_text_append(json->to, text));
}

/* A text with its end. */
static void add_bytes(struct json *json, struct slice bytes) {
    char *text = malloc(bytes.size + 1);
    if (!text) {
        json_note(json, STATUS_NO_MEMORY);
        return;
    }
    for (size_t i = 0; i < bytes.size; i++) text[i] = (char)(bytes.data[i] ? bytes.data[i] : '?');
    text[bytes.size] = 0;
    json_note(json, json_text_append(json->to, text));
    free(text);
}

void json_buf(struct json *json, const char *name, const struct buf *text) {
    begin_member(json, name);
    add_bytes(json, slice_make(text->data, text->size));
}

void json_number(struct json *json, const char *name, uint64_t number) {
    begin_member(json, name);
    json_note(json, buf_append_format(json->to, "%" PRIu64, number));
}

void json_integer(struct json *json, const char *name, int64_t number) {
    begin_member(json, name);
    json_note(json, buf_append_format(json->to, "%" PRId64, number));
}

void json_real(struct json *json, const char *name, double number) {
    begin_member(json, name);
    json_note(json, buf_append_format(json->to, "%.3f", number));
}

void json_bool(struct json *json, const char *name, bool value) {
    begin_member(json, name);
    put(json, value ? "true" : "false");
}

void json_slice(struct json *json, const char *name, struct slice key, const struct row_describer *rows) {
    struct buf words = BUF_EMPTY;
    json_note(json, key_text_append(&words, rows, key, NULL));
    json_buf(json, name, &words);
    buf_deinit(&words);
    begin_member(json, NULL);
    json_note(json, buf_append_format(json->to, "\"%s_hex\":\"", name));
    for (size_t i = 0; i < key.size; i++) json_note(json, buf_append_format(json->to, "%02x", key.data[i]));
    put(json, "\"");
}

void json_lines(struct json *json, const char *name, const struct buf *text) {
    json_open_array(json, name);
    for (size_t at = 0; at < text->size;) {
        const uint8_t *end = memchr(text->data + at, '\n', text->size - at);
        const size_t size = end ? (size_t)(end - text->data) - at : text->size - at;
        struct slice line = slice_make(text->data + at, size);
        while (line.size > 0 && line.data[0] == ' ') line = slice_from(line, 1);
        begin_member(json, NULL);
        add_bytes(json, line);
        at += size + 1;
    }
    json_close_array(json);
}

void json_open_array(struct json *json, const char *name) {
    begin_member(json, name);
    put(json, "[");
    json->goes_on = false;
}

void json_close_array(struct json *json) {
    put(json, "]");
    json->goes_on = true;
}

void json_open_object(struct json *json, const char *name) {
    begin_member(json, name);
    put(json, "{");
    json->goes_on = false;
}

void json_close_object(struct json *json) {
    put(json, "}");
    json->goes_on = true;
}
