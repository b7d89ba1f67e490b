/*
 * slab: runs, spans, slots. Invariant: a run begins with its own description, so that a piece's run is found from its
 * address; a span with a free slot is in its size's list; a run with a free page is in the list of runs.
 */
#include "engine/cache/slab.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "engine/base/check.h"
#include "engine/base/list.h"
#include "engine/base/page_pool.h"
#include "engine/base/pages.h"
#include "engine/base/sync.h"

enum {
    PAGE_BYTES = 16 << 10,
    PAGES = PAGES_RUN_BYTES / PAGE_BYTES,
    SLOT_ALIGN = 64,
    SLOT_MAX = PAGE_BYTES / 2, /* larger pieces: a span each */
    SPAN_PAGES_MAX = 4,        /* of a span with slots */
    STEPS = 16,                /* sizes from one power of two to the next */
    SIZES = 4 * STEPS,
    RUNS_SPARE = 1, /* kept when nothing is in them */
    PARTS = PAGES_RUN_BYTES / PAGES_PART_BYTES,
    PARTS_PER_PAGE = PAGE_BYTES / PAGES_PART_BYTES,
};

struct slab_span {
    struct list link; /* in its size's list while it has a free slot */
    void *free;       /* chain of free slots; the first word of each is the next */
    uint32_t used;
    uint32_t slot; /* bytes of one; 0 = the span is one piece */
    uint16_t cut;  /* slots cut off so far: the rest was never given out */
    uint16_t slots;
    uint16_t pages;
    uint16_t size_class;
};

/* At the beginning of a run; takes its first page. */
struct slab_run {
    struct list link; /* all runs that stay, those with free pages first; or all that leave */
    uint32_t free_pages;
    uint32_t used;                 /* bytes of pieces */
    atomic_bool leaving;           /* nothing is allocated in it any more */
    uint32_t gone_parts;           /* while it leaves: given back to the system */
    uint8_t first[PAGES];          /* of a page in a span: the span's first page; 0 = free */
    struct slab_span spans[PAGES]; /* by first page */
    uint8_t live[PARTS];           /* while it leaves: pieces that lie in a part, or begin or end there */
};
_Static_assert(sizeof(struct slab_run) <= PAGE_BYTES, "a run's description has one page");
_Static_assert(PAGES_PART_BYTES / SLOT_ALIGN + 1 <= UINT8_MAX, "the slots in a part can be counted");

struct slab {
    struct mutex mutex;
    struct page_pool *pool; /* borrowed; may be NULL */
    struct list runs, leaving;
    size_t run_count, empty_count; /* those that leave are in the first */
    size_t gone_bytes;             /* of runs that leave: given back */
    size_t limit;                  /* of bytes */
    struct list open[SIZES];       /* spans with a free slot, by size */
};

/* ---- Sizes ------------------------------------------------------------------------------------------------------- */

/* The least size of slots that holds `size`, and its number. */
static size_t slot_size(size_t size, unsigned *number) {
    size_t power = (size_t)SLOT_ALIGN * STEPS; /* below it sizes are SLOT_ALIGN apart */
    unsigned row = 0;
    while (size > power) power *= 2, row++;
    const size_t step = row == 0 ? SLOT_ALIGN : power / 2 / STEPS;
    const size_t above = row == 0 ? 0 : power / 2;
    const size_t steps = (size - above + step - 1) / step;
    if (number) *number = row * STEPS + (unsigned)steps - 1;
    return above + steps * step;
}

static bool has_span_of_its_own(size_t size) {
    return size > SLOT_MAX;
}

static size_t pages_for(size_t size) {
    return (size + PAGE_BYTES - 1) / PAGE_BYTES;
}

/* So many pages that at most a sixteenth of them is left over, or the number that leaves the least. */
static size_t span_pages(size_t slot) {
    size_t best = 1;
    for (size_t pages = 1; pages <= SPAN_PAGES_MAX; pages++) {
        const size_t left = pages * PAGE_BYTES % slot, best_left = best * PAGE_BYTES % slot;
        if (left * 16 <= pages * PAGE_BYTES) return pages;
        if (left * best < best_left * pages) best = pages;
    }
    return best;
}

