/* raft_out: see raft_out.h. */
#include "tools/loam/inspect/raftview/raft_out.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "tools/loam/json_text.h"

void raft_out(struct raft_out *out, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int size = vsnprintf(NULL, 0, format, arguments);
    if (out->status == STATUS_OK && size >= 0) out->status = buf_reserve(&out->text, (size_t)size + 1);
    if (out->status == STATUS_OK && size >= 0) {
        (void)vsnprintf((char *)out->text.data + out->text.size, (size_t)size + 1, format, again);
        out->text.size += (size_t)size;
    }
    va_end(again);
    va_end(arguments);
}

void raft_out_json(struct raft_out *out, const char *text) {
    if (out->status == STATUS_OK) out->status = json_text_append(&out->text, text);
}

void raft_out_entries(struct raft_out *out, const char *letter, uint64_t first, uint64_t last) {
    if (first == last)
        raft_out(out, "%sntry %" PRIu64, letter, first);
    else
        raft_out(out, "%sntries %" PRIu64 " to %" PRIu64, letter, first, last);
}

const char *raft_out_bytes(uint64_t bytes, char text[RAFT_OUT_BYTES_SIZE]) {
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB"};
    double value = (double)bytes;
    unsigned unit = 0;
    while (value >= 1024 && unit < 3) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(text, RAFT_OUT_BYTES_SIZE, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}
