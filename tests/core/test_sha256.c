/* SHA-256 and MD5 against the vectors that their standards are published with. */
#include "support/test.h"

#include "cli/md5.h"
#include "cli/sha256.h"

#include <string.h>

static void check(const char *expected, const uint8_t digest[SHA256_BYTES])
{
    char text[2 * SHA256_BYTES + 1];
    sha256_text(text, digest);
    if (strcmp(text, expected) != 0)
        test_fail(__FILE__, __LINE__, "the digest is %s, not %s", text, expected);
}

static void check_message(const char *expected, const char *message)
{
    struct sha256 state = sha256_begin();
    uint8_t digest[SHA256_BYTES];
    sha256_add(&state, message, strlen(message));
    sha256_end(digest, &state);
    check(expected, digest);
}

TEST(published_messages) /* FIPS 180-2, appendix B, and the empty message */
{
    check_message("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "");
    check_message("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "abc");
    check_message("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
                  "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq");
}

TEST(a_million_letters)
{
    char *letters = test_bytes(1000000);
    memset(letters, 'a', 1000000);
    struct sha256 state = sha256_begin();
    uint8_t digest[SHA256_BYTES];
    sha256_add(&state, letters, 1000000);
    sha256_end(digest, &state);
    check("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", digest);
}

/* However a message is cut into parts, and wherever its end falls in a block. */
TEST(parts)
{
    struct random random = random_seed(1, 1);
    for (int size = 0; size < 200; size++) {
        uint8_t *message = test_bytes((size_t)size), whole[SHA256_BYTES], pieces[SHA256_BYTES];
        for (int i = 0; i < size; i++)
            message[i] = (uint8_t)random_below(&random, 256);
        struct sha256 one = sha256_begin(), many = sha256_begin();
        sha256_add(&one, message, (size_t)size);
        for (int at = 0, length; at < size; at += length) {
            length = test_between(&random, 0, size - at);
            sha256_add(&many, message + at, (size_t)length);
        }
        sha256_end(whole, &one);
        sha256_end(pieces, &many);
        test_context("%d bytes", size);
        CHECK(memcmp(whole, pieces, SHA256_BYTES) == 0);
    }
}

static void check_md5(const char *expected, const char *message)
{
    struct md5 state = md5_begin();
    uint8_t digest[MD5_BYTES];
    char text[2 * MD5_BYTES + 1];
    md5_add(&state, message, strlen(message));
    md5_end(digest, &state);
    md5_text(text, digest);
    if (strcmp(text, expected) != 0)
        test_fail(__FILE__, __LINE__, "the digest is %s, not %s", text, expected);
}

TEST(md5) /* RFC 1321, A.5 */
{
    check_md5("d41d8cd98f00b204e9800998ecf8427e", "");
    check_md5("0cc175b9c0f1b6a831c399e269772661", "a");
    check_md5("900150983cd24fb0d6963f7d28e17f72", "abc");
    check_md5("f96b697d7cb7938d525a2f31aaf161d0", "message digest");
    check_md5("c3fcd3d76192e4007dfb496cca67e13b", "abcdefghijklmnopqrstuvwxyz");
    check_md5("d174ab98d277d9f5a5611c2c9f419d9f", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    check_md5("57edf4a22be3c955ac49da2e2107b67a",
              "12345678901234567890123456789012345678901234567890123456789012345678901234567890");
}

static const struct test tests[] = {ENTRY(published_messages), ENTRY(a_million_letters), ENTRY(parts), ENTRY(md5)};
const struct suite sha256_suite = SUITE("sha256", tests);
