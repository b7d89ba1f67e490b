/*
 * directories: names. Listings are sorted, so that nothing above depends on the order in which a file system keeps
 * them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/io/machine.h"

enum status machine_remove(struct io *io, const char *path) {
    (void)io;
    return remove(path) == 0 ? STATUS_OK : status_from_errno(errno);
}

enum status machine_rename(struct io *io, const char *from, const char *to) {
    (void)io;
    return rename(from, to) == 0 ? STATUS_OK : status_from_errno(errno);
}

enum status machine_link(struct io *io, const char *from, const char *to) {
    (void)io;
    return link(from, to) == 0 ? STATUS_OK : status_from_errno(errno);
}

enum status machine_dir_make(struct io *io, const char *path) {
    (void)io;
    return mkdir(path, 0755) == 0 ? STATUS_OK : status_from_errno(errno);
}

static int open_directory(const char *path) {
    int fd;
    do fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    return fd;
}

enum status machine_dir_sync(struct io *io, const char *path) {
    const int fd = open_directory(path);
    if (fd < 0) return status_from_errno(errno);
    enum status status = STATUS_OK;
    if (fsync(fd) != 0) status = machine_fail(machine_of(io), "sync", path, 0, errno);
    close(fd);
    return status;
}

static void fill_entry(struct io_entry *entry, const struct stat *facts) {
    entry->kind = S_ISREG(facts->st_mode) ? IO_ENTRY_FILE : S_ISDIR(facts->st_mode) ? IO_ENTRY_DIR : IO_ENTRY_OTHER;
    entry->size = S_ISREG(facts->st_mode) ? (uint64_t)facts->st_size : 0;
}

enum status machine_stat(struct io *io, const char *path, struct io_entry *entry) {
    (void)io;
    struct stat facts;
    if (stat(path, &facts) != 0) return status_from_errno(errno);
    const char *slash = strrchr(path, '/');
    entry->name = slash ? slash + 1 : path;
    fill_entry(entry, &facts);
    return STATUS_OK;
}

uint64_t machine_files_most(struct io *io) {
    struct rlimit limit;
    (void)io;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
    return limit.rlim_cur;
}

enum status machine_free_space(struct io *io, const char *path, uint64_t *bytes) {
    (void)io;
    struct statvfs facts;
    int result;
    do result = statvfs(path, &facts);
    while (result != 0 && errno == EINTR);
    if (result != 0) return status_from_errno(errno);
    *bytes = (uint64_t)facts.f_bavail * facts.f_frsize;
    return STATUS_OK;
}

/* ---- Listing ----------------------------------------------------------------------------------------------------- */

/* Appends all names but "." and "..", each with its terminating zero. */
static enum status read_names(DIR *directory, struct buf *names, size_t *count) {
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry) return status_from_errno(errno);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        enum status status = buf_append(names, entry->d_name, strlen(entry->d_name) + 1);
        if (status != STATUS_OK) return status;
        ++*count;
    }
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Pointers into `names`, sorted; NULL when out of memory. */
static const char **sort_names(const struct buf *names, size_t count) {
    const char **sorted = calloc(count ? count : 1, sizeof *sorted);
    if (!sorted) return NULL;
    const char *cursor = (const char *)names->data;
    for (size_t i = 0; i < count; i++, cursor += strlen(cursor) + 1) sorted[i] = cursor;
    qsort(sorted, count, sizeof *sorted, compare_names);
    return sorted;
}

static enum status visit_names(int fd, const char **names, size_t count,
                               enum status (*visit)(void *, const struct io_entry *), void *context) {
    for (size_t i = 0; i < count; i++) {
        struct stat facts;
        if (fstatat(fd, names[i], &facts, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT) continue; /* removed meanwhile */
            return status_from_errno(errno);
        }
        struct io_entry entry = {.name = names[i]};
        fill_entry(&entry, &facts);
        enum status status = visit(context, &entry);
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

enum status machine_dir_list(struct io *io, const char *path, enum status (*visit)(void *, const struct io_entry *),
                             void *context) {
    (void)io;
    const int fd = open_directory(path);
    if (fd < 0) return status_from_errno(errno);
    DIR *directory = fdopendir(fd);
    if (!directory) {
        const int number = errno;
        close(fd);
        return status_from_errno(number);
    }
    struct buf names = BUF_EMPTY;
    size_t count = 0;
    const char **sorted = NULL;
    enum status status = read_names(directory, &names, &count);
    if (status == STATUS_OK && !(sorted = sort_names(&names, count))) status = STATUS_NO_MEMORY;
    if (status == STATUS_OK) status = visit_names(fd, sorted, count, visit, context);
    free(sorted);
    buf_deinit(&names);
    closedir(directory);
    return status;
}
