/*
 * world_action_series: samples whose value tells which write they are and whether they are whole, at times that follow
 * from it. Small chunks, so that a run seals and splits many. Samples are added to what stands there already (SUM): one
 * that is applied twice shows. The first two series are also written and read together; of the last one ranges are
 * deleted.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "tools/sim/world_action.h"
#include "tools/sim/world_private.h"

enum {
    SERIES = 3,
    TWO = 2,     /* the first of them */
    DELETED = 2, /* number of the one that ranges are deleted from */
    STEP_MS = 64,
    LATE_MAX = 60, /* below STEP_MS: late samples of one base differ by their remainder */
    CHUNK_BYTES = 64,
    RANGE_MAX = 8, /* steps of a deleted range */
};

static const char no_series[] = "ERR TSDB: the key does not exist";

int64_t world_series_time(uint64_t token) {
    uint64_t draw = hash_mix(token, 0x74696d65);
    uint64_t late = draw % 3 == 0 ? draw / 3 % LATE_MAX + 1 : 0;
    if (late == 0 || late >= token) return (int64_t)(token * STEP_MS);
    return (int64_t)((token - late) * STEP_MS + token % (STEP_MS - 1) + 1);
}

/* Exact in a double and in its shortest digits. */
static double value_of(uint64_t token) {
    return (double)token + (double)(hash_mix(token, 0x76616c) % 1024) / 1024;
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

static void add_sample(struct world_command *command, unsigned key, uint64_t token) {
    world_command_add(command, "series%u", key);
    world_command_add(command, "%" PRId64, world_series_time(token));
    world_command_add(command, "%.17g", value_of(token));
}

static void make_add(const struct world_operation *operation, struct world_command *command) {
    world_command_add(command, "TS.ADD");
    add_sample(command, operation->key, operation->token);
    world_command_add(command, "CHUNK_SIZE");
    world_command_add(command, "%d", CHUNK_BYTES);
    world_command_add(command, "ON_DUPLICATE");
    world_command_add(command, "SUM");
    world_command_add(command, "LABELS");
    world_command_add(command, "together");
    world_command_add(command, operation->key < TWO ? "yes" : "no");
}

static void make_add_two(const struct world_operation *operation, struct world_command *command) {
    world_command_add(command, "TS.MADD");
    for (unsigned key = 0; key < TWO; key++) add_sample(command, key, operation->token);
}

static void make_delete(const struct world_operation *operation, struct world_command *command) {
    world_command_add(command, "TS.DEL");
    world_command_add(command, "series%u", operation->key);
    world_command_add(command, "%" PRId64, operation->from);
    world_command_add(command, "%" PRId64, operation->to);
}

static void make_range(const struct world_operation *operation, struct world_command *command) {
    world_command_add(command, operation->action == WORLD_SERIES_READ ? "TS.RANGE" : "TS.REVRANGE");
    world_command_add(command, "series%u", operation->key);
    world_command_add(command, "-");
    world_command_add(command, "+");
}

static void make_range_two(const struct world_operation *operation, struct world_command *command) {
    (void)operation;
    world_command_add(command, "TS.MRANGE");
    world_command_add(command, "-");
    world_command_add(command, "+");
    world_command_add(command, "FILTER");
    world_command_add(command, "together=yes");
}

/* MADD makes no series: it waits until an answer has told that both are there. */
static void draw_two(struct world *world, struct prng *prng, struct world_operation *operation) {
    (void)prng;
    for (unsigned key = 0; key < TWO; key++) {
        if ((world->series_there >> key) & 1) continue;
        operation->action = WORLD_SERIES_ADD;
        operation->key = key;
        return;
    }
}

/* From where some write's sample stands. */
static void draw_range(struct world *world, struct prng *prng, struct world_operation *operation) {
    operation->key = DELETED;
    operation->from = world_series_time(prng_between(prng, 1, world->next_token));
    operation->to = operation->from;
    if (prng_chance(prng, 1, 2)) operation->to += (int64_t)prng_below(prng, RANGE_MAX * STEP_MS);
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

static bool take_sample(const struct resp_reply *reply, uint64_t *token, int64_t *time_ms) {
    char digits[40];
    char *end;
    if (reply->type != RESP_ARRAY || reply->count != 2 || reply->elements[0].type != RESP_INTEGER) return false;
    struct slice text = reply->elements[1].text;
    bool is_text = reply->elements[1].type == RESP_SIMPLE || reply->elements[1].type == RESP_BULK;
    if (!is_text || text.size == 0 || text.size >= sizeof digits) return false;
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    double value = strtod(digits, &end);
    if (*end != '\0' || !(value >= 1 && value < 1e9)) return false;
    *token = (uint64_t)value;
    *time_ms = reply->elements[0].integer;
    return value_of(*token) == value && world_series_time(*token) == *time_ms; /* to the bit */
}

/* Samples of one series, in the order of their times (or against it), behind the tokens that are there. */
static bool take_samples(const struct resp_reply *reply, bool is_backward, uint64_t *tokens) {
    int64_t before = 0;
    for (size_t i = 0; i < reply->count; i++) {
        int64_t time_ms;
        if (!take_sample(&reply->elements[i], &tokens[i], &time_ms)) return false;
        if (i > 0 && (is_backward ? time_ms >= before : time_ms <= before)) return false;
        before = time_ms;
    }
    return true;
}

static bool take_range(const struct resp_reply *reply, struct world_operation *operation) {
    if (reply->type != RESP_ARRAY) return false;
    world_take_tokens(operation, reply->count);
    if (!take_samples(reply, operation->action == WORLD_SERIES_READ_BACK, operation->tokens)) return false;
    world_sort_tokens(operation, 0);
    return true;
}

/* One element of MRANGE's reply: [name, labels, samples] of series `number`. */
static const struct resp_reply *samples_of(const struct resp_reply *reply, unsigned number) {
    char name[16];
    snprintf(name, sizeof name, "series%u", number);
    for (size_t i = 0; i < reply->count; i++) {
        const struct resp_reply *row = &reply->elements[i];
        bool is_row = row->type == RESP_ARRAY && row->count == 3 && row->elements[2].type == RESP_ARRAY;
        if (is_row && slice_equal(row->elements[0].text, slice_from_text(name))) return &row->elements[2];
    }
    return NULL;
}

static bool take_range_two(const struct resp_reply *reply, struct world_operation *operation) {
    size_t known = 0, total = 0;
    if (reply->type != RESP_ARRAY) return false;
    for (unsigned key = 0; key < TWO; key++) {
        const struct resp_reply *samples = samples_of(reply, key);
        known += samples != NULL;
        total += samples != NULL ? samples->count : 0;
    }
    if (known != reply->count) return false;
    world_take_tokens(operation, total);
    operation->token_count = 0;
    for (unsigned key = 0; key < TWO; key++) {
        const struct resp_reply *samples = samples_of(reply, key);
        operation->split = key == 1 ? operation->token_count : 0;
        if (samples == NULL) continue;
        size_t first = operation->token_count;
        operation->token_count += samples->count;
        if (!take_samples(samples, false, operation->tokens + first)) return false;
        world_sort_tokens(operation, first);
    }
    return true;
}

static bool take_time(const struct resp_reply *reply, struct world_operation *operation) {
    return reply->type == RESP_INTEGER && reply->integer == world_series_time(operation->token);
}

static bool take_times(const struct resp_reply *reply, struct world_operation *operation) {
    if (reply->type != RESP_ARRAY || reply->count != TWO) return false;
    return take_time(&reply->elements[0], operation) && take_time(&reply->elements[1], operation);
}

static bool take_count(const struct resp_reply *reply, struct world_operation *operation) {
    operation->number = reply->integer;
    return reply->type == RESP_INTEGER && reply->integer >= 0;
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

#define READ .store = WORLD_SERIES, .nothing = no_series
#define WRITE .store = WORLD_SERIES, .is_write = true
#define LAST .is_read_last = true

static const struct world_action_row rows[] = {
    {WRITE, .action = WORLD_SERIES_ADD, .name = "add sample", .weight = 15, .keys = SERIES, .make = make_add,
     .take = take_time},
    {WRITE, .action = WORLD_SERIES_ADD_TWO, .name = "add two samples", .weight = 5, .keys = 1, .draw = draw_two,
     .make = make_add_two, .take = take_times},
    {WRITE, .action = WORLD_SERIES_DELETE, .name = "delete samples", .weight = 2, .keys = 1, .nothing = no_series,
     .draw = draw_range, .make = make_delete, .take = take_count},
    {READ, LAST, .action = WORLD_SERIES_READ, .name = "read series", .weight = 5, .keys = SERIES, .make = make_range,
     .take = take_range},
    {READ, .action = WORLD_SERIES_READ_BACK, .name = "read series backward", .weight = 2, .keys = SERIES,
     .make = make_range, .take = take_range},
    {READ, LAST, .action = WORLD_SERIES_READ_TWO, .name = "read two series", .weight = 3, .keys = 1,
     .make = make_range_two, .take = take_range_two},
};

const struct world_action_rows world_series_actions = {rows, sizeof rows / sizeof rows[0]};
