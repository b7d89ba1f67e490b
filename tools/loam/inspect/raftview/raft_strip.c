/* raft_strip: see raft_strip.h. A cell shows the rarest of what stands in it: damage, then configurations, no-ops. */
#include "tools/loam/inspect/raftview/raft_strip.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- Cells ------------------------------------------------------------------------------------------------------- */

static void note_term(struct raft_strip *strip, uint64_t term) {
    unsigned at = strip->term_count;
    for (unsigned i = 0; i < strip->term_count; i++)
        if (strip->terms[i] == term) return;
    if (at == 26) {
        strip->more_terms = true;
        return;
    }
    for (; at > 0 && strip->terms[at - 1] > term; at--) strip->terms[at] = strip->terms[at - 1];
    strip->terms[at] = term;
    strip->term_count++;
}

void raft_strip_make(struct raft_strip *strip, const struct raft_view *const *views, size_t count, unsigned width) {
    *strip = (struct raft_strip){.first = UINT64_MAX, .width = width};
    for (size_t i = 0; i < count; i++) {
        const struct raft_view *view = views[i];
        const uint64_t last = raft_view_last(view) > view->commit_note ? raft_view_last(view) : view->commit_note;
        const uint64_t first = view->entry_count ? view->entries[0].index : raft_view_behind(last);
        if (view->entry_count > 0 && first < strip->first) strip->first = first;
        if (view->knows_start && view->entry_count > 0 && raft_view_behind(view->start) < strip->first)
            strip->first = raft_view_behind(view->start);
        if (last > strip->last) strip->last = last;
        for (size_t k = 0; k < view->entry_count; k++)
            if (k == 0 || view->entries[k].term != view->entries[k - 1].term) note_term(strip, view->entries[k].term);
    }
    if (strip->first > strip->last) {
        strip->width = 0;
        return;
    }
    const uint64_t indexes = strip->last - strip->first + 1;
    if (indexes < strip->width && indexes > 0) strip->width = (unsigned)indexes;
    if (strip->width > RAFT_STRIP_CELLS_MAX) strip->width = RAFT_STRIP_CELLS_MAX;
}

/* The first index of a cell, without overflow. */
static uint64_t begin_of(const struct raft_strip *strip, unsigned number) {
    const uint64_t indexes = strip->last - strip->first + 1;
    const uint64_t whole = indexes / strip->width, rest = indexes % strip->width;
    return strip->first + whole * number + (rest * number) / strip->width;
}

static void add_row(struct raft_cell *cell, const struct raft_view_entry *row) {
    if (cell->entries++ == 0) cell->first_term = row->term;
    cell->last_term = row->term;
    cell->bytes += row->size;
    cell->has_noop |= row->kind == RAFT_ENTRY_NOOP;
    cell->has_configuration |= row->kind == RAFT_ENTRY_CONFIGURATION;
}

/* An index that has no row. */
static void add_empty(struct raft_cell *cell, const struct raft_view *view, uint64_t index) {
    const enum raft_view_at at = raft_view_at(view, index);
    cell->has_lost |= at == RAFT_VIEW_LOST;
    cell->has_unknown |= at == RAFT_VIEW_UNKNOWN;
    cell->has_store |= at == RAFT_VIEW_IN_STORE;
}

void raft_strip_cell(const struct raft_strip *strip, const struct raft_view *view, unsigned number,
                     struct raft_cell *cell) {
    *cell = (struct raft_cell){.first = begin_of(strip, number), .last = begin_of(strip, number + 1) - 1};
    uint64_t expected = cell->first;
    for (size_t i = raft_view_seek(view, cell->first); i < view->entry_count; i++) {
        const struct raft_view_entry *row = &view->entries[i];
        if (row->index > cell->last) break;
        if (row->index > expected) add_empty(cell, view, row->index - 1);
        add_row(cell, row);
        expected = row->index + 1;
    }
    if (expected > cell->last) return;
    add_empty(cell, view, expected); /* what has no row is in one state, or in two: both ends are looked at */
    add_empty(cell, view, cell->last);
}

/* ---- Letters ----------------------------------------------------------------------------------------------------- */

static char term_letter(const struct raft_strip *strip, uint64_t term) {
    unsigned at = 0;
    while (at < strip->term_count && strip->terms[at] < term) at++;
    return (char)('a' + at % 26);
}

static char empty_letter(const struct raft_cell *cell) {
    return cell->has_lost ? '!' : cell->has_unknown ? '?' : cell->has_store ? '_' : ' ';
}

static char kind_letter(const struct raft_cell *cell) {
    if (cell->has_lost) return '!';
    if (cell->has_configuration) return 'M';
    if (cell->has_noop) return 'n';
    return cell->entries > 0 ? 'c' : empty_letter(cell);
}

/* Of the mean: 0 below 16 bytes, each digit more four times as much. */
static char size_letter(const struct raft_cell *cell) {
    if (cell->entries == 0) return empty_letter(cell);
    uint64_t mean = cell->bytes / cell->entries;
    char digit = '0';
    for (; mean >= 16 && digit < '9'; mean /= 4) digit++;
    return digit;
}

static char mark_letter(const struct raft_view *view, const struct raft_cell *cell) {
    const bool store = view->store.index >= cell->first && view->store.index <= cell->last;
    const bool commit = view->commit >= cell->first && view->commit <= cell->last;
    return store && commit ? 'B' : store ? 'F' : commit ? 'C' : ' ';
}

void raft_strip_print(struct out *out, const struct raft_strip *strip, const struct raft_view *view,
                      const char *indent) {
    static const char *const names[] = {"terms", "kinds", "sizes", "marks"};
    char lines[4][RAFT_STRIP_CELLS_MAX + 1];
    if (strip->width == 0) return;
    for (unsigned i = 0; i < strip->width; i++) {
        struct raft_cell cell;
        raft_strip_cell(strip, view, i, &cell);
        lines[0][i] = cell.entries > 0 ? term_letter(strip, cell.last_term) : empty_letter(&cell);
        lines[1][i] = kind_letter(&cell);
        lines[2][i] = size_letter(&cell);
        lines[3][i] = mark_letter(view, &cell);
    }
    for (unsigned i = 0; i < 4; i++) out_print(out, "%s%s |%.*s|\n", indent, names[i], (int)strip->width, lines[i]);
}

void raft_strip_print_key(struct out *out, const struct raft_strip *strip, const char *indent) {
    if (strip->width == 0) return;
    out_print(out, "%sentries %" PRIu64 " to %" PRIu64 " from left to right", indent, strip->first, strip->last);
    const uint64_t indexes = strip->last - strip->first + 1;
    if (indexes > strip->width)
        out_print(out, ", about %" PRIu64 " to a cell", (indexes + strip->width / 2) / strip->width);
    out_print(out, "; terms:");
    for (unsigned i = 0; i < strip->term_count && i < 12; i++)
        out_print(out, " %c=%" PRIu64, (char)('a' + i), strip->terms[i]);
    out_print(
        out,
        "%s\n%skinds: c command, n no-op, M members change, _ in the store, ! lost, ? unknown; sizes: mean bytes, "
        "0 <16, 1 <64, 2 "
        "<256, 3 <1 KiB ..\n%smarks: F flushed up to here, C committed as far as it knows, B both\n",
        strip->term_count > 12 || strip->more_terms ? " .." : "", indent, indent);
}
