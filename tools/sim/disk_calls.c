/*
 * disk_calls: each I/O of a program passes here: it is counted and shown to the watcher, then happens, fails as ordered
 * or drawn, or is cut short by the power.
 */
#include <string.h>

#include "engine/base/check.h"
#include "tools/sim/disk_private.h"

enum { PPM = 1000000 };

/* What becomes of one call. */
struct fate {
    enum status status; /* OK: it happens */
    bool cut;           /* it happens, or not, and the power goes */
};

static void count_call(struct sim_disk *disk, enum sim_disk_call call, const char *path) {
    disk->stats.calls[call]++;
    disk->stats.ios++;
    if (disk->watch != NULL) disk->watch(disk->watch_context, disk, call, path);
}

/* A full disk does not fail what takes no space. */
static bool may_fail_with(enum sim_disk_call call, enum status status) {
    static const bool takes_space[SIM_DISK_CALL_COUNT] = {
        [SIM_DISK_OPEN] = true,   [SIM_DISK_WRITE] = true, [SIM_DISK_SYNC] = true,
        [SIM_DISK_RENAME] = true, [SIM_DISK_LINK] = true,  [SIM_DISK_DIR_MAKE] = true,
    };
    return status != STATUS_NO_SPACE || takes_space[call];
}

static enum status ordered_failure(struct sim_disk *disk, enum sim_disk_call call) {
    if (disk->fail_in == 0 || !may_fail_with(call, disk->fail_status)) return STATUS_OK;
    if (disk->fail_in > 1) {
        disk->fail_in--;
        return STATUS_OK;
    }
    if (!disk->fail_forever) disk->fail_in = 0;
    disk->has_failed = true;
    return disk->fail_status;
}

static struct fate begin(struct sim_disk *disk, enum sim_disk_call call, const char *path, uint32_t error_ppm) {
    if (!disk->powered) return (struct fate){.status = STATUS_IO};
    count_call(disk, call, path);
    if (!disk->powered) return (struct fate){.status = STATUS_IO};
    if (disk->cut_in > 0 && --disk->cut_in == 0) return (struct fate){.status = STATUS_OK, .cut = true};
    enum status status = ordered_failure(disk, call);
    if (status == STATUS_OK && call == SIM_DISK_WRITE && disk->next_write_fails) {
        disk->next_write_fails = false;
        status = STATUS_IO;
    }
    if (status == STATUS_OK && error_ppm > 0 && prng_chance(&disk->prng, error_ppm, PPM)) status = STATUS_IO;
    if (status != STATUS_OK) disk->stats.faults++;
    return (struct fate){.status = status};
}

/* A fault drawn in the midst of a call. */
static bool strikes(struct sim_disk *disk, uint32_t ppm) {
    if (ppm == 0 || !prng_chance(&disk->prng, ppm, PPM)) return false;
    disk->stats.faults++;
    return true;
}

