/* workload: see workload.h. Invariant: an operation of the history is open as long as its client's asker is at it, or
 * for good. */
#include "tools/loam/chaos/workload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/prng.h"
#include "tools/judge/models.h"
#include "tools/resp/asker.h"

enum {
    MS = 1000000,
    TEXT_BYTES = 48,
    KEY_OPERATIONS = 300, /* then a fresh key takes its place */
    AFTER_FAILURE_MS = 20,
    READ_TRIES = 100,
    LONG_VALUE_BYTES = 8192, /* at most, of one write in LONG_VALUE_ONE_IN of a register */
    LONG_VALUE_ONE_IN = 8,
};

enum family { FAMILY_REGISTER, FAMILY_COUNTER, FAMILY_TEXT, FAMILIES };

static const char family_letters[] = {[FAMILY_REGISTER] = 'r', [FAMILY_COUNTER] = 'n', [FAMILY_TEXT] = 'a'};

static const struct question {
    enum family family;
    uint32_t kind;
    const char *command;
    bool argument; /* takes one */
    bool writes;
    unsigned weight; /* within its family */
} questions[] = {
    {FAMILY_REGISTER, MODEL_REDIS_GET, "GET", false, false, 40},
    {FAMILY_REGISTER, MODEL_REDIS_SET, "SET", true, true, 30},
    {FAMILY_REGISTER, MODEL_REDIS_GETSET, "GETSET", true, true, 10},
    {FAMILY_REGISTER, MODEL_REDIS_SETNX, "SETNX", true, true, 6},
    {FAMILY_REGISTER, MODEL_REDIS_DEL, "DEL", false, true, 5},
    {FAMILY_REGISTER, MODEL_REDIS_EXISTS, "EXISTS", false, false, 5},
    {FAMILY_REGISTER, MODEL_REDIS_STRLEN, "STRLEN", false, false, 4},
    {FAMILY_COUNTER, MODEL_REDIS_INCRBY, "INCRBY", true, true, 60},
    {FAMILY_COUNTER, MODEL_REDIS_GET, "GET", false, false, 40},
    {FAMILY_TEXT, MODEL_REDIS_APPEND, "APPEND", true, true, 55},
    {FAMILY_TEXT, MODEL_REDIS_GET, "GET", false, false, 40},
    {FAMILY_TEXT, MODEL_REDIS_STRLEN, "STRLEN", false, false, 5},
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

struct slot {
    enum family family;
    uint32_t generation;
    uint32_t operations; /* on the key of this generation */
};

struct client {
    struct workload *workload;
    struct asker asker;
    struct io_op timer;
    bool rests; /* the timer flies */
    unsigned address;
    uint32_t id; /* in the history */
    const struct question *question;
    size_t op; /* in the history */
    uint64_t asked_ns;
    uint64_t reading; /* in the last round: which item + 1 */
    unsigned tries;
};

struct mark {
    uint64_t since_ns, answered_ns;
};

struct workload {
    struct workload_options options;
    struct prng prng;
    struct history history;
    struct hist latency, bucket_latency;
    struct workload_bucket *buckets;
    size_t bucket_count, bucket_capacity;
    struct workload_counts counts;
    struct slot *slots;
    struct client *clients;
    struct mark marks[WORKLOAD_MARKS_MAX];
    unsigned mark_count;
    uint64_t start_ns, moment_ns; /* the history's latest moment, since start */
    uint64_t values;
    uint32_t next_id;
    uint64_t last_write_ns;
    bool stopping, reading_all;
    uint64_t read_next, read_count, unread;
    enum status failure;
};

static void go_on(struct client *client);

/* ---- Notes ------------------------------------------------------------------------------------------------------- */

static void keep(struct workload *workload, enum status status) {
    if (workload->failure == STATUS_OK) workload->failure = status;
}

/* Each once, so that what is asked after an answer is later. */
static uint64_t next_moment(struct workload *workload) {
    const uint64_t now_ns = io_now_ns(workload->options.io) - workload->start_ns;
    workload->moment_ns = now_ns > workload->moment_ns ? now_ns : workload->moment_ns + 1;
    return workload->moment_ns;
}

static void close_bucket(struct workload *workload) {
    struct workload_bucket *bucket = &workload->buckets[workload->bucket_count - 1];
    if (workload->bucket_latency.count == 0) return;
    bucket->p50_us = (uint32_t)(hist_quantile(&workload->bucket_latency, 0.5) / 1000);
    bucket->p99_us = (uint32_t)(hist_quantile(&workload->bucket_latency, 0.99) / 1000);
    bucket->max_us = (uint32_t)(workload->bucket_latency.max / 1000);
    hist_init(&workload->bucket_latency);
}

/* Of the present moment; NULL: out of memory, which was noted. */
static struct workload_bucket *bucket_now(struct workload *workload) {
    const size_t at =
        (size_t)((io_now_ns(workload->options.io) - workload->start_ns) / ((uint64_t)WORKLOAD_BUCKET_MS * MS));
    if (at < workload->bucket_count) return &workload->buckets[at];
    if (at >= workload->bucket_capacity) {
        const size_t capacity = (at + 1) * 2;
        struct workload_bucket *buckets = realloc(workload->buckets, capacity * sizeof *buckets);
        if (!buckets) {
            keep(workload, STATUS_NO_MEMORY);
            return NULL;
        }
        workload->buckets = buckets;
        workload->bucket_capacity = capacity;
    }
    if (workload->bucket_count > 0) close_bucket(workload);
    while (workload->bucket_count <= at) workload->buckets[workload->bucket_count++] = (struct workload_bucket){0};
    return &workload->buckets[at];
}

static void note_ok(struct client *client) {
    struct workload *workload = client->workload;
    const uint64_t now_ns = io_now_ns(workload->options.io);
    struct workload_bucket *bucket = bucket_now(workload);
    if (!workload->reading_all) hist_add(&workload->latency, now_ns - client->asked_ns);
    hist_add(&workload->bucket_latency, now_ns - client->asked_ns);
    workload->counts.ok++;
    if (bucket) bucket->ok++;
    if (!client->question->writes) return;
    workload->counts.writes++;
    workload->last_write_ns = now_ns;
    if (bucket) bucket->writes++;
    for (unsigned i = 0; i < workload->mark_count; i++) {
        struct mark *mark = &workload->marks[i];
        if (mark->answered_ns == 0 && client->asked_ns >= mark->since_ns) mark->answered_ns = now_ns;
    }
}

static void note_failed(struct client *client) {
    struct workload_bucket *bucket = bucket_now(client->workload);
    client->workload->counts.failed++;
    if (bucket) bucket->failed++;
    if (client->workload->options.keeps_history) history_refuse(&client->workload->history, client->op);
}

static void note_unknown(struct client *client) {
    struct workload_bucket *bucket = bucket_now(client->workload);
    client->workload->counts.unknown++;
    if (bucket) bucket->unknown++;
}

static void note_answer(struct client *client, enum history_result type, struct slice result) {
    struct workload *workload = client->workload;
    note_ok(client);
    if (type == HISTORY_ERROR) workload->counts.errors++;
    if (workload->options.keeps_history)
        keep(workload, history_return(&workload->history, client->op, next_moment(workload), type, result));
}

/* ---- Questions --------------------------------------------------------------------------------------------------- */

static void print_key(enum family family, uint64_t slot, uint64_t generation, char key[TEXT_BYTES]) {
    (void)snprintf(key, TEXT_BYTES, "%c:%" PRIu64 ":%" PRIu64, family_letters[family], slot, generation);
}

static const struct question *draw_question(struct prng *prng, enum family family) {
    uint64_t at = prng_below(prng, 100); /* the weights of a family add up to that */
    for (unsigned i = 0; i < QUESTIONS; i++) {
        if (questions[i].family != family) continue;
        if (at < questions[i].weight) return &questions[i];
        at -= questions[i].weight;
    }
    return &questions[0];
}

/* What is written is written once, and now and then long, so that disks have something to do. */
static void print_argument(struct workload *workload, const struct question *question,
                           char argument[LONG_VALUE_BYTES + TEXT_BYTES]) {
    if (question->kind == MODEL_REDIS_INCRBY) {
        (void)snprintf(argument, TEXT_BYTES, "%" PRIu64, prng_between(&workload->prng, 1, 9));
        return;
    }
    const size_t size = (size_t)snprintf(argument, TEXT_BYTES, "v%" PRIu64 ".", ++workload->values);
    if (question->family != FAMILY_REGISTER || !prng_chance(&workload->prng, 1, LONG_VALUE_ONE_IN)) return;
    const size_t more = (size_t)prng_between(&workload->prng, 1, LONG_VALUE_BYTES);
    memset(argument + size, 'x', more);
    argument[size + more] = '\0';
}

static void ask(struct client *client, const struct question *question, const char *key) {
    struct workload *workload = client->workload;
    char argument[LONG_VALUE_BYTES + TEXT_BYTES] = "";
    if (question->argument) print_argument(workload, question, argument);
    const struct slice words[] = {slice_from_text(question->command), slice_from_text(key), slice_from_text(argument)};
    const struct history_op op = {.client = client->id,
                                  .kind = question->kind,
                                  .key = words[1],
                                  .arguments = {question->argument ? words[2] : slice_make(NULL, 0)},
                                  .invoked = next_moment(workload)};
    client->question = question;
    client->asked_ns = io_now_ns(workload->options.io);
    if (workload->options.keeps_history) keep(workload, history_invoke(&workload->history, &op, &client->op));
    if (workload->failure == STATUS_OK)
        keep(workload, asker_ask(&client->asker, workload->options.addresses[client->address], words,
                                 question->argument ? 3 : 2));
}

static void ask_something(struct client *client) {
    struct workload *workload = client->workload;
    char key[TEXT_BYTES];
    const uint64_t at = prng_below(&workload->prng, workload->options.keys);
    struct slot *slot = &workload->slots[at];
    if (++slot->operations > KEY_OPERATIONS) {
        slot->generation++;
        slot->operations = 1;
    }
    print_key(slot->family, at, slot->generation, key);
    ask(client, draw_question(&workload->prng, slot->family), key);
}

/* ---- Everything is read ------------------------------------------------------------------------------------------ */

/* Item i is a key, by slot and generation, at a node. */
static void ask_item(struct client *client, uint64_t item) {
    struct workload *workload = client->workload;
    char key[TEXT_BYTES];
    uint64_t number = item / workload->options.address_count;
    size_t slot = 0;
    while (number > workload->slots[slot].generation) number -= (uint64_t)workload->slots[slot++].generation + 1;
    client->reading = item + 1;
    client->address = (unsigned)(item % workload->options.address_count);
    print_key(workload->slots[slot].family, slot, number, key);
    ask(client, &questions[0], key);
}

void workload_read_all(struct workload *workload) {
    workload->reading_all = true;
    workload->read_count = workload->options.keys;
    for (unsigned i = 0; i < workload->options.keys; i++) workload->read_count += workload->slots[i].generation;
    workload->read_count *= workload->options.address_count;
    for (unsigned i = 0; i < workload->options.clients; i++) go_on(&workload->clients[i]);
}

static void read_more(struct client *client) {
    struct workload *workload = client->workload;
    if (client->reading == 0 && workload->read_next < workload->read_count) {
        client->tries = 0;
        ask_item(client, workload->read_next++);
    } else if (client->reading != 0) {
        ask_item(client, client->reading - 1);
    }
}

/* An item that was read, or has had its tries, makes room for the next. */
static void note_item(struct client *client, bool was_read) {
    if (client->reading == 0) return;
    if (!was_read && ++client->tries < READ_TRIES) return;
    client->workload->unread += !was_read;
    client->reading = 0;
}

/* ---- The life of a client ---------------------------------------------------------------------------------------- */

static void rested(struct io_op *op) {
    struct client *client = op->context;
    client->rests = false;
    go_on(client);
}

static void rest(struct client *client, uint64_t ns) {
    struct io *io = client->workload->options.io;
    client->timer =
        (struct io_op){.kind = IO_OP_TIMER, .deadline_ns = io_now_ns(io) + ns, .done = rested, .context = client};
    client->rests = true;
    io_submit(io, &client->timer);
}

static void go_on(struct client *client) {
    struct workload *workload = client->workload;
    if (workload->failure != STATUS_OK) return;
    if (workload->reading_all)
        read_more(client);
    else if (!workload->stopping)
        ask_something(client);
}

/* So long after its last question a client asks again, if it was answered meanwhile. */
static uint64_t pause_ns(const struct client *client) {
    const struct workload *workload = client->workload;
    if (workload->options.rate == 0 || workload->reading_all) return 0;
    const uint64_t between_ns = (uint64_t)1000 * MS * workload->options.clients / workload->options.rate;
    const uint64_t passed_ns = io_now_ns(workload->options.io) - client->asked_ns;
    return passed_ns < between_ns ? between_ns - passed_ns : 0;
}

static bool says(struct slice text, const char *words) {
    return memmem(text.data, text.size, words, strlen(words)) != NULL;
}

/* A new client, on the next node. */
static void replace(struct client *client) {
    client->id = client->workload->next_id++;
    client->address = (client->address + 1) % client->workload->options.address_count;
    note_item(client, false);
    rest(client, (uint64_t)AFTER_FAILURE_MS * MS);
}

static void take_reply(struct client *client, const struct resp_reply *reply) {
    char number[32];
    struct slice text = reply->text;
    enum history_result type = reply->type == RESP_ERROR  ? HISTORY_ERROR
                               : reply->type == RESP_NULL ? HISTORY_NIL
                                                          : HISTORY_TEXT;
    if (reply->type == RESP_INTEGER)
        text = slice_make(number, (size_t)snprintf(number, sizeof number, "%" PRId64, reply->integer));
    note_answer(client, type, text);
    note_item(client, type != HISTORY_ERROR);
    const uint64_t ns = pause_ns(client);
    if (ns > 0)
        rest(client, ns);
    else
        go_on(client);
}

static void answered(struct asker *asker, enum asker_end end, const struct resp_reply *reply) {
    struct client *client = asker->context;
    const bool is_error = end == ASKER_ANSWERED && reply->type == RESP_ERROR;
    if (end == ASKER_NOT_SENT || (is_error && says(reply->text, "not applied"))) {
        note_failed(client);
        client->address = (client->address + 1) % client->workload->options.address_count;
        note_item(client, false);
        rest(client, (uint64_t)AFTER_FAILURE_MS * MS);
    } else if (end == ASKER_UNKNOWN || (is_error && says(reply->text, "UNKNOWN"))) {
        note_unknown(client);
        replace(client);
    } else {
        take_reply(client, reply);
    }
}

/* ---- All clients ------------------------------------------------------------------------------------------------- */

static enum status fill(struct workload *workload) {
    const struct workload_options *options = &workload->options;
    workload->slots = calloc(options->keys, sizeof *workload->slots);
    workload->clients = calloc(options->clients, sizeof *workload->clients);
    if (!workload->slots || !workload->clients) return STATUS_NO_MEMORY;
    for (unsigned i = 0; i < options->keys; i++) workload->slots[i].family = (enum family)(i % FAMILIES);
    for (unsigned i = 0; i < options->clients; i++) {
        struct client *client = &workload->clients[i];
        client->workload = workload;
        asker_init(&client->asker, options->io, options->timeout_ms);
        client->asker.answered = answered;
        client->asker.context = client;
        client->asker.password = slice_from_text(options->password ? options->password : "");
        client->id = workload->next_id++;
        client->address = i % options->address_count;
        rest(client, (uint64_t)i * MS);
    }
    return STATUS_OK;
}

enum status workload_create(const struct workload_options *options, struct workload **to) {
    struct workload *workload = calloc(1, sizeof *workload);
    if (!workload) return STATUS_NO_MEMORY;
    workload->options = *options;
    prng_init(&workload->prng, options->seed);
    history_init(&workload->history);
    hist_init(&workload->latency);
    hist_init(&workload->bucket_latency);
    workload->start_ns = io_now_ns(options->io);
    const enum status status = fill(workload);
    if (status == STATUS_OK)
        *to = workload;
    else
        workload_destroy(workload);
    return status;
}

void workload_destroy(struct workload *workload) {
    for (unsigned i = 0; workload->clients && i < workload->options.clients; i++)
        if (workload->clients[i].workload) asker_deinit(&workload->clients[i].asker);
    free(workload->clients);
    free(workload->slots);
    free(workload->buckets);
    history_deinit(&workload->history);
    free(workload);
}

void workload_stop(struct workload *workload) {
    workload->stopping = true;
}

bool workload_is_idle(const struct workload *workload) {
    for (unsigned i = 0; i < workload->options.clients; i++)
        if (workload->clients[i].rests || !asker_is_idle(&workload->clients[i].asker)) return false;
    return true;
}

unsigned workload_mark(struct workload *workload) {
    const unsigned mark = workload->mark_count < WORKLOAD_MARKS_MAX ? workload->mark_count++ : 0;
    workload->marks[mark] = (struct mark){.since_ns = io_now_ns(workload->options.io)};
    return mark;
}

void workload_forget_marks(struct workload *workload) {
    workload->mark_count = 0;
}

uint64_t workload_mark_answered_ns(const struct workload *workload, unsigned mark) {
    return workload->marks[mark].answered_ns;
}

enum status workload_failure(const struct workload *workload) {
    return workload->failure;
}

uint64_t workload_unread(const struct workload *workload) {
    return workload->unread;
}

const struct history *workload_history(const struct workload *workload) {
    return &workload->history;
}

uint64_t workload_start_ns(const struct workload *workload) {
    return workload->start_ns;
}

void workload_get_counts(const struct workload *workload, struct workload_counts *counts) {
    *counts = workload->counts;
}

const struct hist *workload_latency(const struct workload *workload) {
    return &workload->latency;
}

const struct workload_bucket *workload_buckets(const struct workload *workload, size_t *count) {
    *count = workload->bucket_count;
    return workload->buckets;
}

uint64_t workload_last_write_ns(const struct workload *workload) {
    return workload->last_write_ns;
}
