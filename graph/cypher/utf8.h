/*
 * utf8: characters as Unicode 15 defines the encoding form: shortest form only, no surrogates, up to U+10FFFF.
 */
#ifndef GRAPH_CYPHER_UTF8_H
#define GRAPH_CYPHER_UTF8_H

#include "engine/base/slice.h"

enum { UTF8_MAX_BYTES = 4 };

/* The character at the beginning of a text that is not empty, and its size in bytes. What is no character counts as one
 * byte, U+FFFD. */
size_t utf8_decode(struct slice text, uint32_t *character);

/* Bytes written; the character is no surrogate and at most U+10FFFF. */
size_t utf8_encode(uint8_t out[UTF8_MAX_BYTES], uint32_t character);

/* Bytes from the beginning that are well formed; text.size if all are. */
size_t utf8_valid_prefix(struct slice text);

#endif
