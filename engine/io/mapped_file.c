/*
 * mapped_file: writes that are copies to memory which the system's cache shares (IO_OPEN_MAPPED). A window of the file
 * is mapped at a time, made present and writable beforehand and held in memory, so that a device's failure comes as a
 * refusal, after which the ordinary way tells what is wrong, and not as a signal in the midst of a copy.
 *
 * Only file systems that write in place are trusted: elsewhere a page that is written again needs new space, and that
 * there is none would be told by a signal, too.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "engine/io/machine.h"

enum {
    WINDOW_BYTES = 2 << 20,    /* a folio of the system's cache at its largest: see below */
    COPY_BYTES_MAX = 32 << 10, /* more is cheaper as one call */
    LINE_BYTES = 64,
    EXT_MAGIC = 0xEF53,
    XFS_MAGIC = 0x58465342,
    TMPFS_MAGIC = 0x01021994,
};

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

static void give_up(struct machine_file *file, const char *what, int number) {
    struct machine *machine = machine_of(file->base.io);
    mapped_file_close(file);
    file->mapped_bytes = 0;
    if (atomic_exchange(&machine->unmapped_logged, true)) return;
    log_info(machine->log, "io: %s: writes are not copied to mapped memory: %s%s%s", file->path, what,
             number ? ": " : "", number ? strerror(number) : "");
}

void mapped_file_open(struct machine_file *file) {
    struct stat facts;
    struct statfs system;
    if (fstat(file->fd, &facts) != 0 || fstatfs(file->fd, &system) != 0) {
        give_up(file, "stat", errno);
    } else if (!S_ISREG(facts.st_mode)) {
        give_up(file, "not a regular file", 0);
    } else if (system.f_type != EXT_MAGIC && system.f_type != XFS_MAGIC && system.f_type != TMPFS_MAGIC) {
        give_up(file, "not a file system that is known to write in place", 0);
    } else if ((uint64_t)facts.st_blocks * 512 < (uint64_t)facts.st_size) {
        give_up(file, "it has holes", 0);
    } else {
        file->mapped_bytes = (uint64_t)facts.st_size / IO_PAGE_BYTES * IO_PAGE_BYTES;
    }
}

void mapped_file_close(struct machine_file *file) {
    if (!file->window) return;
    (void)munmap(file->window, file->window_bytes);
    file->window = NULL;
}

/*
 * What the system's cache should make of the window: one folio, which one fault makes present and writable as a whole
 * (100 us for each 2 MiB that serves again, instead of 1300). The first page of a file is often there already, a header
 * written by a call, and then the window cannot be one; a fault in it would have the cache read ahead, in small folios
 * beyond its end. Wishes: they change speed alone.
 */
static void advise_window(const struct machine_file *file) {
    if (file->window_start == 0)
        (void)madvise(file->window, file->window_bytes, MADV_RANDOM);
    else
        (void)madvise(file->window, file->window_bytes, MADV_HUGEPAGE);
}

/*
 * The window that holds offset becomes the present one. ext4 answers the first write to a page of a mapping with work
 * for all of the folio that the page lies in, and folios that were read ahead or written in large pieces have up to 2
 * MiB. A window that holds such a folio whole is made writable by one such answer; a smaller one by one for each page.
 */
static bool move_window(struct machine_file *file, uint64_t offset) {
    mapped_file_close(file);
    const uint64_t start = offset / WINDOW_BYTES * WINDOW_BYTES;
    const uint64_t left = file->mapped_bytes - start;
    const size_t bytes = left < WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
    void *window = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, (off_t)start);
    if (window == MAP_FAILED) {
        give_up(file, "mmap", errno);
        return false;
    }
    file->window = window;
    file->window_start = start;
    file->window_bytes = bytes;
    advise_window(file);
    if (madvise(window, bytes, MADV_POPULATE_WRITE) != 0) {
        give_up(file, "making it present", errno);
        return false;
    }
    (void)mlock(window, bytes); /* over the limit of what may be locked: it is present all the same */
    return true;
}

/* A head is one store: the process is there before it or after it. */
typedef uint64_t head __attribute__((vector_size(IO_HEAD_BYTES), aligned(IO_HEAD_BYTES), may_alias));
typedef uint64_t head_anywhere __attribute__((vector_size(IO_HEAD_BYTES), aligned(1), may_alias));

static void copy_sector(uint8_t *to, const uint8_t *from) {
    memcpy(to + IO_HEAD_BYTES, from + IO_HEAD_BYTES, IO_SECTOR_BYTES - IO_HEAD_BYTES);
    atomic_signal_fence(memory_order_seq_cst); /* the process ends between two instructions: their order is enough */
    *(volatile head *)(void *)to = *(const head_anywhere *)(const void *)from;
    atomic_signal_fence(memory_order_seq_cst);
}

static bool copy_in_window(struct machine_file *file, uint64_t offset, const uint8_t *from, size_t size) {
    const bool inside =
        file->window && offset >= file->window_start && offset < file->window_start + file->window_bytes;
    if (!inside && !move_window(file, offset)) return false;
    uint8_t *to = file->window + (offset - file->window_start);
    for (size_t at = size; at > 0; at -= IO_SECTOR_BYTES)
        copy_sector(to + at - IO_SECTOR_BYTES, from + at - IO_SECTOR_BYTES);
    /* The next write goes on behind this one. */
    for (size_t at = 0; at < IO_SECTOR_BYTES; at += LINE_BYTES) __builtin_prefetch(to + size + at, 1);
    return true;
}

bool mapped_file_write(struct machine_file *file, uint64_t offset, const void *from, size_t size) {
    if (size > COPY_BYTES_MAX || (offset | size) % IO_SECTOR_BYTES != 0) return false;
    if (offset + size > file->mapped_bytes) return false;
    /* From the last window to the first: what was done when one is refused is done once more the ordinary way. */
    for (uint64_t end = offset + size; end > offset;) {
        const uint64_t start = (end - 1) / WINDOW_BYTES * WINDOW_BYTES;
        const uint64_t begin = start > offset ? start : offset;
        if (!copy_in_window(file, begin, (const uint8_t *)from + (begin - offset), (size_t)(end - begin))) return false;
        end = begin;
    }
    return true;
}
