/*
 * format_code_test: what the encoders write stands where the tables of fields say, which tools and pages are made of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/base/check.h"
#include "engine/lsm/lsm_layout_format.h"
#include "engine/lsm/manifest_format.h"
#include "engine/lsm/superblock_format.h"
#include "engine/sst/block_format.h"
#include "engine/sst/filter_format.h"
#include "engine/sst/sst_format.h"
#include "engine/sst/sst_layout_format.h"
#include "engine/values/value_format.h"
#include "engine/values/value_layout_format.h"
#include "engine/wal/wal_format.h"
#include "engine/wal/wal_layout_format.h"
#include "graph/graph_layout.h"
#include "graph/op.h"
#include "graph/store/keys.h"
#include "kv/kv.h"
#include "kv/kv_layout.h"
#include "raft/driver/snapshot_stream.h"
#include "raft/log/envelope.h"
#include "raft/log/log_layout_format.h"
#include "raft/log/node_state_format.h"
#include "raft/log/raft_log.h"
#include "raft/message/driver_codec.h"
#include "raft/message/frame.h"
#include "raft/message/message_layout_format.h"
#include "tools/loam/simulate/write_trace.h"
#include "tools/loam/simulate/write_trace_layout.h"
#include "tsdb/codec/rows.h"
#include "tsdb/tsdb_layout.h"

/* The number of the field in bytes that an encoder wrote. */
static uint64_t field_at(const struct layout *layout, const uint8_t *bytes, const char *name) {
    const struct layout_row *row = layout_row(layout, name);
    struct fields fields =
        fields_make(slice_make(bytes + layout_offset(layout, name), layout_row_size(row)), NULL, NULL);
    return layout_read(row, &fields);
}

/* Magics and zeros are where they should be. */
static void expect_sound(const struct layout *layout, const uint8_t *bytes) {
    struct fields fields = fields_make(slice_make(bytes, layout_size(layout->rows)), NULL, NULL);
    (void)layout_describe(layout->rows, &fields, NULL);
    if (!fields_end(&fields)) fail_msg("%s: %s", layout->name, fields.fault);
}

static void a_superblock_is_written_as_its_table_says(void **state) {
    (void)state;
    uint8_t bytes[IO_SECTOR_BYTES];
    const struct superblock superblock = {.store = 11, .generation = 12, .manifest = 13, .manifest_bytes = 14};
    const struct layout *layout = &superblock_slot_layout;
    superblock_encode(&superblock, 1, bytes);
    expect_sound(layout, bytes);
    assert_int_equal(layout_size(layout->rows), IO_SECTOR_BYTES);
    assert_int_equal(field_at(layout, bytes, "version"), 1);
    assert_int_equal(field_at(layout, bytes, "store"), 11);
    assert_int_equal(field_at(layout, bytes, "generation"), 12);
    assert_int_equal(field_at(layout, bytes, "manifest"), 13);
    assert_int_equal(field_at(layout, bytes, "manifest bytes"), 14);
}

static void a_manifest_is_written_as_its_tables_say(void **state) {
    (void)state;
    uint8_t bytes[IO_SECTOR_BYTES];
    const struct manifest_id id = {.store = 11, .number = 12, .generation = 13};
    const struct layout *layout = &manifest_header_layout, *sector = &manifest_sector_layout;
    manifest_header_encode(&id, bytes);
    expect_sound(layout, bytes);
    assert_int_equal(layout_offset(layout, "magic"), MANIFEST_HEADER_MAGIC_AT);
    assert_int_equal(field_at(layout, bytes, "version"), MANIFEST_VERSION);
    assert_int_equal(field_at(layout, bytes, "sector bytes"), IO_SECTOR_BYTES);
    assert_int_equal(field_at(layout, bytes, "store"), 11);
    assert_int_equal(field_at(layout, bytes, "number"), 12);
    assert_int_equal(field_at(layout, bytes, "generation"), 13);
    assert_int_equal(layout_offset(sector, "edit"), MANIFEST_SECTOR_EDIT_AT);
    assert_int_equal(layout_offset(sector, "sector of the edit"), MANIFEST_SECTOR_INDEX_AT);
    assert_int_equal(layout_offset(sector, "sectors"), MANIFEST_SECTOR_COUNT_AT);
    assert_int_equal(layout_offset(sector, "used bytes"), MANIFEST_SECTOR_USED_AT);
    assert_int_equal(layout_offset(sector, "magic"), MANIFEST_SECTOR_MAGIC_AT);
    assert_int_equal(layout_size(sector->rows), MANIFEST_SECTOR_PAYLOAD_AT);
}

