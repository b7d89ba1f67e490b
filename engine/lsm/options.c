/* options: the table and what is done by it. Invariant: every field of struct engine_options that shapes the store has
 * a row. */
#include "engine/lsm/options.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "engine/codec/dictionary.h"
#include "engine/lsm/expiry.h"
#include "engine/lsm/file_names.h"
#include "engine/lsm/options_format.h"
#include "engine/lsm/store.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define MEMORY_BYTES_LEAST (8 * MIB)

enum option_type { OPTION_SIZE, OPTION_UNSIGNED, OPTION_U64, OPTION_BOOL, OPTION_WAL };

struct option_row {
    const char *name;
    size_t at;
    enum option_type type;
    uint64_t standard, least, most;
    bool fixed; /* for the life of the store */
};

#define ROW(field, type, standard, least, most)                                                                        \
    { #field, offsetof(struct engine_options, field), type, standard, least, most, false }

static const struct option_row rows[] = {
    {"wal", offsetof(struct engine_options, wal), OPTION_WAL, 0, ENGINE_WAL_OWN, ENGINE_WAL_OFF, true},
    ROW(owner_seals, OPTION_BOOL, 0, 0, 1),
    ROW(memory_bytes, OPTION_U64, 0, 0, UINT64_MAX),
    ROW(memtable_bytes, OPTION_SIZE, 64 * MIB, 1 * KIB, 64 * GIB),
    ROW(memtable_limit, OPTION_UNSIGNED, 4, 2, VIEW_SEALED_MAX),
    ROW(cache_bytes, OPTION_SIZE, 64 * MIB, 1 * KIB, 1024 * GIB),
    ROW(map_tables, OPTION_BOOL, 0, 0, 1),
    ROW(open_files, OPTION_UNSIGNED, 8192, 8, UINT32_MAX),
    ROW(block_bytes, OPTION_SIZE, 4 * KIB, 64, 16 * MIB),
    ROW(file_bytes, OPTION_SIZE, 8 * MIB, 1 * KIB, 16 * GIB),
    ROW(value_file_bytes, OPTION_SIZE, 32 * MIB, 1 * KIB, 16 * GIB),
    ROW(level_base_bytes, OPTION_U64, 64 * MIB, 1 * KIB, 1024 * GIB),
    ROW(level_ratio, OPTION_UNSIGNED, 10, 2, 1000),
    ROW(level0_trigger, OPTION_UNSIGNED, 4, 1, 1000),
    ROW(gap_keys, OPTION_UNSIGNED, 256, 2, 1 << 20),
    ROW(debt_limit_bytes, OPTION_U64, 0, 1, UINT64_MAX),
    ROW(wal_segment_bytes, OPTION_U64, 8 * MIB, 64 * KIB, 1 * GIB),
    ROW(disk_reserve_bytes, OPTION_U64, 64 * MIB, 1, UINT64_MAX),
    ROW(manifest_bytes, OPTION_U64, 4 * MIB, 1, 1 * GIB),
    ROW(event_log_bytes, OPTION_U64, 2 * MIB, 16 * KIB, UINT64_MAX),
    ROW(format_level, OPTION_UNSIGNED, FORMAT_LEVEL_LATEST, FORMAT_LEVEL_FIRST, FORMAT_LEVEL_LATEST),
};
enum { ROWS = sizeof rows / sizeof *rows };

static uint64_t get(const struct engine_options *options, const struct option_row *row) {
    const uint8_t *at = (const uint8_t *)options + row->at;
    switch (row->type) {
    case OPTION_SIZE: return *(const size_t *)(const void *)at;
    case OPTION_UNSIGNED: return *(const unsigned *)(const void *)at;
    case OPTION_U64: return *(const uint64_t *)(const void *)at;
    case OPTION_BOOL: return *(const bool *)(const void *)at;
    case OPTION_WAL: return *(const enum engine_wal_mode *)(const void *)at;
    }
    return 0;
}

static void set(struct engine_options *options, const struct option_row *row, uint64_t value) {
    uint8_t *at = (uint8_t *)options + row->at;
    switch (row->type) {
    case OPTION_SIZE: *(size_t *)(void *)at = (size_t)value; break;
    case OPTION_UNSIGNED: *(unsigned *)(void *)at = (unsigned)value; break;
    case OPTION_U64: *(uint64_t *)(void *)at = value; break;
    case OPTION_BOOL:
    case OPTION_WAL: break; /* zero is their default */
    }
}

void options_fill(struct engine_options *options) {
    budget_fill_options(options);
    for (size_t i = 0; i < ROWS; i++)
        if (get(options, &rows[i]) == 0) set(options, &rows[i], rows[i].standard);
    if (options->debt_limit_bytes == 0) options->debt_limit_bytes = options->level_base_bytes * 16;
}

/* ---- Checking ---------------------------------------------------------------------------------------------------- */

enum { VALUE_THRESHOLD_LEAST = 256 /* a reference takes 28, and a read of its own */ };

static enum status check_kind(const struct engine_options *options, size_t at, struct error *error) {
    const struct engine_tree_kind *kind = &options->kinds[at];
    if (kind->id == 0 || !kind->name)
        return error_set(error, STATUS_INVALID, "a kind of trees needs an id above 0 and a name");
    if (kind->policy > ENGINE_POLICY_FIFO)
        return error_set(error, STATUS_INVALID, "kind %u (%s): policy is %u; there is no such", kind->id, kind->name,
                         kind->policy);
    if (kind->expires && (kind->merge || kind->filter))
        return error_set(error, STATUS_INVALID, "kind %u (%s): its values expire; no merge operator or filter then",
                         kind->id, kind->name);
    if (kind->fifo_age_ms < 0)
        return error_set(error, STATUS_INVALID, "kind %u (%s): fifo_age_ms is below 0", kind->id, kind->name);
    if (kind->filter_bits_per_key > 64)
        return error_set(error, STATUS_INVALID, "kind %u (%s): filter_bits_per_key is %u; it must be 0..64", kind->id,
                         kind->name, kind->filter_bits_per_key);
    if (kind->filter_prefix_bytes > 255)
        return error_set(error, STATUS_INVALID, "kind %u (%s): filter_prefix_bytes is %u; it must be 0..255", kind->id,
                         kind->name, kind->filter_prefix_bytes);
    if (kind->dictionary_bytes && !dictionary_fits(kind->dictionary_bytes))
        return error_set(error, STATUS_INVALID, "kind %u (%s): dictionary_bytes is %zu; it must be 0 or %d..%d",
                         kind->id, kind->name, kind->dictionary_bytes, DICTIONARY_LEAST_BYTES, DICTIONARY_MOST_BYTES);
    if (kind->value_threshold_bytes && kind->value_threshold_bytes < VALUE_THRESHOLD_LEAST)
        return error_set(error, STATUS_INVALID,
                         "kind %u (%s): value_threshold_bytes is %zu; it must be 0 or at least %d", kind->id,
                         kind->name, kind->value_threshold_bytes, VALUE_THRESHOLD_LEAST);
    if (kind->value_threshold_bytes && kind->expires)
        return error_set(error, STATUS_INVALID, "kind %u (%s): value_threshold_bytes does not go with expires",
                         kind->id, kind->name);
    if (kind->value_garbage_percent > 95)
        return error_set(error, STATUS_INVALID, "kind %u (%s): value_garbage_percent is %u; it must be at most 95",
                         kind->id, kind->name, kind->value_garbage_percent);
    for (size_t i = 0; i < at; i++)
        if (options->kinds[i].id == kind->id)
            return error_set(error, STATUS_INVALID, "kind %u is given twice: %s, %s", kind->id, options->kinds[i].name,
                             kind->name);
    return STATUS_OK;
}

enum status options_check(const struct engine_options *options, struct error *error) {
    for (size_t i = 0; i < ROWS; i++) {
        const uint64_t value = get(options, &rows[i]);
        if (value >= rows[i].least && value <= rows[i].most) continue;
        return error_set(error, STATUS_INVALID, "%s is %" PRIu64 "; it must be %" PRIu64 "..%" PRIu64, rows[i].name,
                         value, rows[i].least, rows[i].most);
    }
    if (options->memory_bytes > 0 && options->memory_bytes < MEMORY_BYTES_LEAST)
        return error_set(error, STATUS_INVALID, "memory_bytes is %" PRIu64 "; it must be 0 or at least %" PRIu64,
                         options->memory_bytes, MEMORY_BYTES_LEAST);
    if (options->memory_bytes > 0 && options->memtable_bytes > options->memory_bytes / 4)
        return error_set(error, STATUS_INVALID, "memtable_bytes is %zu; it must be at most a quarter of memory_bytes",
                         options->memtable_bytes);
    if (options->wal_segment_bytes % IO_PAGE_BYTES != 0)
        return error_set(error, STATUS_INVALID, "wal_segment_bytes is %" PRIu64 "; it must be a multiple of %d",
                         options->wal_segment_bytes, IO_PAGE_BYTES);
    if (options->owner_seals && options->wal != ENGINE_WAL_OFF)
        return error_set(error, STATUS_INVALID, "owner_seals goes with ENGINE_WAL_OFF only");
    if (options->explains && !options->read_only)
        return error_set(error, STATUS_INVALID, "explains goes with read_only only");
    if (options->memory_writes && !(options->read_only && options->owner_seals))
        return error_set(error, STATUS_INVALID, "memory_writes goes with read_only and owner_seals only");
    enum status status = STATUS_OK;
    for (size_t i = 0; i < options->kind_count && status == STATUS_OK; i++) status = check_kind(options, i, error);
    return status;
}

enum { USUAL_BYTES = 4 << 10 };

/* ---- Text -------------------------------------------------------------------------------------------------------- */

static const char *compression_name(enum engine_compression compression) {
    static const char *const names[] = {"none", "lz4", "zstd"};
    return (unsigned)compression < 3 ? names[compression] : "unknown";
}

static enum status print_value(const struct engine_options *options, const struct option_row *row, struct buf *to) {
    const uint64_t value = get(options, row);
    if (row->type == OPTION_WAL) return buf_append_slice(to, slice_from_text(value == ENGINE_WAL_OWN ? "own" : "off"));
    if (row->type == OPTION_BOOL) return buf_append_slice(to, slice_from_text(value ? "yes" : "no"));
    return buf_append_number(to, value);
}

static const char *policy_name(enum engine_policy policy) {
    switch (policy) {
    case ENGINE_POLICY_LAZY: return "lazy";
    case ENGINE_POLICY_LEVELED: return "leveled";
    case ENGINE_POLICY_TIERED: return "tiered";
    case ENGINE_POLICY_FIFO: return "fifo";
    }
    return "unknown";
}

static enum status print_kind(const struct engine_tree_kind *kind, struct buf *to) {
    const struct engine_filter *filter = expiry_kind_filter(kind);
    return buf_append_format(
        to,
        "kind.%" PRIu32 " name=%s upper=%s bottom=%s filter_bits=%u filter_prefix_bytes=%u merge=%s filter=%s"
        " policy=%s fifo_bytes=%" PRIu64 " fifo_age_ms=%" PRId64 " value_threshold=%zu value_garbage=%u"
        " dictionary=%zu\n",
        kind->id, kind->name, compression_name(kind->upper), compression_name(kind->bottom), kind->filter_bits_per_key,
        kind->filter_prefix_bytes, kind->merge ? kind->merge->name : "none", filter ? filter->name : "none",
        policy_name(kind->policy), kind->fifo_bytes, kind->fifo_age_ms, kind->value_threshold_bytes,
        store_garbage_percent(kind), kind->dictionary_bytes);
}

enum status engine_options_print(const struct engine_options *options, struct buf *to) {
    struct engine_options filled = *options;
    enum status status = buf_reserve(to, USUAL_BYTES);
    options_fill(&filled);
    for (size_t i = 0; i < ROWS && status == STATUS_OK; i++) {
        status = buf_append_slice(to, slice_from_text(rows[i].name));
        if (status == STATUS_OK) status = buf_append_byte(to, ' ');
        if (status == STATUS_OK) status = print_value(&filled, &rows[i], to);
        if (status == STATUS_OK) status = buf_append_byte(to, '\n');
    }
    for (size_t i = 0; i < filled.kind_count && status == STATUS_OK; i++) status = print_kind(&filled.kinds[i], to);
    return status;
}

enum status options_encode(const struct engine_options *options, struct buf *to) {
    buf_clear(to);
    enum status status = buf_append_format(to, OPTIONS_HEAD);
    if (status == STATUS_OK) status = engine_options_print(options, to);
    if (status != STATUS_OK) return status;
    return options_file_seal(to);
}

/* ---- What was kept ----------------------------------------------------------------------------------------------- */

struct comparison {
    struct engine *engine;
    const struct engine_options *now;
    struct event event;
    unsigned differences;
    const struct option_row *refused;
    struct buf text;
    char refused_value[64];
};

static void compare_line(void *context, struct slice name, struct slice value) {
    struct comparison *comparison = context;
    struct engine *engine = comparison->engine;
    for (size_t i = 0; i < ROWS; i++) {
        if (!slice_equal(name, slice_from_text(rows[i].name))) continue;
        buf_clear(&comparison->text);
        if (print_value(comparison->now, &rows[i], &comparison->text) != STATUS_OK) return;
        if (slice_equal(value, buf_slice(&comparison->text)) || buf_append_byte(&comparison->text, 0) != STATUS_OK)
            return;
        char was[64];
        snprintf(was, sizeof was, "%.*s", (int)value.size, (const char *)value.data);
        if (rows[i].fixed) {
            comparison->refused = &rows[i];
            snprintf(comparison->refused_value, sizeof comparison->refused_value, "%s", was);
            return;
        }
        log_info(engine->log, "engine %s: option %s was %s, is %s now", engine->dir, rows[i].name, was,
                 (const char *)comparison->text.data);
        char change[160];
        snprintf(change, sizeof change, "%s to %s", was, (const char *)comparison->text.data);
        event_text(&comparison->event, rows[i].name, change);
        comparison->differences++;
        return;
    }
}

static enum status judge(struct comparison *comparison, enum status status, struct error *error) {
    struct engine *engine = comparison->engine;
    if (comparison->refused)
        return error_set(error, STATUS_MISMATCH,
                         "%s: the store was made with %s %s, which can't change: open it so, or copy it over",
                         engine->dir, comparison->refused->name, comparison->refused_value);
    if (status_class(status) == STATUS_CLASS_DAMAGE || status == STATUS_VERSION) {
        store_note_error(engine, status, "%s/" FILE_NAME_OPTIONS ": %s; it is written anew", engine->dir, error->text);
        *error = (struct error){.status = STATUS_OK};
        return STATUS_OK;
    }
    return status;
}

enum status options_compare(struct engine *engine, bool *differs, struct error *error) {
    struct engine_options in_force;
    engine_get_options(engine, &in_force);
    struct comparison comparison = {.engine = engine, .now = &in_force};
    struct buf kept = BUF_EMPTY, now = BUF_EMPTY;
    char path[IO_PATH_BYTES];
    *differs = true;
    enum status status = file_path(path, engine->dir, FILE_OPTIONS, 0);
    if (status == STATUS_OK) status = options_encode(&in_force, &now);
    if (status == STATUS_OK) status = file_read_all(engine->io, path, OPTIONS_FILE_MAX_BYTES, &kept);
    if (status == STATUS_OK && slice_equal(buf_slice(&kept), buf_slice(&now))) {
        *differs = false;
    } else if (status == STATUS_OK) {
        event_begin(&comparison.event, engine, "options changed");
        status = options_file_parse(buf_slice(&kept), compare_line, &comparison, error);
        status = judge(&comparison, status, error);
        if (comparison.differences == 0) comparison.event.lost = true;
        event_end(&comparison.event);
    }
    if (status == STATUS_NOT_FOUND) status = STATUS_OK;
    buf_deinit(&comparison.text);
    buf_deinit(&kept);
    buf_deinit(&now);
    return status;
}

static enum status write_new(struct io *io, const char *path, struct slice bytes) {
    struct io_file *file = NULL;
    enum status status = io_file_open(io, path, IO_OPEN_WRITE | IO_OPEN_CREATE | IO_OPEN_TRUNCATE, &file);
    if (status == STATUS_OK) status = io_file_write(file, 0, bytes.data, bytes.size);
    if (status == STATUS_OK) status = io_file_sync(file);
    io_file_close(file);
    return status;
}

enum status options_write(struct io *io, const char *dir, struct slice bytes) {
    char path[IO_PATH_BYTES], new_path[IO_PATH_BYTES];
    enum status status = file_path(path, dir, FILE_OPTIONS, 0);
    if (status == STATUS_OK) status = file_path(new_path, dir, FILE_OPTIONS_NEW, 0);
    if (status == STATUS_OK) status = write_new(io, new_path, bytes);
    if (status == STATUS_OK) status = io_rename(io, new_path, path);
    return status == STATUS_OK ? io_dir_sync(io, dir) : status;
}

enum status options_keep(struct engine *engine) {
    struct engine_options in_force;
    struct buf bytes = BUF_EMPTY;
    engine_get_options(engine, &in_force);
    enum status status = options_encode(&in_force, &bytes);
    if (status == STATUS_OK) status = options_write(engine->io, engine->dir, buf_slice(&bytes));
    buf_deinit(&bytes);
    return status;
}

void engine_get_options(const struct engine *engine, struct engine_options *options) {
    *options = engine->options;
    options->format_level = atomic_load(&engine->format_level);
}
