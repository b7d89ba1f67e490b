/*
 * wal_chain: which of the segments on disk make up the log (FORMAT.md, "The chain"). Pure: headers in, a choice out.
 */
#include "engine/wal/wal_internal.h"

enum status wal_chain_select(const struct wal_segment_header *headers, size_t count, bool *dead, uint32_t *missing) {
    if (count == 0) return STATUS_OK;
    size_t at = count - 1;
    dead[at] = false;
    while (at > 0) {
        const uint32_t before = wal_lsn_segment(headers[at].predecessor_end);
        size_t next = at;
        while (next > 0 && headers[next - 1].segment > before) dead[--next] = true;
        if (next == 0) break; /* what stood before was dropped */
        if (headers[next - 1].segment != before) {
            *missing = before;
            return STATUS_FAULTY;
        }
        at = next - 1;
        dead[at] = false;
    }
    /* The first segment of all has none before it, dead or alive. */
    if (at == 0 || headers[at].predecessor_end != 0) return STATUS_OK;
    *missing = headers[at].segment - 1;
    return STATUS_FAULTY;
}