static void an_sst_is_written_as_its_tables_say(void **state) {
    (void)state;
    uint8_t header[SST_HEADER_BYTES], footer[SST_FOOTER_BYTES], handle[SST_INDEX_VALUE_BYTES];
    const struct sst_identity identity = {.store = 11, .file = 12};
    sst_header_encode(header, &identity, SST_FEATURE_DICTIONARY);
    expect_sound(&sst_header_layout, header);
    assert_int_equal(layout_size(sst_header_layout.rows), SST_HEADER_BYTES);
    assert_int_equal(field_at(&sst_header_layout, header, "version"), SST_VERSION);
    assert_int_equal(field_at(&sst_header_layout, header, "header bytes"), SST_HEADER_BYTES);
    assert_int_equal(field_at(&sst_header_layout, header, "store"), 11);
    assert_int_equal(field_at(&sst_header_layout, header, "file"), 12);
    assert_int_equal(field_at(&sst_header_layout, header, "required features"), SST_FEATURE_DICTIONARY);
    struct sst_footer content = {.file_bytes = 1000, .identity = identity};
    for (unsigned i = 0; i < SST_FOOTER_SECTIONS; i++)
        content.sections[i] = (struct sst_handle){.offset = 100 + i, .size = 200 + i, .check = 300 + i};
    sst_footer_encode(footer, &content);
    expect_sound(&sst_footer_layout, footer);
    assert_int_equal(layout_size(sst_footer_layout.rows), SST_FOOTER_BYTES);
    assert_int_equal(field_at(&sst_footer_layout, footer, "sections"), SST_FOOTER_SECTIONS);
    assert_int_equal(field_at(&sst_footer_layout, footer, "file bytes"), 1000);
    assert_int_equal(field_at(&sst_footer_layout, footer, "store"), 11);
    assert_int_equal(field_at(&sst_footer_layout, footer, "file"), 12);
    const struct layout handles = {.name = "handle", .rows = layout_row(&sst_footer_layout, "handles")->of};
    const uint8_t *third = footer + layout_offset(&sst_footer_layout, "handles") + 2 * layout_size(handles.rows);
    assert_int_equal(field_at(&handles, third, "section offset"), 102);
    assert_int_equal(field_at(&handles, third, "section size"), 202);
    sst_handle_encode(handle, &content.sections[2]);
    assert_int_equal(layout_size(sst_index_value_layout.rows), SST_INDEX_VALUE_BYTES);
    assert_int_equal(field_at(&sst_index_value_layout, handle, "block offset"), 102);
    assert_int_equal(field_at(&sst_index_value_layout, handle, "block size"), 202);
}

static void a_unit_is_written_as_its_table_says(void **state) {
    (void)state;
    const struct sst_identity identity = {.store = 11, .file = 12};
    const struct sst_packing packing = {.id = CODEC_NONE};
    const struct layout *layout = &sst_unit_layout;
    struct buf unit = BUF_EMPTY;
    struct sst_handle handle;
    assert_int_equal(
        sst_unit_encode(&unit, &packing, SST_SECTION_INDEX, slice_from_text("twelve bytes"), &identity, 64, &handle),
        STATUS_OK);
    expect_sound(layout, unit.data);
    assert_int_equal(layout_size(layout->rows), SST_UNIT_HEADER_BYTES);
    assert_int_equal(field_at(layout, unit.data, "stored bytes"), 12);
    assert_int_equal(field_at(layout, unit.data, "raw bytes"), 12);
    assert_int_equal(field_at(layout, unit.data, "section"), SST_SECTION_INDEX);
    assert_int_equal(field_at(layout, unit.data, "codec"), CODEC_NONE);
    assert_int_equal(layout_size(sst_block_layout.rows), BLOCK_HEADER_BYTES);
    assert_int_equal(layout_size(sst_filter_layout.rows), FILTER_HEADER_BYTES);
    buf_deinit(&unit);
}

