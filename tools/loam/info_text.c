/* info_text: see info_text.h. */
#include "tools/loam/info_text.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/decimal.h"

struct slice info_field(struct slice info, const char *name) {
    const size_t name_size = strlen(name);
    while (info.size > 0) {
        const uint8_t *end = memchr(info.data, '\n', info.size);
        size_t size = end ? (size_t)(end - info.data) : info.size;
        const struct slice rest = slice_from(info, size + (end ? 1 : 0));
        if (size > 0 && info.data[size - 1] == '\r') size--;
        if (size > name_size && memcmp(info.data, name, name_size) == 0 && info.data[name_size] == ':')
            return slice_make(info.data + name_size + 1, size - name_size - 1);
        info = rest;
    }
    return slice_make(NULL, 0);
}

struct slice info_section(struct slice info, const char *head) {
    const uint8_t *at = info.size ? memmem(info.data, info.size, head, strlen(head)) : NULL;
    return at ? slice_from(info, (size_t)(at - info.data)) : slice_make(NULL, 0);
}

struct slice info_part(struct slice value, const char *name) {
    const size_t name_size = strlen(name);
    while (value.size > 0) {
        const uint8_t *comma = memchr(value.data, ',', value.size);
        const size_t size = comma ? (size_t)(comma - value.data) : value.size;
        if (size > name_size && memcmp(value.data, name, name_size) == 0 && value.data[name_size] == '=')
            return slice_make(value.data + name_size + 1, size - name_size - 1);
        value = slice_from(value, size + (comma ? 1 : 0));
    }
    return slice_make(NULL, 0);
}

uint64_t info_number(struct slice value) {
    int64_t number = 0;
    return decimal_parse(value, &number) && number > 0 ? (uint64_t)number : 0;
}

void info_copy(struct slice value, char *to, size_t room) {
    (void)snprintf(to, room, "%.*s", (int)(value.size < room ? value.size : room - 1), (const char *)value.data);
}
