/* dump_marks: see dump_marks.h. A text is valid if it is what its fields are written as. */
#include "tools/loam/dump/dump_marks.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"

#define HEAD_FIELDS "cluster %016" SCNx64 " entry %" SCNu64 " time-ms %" SCNd64
#define END_FIELDS                                                                                                     \
    "commands %" SCNu64 " strings %" SCNu64 " series %" SCNu64 " samples %" SCNu64 " graphs %" SCNu64                  \
    " nodes %" SCNu64 " edges %" SCNu64 " missing %" SCNu64 " bytes %" SCNu64 " xxh3 %016" SCNx64

static size_t add_check(char text[DUMP_MARK_BYTES], int size) {
    check(size > 0 && size < DUMP_MARK_BYTES - 32);
    const uint64_t hash = hash64(slice_make(text, (size_t)size), 0);
    return (size_t)size + (size_t)snprintf(text + size, 32, " check %016" PRIx64, hash);
}

size_t dump_head_format(const struct dump_head *head, char text[DUMP_MARK_BYTES]) {
    return add_check(text, snprintf(text, DUMP_MARK_BYTES,
                                    "loam-dump %d cluster %016" PRIx64 " entry %" PRIu64 " time-ms %" PRId64,
                                    DUMP_VERSION, head->cluster_id, head->entry, head->time_ms));
}

size_t dump_end_format(const struct dump_counts *counts, char text[DUMP_MARK_BYTES]) {
    return add_check(text, snprintf(text, DUMP_MARK_BYTES,
                                    "loam-dump-end commands %" PRIu64 " strings %" PRIu64 " series %" PRIu64
                                    " samples %" PRIu64 " graphs %" PRIu64 " nodes %" PRIu64 " edges %" PRIu64
                                    " missing %" PRIu64 " bytes %" PRIu64 " xxh3 %016" PRIx64,
                                    counts->commands, counts->strings, counts->series, counts->samples, counts->graphs,
                                    counts->nodes, counts->edges, counts->missing, counts->bytes, counts->hash));
}

static bool is_text(struct slice text, const char *written, size_t size) {
    return slice_equal(text, slice_make(written, size));
}

static enum dump_mark parse_head(struct slice text, const char *copy, struct dump_head *head) {
    char again[DUMP_MARK_BYTES];
    unsigned version = 0;
    *head = (struct dump_head){.entry = 0};
    const int found =
        sscanf(copy, "loam-dump %9u " HEAD_FIELDS, &version, &head->cluster_id, &head->entry, &head->time_ms);
    if (found >= 1 && version > DUMP_VERSION) return DUMP_LATER_VERSION;
    return found == 4 && is_text(text, again, dump_head_format(head, again)) ? DUMP_HEAD : DUMP_BROKEN_MARK;
}

static enum dump_mark parse_end(struct slice text, const char *copy, struct dump_counts *counts) {
    char again[DUMP_MARK_BYTES];
    *counts = (struct dump_counts){.commands = 0};
    const int found = sscanf(copy, "loam-dump-end " END_FIELDS, &counts->commands, &counts->strings, &counts->series,
                             &counts->samples, &counts->graphs, &counts->nodes, &counts->edges, &counts->missing,
                             &counts->bytes, &counts->hash);
    return found == 10 && is_text(text, again, dump_end_format(counts, again)) ? DUMP_END : DUMP_BROKEN_MARK;
}

enum dump_mark dump_mark_parse(struct slice text, struct dump_head *head, struct dump_counts *counts) {
    char copy[DUMP_MARK_BYTES];
    const bool begins = slice_has_prefix(text, slice_from_text("loam-dump "));
    const bool ends = slice_has_prefix(text, slice_from_text("loam-dump-end "));
    if (!begins && !ends) return DUMP_NO_MARK;
    if (text.size >= sizeof copy || memchr(text.data, 0, text.size)) return DUMP_BROKEN_MARK;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return begins ? parse_head(text, copy, head) : parse_end(text, copy, counts);
}
