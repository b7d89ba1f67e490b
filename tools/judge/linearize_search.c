/*
 * linearize_search: Wing and Gong's search with Lowe's cache (linearize.h). The list of events holds what is not
 * placed; an operation may be placed next if no return stands before its call. Invariant: list, bits, state and
 * returned_left always agree with the stack of moves.
 */
#include "tools/judge/linearize_search.h"

#include <stdlib.h>

#include "engine/base/check.h"

enum { WORD_BITS = 64, LOOK_AHEAD = 2 };

static bool same_work(const struct history_op *a, const struct history_op *b) {
    if (a->kind != b->kind) return false;
    for (int i = 0; i < HISTORY_ARGUMENTS; i++)
        if (!slice_equal(a->arguments[i], b->arguments[i])) return false;
    return true;
}

static uint32_t find_twin(const struct linearize_search *search, size_t of) {
    for (size_t i = of; i > 0; i--) {
        const struct linearize_item *item = &search->items[i - 1];
        if (item->is_pending && same_work(item->op, search->items[of].op)) return (uint32_t)i;
    }
    return 0;
}

static void fill_items(struct linearize_search *search, const struct history_op *const *ops, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bool pending = ops[i]->outcome == HISTORY_PENDING;
        bool pure = search->model->is_pure(ops[i]);
        if (pending && pure) continue; /* nobody saw what it read */
        size_t at = search->item_count++;
        uint32_t bit = (uint32_t)(pending ? search->pending_count++ : search->returned_count++);
        search->items[at] = (struct linearize_item){.op = ops[i], .is_pending = pending, .is_pure = pure, .bit = bit};
        if (pending) search->items[at].twin = find_twin(search, at);
    }
    search->returned_left = search->returned_count;
}

struct moment {
    uint64_t time;
    uint32_t item;
    bool is_return;
};

/* At equal times calls come first: such operations are concurrent. */
static int compare_moments(const void *left, const void *right) {
    const struct moment *a = left;
    const struct moment *b = right;
    if (a->time != b->time) return a->time < b->time ? -1 : 1;
    if (a->is_return != b->is_return) return a->is_return ? 1 : -1;
    return (a->item > b->item) - (a->item < b->item);
}

static size_t list_moments(const struct linearize_search *search, struct moment *moments) {
    size_t count = 0;
    for (size_t i = 0; i < search->item_count; i++) {
        const struct linearize_item *item = &search->items[i];
        moments[count++] = (struct moment){.time = item->op->invoked, .item = (uint32_t)i};
        if (!item->is_pending)
            moments[count++] = (struct moment){.time = item->op->returned, .item = (uint32_t)i, .is_return = true};
    }
    qsort(moments, count, sizeof *moments, compare_moments);
    return count;
}

static enum status fill_events(struct linearize_search *search) {
    struct moment *moments = malloc((search->item_count * 2 + 1) * sizeof *moments);
    if (!moments) return STATUS_NO_MEMORY;
    size_t count = list_moments(search, moments);
    struct linearize_event *events = search->events;
    for (size_t i = 0; i < count; i++) {
        struct linearize_event *event = &events[i + 1];
        *event =
            (struct linearize_event){.prev = event - 1, .item = moments[i].item, .is_return = moments[i].is_return};
        event->prev->next = event;
        struct linearize_item *item = &search->items[event->item];
        if (event->is_return) {
            item->call->match = event;
        } else {
            item->call = event;
        }
    }
    search->event_count = count + 1;
    free(moments);
    return STATUS_OK;
}

static size_t word_count(size_t bits) {
    return bits / WORD_BITS + 1;
}

static bool allocate(struct linearize_search *search, size_t count) {
    search->items = calloc(count + 1, sizeof *search->items);
    search->events = calloc(count * 2 + 1, sizeof *search->events);
    search->moves = calloc(count + 1, sizeof *search->moves);
    search->returned_bits = calloc(word_count(count), sizeof(uint64_t));
    search->pending_bits = calloc(word_count(count), sizeof(uint64_t));
    search->words = calloc(word_count(count) * 2 + 1, sizeof(uint64_t));
    search->others = calloc(count + 1, sizeof *search->others);
    return search->others && search->items && search->events && search->moves && search->returned_bits &&
           search->pending_bits && search->words;
}

enum status linearize_search_init(struct linearize_search *search, const struct linearize_model *model,
                                  const struct history_op *const *ops, size_t count,
                                  const struct linearize_options *options) {
    *search = (struct linearize_search){.model = model, .looks_ahead = model->is_reachable != NULL};
    search->max_steps = options && options->max_steps ? options->max_steps : LINEARIZE_DEFAULT_STEPS;
    linearize_seen_init(&search->seen, options && options->max_bytes ? options->max_bytes : LINEARIZE_DEFAULT_BYTES);
    enum status status = allocate(search, count) ? STATUS_OK : STATUS_NO_MEMORY;
    if (status == STATUS_OK) {
        fill_items(search, ops, count);
        status = fill_events(search);
    }
    if (status != STATUS_OK) linearize_search_deinit(search);
    return status;
}

