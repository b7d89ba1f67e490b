/*
 * care_blocks: a damaged table, in a repair. Its data blocks that verify come into a new table that stands where the
 * old one stood, and the keys that the lost ones may have held are named. Range deletes stay where their section
 * verifies. What a table was built for is known from its properties, or from the edit that named it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "engine/lsm/care_plan.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/format_level.h"
#include "engine/sst/sst_build.h"
#include "engine/sst/sst_walk.h"

enum { DEFAULT_FILTER_BITS = 10, BLOCK_MOST_BYTES = 64 << 10 };

static enum status open_walk(const struct care_plan *plan, const struct edit_file *meta, struct sst_walk *walk) {
    char path[IO_PATH_BYTES];
    const struct sst_identity identity = {.store = meta->store, .file = edit_file_identity(meta)};
    *walk = (struct sst_walk){.count = 0};
    const enum status status = file_path(path, plan->dir, FILE_SST, meta->number);
    return status == STATUS_OK ? sst_walk_open(&plan->environment, path, identity, walk) : status;
}

/* ---- How a table was built --------------------------------------------------------------------------------------- */

void care_keep_building(const struct sst_properties *properties, struct care_table_plan *table) {
    table->kind = properties->origin.kind;
    table->filter_bits = properties->filter_bits_per_key;
    table->filter_prefix_bytes = properties->filter_prefix_bytes;
    table->dictionary_bytes = properties->dictionary.size;
    if (properties->data_blocks == 0 || properties->entries == 0) return;
    /* A block ends before the entry that would not fit. */
    table->block_bytes =
        (size_t)(properties->raw_bytes / properties->data_blocks + properties->raw_bytes / properties->entries);
    if (table->block_bytes > BLOCK_MOST_BYTES) table->block_bytes = BLOCK_MOST_BYTES; /* of large values */
}

/* None of the store's options is known here: a table is built as what it is made of. */
struct sst_build_options care_build_options(const struct care_plan *plan, const struct care_table_plan *like) {
    size_t dictionary = like->dictionary_bytes;
    if (dictionary > 0 && dictionary < DICTIONARY_LEAST_BYTES) dictionary = DICTIONARY_LEAST_BYTES;
    if (dictionary > DICTIONARY_MOST_BYTES) dictionary = DICTIONARY_MOST_BYTES;
    const bool may = plan->salvage.format_level >= format_feature_level(FORMAT_DICTIONARIES);
    return (struct sst_build_options){
        .codec = (enum codec_id)(like->meta.codec < CODEC_COUNT ? like->meta.codec : CODEC_NONE),
        .filter_bits_per_key = like->filter_bits,
        .filter_prefix_bytes = like->filter_prefix_bytes,
        .block_bytes = like->block_bytes,
        .dictionary_bytes = may ? dictionary : 0,
    };
}

/* ---- What is lost ------------------------------------------------------------------------------------------------ */

/* Between the blocks that end in `before` (NULL: the file's beginning) and begin with `next` (NULL: its end). */
static void say_gap(const struct care_plan *plan, const struct edit_file *meta, const struct slice *before,
                    const struct slice *next) {
    char from[CARE_KEY_TEXT_BYTES], to[CARE_KEY_TEXT_BYTES];
    const bool to_end = !next && !meta->has_last;
    care_key_text(before ? *before : meta->first, from);
    if (!to_end) care_key_text(next ? *next : meta->last, to);
    /* Older versions of the key before it may have stood in the block, and newer ones of the key behind it. */
    care_say(plan,
             "  lost of table %" PRIu64 ": keys from \"%s\" up to %s%s%s of instance %" PRIu32
             " (the two at the ends may be sound); older versions of them may be seen",
             meta->number, from, to_end ? "" : "\"", to_end ? "the end" : to, to_end ? "" : "\"", meta->instance);
}

/* A walk of its own: what is lost is known from the first one only at its end. */
static enum status say_gaps(const struct care_plan *plan, const struct edit_file *meta) {
    struct sst_walk walk;
    struct sst_walk_block block;
    struct buf before = BUF_EMPTY, room = BUF_EMPTY;
    struct slice end;
    enum status status = open_walk(plan, meta, &walk);
    while (status == STATUS_OK && (status = sst_walk_next(&walk, &block)) == STATUS_OK) {
        buf_clear(&room);
        status = buf_reserve(&room, block_view_key_room(&block.view));
        if (status == STATUS_OK && block.after_gap) {
            const struct slice first = block_view_key(&block.view, 0, room.data);
            end = buf_slice(&before);
            say_gap(plan, meta, walk.count > 1 ? &end : NULL, &first);
        }
        if (status == STATUS_OK) status = buf_assign(&before, buf_slice(&walk.last));
    }
    end = buf_slice(&before);
    if (status == STATUS_END && walk.ends_in_gap) say_gap(plan, meta, walk.count > 0 ? &end : NULL, NULL);
    sst_walk_close(&walk);
    buf_deinit(&before);
    buf_deinit(&room);
    return status == STATUS_END ? STATUS_OK : status;
}

