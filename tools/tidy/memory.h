/*
 * memory: allocation for a tool that can do nothing useful without it: it says so and ends.
 */
#ifndef TOOLS_TIDY_MEMORY_H
#define TOOLS_TIDY_MEMORY_H

#include <stddef.h>

void *memory_resize(void *old, size_t size);           /* as realloc, never NULL; the caller owns it */
char *memory_copy_text(const char *text, size_t size); /* terminated; the caller owns it */

/* Room for one more element: doubles `items` when count reaches *capacity. */
void *memory_grow(void *items, size_t count, size_t *capacity, size_t item_bytes);

#endif
