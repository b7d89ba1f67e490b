/*
 * history_make: see history_make.h. The objects here are written apart from the models that judge them, on purpose.
 * Invariant: a client's operation is applied at most once, after its call and, if it is answered, before its return.
 */
#include "tools/judge/history_make.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "tools/judge/models.h"

enum { TEXT_BYTES = 32, NO_OP = -1 };

struct object {
    bool present;
    struct buf value;
};

struct client {
    uint32_t name;
    int64_t op; /* index of the open one, or NO_OP */
    bool applied;
    uint64_t answered; /* when it was last: it asks later */
    bool crashed;      /* gone; its open operation may still be applied */
    enum history_result type;
    struct buf result;
};

struct maker {
    struct history *history;
    const struct history_plan *plan;
    struct prng *prng;
    uint64_t time;
    uint32_t next_value;
    uint32_t next_client;
    struct object *objects; /* of the plan's keys */
    struct client *clients;
    enum status status; /* the first failure sticks */
};

static void keep(struct maker *maker, enum status status) {
    if (maker->status == STATUS_OK) maker->status = status;
}

static void assign(struct maker *maker, struct buf *to, struct slice value) {
    keep(maker, buf_assign(to, value));
}

/* The object takes `value`; NULL data with size 0 is an empty text. */
static void set(struct maker *maker, struct object *object, struct slice value) {
    object->present = true;
    assign(maker, &object->value, value);
}

static void answer(struct maker *maker, struct client *client, struct slice text) {
    client->type = HISTORY_TEXT;
    assign(maker, &client->result, text);
}

static void answer_number(struct maker *maker, struct client *client, long long number) {
    char text[TEXT_BYTES];
    snprintf(text, sizeof text, "%lld", number);
    answer(maker, client, slice_from_text(text));
}

static void answer_value(struct maker *maker, struct client *client, const struct object *object) {
    client->type = HISTORY_NIL;
    if (object->present) answer(maker, client, buf_slice(&object->value));
}

static void apply_text(struct maker *maker, struct client *client, const struct history_op *op, struct object *object) {
    if (op->kind == MODEL_TEXT_PUT) buf_clear(&object->value);
    if (op->kind != MODEL_TEXT_GET) keep(maker, buf_append_slice(&object->value, op->arguments[0]));
    answer(maker, client, op->kind == MODEL_TEXT_GET ? buf_slice(&object->value) : slice_from_text(""));
}

static void apply_register(struct maker *maker, struct client *client, const struct history_op *op,
                           struct object *object) {
    if (op->kind == MODEL_REGISTER_READ) {
        answer_value(maker, client, object);
    } else if (op->kind == MODEL_REGISTER_WRITE) {
        set(maker, object, op->arguments[0]);
        answer(maker, client, slice_from_text("ok"));
    } else {
        bool swaps = object->present && slice_equal(buf_slice(&object->value), op->arguments[0]);
        if (swaps) set(maker, object, op->arguments[1]);
        answer(maker, client, slice_from_text(swaps ? "ok" : "fail"));
    }
}

/* Digits; values that are not numbers begin with 'v', and sums stay small. */
static bool parse_digits(struct slice text, long long *number) {
    *number = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') return false;
        *number = *number * 10 + (text.data[i] - '0');
    }
    return text.size > 0;
}

static void apply_incrby(struct maker *maker, struct client *client, const struct history_op *op,
                         struct object *object) {
    long long value = 0;
    long long by = 0;
    bool valid = parse_digits(op->arguments[0], &by);
    if (object->present) valid = parse_digits(buf_slice(&object->value), &value) && valid;
    if (!valid) {
        client->type = HISTORY_ERROR;
        return;
    }
    answer_number(maker, client, value + by);
    set(maker, object, buf_slice(&client->result));
}

static void apply_redis_write(struct maker *maker, struct client *client, const struct history_op *op,
                              struct object *object) {
    bool was_present = object->present;
    switch (op->kind) {
    case MODEL_REDIS_SETNX:
        if (!was_present) set(maker, object, op->arguments[0]);
        answer_number(maker, client, !was_present);
        break;
    case MODEL_REDIS_APPEND:
        if (!was_present) set(maker, object, slice_from_text(""));
        keep(maker, buf_append_slice(&object->value, op->arguments[0]));
        answer_number(maker, client, (long long)object->value.size);
        break;
    case MODEL_REDIS_GETSET:
        answer_value(maker, client, object);
        set(maker, object, op->arguments[0]);
        break;
    default:
        set(maker, object, op->arguments[0]);
        answer(maker, client, slice_from_text("OK"));
        break;
    }
}

