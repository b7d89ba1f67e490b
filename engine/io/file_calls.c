/*
 * file_calls: blocking file calls. Short transfers and interruptions are finished here; a failed sync poisons the file
 * for good, since the kernel marks a page it could not write as clean and reports the loss once, to one caller.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/io/machine.h"

static int open_flags(unsigned flags) {
    int native = O_CLOEXEC;
    if ((flags & IO_OPEN_READ) && (flags & IO_OPEN_WRITE))
        native |= O_RDWR;
    else
        native |= flags & IO_OPEN_WRITE ? O_WRONLY : O_RDONLY;
    if (flags & IO_OPEN_CREATE) native |= O_CREAT;
    if (flags & IO_OPEN_EXCLUSIVE) native |= O_EXCL;
    if (flags & IO_OPEN_TRUNCATE) native |= O_TRUNC;
    return native;
}

/* What is no regular file takes the flag of such a write and need not heed it. */
static bool syncs_ranges(int fd, unsigned flags) {
    struct stat what;
    return (flags & IO_OPEN_WRITE) && fstat(fd, &what) == 0 && S_ISREG(what.st_mode);
}

enum status machine_file_open(struct io *io, const char *path, unsigned flags, struct io_file **file) {
    const size_t path_bytes = strlen(path) + 1;
    struct machine_file *opened = malloc(sizeof *opened + path_bytes);
    if (!opened) return STATUS_NO_MEMORY;
    *opened = (struct machine_file){.base.io = io, .direct_fd = -1};
    memcpy(opened->path, path, path_bytes);
    opened->base.path = opened->path;
    do opened->fd = open(path, open_flags(flags), 0644);
    while (opened->fd < 0 && errno == EINTR);
    if (opened->fd < 0) {
        const int number = errno;
        free(opened);
        return status_from_errno(number);
    }
    mutex_init(&opened->sync_mutex);
    list_init(&opened->sync_queue);
    opened->whole_syncs = (flags & IO_OPEN_DIRECT) || !syncs_ranges(opened->fd, flags);
    if ((flags & IO_OPEN_DIRECT) && machine_of(io)->direct_writes) direct_file_open(opened);
    if (flags & IO_OPEN_MAPPED) mapped_file_open(opened);
    *file = &opened->base;
    return STATUS_OK;
}

void machine_file_close(struct io_file *file) {
    struct machine_file *mine = machine_file_of(file);
    check(!mine->syncing); /* an operation in flight */
    mapped_file_close(mine);
    close(mine->fd);
    if (mine->direct_fd >= 0) close(mine->direct_fd);
    mutex_deinit(&mine->sync_mutex);
    free(mine);
}

/* The C library's pread is a point of cancellation, which costs two atomic exchanges: 3 % of gets and seeks that miss
 * the cache. A sanitizer has to see the call, which writes to our memory. */
static ssize_t read_at(int fd, void *to, size_t size, uint64_t offset) {
#if defined(__linux__) && defined(__LP64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
    return syscall(SYS_pread64, fd, to, size, (off_t)offset);
#else
    return pread(fd, to, size, (off_t)offset);
#endif
}

enum status machine_file_read(struct io_file *file, uint64_t offset, void *to, size_t size, size_t *got) {
    const int fd = machine_file_of(file)->fd;
    uint8_t *cursor = to;
    while (*got < size) {
        const size_t left = size - *got;
        const size_t ask = left < MACHINE_TRANSFER_BYTES ? left : MACHINE_TRANSFER_BYTES;
        ssize_t count = read_at(fd, cursor + *got, ask, offset + *got);
        if (count == 0) break;
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return machine_fail(machine_of(file->io), "read", file->path, offset + *got, errno);
        *got += (size_t)count;
    }
    return STATUS_OK;
}

static enum status write_all(struct io_file *file, uint64_t offset, const void *from, size_t size) {
    const int fd = machine_file_of(file)->fd;
    const uint8_t *cursor = from;
    for (size_t done = 0; done < size;) {
        const size_t left = size - done;
        const size_t ask = left < MACHINE_TRANSFER_BYTES ? left : MACHINE_TRANSFER_BYTES;
        ssize_t count = pwrite(fd, cursor + done, ask, (off_t)(offset + done));
        if (count < 0 && errno == EINTR) continue;
        if (count == 0) errno = EIO;
        if (count <= 0) return machine_fail(machine_of(file->io), "write", file->path, offset + done, errno);
        done += (size_t)count;
    }
    return STATUS_OK;
}

