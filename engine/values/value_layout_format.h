/*
 * value_layout_format: the fields of what FORMAT.md beside it describes, as tables (engine/base/layout.h): the page and
 * the tools are made from them.
 */
#ifndef ENGINE_VALUES_VALUE_LAYOUT_FORMAT_H
#define ENGINE_VALUES_VALUE_LAYOUT_FORMAT_H

#include "engine/base/layout.h"

extern const struct layout value_header_layout;
extern const struct layout value_record_layout;
extern const struct layout value_footer_layout;
extern const struct layout value_reference_layout;

#endif
