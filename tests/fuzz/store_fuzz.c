/*
 * store_fuzz: any bytes as the files of a store's directory, for those who look at one that may be damaged: its shape
 * (superblock, manifest, what the tables say of themselves), what became of a key, a read that is explained, and its
 * own log. The first byte says whether checks are made right first; then files follow (tests/harness/fuzz_files.h).
 * Nobody writes; whoever fails has words; what is printed as JSON is JSON.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/explain.h"
#include "engine/lsm/manifest_format.h"
#include "engine/sst/sst_format.h"
#include "engine/values/value_format.h"
#include "engine/wal/wal_format.h"
#include "tests/harness/fuzz_files.h"
#include "tests/harness/json_check.h"
#include "tests/harness/mend.h"
#include "tools/loam/explain/log_walk.h"
#include "tools/loam/inspect/shape/shape.h"
#include "tools/sim/sim_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 17, FILES_MAX = 16, SEGMENT_MAX = 64 << 10, QUICK = 2, MENDED = 1 };

static const char dir[] = "/store";

/* ---- The directory ----------------------------------------------------------------------------------------------- */

enum which { SUPERBLOCK, MANIFEST, TABLE, VALUES, SEGMENT, KEY /* no file: what is asked for */, WHICH };

/* What is asked for. */
struct question {
    uint32_t tree;
    struct slice key;
};

static void mend(enum which which, uint8_t *bytes, size_t size) {
    if (which == SUPERBLOCK) mend_superblock(bytes, size);
    if (which == MANIFEST) mend_manifest(bytes, size);
    if (which == TABLE && size >= SST_HEADER_BYTES + SST_FOOTER_BYTES) mend_sst(bytes, size);
    if (which == VALUES && size >= VALUE_HEADER_BYTES + VALUE_FOOTER_BYTES) mend_values(bytes, size);
    if (which == SEGMENT && size >= WAL_SEGMENT_MIN_BYTES && size <= SEGMENT_MAX && size % IO_PAGE_BYTES == 0)
        (void)mend_segment(bytes, size);
}

/* Under the number that it claims, so that whoever looks for it finds it. */
static void name_file(enum which which, const uint8_t *bytes, size_t size, char path[IO_PATH_BYTES]) {
    static const char *const ends[] = {[MANIFEST] = "manifest", [TABLE] = "sst", [VALUES] = "val"};
    const size_t number_at = which == MANIFEST ? MANIFEST_HEADER_NUMBER_AT : 24;
    if (which == SUPERBLOCK)
        snprintf(path, IO_PATH_BYTES, "%s/SUPERBLOCK", dir);
    else if (which == SEGMENT)
        snprintf(path, IO_PATH_BYTES, "%s/wal/%08x.wal", dir, size >= 16 ? coding_get_u32(bytes + 12) : 1);
    else
        snprintf(path, IO_PATH_BYTES, "%s/%010llu.%s", dir,
                 size >= number_at + 8 ? (unsigned long long)coding_get_u64(bytes + number_at) : 1, ends[which]);
}

static void make_dir(struct io *io, struct slice input, bool mended, struct question *question) {
    struct slice content;
    uint8_t which;
    check(io_dir_make(io, dir) == STATUS_OK);
    for (unsigned i = 0; i < FILES_MAX && fuzz_files_next(&input, &which, &content); i++) {
        char path[IO_PATH_BYTES];
        if (which % WHICH == KEY && content.size > 0)
            *question = (struct question){content.data[0], slice_from(content, 1)};
        if (which % WHICH == KEY) continue;
        uint8_t *bytes = malloc(content.size ? content.size : 1);
        check(bytes != NULL);
        if (content.size) memcpy(bytes, content.data, content.size);
        if (mended) mend(which % WHICH, bytes, content.size);
        name_file(which % WHICH, bytes, content.size, path);
        fuzz_files_put(io, path, slice_make(bytes, content.size));
        free(bytes);
    }
}

/* ---- Looking at it ----------------------------------------------------------------------------------------------- */

static void show_shape(struct shape *shape) {
    struct out text = {.status = STATUS_OK}, json = {.status = STATUS_OK}, page = {.status = STATUS_OK};
    shape_text(&text, shape, &(struct shape_text_options){.all_files = true, .edits = true});
    shape_json(&json, shape, true);
    shape_page(&page, shape);
    check(text.status == STATUS_OK && json.status == STATUS_OK && page.status == STATUS_OK);
    check(json_is_valid(buf_slice(&json.text)));
    buf_deinit(&text.text);
    buf_deinit(&json.text);
    buf_deinit(&page.text);
}

