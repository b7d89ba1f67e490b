/* pick as a table: a tree drawn as text, and the choice that it must lead to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/lsm/pick.h"

enum { LAST = ENGINE_LEVELS - 1, KIB = 1 << 10 };

/* By policy. */
static const struct engine_tree_kind kinds[] = {
    [ENGINE_POLICY_LAZY] = {.id = 1,
                            .name = "lazy",
                            .upper = ENGINE_COMPRESSION_LZ4,
                            .bottom = ENGINE_COMPRESSION_LZ4,
                            .policy = ENGINE_POLICY_LAZY},
    [ENGINE_POLICY_LEVELED] = {.id = 2,
                               .name = "leveled",
                               .upper = ENGINE_COMPRESSION_LZ4,
                               .bottom = ENGINE_COMPRESSION_LZ4,
                               .policy = ENGINE_POLICY_LEVELED},
    [ENGINE_POLICY_TIERED] = {.id = 3,
                              .name = "tiered",
                              .upper = ENGINE_COMPRESSION_LZ4,
                              .bottom = ENGINE_COMPRESSION_LZ4,
                              .policy = ENGINE_POLICY_TIERED},
    [ENGINE_POLICY_FIFO] = {.id = 4,
                            .name = "fifo",
                            .upper = ENGINE_COMPRESSION_LZ4,
                            .bottom = ENGINE_COMPRESSION_LZ4,
                            .policy = ENGINE_POLICY_FIFO,
                            .fifo_bytes = 10 << 10,
                            .fifo_age_ms = 400},
};

/* A file: one letter for its first key and one for its last. */
struct drawn {
    uint32_t level;
    const char *span;
    uint64_t kib;
    uint64_t deletes;     /* of 100 entries */
    uint64_t covered_kib; /* that its range deletes cover below */
    int64_t droppable_ms; /* 0 = never */
    uint64_t hidden;      /* of 100 entries */
    bool damaged;
    int64_t created_ms;
};

enum { DRAWN_MAX = 24 };

struct row {
    const char *name;
    enum engine_policy policy;
    struct drawn files[DRAWN_MAX];
    bool snapshot; /* one that sees half of the first file */
    bool all;
    bool at_rest;
    /* expected */
    enum pick_kind kind;
    uint32_t level, output_level;
    const char *inputs; /* first letters of the spans, in order */
    const char *next;
    bool between;
};

