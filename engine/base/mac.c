/* mac: see mac.h. */
#include "engine/base/mac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum status mac_compute(struct slice secret, struct slice text, uint8_t mac[MAC_BYTES]) {
    unsigned size = 0;
    const unsigned char *made = HMAC(EVP_sha256(), secret.data, (int)secret.size, text.data, text.size, mac, &size);
    return made && size == MAC_BYTES ? STATUS_OK : STATUS_NO_MEMORY;
}

bool mac_equal(const uint8_t a[MAC_BYTES], const uint8_t b[MAC_BYTES]) {
    return CRYPTO_memcmp(a, b, MAC_BYTES) == 0;
}
