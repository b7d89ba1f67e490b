/*
 * inspect_page: a file with its fields as one page for a browser, which needs nothing else: bytes on the left, parts
 * and fields on the right, a map of the file above. Of loam inspect alone.
 */
#ifndef TOOLS_LOAM_INSPECT_INSPECT_PAGE_H
#define TOOLS_LOAM_INSPECT_INSPECT_PAGE_H

#include "engine/base/buf.h"

/* object: what `loam inspect --json` says of the bytes. NO_MEMORY. */
MUST_CHECK enum status inspect_page_make(struct buf *to, struct slice object, struct slice bytes);

#endif
