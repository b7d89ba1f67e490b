/* raft_words: see raft_words.h. */
#include "tools/loam/inspect/raftview/raft_words.h"

#include <inttypes.h>

void raft_words_entries(struct out *out, const char *letter, uint64_t first, uint64_t last) {
    if (first == last)
        out_print(out, "%sntry %" PRIu64, letter, first);
    else
        out_print(out, "%sntries %" PRIu64 " to %" PRIu64, letter, first, last);
}