/* What the block's reader takes a header's fields for. */
static void a_block_is_read_as_its_table_says(void **state) {
    (void)state;
    const struct layout *layout = &sst_block_layout;
    uint8_t bytes[64 + BLOCK_SLACK_BYTES] = {0};
    struct sst_block_view view;
    coding_put_u32(bytes + layout_offset(layout, "entries"), 1);
    coding_put_u32(bytes + layout_offset(layout, "prefix bytes"), 3);
    coding_put_u32(bytes + layout_offset(layout, "shortest value"), 5);
    coding_put_u64(bytes + layout_offset(layout, "lowest sequence"), 77);
    bytes[layout_offset(layout, "head size")] = 2;
    bytes[layout_offset(layout, "kind")] = ENTRY_PUT;
    bytes[BLOCK_HEADER_BYTES + 7] = 'b', bytes[BLOCK_HEADER_BYTES + 6] = 'c';
    assert_int_equal(block_view_parse(slice_make(bytes, BLOCK_HEADER_BYTES + 8 + 3 + 5), &view), STATUS_OK);
    assert_int_equal(view.count, 1);
    assert_int_equal(view.prefix_size, 3);
    assert_int_equal(view.value_stride, 5);
    assert_int_equal(view.sequence_base, 77);
    assert_int_equal(view.head_size, 2);
    assert_int_equal(view.kind, ENTRY_PUT);
}

static void a_property_has_the_name_and_form_of_its_table(void **state) {
    (void)state;
    for (uint64_t tag = 0; tag < 100; tag++) {
        const uint8_t bytes[] = {(uint8_t)tag, 1, 1};
        const struct layout_case *known = layout_find_case(&sst_property_value_layout, tag);
        struct decoder decoder = decoder_make(slice_make(bytes, sizeof bytes));
        struct sst_property property;
        assert_int_equal(sst_property_next(&decoder, &property), STATUS_OK);
        assert_string_equal(property.name, known ? known->name : "unknown");
        if (known) assert_true(property.is_number == (known->rows->form == LAYOUT_VARINT));
    }
}

static void a_file_of_values_is_written_as_its_tables_say(void **state) {
    (void)state;
    uint8_t header[VALUE_HEADER_BYTES], footer[VALUE_FOOTER_BYTES], bytes[VALUE_REFERENCE_BYTES];
    const struct sst_identity identity = {.store = 11, .file = 12};
    const struct value_footer content = {.records = 1, .value_bytes = 2, .file_bytes = 3, .identity = identity};
    const struct layout *record = &value_record_layout;
    value_header_encode(header, &identity);
    expect_sound(&value_header_layout, header);
    assert_int_equal(layout_size(value_header_layout.rows), VALUE_HEADER_BYTES);
    assert_int_equal(field_at(&value_header_layout, header, "version"), VALUE_VERSION);
    assert_int_equal(field_at(&value_header_layout, header, "header bytes"), VALUE_HEADER_BYTES);
    assert_int_equal(field_at(&value_header_layout, header, "store"), 11);
    assert_int_equal(field_at(&value_header_layout, header, "file"), 12);
    value_footer_encode(footer, &content);
    expect_sound(&value_footer_layout, footer);
    assert_int_equal(layout_size(value_footer_layout.rows), VALUE_FOOTER_BYTES);
    assert_int_equal(field_at(&value_footer_layout, footer, "values"), 1);
    assert_int_equal(field_at(&value_footer_layout, footer, "bytes of values"), 2);
    assert_int_equal(field_at(&value_footer_layout, footer, "file bytes"), 3);
    assert_int_equal(field_at(&value_footer_layout, footer, "store"), 11);
    assert_int_equal(field_at(&value_footer_layout, footer, "file"), 12);
    struct buf made = BUF_EMPTY;
    struct value_reference reference;
    assert_int_equal(value_record_encode(&made, NULL, CODEC_NONE, slice_from_text("key"), slice_from_text("value"),
                                         &identity, 64, &reference),
                     STATUS_OK);
    expect_sound(record, made.data);
    assert_int_equal(layout_size(record->rows), VALUE_RECORD_HEADER_BYTES);
    assert_int_equal(field_at(record, made.data, "stored bytes"), 5);
    assert_int_equal(field_at(record, made.data, "raw bytes"), 5);
    assert_int_equal(field_at(record, made.data, "key bytes"), 3);
    assert_int_equal(field_at(record, made.data, "codec"), CODEC_NONE);
    value_reference_encode(bytes, &reference);
    assert_int_equal(layout_size(value_reference_layout.rows), VALUE_REFERENCE_BYTES);
    assert_int_equal(field_at(&value_reference_layout, bytes, "file of the value"), 12);
    assert_int_equal(field_at(&value_reference_layout, bytes, "offset of the value"), 64);
    assert_int_equal(field_at(&value_reference_layout, bytes, "bytes of the record"), made.size);
    buf_deinit(&made);
}

