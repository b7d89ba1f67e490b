/*
 * import_words: the labels, types and property keys that one import operation has declared, by their text. One thread.
 */
#ifndef GRAPH_IMPORT_WORDS_H
#define GRAPH_IMPORT_WORDS_H

#include "graph/import.h"

struct graph_words;

MUST_CHECK enum status graph_words_create(struct graph_words **words);
void graph_words_destroy(struct graph_words *words); /* NULL is allowed */
void graph_words_clear(struct graph_words *words);   /* for the next operation */

/* The word's number in the operation; declared now if it was not before. As graph_import_word. */
MUST_CHECK enum status graph_words_find(struct graph_words *words, struct graph_import *import,
                                        enum graph_vocabulary vocabulary, struct slice text, uint32_t *number);

#endif
