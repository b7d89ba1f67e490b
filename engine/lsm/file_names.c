/* file_names: names from numbers and back. Invariant: file_classify accepts exactly what file_path makes. */
#include "engine/lsm/file_names.h"

#include <inttypes.h>
#include <stdio.h>

enum { NUMBER_DIGITS = 10 }; /* more when the number needs them */

static const char *const names[] = {
    [FILE_SUPERBLOCK] = FILE_NAME_SUPERBLOCK, [FILE_TEMPORARY] = FILE_NAME_SUPERBLOCK_NEW,
    [FILE_OPTIONS] = FILE_NAME_OPTIONS,       [FILE_OPTIONS_NEW] = FILE_NAME_OPTIONS_NEW,
    [FILE_EVENTS] = FILE_NAME_EVENTS,         [FILE_EVENTS_OLD] = FILE_NAME_EVENTS_OLD,
};
enum { NAMES = sizeof names / sizeof *names };

enum status file_path(char path[IO_PATH_BYTES], const char *dir, enum file_class class, uint64_t number) {
    int length = -1;
    switch (class) {
    case FILE_SST: length = snprintf(path, IO_PATH_BYTES, "%s/%0*" PRIu64 ".sst", dir, NUMBER_DIGITS, number); break;
    case FILE_VALUES: length = snprintf(path, IO_PATH_BYTES, "%s/%0*" PRIu64 ".val", dir, NUMBER_DIGITS, number); break;
    case FILE_MANIFEST:
        length = snprintf(path, IO_PATH_BYTES, "%s/%0*" PRIu64 ".manifest", dir, NUMBER_DIGITS, number);
        break;
    case FILE_FOREIGN: break;
    default: length = snprintf(path, IO_PATH_BYTES, "%s/%s", dir, names[class]); break;
    }
    return length > 0 && length < IO_PATH_BYTES ? STATUS_OK : STATUS_TOO_LARGE;
}

/* The number before the dot; NULL if there is none, it has fewer digits than file_path writes, or it does not fit. */
static const char *parse_number(const char *name, uint64_t *number) {
    const char *at = name;
    uint64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        const uint64_t digit = (uint64_t)(*at - '0');
        if (value > (UINT64_MAX - digit) / 10) return NULL;
        value = value * 10 + digit;
    }
    if (at - name < NUMBER_DIGITS || (at - name > NUMBER_DIGITS && name[0] == '0')) return NULL;
    *number = value;
    return at;
}

enum file_class file_classify(const char *name, uint64_t *number) {
    for (unsigned i = 0; i < NAMES; i++)
        if (names[i] && strcmp(name, names[i]) == 0) return (enum file_class)i;
    const char *rest = parse_number(name, number);
    if (!rest) return FILE_FOREIGN;
    if (strcmp(rest, ".sst") == 0) return FILE_SST;
    if (strcmp(rest, ".val") == 0) return FILE_VALUES;
    if (strcmp(rest, ".manifest") == 0) return FILE_MANIFEST;
    return FILE_FOREIGN;
}