static bool lost_ranges(const struct care_table_plan *table, const struct sst_walk *walk) {
    const bool had = walk->has_properties ? walk->properties.range_deletes > 0 : table->meta.range_deletes > 0;
    return had && !walk->has_ranges;
}

static enum status say_loss(const struct care_plan *plan, const struct care_table_plan *table,
                            const struct sst_walk *walk) {
    const bool all = walk->has_properties && walk->properties.data_blocks == walk->count;
    care_say(plan, "table %" PRIu64 ": %zu of its data blocks are sound%s: they come into a new table",
             table->meta.number, walk->count, all ? ", which are all" : "");
    const enum status status = all ? STATUS_OK : say_gaps(plan, &table->meta);
    if (walk->without_dictionary)
        care_say(plan, "  lost of table %" PRIu64 ": its dictionary, and by that %zu blocks that are packed by it",
                 table->meta.number, walk->without_dictionary);
    if (lost_ranges(table, walk))
        care_say(plan, "  lost of table %" PRIu64 ": its range deletes: what they deleted may be seen again",
                 table->meta.number);
    return status;
}

/* ---- Judging ----------------------------------------------------------------------------------------------------- */

/* Without an edit that names it, the table's own word counts. */
static void take_properties(struct care_table_plan *table, const struct sst_walk *walk, bool named) {
    const struct sst_properties *properties = &walk->properties;
    if (!named) {
        const uint64_t store = walk->identity.store, file = walk->identity.file, number = table->meta.number;
        table_row_from(&table->meta, properties, number, store);
        if (file != number) table->meta.built_as = file;
        /* It tells the bytes of the whole, which the file may not have any more. */
        table->meta.bytes = walk->file_bytes;
    }
    care_keep_building(properties, table);
}

/* All of it, and whether the device gave it. */
static enum status walk_whole(struct care_plan *plan, const struct edit_file *meta, struct sst_walk *walk) {
    struct sst_walk_block block;
    char path[IO_PATH_BYTES];
    enum status status = open_walk(plan, meta, walk);
    while (status == STATUS_OK && (status = sst_walk_next(walk, &block)) == STATUS_OK) continue;
    if (status == STATUS_END) status = STATUS_OK;
    if (status != STATUS_IO && walk->unread_bytes == 0) return status;
    if (file_path(path, plan->dir, FILE_SST, meta->number) != STATUS_OK) return STATUS_TOO_LARGE;
    const bool most = status == STATUS_IO || walk->unread_bytes > walk->file_bytes / 2;
    const enum status refused = care_table_refused(plan, path, most);
    if (refused != STATUS_OK) return refused;
    return status == STATUS_IO ? STATUS_CORRUPT : status; /* nothing of it can be had */
}

enum status care_blocks_judge(struct care_plan *plan, bool named, struct care_table_plan *table) {
    struct sst_walk walk;
    const struct salvaged_tree *tree = salvage_tree(&plan->salvage, table->meta.instance);
    enum status status = walk_whole(plan, &table->meta, &walk);
    if (status == STATUS_OK && walk.has_properties)
        take_properties(table, &walk, named);
    else if (status == STATUS_OK && named && tree)
        table->kind = tree->tree.kind, table->filter_bits = DEFAULT_FILTER_BITS;
    const bool known = walk.has_properties || (named && tree);
    const bool outside = walk.has_properties && walk.properties.origin.cause == SST_CAUSE_OUTSIDE && !named;
    if (status == STATUS_OK && walk.has_properties) status = care_keep_keys(plan, &table->meta);
    if (status == STATUS_OK && known && !outside && (walk.count > 0 || walk.has_ranges)) {
        status = say_loss(plan, table, &walk);
        table->fate = TABLE_KEPT;
        table->from_blocks = true;
        table->known = named;
        table->why = NULL;
    }
    sst_walk_close(&walk);
    const bool ends = status == STATUS_NO_MEMORY || status == STATUS_IO;
    return ends ? status : STATUS_OK; /* of which nothing is sound is set aside */
}

/* ---- The new table ----------------------------------------------------------------------------------------------- */

struct copying {
    struct care_plan *plan;
    struct care_table_plan *table;
    struct sst_walk walk;
    struct sst_build *build;
    struct buf key;
};

