/*
 * file_map: files read where the system's cache has them.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "engine/io/machine.h"

enum status machine_file_map(struct io_file *file, uint64_t size, const uint8_t **bytes) {
    struct stat facts;
    const int fd = machine_file_of(file)->fd;
    if (fstat(fd, &facts) != 0) return status_from_errno(errno);
    if (!S_ISREG(facts.st_mode)) return STATUS_UNSUPPORTED;
    if (facts.st_size < 0 || (uint64_t)facts.st_size < size) return STATUS_CORRUPT;
    void *mapped = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) return status_from_errno(errno);
    *bytes = mapped;
    return STATUS_OK;
}

void machine_unmap(const uint8_t *bytes, uint64_t size) {
    (void)munmap((void *)(uintptr_t)bytes, (size_t)size);
}

void machine_map_ask(const uint8_t *bytes, uint64_t size) {
    const uintptr_t begin = (uintptr_t)bytes / IO_PAGE_BYTES * IO_PAGE_BYTES;
    (void)madvise((void *)begin, (uintptr_t)bytes + (size_t)size - begin, MADV_WILLNEED);
}