size_t slab_cost(size_t size) {
    return has_span_of_its_own(size) ? pages_for(size) * PAGE_BYTES : slot_size(size, NULL);
}

/* ---- Runs and spans ---------------------------------------------------------------------------------------------- */

static struct slab_run *run_of(const void *piece) {
    return (struct slab_run *)((uintptr_t)piece & ~(uintptr_t)(PAGES_RUN_BYTES - 1));
}

static uint8_t *page_at(struct slab_run *run, size_t page) {
    return (uint8_t *)run + page * PAGE_BYTES;
}

static size_t reserved(const struct slab *slab) {
    return slab->run_count * PAGES_RUN_BYTES - slab->gone_bytes;
}

static bool has_room(const struct slab *slab) {
    return slab->limit >= PAGES_RUN_BYTES && reserved(slab) <= slab->limit - PAGES_RUN_BYTES;
}

/* The first run is of ordinary pages: what stays small does not pay for a huge one. */
static struct slab_run *add_run(struct slab *slab) {
    if (!has_room(slab)) return NULL;
    struct slab_run *run = slab->run_count > 0 ? page_pool_take(slab->pool) : pages_run_alloc(false);
    if (!run) return NULL;
    run->free_pages = PAGES - 1;
    run->used = 0;
    run->gone_parts = 0;
    atomic_init(&run->leaving, false);
    for (size_t i = 0; i < PAGES; i++) run->first[i] = 0;
    list_push_front(&slab->runs, &run->link);
    slab->run_count++;
    slab->empty_count++;
    return run;
}

/* First of `pages` free ones side by side; 0 = there are none. */
static size_t find_pages(const struct slab_run *run, size_t pages) {
    size_t length = 0;
    for (size_t page = 1; page < PAGES; page++) {
        length = run->first[page] == 0 ? length + 1 : 0;
        if (length == pages) return page + 1 - pages;
    }
    return 0;
}

static struct slab_span *take_span(struct slab *slab, size_t pages) {
    struct slab_run *run = NULL;
    size_t page = 0;
    for (struct list *link = slab->runs.next; link != &slab->runs && page == 0; link = link->next) {
        run = list_entry(link, struct slab_run, link);
        if (run->free_pages == 0) break; /* full ones stand last */
        if (run->free_pages >= pages) page = find_pages(run, pages);
    }
    if (page == 0) {
        run = add_run(slab);
        page = 1;
    }
    if (!run) return NULL;
    if (run->free_pages == PAGES - 1) slab->empty_count--;
    for (size_t i = 0; i < pages; i++) run->first[page + i] = (uint8_t)page;
    run->free_pages -= (uint32_t)pages;
    if (run->free_pages == 0) {
        list_remove(&run->link);
        list_push_back(&slab->runs, &run->link);
    }
    struct slab_span *span = &run->spans[page];
    *span = (struct slab_span){.pages = (uint16_t)pages};
    list_init(&span->link);
    return span;
}

static bool is_leaving(const struct slab_run *run) {
    return atomic_load_explicit(&run->leaving, memory_order_relaxed);
}

static void drop_run(struct slab *slab, struct slab_run *run) {
    list_remove(&run->link);
    slab->run_count--;
    slab->gone_bytes -= (size_t)run->gone_parts * PAGES_PART_BYTES;
    pages_run_free(run);
}

static void give_back(struct slab *slab, struct slab_run *run, struct slab_span *span) {
    const size_t page = (size_t)(span - run->spans);
    list_remove(&span->link);
    for (size_t i = 0; i < span->pages; i++) run->first[page + i] = 0;
    run->free_pages += span->pages;
    const bool leaving = is_leaving(run);
    if (!leaving) {
        list_remove(&run->link);
        list_push_front(&slab->runs, &run->link);
    }
    if (run->free_pages < PAGES - 1) return;
    if (!leaving && slab->empty_count < RUNS_SPARE && reserved(slab) <= slab->limit) {
        slab->empty_count++;
        return;
    }
    drop_run(slab, run);
}

static struct slab_span *open_span(struct slab *slab, size_t slot, unsigned size_class) {
    struct slab_span *span = take_span(slab, span_pages(slot));
    if (!span) return NULL;
    span->slot = (uint32_t)slot;
    span->slots = (uint16_t)(span->pages * (size_t)PAGE_BYTES / slot);
    span->size_class = (uint16_t)size_class;
    list_push_front(&slab->open[size_class], &span->link);
    return span;
}

