/*
 * direct_file: a second descriptor of a file, past the system's cache, for writes that end durable. Not one descriptor
 * for everything: reads, writes of any size and blocking calls keep the cache, which the kernel keeps in step with what
 * goes past it. Whether the file system grants it is asked of the file itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/io/machine.h"

static void say_refused(struct machine_file *file, int number) {
    struct machine *machine = machine_of(file->base.io);
    if (atomic_exchange(&machine->refusal_logged, true)) return;
    log_info(machine->log, "io: %s: no direct writes: %s; durable writes go through the cache", file->path,
             strerror(number));
}

static bool is_same_file(int a, int b) {
    struct stat first, second;
    return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* Whether memory and offsets in steps of IO_PAGE_BYTES are fine. A kernel that cannot say (before 6.1) is tried. */
static bool takes_pages(int fd) {
    struct statx facts;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &facts) != 0 || !(facts.stx_mask & STATX_DIOALIGN)) return true;
    if (facts.stx_dio_mem_align == 0 || facts.stx_dio_offset_align == 0) return false;
    return IO_PAGE_BYTES % facts.stx_dio_mem_align == 0 && IO_PAGE_BYTES % facts.stx_dio_offset_align == 0;
}

void direct_file_open(struct machine_file *file) {
    int fd;
    do fd = open(file->path, O_WRONLY | O_DIRECT | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        say_refused(file, errno);
    } else if (!is_same_file(fd, file->fd) || !takes_pages(fd)) {
        close(fd);
        say_refused(file, EINVAL);
    } else {
        file->direct_fd = fd;
    }
}

void direct_file_give_up(struct machine_file *file, int number) {
    close(file->direct_fd);
    file->direct_fd = -1;
    say_refused(file, number);
}

static bool may_go_direct(struct machine_file *file, uint64_t offset, const void *from, size_t size) {
    const uint64_t all = (uintptr_t)from | offset | size;
    return file->direct_fd >= 0 && all % IO_PAGE_BYTES == 0 && size > 0 && size <= MACHINE_TRANSFER_BYTES &&
           machine_file_is_clean(file);
}

bool direct_file_write_sync(struct machine_file *file, uint64_t offset, const void *from, size_t size,
                            int *failed_with) {
    *failed_with = 0;
    if (!may_go_direct(file, offset, from, size)) return false;
    const struct iovec part = {.iov_base = (void *)(uintptr_t)from, .iov_len = size};
    ssize_t count;
    do count = pwritev2(file->direct_fd, &part, 1, (off_t)offset, RWF_DSYNC);
    while (count < 0 && errno == EINTR);
    if (count == (ssize_t)size) return true;
    if (count >= 0) return false; /* the whole goes the ordinary way, whose barrier covers it */
    if (errno == EINVAL || errno == EOPNOTSUPP) {
        direct_file_give_up(file, errno);
        return false;
    }
    *failed_with = errno; /* write or barrier: not told */
    return true;
}
