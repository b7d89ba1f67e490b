/* lsm_layout: see lsm_layout_format.h. Names, and the meanings that FORMAT.md prints. */
#include "engine/lsm/batch.h"
#include "engine/lsm/edit.h"
#include "engine/lsm/edit_format.h"
#include "engine/lsm/lsm_layout_format.h"

/* ---- Superblock -------------------------------------------------------------------------------------------------- */

static const struct layout_row slot_rows[] = {
    {"check", LAYOUT_CHECK, .meaning = "hash(bytes 8..511, 0x5375706572626c6b + slot)"},
    {"magic", LAYOUT_MAGIC, .text = "LOAMSUPR"},
    {"version", LAYOUT_U32, .meaning = "1"},
    {"zero", LAYOUT_ZEROS, .size = 4},
    {"store", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "a number drawn when it was made"},
    {"generation", LAYOUT_U64, .meaning = "from 1"},
    {"manifest", LAYOUT_U64, .meaning = "number of the manifest"},
    {"manifest bytes", LAYOUT_U64, .meaning = "bytes of it that were durable before the slot was written"},
    {"zero", LAYOUT_ZEROS, .size = 456},
    {.name = NULL},
};
const struct layout superblock_slot_layout = {.name = "superblock slot", .rows = slot_rows};

/* ---- Manifest ---------------------------------------------------------------------------------------------------- */

static const struct layout_row header_rows[] = {
    {"check", LAYOUT_CHECK, .meaning = "hash(bytes 8..511, 0x4d616e6948656164)"},
    {"magic", LAYOUT_MAGIC, .text = "LOAMMANI"},
    {"version", LAYOUT_U32, .meaning = "1"},
    {"sector bytes", LAYOUT_U32, .meaning = "bytes in a sector, 512"},
    {"store", LAYOUT_U64, LAYOUT_AS_ID, .meaning = "the store's number"},
    {"number", LAYOUT_U64, .meaning = "number of this file"},
    {"generation", LAYOUT_U64, .meaning = "generation of the superblock slot that names it"},
    {"rest of the header page", LAYOUT_CODE, .text = "464", .meaning = "zero, and so is the rest of the page"},
    {.name = NULL},
};
const struct layout manifest_header_layout = {.name = "manifest header sector", .rows = header_rows};

static const struct layout_row sector_rows[] = {
    {"check", LAYOUT_CHECK,
     .meaning = "hash(bytes 8..511, mix(mix(store, number of the manifest), number of the sector in the file))"},
    {"edit", LAYOUT_U64, .meaning = "number of the edit"},
    {"sector of the edit", LAYOUT_U32, .meaning = "which sector of the edit, from 0"},
    {"sectors", LAYOUT_U32, .meaning = "how many it has"},
    {"used bytes", LAYOUT_U32, .meaning = "bytes of payload in this sector: 480 in all but the last"},
    {"magic", LAYOUT_MAGIC, .text = "EDIT"},
    {"part of the edit", LAYOUT_CODE, .text = "480", .meaning = "payload; behind its end *padding*, zero"},
    {.name = NULL},
};
const struct layout manifest_sector_layout = {.name = "sector of an edit", .rows = sector_rows};

/* ---- Edit -------------------------------------------------------------------------------------------------------- */

static const struct layout_name causes[] = {
#define X(number, name, text) {number, text, NULL},
    EDIT_CAUSE_LIST(X)
#undef X
        {.name = NULL},
};

static const struct layout_row edit_rows[] = {
    {"edit format", LAYOUT_U8, .meaning = "1"},
    {"edit", LAYOUT_VARINT, .meaning = "number: one higher than the one before, through all manifests"},
    {"cause", LAYOUT_U8, LAYOUT_AS_NAMED, .names = causes, .other = "unknown",
     .meaning = "a snapshot is the whole state; a drop takes files unread; a reserve sets numbers aside"},
    {"job", LAYOUT_VARINT, .meaning = "that made it; 0 = none"},
    {"log time", LAYOUT_TIME, .meaning = "when it was made"},
    {"fields", LAYOUT_CODE, .text = "fields", .meaning = "to the end, as below"},
    {.name = NULL},
};
const struct layout edit_layout = {.name = "edit", .rows = edit_rows};

