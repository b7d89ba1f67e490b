/*
 * sim_disk: directories, files and their pages, beside what of them would survive a loss of power.
 */
#include "tools/sim/sim_disk.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/check.h"
#include "engine/base/hash.h"
#include "tools/sim/disk_private.h"
#include "tools/sim/sim_alloc.h"

/* ---- Life -------------------------------------------------------------------------------------------------------- */

static struct sim_disk *disk_create_bare(uint64_t seed) {
    struct sim_disk *disk = sim_alloc(sizeof *disk);
    prng_init(&disk->prng, hash_mix(seed, 0x6469736bU));
    list_init(&disk->inodes);
    list_init(&disk->changes);
    list_init(&disk->locks);
    disk->powered = true;
    return disk;
}

struct sim_disk *sim_disk_create(uint64_t seed) {
    struct sim_disk *disk = disk_create_bare(seed);
    disk->zeros = sim_alloc(sizeof *disk->zeros);
    disk->zeros->refs = 1;
    disk->root = inode_create(disk, true);
    inode_acquire(disk->root);
    disk->root->names = 1;
    return disk;
}

void sim_disk_destroy(struct sim_disk *disk) {
    if (disk == NULL) return;
    check(list_is_empty(&disk->locks));
    while (!list_is_empty(&disk->changes))
        change_destroy(disk, list_entry(disk->changes.next, struct name_change, link));
    inode_release(disk, disk->root);
    check(list_is_empty(&disk->inodes)); /* else a file is still open */
    page_release(disk->zeros);
    sim_free(disk);
}

static void clone_inodes(struct sim_disk *clone, const struct sim_disk *disk) {
    for (const struct list *link = disk->inodes.next; link != &disk->inodes; link = link->next) {
        struct inode *inode = list_entry(link, struct inode, link);
        inode->twin = inode_create(clone, inode->is_dir);
        inode->twin->id = inode->id;
        inode->twin->names = inode->names;
        content_copy(clone, inode->twin, inode);
    }
    for (const struct list *link = disk->inodes.next; link != &disk->inodes; link = link->next) {
        struct inode *inode = list_entry(link, struct inode, link);
        names_copy(&inode->twin->seen, &inode->seen, true);
        names_copy(&inode->twin->durable, &inode->durable, true);
    }
}

static struct name_change *clone_change(struct sim_disk *clone, const struct name_change *change) {
    struct name_change *copy = sim_alloc(sizeof *copy);
    *copy = *change;
    copy->name = sim_copy_text(change->name, strlen(change->name));
    copy->dir = change->dir->twin;
    inode_acquire(copy->dir);
    if (change->inode != NULL) {
        copy->inode = change->inode->twin;
        inode_acquire(copy->inode);
    }
    list_push_back(&clone->changes, &copy->link);
    return copy;
}

static void clone_changes(struct sim_disk *clone, const struct sim_disk *disk) {
    for (const struct list *link = disk->changes.next; link != &disk->changes; link = link->next) {
        const struct name_change *change = list_entry(link, struct name_change, link);
        struct name_change *copy = clone_change(clone, change);
        if (change->needs == NULL) continue;
        struct list *needed = clone->changes.next;
        while (list_entry(needed, struct name_change, link)->operation != change->needs->operation)
            needed = needed->next;
        copy->needs = list_entry(needed, struct name_change, link);
    }
}

struct sim_disk *sim_disk_clone(const struct sim_disk *disk, uint64_t seed) {
    struct sim_disk *clone = disk_create_bare(seed);
    clone->zeros = disk->zeros;
    clone->zeros->refs++;
    clone->next_id = disk->next_id;
    clone->next_operation = disk->next_operation;
    clone_inodes(clone, disk);
    clone->root = disk->root->twin;
    inode_acquire(clone->root);
    clone_changes(clone, disk);
    inodes_hold(clone);
    inodes_sweep(clone); /* those that only an open file held */
    return clone;
}

/* ---- Power ------------------------------------------------------------------------------------------------------- */

static unsigned draw_keep(struct sim_disk *disk, enum sim_cut cut) {
    if (cut == SIM_CUT_NONE) return 0;
    if (cut == SIM_CUT_ALL) return 256;
    return (unsigned)prng_below(&disk->prng, 257);
}

void sim_disk_cut(struct sim_disk *disk, enum sim_cut cut) {
    if (!disk->powered) return;
    if (disk->before_cut != NULL) disk->before_cut(disk->before_cut_context);
    disk->powered = false;
    disk->cut_in = 0;
    if (cut == SIM_CUT_ASTRAY) {
        if (!sim_disk_misdirect(disk, &disk->stray)) disk->stray.size = 0;
        cut = SIM_CUT_RANDOM;
    }
    unsigned keep_of_256 = draw_keep(disk, cut);
    for (struct list *link = disk->inodes.next; link != &disk->inodes; link = link->next) {
        struct inode *inode = list_entry(link, struct inode, link);
        if (!inode->is_dir) content_cut(disk, inode, keep_of_256);
    }
    names_cut(disk, cut);
}

