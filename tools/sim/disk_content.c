/*
 * disk_content: the bytes of one file, as they are seen and as they would survive.
 *
 * Invariant: a slot without a dirty record is durable as it is seen. A dirty record keeps the durable page, says by
 * sector what is not yet durable, and up to STALE_MAX older states of those sectors. Bytes behind the size are zeros in
 * every page.
 */
#include <string.h>

#include "engine/base/check.h"
#include "tools/sim/disk_private.h"
#include "tools/sim/sim_alloc.h"

enum { STALE_MAX = 8 };

/* ---- Pages and records ------------------------------------------------------------------------------------------- */

static struct page *page_acquire(struct page *page) {
    if (page != NULL) page->refs++;
    return page;
}

void page_release(struct page *page) {
    if (page != NULL && --page->refs == 0) sim_free(page);
}

static struct page *page_create_dirty(void) {
    struct page *page = sim_alloc_dirty(sizeof *page);
    page->refs = 1;
    return page;
}

static struct page *page_create(const struct page *like) {
    struct page *page = page_create_dirty();
    if (like != NULL) {
        memcpy(page->bytes, like->bytes, sizeof page->bytes);
    } else {
        memset(page->bytes, 0, sizeof page->bytes);
    }
    return page;
}

static const uint8_t *page_sector(const struct page *page, unsigned sector) {
    static const uint8_t hole[IO_SECTOR_BYTES];
    return page == NULL ? hole : page->bytes + (size_t)sector * IO_SECTOR_BYTES;
}

static void dirty_destroy(struct slot *slot) {
    struct dirty *dirty = slot->dirty;
    while (dirty->stale != NULL) {
        struct stale_sector *next = dirty->stale->next;
        sim_free(dirty->stale);
        dirty->stale = next;
    }
    page_release(dirty->durable);
    list_remove(&dirty->link);
    sim_free(dirty);
    slot->dirty = NULL;
}

/* The slot's record; made, with the present page as the durable one, if there is none. */
static struct dirty *dirty_record(struct inode *inode, size_t index) {
    struct slot *slot = &inode->slots[index];
    if (slot->dirty != NULL) return slot->dirty;
    struct dirty *dirty = sim_alloc(sizeof *dirty);
    dirty->index = index;
    dirty->durable = page_acquire(slot->page);
    list_push_back(&inode->dirty, &dirty->link);
    slot->dirty = dirty;
    return dirty;
}

static void dirty_remember(struct dirty *dirty, const struct page *page, unsigned sector) {
    if (dirty->stale_count == STALE_MAX) return;
    struct stale_sector *stale = sim_alloc_dirty(sizeof *stale);
    stale->sector = sector;
    memcpy(stale->bytes, page_sector(page, sector), IO_SECTOR_BYTES);
    stale->next = dirty->stale;
    dirty->stale = stale;
    dirty->stale_count++;
}

static bool is_counted(const struct inode *inode) {
    return inode->names > 0 || inode->handles > 0;
}

/* Takes over the reference to page. */
static void slot_set_page(struct sim_disk *disk, struct inode *inode, size_t index, struct page *page) {
    struct slot *slot = &inode->slots[index];
    size_t before = slot->page != NULL;
    size_t after = page != NULL;
    page_release(slot->page);
    slot->page = page;
    inode->page_count += after - before;
    if (is_counted(inode)) disk->used_pages += (uint64_t)after - before;
}