static const struct layout_row field_rows[] = {
    {"field", LAYOUT_VARINT, .meaning = "id * 2 + required"},
    {"length", LAYOUT_VARINT, .meaning = "bytes of the body"},
    {"body", LAYOUT_CODE, .text = "length bytes", .meaning = "by the id"},
    {.name = NULL},
};
const struct layout edit_field_layout = {.name = "field of an edit", .rows = field_rows};

static const struct layout_row feature_rows[] = {
    {"feature", LAYOUT_STRING,
     .meaning =
         "the name of something that a reader must know: `format level N` (below), N in decimal digits, above 1; "
         "at most one in an edit. Any other is refused by its name (VERSION)"},
    {.name = NULL},
};
static const struct layout_row mark_rows[] = {
    {"index", LAYOUT_VARINT, .meaning = "everything up to there is in tables"},
    {"term", LAYOUT_VARINT, .meaning = "of the entry with that index"},
    {"time", LAYOUT_TIME, .meaning = "of that entry"},
    {"last sequence", LAYOUT_VARINT, .meaning = "that is in tables"},
    {.name = NULL},
};
static const struct layout_row counter_rows[] = {
    {"next file", LAYOUT_VARINT, .meaning = "no number at or above was ever given. 0 = as before"},
    {"next instance", LAYOUT_VARINT, .meaning = "likewise"},
    {.name = NULL},
};
static const struct layout_row kind_rows[] = {
    {"kind", LAYOUT_VARINT, .meaning = "id"},
    {"name", LAYOUT_STRING, .meaning = "of the kind"},
    {"merge operator", LAYOUT_STRING, .meaning = "empty = none"},
    {"filter", LAYOUT_STRING, .meaning = "empty = none"},
    {.name = NULL},
};
static const struct layout_row created_rows[] = {
    {"instance", LAYOUT_VARINT, .meaning = "of the tree"},
    {"tree", LAYOUT_VARINT, .meaning = "its id"},
    {"kind", LAYOUT_VARINT, .meaning = "id of its kind"},
    {.name = NULL},
};
static const struct layout_row dropped_rows[] = {
    {"instance", LAYOUT_VARINT, .meaning = "of the tree"},
    {.name = NULL},
};

static const struct layout_row file_rows[] = {
    {"file", LAYOUT_VARINT, .meaning = "number"},
    {"store", LAYOUT_VARINT,
     .meaning = "that built it: with the number its identity, which salts its checks; differs from this store's in a "
                "checkpoint"},
    {"instance", LAYOUT_VARINT, .meaning = "of the tree"},
    {"level", LAYOUT_VARINT, .meaning = "0..6"},
    {"bytes", LAYOUT_VARINT, .meaning = "of the file"},
    {"flags", LAYOUT_VARINT,
     .meaning = "1 there is a last key, 2 no key equals it (it is the end of a range delete). Without 1: to the end of "
                "the tree"},
    {"first key", LAYOUT_STRING, .meaning = "first <= every key, range deletes included"},
    {"last key", LAYOUT_STRING, .meaning = "by the flags"},
    {"codec", LAYOUT_VARINT, .meaning = "asked for: 0 none, 1 lz4, 2 zstd"},
    {"entries", LAYOUT_VARINT, .meaning = "how many"},
    {"deletes", LAYOUT_VARINT, .meaning = "among them"},
    {"operands", LAYOUT_VARINT, .meaning = "merge and append operands among them"},
    {"range deletes", LAYOUT_VARINT, .meaning = "how many"},
    {"first sequence", LAYOUT_VARINT, .meaning = "the lowest in it"},
    {"last sequence", LAYOUT_VARINT, .meaning = "the highest in it"},
    {"made", LAYOUT_TIME, .meaning = "when"},
    {"oldest data", LAYOUT_TIME, .meaning = "of the oldest data in it"},
    {"drops from", LAYOUT_TIME,
     .meaning = "from when on it pays to write it anew, because its filter drops from it; 2^63 - 1 = never"},
    {.name = NULL},
};
static const struct layout_row extended_rows[] = {
    {"file added", LAYOUT_CODE, .text = "as 7", .meaning = "all of its fields"},
    {"attributes", LAYOUT_CODE, .text = "attributes", .meaning = "to the end, every one required"},
    {.name = NULL},
};
static const struct layout_row removed_rows[] = {
    {"file", LAYOUT_VARINT, .meaning = "number"},
    {"instance", LAYOUT_VARINT, .meaning = "of the tree"},
    {"level", LAYOUT_VARINT, .meaning = "on which it was"},
    {.name = NULL},
};
static const struct layout_row value_file_rows[] = {
    {"file", LAYOUT_VARINT, .meaning = "number"},          {"store", LAYOUT_VARINT, .meaning = "that built it"},
    {"instance", LAYOUT_VARINT, .meaning = "of the tree"}, {"bytes", LAYOUT_VARINT, .meaning = "of the file"},
    {"records", LAYOUT_VARINT, .meaning = "how many"},     {.name = NULL},
};

