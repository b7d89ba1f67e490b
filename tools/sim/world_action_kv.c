/*
 * world_action_kv: lists (APPEND answers the place of each write), sums (INCR does), registers, some of which are to
 * live for a fraction of a second, and pairs that are written as one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "tools/sim/world_action.h"

enum { LISTS = 3, SUMS = 2, REGISTERS = 4, BRIEF = 3, BRIEF_MS_MAX = 300, FILLER_MAX = 600, PLACE_BYTES = 8 };

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

/* A value that tells which write it is and whether it is whole: "token:" and filler that follows from it. */
static void add_value(struct world_command *command, uint64_t token) {
    char text[WORLD_ARG_BYTES];
    uint64_t state = hash_mix(token, 1);
    size_t at = (size_t)snprintf(text, sizeof text, "%" PRIu64 ":", token);
    for (size_t left = (size_t)(state % FILLER_MAX); left > 0; left--) {
        state = hash_mix(state, left);
        text[at++] = (char)('a' + state % 26);
    }
    text[at] = '\0';
    world_command_add(command, "%s", text);
}

static void make_append(const struct world_operation *operation, struct world_command *command) {
    world_command_add(command, "APPEND");
    world_command_add(command, "list%u", operation->key);
    world_command_add(command, "%08" PRIu64, operation->token);
}

static void make_read_list(const struct world_operation *operation, struct world_command *command) {
    world_command_add(command, "GET");
    world_command_add(command, "list%u", operation->key);
}

static void make_add(const struct world_operation *operation, struct world_command *command) {
    world_command_add(command, "INCR");
    world_command_add(command, "sum%u", operation->key);
}

static void make_read_sum(const struct world_operation *operation, struct world_command *command) {
    world_command_add(command, "GET");
    world_command_add(command, "sum%u", operation->key);
}

static void make_set(const struct world_operation *operation, struct world_command *command) {
    world_command_add(command, "SET");
    world_command_add(command, "register%u", operation->key);
    add_value(command, operation->token);
}

static void make_get(const struct world_operation *operation, struct world_command *command) {
    world_command_add(command, "GET");
    world_command_add(command, "register%u", operation->key);
}

static void draw_brief(struct world *world, struct prng *prng, struct world_operation *operation) {
    (void)prng;
    if (world_restarts_at_the_end(world)) operation->action = WORLD_SET;
}

/* Whether it is still there when the next one comes is for the log's time to say, alike on all nodes. */
static void make_set_briefly(const struct world_operation *operation, struct world_command *command) {
    world_command_add(command, "SET");
    world_command_add(command, "brief%u", operation->key);
    add_value(command, operation->token);
    world_command_add(command, "PX");
    world_command_add(command, "%u", 1 + (unsigned)(hash_mix(operation->token, 2) % BRIEF_MS_MAX));
    if (operation->token % 2 == 0) world_command_add(command, "NX");
}

static void make_get_brief(const struct world_operation *operation, struct world_command *command) {
    world_command_add(command, "GET");
    world_command_add(command, "brief%u", operation->key);
}

static void make_set_pair(const struct world_operation *operation, struct world_command *command) {
    world_command_add(command, "MSET");
    world_command_add(command, "left");
    world_command_add(command, "%" PRIu64, operation->token);
    world_command_add(command, "right");
    world_command_add(command, "%" PRIu64, operation->token);
}