enum status machine_file_write(struct io_file *file, uint64_t offset, const void *from, size_t size) {
    struct machine_file *mine = machine_file_of(file);
    enum status status = STATUS_OK;
    if (!mapped_file_write(mine, offset, from, size)) status = write_all(file, offset, from, size);
    machine_note_write(mine);
    return status;
}

/* Through the cache, with a barrier for that range alone: what else waits in the cache goes on waiting. False where the
 * kernel refuses it, or took a part only: then nothing is promised. */
static bool write_range_sync(struct machine_file *file, uint64_t offset, const void *from, size_t size,
                             int *failed_with) {
    const struct iovec part = {.iov_base = (void *)(uintptr_t)from, .iov_len = size};
    ssize_t count;
    *failed_with = 0;
    if (file->whole_syncs || size == 0 || io_file_is_poisoned(&file->base)) return false;
    mutex_lock(&file->sync_mutex);
    do count = pwritev2(file->fd, &part, 1, (off_t)offset, RWF_DSYNC);
    while (count < 0 && errno == EINTR);
    if (count < 0 && errno != EINVAL && errno != EOPNOTSUPP) *failed_with = errno;
    mutex_unlock(&file->sync_mutex);
    machine_note_write(file);
    return count == (ssize_t)size || *failed_with != 0;
}

enum status machine_file_write_sync(struct io_file *file, uint64_t offset, const void *from, size_t size) {
    int number;
    if (write_range_sync(machine_file_of(file), offset, from, size, &number))
        return number == 0 ? STATUS_OK : machine_fail_sync(file, number);
    if (direct_file_write_sync(machine_file_of(file), offset, from, size, &number))
        return number == 0 ? STATUS_OK : machine_fail_sync(file, number);
    enum status status = write_all(file, offset, from, size);
    machine_note_write(machine_file_of(file));
    return status == STATUS_OK ? machine_file_sync(file) : status;
}

void machine_file_push(struct io_file *file, uint64_t offset, uint64_t size) {
    (void)sync_file_range(machine_file_of(file)->fd, (off_t)offset, (off_t)size, SYNC_FILE_RANGE_WRITE); /* a hint */
}

enum status machine_file_sync(struct io_file *file) {
    struct machine_file *mine = machine_file_of(file);
    enum status status = STATUS_OK;
    mutex_lock(&mine->sync_mutex);
    const uint64_t writes = atomic_load(&mine->writes);
    if (io_file_is_poisoned(file)) {
        status = STATUS_READ_ONLY;
    } else if (fdatasync(mine->fd) != 0) {
        status = machine_fail_sync(file, errno);
    } else {
        machine_note_sync(mine, writes);
    }
    mutex_unlock(&mine->sync_mutex);
    return status;
}

/* Not every file system knows it; and what it fails on, the sync fails on. */
void machine_file_write_back(struct io_file *file, uint64_t offset, uint64_t size) {
    (void)sync_file_range(machine_file_of(file)->fd, (off_t)offset, (off_t)size, SYNC_FILE_RANGE_WRITE);
}

enum status machine_file_size(struct io_file *file, uint64_t *size) {
    struct stat facts;
    if (fstat(machine_file_of(file)->fd, &facts) != 0)
        return machine_fail(machine_of(file->io), "stat", file->path, 0, errno);
    *size = (uint64_t)facts.st_size;
    return STATUS_OK;
}

enum status machine_file_truncate(struct io_file *file, uint64_t size) {
    int result;
    do result = ftruncate(machine_file_of(file)->fd, (off_t)size);
    while (result != 0 && errno == EINTR);
    machine_note_write(machine_file_of(file));
    return result == 0 ? STATUS_OK : machine_fail(machine_of(file->io), "truncate", file->path, size, errno);
}

enum status machine_file_allocate(struct io_file *file, uint64_t size) {
    int result;
    do result = fallocate(machine_file_of(file)->fd, 0, 0, (off_t)size);
    while (result != 0 && errno == EINTR);
    if (result != 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) return STATUS_UNSUPPORTED;
    machine_note_write(machine_file_of(file));
    return result == 0 ? STATUS_OK : machine_fail(machine_of(file->io), "allocate", file->path, size, errno);
}
