/*
 * disk_names: directories as they are seen, as they would survive, and the changes between the two.
 *
 * Invariant: applying every change, in order, to the durable names gives the names that are seen. dir_sync applies
 * those of one directory; a cut applies any subset, save that the two halves of one rename in a directory stay
 * together, and that a move between directories never loses the name in both.
 */
#include <string.h>

#include "engine/base/check.h"
#include "tools/sim/disk_private.h"
#include "tools/sim/sim_alloc.h"

/* ---- One table --------------------------------------------------------------------------------------------------- */

/* Where name is, or would be. */
static size_t names_place(const struct names *names, const char *name) {
    size_t low = 0;
    size_t high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(names->entries[middle].name, name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct entry *names_find(const struct names *names, const char *name) {
    size_t place = names_place(names, name);
    if (place == names->count || strcmp(names->entries[place].name, name) != 0) return NULL;
    return &names->entries[place];
}

static void names_insert(struct names *names, const char *name, struct inode *inode) {
    if (names->count == names->capacity) {
        size_t grown = names->capacity ? names->capacity * 2 : 8;
        names->entries =
            sim_grow(names->entries, names->count * sizeof *names->entries, grown * sizeof *names->entries);
        names->capacity = grown;
    }
    size_t place = names_place(names, name);
    memmove(&names->entries[place + 1], &names->entries[place], (names->count - place) * sizeof *names->entries);
    names->entries[place] = (struct entry){.name = sim_copy_text(name, strlen(name)), .inode = inode};
    names->count++;
}

static void names_erase(struct names *names, struct entry *entry) {
    size_t place = (size_t)(entry - names->entries);
    sim_free(entry->name);
    names->count--;
    memmove(entry, entry + 1, (names->count - place) * sizeof *entry);
}

/* name means inode, or nothing. References follow. */
static void names_apply(struct sim_disk *disk, struct names *names, const char *name, struct inode *inode) {
    struct entry *entry = names_find(names, name);
    struct inode *before = entry != NULL ? entry->inode : NULL;
    if (before == inode) return;
    if (inode != NULL) inode_acquire(inode);
    if (entry == NULL) {
        names_insert(names, name, inode);
    } else if (inode != NULL) {
        entry->inode = inode;
    } else {
        names_erase(names, entry);
    }
    if (before != NULL) inode_release(disk, before);
}

void names_clear(struct sim_disk *disk, struct names *names) {
    for (size_t i = 0; i < names->count; i++) {
        sim_free(names->entries[i].name);
        inode_release(disk, names->entries[i].inode);
    }
    sim_free(names->entries);
    *names = (struct names){0};
}

void names_copy(struct names *to, const struct names *from, bool twins) {
    to->count = to->capacity = from->count;
    if (from->count == 0) return;
    to->entries = sim_alloc(from->count * sizeof *to->entries);
    for (size_t i = 0; i < from->count; i++) {
        struct inode *inode = twins ? from->entries[i].inode->twin : from->entries[i].inode;
        to->entries[i] =
            (struct entry){.name = sim_copy_text(from->entries[i].name, strlen(from->entries[i].name)), .inode = inode};
        inode_acquire(inode);
    }
}

/* ---- Paths ------------------------------------------------------------------------------------------------------- */

/* The next name of *path, which moves behind it. False at the end; an unfit name comes out empty. */
static bool next_name(const char **path, char name[IO_PATH_BYTES]) {
    const char *at = *path;
    do {
        while (*at == '/') at++;
        size_t size = strcspn(at, "/");
        if (size == 0) return false;
        bool fits = size < IO_PATH_BYTES && !(size == 2 && at[0] == '.' && at[1] == '.');
        memcpy(name, at, fits ? size : 0);
        name[fits ? size : 0] = '\0';
        at += size;
    } while (name[0] == '.' && name[1] == '\0');
    *path = at;
    return true;
}

enum status names_resolve(const struct sim_disk *disk, const char *path, struct inode **dir, char name[IO_PATH_BYTES]) {
    char next[IO_PATH_BYTES];
    *dir = disk->root;
    if (!next_name(&path, name)) return STATUS_INVALID;
    while (next_name(&path, next)) {
        const struct entry *entry = names_find(&(*dir)->seen, name);
        if (entry == NULL || !entry->inode->is_dir) return STATUS_NOT_FOUND;
        *dir = entry->inode;
        memcpy(name, next, strlen(next) + 1);
    }
    return name[0] == '\0' ? STATUS_INVALID : STATUS_OK;
}

enum status names_lookup(const struct sim_disk *disk, const char *path, struct inode **inode) {
    char name[IO_PATH_BYTES];
    *inode = disk->root;
    while (next_name(&path, name)) {
        const struct entry *entry = (*inode)->is_dir ? names_find(&(*inode)->seen, name) : NULL;
        if (entry == NULL) return STATUS_NOT_FOUND;
        *inode = entry->inode;
    }
    return STATUS_OK;
}

/* ---- Changes ----------------------------------------------------------------------------------------------------- */

struct name_change *names_set(struct sim_disk *disk, struct inode *dir, const char *name, struct inode *inode,
                              uint64_t operation) {
    struct name_change *change = sim_alloc(sizeof *change);
    change->dir = dir;
    change->inode = inode;
    change->name = sim_copy_text(name, strlen(name));
    change->operation = operation;
    list_push_back(&disk->changes, &change->link);
    inode_acquire(dir);
    if (inode != NULL) {
        inode_acquire(inode);
        inode_count_space(disk, inode, inode->names + 1, inode->handles);
    }
    const struct entry *entry = names_find(&dir->seen, name);
    if (entry != NULL) inode_count_space(disk, entry->inode, entry->inode->names - 1, entry->inode->handles);
    names_apply(disk, &dir->seen, name, inode);
    return change;
}

void change_destroy(struct sim_disk *disk, struct name_change *change) {
    for (struct list *link = change->link.next; link != &disk->changes; link = link->next) {
        struct name_change *later = list_entry(link, struct name_change, link);
        if (later->needs == change) later->needs = NULL;
    }
    list_remove(&change->link);
    inode_release(disk, change->dir);
    if (change->inode != NULL) inode_release(disk, change->inode);
    sim_free(change->name);
    sim_free(change);
}

static void change_settle(struct sim_disk *disk, struct name_change *change) {
    struct list *link = disk->changes.next;
    while (link != &change->link) {
        struct name_change *earlier = list_entry(link, struct name_change, link);
        link = link->next;
        if (earlier->dir == change->dir && strcmp(earlier->name, change->name) == 0) change_destroy(disk, earlier);
    }
    names_apply(disk, &change->dir->durable, change->name, change->inode);
    change_destroy(disk, change);
}

void names_sync(struct sim_disk *disk, struct inode *dir) {
    struct list *link = disk->changes.next;
    while (link != &disk->changes) {
        struct name_change *change = list_entry(link, struct name_change, link);
        link = link->next;
        if (change->dir != dir) continue;
        if (change->needs != NULL) change_settle(disk, change->needs);
        change_settle(disk, change);
    }
}

static bool is_kept(struct sim_disk *disk, const struct name_change *change, enum sim_cut cut, unsigned keep_of_256) {
    if (cut != SIM_CUT_RANDOM) return cut == SIM_CUT_ALL;
    if (change->needs != NULL && !change->needs->kept) return false;
    return prng_below(&disk->prng, 256) < keep_of_256;
}

static void make_seen_durable(struct sim_disk *disk, struct inode *dir) {
    struct names seen = {0};
    names_copy(&seen, &dir->durable, false);
    names_clear(disk, &dir->seen);
    dir->seen = seen;
}

/* Counts again who is named from the root, and throws out what nobody can reach. */
static void recount(struct sim_disk *disk, struct inode *dir) {
    for (size_t i = 0; i < dir->seen.count; i++) {
        struct inode *inode = dir->seen.entries[i].inode;
        inode_count_space(disk, inode, inode->names + 1, inode->handles);
        if (inode->is_dir) recount(disk, inode);
    }
}

void names_cut(struct sim_disk *disk, enum sim_cut cut) {
    unsigned keep_of_256 = (unsigned)prng_below(&disk->prng, 257);
    uint64_t operation = 0;
    bool kept = false;
    for (struct list *link = disk->changes.next; link != &disk->changes; link = link->next) {
        struct name_change *change = list_entry(link, struct name_change, link);
        if (change->operation != operation) kept = is_kept(disk, change, cut, keep_of_256);
        operation = change->operation;
        change->kept = kept;
    }
    for (struct list *link = disk->changes.next; link != &disk->changes; link = link->next) {
        struct name_change *change = list_entry(link, struct name_change, link);
        if (change->kept) names_apply(disk, &change->dir->durable, change->name, change->inode);
    }
    inodes_hold(disk); /* so that no directory goes while it is looked at */
    while (!list_is_empty(&disk->changes))
        change_destroy(disk, list_entry(disk->changes.next, struct name_change, link));
    for (struct list *link = disk->inodes.next; link != &disk->inodes; link = link->next) {
        struct inode *inode = list_entry(link, struct inode, link);
        inode_count_space(disk, inode, 0, inode->handles);
        if (inode->is_dir) make_seen_durable(disk, inode);
    }
    recount(disk, disk->root);
    inodes_sweep(disk);
}
