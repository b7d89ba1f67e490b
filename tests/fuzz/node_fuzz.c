/*
 * node_fuzz: any bytes as the files of a node's directory, for those who look at what it holds of its replicated log:
 * superblock, segments, its store's superblock and manifest. The first byte says whether checks are made right first;
 * then files follow (tests/harness/fuzz_files.h). Nobody writes; whoever fails has words; rows ascend; what is printed
 * as JSON is JSON.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/wal/wal_format.h"
#include "tests/harness/fuzz_files.h"
#include "tests/harness/json_check.h"
#include "tests/harness/mend.h"
#include "tools/loam/inspect/raftview/raft_json.h"
#include "tools/loam/inspect/raftview/raft_text.h"
#include "tools/loam/inspect/raftview/raft_view.h"
#include "tools/loamd/stores.h"
#include "tools/sim/sim_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 17, FILES_MAX = 8, SEGMENT_MAX = 64 << 10, COLUMNS = 100 };

/* ---- The directory ----------------------------------------------------------------------------------------------- */

enum which { NODE, FIRST_SEGMENT, SECOND_SEGMENT, STORE, MANIFEST, WHICH };

static const char *const paths[] = {
    [NODE] = "/node-1/superblock",
    [FIRST_SEGMENT] = "/node-1/log/00000001.wal",
    [SECOND_SEGMENT] = "/node-1/log/00000002.wal",
    [STORE] = "/node-1/engine-00000001/SUPERBLOCK",
    [MANIFEST] = "/node-1/engine-00000001/0000000001.manifest",
};

/* owner: of the log, by the superblock that came before; a segment gets it, and the number of its name. */
static void mend(enum which which, uint8_t *bytes, size_t size, uint64_t *owner) {
    if (which == NODE) {
        mend_node_state(bytes, size);
        if (size >= 48) *owner = raft_survey_log_owner(coding_get_u64(bytes + 32), coding_get_u64(bytes + 40));
    }
    if (which == STORE) mend_superblock(bytes, size);
    if (which == MANIFEST) mend_manifest(bytes, size);
    if (which != FIRST_SEGMENT && which != SECOND_SEGMENT) return;
    if (size < WAL_SEGMENT_MIN_BYTES || size > SEGMENT_MAX || size % IO_PAGE_BYTES != 0) return;
    const uint32_t number = which == FIRST_SEGMENT ? 1 : 2, old = coding_get_u32(bytes + 12);
    for (size_t at = WAL_HEADER_BYTES; at < size; at += IO_SECTOR_BYTES) /* stamps name their segment */
        if (coding_get_u32(bytes + at) == old) coding_put_u32(bytes + at, number);
    coding_put_u32(bytes + 12, number);
    coding_put_u64(bytes + 16, *owner);
    (void)mend_segment(bytes, size);
}

static void make_dir(struct io *io, struct slice input, bool mended) {
    struct slice content;
    uint8_t which;
    uint64_t owner = 0;
    check(io_dir_make(io, "/node-1") == STATUS_OK);
    for (unsigned i = 0; i < FILES_MAX && fuzz_files_next(&input, &which, &content); i++) {
        uint8_t *bytes = malloc(content.size ? content.size : 1);
        check(bytes != NULL);
        if (content.size) memcpy(bytes, content.data, content.size);
        if (mended) mend(which % WHICH, bytes, content.size, &owner);
        fuzz_files_put(io, paths[which % WHICH], slice_make(bytes, content.size));
        free(bytes);
    }
}

/* ---- Looking at it ----------------------------------------------------------------------------------------------- */

static void check_view(const struct raft_view *view) {
    for (size_t i = 1; i < view->entry_count; i++) check(view->entries[i].index > view->entries[i - 1].index);
    for (size_t i = 0; i < view->entry_count; i++)
        check(raft_view_find(view, view->entries[i].index) == &view->entries[i]);
    for (size_t i = 0; i < raft_view_problems_kept(view); i++)
        check(view->problems[i].text[0] && view->problems[i].from <= view->problems[i].to);
    check((view->problem_count == 0) == (view->verdict == RAFT_VIEW_CLEAN));
}

static void show(const struct raft_view *view) {
    const struct raft_view *const views[] = {view, view};
    struct out text = {.status = STATUS_OK}, json = {.status = STATUS_OK};
    for (size_t count = 1; count <= 2; count++) { /* alone, and beside another one that is the same */
        struct raft_compare compare;
        check(raft_compare_make(views, count, &compare) == STATUS_OK);
        raft_text_node(&text, view, &compare, COLUMNS);
        raft_text_compare(&text, &compare, COLUMNS);
        buf_clear(&json.text);
        raft_json_directories(&json, &compare);
        check(text.status == STATUS_OK && json.status == STATUS_OK && json_is_valid(buf_slice(&json.text)));
        raft_compare_deinit(&compare);
    }
    buf_deinit(&text.text);
    buf_deinit(&json.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > INPUT_MAX) return 0;
    struct io *io = sim_io_create_alone(1);
    struct error error = {.status = STATUS_OK};
    struct raft_view *view = calloc(1, sizeof *view);
    struct stores stores;
    check(view != NULL && stores_init(&stores) == STATUS_OK);
    make_dir(io, slice_make(data + 1, size - 1), data[0] & 1);
    const enum status status = raft_view_read(io, "/node-1", stores.machines, stores.machine_count, view, &error);
    check(status == STATUS_OK || error.text[0]);
    if (status == STATUS_OK) {
        check_view(view);
        show(view);
    }
    raft_view_deinit(view);
    free(view);
    stores_deinit(&stores);
    io_destroy(io);
    return 0;
}