static const struct row rows[] = {
    {.name = "nothing to do below the trigger",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = 0, .span = "az", .kib = 1},
               {.level = 0, .span = "az", .kib = 1},
               {.level = 0, .span = "az", .kib = 1}},
     .kind = PICK_NONE},
    {.name = "a full level 0 goes to the last level of a small tree",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = 0, .span = "ak", .kib = 1},
               {.level = 0, .span = "bz", .kib = 1},
               {.level = 0, .span = "cd", .kib = 1},
               {.level = 0, .span = "ef", .kib = 1},
               {.level = LAST, .span = "bc", .kib = 2},
               {.level = LAST, .span = "yz", .kib = 2}},
     .kind = PICK_MERGE,
     .output_level = LAST,
     .inputs = "ecba", /* newest first */
     .next = "by"},
    {.name = "what nothing overlaps moves, several at once",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = 0, .span = "ab", .kib = 1},
               {.level = 0, .span = "cd", .kib = 1},
               {.level = 0, .span = "ef", .kib = 1},
               {.level = 0, .span = "gh", .kib = 1},
               {.level = LAST, .span = "ij", .kib = 2}},
     .kind = PICK_MOVE,
     .output_level = LAST,
     .inputs = "geca",
     .next = ""},
    {.name = "deletes do not move into the last level: they are dropped on the way",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = 0, .span = "ab", .kib = 1, .deletes = 1},
               {.level = 0, .span = "cd", .kib = 1},
               {.level = 0, .span = "ef", .kib = 1},
               {.level = 0, .span = "gh", .kib = 1}},
     .kind = PICK_MERGE,
     .output_level = LAST,
     .inputs = "geca",
     .next = ""},
    {.name = "level 0 does not jump over a level that still holds something",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = 0, .span = "ak", .kib = 1},
               {.level = 0, .span = "bz", .kib = 1},
               {.level = 0, .span = "cd", .kib = 1},
               {.level = 0, .span = "ef", .kib = 1},
               {.level = 0, .span = "gh", .kib = 1},
               {.level = 3, .span = "cd", .kib = 1}},
     .kind = PICK_MERGE,
     .output_level = 3,
     .inputs = "gecba",
     .next = "c"},
    {.name = "a level over its target gives its cheapest file",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = LAST - 1, .span = "ac", .kib = 30},
               {.level = LAST - 1, .span = "df", .kib = 30},
               {.level = LAST - 1, .span = "gi", .kib = 30},
               {.level = LAST, .span = "ac", .kib = 300},
               {.level = LAST, .span = "de", .kib = 20},
               {.level = LAST, .span = "gi", .kib = 300}},
     .kind = PICK_MERGE,
     .level = LAST - 1,
     .output_level = LAST,
     .inputs = "d",
     .next = "d"},
    {.name = "a damaged file is left alone, and so is what it overlaps",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = LAST - 1, .span = "ac", .kib = 30},
               {.level = LAST - 1, .span = "df", .kib = 30},
               {.level = LAST - 1, .span = "gi", .kib = 30},
               {.level = LAST, .span = "ac", .kib = 300},
               {.level = LAST, .span = "de", .kib = 20, .damaged = true},
               {.level = LAST, .span = "gi", .kib = 100}},
     .kind = PICK_MERGE,
     .level = LAST - 1,
     .output_level = LAST,
     .inputs = "g",
     .next = "g"},
    {.name = "a file of deletes goes down though its level is small",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = LAST - 1, .span = "ac", .kib = 1, .deletes = 60}, {.level = LAST, .span = "az", .kib = 2}},
     .kind = PICK_MERGE,
     .level = LAST - 1,
     .output_level = LAST,
     .inputs = "a",
     .next = "a"},
    {.name = "a range delete that covers whole files below goes down",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = 0, .span = "az", .kib = 1, .covered_kib = 40},
               {.level = LAST, .span = "bc", .kib = 20},
               {.level = LAST, .span = "de", .kib = 20}},
     .kind = PICK_MERGE,
     .output_level = LAST,
     .inputs = "a",
     .next = "bd"},
    {.name = "spent deletes in the last level are written anew",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = LAST, .span = "ac", .kib = 1}, {.level = LAST, .span = "df", .kib = 1, .deletes = 30}},
     .kind = PICK_MERGE,
     .level = LAST,
     .output_level = LAST,
     .inputs = "d",
     .next = ""},
    {.name = "but not while a snapshot needs them",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = LAST, .span = "df", .kib = 1, .deletes = 30}},
     .snapshot = true,
     .kind = PICK_NONE},
    {.name = "versions that only a snapshot kept are written away once it is gone",
     .policy = ENGINE_POLICY_LAZY,
     .files = {{.level = LAST, .span = "ac", .kib = 1, .hidden = 20},
               {.level = LAST, .span = "df", .kib = 1, .hidden = 30}},
     .kind = PICK_MERGE,
     .level = LAST,
     .output_level = LAST,
     .inputs = "d",
     .next = ""},
    {.name = "but not while one is there that may see them",
     .policy = ENGINE_POLICY_LAZY,
     .files = {{.level = LAST, .span = "df", .kib = 1, .hidden = 30}},
     .snapshot = true,
     .kind = PICK_NONE},
    {.name = "all: nor are a few of them left",
     .policy = ENGINE_POLICY_LAZY,
     .files = {{.level = LAST, .span = "df", .kib = 1, .hidden = 1}},
     .all = true,
     .kind = PICK_MERGE,
     .level = LAST,
     .output_level = LAST,
     .inputs = "d",
     .next = ""},
    {.name = "a file is written anew when its filter drops from it",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = LAST, .span = "ac", .kib = 1}, {.level = LAST, .span = "df", .kib = 1, .droppable_ms = 900}},
     .kind = PICK_MERGE,
     .level = LAST,
     .output_level = LAST,
     .inputs = "d",
     .next = ""},
    {.name = "but not before its time",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = LAST, .span = "df", .kib = 1, .droppable_ms = 1100}},
     .kind = PICK_NONE},
    {.name = "nor while a snapshot sees it",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = LAST, .span = "df", .kib = 1, .droppable_ms = 900}},
     .snapshot = true,
     .kind = PICK_NONE},
    {.name = "all: a single file of level 0 goes to the last level",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = 0, .span = "ac", .kib = 1}, {.level = LAST, .span = "bd", .kib = 1}},
     .all = true,
     .kind = PICK_MERGE,
     .output_level = LAST,
     .inputs = "a",
     .next = "b",
     .between = true},
    {.name = "all: everything above the last level goes there at once",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = 2, .span = "ac", .kib = 1}, {.level = 3, .span = "zz", .kib = 1}},
     .all = true,
     .kind = PICK_MERGE,
     .level = 2,
     .output_level = LAST,
     .inputs = "a",
     .next = "",
     .between = true},
    {.name = "all: every level goes down, one by one where a damaged file forbids the whole",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = 2, .span = "ac", .kib = 1},
               {.level = 3, .span = "zz", .kib = 1},
               {.level = LAST, .span = "xz", .kib = 1, .damaged = true}},
     .all = true,
     .kind = PICK_MOVE,
     .level = 2,
     .output_level = 3,
     .inputs = "a",
     .next = ""},
    {.name = "all: what lies in the last level alone is done",
     .policy = ENGINE_POLICY_LEVELED,
     .files = {{.level = LAST, .span = "ac", .kib = 1}},
     .all = true,
     .kind = PICK_NONE},
    /* Lazy and tiered: 1024 KiB in all is small. */
    {.name = "lazy: nothing to do below the trigger",
     .files = {{.level = 0, .span = "az", .kib = 9},
               {.level = 0, .span = "az", .kib = 9},
               {.level = 0, .span = "az", .kib = 9},
               {.level = LAST, .span = "az", .kib = 2}},
     .kind = PICK_NONE},
    {.name = "lazy: a small tree is merged as a whole when a quarter of it lies above the last level",
     .files = {{.level = 0, .span = "ak", .kib = 5},
               {.level = 0, .span = "bz", .kib = 5},
               {.level = 0, .span = "cd", .kib = 5},
               {.level = 0, .span = "ef", .kib = 5},
               {.level = 4, .span = "mn", .kib = 10},
               {.level = LAST, .span = "bc", .kib = 60},
               {.level = LAST, .span = "yz", .kib = 60}},
     .kind = PICK_MERGE,
     .output_level = LAST,
     .inputs = "ecba",
     .next = "by",
     .between = true},
    {.name = "lazy: less than a quarter becomes a run above the last level",
     .files = {{.level = 0, .span = "ak", .kib = 5},
               {.level = 0, .span = "bz", .kib = 5},
               {.level = 0, .span = "cd", .kib = 5},
               {.level = 0, .span = "ef", .kib = 5},
               {.level = LAST, .span = "az", .kib = 90}},
     .kind = PICK_MERGE,
     .output_level = LAST - 1,
     .inputs = "ecba",
     .next = "",
     .between = true},
    {.name = "lazy: a run that newer ones have caught up with is merged with them",
     .files = {{.level = 0, .span = "ak", .kib = 5},
               {.level = 0, .span = "bz", .kib = 5},
               {.level = 0, .span = "cd", .kib = 5},
               {.level = 0, .span = "ef", .kib = 5},
               {.level = 4, .span = "gh", .kib = 30},
               {.level = LAST, .span = "az", .kib = 900}},
     .kind = PICK_MERGE,
     .output_level = LAST - 1,
     .inputs = "ecba",
     .next = "",
     .between = true},
    {.name = "lazy: a run that is much larger is left in its place, and the result lies above it",
     .files = {{.level = 0, .span = "ak", .kib = 5},
               {.level = 0, .span = "bz", .kib = 5},
               {.level = 0, .span = "cd", .kib = 5},
               {.level = 0, .span = "ef", .kib = 5},
               {.level = 3, .span = "gh", .kib = 20},
               {.level = LAST - 1, .span = "gh", .kib = 100},
               {.level = LAST, .span = "az", .kib = 800}},
     .kind = PICK_MERGE,
     .output_level = LAST - 2,
     .inputs = "ecba",
     .next = "",
     .between = true},
    {.name = "lazy: the highest place for a run is taken together with its run",
     .files = {{.level = 0, .span = "ak", .kib = 1},
               {.level = 0, .span = "bz", .kib = 1},
               {.level = 0, .span = "cd", .kib = 1},
               {.level = 0, .span = "ef", .kib = 1},
               {.level = 1, .span = "gh", .kib = 20},
               {.level = 2, .span = "gh", .kib = 100},
               {.level = LAST, .span = "az", .kib = 800}},
     .kind = PICK_MERGE,
     .output_level = 1,
     .inputs = "ecba",
     .next = "g",
     .between = true},
    {.name = "lazy: what overlaps nothing moves past the runs to the last level",
     .files = {{.level = 0, .span = "ab", .kib = 5},
               {.level = 0, .span = "cd", .kib = 5},
               {.level = 0, .span = "ef", .kib = 5},
               {.level = 0, .span = "gh", .kib = 5},
               {.level = 3, .span = "kl", .kib = 20},
               {.level = LAST, .span = "ij", .kib = 2}},
     .kind = PICK_MOVE,
     .output_level = LAST,
     .inputs = "geca",
     .next = ""},
    {.name = "lazy: in a large tree the lowest run goes down by its cheapest file",
     .files = {{.level = LAST - 1, .span = "ac", .kib = 300},
               {.level = LAST - 1, .span = "df", .kib = 300},
               {.level = LAST, .span = "ac", .kib = 1100},
               {.level = LAST, .span = "df", .kib = 1000}},
     .kind = PICK_MERGE,
     .level = LAST - 1,
     .output_level = LAST,
     .inputs = "d",
     .next = "d"},
    {.name = "lazy: higher runs join the lowest first when they are the greater part",
     .files = {{.level = 3, .span = "ac", .kib = 300},
               {.level = 4, .span = "ac", .kib = 300},
               {.level = LAST - 1, .span = "df", .kib = 300},
               {.level = LAST, .span = "ac", .kib = 1100},
               {.level = LAST, .span = "df", .kib = 1000}},
     .kind = PICK_MERGE,
     .level = 3,
     .output_level = LAST - 1,
     .inputs = "a",
     .next = "",
     .between = true},
    {.name = "lazy: a file of level 0 with many deletes has a small tree merged",
     .files = {{.level = 0, .span = "az", .kib = 1, .deletes = 90}, {.level = LAST, .span = "bc", .kib = 300}},
     .kind = PICK_MERGE,
     .output_level = LAST,
     .inputs = "a",
     .next = "b",
     .between = true},
    {.name = "lazy: but not when the deletes are few for what they cost",
     .files = {{.level = 0, .span = "az", .kib = 1, .deletes = 60}, {.level = LAST, .span = "bc", .kib = 900}},
     .kind = PICK_NONE},
    {.name = "lazy: nor while a snapshot sees what they delete",
     .files = {{.level = 0, .span = "az", .kib = 1, .deletes = 90}, {.level = LAST, .span = "bc", .kib = 300}},
     .snapshot = true,
     .kind = PICK_NONE},
    {.name = "lazy: a damaged run between is left alone",
     .files = {{.level = 0, .span = "ak", .kib = 5},
               {.level = 0, .span = "bz", .kib = 5},
               {.level = 0, .span = "cd", .kib = 5},
               {.level = 0, .span = "ef", .kib = 5},
               {.level = 4, .span = "mn", .kib = 10, .damaged = true},
               {.level = LAST, .span = "az", .kib = 60}},
     .kind = PICK_NONE},
    {.name = "lazy: at rest all of a small tree becomes one run",
     .files = {{.level = 0, .span = "ak", .kib = 5},
               {.level = 4, .span = "mn", .kib = 10},
               {.level = LAST, .span = "bc", .kib = 30},
               {.level = LAST, .span = "yz", .kib = 50}},
     .at_rest = true,
     .kind = PICK_MERGE,
     .output_level = LAST,
     .inputs = "a",
     .next = "b",
     .between = true},
    {.name = "lazy: also where level 0 is empty",
     .files = {{.level = 4, .span = "mn", .kib = 10}, {.level = LAST, .span = "az", .kib = 50}},
     .at_rest = true,
     .kind = PICK_MERGE,
     .level = 4,
     .output_level = LAST,
     .inputs = "m",
     .next = "a",
     .between = true},
    {.name = "lazy: but not where it is a sixth of what would be written again",
     .files = {{.level = 0, .span = "ak", .kib = 5},
               {.level = 4, .span = "mn", .kib = 5},
               {.level = LAST, .span = "az", .kib = 60}},
     .at_rest = true,
     .kind = PICK_NONE},
    {.name = "lazy: at rest level 0 of a large tree becomes a run",
     .files = {{.level = 0, .span = "ak", .kib = 150},
               {.level = 0, .span = "bk", .kib = 100},
               {.level = LAST, .span = "az", .kib = 800}},
     .at_rest = true,
     .kind = PICK_MERGE,
     .output_level = LAST - 1,
     .inputs = "ba",
     .next = "",
     .between = true},
    {.name = "lazy: and the run goes down by its cheapest file, until it is a sixth",
     .files = {{.level = LAST - 1, .span = "ac", .kib = 100},
               {.level = LAST - 1, .span = "df", .kib = 100},
               {.level = LAST, .span = "ac", .kib = 600},
               {.level = LAST, .span = "df", .kib = 500}},
     .at_rest = true,
     .kind = PICK_MERGE,
     .level = LAST - 1,
     .output_level = LAST,
     .inputs = "d",
     .next = "d"},
    {.name = "lazy: a sixth of a large tree stays",
     .files = {{.level = 0, .span = "ac", .kib = 50},
               {.level = LAST - 1, .span = "ac", .kib = 100},
               {.level = LAST, .span = "ac", .kib = 600},
               {.level = LAST, .span = "df", .kib = 500}},
     .at_rest = true,
     .kind = PICK_NONE},
    {.name = "lazy: nor while writes come",
     .files = {{.level = 0, .span = "ak", .kib = 50}, {.level = LAST, .span = "az", .kib = 80}},
     .kind = PICK_NONE},
    {.name = "lazy: at rest what is due comes first",
     .files = {{.level = 0, .span = "ak", .kib = 5},
               {.level = 4, .span = "mn", .kib = 10},
               {.level = LAST, .span = "bc", .kib = 30, .deletes = 30}},
     .at_rest = true,
     .kind = PICK_MERGE,
     .level = LAST,
     .output_level = LAST,
     .inputs = "b",
     .next = ""},
    {.name = "tiered: runs gather at rest, too",
     .policy = ENGINE_POLICY_TIERED,
     .files = {{.level = 0, .span = "ak", .kib = 50}, {.level = LAST, .span = "az", .kib = 80}},
     .at_rest = true,
     .kind = PICK_NONE},
    {.name = "tiered: runs gather until they are as much as the last level",
     .policy = ENGINE_POLICY_TIERED,
     .files = {{.level = 0, .span = "ak", .kib = 5},
               {.level = 0, .span = "bz", .kib = 5},
               {.level = 0, .span = "cd", .kib = 5},
               {.level = 0, .span = "ef", .kib = 5},
               {.level = LAST, .span = "az", .kib = 60}},
     .kind = PICK_MERGE,
     .output_level = LAST - 1,
     .inputs = "ecba",
     .next = "",
     .between = true},
    {.name = "tiered: then the whole is merged",
     .policy = ENGINE_POLICY_TIERED,
     .files = {{.level = 0, .span = "ak", .kib = 5},
               {.level = 0, .span = "bz", .kib = 5},
               {.level = 0, .span = "cd", .kib = 5},
               {.level = 0, .span = "ef", .kib = 5},
               {.level = LAST - 1, .span = "az", .kib = 60},
               {.level = LAST, .span = "az", .kib = 80}},
     .kind = PICK_MERGE,
     .output_level = LAST,
     .inputs = "ecba",
     .next = "a",
     .between = true},
    {.name = "fifo: the oldest files go when there are too many bytes",
     .policy = ENGINE_POLICY_FIFO,
     .files = {{.level = 0, .span = "af", .kib = 4, .created_ms = 800},
               {.level = 0, .span = "bg", .kib = 4, .created_ms = 800},
               {.level = 0, .span = "ch", .kib = 4, .created_ms = 800},
               {.level = 0, .span = "di", .kib = 4, .created_ms = 800}},
     .kind = PICK_DROP,
     .output_level = 0,
     .inputs = "ba",
     .next = ""},
    {.name = "fifo: the oldest files go when they are too old",
     .policy = ENGINE_POLICY_FIFO,
     .files = {{.level = 0, .span = "af", .kib = 1, .created_ms = 600},
               {.level = 0, .span = "bg", .kib = 1, .created_ms = 601}},
     .kind = PICK_DROP,
     .output_level = 0,
     .inputs = "a",
     .next = ""},
    {.name = "fifo: what another policy left below is older than level 0",
     .policy = ENGINE_POLICY_FIFO,
     .files = {{.level = LAST, .span = "df", .kib = 6, .created_ms = 800},
               {.level = LAST, .span = "ac", .kib = 6, .created_ms = 800},
               {.level = 0, .span = "ch", .kib = 4, .created_ms = 800}},
     .kind = PICK_DROP,
     .level = LAST,
     .output_level = LAST,
     .inputs = "d",
     .next = ""},
    {.name = "fifo: nothing goes that a snapshot sees",
     .policy = ENGINE_POLICY_FIFO,
     .files = {{.level = 0, .span = "af", .kib = 100, .created_ms = 1}},
     .snapshot = true,
     .kind = PICK_NONE},
    {.name = "fifo: nothing is merged, however many files there are",
     .policy = ENGINE_POLICY_FIFO,
     .files = {{.level = 0, .span = "af", .kib = 1, .created_ms = 800},
               {.level = 0, .span = "af", .kib = 1, .created_ms = 800},
               {.level = 0, .span = "af", .kib = 1, .created_ms = 800},
               {.level = 0, .span = "af", .kib = 1, .created_ms = 800},
               {.level = 0, .span = "af", .kib = 1, .created_ms = 800},
               {.level = LAST, .span = "az", .kib = 1, .deletes = 90, .created_ms = 800}},
     .all = true,
     .kind = PICK_NONE},
};