/* An ingested table holds no sequences: it has one for all. */
static uint64_t trailer_of(const struct copying *copying, uint64_t trailer) {
    const uint64_t sequence = copying->table->meta.sequence;
    return sequence ? entry_trailer(sequence, entry_kind(trailer)) : trailer;
}

static enum status copy_block(struct copying *copying, const struct sst_block_view *view) {
    buf_clear(&copying->key);
    enum status status = buf_reserve(&copying->key, block_view_key_room(view));
    for (uint32_t i = 0; status == STATUS_OK && i < view->count; i++) {
        const struct slice key = block_view_key(view, i, copying->key.data);
        status = sst_build_add(copying->build, key, trailer_of(copying, block_view_trailer(view, i)),
                               block_view_value(view, i));
    }
    return status;
}

static enum status copy_blocks(struct copying *copying) {
    struct sst_walk_block block;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (status = sst_walk_next(&copying->walk, &block)) == STATUS_OK)
        status = copy_block(copying, &block.view);
    return status == STATUS_END ? STATUS_OK : status;
}

static enum status copy_ranges(struct copying *copying) {
    const struct sst_block_view *view = &copying->walk.ranges;
    buf_clear(&copying->key);
    enum status status = buf_reserve(&copying->key, block_view_key_room(view));
    for (uint32_t i = 0; status == STATUS_OK && i < view->count; i++) {
        const struct slice begin = block_view_key(view, i, copying->key.data), end = block_view_value(view, i);
        if (end.size && slice_compare(begin, end) >= 0) continue; /* nobody wrote that */
        status = sst_build_range_delete(copying->build, begin, end,
                                        entry_sequence(trailer_of(copying, block_view_trailer(view, i))));
    }
    return status;
}

static enum status copy(struct copying *copying, uint64_t number) {
    char path[IO_PATH_BYTES];
    const struct edit_file *meta = &copying->table->meta;
    struct sst_build_options options = care_build_options(copying->plan, copying->table);
    options.identity = (struct sst_identity){.store = copying->plan->store, .file = number};
    options.origin = (struct sst_origin){.tree = meta->instance,
                                         .kind = copying->table->kind,
                                         .cause = SST_CAUSE_REPAIR,
                                         .level = meta->level < ENGINE_LEVELS ? meta->level : ENGINE_LEVELS - 1,
                                         .created_ms = meta->created_ms,
                                         .oldest_time_ms = meta->oldest_ms};
    enum status status = file_path(path, copying->plan->dir, FILE_SST, number);
    if (status == STATUS_OK) status = sst_build_create(&copying->plan->environment, path, &options, &copying->build);
    if (status == STATUS_OK) status = copy_blocks(copying);
    if (status == STATUS_OK && copying->walk.has_ranges) status = copy_ranges(copying);
    if (status == STATUS_OK) status = sst_build_finish(copying->build);
    return status == STATUS_OK ? sst_build_sync(copying->build) : status;
}

/* The plan's row becomes that of the new table; the old one gets a row of its own, to be set aside. */
static enum status note_copy(struct copying *copying, size_t at, uint64_t number) {
    struct care_plan *plan = copying->plan;
    const struct care_table_plan was = *copying->table;
    struct care_table_plan *table = copying->table;
    const struct care_table_plan old = {
        .meta = was.meta, .fate = TABLE_MERGED, .why = "its sound blocks are in a new table"};
    table_row_from(&table->meta, sst_build_properties(copying->build), number, plan->store);
    table->meta.level = was.meta.level;
    table->meta.droppable_ms = was.known ? was.meta.droppable_ms : INT64_MAX;
    table->from_blocks = false;
    enum status status = care_keep_keys(plan, &table->meta);
    if (status == STATUS_OK) status = care_plan_add(plan, &old); /* moves the rows */
    char path[IO_PATH_BYTES];
    if (status == STATUS_OK) status = file_path(path, plan->dir, FILE_SST, number);
    return status == STATUS_OK ? care_judge_values(plan, path, &plan->tables[at]) : status;
}

static enum status make_anew(struct care_plan *plan, size_t at) {
    struct copying copying = {.plan = plan, .table = &plan->tables[at]};
    const uint64_t number = plan->salvage.next_file++;
    enum status status = open_walk(plan, &plan->tables[at].meta, &copying.walk);
    if (status == STATUS_OK) status = copy(&copying, number);
    if (status == STATUS_OK) status = note_copy(&copying, at, number);
    sst_build_destroy(copying.build);
    sst_walk_close(&copying.walk);
    buf_deinit(&copying.key);
    return status;
}

enum status care_blocks_make(struct care_plan *plan) {
    const size_t count = plan->count;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        if (plan->tables[i].fate == TABLE_KEPT && plan->tables[i].from_blocks) status = make_anew(plan, i);
    return status;
}
