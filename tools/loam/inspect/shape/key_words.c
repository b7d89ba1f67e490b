/* key_words: see key_words.h. Whose store it is stands in the names of the kinds of trees. */
#include "tools/loam/inspect/shape/key_words.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/lsm/manifest_format.h"
#include "tools/loam/inspect/row_text.h"

static const struct row_describer *describer_of(const struct shape_history *history, uint32_t instance) {
    const struct shape_history_tree *tree = shape_history_find_tree(history, instance);
    const struct edit_kind *kind = tree ? shape_history_find_kind(history, tree->tree.kind) : NULL;
    const struct row_describer *found;
    for (size_t i = 0; kind && (found = describers_get(i)) != NULL; i++)
        if (slice_equal(kind->name, slice_from_text(found->name))) return found;
    return NULL;
}

void key_words(const struct shape_history *history, uint32_t instance, struct slice key, char text[KEY_WORDS_BYTES]) {
    struct buf words = BUF_EMPTY;
    const struct row_describer *rows = describer_of(history, instance);
    const char *fault = NULL;
    enum status status = rows ? buf_append_byte(&words, '[') : STATUS_OK;
    if (status == STATUS_OK) status = key_text_append(&words, rows, key, &fault);
    if (status == STATUS_OK && rows) status = buf_append_byte(&words, ']');
    if (status == STATUS_OK && fault) { /* a bound need not be a whole key */
        buf_clear(&words);
        status = key_text_append(&words, NULL, key, &fault);
    }
    const size_t most = KEY_WORDS_BYTES - 1;
    const size_t size = words.size < most ? words.size : most;
    if (size > 0) memcpy(text, words.data, size);
    text[size] = 0;
    if (words.size > most) memcpy(text + most - 2, "..", 2);
    if (status != STATUS_OK) (void)snprintf(text, KEY_WORDS_BYTES, "?");
    buf_deinit(&words);
}

void span_words(const struct shape_history *history, const struct edit_file *file, char text[SPAN_WORDS_BYTES]) {
    char first[KEY_WORDS_BYTES], last[KEY_WORDS_BYTES] = "the end";
    key_words(history, file->instance, file->first, first);
    if (file->has_last) key_words(history, file->instance, file->last, last);
    (void)snprintf(text, SPAN_WORDS_BYTES, "%s %s %s", first, file->last_exclusive ? "up to" : "to", last);
}

void tree_words(const struct shape_history *history, uint32_t instance, char text[TREE_WORDS_BYTES]) {
    const struct shape_history_tree *tree = shape_history_find_tree(history, instance);
    const struct edit_kind *kind = tree ? shape_history_find_kind(history, tree->tree.kind) : NULL;
    char name[64] = "", life[32] = "";
    if (!tree) {
        (void)snprintf(text, TREE_WORDS_BYTES, "an unknown tree (instance %" PRIu32 ")", instance);
        return;
    }
    for (size_t i = 0; kind && i < kind->name.size && i + 1 < sizeof name; i++) {
        const uint8_t byte = kind->name.data[i];
        name[i] = byte >= 0x20 && byte < 0x7f ? (char)byte : '?';
        name[i + 1] = 0;
    }
    if (tree->tree.tree != instance) (void)snprintf(life, sizeof life, ", instance %" PRIu32, instance);
    (void)snprintf(text, TREE_WORDS_BYTES, "tree %" PRIu32 "%s%s%s%s", tree->tree.tree, name[0] ? " (" : "", name,
                   name[0] ? ")" : "", life);
}

const char *edit_words(uint8_t cause, uint64_t job, char text[OUT_WORDS_BYTES]) {
    if (job)
        (void)snprintf(text, OUT_WORDS_BYTES, "%s, job %" PRIu64, edit_cause_name(cause), job);
    else
        (void)snprintf(text, OUT_WORDS_BYTES, "%s", edit_cause_name(cause));
    return text;
}