void sim_disk_cut_at(struct sim_disk *disk, uint64_t nth, enum sim_cut cut) {
    disk->cut_in = nth;
    disk->cut_kind = cut;
}

bool sim_disk_is_powered(const struct sim_disk *disk) {
    return disk->powered;
}

void sim_disk_power_on(struct sim_disk *disk) {
    if (!disk->powered) disk->boot++;
    disk->powered = true;
}

/* ---- Orders and counters ----------------------------------------------------------------------------------------- */

const char *sim_disk_call_name(enum sim_disk_call call) {
    static const char *const names[SIM_DISK_CALL_COUNT] = {"open",     "read",     "write",    "sync",
                                                           "truncate", "remove",   "rename",   "link",
                                                           "dir_make", "dir_sync", "dir_list", "stat"};
    return call < SIM_DISK_CALL_COUNT ? names[call] : "?";
}

void sim_disk_stats(const struct sim_disk *disk, struct sim_disk_stats *stats) {
    *stats = disk->stats;
}

void sim_disk_set_watch(struct sim_disk *disk, sim_disk_watch *watch, void *context) {
    disk->watch = watch;
    disk->watch_context = context;
}

void sim_disk_set_faults(struct sim_disk *disk, const struct sim_disk_faults *faults) {
    disk->faults = *faults;
}

void sim_disk_get_faults(const struct sim_disk *disk, struct sim_disk_faults *faults) {
    *faults = disk->faults;
}

void sim_disk_fail_at(struct sim_disk *disk, uint64_t nth, enum status status, bool forever) {
    disk->fail_in = nth;
    disk->fail_status = status;
    disk->fail_forever = forever;
    disk->has_failed = false;
}

bool sim_disk_has_failed(const struct sim_disk *disk) {
    return disk->has_failed;
}

void sim_disk_fail_write(struct sim_disk *disk) {
    disk->next_write_fails = true;
}

void sim_disk_fail_sync(struct sim_disk *disk) {
    disk->next_sync_fails = true;
    disk->sync_has_failed = false;
}

bool sim_disk_take_sync_failure(struct sim_disk *disk) {
    bool has_failed = disk->sync_has_failed;
    disk->next_sync_fails = disk->sync_has_failed = false;
    return has_failed;
}

/* ---- Walking ----------------------------------------------------------------------------------------------------- */

struct walk {
    void (*visit)(void *context, const char *path, struct inode *inode);
    void *context;
};

static void walk_dir(const struct walk *walk, const char *path, const struct inode *dir) {
    for (size_t i = 0; i < dir->seen.count; i++) {
        const struct entry *entry = &dir->seen.entries[i];
        char below[IO_PATH_BYTES];
        int size = snprintf(below, sizeof below, "%s/%s", path, entry->name);
        if (size < 0 || (size_t)size >= sizeof below) continue;
        if (entry->inode->is_dir) {
            walk_dir(walk, below, entry->inode);
        } else {
            walk->visit(walk->context, below, entry->inode);
        }
    }
}

struct plain_walk {
    void (*visit)(void *context, const char *path, uint64_t size);
    void *context;
};

static void visit_plainly(void *context, const char *path, struct inode *inode) {
    const struct plain_walk *plain = context;
    plain->visit(plain->context, path, inode->size);
}

void sim_disk_walk(const struct sim_disk *disk, void (*visit)(void *context, const char *path, uint64_t size),
                   void *context) {
    struct plain_walk plain = {.visit = visit, .context = context};
    struct walk walk = {.visit = visit_plainly, .context = &plain};
    walk_dir(&walk, "", disk->root);
}

static void visit_hash(void *context, const char *path, struct inode *inode) {
    uint64_t *hash = context;
    uint8_t bytes[IO_PAGE_BYTES];
    *hash = hash_mix(hash_mix(*hash, hash64(slice_from_text(path), 0)), inode->size);
    for (uint64_t offset = 0; offset < inode->size; offset += sizeof bytes) {
        size_t got = content_read(inode, offset, bytes, sizeof bytes);
        *hash = hash_mix(*hash, hash64(slice_make(bytes, got), offset));
    }
}

uint64_t sim_disk_hash(const struct sim_disk *disk) {
    uint64_t hash = 0;
    struct walk walk = {.visit = visit_hash, .context = &hash};
    walk_dir(&walk, "", disk->root);
    return hash;
}

uint64_t sim_disk_used_bytes(const struct sim_disk *disk) {
    return disk->used_pages * IO_PAGE_BYTES;
}

uint64_t sim_disk_unsynced_sectors(const struct sim_disk *disk) {
    uint64_t count = 0;
    for (const struct list *link = disk->inodes.next; link != &disk->inodes; link = link->next) {
        const struct inode *inode = list_entry(link, struct inode, link);
        for (const struct list *at = inode->dirty.next; at != &inode->dirty; at = at->next) {
            count += (uint64_t)__builtin_popcount(list_entry(at, struct dirty, link)->unsynced);
        }
    }
    return count;
}

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

