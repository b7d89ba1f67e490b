/* spread: see spread.h. Invariant: items below `at` end at or before what was told last. */
#include "tools/loam/inspect/spread.h"

#include <stdarg.h>
#include <stdio.h>

enum { PART_BYTES = 200 };

struct spread_item {
    uint64_t position, size;
    const char *name;
    size_t words, part;
};

void spread_init(struct spread *spread, struct report *report) {
    *spread = (struct spread){.report = report};
}

void spread_deinit(struct spread *spread) {
    buf_deinit(&spread->items);
    buf_deinit(&spread->words);
}

static size_t keep_words(struct spread *spread, const char *words) {
    const size_t place = spread->words.size;
    if (buf_append(&spread->words, words, strlen(words) + 1) != STATUS_OK) spread->report->no_memory = true;
    return place;
}

void spread_part(struct spread *spread, const char *format, ...) {
    char words[PART_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    spread->part = keep_words(spread, words);
}

void spread_add(struct spread *spread, uint64_t position, uint64_t size, const char *name, const char *words) {
    if (size == 0) return;
    const struct spread_item item = {
        .position = position, .size = size, .name = name, .words = keep_words(spread, words), .part = spread->part};
    if (spread->report->no_memory || buf_append(&spread->items, &item, sizeof item) != STATUS_OK)
        spread->report->no_memory = true;
}

void spread_take(void *context, struct slice bytes, const char *name, const char *words) {
    const struct spread_bytes *whole = context;
    if (bytes.size == 0) return;
    spread_add(whole->spread, whole->position + (uint64_t)(bytes.data - whole->begin), bytes.size, name, words);
}

static void tell_otherwise(struct report *report, uint64_t size, const char *otherwise) {
    report_part(report, REPORT_UNCHECKED, "%s", otherwise);
    report_plain(report, size, otherwise);
}

void spread_tell(struct spread *spread, uint64_t position, uint64_t size, const char *otherwise) {
    const struct spread_item *all = (const struct spread_item *)(const void *)spread->items.data;
    const size_t count = spread->items.size / sizeof *all;
    const uint64_t end = position + size;
    while (position < end) {
        while (spread->at < count && all[spread->at].position + all[spread->at].size <= position) spread->at++;
        const struct spread_item *item = spread->at < count ? &all[spread->at] : NULL;
        if (!item || item->position >= end) {
            tell_otherwise(spread->report, end - position, otherwise);
            return;
        }
        if (item->position > position) {
            tell_otherwise(spread->report, item->position - position, otherwise);
            position = item->position;
            continue;
        }
        const uint64_t item_end = item->position + item->size < end ? item->position + item->size : end;
        report_part(spread->report, REPORT_RIGHT, "%s", (const char *)spread->words.data + item->part);
        report_field(spread->report, item_end - position, item->name, "%s%s",
                     position > item->position ? "goes on: " : "", (const char *)spread->words.data + item->words);
        position = item_end;
    }
}
