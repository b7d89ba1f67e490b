/*
 * alloc_fault: makes the Nth allocation of the code under test fail. Every test program is linked with malloc, calloc,
 * realloc, aligned_alloc and (for anonymous memory) mmap wrapped; calls from our objects count, those inside shared
 * libraries (libc, cmocka) do not.
 *
 *     for (uint64_t n = 1;; n++) {
 *         alloc_fault_at(n);
 *         enum status status = thing_under_test();
 *         if (!alloc_fault_clear()) break;        // fewer than n allocations: all points were tried
 *         assert_int_equal(status, STATUS_NO_MEMORY);
 *     }
 */
#ifndef TESTS_HARNESS_ALLOC_FAULT_H
#define TESTS_HARNESS_ALLOC_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* The nth allocation from now (1 = the next) gives NULL, once. Counted over all threads. */
void alloc_fault_at(uint64_t nth);

/* The nth and every later one gives NULL until cleared. */
void alloc_fault_from(uint64_t nth);

/* No more faults; true if one was delivered since it was asked for. */
bool alloc_fault_clear(void);

/* Allocations since the program started, failed ones included. */
uint64_t alloc_fault_count(void);

#endif
