/*
 * refresh: reading beside a writer, that moves files and recycles its log under the reader's eyes. What does not fit
 * together then is looked at again. Private to engine/lsm.
 */
#ifndef ENGINE_LSM_REFRESH_H
#define ENGINE_LSM_REFRESH_H

#include "engine/io.h"

struct refresh_patience {
    unsigned tries, same; /* so far; how often with the same words */
    struct error last;
};

/* True, after a while: what failed may have been the writer at work. False: it is so, or no try would help. */
bool refresh_try_again(struct refresh_patience *patience, struct io *io, enum status status, const struct error *error);

#endif