static void a_segment_is_written_as_its_tables_say(void **state) {
    (void)state;
    static uint8_t page[WAL_HEADER_BYTES];
    const struct wal_segment_header header = {.version = WAL_VERSION_LOOSE,
                                              .segment = 11,
                                              .owner = 12,
                                              .segment_bytes = 13,
                                              .start_group = 14,
                                              .predecessor_end = 15,
                                              .predecessor_group = 17,
                                              .durable = 16};
    const struct layout *layout = &wal_header_layout;
    wal_segment_header_encode(page, &header);
    expect_sound(layout, page);
    assert_int_equal(field_at(layout, page, "version"), WAL_VERSION_LOOSE);
    assert_int_equal(field_at(layout, page, "segment"), 11);
    assert_int_equal(field_at(layout, page, "owner"), 12);
    assert_int_equal(field_at(layout, page, "file bytes"), 13);
    assert_int_equal(field_at(layout, page, "start group"), 14);
    assert_int_equal(field_at(layout, page, "predecessor end"), 15);
    assert_int_equal(field_at(layout, page, "predecessor group"), 17);
    assert_int_equal(layout_size(layout->rows), wal_loose_header_layout.begins_at);
    assert_int_equal(field_at(&wal_loose_header_layout, page, "durable"), 16);
    wal_stamp_encode(page, 12, 11, 8, 77, true);
    assert_int_equal(layout_size(wal_stamp_layout.rows), WAL_STAMP_BYTES);
    assert_int_equal(field_at(&wal_stamp_layout, page, "stamp"), 11);
    assert_true(field_at(&wal_stamp_layout, page, "stamp group") == ((uint64_t)1 << 63 | 77));
}

static void groups_and_records_are_written_as_their_tables_say(void **state) {
    (void)state;
    uint8_t bytes[WAL_GROUP_HEADER_BYTES];
    const struct wal_group group = {
        .length = 11, .padded = true, .count = 12, .group = 13, .previous = 14, .durable = 15};
    const struct layout *layout = &wal_group_layout;
    wal_group_header_encode(bytes, 1, &group);
    expect_sound(layout, bytes);
    assert_int_equal(layout_size(layout->rows), WAL_GROUP_HEADER_BYTES);
    assert_int_equal(field_at(layout, bytes, "length"), 11);
    assert_int_equal(field_at(layout, bytes, "type"), 0);
    assert_int_equal(field_at(layout, bytes, "flags"), 1);
    assert_int_equal(field_at(layout, bytes, "records"), 12);
    assert_int_equal(field_at(layout, bytes, "group"), 13);
    assert_int_equal(field_at(layout, bytes, "previous"), 14);
    assert_int_equal(field_at(layout, bytes, "durable"), 15);
    const struct wal_prefix prefix = {.check = 7, .length = 258, .type = 3};
    wal_prefix_encode(bytes, &prefix);
    assert_int_equal(layout_size(wal_record_layout.rows), WAL_PREFIX_BYTES);
    assert_int_equal(field_at(&wal_record_layout, bytes, "length"), 258);
    assert_int_equal(field_at(&wal_record_layout, bytes, "type"), 3);
    const struct wal_prefix compact = {.check = 7, .length = 258, .type = 3, .compact = true, .tag = 5};
    wal_prefix_encode(bytes, &compact);
    assert_int_equal(layout_size(wal_compact_layout.rows), WAL_PREFIX_BYTES);
    assert_int_equal(field_at(&wal_compact_layout, bytes, "length"), 258);
    assert_int_equal(field_at(&wal_compact_layout, bytes, "mark and tag"), 0x8000 | 5);
    assert_int_equal(field_at(&wal_compact_layout, bytes, "type"), 3);
}

