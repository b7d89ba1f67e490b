/* json_check: whether a text is JSON (RFC 8259), for tests of those who print it. */
#ifndef TESTS_HARNESS_JSON_CHECK_H
#define TESTS_HARNESS_JSON_CHECK_H

#include "engine/base/slice.h"

/* Exactly one value, blanks around it. Strings hold no control characters; bytes above 0x7f are not looked at. */
bool json_is_valid(struct slice text);

#endif
