/*
 * tsdb_layout: the fields of what FORMAT.md beside it describes, as tables (engine/base/layout.h): the page and the
 * tools are made from them.
 */
#ifndef TSDB_TSDB_LAYOUT_H
#define TSDB_TSDB_LAYOUT_H

#include "engine/base/layout.h"

extern const struct layout series_key_layout;
extern const struct layout chunk_key_layout;
extern const struct layout label_key_layout;
extern const struct layout series_row_layout;
extern const struct layout settings_layout;
extern const struct layout chunk_layout;
extern const struct layout chunk_open_layout;
extern const struct layout chunk_gorilla_layout;
extern const struct layout tsdb_operation_layout;
extern const struct layout tsdb_body_layout; /* cases: by the operation */
extern const struct layout tsdb_sample_layout;

#endif