void linearize_search_deinit(struct linearize_search *search) {
    free(search->items);
    free(search->events);
    free(search->moves);
    free(search->returned_bits);
    free(search->pending_bits);
    free(search->words);
    free(search->others);
    linearize_seen_deinit(&search->seen);
    buf_deinit(&search->next);
    *search = (struct linearize_search){0};
}

static void unlink_event(struct linearize_event *event) {
    event->prev->next = event->next;
    if (event->next) event->next->prev = event->prev;
}

static void relink_event(struct linearize_event *event) {
    event->prev->next = event;
    if (event->next) event->next->prev = event;
}

static void place(struct linearize_search *search, uint32_t index, uint32_t next_state, bool is_forced) {
    struct linearize_item *item = &search->items[index];
    check_slow(!item->is_placed);
    search->moves[search->move_count++] =
        (struct linearize_move){.item = index, .state_before = search->state, .is_forced = is_forced};
    search->state = next_state;
    item->is_placed = true;
    if (item->call->match) unlink_event(item->call->match);
    unlink_event(item->call);
    uint64_t *bits = item->is_pending ? search->pending_bits : search->returned_bits;
    bits[item->bit / WORD_BITS] |= UINT64_C(1) << item->bit % WORD_BITS;
    if (item->is_pending) return;
    search->returned_left--;
    while (search->first_unplaced < search->returned_count &&
           search->returned_bits[search->first_unplaced / WORD_BITS] >> search->first_unplaced % WORD_BITS & 1)
        search->first_unplaced++;
}

/* Takes the last move back, in reverse order of place(). */
static struct linearize_move unplace(struct linearize_search *search) {
    struct linearize_move move = search->moves[--search->move_count];
    struct linearize_item *item = &search->items[move.item];
    search->state = move.state_before;
    item->is_placed = false;
    relink_event(item->call);
    if (item->call->match) relink_event(item->call->match);
    uint64_t *bits = item->is_pending ? search->pending_bits : search->returned_bits;
    bits[item->bit / WORD_BITS] &= ~(UINT64_C(1) << item->bit % WORD_BITS);
    if (item->is_pending) return move;
    search->returned_left++;
    if (item->bit < search->first_unplaced) search->first_unplaced = item->bit;
    return move;
}

/* Asks the model; *next_state is set when *possible. */
static enum status step(struct linearize_search *search, const struct linearize_item *item, bool *possible,
                        uint32_t *next_state) {
    if (search->steps == search->max_steps) return STATUS_TOO_LARGE;
    search->steps++;
    buf_clear(&search->next);
    enum status status = search->model->step(item->op, search->seen.states[search->state], possible, &search->next);
    if (status != STATUS_OK || !*possible) return status;
    if (!item->is_pure) return linearize_seen_state(&search->seen, buf_slice(&search->next), next_state);
    check_slow(slice_equal(buf_slice(&search->next), search->seen.states[search->state]));
    *next_state = search->state;
    return STATUS_OK;
}

/* Will `item`, which is not placed, ever have the answer that its client was told? Before it may come what was called
 * before it returned. */
static bool is_reachable(const struct linearize_search *search, const struct linearize_item *item) {
    if (item->is_pending || !search->looks_ahead) return true;
    size_t count = 0;
    for (const struct linearize_event *event = search->events[0].next; event != item->call->match; event = event->next)
        if (!event->is_return && event != item->call) search->others[count++] = search->items[event->item].op;
    return search->model->is_reachable(item->op, search->seen.states[search->state], search->others, count);
}

/* The next few pure operations from `event` on: a read that can never be answered ends a branch long before it is
 * reached. */
static bool near_are_reachable(const struct linearize_search *search, const struct linearize_event *event) {
    int looked_at = 0;
    for (; event && looked_at < LOOK_AHEAD; event = event->next) {
        const struct linearize_item *item = &search->items[event->item];
        if (event->is_return || !item->is_pure) continue;
        if (!is_reachable(search, item)) return false;
        looked_at++;
    }
    return true;
}

/*
 * Places every pure operation that fits the state. This loses nothing: if an order from here exists, one exists that
 * begins with it, since it precedes no other operation's return and changes nothing. *dead is true when some operation
 * can never be placed after this.
 */
