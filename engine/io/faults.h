/*
 * faults: what io_set_faults asks for, as io.c carries it out before any backend is asked. Costs a look at a flag while
 * there are none.
 */
#ifndef ENGINE_IO_FAULTS_H
#define ENGINE_IO_FAULTS_H

#include "engine/io_backend.h"

bool faults_are_full(const struct io *io);
/* Would bytes up to `end` of the file need room on a device that is full? What lies over bytes that are there does not.
 */
bool faults_leave_no_room(struct io_file *file, uint64_t end);
/* A blocking barrier's delay. */
void faults_wait(struct io *io);
uint64_t faults_sync_delay_ns(const struct io *io);
int64_t faults_clock_offset_ms(const struct io *io);

/* Barriers of the loop are held in the order of their submission: a shorter delay does not overtake. */
void faults_hold(struct io *io, struct io_op *op, uint64_t delay_ns);
struct io_op *faults_take_due(struct io *io);                 /* NULL: none is */
bool faults_take_held(struct io *io, const struct io_op *op); /* false: it is not held */
uint64_t faults_held_until_ns(const struct io *io);           /* when the next is due; UINT64_MAX: none is held */

#endif
