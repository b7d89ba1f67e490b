/*
 * dump_marks: the first and the last command of a dump: an ECHO each, whose text says what the stream is, and what it
 * held (FORMAT.md). Encoders beside their decoders; any bytes are safe.
 */
#ifndef TOOLS_LOAM_DUMP_DUMP_MARKS_H
#define TOOLS_LOAM_DUMP_DUMP_MARKS_H

#include "engine/base/slice.h"

enum { DUMP_VERSION = 1, DUMP_MARK_BYTES = 512 };

/* What was dumped: the state behind one entry of a cluster's log. */
struct dump_head {
    uint64_t cluster_id, entry;
    int64_t time_ms; /* log time: what was due by it is not in the stream */
};

/* Between head and end. */
struct dump_counts {
    uint64_t commands, strings, series, samples, graphs, nodes, edges;
    uint64_t missing;     /* what could not be read: names, and places in a series or a graph */
    uint64_t bytes, hash; /* of the commands: XXH3-64, seed 0 */
};

/* Terminated; returns the length. */
size_t dump_head_format(const struct dump_head *head, char text[DUMP_MARK_BYTES]);
size_t dump_end_format(const struct dump_counts *counts, char text[DUMP_MARK_BYTES]);

enum dump_mark { DUMP_NO_MARK, DUMP_HEAD, DUMP_END, DUMP_LATER_VERSION, DUMP_BROKEN_MARK };
/* What a text is. BROKEN: it begins as a mark does, and its check is wrong, or a field. */
enum dump_mark dump_mark_parse(struct slice text, struct dump_head *head, struct dump_counts *counts);

#endif