static void *take_slot(struct slab_span *span) {
    void *piece = span->free;
    if (piece) {
        span->free = *(void **)piece;
    } else {
        struct slab_run *run = run_of(span);
        piece = page_at(run, (size_t)(span - run->spans)) + (size_t)span->slot * span->cut++;
    }
    if (++span->used == span->slots) {
        list_remove(&span->link);
        list_init(&span->link);
    }
    run_of(span)->used += span->slot;
    return piece;
}

/* ---- A run that leaves ------------------------------------------------------------------------------------------- */

static void live_add(struct slab_run *run, size_t offset, size_t bytes, int more) {
    for (size_t part = offset / PAGES_PART_BYTES; part <= (offset + bytes - 1) / PAGES_PART_BYTES; part++)
        run->live[part] = (uint8_t)(run->live[part] + more);
}

/* Of parts `from` up to `to` those in which nothing lies, which have not gone yet. */
static void discard_dead(struct slab *slab, struct slab_run *run, size_t from, size_t to) {
    for (size_t part = from, end; part < to; part = end + 1) {
        for (end = part; end < to && run->live[end] == 0; end++) continue;
        if (end == part) continue;
        uint8_t *dead = (uint8_t *)run + part * PAGES_PART_BYTES;
        if (!pages_part_discard(dead, (end - part) * PAGES_PART_BYTES)) continue;
        run->gone_parts += (uint32_t)(end - part);
        slab->gone_bytes += (end - part) * PAGES_PART_BYTES;
    }
}

static void count_live(struct slab_run *run) {
    for (size_t part = 0; part < PARTS; part++) run->live[part] = part < PARTS_PER_PAGE; /* the description stays */
    for (size_t page = 1; page < PAGES; page++) {
        const struct slab_span *span = &run->spans[page];
        if (run->first[page] != page) continue;
        if (span->slot == 0) live_add(run, page * PAGE_BYTES, span->pages * (size_t)PAGE_BYTES, 1);
        for (size_t i = 0; i < span->cut; i++) live_add(run, page * PAGE_BYTES + i * span->slot, span->slot, 1);
        for (void *piece = span->free; piece; piece = *(void **)piece)
            live_add(run, (size_t)((uint8_t *)piece - (uint8_t *)run), span->slot, -1);
    }
}

/* A piece was freed: nothing will be allocated there. */
static void leave_piece(struct slab *slab, struct slab_run *run, const struct slab_span *span, const void *piece) {
    const size_t bytes = span->slot ? span->slot : span->pages * (size_t)PAGE_BYTES;
    const size_t offset = (size_t)((const uint8_t *)piece - (uint8_t *)run);
    live_add(run, offset, bytes, -1);
    discard_dead(slab, run, offset / PAGES_PART_BYTES, (offset + bytes - 1) / PAGES_PART_BYTES + 1);
}

/* ---- Pieces ------------------------------------------------------------------------------------------------------ */

static void *alloc_span(struct slab *slab, size_t size) {
    struct slab_span *span = take_span(slab, pages_for(size));
    if (!span) return NULL;
    span->used = 1;
    struct slab_run *run = run_of(span);
    run->used += (uint32_t)span->pages * PAGE_BYTES;
    return page_at(run, (size_t)(span - run->spans));
}

static void *alloc_slot(struct slab *slab, size_t size) {
    unsigned size_class;
    const size_t slot = slot_size(size, &size_class);
    struct list *open = &slab->open[size_class];
    struct slab_span *span =
        list_is_empty(open) ? open_span(slab, slot, size_class) : list_entry(open->next, struct slab_span, link);
    return span ? take_slot(span) : NULL;
}

void *slab_alloc(struct slab *slab, size_t size) {
    check(size > 0 && size <= SLAB_PIECE_MAX);
    mutex_lock(&slab->mutex);
    void *piece = has_span_of_its_own(size) ? alloc_span(slab, size) : alloc_slot(slab, size);
    mutex_unlock(&slab->mutex);
    return piece;
}

