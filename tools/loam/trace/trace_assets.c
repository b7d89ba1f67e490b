#include "tools/loam/trace/trace_assets.h"

/* A build runs in the root, so that is where the names begin. */
#define EMBED(name, file)                                                                                              \
    __asm__(".pushsection .rodata\n" #name "_begin:\n.incbin \"tools/loam/trace/" file "\"\n" #name                    \
            "_end:\n.byte 0\n.popsection\n");                                                                          \
    extern const uint8_t name##_begin[] __attribute__((visibility("hidden")));                                         \
    extern const uint8_t name##_end[] __attribute__((visibility("hidden")))

EMBED(trace_frame, "trace_page.html");
EMBED(trace_style, "trace_page.css");
EMBED(trace_data, "trace_data.js");
EMBED(trace_draw, "trace_draw.js");
EMBED(trace_controls, "trace_page.js");

struct slice trace_asset_get(enum trace_asset asset) {
    const struct {
        const uint8_t *begin, *end;
    } assets[TRACE_ASSETS] = {
        [TRACE_FRAME] = {trace_frame_begin, trace_frame_end},
        [TRACE_STYLE] = {trace_style_begin, trace_style_end},
        [TRACE_DATA] = {trace_data_begin, trace_data_end},
        [TRACE_DRAW] = {trace_draw_begin, trace_draw_end},
        [TRACE_CONTROLS] = {trace_controls_begin, trace_controls_end},
    };
    return slice_make(assets[asset].begin, (size_t)(assets[asset].end - assets[asset].begin));
}