static const struct layout_case bodies[] = {
    {FIELD_FEATURE, "feature", .rows = feature_rows},
    {FIELD_MARK, "mark", .rows = mark_rows},
    {FIELD_COUNTERS, "counters", .rows = counter_rows},
    {FIELD_KIND, "kind", .rows = kind_rows},
    {FIELD_TREE_CREATED, "tree created", .rows = created_rows},
    {FIELD_TREE_DROPPED, "tree dropped", .rows = dropped_rows},
    {FIELD_FILE_ADDED, "file added", .rows = file_rows},
    {FIELD_FILE_REMOVED, "file removed", .rows = removed_rows},
    {FIELD_FILE_EXTENDED, "file added, extended", .rows = extended_rows},
    {FIELD_VALUE_FILE, "file of values added", .meaning = "[engine/values/FORMAT.md](../values/FORMAT.md)",
     .rows = value_file_rows},
    {.name = NULL},
};
const struct layout edit_body_layout = {.name = "body of a field", .cases = bodies, .chosen_by = "id"};

static const struct layout_row attribute_rows[] = {
    {"attribute", LAYOUT_VARINT, .meaning = "which"},
    {"attribute's value", LAYOUT_STRING, .meaning = "by the attribute"},
    {.name = NULL},
};
const struct layout edit_attribute_layout = {.name = "attribute", .rows = attribute_rows};

static const struct layout_row sequence_rows[] = {
    {"sequence", LAYOUT_VARINT,
     .meaning = "that all of the file has. It was built outside and ingested: in the file itself every sequence is 0, "
                "and the properties name no tree. First and last sequence are the same number"},
    {.name = NULL},
};
static const struct layout_row built_as_rows[] = {
    {"file", LAYOUT_VARINT, .meaning = "the file number in its identity, where that is not its number here"},
    {.name = NULL},
};
static const struct layout_row values_rows[] = {
    {"file of values", LAYOUT_VARINT, .meaning = "number of a file of values that it refers to"},
    {"records", LAYOUT_VARINT, .meaning = "of it, above 0"},
    {"bytes", LAYOUT_VARINT, .meaning = "of them; and the three again to the end, in ascending numbers"},
    {.name = NULL},
};
static const struct layout_row hidden_rows[] = {
    {"versions", LAYOUT_VARINT,
     .meaning = "in it that stand behind a newer put or delete of their key (level 2); only snapshots kept them. It "
                "says when writing the table anew frees something; absent: 0, or not counted"},
    {.name = NULL},
};
static const struct layout_case attributes[] = {
    {ATTRIBUTE_SEQUENCE, "one sequence", .rows = sequence_rows},
    {ATTRIBUTE_BUILT_AS, "built as file", .rows = built_as_rows},
    {ATTRIBUTE_VALUES, "values referred to", .rows = values_rows},
    {ATTRIBUTE_HIDDEN, "hidden versions", .rows = hidden_rows},
    {.name = NULL},
};
const struct layout edit_attribute_value_layout = {
    .name = "value of an attribute", .cases = attributes, .chosen_by = "attribute"};

/* ---- Batch ------------------------------------------------------------------------------------------------------- */

