/*
 * wal_layout_format: the fields of what FORMAT.md beside it describes, as tables (engine/base/layout.h): the page and
 * the tools are made from them.
 */
#ifndef ENGINE_WAL_WAL_LAYOUT_FORMAT_H
#define ENGINE_WAL_WAL_LAYOUT_FORMAT_H

#include "engine/base/layout.h"

extern const struct layout wal_header_layout;
extern const struct layout wal_loose_header_layout; /* behind it, in version 3 */
extern const struct layout wal_stamp_layout;
extern const struct layout wal_group_layout;
extern const struct layout wal_record_layout;
extern const struct layout wal_compact_layout;

#endif
