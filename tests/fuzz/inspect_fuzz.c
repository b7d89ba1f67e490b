/*
 * inspect_fuzz: any bytes as a file of any kind that `loam inspect` shows. The first byte chooses the kind and whether
 * its checks are made right first, the second the form, the third and fourth a range. Every byte gets exactly one
 * field, a problem is told exactly if the verdict is bad, what is printed as JSON is JSON, and the file is shown the
 * same when it is read piece by piece.
 */
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/lsm/superblock_format.h"
#include "engine/sst/sst_format.h"
#include "engine/values/value_format.h"
#include "engine/wal/wal_format.h"
#include "tests/harness/fuzz_files.h"
#include "tests/harness/json_check.h"
#include "tests/harness/mend.h"
#include "tools/loam/inspect/image.h"
#include "tools/loam/inspect/inspect.h"
#include "tools/loam/web_page.h"
#include "tools/sim/sim_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD_BYTES = 4, INPUT_MAX = 1 << 17, SEGMENT_MAX = 64 << 10 };

static const char path[] = "/fuzz";

static uint32_t mend_whole_segment(uint8_t *bytes, size_t size) {
    return size >= WAL_SEGMENT_MIN_BYTES && size <= SEGMENT_MAX && size % IO_PAGE_BYTES == 0 ? mend_segment(bytes, size)
                                                                                             : 0;
}
static void mend_log(uint8_t *bytes, size_t size) {
    (void)mend_whole_segment(bytes, size);
}
static void mend_table(uint8_t *bytes, size_t size) {
    if (size >= SST_HEADER_BYTES + SST_FOOTER_BYTES) mend_sst(bytes, size);
}
static void mend_value_file(uint8_t *bytes, size_t size) {
    if (size >= VALUE_HEADER_BYTES + VALUE_FOOTER_BYTES) mend_values(bytes, size);
}

static const struct {
    void (*inspect)(struct report *report);
    void (*mend)(uint8_t *bytes, size_t size); /* NULL: no checks but one that is text */
    bool reads_parts;                          /* asks for what it looks at */
} kinds[] = {
    {inspect_sst, mend_table, true},
    {inspect_values, mend_value_file, true},
    {inspect_wal, mend_log, false},
    {inspect_manifest, mend_manifest, false},
    {inspect_superblock, mend_superblock, false},
    {inspect_node, mend_node_state, false},
    {inspect_options, NULL, false},
    {inspect_events, NULL, false},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void check_list(const char *open, const struct buf *list, const char *close) {
    struct buf text = BUF_EMPTY;
    check(buf_append(&text, open, 1) == STATUS_OK && buf_append_slice(&text, buf_slice(list)) == STATUS_OK &&
          buf_append(&text, close, 1) == STATUS_OK);
    check(json_is_valid(buf_slice(&text)));
    struct buf page = BUF_EMPTY; /* as it stands in one: no text of it ends the element */
    check(web_page_put_json(&page, buf_slice(&text)) == STATUS_OK);
    check(memchr(page.data, '<', page.size) == NULL && json_is_valid(buf_slice(&page)));
    buf_deinit(&page);
    buf_deinit(&text);
}

static void check_json(const struct report *report) {
    check_list("{", &report->facts, "}");
    check_list("[", &report->problems, "]");
    check_list("[", &report->parts, "]");
    check_list("[", &report->fields, "]");
    check_list("[", &report->rows, "]");
}

/* begin == end: all of it. */
static void inspect(unsigned kind, enum report_form form, struct slice bytes, struct image *image, uint64_t begin,
                    uint64_t end, struct report *report) {
    report_init(report, form, bytes);
    report->image = image;
    if (begin < end && kinds[kind].reads_parts) report_set_range(report, begin, end);
    if (image && !kinds[kind].reads_parts) report_need(report, 0, bytes.size);
    kinds[kind].inspect(report);
    report_part(report, REPORT_UNCHECKED, "end"); /* the last one is told when another begins */
    check(report->next == bytes.size && !report->no_memory);
    check((report->problems.size > 0) == (report->verdict != REPORT_CLEAN));
    if (form == REPORT_JSON) check_json(report);
}

static bool same(const struct buf *a, const struct buf *b) {
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* From a file, of which only what is asked for is in memory. */
static void inspect_pieces(unsigned kind, enum report_form form, struct slice bytes, uint64_t begin, uint64_t end,
                           const struct report *whole) {
    struct io *io = sim_io_create_alone(1);
    struct image image;
    struct report report;
    fuzz_files_put(io, path, bytes);
    check(image_open(io, path, INPUT_MAX, &image) == STATUS_OK);
    inspect(kind, form, slice_make(image.bytes, (size_t)image.size), &image, begin, end, &report);
    check(image.failed == STATUS_OK && image.read_bytes <= image.size);
    check(same(&report.fields, &whole->fields) && same(&report.problems, &whole->problems) &&
          same(&report.parts, &whole->parts) && same(&report.facts, &whole->facts));
    report_deinit(&report);
    image_close(&image);
    io_destroy(io);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < HEAD_BYTES || size > INPUT_MAX) return 0;
    const unsigned kind = data[0] % KINDS;
    const enum report_form form = (enum report_form)(data[1] % (REPORT_JSON + 1));
    const size_t file_size = size - HEAD_BYTES;
    uint8_t *bytes = malloc(file_size ? file_size : 1); /* exact, so that a sanitizer sees reads past the end */
    check(bytes != NULL);
    if (file_size) memcpy(bytes, data + HEAD_BYTES, file_size);
    if (data[0] & 0x80 && kinds[kind].mend) kinds[kind].mend(bytes, file_size);
    uint64_t begin = file_size * data[2] / 256, end = begin + 1 + (uint64_t)data[3] * 16;
    if (end > file_size) end = file_size;
    if (begin >= end || !(data[1] & 0x80)) begin = end = 0;
    struct report report;
    inspect(kind, form, slice_make(bytes, file_size), NULL, begin, end, &report);
    if (data[1] & 0x40) inspect_pieces(kind, form, slice_make(bytes, file_size), begin, end, &report);
    report_deinit(&report);
    free(bytes);
    return 0;
}
