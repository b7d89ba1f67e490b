/* nemesis: see nemesis.h. */
#include "tools/loam/chaos/nemesis.h"

#include <stdlib.h>

enum {
    MS = 1000000,
    CALM_LEAST_MS = 300,
    CALM_MOST_MS = 1500,
    CALM_AFTER_FAIL_OVER_MS = 300, /* at most */
    HEAL_MS = 60000,
    DOWN_AFTER_FAIL_OVER_MS = 50,
    STILL_MS = 400, /* a node whose disk has failed, healed for so long, is started anew */
};

static uint64_t now_ns(const struct nemesis *nemesis) {
    return io_now_ns(nemesis->hands->cluster->io);
}

void nemesis_init(struct nemesis *nemesis, struct hands *hands, struct workload *workload, uint64_t seed,
                  uint32_t kinds) {
    *nemesis = (struct nemesis){.hands = hands, .workload = workload, .kinds = kinds, .state = NEMESIS_HEALING};
    prng_init(&nemesis->prng, seed);
    nemesis->turned_ns = now_ns(nemesis);
    nemesis->next_ns = nemesis->turned_ns + (uint64_t)HEAL_MS * MS;
}

void nemesis_deinit(struct nemesis *nemesis) {
    free(nemesis->notes);
}

static uint64_t draw_ns(struct nemesis *nemesis, uint64_t least_ms, uint64_t most_ms) {
    return prng_between(&nemesis->prng, least_ms * MS, most_ms * MS);
}

/* ---- Notes ------------------------------------------------------------------------------------------------------- */

static struct nemesis_note *add_note(struct nemesis *nemesis) {
    if (nemesis->note_count == nemesis->note_capacity) {
        const size_t capacity = nemesis->note_capacity ? nemesis->note_capacity * 2 : 64;
        struct nemesis_note *notes = realloc(nemesis->notes, capacity * sizeof *notes);
        if (!notes) return NULL;
        nemesis->notes = notes;
        nemesis->note_capacity = capacity;
    }
    struct nemesis_note *note = &nemesis->notes[nemesis->note_count++];
    *note = (struct nemesis_note){.begun_ns = now_ns(nemesis)};
    return note;
}

/* What the time since the last turn was, for the faults that are open. */
static void note_time(struct nemesis *nemesis) {
    const uint64_t now = now_ns(nemesis), written = workload_last_write_ns(nemesis->workload);
    for (size_t i = nemesis->first_open; i < nemesis->note_count; i++) {
        struct nemesis_note *note = &nemesis->notes[i];
        const uint64_t since = written > note->begun_ns ? written : note->begun_ns;
        if (nemesis->hands->leader == 0) note->leaderless_ns += now - nemesis->turned_ns;
        if (now - since > note->stalled_ns) note->stalled_ns = now - since;
        if (note->written_ns == 0) {
            note->written_ns = workload_mark_answered_ns(nemesis->workload, note->mark);
            if (note->written_ns != 0 && note->written_ns - note->begun_ns > note->stalled_ns &&
                written == note->written_ns)
                note->stalled_ns = note->written_ns - note->begun_ns;
        }
    }
    nemesis->turned_ns = now;
}

/* ---- Episodes ---------------------------------------------------------------------------------------------------- */

static enum fault_kind draw_kind(struct nemesis *nemesis) {
    const unsigned count = (unsigned)__builtin_popcount(nemesis->kinds);
    uint64_t at = prng_below(&nemesis->prng, count);
    unsigned kind = 0;
    while (!(nemesis->kinds >> kind & 1) || at-- > 0) kind++;
    return (enum fault_kind)kind;
}

/* A second fault does not join one that takes its own time, nor is one itself. */
static bool begin_fault(struct nemesis *nemesis, bool is_second, enum status *status) {
    struct fault fault = {.kind = draw_kind(nemesis)};
    const struct fault_facts *facts = &fault_table[fault.kind];
    if (is_second && facts->go_on) return false;
    if (!facts->begin(&fault, nemesis->hands, &nemesis->prng)) return false;
    struct nemesis_note *note = add_note(nemesis);
    if (!note) {
        *status = STATUS_NO_MEMORY;
        return false;
    }
    note->fault = fault;
    note->mark = workload_mark(nemesis->workload);
    const uint64_t end_ns = note->begun_ns + draw_ns(nemesis, facts->least_ms, facts->most_ms);
    if (!is_second || end_ns > nemesis->next_ns) nemesis->next_ns = end_ns;
    if (facts->go_on) nemesis->next_ns = note->begun_ns + (uint64_t)facts->most_ms * MS;
    return true;
}

