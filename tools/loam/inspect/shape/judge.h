/*
 * judge: the files of a store's last edit beside what lies in its directory: there, whole, of this store, and sound?
 * What a running owner removed meanwhile is no finding.
 */
#ifndef TOOLS_LOAM_INSPECT_SHAPE_JUDGE_H
#define TOOLS_LOAM_INSPECT_SHAPE_JUDGE_H

#include "tools/loam/inspect/shape/source.h"

/* Of a file that an edit names. */
enum judged {
    JUDGED_NOT,     /* it was not looked at: the edit is not the last one, or there is no directory */
    JUDGED_PRESENT, /* there, of the right size and identity; not read (--quick) */
    JUDGED_SOUND,   /* every byte was read and verifies */
    JUDGED_LEFT,    /* an owner at work, or an edit behind the damage, has removed it */
    JUDGED_MISSING,
    JUDGED_SIZE,  /* it has another size than the edit says */
    JUDGED_OTHER, /* another file lies under its name */
    JUDGED_DAMAGED,
    JUDGED_UNREADABLE, /* by this version, or by the device */
};
const char *judged_name(enum judged judged);

/* A table or file of values that no edit names. */
struct judged_orphan {
    uint64_t number, bytes;
    bool is_values;
    char what[FINDING_TEXT_BYTES]; /* its own word, where the manifest is damaged; "" = not asked */
};

struct judgement {
    uint8_t *files;      /* enum judged, by index into the history */
    const char **causes; /* why it was made, by the table's own word, the same way; NULL = not asked, "" = not known */
    struct judged_orphan *orphans;
    size_t orphan_count, orphan_capacity;
    uint64_t orphan_bytes;
    uint64_t read_files, read_bytes; /* verified */
    bool is_quick;                   /* tables were not read */
    bool failed;                     /* something could not be judged */
};

/* quick: names, sizes and headers alone. A source without a directory is not judged. deinit in any case. OK, also with
 * findings; NO_MEMORY; IO, when the directory can't be listed. */
MUST_CHECK enum status judge_source(struct judgement *judgement, struct shape_source *source, bool quick,
                                    struct findings *findings, struct error *error);
void judgement_deinit(struct judgement *judgement);

#endif
