/*
 * mend: any bytes as a file of loam's whose checks are right, so that a fuzzer reaches what stands behind them. Magics,
 * versions and checks are made right in place; what they cover stays as it is, as far as it goes.
 */
#ifndef TESTS_HARNESS_MEND_H
#define TESTS_HARNESS_MEND_H

#include <stddef.h>
#include <stdint.h>

/* REQUIRES: room for header and footer. */
void mend_sst(uint8_t *bytes, size_t size);
void mend_values(uint8_t *bytes, size_t size);
/* Header, sectors; nothing without a whole header page. */
void mend_manifest(uint8_t *bytes, size_t size);
/* Both slots of a store's superblock, of a node's; as far as they are there. */
void mend_superblock(uint8_t *bytes, size_t size);
void mend_node_state(uint8_t *bytes, size_t size);
/* A segment of the log, of whole pages: header, stamps, groups, records. Returns its number. */
uint32_t mend_segment(uint8_t *bytes, size_t size);

#endif
