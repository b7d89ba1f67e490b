/*
 * disk_private: the parts of sim_disk.
 *
 *   disk_content.c  the bytes of one file: pages, what of them is not durable, what a cut leaves
 *   disk_names.c    directories: what is seen, what is durable, the changes between
 *   disk_calls.c    the calls that io_sim.c makes: counted, made to fail, cut short
 *   sim_disk.c      life, power, damage, looking
 *
 * A page pointer NULL is a hole: reads as zeros, takes no space. The shared page of zeros takes space and no memory.
 */
#ifndef TOOLS_SIM_DISK_PRIVATE_H
#define TOOLS_SIM_DISK_PRIVATE_H

#include "engine/base/list.h"
#include "engine/base/prng.h"
#include "engine/io.h"
#include "tools/sim/sim_disk.h"

enum { PAGE_SECTORS = IO_PAGE_BYTES / IO_SECTOR_BYTES };

struct page {
    uint32_t refs;
    uint8_t bytes[IO_PAGE_BYTES];
};

/* A state between the durable and the present one that a sector went through; a cut may leave it. */
struct stale_sector {
    struct stale_sector *next;
    unsigned sector; /* in the page */
    uint8_t bytes[IO_SECTOR_BYTES];
};

/* What a page is on the device while it differs from what is seen. */
struct dirty {
    struct list link; /* inode.dirty, in order of first change */
    size_t index;     /* of the page */
    struct page *durable;
    uint8_t unsynced; /* bit per sector */
    uint8_t lost;     /* subset of unsynced: a failed sync dropped it, no later sync will write it */
    struct stale_sector *stale;
    unsigned stale_count;
};

struct slot {
    struct page *page;
    struct dirty *dirty; /* NULL when all is durable */
};

struct names {
    struct entry *entries; /* sorted by name */
    size_t count;
    size_t capacity;
};

struct entry {
    char *name; /* owned */
    struct inode *inode;
};

struct inode {
    struct list link; /* sim_disk.inodes */
    uint64_t id;
    uint32_t refs;    /* names of both kinds, changes, handles */
    uint32_t names;   /* names that are seen */
    uint32_t handles; /* open files */
    bool is_dir;

    struct names seen;    /* of a directory */
    struct names durable; /* of a directory */

    struct slot *slots;
    size_t slot_count;
    size_t page_count; /* slots with a page: the space it takes */
    uint64_t size;
    uint64_t durable_size;
    uint64_t low_size; /* the smallest size since the last sync */
    struct list dirty;
    uint64_t *unreadable; /* sector numbers */
    size_t unreadable_count;

    struct inode *twin; /* while a disk is cloned */
};

/* One step towards what is seen: in dir, name now means inode (NULL: nothing). */
struct name_change {
    struct list link; /* sim_disk.changes, in order */
    struct inode *dir;
    struct inode *inode;
    char *name;                /* owned */
    uint64_t operation;        /* changes of one operation in one directory survive together */
    struct name_change *needs; /* survives only if that one does; NULL when none, or when that one is durable */
    bool kept;
};

struct sim_disk {
    struct prng prng;
    struct list inodes;
    struct list changes;
    struct list locks;
    struct inode *root;
    struct page *zeros;
    uint64_t next_id;
    uint64_t next_operation;
    uint64_t used_pages;

    bool powered;
    uint64_t boot; /* counts power_on, so that a stale io knows that its machine is gone */
    void (*before_cut)(void *context);
    void *before_cut_context;

    struct sim_disk_faults faults;
    struct sim_disk_stats stats;
    uint64_t cut_in; /* I/Os until the cut; 0 = none ordered */
    enum sim_cut cut_kind;
    struct sim_stray stray; /* size 0 = none that was not told */
    uint64_t fail_in;
    enum status fail_status;
    bool fail_forever;
    bool has_failed;
    bool next_sync_fails;
    bool next_write_fails;
    bool sync_has_failed;
    sim_disk_watch *watch;
    void *watch_context;
};

/* ---- Content ----------------------------------------------------------------------------------------------------- */

struct inode *inode_create(struct sim_disk *disk, bool is_dir); /* refs 0 */
void inode_acquire(struct inode *inode);
void inode_release(struct sim_disk *disk, struct inode *inode); /* destroys with the last reference */
/* Holds each inode; sweep lets go of each, and so of all that nothing else holds. */
void inodes_hold(struct sim_disk *disk);
void inodes_sweep(struct sim_disk *disk);
/* Takes its pages out of the disk's use, or puts them back, as it has become unreachable or reachable. */
void inode_count_space(struct sim_disk *disk, struct inode *inode, uint32_t names, uint32_t handles);