enum status sim_disk_damage(struct sim_disk *disk, const char *path, uint64_t offset, enum sim_damage damage) {
    struct inode *inode;
    enum status status = names_lookup(disk, path, &inode);
    if (status != STATUS_OK) return status;
    unsigned bit = (unsigned)prng_below(&disk->prng, 8);
    return content_damage(disk, inode, offset, damage, bit) ? STATUS_OK : STATUS_NOT_FOUND;
}

/*
 * Draws one page with content among all that match: each replaces the one before with the chance that makes all equal.
 */
struct draw {
    struct sim_disk *disk;
    const char *part;
    uint64_t seen;
    char path[IO_PATH_BYTES];
    uint64_t offset;
};

static void visit_draw(void *context, const char *path, struct inode *inode) {
    struct draw *draw = context;
    if (strstr(path, draw->part) == NULL) return;
    for (size_t i = 0; i < inode->slot_count && i * IO_PAGE_BYTES < inode->size; i++) {
        if (inode->slots[i].page == NULL || inode->slots[i].page == draw->disk->zeros) continue;
        if (prng_below(&draw->disk->prng, ++draw->seen) != 0) continue;
        uint64_t left = inode->size - i * IO_PAGE_BYTES;
        draw->offset = i * IO_PAGE_BYTES + prng_below(&draw->disk->prng, left < IO_PAGE_BYTES ? left : IO_PAGE_BYTES);
        memcpy(draw->path, path, strlen(path) + 1);
    }
}

enum status sim_disk_damage_any(struct sim_disk *disk, const char *part, enum sim_damage damage, char *path,
                                size_t path_size, uint64_t *offset) {
    struct draw draw = {.disk = disk, .part = part};
    struct walk walk = {.visit = visit_draw, .context = &draw};
    walk_dir(&walk, "", disk->root);
    if (draw.seen == 0) return STATUS_NOT_FOUND;
    snprintf(path, path_size, "%s", draw.path);
    *offset = draw.offset;
    return sim_disk_damage(disk, path, *offset, damage);
}

/* ---- A write astray ---------------------------------------------------------------------------------------------- */

/* Draws one file among all that count. */
struct stray_draw {
    struct sim_disk *disk;
    bool unsynced; /* only files with something unsynced; else with something stored */
    uint64_t seen;
    struct inode *inode;
    char path[IO_PATH_BYTES];
};

static void visit_stray(void *context, const char *path, struct inode *inode) {
    struct stray_draw *draw = context;
    if (draw->unsynced ? list_is_empty(&inode->dirty) : inode->durable_size == 0) return;
    if (prng_below(&draw->disk->prng, ++draw->seen) != 0) return;
    draw->inode = inode;
    memcpy(draw->path, path, strlen(path) + 1);
}

static struct inode *draw_stray_file(struct sim_disk *disk, bool unsynced, char path[IO_PATH_BYTES]) {
    struct stray_draw draw = {.disk = disk, .unsynced = unsynced};
    struct walk walk = {.visit = visit_stray, .context = &draw};
    walk_dir(&walk, "", disk->root);
    if (draw.inode != NULL) memcpy(path, draw.path, sizeof draw.path);
    return draw.inode;
}

static bool has_zero_sector(const uint8_t *bytes, size_t size) {
    for (size_t at = 0; at < size; at += IO_SECTOR_BYTES)
        if (bytes[at] == 0 && memcmp(bytes + at, bytes + at + 1, IO_SECTOR_BYTES - 1) == 0) return true;
    return false;
}

bool sim_disk_misdirect(struct sim_disk *disk, struct sim_stray *stray) {
    uint8_t bytes[IO_PAGE_BYTES];
    *stray = (struct sim_stray){.size = 0};
    struct inode *from = draw_stray_file(disk, true, stray->from);
    if (from == NULL || !content_take_unsynced(disk, from, &stray->from_offset, bytes, &stray->size)) return false;
    struct inode *to = from;
    if (from->durable_size == 0 || prng_chance(&disk->prng, 1, 2)) {
        to = draw_stray_file(disk, false, stray->path);
    } else {
        memcpy(stray->path, stray->from, sizeof stray->path);
    }
    if (to == NULL) return false;
    stray->offset = prng_below(&disk->prng, to->durable_size) / IO_SECTOR_BYTES * IO_SECTOR_BYTES;
    if (stray->size > to->durable_size - stray->offset) stray->size = (size_t)(to->durable_size - stray->offset);
    stray->zeros = has_zero_sector(bytes, stray->size);
    if (to == from && stray->offset == stray->from_offset) return false;
    content_strike(disk, to, stray->offset, bytes, stray->size);
    return true;
}

bool sim_disk_take_stray(struct sim_disk *disk, struct sim_stray *stray) {
    *stray = disk->stray;
    disk->stray.size = 0;
    return stray->size > 0;
}
