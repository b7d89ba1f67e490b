/*
 * raft_log_golden_test: a superblock and log records of version 1 read as they did on the day they were written, and
 * the examples in raft/log/FORMAT.md say what the golden files say.
 *
 *     raft_log_golden_test --make     writes the golden files anew (only with a new version of the format)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "raft/log/envelope.h"
#include "raft/log/node_state.h"
#include "raft/log/raft_log.h"

static const char superblock_file[] = "tests/golden/raft/superblock-v1";
static const char repaired_file[] = "tests/golden/raft/superblock-v2";
static const char entry_file[] = "tests/golden/raft/entry-v1";
static const char cut_file[] = "tests/golden/raft/cut-v1";

static const struct node_state golden_state = {
    .generation = 3,
    .cluster_id = 0x1111111111111111,
    .node_id = 2,
    .incarnation = 0x2222222222222222,
    .members_hash = 0x3333333333333333,
    .term = 5,
    .vote = 1,
    .engine_number = 2,
    .log_from = 0x300002040,
    .log_start = 1000,
    .log_start_term = 4,
    .peers = {{1, 0x4444444444444444}, {3, 0x5555555555555555}},
};
/* The same after a repair: only then a slot is of version 2. */
static struct node_state golden_repaired(void) {
    struct node_state state = golden_state;
    state.doubt_term = 5;
    state.log_number = 1;
    state.damaged_engine = 1;
    state.damaged_log = 1;
    return state;
}
static const struct envelope golden_envelope = {.time_ms = 1700000000000, .seed = 7, .session = 12, .serial = 34};

static size_t make_entry(uint8_t *to) {
    struct raft_log_record record = {.index = 1001, .term = 5, .entry_kind = RAFT_ENTRY_COMMAND};
    raft_log_entry_head_encode(to, &record);
    envelope_encode(to + RAFT_LOG_ENTRY_HEAD_BYTES, &golden_envelope, 1);
    memcpy(to + RAFT_LOG_ENTRY_HEAD_BYTES + ENVELOPE_HEAD_BYTES, "operation", 9);
    return RAFT_LOG_ENTRY_HEAD_BYTES + ENVELOPE_HEAD_BYTES + 9;
}

static void store(const char *path, const uint8_t *bytes, size_t size) {
    FILE *out = fopen(path, "wb");
    check(out != NULL && fwrite(bytes, 1, size, out) == size);
    check(fclose(out) == 0);
}

static int make(void) {
    uint8_t file[NODE_STATE_BYTES] = {0}, entry[256];
    node_state_encode(&golden_state, file + node_state_offset(&golden_state));
    store(superblock_file, file, sizeof file);
    const struct node_state repaired = golden_repaired();
    node_state_encode(&repaired, file + node_state_offset(&repaired));
    store(repaired_file, file, sizeof file);
    store(entry_file, entry, make_entry(entry));
    static const uint8_t cut[RAFT_LOG_INDEX_BYTES] = {0xe9, 0x03};
    store(cut_file, cut, sizeof cut);
    return 0;
}

static size_t load(const char *path, uint8_t *to, size_t size) {
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t got = fread(to, 1, size, in);
    fclose(in);
    return got;
}

static void a_superblock_of_version_1_reads_as_it_was_written(void **state) {
    (void)state;
    uint8_t file[NODE_STATE_BYTES];
    struct node_state found;
    assert_int_equal(load(superblock_file, file, sizeof file), sizeof file);
    assert_int_equal(node_state_choose(slice_make(file, sizeof file), &found, NULL), STATUS_OK);
    assert_memory_equal(&found, &golden_state, sizeof found);
}

static void a_superblock_of_version_2_reads_as_it_was_written(void **state) {
    (void)state;
    uint8_t file[NODE_STATE_BYTES];
    struct node_state found;
    const struct node_state repaired = golden_repaired();
    assert_int_equal(load(repaired_file, file, sizeof file), sizeof file);
    assert_int_equal(file[node_state_offset(&repaired) + 8], 2);
    assert_int_equal(node_state_choose(slice_make(file, sizeof file), &found, NULL), STATUS_OK);
    assert_memory_equal(&found, &repaired, sizeof found);
}

static void records_of_version_1_read_as_they_were_written(void **state) {
    (void)state;
    uint8_t bytes[256];
    struct raft_log_record record;
    size_t size = load(entry_file, bytes, sizeof bytes);
    assert_int_equal(raft_log_record_decode(RAFT_LOG_ENTRY, slice_make(bytes, size), &record), STATUS_OK);
    assert_true(record.index == 1001 && record.term == 5 && record.entry_kind == RAFT_ENTRY_COMMAND);
    struct envelope envelope;
    uint8_t store_number;
    struct slice operation;
    assert_int_equal(envelope_decode(record.bytes, &envelope, &store_number, &operation), STATUS_OK);
    assert_memory_equal(&envelope, &golden_envelope, sizeof envelope);
    assert_int_equal(store_number, 1);
    assert_true(slice_equal(operation, slice_from_text("operation")));

    size = load(cut_file, bytes, sizeof bytes);
    assert_int_equal(raft_log_record_decode(RAFT_LOG_CUT, slice_make(bytes, size), &record), STATUS_OK);
    assert_int_equal(record.index, 1001);
    assert_int_equal(raft_log_record_decode(RAFT_LOG_COMMIT, slice_make(bytes, size), &record), STATUS_OK);
    assert_int_equal(record.index, 1001);
    assert_int_equal(raft_log_record_decode(4, slice_make(bytes, size), &record), STATUS_CORRUPT);
}

/* Lines "00001000  4c 4f ...  what" after the heading become bytes again. */
static void read_example(const char *heading, uint8_t *to, size_t size) {
    FILE *in = fopen("raft/log/FORMAT.md", "r");
    assert_non_null(in);
    char line[512];
    bool inside = false;
    unsigned lines = 0;
    memset(to, 0, size);
    while (fgets(line, sizeof line, in) != NULL) {
        char *cursor;
        if (line[0] == '`' || line[0] == '#') inside = inside && line[0] == '`' ? false : strstr(line, heading) != NULL;
        unsigned long offset = strtoul(line, &cursor, 16);
        if (!inside || cursor != line + 8 || strncmp(cursor, "  ", 2) != 0) continue;
        lines++;
        for (cursor += 2; cursor[0] != ' ' && cursor[0] != '\n' && cursor[2] == ' '; cursor += 3) {
            assert_true(offset < size);
            to[offset++] = (uint8_t)strtoul(cursor, NULL, 16);
        }
    }
    fclose(in);
    assert_true(lines > 3);
}

static void the_examples_in_the_document_are_the_golden_files(void **state) {
    (void)state;
    static uint8_t told[NODE_STATE_BYTES], golden[NODE_STATE_BYTES];
    read_example("superblock-v1", told, sizeof told);
    assert_int_equal(load(superblock_file, golden, sizeof golden), sizeof golden);
    assert_memory_equal(told, golden, sizeof golden);
    size_t size = load(entry_file, golden, sizeof golden);
    read_example("entry-v1", told, size);
    assert_memory_equal(told, golden, size);
}

int main(int argument_count, char **arguments) {
    if (argument_count > 1 && strcmp(arguments[1], "--make") == 0) return make();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_superblock_of_version_1_reads_as_it_was_written),
        cmocka_unit_test(a_superblock_of_version_2_reads_as_it_was_written),
        cmocka_unit_test(records_of_version_1_read_as_they_were_written),
        cmocka_unit_test(the_examples_in_the_document_are_the_golden_files),
    };
    return cmocka_run_group_tests_name("raft_log_golden", tests, NULL, NULL);
}
