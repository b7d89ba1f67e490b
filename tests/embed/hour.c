/*
 * hour: an outside program on the bare engine, for the user's hour (tests/script/users_hour_test.sh): keys in, through
 * them, compaction; each answer judged, since the value of a key follows from its number.
 *
 *     cc hour.c $(pkg-config --cflags --libs loam) -o hour
 *     ./hour fill DIR N      keys 0 .. N-1 in a shuffled order, 100 at a time; every tenth one written twice
 *     ./hour read DIR N      all of them forward, a sample of gets; says how many are missing, and where
 *     ./hour compact DIR
 *
 * Exit codes: 0 all is as it should be, 1 it could not be done, 2 keys are missing, 3 an answer was wrong.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"

enum { KIND = 1, TREE = 1, KEY_BYTES = 16, VALUE_BYTES = 100, BATCH_KEYS = 100, MISSING = 2, WRONG = 3 };

static const struct engine_tree_kind kinds[] = {
    {.id = KIND, .name = "hour", .bottom = ENGINE_COMPRESSION_LZ4, .filter_bits_per_key = 10}};

struct hour {
    struct io *io;
    struct engine *engine;
    uint64_t keys;
};

static int failed(const char *what, enum status status, const struct error *error) {
    fprintf(stderr, "hour: %s: %s%s%s\n", what, status_text(status), error && error->text[0] ? ": " : "",
            error ? error->text : "");
    return 1;
}

static struct slice make_key(uint64_t number, char *to) {
    snprintf(to, KEY_BYTES + 1, "key%013" PRIu64, number);
    return slice_make(to, KEY_BYTES);
}

/* Half of it compresses. */
static struct slice make_value(uint64_t number, uint8_t *to) {
    uint64_t state = number * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 0; i < VALUE_BYTES; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        to[i] = i % 2 ? 'v' : (uint8_t)state;
    }
    return slice_make(to, VALUE_BYTES);
}

/* The i-th of a row that meets each of `keys` numbers once. */
static uint64_t shuffled(uint64_t i, uint64_t keys) {
    uint64_t step = keys / 2 + 7;
    for (uint64_t a = step, b = keys;; a = ++step, b = keys) {
        while (b) {
            const uint64_t rest = a % b;
            a = b;
            b = rest;
        }
        if (a == 1) return i * step % keys;
    }
}

static enum status put(struct engine_batch *batch, uint64_t number) {
    char key[KEY_BYTES + 1];
    uint8_t value[VALUE_BYTES];
    return engine_batch_put(batch, TREE, make_key(number, key), make_value(number, value));
}

static int fill(const struct hour *hour) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    enum status status = engine_batch_create_tree(&batch, TREE, KIND);
    for (uint64_t i = 0; i < hour->keys && status == STATUS_OK; i++) {
        const uint64_t number = shuffled(i, hour->keys);
        status = put(&batch, number);
        if (status == STATUS_OK && i % 10 == 0) status = put(&batch, number);
        if (status != STATUS_OK || ((i + 1) % BATCH_KEYS && i + 1 < hour->keys)) continue;
        status = engine_write(hour->engine, &batch, NULL);
        engine_batch_clear(&batch);
    }
    engine_batch_deinit(&batch);
    if (status == STATUS_OK) status = engine_flush(hour->engine);
    if (status != STATUS_OK) return failed("fill", status, NULL);
    printf("%" PRIu64 " keys written\n", hour->keys);
    return 0;
}

static int read_error(const struct hour *hour, const char *what, enum status status) {
    struct error error;
    engine_last_error(hour->engine, &error);
    return failed(what, status, &error);
}

/* The keys that an iterator shows, against the numbers that should come. */
static int walk(const struct hour *hour, struct engine_iterator *iterator, uint64_t *missing) {
    char key[KEY_BYTES + 1];
    uint8_t value[VALUE_BYTES];
    uint64_t number = 0;
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator)) {
        const uint64_t from = number;
        while (number < hour->keys && !slice_equal(engine_iterator_key(iterator), make_key(number, key))) number++;
        if (number > from) {
            printf("missing: keys %" PRIu64 " to %" PRIu64 "\n", from, number - 1);
            *missing += number - from;
        }
        if (number == hour->keys || !slice_equal(engine_iterator_value(iterator), make_value(number, value))) {
            printf("wrong: what stands behind key %" PRIu64 "\n", number);
            return WRONG;
        }
        number++;
    }
    const enum status status = engine_iterator_status(iterator);
    if (status != STATUS_OK) return read_error(hour, "the walk stopped", status);
    if (number < hour->keys) printf("missing: keys %" PRIu64 " to %" PRIu64 "\n", number, hour->keys - 1);
    *missing += hour->keys - number;
    return 0;
}

static int get_some(const struct hour *hour) {
    char key[KEY_BYTES + 1];
    uint8_t bytes[VALUE_BYTES];
    for (uint64_t i = 0; i < 1000 && i < hour->keys; i++) {
        const uint64_t number = shuffled(i * 31 % hour->keys, hour->keys);
        struct engine_value value;
        const enum status status = engine_get(hour->engine, NULL, TREE, make_key(number, key), &value);
        if (status == STATUS_NOT_FOUND) continue; /* the walk counts them */
        if (status != STATUS_OK) return read_error(hour, "a get failed", status);
        const bool same = slice_equal(value.data, make_value(number, bytes));
        engine_value_release(&value);
        if (!same) printf("wrong: the value of key %" PRIu64 "\n", number);
        if (!same) return WRONG;
    }
    return 0;
}

static int read_all(const struct hour *hour) {
    struct engine_iterator *iterator;
    uint64_t missing = 0;
    const enum status status = engine_iterator_open(hour->engine, TREE, NULL, &iterator);
    if (status != STATUS_OK) return read_error(hour, "iterator", status);
    int code = walk(hour, iterator, &missing);
    engine_iterator_close(iterator);
    if (code == 0) code = get_some(hour);
    if (code != 0) return code;
    printf("%" PRIu64 " keys in order, each with its value; %" PRIu64 " missing\n", hour->keys - missing, missing);
    return missing > 0 ? MISSING : 0;
}

static int compact(const struct hour *hour) {
    const enum status status = engine_compact(hour->engine);
    if (status != STATUS_OK) return read_error(hour, "compact", status);
    struct engine_stats stats;
    engine_get_stats(hour->engine, &stats);
    printf("compacted: %.1f MiB on disk\n", (double)stats.disk_bytes / (1 << 20));
    return 0;
}

int main(int argc, char **argv) {
    struct hour hour = {.keys = argc > 3 ? strtoull(argv[3], NULL, 10) : 0};
    const struct engine_options options = {.kinds = kinds, .kind_count = 1};
    const struct io_options io_options = {.backend = IO_BACKEND_PROBE};
    struct error error = {0};
    if (argc < 3) {
        fprintf(stderr, "usage: hour fill|read|compact DIR [N]\n");
        return 1;
    }
    enum status status = io_create(&io_options, &hour.io, &error);
    if (status != STATUS_OK) return failed("io", status, &error);
    status = engine_open(hour.io, argv[2], &options, &hour.engine, &error);
    int code = status == STATUS_OK ? strcmp(argv[1], "fill") == 0   ? fill(&hour)
                                     : strcmp(argv[1], "read") == 0 ? read_all(&hour)
                                                                    : compact(&hour)
                                   : failed("open", status, &error);
    engine_close(hour.engine);
    io_destroy(hour.io);
    return code;
}
