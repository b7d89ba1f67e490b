/*
 * json: an object of JSON, member by member, appended to a buf. Failures (NO_MEMORY) are kept until json_end. Bytes
 * that are no ASCII text stand as \xHH in strings, as everywhere in the toolbox.
 */
#ifndef TOOLS_LOAM_EXPLAIN_JSON_H
#define TOOLS_LOAM_EXPLAIN_JSON_H

#include "tools/loam/inspect/describers.h"

struct json {
    struct buf *to; /* borrowed */
    bool goes_on;   /* a comma comes first */
    enum status status;
};

void json_begin(struct json *json, struct buf *to);
/* Ends the object with a line end. */
MUST_CHECK enum status json_end(struct json *json);
void json_note(struct json *json, enum status status);

void json_text(struct json *json, const char *name, const char *text);
void json_buf(struct json *json, const char *name, const struct buf *text);
void json_number(struct json *json, const char *name, uint64_t number);
void json_integer(struct json *json, const char *name, int64_t number);
void json_real(struct json *json, const char *name, double number); /* with three digits behind the point */
void json_bool(struct json *json, const char *name, bool value);
/* A key in the words of its tree (rows NULL: in quotes), and its bytes as `name`_hex. */
void json_slice(struct json *json, const char *name, struct slice key, const struct row_describer *rows);
/* An array of the text's lines. */
void json_lines(struct json *json, const char *name, const struct buf *text);

/* "name":[ .. ] and { .. } in between. */
void json_open_array(struct json *json, const char *name);
void json_close_array(struct json *json);
void json_open_object(struct json *json, const char *name); /* NULL: an item of an array */
void json_close_object(struct json *json);

#endif
