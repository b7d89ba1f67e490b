/*
 * kv_layout: the fields of what FORMAT.md beside it describes, as tables (engine/base/layout.h): the page and the tools
 * are made from them.
 */
#ifndef KV_KV_LAYOUT_H
#define KV_KV_LAYOUT_H

#include "engine/base/layout.h"

extern const struct layout kv_operation_layout;

#endif