static enum status end(struct sim_disk *disk, struct fate fate, enum status status) {
    if (!fate.cut) return status;
    sim_disk_cut(disk, disk->cut_kind);
    return STATUS_IO;
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static enum status open_new(struct sim_disk *disk, struct inode *dir, const char *name, struct inode **inode) {
    *inode = inode_create(disk, false);
    (void)names_set(disk, dir, name, *inode, ++disk->next_operation);
    return STATUS_OK;
}

static enum status open_existing(struct sim_disk *disk, unsigned flags, struct inode *inode) {
    if ((flags & IO_OPEN_CREATE) && (flags & IO_OPEN_EXCLUSIVE)) return STATUS_EXISTS;
    if (inode->is_dir) return STATUS_IO;
    if (flags & IO_OPEN_TRUNCATE) content_truncate(disk, inode, 0);
    return STATUS_OK;
}

static enum status open_by_name(struct sim_disk *disk, const char *path, unsigned flags, struct inode **inode) {
    struct inode *dir;
    char name[IO_PATH_BYTES];
    enum status status = names_resolve(disk, path, &dir, name);
    if (status != STATUS_OK) return status;
    const struct entry *entry = names_find(&dir->seen, name);
    if (entry != NULL) {
        *inode = entry->inode;
        return open_existing(disk, flags, *inode);
    }
    return flags & IO_OPEN_CREATE ? open_new(disk, dir, name, inode) : STATUS_NOT_FOUND;
}

enum status disk_open(struct sim_disk *disk, const char *path, unsigned flags, struct inode **inode) {
    struct fate fate = begin(disk, SIM_DISK_OPEN, path, flags & IO_OPEN_CREATE ? disk->faults.name_error_ppm : 0);
    if (fate.status != STATUS_OK) return fate.status;
    enum status status = end(disk, fate, open_by_name(disk, path, flags, inode));
    if (status != STATUS_OK) return status;
    inode_acquire(*inode);
    inode_count_space(disk, *inode, (*inode)->names, (*inode)->handles + 1);
    return STATUS_OK;
}

void disk_close(struct sim_disk *disk, struct inode *inode) {
    inode_count_space(disk, inode, inode->names, inode->handles - 1);
    inode_release(disk, inode);
}

enum status disk_read(struct sim_disk *disk, struct inode *inode, const char *path, uint64_t offset, void *to,
                      size_t size, size_t *got) {
    struct fate fate = begin(disk, SIM_DISK_READ, path, disk->faults.read_error_ppm);
    if (fate.status != STATUS_OK) return fate.status;
    if (!content_is_readable(inode, offset, size)) return end(disk, fate, STATUS_IO);
    *got = content_read(inode, offset, to, size);
    disk->stats.bytes_read += *got;
    return end(disk, fate, STATUS_OK);
}

/* Of a write that fails, some run of sectors may have been written. */
static void write_some(struct sim_disk *disk, struct inode *inode, uint64_t offset, const uint8_t *from, size_t size) {
    size_t start = (size_t)prng_below(&disk->prng, size + 1) / IO_SECTOR_BYTES * IO_SECTOR_BYTES;
    size_t part = (size_t)prng_below(&disk->prng, size - start + 1) / IO_SECTOR_BYTES * IO_SECTOR_BYTES;
    if (content_write(disk, inode, offset + start, from + start, part) != STATUS_OK) disk->stats.faults++;
}

static struct inode *draw_file(struct sim_disk *disk) {
    size_t count = 0;
    struct inode *drawn = NULL;
    for (struct list *link = disk->inodes.next; link != &disk->inodes; link = link->next) {
        struct inode *inode = list_entry(link, struct inode, link);
        if (inode->is_dir || inode->names == 0 || inode->size == 0) continue;
        if (prng_below(&disk->prng, ++count) == 0) drawn = inode;
    }
    return drawn;
}

/* The write hits stored sectors of another place and leaves its own alone. */
static void write_elsewhere(struct sim_disk *disk, struct inode *inode, const uint8_t *from, size_t size) {
    struct inode *target = prng_chance(&disk->prng, 1, 2) ? inode : draw_file(disk);
    if (target == NULL || target->size == 0) return;
    uint64_t offset = prng_below(&disk->prng, target->size) / IO_SECTOR_BYTES * IO_SECTOR_BYTES;
    if (size > target->size - offset) size = (size_t)(target->size - offset);
    if (content_write(disk, target, offset, from, size) == STATUS_OK) content_sync_range(target, offset, size);
}

static enum status write_all(struct sim_disk *disk, struct inode *inode, uint64_t offset, const void *from,
                             size_t size) {
    if (strikes(disk, disk->faults.lost_write_ppm)) return STATUS_OK;
    if (strikes(disk, disk->faults.misdirect_ppm)) {
        write_elsewhere(disk, inode, from, size);
        return STATUS_OK;
    }
    return content_write(disk, inode, offset, from, size);
}

/* A sync's own faults: drawn, or ordered. */
static bool sync_fails(struct sim_disk *disk) {
    if (disk->next_sync_fails) {
        disk->next_sync_fails = false;
        disk->sync_has_failed = true;
        disk->stats.faults++;
        return true;
    }
    return strikes(disk, disk->faults.sync_error_ppm);
}

/* The second half of a write with sync. */
static enum status sync_written(struct sim_disk *disk, struct inode *inode, uint64_t offset, size_t size) {
    if (sync_fails(disk)) {
        content_sync_badly(disk, inode, prng_chance(&disk->prng, 1, 2));
        return STATUS_IO;
    }
    if (!disk->faults.sync_lies) content_sync_range(inode, offset, size);
    return STATUS_OK;
}

enum status disk_write(struct sim_disk *disk, struct inode *inode, const char *path, uint64_t offset, const void *from,
                       size_t size, bool sync) {
    struct fate fate = begin(disk, SIM_DISK_WRITE, path, disk->faults.write_error_ppm);
    if (fate.status != STATUS_OK) {
        if (disk->powered) write_some(disk, inode, offset, from, size);
        return fate.status;
    }
    disk->stats.bytes_written += size;
    enum status status = write_all(disk, inode, offset, from, size);
    if (status == STATUS_OK && sync && !fate.cut) status = sync_written(disk, inode, offset, size);
    return end(disk, fate, status);
}

enum status disk_sync(struct sim_disk *disk, struct inode *inode, const char *path) {
    struct fate fate = begin(disk, SIM_DISK_SYNC, path, 0);
    if (!disk->powered) return fate.status;
    if (fate.status == STATUS_OK && !fate.cut && sync_fails(disk)) fate.status = STATUS_IO;
    if (fate.status != STATUS_OK) {
        content_sync_badly(disk, inode, prng_chance(&disk->prng, 1, 2));
        return fate.status;
    }
    if (!fate.cut && !disk->faults.sync_lies) content_sync(inode);
    return end(disk, fate, STATUS_OK);
}

enum status disk_truncate(struct sim_disk *disk, struct inode *inode, const char *path, uint64_t size) {
    struct fate fate = begin(disk, SIM_DISK_TRUNCATE, path, disk->faults.write_error_ppm);
    if (fate.status != STATUS_OK) return fate.status;
    content_truncate(disk, inode, size);
    return end(disk, fate, STATUS_OK);
}

/* ---- Names ------------------------------------------------------------------------------------------------------- */

static enum status remove_name(struct sim_disk *disk, const char *path) {
    struct inode *dir;
    char name[IO_PATH_BYTES];
    enum status status = names_resolve(disk, path, &dir, name);
    if (status != STATUS_OK) return status;
    const struct entry *entry = names_find(&dir->seen, name);
    if (entry == NULL) return STATUS_NOT_FOUND;
    if (entry->inode->is_dir && entry->inode->seen.count > 0) return STATUS_EXISTS;
    (void)names_set(disk, dir, name, NULL, ++disk->next_operation);
    return STATUS_OK;
}

enum status disk_remove(struct sim_disk *disk, const char *path) {
    struct fate fate = begin(disk, SIM_DISK_REMOVE, path, disk->faults.name_error_ppm);
    return fate.status != STATUS_OK ? fate.status : end(disk, fate, remove_name(disk, path));
}

static void move(struct sim_disk *disk, struct inode *from_dir, const char *from, struct inode *to_dir,
                 const char *to) {
    struct inode *inode = names_find(&from_dir->seen, from)->inode;
    uint64_t operation = ++disk->next_operation;
    struct name_change *there = names_set(disk, to_dir, to, inode, operation);
    if (from_dir != to_dir) operation = ++disk->next_operation;
    struct name_change *gone = names_set(disk, from_dir, from, NULL, operation);
    if (from_dir != to_dir) gone->needs = there;
}

/* Whether what stands at the target gives way. */
static enum status may_replace(const struct inode *moved, const struct entry *there) {
    if (there == NULL) return STATUS_OK;
    if (moved->is_dir != there->inode->is_dir) return STATUS_INVALID;
    return there->inode->is_dir && there->inode->seen.count > 0 ? STATUS_EXISTS : STATUS_OK;
}

static enum status rename_name(struct sim_disk *disk, const char *from, const char *to) {
    struct inode *from_dir, *to_dir;
    char from_name[IO_PATH_BYTES], to_name[IO_PATH_BYTES];
    enum status status = names_resolve(disk, from, &from_dir, from_name);
    if (status == STATUS_OK) status = names_resolve(disk, to, &to_dir, to_name);
    if (status != STATUS_OK) return status;
    const struct entry *source = names_find(&from_dir->seen, from_name);
    const struct entry *target = names_find(&to_dir->seen, to_name);
    if (source == NULL) return STATUS_NOT_FOUND;
    if (target != NULL && source->inode == target->inode) return STATUS_OK;
    status = may_replace(source->inode, target);
    if (status == STATUS_OK) move(disk, from_dir, from_name, to_dir, to_name);
    return status;
}

enum status disk_rename(struct sim_disk *disk, const char *from, const char *to) {
    struct fate fate = begin(disk, SIM_DISK_RENAME, from, disk->faults.name_error_ppm);
    return fate.status != STATUS_OK ? fate.status : end(disk, fate, rename_name(disk, from, to));
}

static enum status link_name(struct sim_disk *disk, const char *from, const char *to) {
    struct inode *inode, *dir;
    char name[IO_PATH_BYTES];
    enum status status = names_lookup(disk, from, &inode);
    if (status == STATUS_OK) status = names_resolve(disk, to, &dir, name);
    if (status != STATUS_OK) return status;
    if (inode->is_dir) return STATUS_DENIED;
    if (names_find(&dir->seen, name) != NULL) return STATUS_EXISTS;
    (void)names_set(disk, dir, name, inode, ++disk->next_operation);
    return STATUS_OK;
}

enum status disk_link(struct sim_disk *disk, const char *from, const char *to) {
    struct fate fate = begin(disk, SIM_DISK_LINK, from, disk->faults.name_error_ppm);
    return fate.status != STATUS_OK ? fate.status : end(disk, fate, link_name(disk, from, to));
}

static enum status make_dir(struct sim_disk *disk, const char *path) {
    struct inode *dir;
    char name[IO_PATH_BYTES];
    enum status status = names_resolve(disk, path, &dir, name);
    if (status != STATUS_OK) return status;
    if (names_find(&dir->seen, name) != NULL) return STATUS_EXISTS;
    (void)names_set(disk, dir, name, inode_create(disk, true), ++disk->next_operation);
    return STATUS_OK;
}

enum status disk_dir_make(struct sim_disk *disk, const char *path) {
    struct fate fate = begin(disk, SIM_DISK_DIR_MAKE, path, disk->faults.name_error_ppm);
    return fate.status != STATUS_OK ? fate.status : end(disk, fate, make_dir(disk, path));
}

static enum status find_dir(const struct sim_disk *disk, const char *path, struct inode **dir) {
    enum status status = names_lookup(disk, path, dir);
    if (status == STATUS_OK && !(*dir)->is_dir) return STATUS_NOT_FOUND;
    return status;
}

enum status disk_dir_sync(struct sim_disk *disk, const char *path) {
    struct fate fate = begin(disk, SIM_DISK_DIR_SYNC, path, disk->faults.name_error_ppm);
    if (fate.status != STATUS_OK) return fate.status;
    struct inode *dir;
    enum status status = find_dir(disk, path, &dir);
    if (status == STATUS_OK && !fate.cut) names_sync(disk, dir);
    return end(disk, fate, status);
}

static struct io_entry describe(const char *name, const struct inode *inode) {
    return (struct io_entry){.name = name, .kind = inode->is_dir ? IO_ENTRY_DIR : IO_ENTRY_FILE, .size = inode->size};
}

enum status disk_dir_list(struct sim_disk *disk, const char *path,
                          enum status (*visit)(void *, const struct io_entry *), void *context) {
    struct fate fate = begin(disk, SIM_DISK_DIR_LIST, path, 0);
    if (fate.status != STATUS_OK) return fate.status;
    struct inode *dir;
    enum status status = end(disk, fate, find_dir(disk, path, &dir));
    if (status != STATUS_OK) return status;
    struct names names = {0}; /* of its own, as the visitor may remove what it sees */
    names_copy(&names, &dir->seen, false);
    for (size_t i = 0; status == STATUS_OK && i < names.count; i++) {
        struct io_entry entry = describe(names.entries[i].name, names.entries[i].inode);
        status = visit(context, &entry);
    }
    names_clear(disk, &names);
    return status;
}

enum status disk_stat(struct sim_disk *disk, const char *path, struct io_entry *entry) {
    struct fate fate = begin(disk, SIM_DISK_STAT, path, 0);
    if (fate.status != STATUS_OK) return fate.status;
    struct inode *inode;
    enum status status = end(disk, fate, names_lookup(disk, path, &inode));
    if (status != STATUS_OK) return status;
    const char *slash = strrchr(path, '/');
    *entry = describe(slash != NULL ? slash + 1 : path, inode);
    return STATUS_OK;
}

enum status disk_free_space(struct sim_disk *disk, uint64_t *bytes) {
    if (!disk->powered) return STATUS_IO;
    uint64_t used = sim_disk_used_bytes(disk);
    uint64_t capacity = disk->faults.capacity_bytes != 0 ? disk->faults.capacity_bytes : (uint64_t)1 << 40;
    *bytes = capacity > used ? capacity - used : 0;
    return STATUS_OK;
}
