/* write_trace_layout: see write_trace_layout.h. Names, and the meanings that FORMAT.md prints. */
#include "tools/loam/simulate/write_trace_layout.h"

#include "tools/loam/simulate/write_trace.h"

static const struct layout_name frame_kinds[] = {
    {TRACE_FRAME_WRITES, "writes", NULL}, {TRACE_FRAME_END, "end", NULL}, {.name = NULL}};

static const struct layout_row frame_rows[] = {
    {"magic", LAYOUT_MAGIC, .text = TRACE_MAGIC},
    {"version", LAYOUT_U16, .meaning = "1"},
    {"kind", LAYOUT_U16, LAYOUT_AS_NAMED, .names = frame_kinds, .other = "unknown", .meaning = "of the frame"},
    {"writes", LAYOUT_U32, .meaning = "in this frame; 0 in the last one"},
    {"trace", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "drawn when the recording began, one number in all frames"},
    {"number", LAYOUT_U64, .meaning = "of the frame, from 0 on"},
    {"writes before", LAYOUT_U64, .meaning = "of all frames before this one: what tells how many a lost frame held"},
    {"payload bytes", LAYOUT_U32, .meaning = "0 in the last one; at most 786432"},
    {"zero", LAYOUT_ZEROS, .size = 4},
    {"payload check", LAYOUT_CHECK, .text = "of all behind the header",
     .meaning = "`hash_long` of all bytes of the frame behind the header, the filling included; seed: "
                "`hash_mix(trace, number)`"},
    {"header check", LAYOUT_CHECK, .text = "of the 56 bytes before",
     .meaning = "XXH3 of the 56 bytes before; seed: the frame's offset in the file"},
    {.name = NULL},
};
const struct layout trace_frame_layout = {.name = "frame", .rows = frame_rows};

static const struct layout_name write_kinds[] = {{WRITE_PUT, "put", NULL},
                                                 {WRITE_DELETE, "delete", NULL},
                                                 {WRITE_DELETE_RANGE, "range delete", NULL},
                                                 {WRITE_MERGE, "merge", NULL},
                                                 {WRITE_APPEND, "append", NULL},
                                                 {WRITE_DROP_TREE, "drop of a tree", NULL},
                                                 {.name = NULL}};

static const struct layout_row write_rows[] = {
    {"kind", LAYOUT_U8, LAYOUT_AS_NAMED, .names = write_kinds, .other = "unknown", .meaning = "of the write"},
    {"tree", LAYOUT_VARINT, .meaning = "its number in the store, below 2^32"},
    {"time since the one before", LAYOUT_VARINT,
     .meaning =
         "milliseconds of log time since the write before; the first one of a frame: since 1970 (0 = not known)"},
    {"body", LAYOUT_CODE, .text = "by the kind", .meaning = "as below"},
    {.name = NULL},
};
const struct layout trace_write_layout = {.name = "write", .rows = write_rows};

#define KEY_ROWS                                                                                                       \
    {"bytes shared with the key before", LAYOUT_VARINT,                                                                \
     .meaning = "that the key has in common with that of the write before, in this frame, at its beginning: as many "  \
                "as there are"},                                                                                       \
    {                                                                                                                  \
        "rest of the key", LAYOUT_CODE, .text = "string", .meaning = "what of the key stands behind those"             \
    }

static const struct layout_row put_rows[] = {
    KEY_ROWS,
    {"value bytes", LAYOUT_VARINT, .meaning = "size of the value, at most 64 MiB"},
    {.name = NULL},
};
static const struct layout_row delete_rows[] = {KEY_ROWS, {.name = NULL}};
static const struct layout_row range_rows[] = {
    KEY_ROWS,
    {"end of the range", LAYOUT_CODE, .text = "string",
     .meaning = "the range's end, which is not in it; empty: the end of the tree"},
    {.name = NULL},
};

static const struct layout_case write_bodies[] = {
    {WRITE_PUT, "put", .rows = put_rows},
    {WRITE_DELETE, "delete", .rows = delete_rows},
    {WRITE_DELETE_RANGE, "range delete", .rows = range_rows},
    {WRITE_MERGE, "merge", .rows = put_rows},
    {WRITE_APPEND, "append", .rows = put_rows},
    {WRITE_DROP_TREE, "drop of a tree", .rows = NULL},
    {.name = NULL},
};
const struct layout trace_write_body_layout = {.name = "body of a write", .cases = write_bodies, .chosen_by = "kind"};