static void apply_redis(struct maker *maker, struct client *client, const struct history_op *op,
                        struct object *object) {
    switch (op->kind) {
    case MODEL_REDIS_GET: answer_value(maker, client, object); break;
    case MODEL_REDIS_EXISTS: answer_number(maker, client, object->present); break;
    case MODEL_REDIS_STRLEN: answer_number(maker, client, object->present ? (long long)object->value.size : 0); break;
    case MODEL_REDIS_GETDEL:
        answer_value(maker, client, object);
        object->present = false;
        break;
    case MODEL_REDIS_DEL:
        answer_number(maker, client, object->present);
        object->present = false;
        break;
    case MODEL_REDIS_INCRBY: apply_incrby(maker, client, op, object); break;
    default: apply_redis_write(maker, client, op, object); break;
    }
}

static struct object *object_of(struct maker *maker, const struct history_op *op) {
    long long key = 0;
    check(parse_digits(slice_from(op->key, 1), &key) && key < maker->plan->keys);
    return &maker->objects[key];
}

static void apply(struct maker *maker, struct client *client) {
    const struct history_op *op = &maker->history->ops[client->op];
    struct object *object = object_of(maker, op);
    client->applied = true;
    buf_clear(&client->result);
    if (maker->plan->model == &model_text) {
        apply_text(maker, client, op, object);
    } else if (maker->plan->model == &model_register) {
        apply_register(maker, client, op, object);
    } else {
        apply_redis(maker, client, op, object);
    }
}

/* Time mostly moves on; now and then two events share a moment. */
static uint64_t tick(struct maker *maker) {
    if (!prng_chance(maker->prng, 1, 8)) maker->time++;
    return maker->time;
}

static void choose_value(struct maker *maker, char text[TEXT_BYTES]) {
    uint32_t value = maker->plan->values ? (uint32_t)prng_below(maker->prng, maker->plan->values) : maker->next_value++;
    snprintf(text, TEXT_BYTES, "v%u.", value);
}

static void invoke(struct maker *maker, struct client *client) {
    char first[TEXT_BYTES];
    char second[TEXT_BYTES];
    char key[TEXT_BYTES];
    snprintf(key, sizeof key, "k%u", (unsigned)prng_below(maker->prng, maker->plan->keys));
    uint32_t kind = (uint32_t)prng_below(maker->prng, maker->plan->model->kind_count);
    choose_value(maker, first);
    choose_value(maker, second);
    if (maker->plan->model == &model_redis_string && kind == MODEL_REDIS_INCRBY)
        snprintf(first, sizeof first, "%llu", (unsigned long long)prng_between(maker->prng, 1, 3));
    if (maker->time == client->answered) maker->time++;
    struct history_op op = {.client = client->name, .kind = kind, .key = slice_from_text(key), .invoked = tick(maker)};
    op.arguments[0] = slice_from_text(first);
    if (maker->plan->model == &model_register && kind == MODEL_REGISTER_CAS) {
        const struct object *object = object_of(maker, &op);
        op.arguments[1] = slice_from_text(second);
        if (object->present && prng_chance(maker->prng, 1, 2)) op.arguments[0] = buf_slice(&object->value);
    }
    size_t index = 0;
    enum status status = history_invoke(maker->history, &op, &index);
    keep(maker, status);
    if (status != STATUS_OK) return;
    client->op = (int64_t)index;
    client->applied = false;
}

static void finish(struct maker *maker, struct client *client) {
    keep(maker,
         history_return(maker->history, (size_t)client->op, tick(maker), client->type, buf_slice(&client->result)));
    client->answered = maker->time;
    client->op = NO_OP;
}

/* A client that crashed with an operation that took effect, or never will, makes room for a new one. */
static void replace(struct maker *maker, struct client *client) {
    client->name = maker->next_client++;
    client->op = NO_OP;
    client->crashed = false;
}

static void advance(struct maker *maker, struct client *client, bool may_invoke) {
    if (client->op == NO_OP) {
        if (may_invoke) invoke(maker, client);
    } else if (client->crashed) {
        if (prng_chance(maker->prng, 1, 2)) apply(maker, client);
        replace(maker, client);
    } else if (prng_below(maker->prng, 200) < maker->plan->crash_percent) { /* asked about twice for each operation */
        if (client->applied) {
            replace(maker, client);
        } else {
            client->crashed = true;
        }
    } else if (!client->applied) {
        apply(maker, client);
    } else {
        finish(maker, client);
    }
}

/* One operation that nothing overlaps, with the answer that is wished. */
static void say(struct maker *maker, uint32_t kind, const char *first, const char *second, const char *result) {
    struct history_op op = {
        .client = maker->next_client, .kind = kind, .key = slice_from_text("k0"), .invoked = ++maker->time};
    size_t index = 0;
    if (first) op.arguments[0] = slice_from_text(first);
    if (second) op.arguments[1] = slice_from_text(second);
    enum status status = history_invoke(maker->history, &op, &index);
    keep(maker, status);
    if (status != STATUS_OK) return;
    maker->time++;
    if (!result) {
        history_refuse(maker->history, index);
    } else {
        keep(maker, history_return(maker->history, index, maker->time, HISTORY_TEXT, slice_from_text(result)));
    }
}

