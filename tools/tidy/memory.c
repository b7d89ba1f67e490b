/*
 * memory: realloc that ends the program when there is none.
 */
#include "tools/tidy/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *memory_resize(void *old, size_t size) {
    void *memory = realloc(old, size ? size : 1);
    if (memory) return memory;
    fprintf(stderr, "tidy: out of memory\n");
    exit(1);
}

char *memory_copy_text(const char *text, size_t size) {
    char *copy = memory_resize(NULL, size + 1);
    memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

void *memory_grow(void *items, size_t count, size_t *capacity, size_t item_bytes) {
    if (count < *capacity) return items;
    *capacity = *capacity ? *capacity * 2 : 16;
    return memory_resize(items, *capacity * item_bytes);
}
