/*
 * number_text: numbers as Cypher writes and reads them. Independent of the locale of the process as long as nobody sets
 * one, and nobody does.
 */
#ifndef GRAPH_CYPHER_NUMBER_TEXT_H
#define GRAPH_CYPHER_NUMBER_TEXT_H

#include "graph/value.h"

enum { NUMBER_TEXT_BYTES = 40 };

/* The shortest text that reads back as the same float, always with a point, an exponent or a word: 1.0, 0.1, 1e+300,
 * NaN, Infinity, -Infinity. Returns its length; terminated. */
size_t number_text_float(double number, char text[NUMBER_TEXT_BYTES]);

/* Text of a string, boolean, integer or float, in `room` or where the value's own lies. */
struct slice scalar_text(struct value value, char room[NUMBER_TEXT_BYTES]);

/* Sign, digits, fraction, exponent, nothing else; false if it is anything else. Overflow gives an infinity. */
bool number_text_parse_float(struct slice text, double *number);
/* Sign and digits; false if it is anything else or does not fit. */
bool number_text_parse_integer(struct slice text, int64_t *number);

#endif