void slab_free(struct slab *slab, void *piece) {
    struct slab_run *run = run_of(piece);
    mutex_lock(&slab->mutex);
    const size_t page = (size_t)((uint8_t *)piece - (uint8_t *)run) / PAGE_BYTES;
    struct slab_span *span = &run->spans[run->first[page]];
    check(run->first[page] != 0 && span->used > 0);
    if (span->slot && span->used == span->slots && !is_leaving(run))
        list_push_front(&slab->open[span->size_class], &span->link);
    run->used -= span->slot ? span->slot : (uint32_t)span->pages * PAGE_BYTES;
    if (is_leaving(run)) {
        leave_piece(slab, run, span, piece);
    } else {
        *(void **)piece = span->free;
        span->free = piece;
    }
    if (--span->used == 0) give_back(slab, run, span);
    mutex_unlock(&slab->mutex);
}

size_t slab_reserved(struct slab *slab) {
    mutex_lock(&slab->mutex);
    const size_t bytes = reserved(slab);
    mutex_unlock(&slab->mutex);
    return bytes;
}

/* ---- Shrinking --------------------------------------------------------------------------------------------------- */

void slab_set_limit(struct slab *slab, size_t bytes) {
    mutex_lock(&slab->mutex);
    slab->limit = bytes;
    mutex_unlock(&slab->mutex);
}

bool slab_is_full(struct slab *slab) {
    mutex_lock(&slab->mutex);
    const bool full = !has_room(slab);
    mutex_unlock(&slab->mutex);
    return full;
}

/* Its spans take no more pieces. An empty one goes at once. */
static void send_off(struct slab *slab, struct slab_run *run) {
    atomic_store_explicit(&run->leaving, true, memory_order_relaxed);
    if (run->free_pages == PAGES - 1) {
        slab->empty_count--;
        drop_run(slab, run);
        return;
    }
    for (size_t page = 1; page < PAGES; page++) {
        if (run->first[page] != page) continue;
        list_remove(&run->spans[page].link);
        list_init(&run->spans[page].link);
    }
    list_remove(&run->link);
    list_push_back(&slab->leaving, &run->link);
    pages_run_split(run);
    count_live(run);
    discard_dead(slab, run, 0, PARTS);
}

static struct slab_run *emptiest_run(struct slab *slab) {
    struct slab_run *best = NULL;
    for (struct list *link = slab->runs.next; link != &slab->runs; link = link->next) {
        struct slab_run *run = list_entry(link, struct slab_run, link);
        if (!best || run->used < best->used) best = run;
    }
    return best;
}

/* What the newly chosen hold still counts for nothing: it is hoped to go. */
bool slab_shrink(struct slab *slab) {
    bool chosen = false;
    mutex_lock(&slab->mutex);
    size_t left = reserved(slab);
    while (left > slab->limit && !list_is_empty(&slab->runs)) {
        struct slab_run *run = emptiest_run(slab);
        if (run->free_pages < PAGES - 1) chosen = true;
        send_off(slab, run);
        left -= PAGES_RUN_BYTES;
    }
    mutex_unlock(&slab->mutex);
    return chosen;
}

bool slab_is_shrinking(struct slab *slab) {
    mutex_lock(&slab->mutex);
    const bool shrinks = !list_is_empty(&slab->leaving);
    mutex_unlock(&slab->mutex);
    return shrinks;
}

bool slab_is_leaving(const void *piece) {
    return is_leaving(run_of(piece));
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

struct slab *slab_create(struct page_pool *pool) {
    struct slab *slab = calloc(1, sizeof *slab);
    if (!slab) return NULL;
    mutex_init(&slab->mutex);
    slab->pool = pool;
    list_init(&slab->runs);
    list_init(&slab->leaving);
    slab->limit = SIZE_MAX;
    for (size_t i = 0; i < SIZES; i++) list_init(&slab->open[i]);
    return slab;
}

void slab_destroy(struct slab *slab) {
    if (!slab) return;
    check(list_is_empty(&slab->leaving));
    for (struct list *link = list_pop_front(&slab->runs); link; link = list_pop_front(&slab->runs)) {
        struct slab_run *run = list_entry(link, struct slab_run, link);
        check(run->free_pages == PAGES - 1);
        pages_run_free(run);
    }
    mutex_deinit(&slab->mutex);
    free(slab);
}