static void a_node_s_superblock_is_written_as_its_table_says(void **state) {
    (void)state;
    uint8_t slot[NODE_STATE_SLOT_BYTES];
    const struct node_state node = {.generation = 1,
                                    .cluster_id = 2,
                                    .node_id = 3,
                                    .incarnation = 4,
                                    .members_hash = 5,
                                    .term = 6,
                                    .vote = 7,
                                    .engine_number = 8,
                                    .log_from = 9,
                                    .log_start = 10,
                                    .log_start_term = 11,
                                    .doubt_term = 12,
                                    .log_number = 13,
                                    .damaged_engine = 14,
                                    .damaged_log = 15,
                                    .is_witness = true,
                                    .peers = {[2] = {16, 17}}};
    static const struct {
        const char *name;
        uint64_t value;
    } fields[] = {
        {"version", 3},
        {"generation", 1},
        {"cluster", 2},
        {"node", 3},
        {"incarnation", 4},
        {"members hash", 5},
        {"term", 6},
        {"vote", 7},
        {"engine directory", 8},
        {"log from", 9},
        {"log start index", 10},
        {"log start term", 11},
        {"doubt: entries acknowledged up to this term may be missing", 12},
        {"log directory", 13},
        {"store set aside", 14},
        {"log set aside, and 1", 15},
        {"kind", 1},
    };
    const struct layout *layout = &node_state_layout;
    node_state_encode(&node, slot);
    expect_sound(layout, slot);
    assert_int_equal(layout_size(layout->rows), NODE_STATE_SLOT_BYTES);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (field_at(layout, slot, fields[i].name) != fields[i].value) fail_msg("%s", fields[i].name);
    const struct layout peers = {.name = "peers", .rows = layout_row(layout, "peers")->of};
    const uint8_t *third = slot + layout_offset(layout, "peers") + 2 * layout_size(peers.rows);
    assert_int_equal(field_at(&peers, third, "peer"), 16);
    assert_int_equal(field_at(&peers, third, "peer incarnation"), 17);
}

static void an_envelope_is_written_as_its_table_says(void **state) {
    (void)state;
    uint8_t head[ENVELOPE_HEAD_BYTES];
    const struct envelope envelope = {.time_ms = 11, .seed = 12, .session = 13, .serial = 14};
    const struct layout *layout = &envelope_layout;
    envelope_encode(head, &envelope, 2);
    assert_int_equal(layout_size(layout->rows), ENVELOPE_HEAD_BYTES);
    assert_int_equal(field_at(layout, head, "envelope version"), ENVELOPE_VERSION);
    assert_int_equal(field_at(layout, head, "store"), 2);
    assert_int_equal(field_at(layout, head, "log time"), 11);
    assert_int_equal(field_at(layout, head, "seed"), 12);
    assert_int_equal(field_at(layout, head, "session"), 13);
    assert_int_equal(field_at(layout, head, "serial"), 14);
    assert_int_equal(layout_size(layout_find_case(&raft_record_layout, RAFT_LOG_ENTRY)->rows),
                     RAFT_LOG_ENTRY_HEAD_BYTES);
}

/* The records of a graph's operations have a table of their own, by which they are encoded. */
static void records_of_graphs_have_the_fields_of_their_table(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < 256; kind++) {
        const struct graph_record_shape *shape = graph_record_shape((uint8_t)kind);
        const struct layout_case *body = layout_find_case(&graph_record_body_layout, kind);
        assert_true((shape == NULL) == (body == NULL));
        if (!shape) continue;
        const struct layout_row *row = body->rows;
        assert_string_equal(body->name, shape->name);
        for (int i = 0; i < GRAPH_RECORD_NUMBERS_MAX && shape->numbers[i]; i++, row++) {
            assert_int_equal(row->form, LAYOUT_VARINT);
            assert_string_equal(row->name, shape->numbers[i]);
        }
        if (shape->labels) assert_string_equal((row++)->name, "labels");
        for (int i = 0; i < GRAPH_RECORD_STRINGS_MAX && shape->strings[i].name; i++, row++) {
            assert_int_equal(row->form, LAYOUT_STRING);
            assert_string_equal(row->name, shape->strings[i].name);
        }
        assert_null(row->name);
        assert_string_equal(layout_name(graph_record_layout.rows, kind), shape->name);
    }
}

