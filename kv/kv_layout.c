/* kv_layout: see kv_layout.h. Names, and the meanings that FORMAT.md prints. */
#include "kv/kv_layout.h"

#include <inttypes.h>
#include <stdio.h>

#include "kv/kv.h"

static const char *kind_name(uint64_t kind) {
    return kv_op_kind_name((enum kv_op_kind)kind);
}
static const char *origin_name(uint64_t origin) {
    return origin ? kv_origin_name((enum kv_origin)origin) : NULL;
}
static void say_origin(uint64_t origin, unsigned i, char words[FIELD_WORDS_BYTES]) {
    (void)i;
    snprintf(words, FIELD_WORDS_BYTES, "%" PRIu64 "%s%s", origin, origin ? ": " : "",
             origin ? origin_name(origin) : "");
}

static const struct layout_name flags[] = {
    {KV_NX, "NX", NULL},
    {KV_XX, "XX", NULL},
    {KV_GET, "GET", NULL},
    {KV_KEEP_TTL, "KEEP_TTL", NULL},
    {KV_GT, "GT", NULL},
    {KV_LT, "LT", NULL},
    {KV_REPLACE, "REPLACE", NULL},
    {KV_PERSIST, "PERSIST", NULL},
    {KV_EXPIRE_IN, "EXPIRE_IN", NULL},
    {KV_EXPIRE_AT, "EXPIRE_AT", NULL},
    {KV_REPLY_INTEGER, "REPLY_INTEGER", NULL},
    {KV_SECONDS, "SECONDS", NULL},
    {.name = NULL},
};
static const struct layout_row rows[] = {
    {"version", LAYOUT_U8, .meaning = "1"},
    {"operation", LAYOUT_U8, LAYOUT_AS_NAMED, .name_of = kind_name, .names_last = KV_OP_REAP, .other = "unknown",
     .meaning = "the kind"},
    {"flags", LAYOUT_VARINT, LAYOUT_AS_HEX_FLAGS, .names = flags, .meaning = "at most 32 bits"},
    {"origin", LAYOUT_U8, .say = say_origin, .name_of = origin_name, .names_last = KV_ORIGIN_PEXPIREAT,
     .meaning = "whose name stands in \"invalid expire time in '%s' command\"; 0 where none can"},
    {"number", LAYOUT_ZIGZAG, .meaning = "expiry in ms, increment, offset, limit: by kind"},
    {"arguments", LAYOUT_VARINT, .meaning = "number of arguments, at most 2^20"},
    {"argument", LAYOUT_CODE, .text = "string each", .meaning = "keys and values, in the order of the command"},
    {.name = NULL},
};
const struct layout kv_operation_layout = {.name = "operation of kv", .rows = rows};
