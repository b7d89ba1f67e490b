/* trace_assets: the page's frame, style and script, as they stand in the files beside this one; taken in by the
 * assembler. */
#ifndef TOOLS_LOAM_TRACE_TRACE_ASSETS_H
#define TOOLS_LOAM_TRACE_TRACE_ASSETS_H

#include "engine/base/slice.h"

enum trace_asset { TRACE_FRAME, TRACE_STYLE, TRACE_DATA, TRACE_DRAW, TRACE_CONTROLS, TRACE_ASSETS };

struct slice trace_asset_get(enum trace_asset asset);

#endif
