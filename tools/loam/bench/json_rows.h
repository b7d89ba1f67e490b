/* json_rows: rows as an application writes them: small objects of JSON with the same names and differing values. */
#ifndef TOOLS_LOAM_BENCH_JSON_ROWS_H
#define TOOLS_LOAM_BENCH_JSON_ROWS_H

#include <stddef.h>
#include <stdint.h>

enum { JSON_ROW_BYTES = 512 };

/* Row `number` as text, the same each time; its length, 100 to 400. */
size_t json_row(uint64_t number, char to[JSON_ROW_BYTES]);

#endif
