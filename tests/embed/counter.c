/*
 * counter: an outside program on the bare engine. Counts the words of its input in a store of its own, so that counts
 * go on from run to run, and prints them in order.
 *
 *     cc counter.c $(pkg-config --cflags --libs loam) -o counter
 *     echo "to be or not to be" | ./counter DIR
 */
#include <ctype.h>
#include <stdio.h>

#include "engine/base/coding.h"
#include "engine/engine.h"

enum { WORDS_TREE = 1, COUNTED_KIND = 1, WORD_BYTES = 64 };

/* A count is a varint; merging adds. */
static enum status add_counts(void *context, struct slice key, const struct slice *base, const struct slice *operands,
                              size_t count, struct buf *result) {
    (void)context;
    (void)key;
    uint64_t sum = 0;
    for (size_t i = 0; i < count + (base ? 1 : 0); i++) {
        struct decoder decoder = decoder_make(i < count ? operands[i] : *base);
        sum += decode_varint(&decoder);
        if (!decoder_finished(&decoder)) return STATUS_CORRUPT;
    }
    return encode_varint(result, sum);
}

static const struct engine_merge count_merge = {.name = "count", .full = add_counts};
static const struct engine_tree_kind kinds[] = {
    {.id = COUNTED_KIND, .name = "counted", .filter_bits_per_key = 10, .merge = &count_merge},
};

/* The next word of stdin in lower case; its size, 0 at the end. */
static size_t read_word(char *word) {
    size_t size = 0;
    int character;
    while ((character = getchar()) != EOF) {
        if (isalpha(character) && size < WORD_BYTES)
            word[size++] = (char)tolower(character);
        else if (size > 0)
            break;
    }
    return size;
}

/* All of stdin as one batch: a run counts in full or not at all. */
static enum status count_input(struct engine *engine) {
    struct engine_batch batch;
    engine_batch_init(&batch);
    enum status status = engine_batch_create_tree(&batch, WORDS_TREE, COUNTED_KIND);
    char word[WORD_BYTES];
    size_t size;
    while (status == STATUS_OK && (size = read_word(word)) > 0)
        status = engine_batch_merge(&batch, WORDS_TREE, slice_make(word, size), slice_make("\x01", 1));
    struct engine_write_options durably = {.sync = true};
    if (status == STATUS_OK) status = engine_write(engine, &batch, &durably);
    engine_batch_deinit(&batch);
    return status;
}

static enum status print_counts(struct engine *engine) {
    struct engine_iterator_options all = {0};
    struct engine_iterator *iterator;
    enum status status = engine_iterator_open(engine, WORDS_TREE, &all, &iterator);
    if (status != STATUS_OK) return status;
    for (engine_iterator_seek_first(iterator); engine_iterator_valid(iterator); engine_iterator_next(iterator)) {
        struct slice word = engine_iterator_key(iterator);
        struct decoder count = decoder_make(engine_iterator_value(iterator));
        printf("%.*s %llu\n", (int)word.size, (const char *)word.data, (unsigned long long)decode_varint(&count));
    }
    status = engine_iterator_status(iterator);
    engine_iterator_close(iterator);
    return status;
}

static enum status run(struct io *io, const char *dir, struct error *error) {
    struct engine_options options = {.kinds = kinds, .kind_count = 1};
    struct engine *engine;
    enum status status = engine_open(io, dir, &options, &engine, error);
    if (status != STATUS_OK) return status;
    status = count_input(engine);
    if (status == STATUS_OK) status = print_counts(engine);
    if (status != STATUS_OK) engine_last_error(engine, error);
    engine_close(engine);
    return status;
}

int main(int argument_count, char **arguments) {
    if (argument_count != 2) {
        fprintf(stderr, "usage: counter DIR\n");
        return 1;
    }
    struct io_options options = {0};
    struct io *io;
    struct error error = {0};
    enum status status = io_create(&options, &io, &error);
    if (status == STATUS_OK) {
        status = run(io, arguments[1], &error);
        io_destroy(io);
    }
    if (status != STATUS_OK) fprintf(stderr, "counter: %s: %s\n", status_text(status), error.text);
    return status == STATUS_OK ? 0 : 1;
}
