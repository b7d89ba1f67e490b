/*
 * alloc_fault: the functions that the linker puts in place of malloc and kin (--wrap).
 */
#include "tests/harness/alloc_fault.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
void *__real_mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t offset);

static atomic_uint_least64_t allocations;
static atomic_uint_least64_t fail_first; /* 0: none */
static atomic_uint_least64_t fail_last;
static atomic_bool delivered;

static bool allocation_fails(void) {
    uint64_t number = atomic_fetch_add(&allocations, 1) + 1;
    uint64_t first = atomic_load(&fail_first);
    if (first == 0 || number < first || number > atomic_load(&fail_last)) return false;
    atomic_store(&delivered, true);
    return true;
}

static void faults_between(uint64_t first, uint64_t last) {
    atomic_store(&delivered, false);
    atomic_store(&fail_last, last);
    atomic_store(&fail_first, first);
}

void alloc_fault_at(uint64_t nth) {
    uint64_t number = atomic_load(&allocations) + nth;
    faults_between(number, number);
}

void alloc_fault_from(uint64_t nth) {
    faults_between(atomic_load(&allocations) + nth, UINT64_MAX);
}

bool alloc_fault_clear(void) {
    atomic_store(&fail_first, 0);
    return atomic_load(&delivered);
}

uint64_t alloc_fault_count(void) {
    return atomic_load(&allocations);
}

void *__wrap_malloc(size_t size) {
    return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return allocation_fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size) {
    return allocation_fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t align, size_t size) {
    return allocation_fails() ? NULL : __real_aligned_alloc(align, size);
}

/* Memory of the program's own is an allocation, a file mapped is not. */
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t offset) {
    if ((flags & MAP_ANONYMOUS) != 0 && allocation_fails()) return MAP_FAILED;
    return __real_mmap(address, size, protection, flags, descriptor, offset);
}
