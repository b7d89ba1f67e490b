/*
 * sim_alloc: malloc that ends the process when it fails.
 */
#include "tools/sim/sim_alloc.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/check.h"

enum { ALIGN_BYTES = 16 };

void *sim_alloc_dirty(size_t size) {
    void *memory = NULL;
    check(posix_memalign(&memory, ALIGN_BYTES, size ? size : 1) == 0);
    return memory;
}

void *sim_alloc(size_t size) {
    return memset(sim_alloc_dirty(size), 0, size);
}

void *sim_grow(void *old, size_t old_size, size_t new_size) {
    check(new_size >= old_size);
    uint8_t *grown = sim_alloc_dirty(new_size);
    if (old_size > 0) memcpy(grown, old, old_size);
    memset(grown + old_size, 0, new_size - old_size);
    sim_free(old);
    return grown;
}

char *sim_copy_text(const char *text, size_t size) {
    char *copy = sim_alloc_dirty(size + 1);
    if (size > 0) memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

void sim_free(void *memory) {
    free(memory);
}
