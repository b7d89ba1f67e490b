/*
 * strange_kinds: kinds of trees as a manifest names them, for a store that is opened to be explained by who does not
 * know them. Private to engine/lsm.
 */
#ifndef ENGINE_LSM_STRANGE_KINDS_H
#define ENGINE_LSM_STRANGE_KINDS_H

#include "engine/lsm/recovered.h"
#include "engine/lsm/store.h"

/* engine->options.kinds becomes a table of the engine's own: the kinds of the manifest, of which those that were given
 * with the same names and operators stay what they are, and the given ones that the manifest has not. NO_MEMORY. */
MUST_CHECK enum status strange_kinds_take(struct engine *engine, const struct recovered *recovered);
void strange_kinds_free(struct engine *engine);

#endif
