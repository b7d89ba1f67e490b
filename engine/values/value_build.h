/*
 * value_build: writes one file of values front to back. One thread at a time. Memory: about VALUE_WRITE_BYTES and the
 * largest value.
 */
#ifndef ENGINE_VALUES_VALUE_BUILD_H
#define ENGINE_VALUES_VALUE_BUILD_H

#include "engine/values/value_format.h"

enum { VALUE_WRITE_BYTES = 256 << 10 };

struct value_build;

/* Makes the file (an old one of that name is emptied: it belongs to nobody). */
MUST_CHECK enum status value_build_create(const struct sst_environment *environment, const char *path,
                                          struct sst_identity identity, enum codec_id codec,
                                          struct value_build **build);
/* Adds a value with the key it belongs to; copies. After a failure every call answers the same. */
MUST_CHECK enum status value_build_add(struct value_build *build, struct slice key, struct slice value,
                                       struct value_reference *reference);
/* What the file would have if it ended here. */
uint64_t value_build_size(const struct value_build *build);
/* Writes what is left and the footer, and makes content and size durable (the name is the caller's to sync). */
MUST_CHECK enum status value_build_finish(struct value_build *build, struct value_footer *footer);
/* Closes and frees; the file stays. NULL is allowed. */
void value_build_destroy(struct value_build *build);

#endif
