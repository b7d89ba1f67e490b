/* out: text that grows; the first failure stays, and what comes behind it is dropped. Ask out->status at the end. */
#ifndef TOOLS_LOAM_OUT_H
#define TOOLS_LOAM_OUT_H

#include "engine/base/buf.h"

struct out {
    struct buf text; /* owned: buf_deinit */
    enum status status;
};

__attribute__((format(printf, 2, 3))) void out_print(struct out *out, const char *format, ...);
/* As a string of JSON, quoted. */
void out_json(struct out *out, const char *text);

/* For people. Each returns `text`. */
enum { OUT_WORDS_BYTES = 48 };
const char *bytes_words(uint64_t bytes, char text[OUT_WORDS_BYTES]); /* "12.3 MiB" */
const char *age_words(int64_t ms, char text[OUT_WORDS_BYTES]);       /* "3.1 h"; negative: "0 s" */
/* "2026-03-01 12:00:00.000", in UTC; "-5000000000000000 ms" where that is no date. */
const char *time_words(int64_t time_ms, char text[OUT_WORDS_BYTES]);

#endif