static void look_at_shape(struct io *io, bool quick) {
    struct shape shape = {.given = dir};
    struct error error = {.status = STATUS_OK};
    enum status status = source_open(&shape.source, io, dir, &shape.findings, &error);
    check(status == STATUS_OK || error.text[0]);
    if (status == STATUS_OK) status = judge_source(&shape.judgement, &shape.source, quick, &shape.findings, &error);
    check(status == STATUS_OK || error.text[0]);
    const size_t edits = status == STATUS_OK ? shape.source.history.edit_count : 0;
    for (size_t at = 0; at<edits; at += edits> 1 ? edits - 1 : 1) { /* the first and the last */
        state_deinit(&shape.state);
        check(state_make(&shape.state, &shape.source.history, (uint32_t)at) == STATUS_OK);
        check(shape.state.all.files == shape.state.count);
        shape.has_state = at == edits - 1;
    }
    check(!shape.findings.no_memory);
    if (status == STATUS_OK) show_shape(&shape);
    state_deinit(&shape.state);
    judgement_deinit(&shape.judgement);
    findings_deinit(&shape.findings);
    source_deinit(&shape.source);
}

static enum status take_event(void *context, const struct engine_history_event *event) {
    uint64_t *count = context;
    if (event->kind == ENGINE_HISTORY_DAMAGE) check(event->why && event->why[0]);
    ++*count;
    return STATUS_OK;
}

static void look_for_key(struct io *io, const struct question *question) {
    struct error error = {.status = STATUS_OK};
    uint64_t count = 0;
    enum status status = engine_explain_history(io, dir, question->tree, question->key, take_event, &count, &error);
    check(status == STATUS_OK || status == STATUS_BUSY || error.text[0]);
    error.text[0] = 0;
    status = engine_explain_superblock(io, dir, &error);
    check(status == STATUS_OK || error.text[0]);
    error.text[0] = 0;
    status = engine_explain_manifest(io, dir, &error);
    check(status != STATUS_CORRUPT || error.text[0]);
}

/* Every step is told with a status; what is read twice is the same. */
static void take_step(void *context, const struct engine_step *step) {
    uint64_t *steps = context;
    check(step->kind <= ENGINE_STEP_FOLD && status_text(step->status)[0]);
    ++*steps;
}

static void read_engine(struct io *io, const struct question *question) {
    struct error error = {.status = STATUS_OK};
    struct engine *engine = NULL;
    const struct engine_options options = {.wal = ENGINE_WAL_OFF,
                                           .must_exist = true,
                                           .read_only = true,
                                           .explains = true,
                                           .cache_bytes = 1 << 20,
                                           .memtable_bytes = 1 << 20};
    const enum status status = engine_open(io, dir, &options, &engine, &error);
    check(status == STATUS_OK || error.text[0]);
    if (status != STATUS_OK) return;
    struct engine_value value = {.data = {0}}, again = {.data = {0}};
    uint64_t steps = 0;
    struct engine_watch watch = {.told = take_step, .context = &steps};
    engine_explain(engine, &watch);
    const enum status told = engine_explain_get(engine, question->tree, question->key, &value);
    engine_explain(engine, NULL);
    const enum status plain = engine_get(engine, NULL, question->tree, question->key, &again);
    check(told == plain && (told != STATUS_OK || slice_equal(value.data, again.data)));
    if (told == STATUS_OK) engine_value_release(&value);
    if (plain == STATUS_OK) engine_value_release(&again);
    engine_close(engine);
}

static enum status take_record(void *context, const struct wal_record *record) {
    uint64_t *bytes = context;
    *bytes += record->payload.size;
    return STATUS_OK;
}
static enum status take_damage(void *context, const char *text, bool torn) {
    (void)context, (void)torn;
    check(text && text[0]);
    return STATUS_OK;
}

static void walk_log(struct io *io) {
    uint64_t bytes = 0;
    struct log_walk walk = {
        .io = io, .dir = "/store/wal", .record = take_record, .damage = take_damage, .context = &bytes};
    const enum status status = log_walk_run(&walk);
    check(status == STATUS_OK || status == STATUS_NOT_FOUND);
    check(bytes <= walk.segments * (uint64_t)INPUT_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > INPUT_MAX) return 0;
    struct io *io = sim_io_create_alone(1);
    struct question question = {.tree = 2, .key = slice_from_text("user:00042:name")};
    make_dir(io, slice_make(data + 1, size - 1), data[0] & MENDED, &question);
    look_at_shape(io, data[0] & QUICK);
    look_for_key(io, &question);
    read_engine(io, &question);
    walk_log(io);
    io_destroy(io);
    return 0;
}
