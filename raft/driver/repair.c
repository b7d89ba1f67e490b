/*
 * repair: a log or a store that is damaged is had from the peers again (Alagappan et al., "Protocol-Aware Recovery for
 * Consensus-Based Storage", FAST 2018). Invariant: from the moment something is set aside until all of it is back, the
 * superblock says up to which term acknowledged entries may be missing, and the core keeps by that (core/election.c).
 *
 * What is damaged stays where it is, for people; one write of the superblock names other directories, new and empty,
 * and the doubt. The rest is the leader's ordinary work: entries, or a snapshot. Without its store a log is of no use,
 * for it begins where the store ended; so it goes with it.
 *
 * All is back when an entry that this life of the node asked for is durable in its log: it stands above everything that
 * the leader's log held then, and that is all that this node ever acknowledged, as far as it was committed. The opening
 * of the node's session is such an entry, told from others by its nonce.
 */
#include <inttypes.h>

#include "raft/driver/driver_internal.h"

enum { WARN_AFTER_MS = 10000, WARN_AGAIN_MS = 60000 };

bool repair_is_damage(enum status status) {
    return status == STATUS_CORRUPT || status == STATUS_FAULTY;
}

static unsigned count_others(const uint64_t *voters, unsigned count, uint64_t self) {
    unsigned others = 0;
    for (unsigned i = 0; i < count; i++) others += voters[i] != self;
    return others;
}

/* Whether the others are a majority without this node, which must not vote for a while. */
static bool others_decide(const struct raft_configuration *configuration, uint64_t self) {
    const unsigned voters = configuration->voter_count, outgoing = configuration->outgoing_count;
    return voters > 0 && count_others(configuration->voters, voters, self) > voters / 2 &&
           (outgoing == 0 || count_others(configuration->outgoing, outgoing, self) > outgoing / 2);
}

/* As the store has it, when that is sound; else as the directory was made. */
static enum status read_configuration(const struct raft_driver *driver, enum repair_part part,
                                      struct raft_configuration *configuration) {
    members_founding_configuration(driver, configuration);
    if (part == REPAIR_STORE || driver->engine == NULL || engine_installed(driver->engine).index == 0) return STATUS_OK;
    return apply_read_configuration(driver, driver->engine, configuration);
}

static enum status refuse(const struct raft_driver *driver, enum repair_part part, enum status status,
                          struct error *error) {
    return error_prefix(
        error, status,
        "node %" PRIu64 ": the %s is damaged, and the other voters are no majority to have it from; "
        "nothing was changed. Entries that were acknowledged may be lost with it: restore the directory "
        "from a copy, or replace the node",
        driver->identity.node_id, part == REPAIR_LOG ? "log" : "store");
}

static enum status close_state(struct raft_driver *driver) {
    raft_log_close(driver->raft_log);
    raft_destroy(driver->raft);
    engine_close(driver->engine);
    sessions_destroy(driver->sessions);
    driver->raft_log = NULL;
    driver->raft = NULL;
    driver->engine = NULL;
    driver->sessions = NULL;
    return sessions_create(driver->options.reply_memory_bytes, &driver->sessions);
}

/*
 * What is damaged gets no new byte: other directories are named, which are not there yet (a snapshot that was being
 * taken may have begun the next store; it is left over then, as all that nothing names).
 */
static void name_others(struct raft_driver *driver, enum repair_part part) {
    struct node_state *superblock = &driver->superblock;
    if (superblock->term > superblock->doubt_term) superblock->doubt_term = superblock->term;
    superblock->damaged_log = superblock->log_number + 1;
    superblock->log_number++;
    superblock->log_from = 0;
    if (part == REPAIR_LOG) return;
    superblock->damaged_engine = superblock->engine_number;
    superblock->engine_number += 2;
    superblock->log_start = superblock->log_start_term = 0;
}

enum status repair_set_aside(struct raft_driver *driver, enum repair_part part, enum status status,
                             struct error *error) {
    struct raft_configuration configuration;
    if (repair_is_damage(read_configuration(driver, part, &configuration))) part = REPAIR_STORE;
    if (part == REPAIR_STORE) members_founding_configuration(driver, &configuration);
    if (!others_decide(&configuration, driver->identity.node_id)) return refuse(driver, part, status, error);
    log_error(driver->log,
              "node %" PRIu64 ": the %s is damaged and set aside: %s; it neither campaigns nor votes for what may lack "
              "entries of terms up to %" PRIu64 ", until it has all of it from the others",
              driver->identity.node_id, part == REPAIR_LOG ? "log" : "store",
              error != NULL ? error->text : status_text(status), driver->superblock.term);
    driver->whole_index = 0;
    status = close_state(driver);
    name_others(driver, part);
    if (status == STATUS_OK) status = driver_settle_superblock(driver);
    if (status == STATUS_OK) status = driver_remove_leftovers(driver);
    driver->counts.repairs++;
    return status == STATUS_OK ? status : error_set(error, status, "%s: %s", driver->dir, status_text(status));
}

