/*
 * options_format: the file OPTIONS as bytes: "loam options 1", a line "name value" for each option and kind of trees,
 * and a last line "check" with a checksum over all before it. Pure. Bytes: FORMAT.md, "options".
 */
#ifndef ENGINE_LSM_OPTIONS_FORMAT_H
#define ENGINE_LSM_OPTIONS_FORMAT_H

#include "engine/base/buf.h"
#include "engine/base/error.h"

#define OPTIONS_HEAD "loam options 1\n"
enum { OPTIONS_CHECK_BYTES = 6 + 16 + 1 }; /* the last line */

/* Appends the last line. */
MUST_CHECK enum status options_file_seal(struct buf *bytes);
/* Calls visit for each line of untrusted bytes, in order, once the checksum has been found right. CORRUPT, VERSION. */
MUST_CHECK enum status options_file_parse(struct slice bytes,
                                          void (*visit)(void *context, struct slice name, struct slice value),
                                          void *context, struct error *error);

#endif
