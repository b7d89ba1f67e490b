/*
 * report: what an inspector says about one file, and how it is shown.
 *
 * Fields come one behind the other from the first byte to the last: the report keeps the place, so that no byte can be
 * left out and none told twice. Each belongs to a part: what owns the bytes (a block, a record, a slot), and whether
 * the check that covers them holds. Facts are what the bytes mean as a whole; problems are what is wrong, with place
 * and consequence.
 */
#ifndef TOOLS_LOAM_INSPECT_REPORT_H
#define TOOLS_LOAM_INSPECT_REPORT_H

#include "engine/base/buf.h"

enum report_form {
    REPORT_SUMMARY, /* facts and problems */
    REPORT_HEX,     /* and every field with its bytes */
    REPORT_JSON,    /* all of it: tools/loam/README.md */
    REPORT_PAGE,    /* the same, with the bytes, for people with a browser */
};

/* What is known of a part by the check that covers it. */
enum report_check { REPORT_UNCHECKED, REPORT_RIGHT, REPORT_WRONG };

/* The worst that was met, as loam's exit codes have it. */
enum report_verdict { REPORT_CLEAN = 0, REPORT_CORRUPT = 2, REPORT_TORN = 3 };

struct image;

struct report {
    enum report_form form;
    struct slice bytes;  /* the file, of which report_need makes sure of what is looked at; borrowed */
    struct image *image; /* where they come from; NULL: all are there */
    bool is_ranged;      /* only what touches these bytes is shown, and what lies before and behind may be passed */
    uint64_t range_begin, range_end;
    bool streams;  /* fields are printed as they come, and kept no longer; REPORT_HEX */
    uint64_t next; /* the first byte that no field has */
    enum report_verdict verdict;
    bool fields_wanted; /* false: fields are counted, not kept */
    bool has_colours;   /* a person reads it, on a terminal */
    bool no_memory;     /* something is missing from what follows */
    struct buf facts, fields, problems, rows, parts;
    struct buf part; /* the present one's words, terminated; empty: none was begun */
    uint64_t part_begin;
    enum report_check part_check;
    bool part_is_told; /* its heading */
    size_t row_fields; /* of the part of a row that is being told */
};

void report_init(struct report *report, enum report_form form, struct slice bytes);
void report_deinit(struct report *report);
/* Of a file of which not all is to be shown. REQUIRES: begin < end <= the file's size. */
void report_set_range(struct report *report, uint64_t begin, uint64_t end);

/* Has these bytes of the file at hand: nothing else of it may be looked at. What can't be read is zero, and a problem.
 * REQUIRES: within the file. */
void report_need(struct report *report, uint64_t offset, uint64_t size);
/* With a range: goes on at `to`, outside of it; what is passed gets no field. */
void report_pass(struct report *report, uint64_t to);
/* Whether anything of it is shown. */
static inline bool report_shows(const struct report *report, uint64_t offset, uint64_t size) {
    return !report->is_ranged || (offset < report->range_end && offset + size > report->range_begin);
}
/* Nothing from here on is. */
static inline bool report_is_past(const struct report *report, uint64_t offset) {
    return report->is_ranged && offset >= report->range_end;
}

/* What follows belongs to another part, up to the next; a part of the same words goes on. Before the first one: the
 * file itself. */
void report_part(struct report *report, enum report_check check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The next `size` bytes are `name`; the words say what they mean. size 0 is no field. */
void report_field(struct report *report, uint64_t size, const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static inline void report_plain(struct report *report, uint64_t size, const char *name) {
    report_field(report, size, name, "%s", "");
}
/* "name: words"; in JSON a member of "facts". */
void report_fact(struct report *report, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A line between fields, in REPORT_HEX only: about bytes that the file does not hold as they are. */
void report_line(struct report *report, struct slice line);
/*
 * A row of a tree, in REPORT_JSON only: begin, then the fields of its key, report_row_value, those of its value, end.
 * unit: where its unit stands in the file; kind: "put"; tree: "" = not known.
 */
void report_row_begin(struct report *report, uint64_t unit, uint64_t entry, const char *kind, uint64_t sequence,
                      const char *tree);
void report_row_field(struct report *report, size_t size, const char *name, const char *words);
void report_row_value(struct report *report);
void report_row_end(struct report *report);
void report_problem(struct report *report, enum report_verdict verdict, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Prints all to stdout; every byte must have been given a field. kind: "sst"; path is shown as it is. */
void report_print(struct report *report, const char *kind, const char *path);

/* A key or name as text: plain where it can be, \xNN where not, cut with ".." behind `limit` bytes. Terminated. */
void report_text(char *to, size_t capacity, struct slice bytes, size_t limit);

#endif
