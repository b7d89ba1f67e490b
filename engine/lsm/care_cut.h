/*
 * care_cut: whether a manifest that reads to its end has lost its newest edits whole, as one does that was cut, or
 * whose last pages became zeros. What lies beside it tells: a table is removed once the edit stands that takes it out,
 * so tables that are named and gone, beside later ones that nothing names, were merged into those by edits that are
 * lost. (A store whose tables somebody removed, and a merge of which was cut off, looks alike: hence "seems".) Private
 * to engine/lsm.
 */
#ifndef ENGINE_LSM_CARE_CUT_H
#define ENGINE_LSM_CARE_CUT_H

#include "engine/lsm/care_state.h"

struct care_cut {
    bool seems_cut;          /* the rest holds */
    uint64_t missing, later; /* tables */
    uint64_t last_edit;
    uint64_t manifest, bytes;
};

/* seems_cut is false also where superblock or manifest can't be read, which says enough. An owner may be at work.
 * NO_MEMORY; IO of the directory. Blocking. */
MUST_CHECK enum status care_cut_find(struct io *io, const char *dir, struct care_cut *cut);
/* Returns text. */
const char *care_cut_words(const struct care_cut *cut, char text[ERROR_TEXT_BYTES]);

#endif