static void slots_reserve(struct inode *inode, size_t count) {
    if (count <= inode->slot_count) return;
    size_t grown = inode->slot_count * 2 > count ? inode->slot_count * 2 : count;
    inode->slots = sim_grow(inode->slots, inode->slot_count * sizeof *inode->slots, grown * sizeof *inode->slots);
    inode->slot_count = grown;
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

struct inode *inode_create(struct sim_disk *disk, bool is_dir) {
    struct inode *inode = sim_alloc(sizeof *inode);
    inode->id = disk->next_id++;
    inode->is_dir = is_dir;
    list_init(&inode->dirty);
    list_push_back(&disk->inodes, &inode->link);
    return inode;
}

void inode_acquire(struct inode *inode) {
    inode->refs++;
}

void inode_release(struct sim_disk *disk, struct inode *inode) {
    check(inode->refs > 0);
    if (--inode->refs > 0) return;
    names_clear(disk, &inode->seen);
    names_clear(disk, &inode->durable);
    content_clear(disk, inode);
    sim_free(inode->unreadable);
    list_remove(&inode->link);
    sim_free(inode);
}

void inodes_hold(struct sim_disk *disk) {
    for (struct list *link = disk->inodes.next; link != &disk->inodes; link = link->next) {
        inode_acquire(list_entry(link, struct inode, link));
    }
}

void inodes_sweep(struct sim_disk *disk) {
    for (struct list *link = disk->inodes.next, *next; link != &disk->inodes; link = next) {
        next = link->next;
        inode_release(disk, list_entry(link, struct inode, link));
    }
}

void inode_count_space(struct sim_disk *disk, struct inode *inode, uint32_t names, uint32_t handles) {
    bool before = is_counted(inode);
    inode->names = names;
    inode->handles = handles;
    bool after = is_counted(inode);
    if (before && !after) disk->used_pages -= inode->page_count;
    if (!before && after) disk->used_pages += inode->page_count;
}

void content_clear(struct sim_disk *disk, struct inode *inode) {
    for (size_t i = 0; i < inode->slot_count; i++) {
        if (inode->slots[i].dirty != NULL) dirty_destroy(&inode->slots[i]);
        slot_set_page(disk, inode, i, NULL);
    }
    sim_free(inode->slots);
    inode->slots = NULL;
    inode->slot_count = 0;
}

static void dirty_copy(struct inode *to, const struct dirty *from) {
    struct dirty *dirty = sim_alloc(sizeof *dirty);
    *dirty = *from;
    page_acquire(dirty->durable);
    dirty->stale = NULL;
    struct stale_sector **end = &dirty->stale;
    for (const struct stale_sector *stale = from->stale; stale != NULL; stale = stale->next) {
        struct stale_sector *copy = sim_alloc_dirty(sizeof *copy);
        *copy = *stale;
        copy->next = NULL;
        *end = copy;
        end = &copy->next;
    }
    list_push_back(&to->dirty, &dirty->link);
    to->slots[dirty->index].dirty = dirty;
}

void content_copy(struct sim_disk *disk, struct inode *to, const struct inode *from) {
    slots_reserve(to, from->slot_count);
    for (size_t i = 0; i < from->slot_count; i++) {
        if (from->slots[i].page != NULL) slot_set_page(disk, to, i, page_acquire(from->slots[i].page));
    }
    for (const struct list *link = from->dirty.next; link != &from->dirty; link = link->next) {
        dirty_copy(to, list_entry(link, struct dirty, link));
    }
    to->size = from->size;
    to->durable_size = from->durable_size;
    to->low_size = from->low_size;
    to->unreadable_count = from->unreadable_count;
    if (from->unreadable_count > 0) {
        size_t bytes = from->unreadable_count * sizeof *from->unreadable;
        to->unreadable = memcpy(sim_alloc_dirty(bytes), from->unreadable, bytes);
    }
}

/* ---- Reading and writing ----------------------------------------------------------------------------------------- */

size_t content_read(const struct inode *inode, uint64_t offset, void *to, size_t size) {
    if (offset >= inode->size) return 0;
    size_t left = size < inode->size - offset ? size : (size_t)(inode->size - offset);
    size_t done = 0;
    while (done < left) {
        size_t index = (size_t)((offset + done) / IO_PAGE_BYTES);
        size_t within = (size_t)((offset + done) % IO_PAGE_BYTES);
        size_t part = IO_PAGE_BYTES - within < left - done ? IO_PAGE_BYTES - within : left - done;
        const struct page *page = index < inode->slot_count ? inode->slots[index].page : NULL;
        if (page != NULL) {
            memcpy((uint8_t *)to + done, page->bytes + within, part);
        } else {
            memset((uint8_t *)to + done, 0, part);
        }
        done += part;
    }
    return left;
}

static bool is_zero(const uint8_t *bytes, size_t size) {
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static bool has_space(const struct sim_disk *disk) {
    return disk->faults.capacity_bytes == 0 || (disk->used_pages + 1) * IO_PAGE_BYTES <= disk->faults.capacity_bytes;
}

static void mark_unsynced(struct inode *inode, size_t index, size_t within, size_t part) {
    struct dirty *dirty = dirty_record(inode, index);
    unsigned first = (unsigned)(within / IO_SECTOR_BYTES);
    unsigned last = (unsigned)((within + part - 1) / IO_SECTOR_BYTES);
    for (unsigned sector = first; sector <= last; sector++) {
        uint8_t bit = (uint8_t)(1U << sector);
        if (dirty->unsynced & bit) dirty_remember(dirty, inode->slots[index].page, sector);
        dirty->unsynced |= bit;
        dirty->lost &= (uint8_t)~bit;
    }
}

/* A part that lies within one page. */
static enum status write_part(struct sim_disk *disk, struct inode *inode, size_t index, size_t within,
                              const uint8_t *from, size_t part) {
    slots_reserve(inode, index + 1);
    struct slot *slot = &inode->slots[index];
    if (slot->page == NULL && !has_space(disk)) return STATUS_NO_SPACE;
    mark_unsynced(inode, index, within, part);
    if (part == IO_PAGE_BYTES && is_zero(from, part)) {
        slot_set_page(disk, inode, index, page_acquire(disk->zeros));
        return STATUS_OK;
    }
    if (slot->page == NULL || slot->page->refs > 1) {
        slot_set_page(disk, inode, index, part == IO_PAGE_BYTES ? page_create_dirty() : page_create(slot->page));
    }
    memcpy(slot->page->bytes + within, from, part);
    return STATUS_OK;
}

/* What is written becomes readable. */
static void forget_unreadable(struct inode *inode, uint64_t offset, size_t size) {
    uint64_t first = offset / IO_SECTOR_BYTES;
    uint64_t end = (offset + size + IO_SECTOR_BYTES - 1) / IO_SECTOR_BYTES;
    size_t kept = 0;
    for (size_t i = 0; i < inode->unreadable_count; i++) {
        uint64_t sector = inode->unreadable[i];
        if (sector < first || sector >= end) inode->unreadable[kept++] = sector;
    }
    inode->unreadable_count = kept;
}

enum status content_write(struct sim_disk *disk, struct inode *inode, uint64_t offset, const void *from, size_t size) {
    enum status status = STATUS_OK;
    size_t done = 0;
    while (status == STATUS_OK && done < size) {
        size_t within = (size_t)((offset + done) % IO_PAGE_BYTES);
        size_t part = IO_PAGE_BYTES - within < size - done ? IO_PAGE_BYTES - within : size - done;
        status = write_part(disk, inode, (size_t)((offset + done) / IO_PAGE_BYTES), within,
                            (const uint8_t *)from + done, part);
        if (status == STATUS_OK) done += part;
    }
    if (done > 0 && offset + done > inode->size) inode->size = offset + done;
    if (inode->unreadable_count > 0) forget_unreadable(inode, offset, done);
    return status;
}

/* Zeros from `within` to the end of the page. */
static void clear_page_end(struct sim_disk *disk, struct inode *inode, size_t index, size_t within) {
    struct slot *slot = &inode->slots[index];
    if (slot->page == NULL || slot->page == disk->zeros) return;
    if (slot->page->refs > 1) slot_set_page(disk, inode, index, page_create(slot->page));
    memset(slot->page->bytes + within, 0, IO_PAGE_BYTES - within);
}

static void cut_pages(struct sim_disk *disk, struct inode *inode, uint64_t size) {
    size_t whole = (size_t)((size + IO_PAGE_BYTES - 1) / IO_PAGE_BYTES);
    for (size_t i = whole; i < inode->slot_count; i++) {
        if (inode->slots[i].page == NULL) continue;
        mark_unsynced(inode, i, 0, IO_PAGE_BYTES);
        slot_set_page(disk, inode, i, NULL);
    }
    size_t within = (size_t)(size % IO_PAGE_BYTES);
    if (within == 0 || whole > inode->slot_count || inode->slots[whole - 1].page == NULL) return;
    mark_unsynced(inode, whole - 1, within, IO_PAGE_BYTES - within);
    clear_page_end(disk, inode, whole - 1, within);
}

void content_truncate(struct sim_disk *disk, struct inode *inode, uint64_t size) {
    if (size < inode->size) cut_pages(disk, inode, size);
    inode->size = size;
    if (size < inode->low_size) inode->low_size = size;
}

/* ---- Becoming durable -------------------------------------------------------------------------------------------- */

/* What became durable has no past. */
static void dirty_forget_stale(struct dirty *dirty, uint8_t sectors) {
    struct stale_sector **at = &dirty->stale;
    while (*at != NULL) {
        struct stale_sector *stale = *at;
        if (sectors & (1U << stale->sector)) {
            *at = stale->next;
            sim_free(stale);
            dirty->stale_count--;
        } else {
            at = &stale->next;
        }
    }
}

/* Of the record, exactly `still` stays unsynced; the rest is durable as it is seen. */
static void settle_record(struct inode *inode, struct dirty *dirty, uint8_t still) {
    struct slot *slot = &inode->slots[dirty->index];
    if (still == 0) {
        dirty_destroy(slot);
        return;
    }
    uint8_t now_durable = dirty->unsynced & (uint8_t)~still;
    if (now_durable == 0) return;
    struct page *durable = page_create(dirty->durable);
    for (unsigned sector = 0; sector < PAGE_SECTORS; sector++) {
        if (now_durable & (1U << sector)) {
            memcpy(durable->bytes + (size_t)sector * IO_SECTOR_BYTES, page_sector(slot->page, sector), IO_SECTOR_BYTES);
        }
    }
    page_release(dirty->durable);
    dirty->durable = durable;
    dirty->unsynced = still;
    dirty->lost &= still;
    dirty_forget_stale(dirty, now_durable);
}

void content_sync(struct inode *inode) {
    struct list *link = inode->dirty.next;
    while (link != &inode->dirty) {
        struct dirty *dirty = list_entry(link, struct dirty, link);
        link = link->next;
        settle_record(inode, dirty, dirty->lost);
    }
    inode->durable_size = inode->low_size = inode->size;
}

void content_sync_range(struct inode *inode, uint64_t offset, size_t size) {
    uint64_t end = offset + size;
    for (uint64_t at = offset; at < end; at = (at / IO_PAGE_BYTES + 1) * IO_PAGE_BYTES) {
        size_t index = (size_t)(at / IO_PAGE_BYTES);
        struct dirty *dirty = index < inode->slot_count ? inode->slots[index].dirty : NULL;
        if (dirty == NULL) continue;
        uint64_t page_end = ((uint64_t)index + 1) * IO_PAGE_BYTES;
        uint8_t still = dirty->unsynced;
        for (uint64_t sector = at / IO_SECTOR_BYTES; sector * IO_SECTOR_BYTES < (end < page_end ? end : page_end);
             sector++) {
            still &= (uint8_t) ~(1U << (sector % PAGE_SECTORS));
        }
        settle_record(inode, dirty, still);
    }
    uint64_t reach = end < inode->size ? end : inode->size;
    if (inode->durable_size < reach) inode->durable_size = reach;
    if (inode->low_size < reach) inode->low_size = reach;
}

/* The sectors in mask read as they are on the device. */
static void revert_sectors(struct sim_disk *disk, struct inode *inode, struct dirty *dirty, uint8_t mask) {
    if (mask == 0) return;
    struct slot *slot = &inode->slots[dirty->index];
    if (mask == 0xff || (dirty->durable == NULL && slot->page == NULL)) {
        slot_set_page(disk, inode, dirty->index, page_acquire(dirty->durable));
        return;
    }
    struct page *mixed = page_create(slot->page);
    for (unsigned sector = 0; sector < PAGE_SECTORS; sector++) {
        if (mask & (1U << sector)) {
            memcpy(mixed->bytes + (size_t)sector * IO_SECTOR_BYTES, page_sector(dirty->durable, sector),
                   IO_SECTOR_BYTES);
        }
    }
    slot_set_page(disk, inode, dirty->index, mixed);
}

void content_sync_badly(struct sim_disk *disk, struct inode *inode, bool evict) {
    struct list *link = inode->dirty.next;
    while (link != &inode->dirty) {
        struct dirty *dirty = list_entry(link, struct dirty, link);
        link = link->next;
        uint8_t forgotten = (uint8_t)(dirty->unsynced & (prng_next(&disk->prng) | dirty->lost));
        dirty->lost = forgotten;
        if (evict) {
            revert_sectors(disk, inode, dirty, forgotten);
            forgotten = 0;
        }
        settle_record(inode, dirty, forgotten);
    }
}

/* ---- Power cut --------------------------------------------------------------------------------------------------- */

/* A size that the device may have had at any time since the last sync. */
static uint64_t draw_size(struct sim_disk *disk, const struct inode *inode, unsigned keep_of_256) {
    if (keep_of_256 == 0) return inode->durable_size;
    if (keep_of_256 == 256) return inode->size;
    switch (prng_below(&disk->prng, 4)) {
    case 0: return inode->durable_size;
    case 1: return inode->low_size;
    case 2: return inode->size;
    default: break;
    }
    if (inode->size <= inode->low_size) return inode->size;
    uint64_t size = prng_between(&disk->prng, inode->low_size, inode->size);
    return size / IO_SECTOR_BYTES * IO_SECTOR_BYTES < inode->low_size ? inode->size
                                                                      : size / IO_SECTOR_BYTES * IO_SECTOR_BYTES;
}

static void cut_record(struct sim_disk *disk, struct inode *inode, struct dirty *dirty, unsigned keep_of_256) {
    uint8_t gone = 0;
    for (unsigned sector = 0; sector < PAGE_SECTORS; sector++) {
        uint8_t bit = (uint8_t)(1U << sector);
        if (!(dirty->unsynced & bit)) continue;
        if ((dirty->lost & bit) || prng_below(&disk->prng, 256) >= keep_of_256) gone |= bit;
    }
    disk->stats.torn += gone != 0 && gone != dirty->unsynced;
    /* Newest first, so that the last one copied of a sector is its oldest; which one stays is of no matter. */
    for (const struct stale_sector *stale = dirty->stale; stale != NULL; stale = stale->next) {
        uint8_t bit = (uint8_t)(1U << stale->sector);
        if (keep_of_256 == 0 || !(gone & bit) || (dirty->lost & bit) || prng_below(&disk->prng, 2) == 0) continue;
        struct page *durable = page_create(dirty->durable);
        memcpy(durable->bytes + (size_t)stale->sector * IO_SECTOR_BYTES, stale->bytes, IO_SECTOR_BYTES);
        page_release(dirty->durable);
        dirty->durable = durable;
    }
    revert_sectors(disk, inode, dirty, gone);
    dirty_destroy(&inode->slots[dirty->index]);
}

void content_cut(struct sim_disk *disk, struct inode *inode, unsigned keep_of_256) {
    if (list_is_empty(&inode->dirty) && inode->size == inode->durable_size && inode->low_size == inode->size) return;
    uint64_t size = draw_size(disk, inode, keep_of_256);
    while (!list_is_empty(&inode->dirty))
        cut_record(disk, inode, list_entry(inode->dirty.next, struct dirty, link), keep_of_256);
    inode->size = size;
    cut_pages(disk, inode, size);
    content_sync(inode);
}

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

static void damage_page(struct sim_disk *disk, struct page **page, uint64_t offset, enum sim_damage damage,
                        unsigned bit) {
    if (*page == NULL) return;
    if ((*page)->refs > 1 || *page == disk->zeros) {
        struct page *copy = page_create(*page);
        page_release(*page);
        *page = copy;
    }
    uint8_t *sector = (*page)->bytes + offset % IO_PAGE_BYTES / IO_SECTOR_BYTES * IO_SECTOR_BYTES;
    if (damage == SIM_DAMAGE_ZERO) memset(sector, 0, IO_SECTOR_BYTES);
    if (damage == SIM_DAMAGE_FLIP) (*page)->bytes[offset % IO_PAGE_BYTES] ^= (uint8_t)(1U << bit);
}

static void mark_unreadable(struct inode *inode, uint64_t offset) {
    size_t bytes = inode->unreadable_count * sizeof *inode->unreadable;
    inode->unreadable = sim_grow(inode->unreadable, bytes, bytes + sizeof *inode->unreadable);
    inode->unreadable[inode->unreadable_count++] = offset / IO_SECTOR_BYTES;
}

bool content_damage(struct sim_disk *disk, struct inode *inode, uint64_t offset, enum sim_damage damage, unsigned bit) {
    size_t index = (size_t)(offset / IO_PAGE_BYTES);
    if (inode->is_dir || offset >= inode->size || index >= inode->slot_count || inode->slots[index].page == NULL)
        return false;
    if (damage == SIM_DAMAGE_UNREADABLE) {
        mark_unreadable(inode, offset);
        return true;
    }
    struct slot *slot = &inode->slots[index];
    damage_page(disk, &slot->page, offset, damage, bit);
    if (slot->dirty != NULL) damage_page(disk, &slot->dirty->durable, offset, damage, bit);
    return true;
}

bool content_take_unsynced(struct sim_disk *disk, struct inode *inode, uint64_t *offset, uint8_t to[IO_PAGE_BYTES],
                           size_t *size) {
    struct dirty *drawn = NULL;
    uint64_t seen = 0;
    for (struct list *link = inode->dirty.next; link != &inode->dirty; link = link->next) {
        struct dirty *dirty = list_entry(link, struct dirty, link);
        if (dirty->unsynced != 0 && prng_below(&disk->prng, ++seen) == 0) drawn = dirty;
    }
    if (drawn == NULL) return false;
    unsigned first = (unsigned)prng_below(&disk->prng, PAGE_SECTORS);
    if (prng_chance(&disk->prng, 1, 2) || !(drawn->unsynced & (1U << first))) {
        first = (unsigned)__builtin_ctz(drawn->unsynced);
    }
    unsigned end = first;
    while (end < PAGE_SECTORS && (drawn->unsynced & (1U << end))) drawn->lost |= (uint8_t)(1U << end++);
    for (unsigned sector = first; sector < end; sector++) {
        memcpy(to + (size_t)(sector - first) * IO_SECTOR_BYTES, page_sector(inode->slots[drawn->index].page, sector),
               IO_SECTOR_BYTES);
    }
    *offset = (uint64_t)drawn->index * IO_PAGE_BYTES + (uint64_t)first * IO_SECTOR_BYTES;
    *size = (size_t)(end - first) * IO_SECTOR_BYTES;
    return true;
}

/* A page of its own, with the bytes in it. */
static struct page *struck_page(const struct page *page, size_t within, const uint8_t *from, size_t part) {
    struct page *copy = page_create(page);
    memcpy(copy->bytes + within, from, part);
    return copy;
}

void content_strike(struct sim_disk *disk, struct inode *inode, uint64_t offset, const uint8_t *from, size_t size) {
    for (size_t done = 0; done < size;) {
        const size_t index = (size_t)((offset + done) / IO_PAGE_BYTES);
        const size_t within = (size_t)((offset + done) % IO_PAGE_BYTES);
        const size_t part = IO_PAGE_BYTES - within < size - done ? IO_PAGE_BYTES - within : size - done;
        slots_reserve(inode, index + 1);
        struct slot *slot = &inode->slots[index];
        if (slot->dirty != NULL) {
            struct page *durable = struck_page(slot->dirty->durable, within, from + done, part);
            page_release(slot->dirty->durable);
            slot->dirty->durable = durable;
        }
        slot_set_page(disk, inode, index, struck_page(slot->page, within, from + done, part));
        done += part;
    }
}

bool content_is_readable(const struct inode *inode, uint64_t offset, size_t size) {
    for (size_t i = 0; i < inode->unreadable_count; i++) {
        uint64_t start = inode->unreadable[i] * IO_SECTOR_BYTES;
        if (start < offset + size && offset < start + IO_SECTOR_BYTES) return false;
    }
    return true;
}
