/* core/image/formats.h: what a file that should be a picture is, by its first bytes. */
#include "image/decode.h"

#include "support/test.h"

#include <string.h>

static enum status status_of(const void *file, size_t size)
{
    uint8_t *bytes = test_bytes(size); /* exactly so long: AddressSanitizer sees a step behind it */
    memcpy(bytes, file, size);
    int width, height;
    const enum status status = decode_size(&width, &height, bytes, size);
    struct picture picture;
    CHECK_EQUAL(decode_picture(&picture, bytes, size), status);
    return status;
}

#define FILE_OF(text) text, sizeof(text) - 1
static const struct {
    const char *name, *bytes;
    size_t size;
    enum status status;
} files[] = {
    {"HEIC",
     FILE_OF("\0\0\0\x18"
             "ftypheic\0\0\0\0mif1heic"),
     STATUS_IMAGE_HEIC},
    {"HEIC of 10 bits",
     FILE_OF("\0\0\0\x18"
             "ftypheix\0\0\0\0mif1heix"),
     STATUS_IMAGE_HEIC},
    {"HEIF",
     FILE_OF("\0\0\0\x18"
             "ftypmif1\0\0\0\0mif1heic"),
     STATUS_IMAGE_HEIC},
    {"HEIF sequence",
     FILE_OF("\0\0\0\x18"
             "ftypmsf1\0\0\0\0msf1hevc"),
     STATUS_IMAGE_HEIC},
    {"AVIF",
     FILE_OF("\0\0\0\x18"
             "ftypavif\0\0\0\0mif1miaf"),
     STATUS_IMAGE_AVIF},
    {"AVIF sequence",
     FILE_OF("\0\0\0\x18"
             "ftypavis\0\0\0\0mif1miaf"),
     STATUS_IMAGE_AVIF},
    {"AVIF by another brand",
     FILE_OF("\0\0\0\x18"
             "ftypmif1\0\0\0\0miafavif"),
     STATUS_IMAGE_AVIF},
    {"a brand behind the box",
     FILE_OF("\0\0\0\x14"
             "ftypmif1\0\0\0\0miafavif"),
     STATUS_IMAGE_HEIC},
    {"a box that is cut",
     FILE_OF("\0\0\0\x20"
             "ftypmif1\0\0\0\0mia"),
     STATUS_IMAGE_HEIC},
    {"MP4",
     FILE_OF("\0\0\0\x20"
             "ftypisom\0\0\2\0isomiso2avc1mp41"),
     STATUS_IMAGE_VIDEO},
    {"MOV",
     FILE_OF("\0\0\0\x14"
             "ftypqt  \0\0\0\0qt  "),
     STATUS_IMAGE_VIDEO},
    {"old MOV", FILE_OF("\0\0\0\x8wide\0\0\0\0mdat"), STATUS_IMAGE_VIDEO},
    {"AVI", FILE_OF("RIFF\1\2\3\4AVI LIST"), STATUS_IMAGE_VIDEO},
    {"WebM", FILE_OF("\x1a\x45\xdf\xa3\x9f\x42\x86\x81"), STATUS_IMAGE_VIDEO},
    {"WebP", FILE_OF("RIFF\1\2\3\4WEBPVP8 "), STATUS_IMAGE_WEBP},
    {"WAV", FILE_OF("RIFF\1\2\3\4WAVEfmt "), STATUS_IMAGE_FORMAT},
    {"GIF", FILE_OF("GIF89a"), STATUS_IMAGE_GIF},
    {"old GIF", FILE_OF("GIF87a\1\0\1\0"), STATUS_IMAGE_GIF},
    {"TIFF", FILE_OF("II*\0\x8\0\0\0\1\0\xfe\0\4\0\1\0\0\0\0\0\0\0"), STATUS_IMAGE_TIFF},
    {"TIFF, big endian", FILE_OF("MM\0*\0\0\0\x8"), STATUS_IMAGE_TIFF},
    {"TIFF alone", FILE_OF("MM\0*"), STATUS_IMAGE_TIFF},
    {"BigTIFF", FILE_OF("II+\0\x8\0\0\0"), STATUS_IMAGE_TIFF},
    {"BigTIFF, big endian", FILE_OF("MM\0+\0\x8\0\0"), STATUS_IMAGE_TIFF},
    {"DNG", FILE_OF("MM\0*\0\0\0\x8\0\2\1\1\0\3\0\0\0\1\0\0\0\0\xc6\x12\0\1\0\0\0\4\1\4\0\0"), STATUS_IMAGE_RAW},
    {"NEF, ARW: first a thumbnail", FILE_OF("II*\0\x8\0\0\0\1\0\xfe\0\4\0\1\0\0\0\1\0\0\0"), STATUS_IMAGE_RAW},
    {"CR2", FILE_OF("II*\0\x10\0\0\0CR\2\0"), STATUS_IMAGE_RAW},
    {"CR3",
     FILE_OF("\0\0\0\x18"
             "ftypcrx \0\0\0\1crx isom"),
     STATUS_IMAGE_RAW},
    {"RAF", FILE_OF("FUJIFILMCCD-RAW 0201"), STATUS_IMAGE_RAW},
    {"ORF", FILE_OF("IIRO\x8\0\0\0"), STATUS_IMAGE_RAW},
    {"ORF, another", FILE_OF("IIRS\x8\0\0\0"), STATUS_IMAGE_RAW},
    {"RW2", FILE_OF("IIU\0\x18\0\0\0"), STATUS_IMAGE_RAW},
    {"X3F", FILE_OF("FOVb\0\0\2\0"), STATUS_IMAGE_RAW},
    {"MRW", FILE_OF("\0MRM\0\0\0\0"), STATUS_IMAGE_RAW},
    {"JPEG XL", FILE_OF("\xff\x0a\xfa\x7f"), STATUS_IMAGE_JPEG_XL},
    {"JPEG XL in boxes",
     FILE_OF("\0\0\0\xcJXL \r\n\x87\n\0\0\0\x14"
             "ftypjxl "),
     STATUS_IMAGE_JPEG_XL},
    {"JPEG 2000",
     FILE_OF("\0\0\0\xcjP  \r\n\x87\n\0\0\0\x14"
             "ftypjp2 "),
     STATUS_IMAGE_JPEG_2000},
    {"JPEG 2000 without boxes", FILE_OF("\xff\x4f\xff\x51\0\x29"), STATUS_IMAGE_JPEG_2000},
    {"PDF", FILE_OF("%PDF-1.7\n"), STATUS_IMAGE_PDF},
    {"LFS", FILE_OF("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n"), STATUS_IMAGE_LFS_POINTER},
    {"SVG", FILE_OF("<svg xmlns='http://www.w3.org/2000/svg'/>"), STATUS_IMAGE_SVG},
    {"SVG with all before it",
     FILE_OF(
         "\xef\xbb\xbf \r\n<?xml version='1.0'?>\n<!-- <html> -->\t<!-- -->\n<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN'"),
     STATUS_IMAGE_SVG},
    {"SVG with a prefix", FILE_OF("<?xml version='1.0'?><ns0:svg xmlns:ns0='http://www.w3.org/2000/svg'>"),
     STATUS_IMAGE_SVG},
    {"HTML", FILE_OF("<!DOCTYPE html><p>404"), STATUS_IMAGE_HTML},
    {"HTML in small letters", FILE_OF("\n\n<!doctype HTML>"), STATUS_IMAGE_HTML},
    {"HTML without a type", FILE_OF("\xef\xbb\xbf<HTML lang=de>"), STATUS_IMAGE_HTML},
    {"HTML from its head", FILE_OF("<head><title>Not Found"), STATUS_IMAGE_HTML},
    {"HTML from a comment", FILE_OF("<!-- saved from svg -->"), STATUS_IMAGE_HTML},
    {"HTML that is cut", FILE_OF("<!--"), STATUS_IMAGE_HTML},
    {"XML", FILE_OF("<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code>"), STATUS_IMAGE_HTML},
    {"less than", FILE_OF(" <"), STATUS_IMAGE_HTML},
    {"nothing", "", 0, STATUS_IMAGE_FORMAT},
    {"spaces", FILE_OF("  \n"), STATUS_IMAGE_FORMAT},
    {"text", FILE_OF("Not Found"), STATUS_IMAGE_FORMAT},
    {"JSON", FILE_OF("{\"error\": \"<html>\"}"), STATUS_IMAGE_FORMAT},
    {"zeros, then a JPEG", FILE_OF("\0\0\xff\xd8\xff\xe0\0\x10JFIF"), STATUS_IMAGE_FORMAT},
    {"text, then a JPEG", FILE_OF("JPEG:\xff\xd8\xff\xe0\0\x10JFIF"), STATUS_IMAGE_FORMAT},
};
enum { FILES = sizeof files / sizeof *files };

