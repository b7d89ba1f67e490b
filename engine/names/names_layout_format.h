/*
 * names_layout_format: the fields of what FORMAT.md beside it describes, as tables (engine/base/layout.h): the page and
 * the tools are made from them.
 */
#ifndef ENGINE_NAMES_NAMES_LAYOUT_FORMAT_H
#define ENGINE_NAMES_NAMES_LAYOUT_FORMAT_H

#include "engine/base/layout.h"

extern const struct layout names_key_layout;
extern const struct layout names_row_layout;
extern const struct layout names_expiry_key_layout;
extern const struct layout names_meta_key_layout;
extern const struct layout names_meta_row_layout;

#endif