static struct version *draw(const struct drawn *files, enum engine_policy policy, struct morgue *morgue) {
    struct version_change changes[DRAWN_MAX];
    struct version *empty = version_create_empty(), *version;
    size_t count = 0;
    for (; count < DRAWN_MAX && files[count].span; count++) {
        const struct drawn *drawn = &files[count];
        const struct edit_file meta = {
            .number = count + 1,
            .instance = 1,
            .level = drawn->level,
            .bytes = drawn->kib * KIB,
            .first = slice_make(drawn->span, 1),
            .last = slice_make(drawn->span + 1, 1),
            .has_last = true,
            .codec = ENGINE_COMPRESSION_LZ4,
            .entries = 100,
            .deletes = drawn->deletes,
            .hidden = drawn->hidden,
            .range_deletes = drawn->covered_kib ? 1 : 0,
            .first_sequence = 10 * count + 10,
            .last_sequence = 10 * count + 19,
            .created_ms = drawn->created_ms,
            .droppable_ms = drawn->droppable_ms ? drawn->droppable_ms : INT64_MAX,
        };
        struct file *file = file_create(morgue, &meta);
        file->covered_bytes = drawn->covered_kib * KIB;
        atomic_store(&file->damaged, drawn->damaged);
        changes[count] = (struct version_change){
            .instance = 1, .level = drawn->level, .file = file, .add = true, .kind = &kinds[policy]};
    }
    assert_int_equal(version_apply(empty, changes, count, &version), STATUS_OK);
    for (size_t i = 0; i < count; i++) file_release(changes[i].file);
    version_release(empty);
    return version;
}

