/* key_words: keys and trees of a store in words: in brackets by the describer of the tree's kind if loam has
 * one, else as text in quotes. */
#ifndef TOOLS_LOAM_INSPECT_SHAPE_KEY_WORDS_H
#define TOOLS_LOAM_INSPECT_SHAPE_KEY_WORDS_H

#include "tools/loam/inspect/shape/edit_history.h"
#include "tools/loam/out.h"

enum { KEY_WORDS_BYTES = 200, SPAN_WORDS_BYTES = 2 * KEY_WORDS_BYTES + 16, TREE_WORDS_BYTES = 128 };

/* A long one is cut and ends in "..". All three terminate. */
void key_words(const struct shape_history *history, uint32_t instance, struct slice key, char text[KEY_WORDS_BYTES]);
/* "A to B", "A to the end", "A up to B" (B itself not). */
void span_words(const struct shape_history *history, const struct edit_file *file, char text[SPAN_WORDS_BYTES]);
/* "tree 3 (names)"; an instance that is not the tree's number stands with it. */
void tree_words(const struct shape_history *history, uint32_t instance, char text[TREE_WORDS_BYTES]);
/* "flush, job 3"; job 0: "create". Returns `text`. */
const char *edit_words(uint8_t cause, uint64_t job, char text[OUT_WORDS_BYTES]);

#endif
