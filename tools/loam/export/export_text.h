/*
 * export_text: bytes of users as text of a format. What is no UTF-8, or no character of the format, becomes U+FFFD and
 * is counted.
 */
#ifndef TOOLS_LOAM_EXPORT_EXPORT_TEXT_H
#define TOOLS_LOAM_EXPORT_EXPORT_TEXT_H

#include "engine/base/buf.h"
#include "tools/resp/resp_reply.h"

/* Content of an element or of an attribute between double quotes; line ends and tabs survive as references. */
MUST_CHECK enum status export_text_xml(struct buf *to, struct slice text, uint64_t *replaced);
/* Between the double quotes of a DOT string that is a label: shown as it is. */
MUST_CHECK enum status export_text_dot(struct buf *to, struct slice text, uint64_t *replaced);

/* A property's value: true, 5, 0.1 (the fewest digits that give it back), a string as it is, a list as JSON. */
MUST_CHECK enum status export_text_value(struct buf *to, const struct resp_reply *value);

#endif
