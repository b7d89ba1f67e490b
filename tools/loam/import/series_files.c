/* series_files: see series_files.h. */
#include "tools/loam/import/series_files.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/buf.h"

void series_files_deinit(struct series_files *files) {
    for (size_t i = 0; i < files->count; i++) {
        free(files->files[i].path);
        free(files->files[i].series);
    }
    free(files->files);
    *files = (struct series_files){0};
}

static bool ends_with(const char *name, const char *end) {
    const size_t size = strlen(name), end_size = strlen(end);
    return size > end_size && strcmp(name + size - end_size, end) == 0;
}

/* The series' name as an owned text. */
static enum status make_name(const char *path, const char *pattern, char **name) {
    const char *slash = strrchr(path, '/');
    const char *file = slash ? slash + 1 : path;
    const size_t file_size = strlen(file) - (ends_with(file, ".csv") ? strlen(".csv") : 0);
    struct buf text = BUF_EMPTY;
    enum status status = STATUS_OK;
    for (const char *at = pattern; status == STATUS_OK && *at; at++)
        status = *at == '%' ? buf_append(&text, file, file_size) : buf_append_byte(&text, (uint8_t)*at);
    if (status == STATUS_OK) status = buf_append_byte(&text, 0);
    if (status != STATUS_OK) {
        buf_deinit(&text);
        return status;
    }
    *name = (char *)text.data;
    return STATUS_OK;
}

static enum status grow(struct series_files *files) {
    const size_t capacity = files->capacity ? files->capacity * 2 : 32;
    struct series_file *more = realloc(files->files, capacity * sizeof *more);
    if (!more) return STATUS_NO_MEMORY;
    files->files = more;
    files->capacity = capacity;
    return STATUS_OK;
}

static enum status add_file(struct series_files *files, const char *path, uint64_t size_bytes, const char *pattern) {
    struct series_file file = {.path = strdup(path), .size_bytes = size_bytes, .first_of_series = true};
    enum status status = file.path ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK && files->count == files->capacity) status = grow(files);
    if (status == STATUS_OK) status = make_name(path, pattern ? pattern : "%", &file.series);
    if (status != STATUS_OK) {
        free(file.path);
        return status;
    }
    for (size_t i = 0; i < files->count && file.first_of_series; i++)
        file.first_of_series = strcmp(files->files[i].series, file.series) != 0;
    files->files[files->count++] = file;
    files->size_bytes += size_bytes;
    return STATUS_OK;
}

struct walk {
    struct series_files *files;
    const char *directory, *pattern;
    size_t found;
};

static enum status visit_entry(void *context, const struct io_entry *entry) {
    struct walk *walk = context;
    char path[IO_PATH_BYTES];
    if (entry->kind != IO_ENTRY_FILE || !ends_with(entry->name, ".csv")) return STATUS_OK;
    if (snprintf(path, sizeof path, "%s/%s", walk->directory, entry->name) >= (int)sizeof path) return STATUS_TOO_LARGE;
    walk->found++;
    return add_file(walk->files, path, entry->size, walk->pattern);
}

enum status series_files_add(struct series_files *files, struct io *io, const char *path, const char *pattern,
                             struct error *error) {
    struct io_entry entry;
    enum status status = io_stat(io, path, &entry);
    if (status == STATUS_OK && entry.kind != IO_ENTRY_DIR) {
        status = add_file(files, path, entry.size, pattern);
    } else if (status == STATUS_OK) {
        struct walk walk = {.files = files, .directory = path, .pattern = pattern};
        status = io_dir_list(io, path, visit_entry, &walk);
        if (status == STATUS_OK && walk.found == 0)
            return error_set(error, STATUS_NOT_FOUND, "%s: no file *.csv in it", path);
    }
    return status == STATUS_OK ? STATUS_OK : error_set(error, status, "%s: %s", path, status_text(status));
}
