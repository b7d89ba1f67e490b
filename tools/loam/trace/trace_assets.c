#include "tools/loam/trace/trace_assets.h"

#include "tools/loam/web_page.h"

EMBED(trace_frame, "tools/loam/trace/trace_page.html");
EMBED(trace_style, "tools/loam/trace/trace_page.css");
EMBED(trace_data, "tools/loam/trace/trace_data.js");
EMBED(trace_draw, "tools/loam/trace/trace_draw.js");
EMBED(trace_controls, "tools/loam/trace/trace_page.js");

struct slice trace_asset_get(enum trace_asset asset) {
    const struct slice assets[TRACE_ASSETS] = {
        [TRACE_FRAME] = EMBEDDED(trace_frame),       [TRACE_STYLE] = EMBEDDED(trace_style),
        [TRACE_DATA] = EMBEDDED(trace_data),         [TRACE_DRAW] = EMBEDDED(trace_draw),
        [TRACE_CONTROLS] = EMBEDDED(trace_controls),
    };
    return assets[asset];
}
