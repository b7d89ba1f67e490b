/* file_names: names from numbers and back. Invariant: file_classify accepts exactly what file_path makes. */
#include "engine/lsm/file_names.h"

#include <stdbool.h>
#include <string.h>

enum { NUMBER_DIGITS = 10 }; /* more when the number needs them */

static const char *const names[] = {
    [FILE_SUPERBLOCK] = FILE_NAME_SUPERBLOCK, [FILE_TEMPORARY] = FILE_NAME_SUPERBLOCK_NEW,
    [FILE_OPTIONS] = FILE_NAME_OPTIONS,       [FILE_OPTIONS_NEW] = FILE_NAME_OPTIONS_NEW,
    [FILE_EVENTS] = FILE_NAME_EVENTS,         [FILE_EVENTS_OLD] = FILE_NAME_EVENTS_OLD,
};
enum { NAMES = sizeof names / sizeof *names };

/* The number as names have it. By hand: each file that is opened, buried or looked for needs one. */
static size_t print_number(char to[20], uint64_t number) {
    char reversed[20];
    size_t size = 0;
    for (; number > 0 || size < NUMBER_DIGITS; number /= 10) reversed[size++] = (char)('0' + number % 10);
    for (size_t i = 0; i < size; i++) to[i] = reversed[size - 1 - i];
    return size;
}

/* Where the next part goes. */
static char *put(char *to, const char *from, size_t size) {
    memcpy(to, from, size);
    return to + size;
}

enum status file_path(char path[IO_PATH_BYTES], const char *dir, enum file_class class, uint64_t number) {
    static const char *const suffixes[] = {[FILE_SST] = ".sst", [FILE_VALUES] = ".val", [FILE_MANIFEST] = ".manifest"};
    const bool is_numbered = class == FILE_SST || class == FILE_VALUES || class == FILE_MANIFEST;
    if (class == FILE_FOREIGN) return STATUS_TOO_LARGE;
    char digits[20];
    const char *tail = is_numbered ? suffixes[class] : names[class];
    const size_t dir_size = strlen(dir), tail_size = strlen(tail) + 1;
    const size_t digit_count = is_numbered ? print_number(digits, number) : 0;
    if (dir_size + 1 + digit_count + tail_size > IO_PATH_BYTES) return STATUS_TOO_LARGE;
    char *at = put(path, dir, dir_size);
    *at++ = '/';
    at = put(at, digits, digit_count);
    (void)put(at, tail, tail_size);
    return STATUS_OK;
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