/* ---- While the node runs ---- */

static void begin(struct raft_driver *driver, enum repair_part part, const char *where) {
    struct repair *repair = &driver->repair;
    repair->state = REPAIR_BEGUN;
    repair->part = part;
    if (!others_decide(&driver->configuration, driver->identity.node_id)) {
        repair->state = REPAIR_HELPLESS;
        log_error(driver->log,
                  "node %" PRIu64 ": the %s is damaged, and the other voters are no majority to have it "
                  "from: %s",
                  driver->identity.node_id, part == REPAIR_LOG ? "log" : "store", where);
        return;
    }
    driver_fail(driver, STATUS_CORRUPT, where);
    driver->counts.repairs++;
    driver->wants_turn = true;
}

void repair_log_is_damaged(struct raft_driver *driver) {
    if (driver->repair.state == REPAIR_NONE) begin(driver, REPAIR_LOG, "reading the log met damage");
}

/* Whatever met it, a read, a compaction, an entry's apply: the engine remembers. */
static void look_at_engine(struct raft_driver *driver) {
    struct error error;
    if (driver->ticks == driver->repair.looked_tick && driver->failed == STATUS_OK) return;
    driver->repair.looked_tick = driver->ticks;
    engine_last_damage(driver->engine, &error);
    if (repair_is_damage(error.status)) begin(driver, REPAIR_STORE, error.text);
}

void repair_written(struct raft_driver *driver, enum status status) {
    if (driver->repair.state != REPAIR_NAMES) return;
    if (status != STATUS_OK) {
        driver->repair.state = REPAIR_HELPLESS;
        log_error(driver->log,
                  "node %" PRIu64 ": what is damaged can't be set aside, for the superblock can't be written: %s; a "
                  "restart tries again",
                  driver->identity.node_id, status_text(status));
        return;
    }
    driver->repair.state = REPAIR_REOPENS;
    log_warn(driver->log, "node %" PRIu64 ": what is damaged is set aside; the node is to be opened anew",
             driver->identity.node_id);
}

bool raft_driver_wants_reopen(const struct raft_driver *driver) {
    return driver->repair.state == REPAIR_REOPENS;
}

static void go_on(struct raft_driver *driver) {
    struct repair *repair = &driver->repair;
    if (repair->state == REPAIR_NONE && !driver->installing) look_at_engine(driver);
    if (repair->state != REPAIR_BEGUN || driver->superblock_writing) return;
    repair->state = REPAIR_NAMES;
    name_others(driver, repair->part);
    persist_write_superblock(driver);
}

/* ---- Whole again ---- */

void repair_session_opened(struct raft_driver *driver, uint64_t index) {
    if (driver->superblock.doubt_term != 0 && driver->whole_index == 0) driver->whole_index = index;
}

static void end_doubt(struct raft_driver *driver) {
    if (driver->whole_index == 0 || driver->failed != STATUS_OK || driver->installing) return;
    if (raft_log_durable(driver->raft_log) < driver->whole_index) return;
    /* If the power goes before the superblock says so, too, the node doubts once more: no harm. */
    const struct raft_event event = {.kind = RAFT_EVENT_WHOLE};
    if (driver_step(driver, &event, 0, NULL) != STATUS_OK) return;
    driver->superblock.doubt_term = 0;
    driver->superblock_dirty = true;
    driver->wants_turn = true;
    log_info(driver->log, "node %" PRIu64 ": all is there again up to entry %" PRIu64 ": it votes like any other",
             driver->identity.node_id, driver->whole_index);
    driver->whole_index = 0;
}

/* Said again from time to time: somebody has to decide. */
static void warn_if_stuck(struct raft_driver *driver) {
    struct repair *repair = &driver->repair;
    const uint64_t now = driver_now(driver);
    const bool waits = driver->superblock.doubt_term != 0 && driver->leader == 0 && driver->failed == STATUS_OK;
    if (!waits || repair->warn_ns == 0) repair->warn_ns = now + (uint64_t)WARN_AFTER_MS * MS_NS;
    if (!waits || now < repair->warn_ns) return;
    repair->warn_ns = now + (uint64_t)WARN_AGAIN_MS * MS_NS;
    log_warn(driver->log,
             "node %" PRIu64 ": no leader is found without this node's vote, which it does not give: entries that it "
             "acknowledged in terms up to %" PRIu64 " are missing here, and may stand only on nodes that are down or "
             "damaged, too. Bring those back; what none of them holds is lost",
             driver->identity.node_id, driver->superblock.doubt_term);
}

void repair_turn(struct raft_driver *driver) {
    go_on(driver);
    end_doubt(driver);
    warn_if_stuck(driver);
}