static void make_get_pair(const struct world_operation *operation, struct world_command *command) {
    (void)operation;
    world_command_add(command, "MGET");
    world_command_add(command, "left");
    world_command_add(command, "right");
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

static bool take_place(const struct resp_reply *reply, struct world_operation *operation) {
    operation->number = reply->integer;
    return reply->type == RESP_INTEGER;
}

static bool take_simple(const struct resp_reply *reply, struct world_operation *operation) {
    (void)operation;
    return reply->type == RESP_SIMPLE;
}

/* With NX: nothing, if there was something. Then it wrote nothing. */
static bool take_set_briefly(const struct resp_reply *reply, struct world_operation *operation) {
    operation->number = reply->type == RESP_SIMPLE;
    return reply->type == RESP_SIMPLE || (reply->type == RESP_NULL && operation->token % 2 == 0);
}

static bool take_list(const struct resp_reply *reply, struct world_operation *operation) {
    if (reply->type == RESP_NULL) return true;
    if (reply->type != RESP_BULK || reply->text.size % PLACE_BYTES != 0) return false;
    world_take_tokens(operation, reply->text.size / PLACE_BYTES);
    for (size_t i = 0; i < operation->token_count; i++) {
        int64_t number;
        if (!world_read_number(slice_make(reply->text.data + PLACE_BYTES * i, PLACE_BYTES), &number)) return false;
        operation->tokens[i] = (uint64_t)number;
    }
    return true;
}

static bool take_sum(const struct resp_reply *reply, struct world_operation *operation) {
    if (reply->type == RESP_NULL) return true;
    return reply->type == RESP_BULK && world_read_number(reply->text, &operation->number);
}

static bool take_value(const struct resp_reply *reply, struct world_operation *operation) {
    struct world_command wanted = {.count = 0};
    if (reply->type == RESP_NULL) return true;
    const uint8_t *colon = reply->type == RESP_BULK ? memchr(reply->text.data, ':', reply->text.size) : NULL;
    if (colon == NULL) return false;
    struct slice digits = slice_make(reply->text.data, (size_t)(colon - reply->text.data));
    if (!world_read_number(digits, &operation->number)) return false;
    add_value(&wanted, (uint64_t)operation->number);
    return slice_equal(reply->text, wanted.args[0]);
}

static bool take_pair(const struct resp_reply *reply, struct world_operation *operation) {
    int64_t values[2] = {0, 0};
    if (reply->type != RESP_ARRAY || reply->count != 2) return false;
    for (int i = 0; i < 2; i++) {
        const struct resp_reply *element = &reply->elements[i];
        if (element->type == RESP_NULL) continue;
        if (element->type != RESP_BULK || !world_read_number(element->text, &values[i])) return false;
    }
    operation->number = values[0];
    operation->token = (uint64_t)values[1];
    return true;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

#define READ .store = WORLD_KV
#define WRITE .store = WORLD_KV, .is_write = true
#define LAST .is_read_last = true

static const struct world_action_row rows[] = {
    {WRITE, .action = WORLD_APPEND, .name = "append", .weight = 28, .keys = LISTS, .make = make_append,
     .take = take_place},
    {READ, LAST, .action = WORLD_READ_LIST, .name = "read list", .weight = 14, .keys = LISTS, .make = make_read_list,
     .take = take_list},
    {WRITE, .action = WORLD_ADD, .name = "add", .weight = 10, .keys = SUMS, .make = make_add, .take = take_place},
    {READ, LAST, .action = WORLD_READ_SUM, .name = "read sum", .weight = 6, .keys = SUMS, .make = make_read_sum,
     .take = take_sum},
    {WRITE, .action = WORLD_SET, .name = "set", .weight = 22, .keys = REGISTERS, .make = make_set, .take = take_simple},
    {READ, .action = WORLD_GET, .name = "get", .weight = 12, .keys = REGISTERS, .make = make_get, .take = take_value},
    {WRITE, .action = WORLD_SET_PAIR, .name = "set pair", .weight = 4, .keys = 1, .make = make_set_pair,
     .take = take_simple},
    {READ, .action = WORLD_GET_PAIR, .name = "get pair", .weight = 4, .keys = 1, .make = make_get_pair,
     .take = take_pair},
    {WRITE, .action = WORLD_SET_BRIEFLY, .name = "set briefly", .weight = 6, .keys = BRIEF, .draw = draw_brief,
     .make = make_set_briefly, .take = take_set_briefly},
    {READ, .action = WORLD_GET_BRIEF, .name = "get brief", .weight = 3, .keys = BRIEF, .make = make_get_brief,
     .take = take_value},
};

const struct world_action_rows world_kv_actions = {rows, sizeof rows / sizeof rows[0]};
