/*
 * sim_alloc: memory of the simulator itself. It stands apart from malloc and its kin, so that a test which makes the
 * product's n-th allocation fail (--wrap=malloc) does not meet the simulator's own. Never NULL: a simulator without
 * memory ends the process.
 */
#ifndef TOOLS_SIM_SIM_ALLOC_H
#define TOOLS_SIM_SIM_ALLOC_H

#include <stddef.h>
#include <stdint.h>

void *sim_alloc(size_t size);                                /* zeroed */
void *sim_alloc_dirty(size_t size);                          /* not zeroed */
void *sim_grow(void *old, size_t old_size, size_t new_size); /* the new part is zeroed */
char *sim_copy_text(const char *text, size_t size);          /* with an end byte */
void sim_free(void *memory);

#endif