static void empty_morgue(struct morgue *morgue) {
    struct list *link;
    while ((link = list_pop_front(&morgue->files)) != NULL) file_destroy(list_entry(link, struct file, link));
    morgue_deinit(morgue);
}

static void spell(char *to, const struct level *level, uint32_t from, uint32_t end) {
    for (; from < end; from++) *to++ = (char)level->files[from]->meta.first.data[0];
    *to = 0;
}

static void check_row(const struct row *row) {
    struct morgue morgue;
    const struct engine_options options = {
        .level_base_bytes = 64 * KIB,
        .level_ratio = 10,
        .level0_trigger = row->policy == ENGINE_POLICY_LEVELED ? 4 : 2, /* where runs are merged it counts twice */
        .file_bytes = 16 * KIB,
    };
    const struct pick_context context = {.options = &options,
                                         .oldest_snapshot = row->snapshot ? 5 : UINT64_MAX,
                                         .newest_snapshot = row->snapshot ? 15 : 0,
                                         .mark_time_ms = 1000,
                                         .all = row->all,
                                         .at_rest = row->at_rest};
    struct pick choice;
    char inputs[32], next[32];
    morgue_init(&morgue);
    struct version *version = draw(row->files, row->policy, &morgue);
    pick(version, &context, &choice);
    if (choice.kind != row->kind) fail_msg("%s: chose %d, expected %d", row->name, choice.kind, row->kind);
    if (choice.kind != PICK_NONE) {
        spell(inputs, &choice.tree->levels[choice.level], choice.from, choice.to);
        spell(next, &choice.tree->levels[choice.output_level], choice.next_from, choice.next_to);
        if (choice.level != row->level || choice.output_level != row->output_level || choice.between != row->between ||
            strcmp(inputs, row->inputs) != 0 || strcmp(next, row->next) != 0)
            fail_msg("%s: chose level %u to %u, inputs %s, next %s", row->name, choice.level, choice.output_level,
                     inputs, next);
    }
    version_release(version);
    empty_morgue(&morgue);
}