static const struct layout_name operation_names[] = {
    {BATCH_PUT, "put", NULL},
    {BATCH_DELETE, "delete", NULL},
    {BATCH_DELETE_RANGE, "delete range", NULL},
    {BATCH_MERGE, "merge", NULL},
    {BATCH_APPEND, "append", NULL},
    {BATCH_CREATE_TREE, "create tree", NULL},
    {BATCH_DROP_TREE, "drop tree", NULL},
    {.name = NULL},
};
static const struct layout_row operation_rows[] = {
    {"operation", LAYOUT_U8, LAYOUT_AS_NAME, .names = operation_names, .meaning = "the kind"},
    {"tree", LAYOUT_VARINT, .meaning = "its id"},
    {"body", LAYOUT_CODE, .text = "fields", .meaning = "by the operation"},
    {.name = NULL},
};
const struct layout batch_operation_layout = {.name = "operation of a batch", .rows = operation_rows};

static const struct layout_row put_rows[] = {
    {"key", LAYOUT_STRING, .meaning = "at most 128 KiB"},
    {"value", LAYOUT_STRING, .meaning = "at most 64 MiB"},
    {.name = NULL},
};
static const struct layout_row delete_rows[] = {{"key", LAYOUT_STRING, .meaning = "at most 128 KiB"}, {.name = NULL}};
static const struct layout_row range_rows[] = {
    {"from", LAYOUT_STRING, .meaning = "the first key"},
    {"to", LAYOUT_STRING, .meaning = "the first behind it that stays; empty: to the end of the tree"},
    {.name = NULL},
};
static const struct layout_row merge_rows[] = {
    {"key", LAYOUT_STRING, .meaning = "at most 128 KiB"},
    {"value", LAYOUT_STRING, .meaning = "an operand"},
    {.name = NULL},
};
static const struct layout_row append_rows[] = {
    {"key", LAYOUT_STRING, .meaning = "at most 128 KiB"},
    {"value", LAYOUT_STRING, .meaning = "bytes"},
    {.name = NULL},
};
static const struct layout_row create_rows[] = {
    {"length", LAYOUT_VARINT, .meaning = "bytes of what follows"},
    {"kind of tree", LAYOUT_VARINT, .meaning = "id of its kind"},
    {.name = NULL},
};
static const struct layout_case operation_bodies[] = {
    {BATCH_PUT, "put", .rows = put_rows},
    {BATCH_DELETE, "delete", .rows = delete_rows},
    {BATCH_DELETE_RANGE, "delete range", .rows = range_rows},
    {BATCH_MERGE, "merge", .rows = merge_rows},
    {BATCH_APPEND, "append", .rows = append_rows},
    {BATCH_CREATE_TREE, "create tree", .rows = create_rows},
    {BATCH_DROP_TREE, "drop tree", .rows = NULL},
    {.name = NULL},
};
const struct layout batch_body_layout = {
    .name = "body of an operation", .cases = operation_bodies, .chosen_by = "kind"};

static const struct layout_row record_rows[] = {
    {"version", LAYOUT_U8, .meaning = "1"},
    {"first sequence", LAYOUT_VARINT, .meaning = "of the first operation"},
    {"operations", LAYOUT_VARINT, .meaning = "how many"},
    {"index", LAYOUT_VARINT, .meaning = "of the mark"},
    {"term", LAYOUT_VARINT, .meaning = "0"},
    {"log time", LAYOUT_TIME, LAYOUT_AS_MS, .meaning = "of the mark"},
    {"operation", LAYOUT_CODE, .text = "operations", .meaning = "as above"},
    {.name = NULL},
};
const struct layout batch_record_layout = {.name = "record of the own log", .rows = record_rows};

static const struct layout_row compact_rows[] = {
    {"version", LAYOUT_U8, .meaning = "2"},
    {"first sequence", LAYOUT_VARINT, .meaning = "of the operation"},
    {"index", LAYOUT_ZIGZAG, .meaning = "the first sequence less the index of the mark"},
    {"log time", LAYOUT_TIME, LAYOUT_AS_MS, .meaning = "of the mark"},
    {"operation", LAYOUT_CODE, .text = "operation", .meaning = "as above, the only one"},
    {.name = NULL},
};
const struct layout batch_compact_record_layout = {.name = "compact record of the own log", .rows = compact_rows};
