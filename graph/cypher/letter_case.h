/*
 * letter_case: upper and lower case of the alphabets that have one letter for one: Latin (Basic, Latin-1, Extended-A,
 * Extended Additional), Greek, Cyrillic, Armenian, and full-width Latin. Independent of any locale, so that it is the
 * same on every node. Letters outside stay as they are, as do those whose other case is several letters.
 */
#ifndef GRAPH_CYPHER_LETTER_CASE_H
#define GRAPH_CYPHER_LETTER_CASE_H

#include "engine/base/slice.h"

/* Writes the text in the other case to `to`, or only counts when it is NULL; returns the size. Bytes that are no UTF-8
 * are kept. */
size_t letter_case_change(struct slice text, bool upper, uint8_t *to);

#endif