struct words {
    uint32_t read;
    uint32_t write;
    const char *done;
};

static struct words words_of(const struct linearize_model *model) {
    if (model == &model_text) return (struct words){MODEL_TEXT_GET, MODEL_TEXT_PUT, ""};
    if (model == &model_register) return (struct words){MODEL_REGISTER_READ, MODEL_REGISTER_WRITE, "ok"};
    return (struct words){MODEL_REDIS_GET, MODEL_REDIS_SET, "OK"};
}

static void say_twice(struct maker *maker) {
    struct words words = words_of(maker->plan->model);
    say(maker, words.write, "41", NULL, words.done);
    if (maker->plan->model == &model_text) {
        say(maker, MODEL_TEXT_APPEND, "lie.", NULL, "");
        say(maker, MODEL_TEXT_GET, NULL, NULL, "41lie.lie.");
    } else if (maker->plan->model == &model_register) {
        say(maker, MODEL_REGISTER_CAS, "41", "lie1", "ok");
        say(maker, MODEL_REGISTER_CAS, "41", "lie2", "ok");
    } else {
        say(maker, MODEL_REDIS_INCRBY, "1000", NULL, "1041"); /* more than all open increments together */
        say(maker, MODEL_REDIS_INCRBY, "1000", NULL, "3041");
    }
}

/* Told while nothing but crashed clients' operations is open; those write other values. In the end the object is honest
 * again. */
static void tell_lie(struct maker *maker) {
    struct words words = words_of(maker->plan->model);
    switch (maker->plan->lie) {
    case HISTORY_STALE_READ:
        say(maker, words.write, "lie1", NULL, words.done);
        say(maker, words.write, "lie2", NULL, words.done);
        say(maker, words.read, NULL, NULL, "lie1");
        break;
    case HISTORY_FUTURE_READ:
        say(maker, words.read, NULL, NULL, "lie1");
        say(maker, words.write, "lie1", NULL, words.done);
        break;
    case HISTORY_APPLIED_TWICE: say_twice(maker); break;
    case HISTORY_REFUSED_SEEN:
        say(maker, words.write, "lie1", NULL, NULL);
        say(maker, words.read, NULL, NULL, "lie1");
        break;
    default: return;
    }
    say(maker, words.write, "after", NULL, words.done);
    set(maker, &maker->objects[0], slice_from_text("after"));
}

static bool is_quiet(const struct maker *maker) {
    for (uint32_t i = 0; i < maker->plan->clients; i++)
        if (maker->clients[i].op != NO_OP) return false;
    return true;
}

static struct client *any_client(struct maker *maker) {
    return &maker->clients[prng_below(maker->prng, maker->plan->clients)];
}

static void run(struct maker *maker) {
    const struct history_plan *plan = maker->plan;
    size_t lie_at = plan->lie == HISTORY_HONEST ? SIZE_MAX : (size_t)prng_below(maker->prng, plan->operations);
    while (maker->status == STATUS_OK) {
        bool lie_is_due = maker->history->count >= lie_at;
        bool may_invoke = !lie_is_due && maker->history->count < plan->operations;
        if (lie_is_due && is_quiet(maker)) {
            tell_lie(maker);
            lie_at = SIZE_MAX;
        } else if (!may_invoke && !lie_is_due && is_quiet(maker)) {
            return;
        }
        advance(maker, any_client(maker), may_invoke);
    }
}

static void destroy(struct maker *maker) {
    for (uint32_t i = 0; maker->objects && i < maker->plan->keys; i++) buf_deinit(&maker->objects[i].value);
    for (uint32_t i = 0; maker->clients && i < maker->plan->clients; i++) buf_deinit(&maker->clients[i].result);
    free(maker->objects);
    free(maker->clients);
    free(maker);
}

enum status history_make(struct history *history, const struct history_plan *plan, struct prng *prng) {
    check(plan->clients > 0 && plan->keys > 0);
    check(plan->lie == HISTORY_HONEST || plan->values == 0);
    struct maker *maker = calloc(1, sizeof *maker);
    if (!maker) return STATUS_NO_MEMORY;
    maker->history = history;
    maker->plan = plan;
    maker->prng = prng;
    maker->objects = calloc(plan->keys, sizeof *maker->objects);
    maker->clients = calloc(plan->clients, sizeof *maker->clients);
    if (!maker->objects || !maker->clients) maker->status = STATUS_NO_MEMORY;
    for (uint32_t i = 0; maker->clients && i < plan->clients; i++) replace(maker, &maker->clients[i]);
    run(maker);
    enum status status = maker->status;
    destroy(maker);
    return status;
}