static enum status place_pure(struct linearize_search *search, bool *dead) {
    struct linearize_event *event = search->events[0].next;
    *dead = false;
    while (event && !event->is_return) {
        const struct linearize_item *item = &search->items[event->item];
        bool possible = false;
        uint32_t state = search->state;
        if (item->is_pure) {
            enum status status = step(search, item, &possible, &state);
            if (status != STATUS_OK) return status;
        }
        if (possible) {
            place(search, event->item, state, true);
        } else if (!is_reachable(search, item)) {
            *dead = true;
            return STATUS_OK;
        }
        event = event->next; /* a placed event still points to what followed it and is not placed */
    }
    *dead = !near_are_reachable(search, event);
    return STATUS_OK;
}

/*
 * Is this configuration new? It is state and set; of the set only the words from the first unplaced operation to the
 * last placed one are kept, which concurrency bounds, not the length of the history; and, apart, the pending ones.
 */
static enum status remember(struct linearize_search *search, bool *is_new) {
    size_t placed = search->returned_count - search->returned_left;
    size_t word = search->first_unplaced / WORD_BITS;
    size_t counted = word * WORD_BITS;
    size_t count = 0;
    search->words[count++] = (uint64_t)search->first_unplaced << 32 | search->state;
    while (counted < placed) {
        counted += (size_t)__builtin_popcountll(search->returned_bits[word]);
        search->words[count++] = search->returned_bits[word++];
    }
    size_t pending_words = search->pending_count ? word_count(search->pending_count - 1) : 0;
    return linearize_seen_add(&search->seen, search->words, count, search->pending_bits, pending_words, is_new);
}

/* Takes moves back up to and with the last one that was a choice; its call event, or NULL when there was none. */
static struct linearize_event *take_back(struct linearize_search *search) {
    while (search->move_count > 0) {
        struct linearize_move move = unplace(search);
        if (!move.is_forced) return search->items[move.item].call;
    }
    return NULL;
}

static void note_blocked(struct linearize_search *search, const struct linearize_event *event) {
    if (search->blocked && event <= search->blocked) return;
    search->blocked = event;
    search->blocked_placed = search->move_count;
    search->blocked_state = search->state;
    search->tail_count = search->move_count < LINEARIZE_TAIL ? search->move_count : LINEARIZE_TAIL;
    const struct linearize_move *first = search->moves + (search->move_count - search->tail_count);
    for (size_t i = 0; i < search->tail_count; i++) search->tail[i] = first[i].item;
}

/* Is it worth a try here? Pure ones were placed if they fit; of equal pending ones the older goes first. */
static bool is_candidate(const struct linearize_search *search, const struct linearize_item *item) {
    if (item->is_pure) return false;
    return item->twin == 0 || search->items[item->twin - 1].is_placed;
}

/* Tries to place the operation called at `event`; *advanced tells whether the search now stands in a new configuration.
 */
static enum status try_place(struct linearize_search *search, const struct linearize_event *event, bool *advanced) {
    const struct linearize_item *item = &search->items[event->item];
    *advanced = false;
    if (!is_candidate(search, item)) return STATUS_OK;
    bool possible = false;
    uint32_t next_state = 0;
    enum status status = step(search, item, &possible, &next_state);
    if (status != STATUS_OK || !possible) return status;
    if (item->is_pending && next_state == search->state) return STATUS_OK;
    place(search, event->item, next_state, false);
    bool dead;
    status = place_pure(search, &dead);
    if (status == STATUS_OK && !dead) status = remember(search, advanced);
    if (status != STATUS_OK) return status;
    if (!*advanced) take_back(search);
    return STATUS_OK;
}

static enum status run(struct linearize_search *search, bool *found) {
    enum status status = linearize_seen_state(&search->seen, search->model->initial, &search->state);
    if (status != STATUS_OK) return status;
    bool dead;
    status = place_pure(search, &dead);
    if (status != STATUS_OK) return status;
    struct linearize_event *event = search->events[0].next;
    while (search->returned_left > 0) {
        check(event);
        if (event->is_return) { /* nothing more may be placed before it: a dead end */
            note_blocked(search, event);
            event = take_back(search);
            if (!event) break;
            event = event->next;
            continue;
        }
        bool advanced;
        status = try_place(search, event, &advanced);
        if (status != STATUS_OK) return status;
        event = advanced ? search->events[0].next : event->next;
    }
    *found = search->returned_left == 0;
    return STATUS_OK;
}

enum status linearize_search_run(struct linearize_search *search, enum linearize_verdict *verdict) {
    bool found = false;
    enum status status = run(search, &found);
    *verdict = status == STATUS_TOO_LARGE ? LINEARIZE_UNDECIDED : found ? LINEARIZE_YES : LINEARIZE_NO;
    return status == STATUS_TOO_LARGE ? STATUS_OK : status;
}
