#include "tools/loam/trace/trace_strings.h"

#include <string.h>

#include "engine/base/hash.h"

enum { SLOTS_FIRST = 1024 };

static uint32_t *numbers(const struct buf *buf) {
    return (uint32_t *)(void *)buf->data;
}

static const char *text_of(const struct trace_strings *strings, uint32_t number) {
    return (const char *)strings->texts.data + numbers(&strings->starts)[number];
}

/* The text's slot, or the free one where it belongs. */
static uint32_t *find(const struct trace_strings *strings, const char *text) {
    const size_t mask = strings->slots.size / sizeof(uint32_t) - 1;
    uint32_t *slots = numbers(&strings->slots);
    for (size_t at = (size_t)hash64(slice_from_text(text), 0);; at++) {
        uint32_t *slot = &slots[at & mask];
        if (*slot == 0 || strcmp(text_of(strings, *slot - 1), text) == 0) return slot;
    }
}

static enum status grow(struct trace_strings *strings) {
    const size_t slots = strings->slots.size / sizeof(uint32_t);
    if (2 * (strings->count + 1) <= slots) return STATUS_OK;
    const size_t wanted = slots > 0 ? slots * 2 : SLOTS_FIRST;
    buf_clear(&strings->slots);
    enum status status = buf_append_zeros(&strings->slots, wanted * sizeof(uint32_t));
    for (uint32_t i = 0; status == STATUS_OK && i < strings->count; i++) *find(strings, text_of(strings, i)) = i + 1;
    return status;
}

static enum status append(struct trace_strings *strings, const char *text, uint32_t *number) {
    enum status status = grow(strings);
    if (status != STATUS_OK) return status;
    uint32_t *slot = find(strings, text);
    if (*slot != 0) {
        *number = *slot - 1;
        return STATUS_OK;
    }
    const uint32_t start = (uint32_t)strings->texts.size;
    status = buf_append(&strings->texts, text, strlen(text) + 1);
    if (status == STATUS_OK) status = buf_append(&strings->starts, &start, sizeof start);
    if (status != STATUS_OK) return status;
    *number = strings->count++;
    *slot = strings->count;
    return STATUS_OK;
}

enum status trace_strings_add(struct trace_strings *strings, const char *text, uint32_t *number) {
    if (strings->count == 0) {
        enum status status = append(strings, "", number);
        if (status != STATUS_OK) return status;
    }
    return append(strings, text, number);
}

enum status trace_string_print(struct buf *to, const char *text) {
    enum status status = buf_append_byte(to, '"');
    for (; *text && status == STATUS_OK; text++) {
        const uint8_t byte = (uint8_t)*text;
        if (byte < 0x20 || byte > 0x7e || strchr("\"\\<>&", byte) != NULL)
            status = buf_append_format(to, "\\u%04x", (unsigned)byte);
        else
            status = buf_append_byte(to, byte);
    }
    return status == STATUS_OK ? buf_append_byte(to, '"') : status;
}

enum status trace_strings_print(struct buf *to, const struct trace_strings *strings) {
    enum status status = buf_append_byte(to, '[');
    for (uint32_t i = 0; status == STATUS_OK && i < strings->count; i++) {
        if (i > 0) status = buf_append_byte(to, ',');
        if (status == STATUS_OK) status = trace_string_print(to, text_of(strings, i));
    }
    return status == STATUS_OK ? buf_append_byte(to, ']') : status;
}

void trace_strings_deinit(struct trace_strings *strings) {
    buf_deinit(&strings->texts);
    buf_deinit(&strings->starts);
    buf_deinit(&strings->slots);
    *strings = (struct trace_strings){0};
}
