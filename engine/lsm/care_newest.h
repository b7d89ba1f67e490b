/*
 * care_newest: a directory that is judged while its owner may be at work, who begins manifests anew, removes files that
 * no edit names any more and cuts the log. What does not fit together then is looked at again; a file that the newest
 * manifest does not name is no part of the store any more, whatever became of it. Private to engine/lsm.
 *
 * One thread at a time.
 */
#ifndef ENGINE_LSM_CARE_NEWEST_H
#define ENGINE_LSM_CARE_NEWEST_H

#include "engine/lsm/care_state.h"
#include "engine/lsm/file_names.h"

/* As care_state_load; what fails, or a damaged slot, is looked at again before it is believed. */
MUST_CHECK enum status care_state_load_settled(struct care_state *state, struct io *io, const char *dir,
                                               struct error *error);

struct care_newest {
    struct io *io; /* set by the owner, as dir; borrowed */
    const char *dir;
    struct care_state state; /* the rest begins as zeros */
    bool is_loaded;
    uint64_t manifest_bytes; /* of the manifest, when it was read */
    struct edit_value_file *values;
    size_t value_count;
};

void care_newest_deinit(struct care_newest *newest);
/* Whether a table or file of values was named once and is no longer. Reads the manifest when it has changed; when it
 * can't be read: false. */
bool care_newest_has_left(struct care_newest *newest, enum file_class class, uint64_t number);

/* ---- The own log ------------------------------------------------------------------------------------------------- */

struct care_log_counts {
    uint64_t records, bytes; /* of payload */
};

/*
 * Reads the log, if there is one, and judges records, how it goes on behind the mark of `state`, and what the format
 * level allows. What is wrong is looked at again, beside the newest state, before the sink is told. OK also then;
 * NO_MEMORY and what else opening it answers.
 */
MUST_CHECK enum status care_log_verify(const struct care_state *state, const struct care_sink *sink,
                                       struct care_log_counts *counts, struct error *error);

#endif
