/* records: see records.h. */
#include "tools/loam/import/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"

enum { SEEN_FIRST = 4096, FILE_LIMIT_BYTES = 256 << 20 };

void records_deinit(struct records *records) {
    buf_deinit(&records->bytes);
    free(records->items);
    free(records->seen);
    *records = (struct records){.limit = records->limit};
}

uint64_t records_hash_next(uint64_t hash, struct slice key, struct slice value) {
    return hash_mix(hash, hash64(value, hash64(key, 0)));
}

/* ---- Which keys came already ------------------------------------------------------------------------------------- */

/* Room is there. False if it was in already. */
static bool insert_seen(uint64_t *seen, size_t capacity, uint64_t hash) {
    size_t at = (size_t)hash & (capacity - 1);
    for (; seen[at] != 0; at = (at + 1) & (capacity - 1))
        if (seen[at] == hash) return false;
    seen[at] = hash;
    return true;
}

static enum status grow_seen(struct records *records) {
    const size_t capacity = records->seen_capacity ? records->seen_capacity * 2 : SEEN_FIRST;
    uint64_t *seen = calloc(capacity, sizeof *seen);
    if (!seen) return STATUS_NO_MEMORY;
    for (size_t i = 0; i < records->seen_capacity; i++)
        if (records->seen[i] != 0) insert_seen(seen, capacity, records->seen[i]);
    free(records->seen);
    records->seen = seen;
    records->seen_capacity = capacity;
    return STATUS_OK;
}

static enum status grow_items(struct records *records) {
    const size_t capacity = records->capacity ? records->capacity * 2 : 1024;
    struct record *items = realloc(records->items, capacity * sizeof *items);
    if (!items) return STATUS_NO_MEMORY;
    records->items = items;
    records->capacity = capacity;
    return STATUS_OK;
}

static enum status add_record(struct records *records, struct slice key, struct slice value) {
    if (records->limit && records->count == records->limit) return STATUS_OK;
    enum status status = STATUS_OK;
    if ((records->count + 1) * 2 > records->seen_capacity) status = grow_seen(records);
    if (status == STATUS_OK && records->count == records->capacity) status = grow_items(records);
    if (status == STATUS_OK) status = buf_reserve(&records->bytes, key.size + value.size);
    if (status != STATUS_OK) return status;
    const uint64_t hash = hash64(key, 0);
    if (!insert_seen(records->seen, records->seen_capacity, hash ? hash : 1)) return STATUS_OK;
    const size_t at = records->bytes.size;
    status = buf_append_slice(&records->bytes, key);
    if (status == STATUS_OK) status = buf_append_slice(&records->bytes, value);
    if (status != STATUS_OK) return status;
    records->items[records->count++] =
        (struct record){.key = at, .key_size = key.size, .value = at + key.size, .value_size = value.size};
    return STATUS_OK;
}

/* ---- Formats ----------------------------------------------------------------------------------------------------- */

/* Takes the next line, without its end, off the front; false at the end. */
static bool next_line(struct slice *text, struct slice *line) {
    if (text->size == 0) return false;
    const uint8_t *end = memchr(text->data, '\n', text->size);
    *line = slice_make(text->data, end ? (size_t)(end - text->data) : text->size);
    *text = slice_from(*text, line->size + (end ? 1 : 0));
    return true;
}

/* The value of a field of a paragraph: "Package: bash" -> "bash"; empty if absent. */
static struct slice find_field(struct slice paragraph, const char *name) {
    struct slice line;
    const struct slice wanted = slice_from_text(name);
    while (next_line(&paragraph, &line))
        if (slice_has_prefix(line, wanted)) return slice_from(line, wanted.size);
    return slice_make(NULL, 0);
}

static enum status add_paragraph(struct records *records, struct slice paragraph) {
    const struct slice package = find_field(paragraph, "Package: ");
    const struct slice arch = find_field(paragraph, "Architecture: ");
    if (package.size == 0) return STATUS_OK;
    const bool same = slice_equal(find_field(paragraph, "Multi-Arch: "), slice_from_text("same"));
    struct buf key = BUF_EMPTY;
    enum status status = buf_append_slice(&key, slice_from_text("package:"));
    if (status == STATUS_OK) status = buf_append_slice(&key, package);
    if (status == STATUS_OK && same) status = buf_append_byte(&key, ':');
    if (status == STATUS_OK && same) status = buf_append_slice(&key, arch);
    if (status == STATUS_OK) status = add_record(records, buf_slice(&key), paragraph);
    buf_deinit(&key);
    return status;
}

/* Paragraphs are parted by empty lines. */
static enum status add_paragraphs(struct records *records, struct slice text) {
    enum status status = STATUS_OK;
    struct slice rest = text, line;
    const uint8_t *start = text.data;
    while (status == STATUS_OK && next_line(&rest, &line)) {
        if (line.size > 0) continue;
        if (line.data > start) status = add_paragraph(records, slice_make(start, (size_t)(line.data - start)));
        start = line.data + 1;
    }
    if (status == STATUS_OK && text.size > 0 && start < text.data + text.size)
        status = add_paragraph(records, slice_make(start, (size_t)(text.data + text.size - start)));
    return status;
}

