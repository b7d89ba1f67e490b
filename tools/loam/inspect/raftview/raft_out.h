/* raft_out: text that grows, and remembers that memory ran out. */
#ifndef TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_OUT_H
#define TOOLS_LOAM_INSPECT_RAFTVIEW_RAFT_OUT_H

#include "engine/base/buf.h"

struct raft_out {
    struct buf text; /* owned: buf_deinit */
    enum status status;
};

/* What fails once fails from then on: ask out->status at the end. */
void raft_out(struct raft_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void raft_out_json(struct raft_out *out, const char *text); /* a string of JSON, quoted */
/* "entry 7" or "entries 7 to 9"; `letter` is "e" or "E". */
void raft_out_entries(struct raft_out *out, const char *letter, uint64_t first, uint64_t last);
/* 1536: "1.5 KiB". Returns `text`. */
enum { RAFT_OUT_BYTES_SIZE = 24 };
const char *raft_out_bytes(uint64_t bytes, char text[RAFT_OUT_BYTES_SIZE]);

#endif
