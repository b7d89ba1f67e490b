/*
 * series_line: a line "time,value" of a CSV file -> a sample. The value keeps its text, so that the server alone
 * decides what the digits mean.
 */
#ifndef TOOLS_LOAM_IMPORT_SERIES_LINE_H
#define TOOLS_LOAM_IMPORT_SERIES_LINE_H

#include "tools/loam/import/csv.h"
#include "tools/loam/import/time_text.h"

enum { SERIES_FIELDS = 3 /* one more than is allowed */ };

struct series_sample {
    int64_t time_ms;
    struct slice text; /* of the value; borrowed from the line or the parser */
    double value;
};

struct series_line_parser {
    enum time_unit unit; /* of epoch times; learnt from the first one if UNKNOWN */
    bool begun;          /* a line that holds something has been seen: what comes is no header */
    struct csv_line csv;
    struct slice fields[SERIES_FIELDS];
};

void series_line_begin(struct series_line_parser *parser, enum time_unit unit); /* per file; of a zeroed or used one */
void series_line_deinit(struct series_line_parser *parser);

/* OK: a sample. NOT_FOUND: nothing in it (empty, a comment with '#', the header). SYNTAX: *why says what is wrong, a
 * static text. NO_MEMORY. */
MUST_CHECK enum status series_line_parse(struct series_line_parser *parser, struct slice line,
                                         struct series_sample *sample, const char **why);

#endif