static void keys_of_series_are_written_as_their_tables_say(void **state) {
    (void)state;
    const struct chunk_key key = chunk_key_make(11, 12);
    assert_int_equal(layout_size(chunk_key_layout.rows), CHUNK_KEY_BYTES);
    assert_int_equal(field_at(&chunk_key_layout, key.bytes, "series"), 11);
    assert_true(field_at(&chunk_key_layout, key.bytes, "first time") == ((uint64_t)1 << 63 | 12));
    assert_int_equal(layout_size(series_key_layout.rows), SERIES_KEY_BYTES);
    assert_int_equal(layout_size(adjacency_key_layout.rows), GRAPH_HEAD_KEY_BYTES);
    assert_int_equal(layout_offset(&adjacency_block_key_layout, "block"), GRAPH_HEAD_KEY_BYTES);
    assert_int_equal(GRAPH_HEAD_KEY_BYTES + layout_size(adjacency_block_key_layout.rows), GRAPH_BLOCK_KEY_BYTES);
}

/* Flags have no holes: a bit that is known to the store is known to the tools. */
static void flags_of_operations_are_those_of_the_store(void **state) {
    (void)state;
    uint64_t known = 0;
    const struct layout_row *row = layout_row(&kv_operation_layout, "flags");
    for (const struct layout_name *one = row->names; one->name; one++) known |= one->value;
    assert_int_equal(known, 2 * KV_SECONDS - 1);
    known = 0;
    row = layout_row(&settings_layout, "given");
    for (const struct layout_name *one = row->names; one->name; one++) known |= one->value;
    assert_int_equal(known, 2 * TSDB_LABELS - 1);
}

/* "name=words;" of each field; the fields of what an encoder wrote, to its last byte. */
static void note_field(void *context, struct slice bytes, const char *name, const char *words) {
    char *text = context;
    const size_t at = strlen(text);
    (void)bytes;
    snprintf(text + at, 1000 - at, "%s=%s;", name, words);
}
static void expect_fields(const struct layout_row *rows, struct slice bytes, const char *expected) {
    char text[1000] = "";
    struct fields fields = fields_make(bytes, note_field, text);
    (void)layout_describe(rows, &fields, NULL);
    if (!fields_end(&fields) || strcmp(text, expected) != 0) fail_msg("%s", text);
}

static void frames_and_handshakes_are_written_as_their_tables_say(void **state) {
    (void)state;
    struct buf bytes = BUF_EMPTY;
    const struct frame frame = {
        .type = FRAME_DATA, .lane = 2, .last = true, .message = 11, .offset = 12, .payload = slice_from_text("12345")};
    assert_int_equal(frame_encode(&bytes, &frame), STATUS_OK);
    expect_sound(&frame_layout, bytes.data);
    assert_int_equal(layout_size(frame_layout.rows), FRAME_HEADER_BYTES);
    assert_int_equal(field_at(&frame_layout, bytes.data, "rest"), 16 + 5);
    assert_int_equal(field_at(&frame_layout, bytes.data, "type"), FRAME_DATA);
    assert_int_equal(field_at(&frame_layout, bytes.data, "flags"), 0x82);
    assert_int_equal(field_at(&frame_layout, bytes.data, "message"), 11);
    assert_int_equal(field_at(&frame_layout, bytes.data, "offset"), 12);
    const struct frame_hello hello = {.version_min = 1,
                                      .version_max = 2,
                                      .from = {3, 4, 5},
                                      .to = 6,
                                      .members_hash = 7,
                                      .peer_address = "a:1",
                                      .client_address = "a:2"};
    const uint8_t nonce[FRAME_NONCE_BYTES] = {0};
    buf_clear(&bytes);
    assert_int_equal(frame_encode_hello(&bytes, &hello, slice_make(NULL, 0), nonce), STATUS_OK);
    const struct layout_row *rows = layout_find_case(&handshake_layout, FRAME_HELLO)->rows;
    char text[1000] = "";
    struct fields fields = fields_make(slice_from(buf_slice(&bytes), FRAME_HEADER_BYTES), note_field, text);
    (void)layout_describe(rows, &fields, NULL);
    assert_true(fields_end(&fields));
    const char expected[] = "magic=\"LOAM\";lowest version=1;highest version=2;cluster=0000000000000003;node=4;"
                            "incarnation=0000000000000005;to=6;members hash=0000000000000007;length=3 bytes of address "
                            "for peers;address for peers=\"a:1\";";
    text[sizeof expected - 1] = 0;
    assert_string_equal(text, expected);
    buf_deinit(&bytes);
}

