/* import_words: see import_words.h. Open addressing over entries in order of declaration. */
#include "graph/import_words.h"

#include <stdlib.h>

#include "engine/base/hash.h"

enum { FEWEST_SLOTS = 64 };

struct word {
    size_t offset, size; /* in text */
    uint64_t hash;
    uint32_t number;
    enum graph_vocabulary vocabulary;
};

struct graph_words {
    struct buf text;
    struct word *entries;
    uint32_t *slots; /* index + 1; 0 = free */
    size_t count, slot_count;
};

enum status graph_words_create(struct graph_words **words) {
    *words = calloc(1, sizeof **words);
    return *words ? STATUS_OK : STATUS_NO_MEMORY;
}

void graph_words_destroy(struct graph_words *words) {
    if (!words) return;
    buf_deinit(&words->text);
    free(words->entries);
    free(words->slots);
    free(words);
}

void graph_words_clear(struct graph_words *words) {
    buf_clear(&words->text);
    words->count = 0;
    if (words->slots) memset(words->slots, 0, words->slot_count * sizeof words->slots[0]);
}

/* Half of the slots stay free. */
static enum status grow(struct graph_words *words) {
    const size_t slot_count = words->slot_count ? 2 * words->slot_count : FEWEST_SLOTS;
    struct word *entries = realloc(words->entries, slot_count / 2 * sizeof *entries);
    if (!entries) return STATUS_NO_MEMORY;
    words->entries = entries;
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    if (!slots) return STATUS_NO_MEMORY;
    free(words->slots);
    words->slots = slots;
    words->slot_count = slot_count;
    for (size_t i = 0; i < words->count; i++) {
        size_t at = entries[i].hash & (slot_count - 1);
        while (slots[at]) at = (at + 1) & (slot_count - 1);
        slots[at] = (uint32_t)i + 1;
    }
    return STATUS_OK;
}

static enum status declare(struct graph_words *words, struct graph_import *import, enum graph_vocabulary vocabulary,
                           struct slice text, uint64_t hash, uint32_t *number) {
    enum status status = buf_append_slice(&words->text, text);
    if (status != STATUS_OK) return status;
    words->text.size -= text.size; /* there is room */
    status = graph_import_word(import, vocabulary, text, number);
    if (status != STATUS_OK) return status;
    words->entries[words->count] = (struct word){
        .offset = words->text.size, .size = text.size, .hash = hash, .number = *number, .vocabulary = vocabulary};
    words->text.size += text.size;
    words->count++;
    return STATUS_OK;
}

enum status graph_words_find(struct graph_words *words, struct graph_import *import, enum graph_vocabulary vocabulary,
                             struct slice text, uint32_t *number) {
    if (2 * words->count >= words->slot_count) {
        enum status status = grow(words);
        if (status != STATUS_OK) return status;
    }
    const uint64_t hash = hash64(text, (uint64_t)vocabulary);
    size_t at = hash & (words->slot_count - 1);
    for (; words->slots[at]; at = (at + 1) & (words->slot_count - 1)) {
        const struct word *word = &words->entries[words->slots[at] - 1];
        if (word->hash != hash || word->vocabulary != vocabulary) continue;
        if (!slice_equal(text, slice_make(words->text.data + word->offset, word->size))) continue;
        *number = word->number;
        return STATUS_OK;
    }
    enum status status = declare(words, import, vocabulary, text, hash, number);
    if (status == STATUS_OK) words->slots[at] = (uint32_t)words->count;
    return status;
}
