/* engine_moments: see engine_moments.h. Jobs' steps interleave, so the file tells which of them an I/O may be of. */
#include "tests/harness/engine_moments.h"

#include <stdio.h>
#include <string.h>

const char *moment_name(enum moment moment) {
    static const char *const names[MOMENT_COUNT] = {
        [MOMENT_OPENING] = "opening",
        [MOMENT_LOG] = "log",
        [MOMENT_FLUSH] = "flush",
        [MOMENT_MERGE] = "compaction",
        [MOMENT_EXPIRY] = "compaction of what expired",
        [MOMENT_SCANS] = "compaction for scans",
        [MOMENT_DELETES] = "compaction of deletes",
        [MOMENT_RANGES] = "compaction under range deletes",
        [MOMENT_SWITCH] = "compaction after a switch of policies",
        [MOMENT_PINNED] = "compaction beside a snapshot",
        [MOMENT_FIFO] = "drop by age",
        [MOMENT_CAPPED] = "drop by bytes",
        [MOMENT_MANIFEST] = "manifest",
        [MOMENT_ROLL] = "manifest begun anew",
        [MOMENT_SUPERBLOCK] = "superblock",
        [MOMENT_REMOVAL] = "removal",
        [MOMENT_TRANSACTION] = "transaction",
        [MOMENT_INGEST] = "ingest",
        [MOMENT_CHECKPOINT] = "checkpoint",
        [MOMENT_BACKUP] = "backup",
        [MOMENT_UPGRADE] = "upgrade",
    };
    return names[moment];
}

static bool tells(const char *line, const char *text) {
    return strstr(line, text) != NULL;
}

static enum moment why_of(const char *line) {
    if (tells(line, "\"why\":\"the filter drops")) return MOMENT_EXPIRY;
    if (tells(line, "\"why\":\"scans pass over")) return MOMENT_SCANS;
    if (tells(line, "\"why\":\"the file is mostly deletes")) return MOMENT_DELETES;
    return tells(line, "\"why\":\"range deletes cover") ? MOMENT_RANGES : MOMENT_MERGE;
}

void moments_event(void *context, const char *line) {
    struct moments *moments = context;
    if (tells(line, "\"event\":\"flush start\"")) moments->flushes = true;
    if (tells(line, "\"event\":\"flush end\"")) moments->flushes = false;
    if (tells(line, "\"event\":\"drop start\"")) {
        moments->drops = true;
        moments->drops_by_bytes = tells(line, "\"kind\":\"model.capped\"");
    }
    if (tells(line, "\"event\":\"drop end\"")) moments->drops = false;
    if (tells(line, "\"event\":\"compaction start\"")) {
        moments->merges = true;
        moments->why = why_of(line);
    }
    if (tells(line, "\"event\":\"compaction end\"")) moments->merges = false;
    if (tells(line, "\"event\":\"compaction put off\"")) moments->merges = moments->drops = false;
}

void moments_open(struct moments *moments, bool policies_changed) {
    *moments = (struct moments){.is_opening = true, .policies_changed = policies_changed};
}

static uint32_t bit(enum moment moment, bool holds) {
    return holds ? UINT32_C(1) << moment : 0;
}

/* A manifest of another name is begun; the superblock's sync ends it. */
static void follow_roll(struct moments *moments, enum sim_disk_call call, const char *path) {
    if (tells(path, ".manifest") && call == SIM_DISK_OPEN && strcmp(path, moments->manifest) != 0) {
        moments->rolls = !moments->is_opening;
        (void)snprintf(moments->manifest, sizeof moments->manifest, "%s", path);
    }
}

uint32_t moments_at(struct moments *moments, enum sim_disk_call call, const char *path) {
    const bool of_store = moments->activity != MOMENT_CHECKPOINT && moments->activity != MOMENT_BACKUP;
    const bool is_table = tells(path, ".sst"), is_superblock = tells(path, "SUPERBLOCK");
    /* What a range delete covers whole goes unread: then the edit is all there is of it. */
    const bool covers = moments->merges && moments->why == MOMENT_RANGES && tells(path, ".manifest");
    const bool merges = moments->merges && is_table;
    if (of_store) follow_roll(moments, call, path);
    uint32_t at = bit(MOMENT_OPENING, moments->is_opening) | bit(MOMENT_LOG, tells(path, "/wal")) |
                  bit(MOMENT_FLUSH, moments->flushes && is_table) | bit(MOMENT_MERGE, merges) |
                  bit(moments->why, merges || covers) | bit(MOMENT_SWITCH, merges && moments->policies_changed) |
                  bit(MOMENT_PINNED, merges && moments->snapshots > 0) |
                  bit(MOMENT_FIFO, moments->drops && !moments->drops_by_bytes) |
                  bit(MOMENT_CAPPED, moments->drops && moments->drops_by_bytes) |
                  bit(MOMENT_MANIFEST, tells(path, ".manifest")) | bit(MOMENT_ROLL, moments->rolls) |
                  bit(MOMENT_SUPERBLOCK, is_superblock && !moments->is_opening && of_store) |
                  bit(MOMENT_REMOVAL, call == SIM_DISK_REMOVE) | bit(moments->activity, moments->activity != 0);
    if (of_store && is_superblock && call == SIM_DISK_SYNC) moments->rolls = false;
    return at;
}