static void messages_of_the_driver_are_written_as_their_tables_say(void **state) {
    (void)state;
    struct buf bytes = BUF_EMPTY;
    const struct driver_count count = {.id = 1, .index = 2};
    const struct driver_ack ack = {.stream = 1, .offset = 2, .answer = SNAPSHOT_TAKEN};
    const struct driver_chunk chunk = {.stream = 1, .offset = 2, .total = 3};
    const struct driver_about about = {.guard_ms = 1, .priority = 2};
    static const struct {
        unsigned kind;
        const char *fields;
    } expected[] = {
        {MESSAGE_COUNT, "question=1;index=2;"},
        {MESSAGE_SNAPSHOT_ACK, "stream=1;offset=2;answer=2: taken;"},
        {MESSAGE_SNAPSHOT_CHUNK, "stream=1;offset=2;total=3;"},
        {MESSAGE_ABOUT, "guard ms=1;priority=2;"},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        buf_clear(&bytes);
        if (i == 0) assert_int_equal(driver_count_encode(&bytes, MESSAGE_COUNT, &count), STATUS_OK);
        if (i == 1) assert_int_equal(driver_ack_encode(&bytes, &ack), STATUS_OK);
        if (i == 2) assert_int_equal(driver_chunk_encode(&bytes, &chunk), STATUS_OK);
        if (i == 3) assert_int_equal(driver_about_encode(&bytes, &about), STATUS_OK);
        assert_int_equal(bytes.data[0], expected[i].kind);
        expect_fields(layout_find_case(&driver_message_layout, expected[i].kind)->rows,
                      slice_from(buf_slice(&bytes), 1), expected[i].fields);
    }
    assert_int_equal(layout_size(snapshot_head_layout.rows), SNAPSHOT_HEAD_FIXED_BYTES);
    buf_deinit(&bytes);
}

static void a_write_trace_s_frame_is_written_as_its_table_says(void **state) {
    (void)state;
    uint8_t bytes[TRACE_HEADER_BYTES];
    const struct layout *layout = &trace_frame_layout;
    const struct trace_frame frame = {.kind = TRACE_FRAME_WRITES,
                                      .id = 11,
                                      .number = 12,
                                      .before = 13,
                                      .operations = 14,
                                      .payload_bytes = 15,
                                      .payload_check = 16};
    trace_header_encode(bytes, &frame);
    expect_sound(layout, bytes);
    assert_int_equal(layout_size(layout->rows), TRACE_HEADER_BYTES);
    assert_int_equal(field_at(layout, bytes, "version"), TRACE_VERSION);
    assert_int_equal(field_at(layout, bytes, "kind"), TRACE_FRAME_WRITES);
    assert_int_equal(field_at(layout, bytes, "trace"), 11);
    assert_int_equal(field_at(layout, bytes, "number"), 12);
    assert_int_equal(field_at(layout, bytes, "writes before"), 13);
    assert_int_equal(field_at(layout, bytes, "writes"), 14);
    assert_int_equal(field_at(layout, bytes, "payload bytes"), 15);
    assert_int_equal(coding_get_u64(bytes + layout_offset(layout, "payload check")), 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_superblock_is_written_as_its_table_says),
        cmocka_unit_test(a_manifest_is_written_as_its_tables_say),
        cmocka_unit_test(an_sst_is_written_as_its_tables_say),
        cmocka_unit_test(a_unit_is_written_as_its_table_says),
        cmocka_unit_test(a_block_is_read_as_its_table_says),
        cmocka_unit_test(a_property_has_the_name_and_form_of_its_table),
        cmocka_unit_test(a_file_of_values_is_written_as_its_tables_say),
        cmocka_unit_test(a_segment_is_written_as_its_tables_say),
        cmocka_unit_test(groups_and_records_are_written_as_their_tables_say),
        cmocka_unit_test(a_node_s_superblock_is_written_as_its_table_says),
        cmocka_unit_test(an_envelope_is_written_as_its_table_says),
        cmocka_unit_test(records_of_graphs_have_the_fields_of_their_table),
        cmocka_unit_test(keys_of_series_are_written_as_their_tables_say),
        cmocka_unit_test(flags_of_operations_are_those_of_the_store),
        cmocka_unit_test(frames_and_handshakes_are_written_as_their_tables_say),
        cmocka_unit_test(messages_of_the_driver_are_written_as_their_tables_say),
        cmocka_unit_test(a_write_trace_s_frame_is_written_as_its_table_says),
    };
    return cmocka_run_group_tests_name("format_code", tests, NULL, NULL);
}
