/*
 * import_frame: runs a source against a server: a pipeline that stays full, a progress bar, the time it took. Memory is
 * that of IMPORT_WINDOW commands.
 */
#ifndef TOOLS_LOAM_IMPORT_IMPORT_FRAME_H
#define TOOLS_LOAM_IMPORT_IMPORT_FRAME_H

#include "tools/loam/import/import_source.h"

struct import_frame {
    struct io *io;
    const char *address;
    const char *password; /* NULL = none */
    bool draws;           /* the bar, on standard error */
    struct import_source *source;
    struct import_tally *tally;

    struct client *client;
    uint64_t start_ns, end_ns;
    uint64_t drawn_ns;
};

/* Until the source ends, all replies have been judged and the source has finished. */
MUST_CHECK enum status import_frame_run(struct import_frame *frame, struct error *error);
/* The lines that every import ends with. */
void import_frame_report(const struct import_frame *frame, bool check);

#endif
