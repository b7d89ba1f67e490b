/* out: text that grows; the first failure stays. */
#ifndef TOOLS_LOAM_INSPECT_SHAPE_OUT_H
#define TOOLS_LOAM_INSPECT_SHAPE_OUT_H

#include "engine/base/buf.h"

struct out {
    struct buf text;
    enum status status;
};

__attribute__((format(printf, 2, 3))) void out_print(struct out *out, const char *format, ...);
/* As a string of JSON. */
void out_json(struct out *out, const char *text);

/* For people. Each returns `text`. */
enum { OUT_WORDS_BYTES = 48 };
const char *bytes_words(uint64_t bytes, char text[OUT_WORDS_BYTES]);             /* "12.3 MiB" */
const char *age_words(int64_t ms, char text[OUT_WORDS_BYTES]);                   /* "3.1 h"; negative: "0 s" */
const char *time_words(int64_t time_ms, char text[OUT_WORDS_BYTES]);             /* "2026-03-01 12:00:00.000" */
const char *edit_words(uint8_t cause, uint64_t job, char text[OUT_WORDS_BYTES]); /* "flush, job 3" */

#endif
