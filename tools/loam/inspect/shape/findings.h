/*
 * findings: what is wrong with a store or its manifest, for somebody who sees one for the first time: which file, where
 * in it, what is wrong, what is lost by it, what to do. In the order in which they were found; those of one file stand
 * together.
 */
#ifndef TOOLS_LOAM_INSPECT_SHAPE_FINDINGS_H
#define TOOLS_LOAM_INSPECT_SHAPE_FINDINGS_H

#include "engine/base/buf.h"

enum { FINDING_NAME_BYTES = 64, FINDING_TEXT_BYTES = 1024, FINDINGS_MAX = 4096 };

enum finding_weight {
    FINDING_NOTE,    /* worth knowing, nothing is wrong */
    FINDING_TORN,    /* never acknowledged: nothing is lost */
    FINDING_CORRUPT, /* bytes are not what was written, or not there */
};

struct finding {
    enum finding_weight weight;
    char file[FINDING_NAME_BYTES]; /* in the store's directory */
    uint64_t offset;
    bool has_offset;
    char what[FINDING_TEXT_BYTES];
    char lost[FINDING_TEXT_BYTES];   /* "" = nothing, or not known */
    char advice[FINDING_TEXT_BYTES]; /* "" = none */
};

struct findings {
    struct finding *items; /* up to FINDINGS_MAX; the others are counted only */
    size_t count, capacity;
    uint64_t counts[FINDING_CORRUPT + 1]; /* by weight, of all */
    bool no_memory;
};

void findings_deinit(struct findings *findings);
/* A new one about `file`, to be filled in by the functions below; NULL: there are too many, or memory is out. */
struct finding *findings_add(struct findings *findings, enum finding_weight weight, const char *file);
__attribute__((format(printf, 2, 3))) void finding_tell(struct finding *finding, const char *format, ...);
__attribute__((format(printf, 2, 3))) void finding_lose(struct finding *finding, const char *format, ...);
__attribute__((format(printf, 2, 3))) void finding_advise(struct finding *finding, const char *format, ...);
void finding_place(struct finding *finding, uint64_t offset);
/* Takes back those behind the first `count`. */
void findings_cut(struct findings *findings, size_t count);

const char *finding_weight_name(enum finding_weight weight); /* "note", "torn", "corrupt" */
/* "clean", "torn", "corrupt": the worst of all. */
const char *findings_verdict(const struct findings *findings);

#endif
