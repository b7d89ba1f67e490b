/*
 * sst_layout_format: the fields of what FORMAT.md beside it describes, as tables (engine/base/layout.h): the page and
 * the tools are made from them.
 */
#ifndef ENGINE_SST_SST_LAYOUT_FORMAT_H
#define ENGINE_SST_SST_LAYOUT_FORMAT_H

#include "engine/base/layout.h"

extern const struct layout sst_header_layout;
extern const struct layout sst_unit_layout;
extern const struct layout sst_block_layout;
extern const struct layout sst_index_value_layout;
extern const struct layout sst_range_value_layout;
extern const struct layout sst_dictionary_layout;
extern const struct layout sst_filter_layout;
extern const struct layout sst_property_layout;
extern const struct layout sst_property_value_layout; /* cases: by the tag */
extern const struct layout sst_footer_layout;

/* The name of a codec's number: "unknown". */
const char *sst_codec_name(uint64_t codec);

#endif
