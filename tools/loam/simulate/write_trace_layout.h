/*
 * write_trace_layout: the fields of what FORMAT.md beside it describes, as tables (engine/base/layout.h): the page and
 * `loam inspect` are made from them.
 */
#ifndef TOOLS_LOAM_SIMULATE_WRITE_TRACE_LAYOUT_H
#define TOOLS_LOAM_SIMULATE_WRITE_TRACE_LAYOUT_H

#include "engine/base/layout.h"

extern const struct layout trace_frame_layout;
extern const struct layout trace_write_layout;
extern const struct layout trace_write_body_layout; /* strings are rows of code */

#endif
