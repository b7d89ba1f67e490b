/* log_walk: see log_walk.h. A segment's end is what its successor says; the last one's is where the scan ends. */
#include "tools/loam/explain/log_walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/loam/explain/files.h"

enum { NAME_DIGITS = 8, TEXT_BYTES = 700, TOLD_BYTES = IO_PATH_BYTES + 4096 };

struct segments {
    uint32_t from;
    uint32_t *numbers;
    size_t count;
};

static enum status take_name(void *context, const struct io_entry *entry) {
    struct segments *segments = context;
    char *end = NULL;
    const unsigned long number = strtoul(entry->name, &end, 16);
    if (end != entry->name + NAME_DIGITS || strcmp(end, ".wal") != 0 || number == 0 || number < segments->from)
        return STATUS_OK;
    if (segments->count == LOG_SEGMENTS_MAX) return STATUS_TOO_LARGE;
    segments->numbers[segments->count++] = (uint32_t)number;
    return STATUS_OK;
}

static int compare(const void *a, const void *b) {
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static bool path_of(const struct log_walk *walk, uint32_t number, char path[IO_PATH_BYTES]) {
    return snprintf(path, IO_PATH_BYTES, "%s/%08" PRIx32 ".wal", walk->dir, number) < IO_PATH_BYTES;
}

static enum status tell(struct log_walk *walk, const char *path, uint64_t offset, const char *what, bool torn) {
    char text[TOLD_BYTES];
    (void)snprintf(text, sizeof text, "%s: offset %" PRIu64 ": %s", path, offset, what);
    return walk->damage(walk->context, text, torn);
}

/* The header of a segment; false: it is damaged, or another log's, which was told if `told`. */
static bool decode_header(struct log_walk *walk, const char *path, uint32_t number, struct slice bytes, bool told,
                          struct wal_segment_header *header, enum status *status) {
    struct error error = {.status = STATUS_OK};
    char text[TEXT_BYTES] = "";
    const struct slice page = slice_make(bytes.data, bytes.size < IO_PAGE_BYTES ? bytes.size : IO_PAGE_BYTES);
    if (wal_segment_header_decode(page, header, &error) != STATUS_OK)
        (void)snprintf(text, sizeof text, "its header can't be read: %s", error.text);
    else if (header->segment != number)
        (void)snprintf(text, sizeof text, "it is segment %08" PRIx32, header->segment);
    else if (walk->owner && header->owner != walk->owner)
        (void)snprintf(text, sizeof text,
                       "it is of another log: its owner is %016" PRIx64 ", by the superblock this log's is %016" PRIx64
                       ". One of the two is another's",
                       header->owner, walk->owner);
    else
        return true;
    if (told) *status = tell(walk, path, 0, text, false);
    return false;
}

static enum status visit_group(struct log_walk *walk, struct wal_scan *scan, const struct wal_group *group) {
    struct wal_record record;
    uint64_t at = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && wal_scan_record(scan, group, &at, &record) == STATUS_OK) {
        walk->records++;
        status = walk->record(walk->context, &record);
    }
    return status;
}

static enum status scan_segment(struct log_walk *walk, const char *path, struct wal_scan *scan, bool is_last) {
    enum wal_verdict verdict = WAL_FOUND_GROUP;
    struct wal_group group;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (status = wal_scan_next(scan, &verdict, &group)) == STATUS_OK &&
           verdict == WAL_FOUND_GROUP)
        status = visit_group(walk, scan, &group);
    if (status != STATUS_OK || verdict == WAL_FOUND_END) return status;
    const bool torn = verdict == WAL_FOUND_TORN && is_last;
    return tell(walk, path, scan->at, scan->what ? scan->what : "a group does not verify", torn);
}

/* before: the number of the segment that was walked last, 0 = none: what stood before that one may have been cut. */
static enum status check_before(struct log_walk *walk, const char *path, const struct wal_segment_header *header,
                                uint32_t before) {
    char text[TEXT_BYTES];
    const uint32_t wanted = (uint32_t)(header->predecessor_end >> 32);
    if (before == 0 || wanted == 0 || wanted == before) return STATUS_OK;
    (void)snprintf(text, sizeof text, "segment %08" PRIx32 ", which stands before it, is not there", wanted);
    return tell(walk, path, 0, text, false);
}

/* successor NULL: it is the last. */
static enum status walk_segment(struct log_walk *walk, uint32_t number, uint32_t before,
                                const struct wal_segment_header *successor) {
    char path[IO_PATH_BYTES];
    struct buf bytes = BUF_EMPTY;
    struct wal_segment_header header;
    struct wal_scan scan;
    struct error error = {.status = STATUS_OK};
    if (!path_of(walk, number, path)) return STATUS_TOO_LARGE;
    enum status status = files_read(walk->io, path, LOG_SEGMENT_BYTES_MAX, &bytes);
    if (status == STATUS_NOT_FOUND) status = STATUS_OK; /* an owner has cut the log meanwhile */
    if (status == STATUS_OK && bytes.size > 0 &&
        decode_header(walk, path, number, buf_slice(&bytes), true, &header, &status)) {
        walk->segments++;
        status = check_before(walk, path, &header, before);
        if (status == STATUS_OK && wal_scan_init(&scan, buf_slice(&bytes), &header, successor, &error) != STATUS_OK) {
            status = tell(walk, path, 0, error.text, false);
        } else if (status == STATUS_OK) {
            status = scan_segment(walk, path, &scan, successor == NULL);
            wal_scan_deinit(&scan);
        }
    }
    buf_deinit(&bytes);
    return status;
}

/* The header of the segment behind; false: there is none that says where this one ends. */
static bool find_successor(struct log_walk *walk, const struct segments *segments, size_t at,
                           struct wal_segment_header *header) {
    char path[IO_PATH_BYTES];
    struct buf page = BUF_EMPTY;
    enum status ignored = STATUS_OK;
    bool found = false;
    if (at + 1 < segments->count && path_of(walk, segments->numbers[at + 1], path) &&
        files_read(walk->io, path, IO_PAGE_BYTES, &page) == STATUS_OK)
        found = decode_header(walk, path, segments->numbers[at + 1], buf_slice(&page), false, header, &ignored);
    buf_deinit(&page);
    return found;
}

enum status log_walk_run(struct log_walk *walk) {
    struct segments segments = {.from = walk->from, .numbers = malloc(LOG_SEGMENTS_MAX * sizeof(uint32_t))};
    if (!segments.numbers) return STATUS_NO_MEMORY;
    enum status status = io_dir_list(walk->io, walk->dir, take_name, &segments);
    if (segments.count > 1) qsort(segments.numbers, segments.count, sizeof *segments.numbers, compare);
    walk->last = segments.count > 0 ? segments.numbers[segments.count - 1] : 0;
    for (size_t i = 0; i < segments.count && status == STATUS_OK; i++) {
        struct wal_segment_header successor;
        const bool has = find_successor(walk, &segments, i, &successor);
        status = walk_segment(walk, segments.numbers[i], i ? segments.numbers[i - 1] : 0, has ? &successor : NULL);
    }
    free(segments.numbers);
    return status;
}