static enum status add_owned_file(struct records *records, struct io *io, struct slice path, struct slice owner) {
    char text[IO_PATH_BYTES];
    struct io_entry entry;
    if (path.size == 0 || path.size >= sizeof text) return STATUS_OK;
    memcpy(text, path.data, path.size);
    text[path.size] = '\0';
    /* What is there no more counts as a file; directories belong to many. */
    if (io_stat(io, text, &entry) == STATUS_OK && entry.kind == IO_ENTRY_DIR) return STATUS_OK;
    struct buf key = BUF_EMPTY;
    enum status status = buf_append_slice(&key, slice_from_text("file:"));
    if (status == STATUS_OK) status = buf_append_slice(&key, path);
    if (status == STATUS_OK) status = add_record(records, buf_slice(&key), owner);
    buf_deinit(&key);
    return status;
}

static enum status add_file_list(struct records *records, struct io *io, struct slice text, struct slice owner) {
    enum status status = STATUS_OK;
    struct slice line;
    while (status == STATUS_OK && next_line(&text, &line)) status = add_owned_file(records, io, line, owner);
    return status;
}

static enum status add_lines(struct records *records, struct slice text, const char *name) {
    enum status status = STATUS_OK;
    struct slice line;
    struct buf key = BUF_EMPTY;
    for (unsigned number = 1; status == STATUS_OK && next_line(&text, &line); number++) {
        size_t blank = 0;
        while (blank < line.size && (line.data[blank] == ' ' || line.data[blank] == '\t')) blank++;
        if (blank == line.size || line.data[blank] == '#') continue;
        buf_clear(&key);
        status = buf_append_format(&key, "%s:%u", name, number);
        if (status == STATUS_OK) status = add_record(records, buf_slice(&key), line);
    }
    buf_deinit(&key);
    return status;
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

/* Reads to the end, whatever size it claims (files under /proc claim 0). */
static enum status read_file(struct io *io, const char *path, struct buf *text) {
    struct io_file *file;
    enum status status = io_file_open(io, path, IO_OPEN_READ, &file);
    if (status != STATUS_OK) return status;
    size_t got = 1;
    while (status == STATUS_OK && got > 0) {
        if (text->size > FILE_LIMIT_BYTES) status = STATUS_TOO_LARGE;
        if (status == STATUS_OK) status = buf_reserve(text, 64 << 10);
        if (status == STATUS_OK)
            status = io_file_read(file, text->size, text->data + text->size, text->capacity - text->size, &got);
        if (status == STATUS_OK) text->size += got;
    }
    io_file_close(file);
    return status;
}

static bool ends_with(struct slice name, const char *end) {
    const size_t size = strlen(end);
    return name.size > size && memcmp(name.data + name.size - size, end, size) == 0;
}

static enum status load_file(struct records *records, struct io *io, const char *path, struct error *error) {
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const struct slice word = slice_from_text(name);
    struct buf text = BUF_EMPTY;
    enum status status = read_file(io, path, &text);
    if (status == STATUS_OK) {
        const struct slice content = buf_slice(&text);
        if (slice_has_prefix(content, slice_from_text("Package: ")))
            status = add_paragraphs(records, content);
        else if (ends_with(word, ".list") && content.size > 0 && content.data[0] == '/')
            status = add_file_list(records, io, content, slice_make(word.data, word.size - strlen(".list")));
        else
            status = add_lines(records, content, name);
    }
    buf_deinit(&text);
    return status == STATUS_OK ? STATUS_OK : error_set(error, status, "%s: %s", path, status_text(status));
}

struct directory_walk {
    struct records *records;
    struct io *io;
    const char *path;
    const char *only; /* names that end so; NULL = all */
    struct error *error;
};

static enum status load_entry(void *context, const struct io_entry *entry) {
    const struct directory_walk *walk = context;
    char path[IO_PATH_BYTES];
    if (entry->kind != IO_ENTRY_FILE || (walk->only && !ends_with(slice_from_text(entry->name), walk->only)))
        return STATUS_OK;
    if (snprintf(path, sizeof path, "%s/%s", walk->path, entry->name) >= (int)sizeof path)
        return error_set(walk->error, STATUS_TOO_LARGE, "%s: the path is too long", walk->path);
    return load_file(walk->records, walk->io, path, walk->error);
}

static enum status load_directory(struct records *records, struct io *io, const char *path, struct error *error) {
    char status_file[IO_PATH_BYTES], info[IO_PATH_BYTES];
    struct io_entry entry;
    (void)snprintf(status_file, sizeof status_file, "%.1000s/status", path);
    (void)snprintf(info, sizeof info, "%.1000s/info", path);
    struct directory_walk walk = {.records = records, .io = io, .path = path, .error = error};
    if (io_stat(io, status_file, &entry) != STATUS_OK) return io_dir_list(io, path, load_entry, &walk);
    enum status status = load_file(records, io, status_file, error);
    if (status != STATUS_OK || io_stat(io, info, &entry) != STATUS_OK) return status;
    walk.path = info;
    walk.only = ".list";
    return io_dir_list(io, info, load_entry, &walk);
}

enum status records_load(struct records *records, struct io *io, const char *path, struct error *error) {
    struct io_entry entry;
    enum status status = io_stat(io, path, &entry);
    if (status != STATUS_OK) return error_set(error, status, "%s: %s", path, status_text(status));
    return entry.kind == IO_ENTRY_DIR ? load_directory(records, io, path, error) : load_file(records, io, path, error);
}