static void every_row_leads_to_its_choice(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) check_row(&rows[i]);
}

static void targets_grow_from_the_last_level_up(void **state) {
    (void)state;
    struct morgue morgue;
    struct pick_targets targets;
    const struct engine_options options = {.level_base_bytes = 64 * KIB, .level_ratio = 10, .level0_trigger = 4};
    const struct drawn files[DRAWN_MAX] = {{.level = LAST, .span = "az", .kib = 6400}};
    morgue_init(&morgue);
    struct version *version = draw(files, ENGINE_POLICY_LEVELED, &morgue);
    pick_targets(version->trees[0], &options, &targets);
    assert_int_equal(targets.base, LAST - 2);
    assert_int_equal(targets.bytes[LAST], 6400 * KIB);
    assert_int_equal(targets.bytes[LAST - 1], 640 * KIB);
    assert_int_equal(targets.bytes[LAST - 2], 64 * KIB);
    assert_int_equal(targets.bytes[LAST - 3], 0);
    version_release(version);
    empty_morgue(&morgue);
}

static void debt_is_what_lies_over_the_targets(void **state) {
    (void)state;
    struct morgue morgue;
    uint64_t most;
    const struct engine_options options = {.level_base_bytes = 64 * KIB, .level_ratio = 10, .level0_trigger = 2};
    const struct drawn files[DRAWN_MAX] = {{.level = 0, .span = "az", .kib = 5},
                                           {.level = 0, .span = "az", .kib = 6},
                                           {.level = LAST - 1, .span = "ac", .kib = 10},
                                           {.level = LAST, .span = "az", .kib = 64}};
    morgue_init(&morgue);
    struct version *version = draw(files, ENGINE_POLICY_LEVELED, &morgue);
    assert_int_equal(pick_debt(version, &options, &most), 21 * KIB);
    assert_int_equal(most, 2);
    version_release(version);
    empty_morgue(&morgue);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_leads_to_its_choice),
        cmocka_unit_test(targets_grow_from_the_last_level_up),
        cmocka_unit_test(debt_is_what_lies_over_the_targets),
    };
    return cmocka_run_group_tests_name("pick", tests, NULL, NULL);
}
