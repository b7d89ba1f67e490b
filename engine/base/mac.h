/*
 * mac: HMAC-SHA-256 (RFC 2104) by OpenSSL: proof that the other end knows a secret. Checksums against accidents are
 * hash.h's matter.
 */
#ifndef ENGINE_BASE_MAC_H
#define ENGINE_BASE_MAC_H

#include <stdbool.h>

#include "engine/base/slice.h"
#include "engine/base/status.h"

#pragma GCC visibility push(default)

enum { MAC_BYTES = 32 };

/* NO_MEMORY only. */
MUST_CHECK enum status mac_compute(struct slice secret, struct slice text, uint8_t mac[MAC_BYTES]);
/* In time that does not depend on where they differ. */
bool mac_equal(const uint8_t a[MAC_BYTES], const uint8_t b[MAC_BYTES]);

#pragma GCC visibility pop

#endif