size_t content_read(const struct inode *inode, uint64_t offset, void *to, size_t size);
/* NO_SPACE after a part. */
enum status content_write(struct sim_disk *disk, struct inode *inode, uint64_t offset, const void *from, size_t size);
void content_truncate(struct sim_disk *disk, struct inode *inode, uint64_t size);
void content_sync(struct inode *inode);
void content_sync_range(struct inode *inode, uint64_t offset, size_t size);
/* The device took a part and forgot the rest; with `evict` reads see the old bytes at once. */
void content_sync_badly(struct sim_disk *disk, struct inode *inode, bool evict);
/* keep_of_256: how many of 256 unsynced sectors survive. */
void content_cut(struct sim_disk *disk, struct inode *inode, unsigned keep_of_256);
void content_copy(struct sim_disk *disk, struct inode *to, const struct inode *from);
void content_clear(struct sim_disk *disk, struct inode *inode);
/* Changes a stored sector in what is seen and in what is durable. False if nothing is there. */
bool content_damage(struct sim_disk *disk, struct inode *inode, uint64_t offset, enum sim_damage damage, unsigned bit);
/* Draws a run of unsynced sectors within a page, copies it, and has its place never become durable. */
bool content_take_unsynced(struct sim_disk *disk, struct inode *inode, uint64_t *offset, uint8_t to[IO_PAGE_BYTES],
                           size_t *size);
/* Overwrites whole sectors below the durable size, in what is seen and in what is durable. */
void content_strike(struct sim_disk *disk, struct inode *inode, uint64_t offset, const uint8_t *from, size_t size);
bool content_is_readable(const struct inode *inode, uint64_t offset, size_t size);
void page_release(struct page *page);

/* ---- Names ------------------------------------------------------------------------------------------------------- */

struct entry *names_find(const struct names *names, const char *name);
void names_clear(struct sim_disk *disk, struct names *names);
/* twins: the copy means the twins of the inodes. */
void names_copy(struct names *to, const struct names *from, bool twins);

/* The directory that path is in, and its last name. */
enum status names_resolve(const struct sim_disk *disk, const char *path, struct inode **dir, char name[IO_PATH_BYTES]);
/* What path means now; the root for "/". */
enum status names_lookup(const struct sim_disk *disk, const char *path, struct inode **inode);
/* In dir, name means inode (or nothing) from now on; not durable. */
struct name_change *names_set(struct sim_disk *disk, struct inode *dir, const char *name, struct inode *inode,
                              uint64_t operation);
void names_sync(struct sim_disk *disk, struct inode *dir);
void names_cut(struct sim_disk *disk, enum sim_cut cut);
void change_destroy(struct sim_disk *disk, struct name_change *change);

/* ---- Calls: as engine/io.h says, for io_sim.c -------------------------------------------------------------------- */

enum status disk_open(struct sim_disk *disk, const char *path, unsigned flags, struct inode **inode);
void disk_close(struct sim_disk *disk, struct inode *inode);
enum status disk_read(struct sim_disk *disk, struct inode *inode, const char *path, uint64_t offset, void *to,
                      size_t size, size_t *got);
/* sync: durable with it. */
enum status disk_write(struct sim_disk *disk, struct inode *inode, const char *path, uint64_t offset, const void *from,
                       size_t size, bool sync);
enum status disk_sync(struct sim_disk *disk, struct inode *inode, const char *path);
enum status disk_truncate(struct sim_disk *disk, struct inode *inode, const char *path, uint64_t size);
enum status disk_remove(struct sim_disk *disk, const char *path);
enum status disk_rename(struct sim_disk *disk, const char *from, const char *to);
enum status disk_link(struct sim_disk *disk, const char *from, const char *to);
enum status disk_dir_make(struct sim_disk *disk, const char *path);
enum status disk_dir_sync(struct sim_disk *disk, const char *path);
enum status disk_dir_list(struct sim_disk *disk, const char *path,
                          enum status (*visit)(void *, const struct io_entry *), void *context);
enum status disk_stat(struct sim_disk *disk, const char *path, struct io_entry *entry);
enum status disk_free_space(struct sim_disk *disk, uint64_t *bytes);

#endif