TEST(files_by_name)
{
    for (int i = 0; i < FILES; i++) {
        test_context("%s", files[i].name);
        CHECK_EQUAL(status_of(files[i].bytes, files[i].size), files[i].status);
    }
}

/* Each status of a known format has a row above, and a text that says what to do. */
TEST(every_format_is_tested_and_named)
{
    for (int status = STATUS_IMAGE_HEIC; status <= STATUS_IMAGE_LFS_POINTER; status++) {
        bool found = false;
        for (int i = 0; i < FILES; i++)
            found |= files[i].status == (enum status)status;
        const char *text = eyelet_status_text((enum status)status);
        test_context("%s", text);
        CHECK(found && strchr(text, ':'));
    }
}

/* Of a file that is cut or damaged the name may be another one, but nothing outside of it is read. */
TEST(cut_and_damaged)
{
    struct random random = random_seed(72, 0);
    for (int i = 0; i < FILES; i++)
        for (size_t size = 0; size < files[i].size; size++) {
            uint8_t bytes[128];
            memcpy(bytes, files[i].bytes, size);
            CHECK(status_is_of_image(status_of(bytes, size)));
            bytes[random_below(&random, sizeof bytes)] = (uint8_t)random_below(&random, 256);
            CHECK(status_is_of_image(status_of(bytes, size)));
            test_release();
        }
}

static const struct test tests[] = {
    ENTRY(files_by_name),
    ENTRY(every_format_is_tested_and_named),
    ENTRY(cut_and_damaged),
};
const struct suite formats_suite = SUITE("formats", tests);
