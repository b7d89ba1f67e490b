/*
 * iterator: what the engine itself asks of an iterator beyond engine.h. Private to engine/lsm.
 */
#ifndef ENGINE_LSM_ITERATOR_H
#define ENGINE_LSM_ITERATOR_H

#include "engine/lsm/store.h"

/* A move ends when it has passed about so many keys that are gone: it is neither valid then nor at an end. 0 = never.
 */
void iterator_set_patience(struct engine_iterator *iterator, uint32_t keys);
bool iterator_is_paused(const struct engine_iterator *iterator);
void iterator_go_on(struct engine_iterator *iterator); /* a paused move forward */
/* It passes what is gone key by key. */
void iterator_ignore_gaps(struct engine_iterator *iterator);
/* How many keys that are gone it has passed or hopped over, about. */
uint64_t iterator_passed(const struct engine_iterator *iterator);
const struct store_read *iterator_read(const struct engine_iterator *iterator);

#endif
