/*
 * recover: what `loam recover` and `loam cluster recover` share: raft_directory_recover (raft/driver.h) with this
 * program's stores, and its words.
 */
#ifndef TOOLS_LOAM_RECOVER_H
#define TOOLS_LOAM_RECOVER_H

#include "raft/driver.h"

struct recover_wish {
    uint64_t survivors[RAFT_MEMBERS_MAX]; /* ascending */
    size_t survivor_count;
    const struct raft_member *founders; /* borrowed; none = not known */
    size_t founder_count;
    bool force; /* do it; else only look */
};

/* "1,2": ascending ids without repeats. */
bool recover_parse_ids(const char *text, uint64_t ids[RAFT_MEMBERS_MAX], size_t *count);
/* As raft_directory_recover. */
MUST_CHECK enum status recover_directory(struct io *io, const char *dir, const struct recover_wish *wish,
                                         struct raft_recovery *found, struct error *error);
/* On stdout: what the directory holds, and what is or would be lost. */
void recover_tell(const char *dir, const struct raft_recovery *found, bool done);

#endif
