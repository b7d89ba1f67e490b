/*
 * engine_bench: what the parts of `loam bench engine` share: the settings of a run, a step of it, and what a step
 * measured.
 *
 * The parent decides what runs when; each engine works in a process of its own (engine_child.h), so that its memory and
 * its processor time are its own. Settings, steps and results cross the pipe between two processes of one program as
 * they lie in memory: none of these structs holds a pointer.
 */
#ifndef TOOLS_LOAM_BENCH_ENGINE_BENCH_H
#define TOOLS_LOAM_BENCH_ENGINE_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/engine.h"

enum {
    BENCH_KEY_BYTES = 16,
    BENCH_VALUE_MAX_BYTES = 64 << 10,
    BENCH_LARGE_VALUE_BYTES = 1024, /* of fill1k and read1k */
    BENCH_BATCH = 1000,             /* puts in a batch of fillbatch */
    BENCH_SEEK_NEXTS = 10,          /* entries read behind each seek */
    BENCH_SYNC_WRITERS = 16,        /* threads of fillsync16, and the most of txn */
    BENCH_HOT_KEYS = 16,            /* of txnhot */
    BENCH_DELETED_ROW = 100000,     /* keys that seekdeleted deletes */
    BENCH_DELETED_SEEKS = 1000,     /* of seekdeleted and seekgone */
    BENCH_OPENS = 5,                /* of open */
    BENCH_STEPS_MAX = 64,
    BENCH_ENGINES_MAX = 4,
    BENCH_ROUNDS_MAX = 31,
    BENCH_TIMELINE_MAX = 512,
    BENCH_PATH_BYTES = 512,
};

enum bench_compression { BENCH_COMPRESSION_NONE, BENCH_COMPRESSION_LZ4, BENCH_COMPRESSION_ZSTD };

enum { BENCH_POLICIES = 4 };
const char *bench_policy_name(enum engine_policy policy);

/* The same for every engine of a run. */
struct bench_settings {
    uint64_t entries;     /* keys are drawn from so many */
    uint64_t reads;       /* of readrandom and readmissing */
    uint64_t sync_writes; /* of fillsync; fillsync16 makes four times as many */
    uint64_t value_bytes;
    uint64_t write_rate; /* of readwhilewriting's writer, a second; 0 = as fast as it goes */
    uint64_t seed;
    uint64_t memtable_bytes, cache_bytes;
    uint64_t level_bytes; /* target of the first sorted level */
    uint64_t file_bytes;  /* of compaction's outputs; 0 = as the engine would have it */
    uint64_t filter_bits;
    uint64_t memory_bytes;          /* loam's budget for all of it, instead of the two above; 0 = none */
    uint64_t value_threshold_bytes; /* of loam alone; 0 = all values stay with their keys */
    uint64_t dictionary_bytes;      /* of a table's zstd dictionary, in loam and RocksDB; 0 = none */
    uint64_t writers;               /* of txn */
    uint64_t hot_keys;              /* that txnhot draws from; 0 = BENCH_HOT_KEYS */
    enum bench_compression compression;
    enum engine_policy policy; /* of loam's tree */
    bool json_values;          /* rows of JSON cut to their size; else half of each value repeats the other half */
    bool decimal_keys;         /* sixteen digits; else eight bytes, big-endian, and eight times '0' */
    bool map_tables;           /* loam and RocksDB map their tables, as LevelDB and LMDB always do */
    bool reuse;                /* works on the store that an earlier run left */
    uint32_t engine;           /* index into engine_drivers */
    char dir[BENCH_PATH_BYTES];
    char library[BENCH_PATH_BYTES]; /* a peer's, as given or found */
};

/* One step: a workload on the state that the ones before left. */
struct bench_step {
    uint32_t workload; /* index into engine_workloads */
    uint32_t ordinal;  /* the step's place in the run: seeds its random numbers */
    bool compacted;    /* every engine is fully compacted by then */
};

struct bench_result {
    struct error error; /* status OK: the rest holds */

    uint64_t operations, found, bytes; /* found and bytes are the same for all engines, but for readwhilewriting */
    bool comparable;                   /* so they must be the same */
    uint64_t elapsed_ns;               /* to the last operation */
    uint64_t rest_ns;                  /* of writes: until no background work was left; 0 for reads */
    uint64_t cpu_ns;                   /* user and system, of writes up to rest */
    uint64_t latency_count;            /* 0: single operations were not timed */
    uint64_t p50_ns, p99_ns, p999_ns, max_ns;
    uint64_t conflicts;             /* of transactions, each begun anew until it went through */
    uint64_t beside, beside_max_ns; /* operations of the writer in readwhilewriting, and the longest one */

    uint64_t user_bytes;    /* keys and values that were written */
    uint64_t written_bytes; /* by the process, to files, up to rest; counted_writes false: the kernel does not tell */
    bool counted_writes;
    uint64_t table_bytes; /* in the directory at rest but for logs */
    uint64_t log_bytes;
    uint64_t live_bytes; /* keys and values that a reader finds; 0 = not known */
    uint64_t peak_bytes; /* of resident memory during the step, mapped files included */

    uint64_t timeline_ns; /* length of one sample; 0: none were taken */
    uint32_t timeline_count;
    uint32_t timeline[BENCH_TIMELINE_MAX]; /* operations that ended in each sample */
};

#endif