static enum status begin_episode(struct nemesis *nemesis) {
    enum status status = STATUS_OK;
    workload_forget_marks(nemesis->workload);
    nemesis->first_open = nemesis->note_count;
    if (!begin_fault(nemesis, false, &status)) return status; /* another draw with the next turn */
    const enum fault_kind first = nemesis->notes[nemesis->first_open].fault.kind;
    if (nemesis->fail_overs == 0 && !fault_table[first].go_on && prng_chance(&nemesis->prng, 3, 10))
        (void)begin_fault(nemesis, true, &status);
    nemesis->state = NEMESIS_ACTIVE;
    (void)hands_turn(nemesis->hands); /* what the signals hit is hit now */
    return status;
}

static void heal(struct nemesis *nemesis) {
    hands_wish_nothing(nemesis->hands);
    for (size_t i = nemesis->first_open; i < nemesis->note_count; i++)
        if (nemesis->notes[i].healed_ns == 0) nemesis->notes[i].healed_ns = now_ns(nemesis);
    nemesis->state = NEMESIS_HEALING;
    nemesis->next_ns = now_ns(nemesis) + (uint64_t)HEAL_MS * MS;
}

static bool faults_are_over(struct nemesis *nemesis) {
    struct nemesis_note *first = &nemesis->notes[nemesis->first_open];
    const struct fault_facts *facts = &fault_table[first->fault.kind];
    if (nemesis->fail_overs > 0)
        return first->written_ns != 0 && now_ns(nemesis) > first->written_ns + (uint64_t)DOWN_AFTER_FAIL_OVER_MS * MS;
    if (facts->go_on && facts->go_on(&first->fault, nemesis->hands)) return true;
    return now_ns(nemesis) >= nemesis->next_ns;
}

/* A node that has halted comes back by a new start, as its log tells whoever runs it. */
static void restart_halted(struct nemesis *nemesis) {
    const uint64_t healing_since_ns = nemesis->next_ns - (uint64_t)HEAL_MS * MS;
    if (now_ns(nemesis) < healing_since_ns + (uint64_t)STILL_MS * MS) return;
    for (unsigned i = 0; i < nemesis->hands->cluster->plan.nodes; i++) {
        struct hand *hand = &nemesis->hands->nodes[i];
        if (hand->wish.is_down && hand->state == PROCESS_GONE)
            hand->wish = (struct wish){0};
        else if (hand->disk_has_failed && hand->heard_ns != 0)
            hand->wish = (struct wish){.is_down = true, .is_gentle = true};
    }
}

static enum status go_on_healing(struct nemesis *nemesis) {
    if (hands_all_well(nemesis->hands, nemesis->why)) {
        nemesis->why[0] = '\0';
        for (size_t i = nemesis->first_open; i < nemesis->note_count; i++) nemesis->notes[i].well_ns = now_ns(nemesis);
        nemesis->first_open = nemesis->note_count;
        nemesis->state = NEMESIS_CALM;
        nemesis->next_ns = now_ns(nemesis) + (nemesis->fail_overs > 0 ? draw_ns(nemesis, 0, CALM_AFTER_FAIL_OVER_MS)
                                                                      : draw_ns(nemesis, CALM_LEAST_MS, CALM_MOST_MS));
        return STATUS_OK;
    }
    restart_halted(nemesis);
    return now_ns(nemesis) < nemesis->next_ns ? STATUS_OK : STATUS_TIMED_OUT;
}

static enum status go_on_calm(struct nemesis *nemesis) {
    if (nemesis->stopping || nemesis->kinds == 0) {
        nemesis->state = nemesis->stopping ? NEMESIS_AT_REST : NEMESIS_CALM;
        return STATUS_OK;
    }
    return now_ns(nemesis) >= nemesis->next_ns ? begin_episode(nemesis) : STATUS_OK;
}

enum status nemesis_turn(struct nemesis *nemesis) {
    note_time(nemesis);
    switch (nemesis->state) {
    case NEMESIS_CALM: return go_on_calm(nemesis);
    case NEMESIS_HEALING: return go_on_healing(nemesis);
    case NEMESIS_ACTIVE:
        if (nemesis->stopping || faults_are_over(nemesis)) heal(nemesis);
        return STATUS_OK;
    case NEMESIS_AT_REST: return STATUS_OK;
    }
    return STATUS_OK;
}

void nemesis_stop(struct nemesis *nemesis) {
    nemesis->stopping = true;
}

bool nemesis_is_at_rest(const struct nemesis *nemesis) {
    return nemesis->state == NEMESIS_AT_REST;
}
