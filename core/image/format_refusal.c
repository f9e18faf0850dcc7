/* What is known by name and not read. */
#include "image/formats.h"

#include "base/bytes.h"
#include "image/tiff.h"

#include <string.h>

/* First bytes; a question mark is any byte. */
#define MAGIC(text) text, sizeof(text) - 1
static const struct magic {
    const char *bytes;
    size_t size;
    enum status status;
} magics[] = {
    {MAGIC("GIF8"), STATUS_IMAGE_GIF},
    {MAGIC("RIFF????WEBP"), STATUS_IMAGE_WEBP},
    {MAGIC("II*\0????CR"), STATUS_IMAGE_RAW}, /* Canon's CR2 */
    {MAGIC("II*\0"), STATUS_IMAGE_TIFF},
    {MAGIC("MM\0*"), STATUS_IMAGE_TIFF},
    {MAGIC("II+\0"), STATUS_IMAGE_TIFF}, /* with 64-bit offsets */
    {MAGIC("MM\0+"), STATUS_IMAGE_TIFF},
    {MAGIC("FUJIFILMCCD-RAW"), STATUS_IMAGE_RAW},
    {MAGIC("IIRO"), STATUS_IMAGE_RAW}, /* Olympus */
    {MAGIC("IIRS"), STATUS_IMAGE_RAW},
    {MAGIC("MMOR"), STATUS_IMAGE_RAW},
    {MAGIC("IIU\0"), STATUS_IMAGE_RAW}, /* Panasonic */
    {MAGIC("FOVb"), STATUS_IMAGE_RAW},  /* Sigma */
    {MAGIC("\0MRM"), STATUS_IMAGE_RAW}, /* Minolta */
    {MAGIC("\xff\x0a"), STATUS_IMAGE_JPEG_XL},
    {MAGIC("\0\0\0\xcJXL \r\n\x87\n"), STATUS_IMAGE_JPEG_XL},
    {MAGIC("\xff\x4f\xff\x51"), STATUS_IMAGE_JPEG_2000},
    {MAGIC("\0\0\0\xcjP  \r\n\x87\n"), STATUS_IMAGE_JPEG_2000},
    {MAGIC("%PDF-"), STATUS_IMAGE_PDF},
    {MAGIC("????moov"), STATUS_IMAGE_VIDEO}, /* QuickTime's before ISO's ftyp */
    {MAGIC("????mdat"), STATUS_IMAGE_VIDEO},
    {MAGIC("????wide"), STATUS_IMAGE_VIDEO},
    {MAGIC("RIFF????AVI "), STATUS_IMAGE_VIDEO},
    {MAGIC("\x1a\x45\xdf\xa3"), STATUS_IMAGE_VIDEO}, /* Matroska and WebM */
    {MAGIC("version https://git-lfs"), STATUS_IMAGE_LFS_POINTER},
};

static bool begins_with(const uint8_t *bytes, size_t size, const struct magic *magic)
{
    if (size < magic->size)
        return false;
    for (size_t i = 0; i < magic->size; i++)
        if (magic->bytes[i] != '?' && (uint8_t)magic->bytes[i] != bytes[i])
            return false;
    return true;
}

/* A camera's raw file that is a TIFF: its first picture is a thumbnail, or it has DNG's version. */
static bool is_raw_tiff(const uint8_t *bytes, size_t size)
{
    enum { KIND_OF_PICTURE = 254, THUMBNAIL = 1, DNG_VERSION = 50706 };
    struct tiff_entry entry;
    return tiff_find(&entry, bytes, size, DNG_VERSION) ||
           (tiff_find(&entry, bytes, size, KIND_OF_PICTURE) && entry.value == THUMBNAIL);
}

static bool is_brand(const uint8_t *brand, const char *brands)
{
    for (; *brands; brands += 4)
        if (memcmp(brand, brands, 4) == 0)
            return true;
    return false;
}

/* The box ftyp of ISO's media files: a brand, a version, and the brands that it is compatible with. */
static enum status by_brand(const uint8_t *bytes, size_t size)
{
    enum { BRAND = 8, COMPATIBLE = 16 };
    const size_t box = bytes_get4_big(bytes), end = box < size ? box : size;
    const uint8_t *brand = bytes + BRAND;
    if (is_brand(brand, "avifavis"))
        return STATUS_IMAGE_AVIF;
    if (is_brand(brand, "crx "))
        return STATUS_IMAGE_RAW; /* Canon's CR3 */
    const bool image = is_brand(brand, "mif1msf1miaf");
    for (size_t at = COMPATIBLE; image && at + 4 <= end; at += 4)
        if (is_brand(bytes + at, "avifavis"))
            return STATUS_IMAGE_AVIF;
    return image || is_brand(brand, "heicheixheimheishevchevxhevmhevs") ? STATUS_IMAGE_HEIC : STATUS_IMAGE_VIDEO;
}

struct text {
    const uint8_t *at, *end;
};

/* Whether the text goes on with this, whose letters are small; the text's may be capitals. */
static bool goes_on(struct text text, const char *word)
{
    for (; *word; word++, text.at++)
        if (text.at == text.end ||
            (*text.at >= 'A' && *text.at <= 'Z' ? *text.at - 'A' + 'a' : *text.at) != (uint8_t)*word)
            return false;
    return true;
}

static struct text behind_spaces(struct text text)
{
    while (text.at < text.end && memchr(" \t\r\n\f", *text.at, 5))
        text.at++;
    return text;
}

/* Behind the first `mark`, or the end. */
static struct text behind(struct text text, const char *mark)
{
    while (text.at < text.end && !goes_on(text, mark))
        text.at++;
    const size_t left = (size_t)(text.end - text.at), length = strlen(mark);
    text.at += left < length ? left : length;
    return text;
}

/* SVG, or any other text of elements, as the page of an error. Before the first element there may be a byte order mark,
 * instructions and comments; its name may have a prefix and a colon. */
static enum status of_elements(struct text text)
{
    if (goes_on(text, "\xef\xbb\xbf"))
        text.at += 3;
    text = behind_spaces(text);
    if (!goes_on(text, "<"))
        return STATUS_IMAGE_FORMAT;
    while (goes_on(text, "<?") || goes_on(text, "<!--"))
        text = behind_spaces(behind(text, goes_on(text, "<?") ? "?>" : "-->"));
    if (goes_on(text, "<!doctype"))
        return goes_on(behind_spaces(behind(text, "<!doctype")), "svg") ? STATUS_IMAGE_SVG : STATUS_IMAGE_HTML;
    if (goes_on(text, "<svg"))
        return STATUS_IMAGE_SVG;
    while (text.at < text.end && !memchr(":> \t\r\n", *text.at, 6))
        text.at++;
    return goes_on(text, ":svg") ? STATUS_IMAGE_SVG : STATUS_IMAGE_HTML;
}

enum status format_refusal(const uint8_t *bytes, size_t size)
{
    static const struct magic box = {MAGIC("????ftyp????"), STATUS_IMAGE_VIDEO};
    if (begins_with(bytes, size, &box))
        return by_brand(bytes, size);
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (begins_with(bytes, size, &magics[i]))
            return magics[i].status == STATUS_IMAGE_TIFF && is_raw_tiff(bytes, size) ? STATUS_IMAGE_RAW
                                                                                     : magics[i].status;
    return of_elements((struct text){bytes, bytes + size});
}
