/*
 * settings: retention, chunk size, duplicate policy and labels as bytes; the same in operations and in a series' row
 * (FORMAT.md, "Settings").
 */
#ifndef TSDB_CODEC_SETTINGS_H
#define TSDB_CODEC_SETTINGS_H

#include "tsdb/tsdb.h"

/* OK, INVALID (a value outside its range), TOO_LARGE (labels). */
MUST_CHECK enum status settings_check(const struct tsdb_settings *settings);
/* Appends what is given. Settings passed settings_check. */
MUST_CHECK enum status settings_encode(struct buf *to, const struct tsdb_settings *settings);
/* What is not given comes out as its default. Labels are checked and passed over: *labels is where they begin (name,
 * value, ...). A value outside its range fails the decoder. */
void settings_decode(struct decoder *decoder, struct tsdb_settings *settings, struct decoder *labels);

#endif
