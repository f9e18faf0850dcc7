#!/usr/bin/env python3
"""What Pillow makes of known pictures, for tests/core/test_image.c and tests/core/test_decode.c.

    python3 pillow.py resize                  the tables of test_image.c
    python3 pillow.py pictures > pictures.h   the encoded pictures of test_decode.c
    python3 pillow.py jpegs > jpegs.h         the JPEGs of test_jpeg.c, and what Pillow decodes them to

Debian: apt-get install python3-pil libjpeg-turbo-progs (the committed results are from 9.4.0 and 2.1.5)."""
import io
import subprocess
import sys
import zlib
from PIL import Image


def noise(width, height):
    state, numbers = 1, bytearray()
    for _ in range(width * height * 3):
        state = (state * 1103515245 + 12345) & 0xFFFFFFFF
        numbers.append(state >> 24)
    return Image.frombytes("RGB", (width, height), bytes(numbers))


def resize_tables():
    row = Image.new("L", (4, 1))
    row.putdata([0, 60, 120, 240])
    for to in (4, 2, 1, 8, 3, 5):
        print("{%d, {%s}}," % (to, ", ".join(map(str, row.resize((to, 1), Image.BILINEAR).getdata()))))
    for width, height, w, h in [(37, 23, 32, 32), (100, 64, 32, 32), (5, 9, 32, 32), (333, 1, 7, 5),
                                (64, 64, 224, 224), (500, 333, 96, 96), (32, 32, 31, 33), (1, 16384, 9, 9)]:
        resized = noise(width, height).resize((w, h), Image.BILINEAR)
        print("{%d, %d, %d, %d, 0x%08x}," % (width, height, w, h, zlib.crc32(resized.tobytes())))


def preprocess_tables():
    """The filters, and torchvision's Resize(side) and CenterCrop((h, w)) in Pillow."""
    for name, kind in [("FILTER_BILINEAR", Image.BILINEAR), ("FILTER_BICUBIC", Image.BICUBIC)]:
        for width, height, w, h in [(37, 23, 32, 32), (5, 9, 32, 32), (333, 1, 7, 5), (500, 333, 96, 96), (1, 16384, 9, 9)]:
            if kind == Image.BILINEAR:  # in resize_tables
                continue
            resized = noise(width, height).resize((w, h), kind)
            print("{RESIZE_STRETCH, %s, 0, %d, %d, %d, %d, 0x%08x}," % (name, width, height, w, h, zlib.crc32(resized.tobytes())))
        for width, height, side, w, h in [(500, 333, 256, 224, 224), (333, 500, 73, 64, 60), (40, 300, 40, 33, 37), (90, 41, 41, 40, 41),
                                          (64, 64, 80, 71, 67), (3000, 7, 9, 9, 6)]:
            short = min(width, height)
            resized = noise(width, height).resize((side * width // short, side * height // short), kind)
            x, y = int(round((resized.width - w) / 2.0)), int(round((resized.height - h) / 2.0))
            cut = resized.crop((x, y, x + w, y + h))
            print("{RESIZE_SHORTER_SIDE, %s, %d, %d, %d, %d, %d, 0x%08x}," % (name, side, width, height, w, h, zlib.crc32(cut.tobytes())))


def golden_picture():
    """golden_picture of tests/support/golden_model.c."""
    numbers = bytearray()
    for y in range(17):
        for x in range(23):
            numbers += bytes([x * 11, y * 15, 230 if (x // 4 + y // 4) % 2 else 20, 128 if x + y > 30 else 255])
    return Image.frombytes("RGBA", (23, 17), bytes(numbers))


def encoded(name, picture, **settings):
    file = io.BytesIO()
    picture.save(file, **settings)
    array(name, file.getvalue())
    return file


def array(name, numbers):
    print("static const uint8_t %s[] = {" % name)
    for start in range(0, len(numbers), 20):
        print("    " + ", ".join(map(str, numbers[start:start + 20])) + ",")
    print("};")


def pictures():
    picture = golden_picture()
    print("/* golden_picture (tests/support/golden_model.h) in several encodings, by golden/pillow.py. */")
    encoded("png_rgba", picture, format="PNG")
    encoded("png_rgb", picture.convert("RGB"), format="PNG")
    encoded("png_grey", picture.convert("L"), format="PNG")
    encoded("png_palette", picture.convert("RGB").quantize(16), format="PNG")
    encoded("jpeg_baseline", picture.convert("RGB"), format="JPEG", quality=80)
    encoded("jpeg_progressive", picture.convert("RGB"), format="JPEG", quality=80, progressive=True, subsampling=0)
    encoded("jpeg_grey", picture.convert("L"), format="JPEG", quality=80)


def coloured(width, height):
    """Slopes and edges in all three channels."""
    numbers = bytearray()
    for y in range(height):
        for x in range(width):
            numbers += bytes([x * 6 % 256, (230 if (x // 5 + y // 3) % 2 else 20), (x * y) % 256])
    return Image.frombytes("RGB", (width, height), bytes(numbers))


def golden_jpeg(name, width, height, file):
    decoded = Image.open(file).convert("RGBA").tobytes()
    return "    {jpeg_%s, sizeof jpeg_%s, %d, %d, 0x%08x, \"%s\"}," % (name, name, width, height, zlib.crc32(decoded), name)


def jpegs():
    """Every way in which Pillow samples and orders, and others of cjpeg's; sizes with a part of an MCU at the edges, and narrow ones."""
    cases = [("444", 37, 21, dict(subsampling=0)), ("422", 37, 21, dict(subsampling=1)), ("420", 37, 21, dict(subsampling=2)),
             ("grey", 37, 21, {}), ("optimized", 33, 34, dict(optimize=True, quality=95)),
             ("progressive_420", 37, 21, dict(progressive=True)), ("progressive_444", 17, 9, dict(progressive=True, subsampling=0)),
             ("progressive_grey", 21, 19, dict(progressive=True)), ("narrow_420", 3, 19, {}), ("narrow_422", 4, 2, dict(subsampling=1)),
             ("pixel", 1, 1, {})]
    by_cjpeg = [("440", 37, 21, ["-sample", "1x2"]), ("411", 37, 21, ["-sample", "4x1"]), ("410", 37, 21, ["-sample", "4x2"]),
                ("441", 21, 37, ["-sample", "1x4"]), ("progressive_440", 19, 35, ["-sample", "1x2", "-progressive"]),
                ("progressive_411", 35, 19, ["-sample", "4x1", "-progressive"])]
    print("/* JPEGs and the CRC-32 of the RGBA that Pillow decodes them to, by golden/pillow.py. */")
    rows = []
    for name, width, height, settings in cases:
        picture = coloured(width, height)
        file = encoded("jpeg_" + name, picture.convert("L") if "grey" in name else picture, format="JPEG", **{"quality": 80, **settings})
        rows.append(golden_jpeg(name, width, height, file))
    for name, width, height, words in by_cjpeg:
        ppm = io.BytesIO()
        coloured(width, height).save(ppm, format="PPM")
        file = io.BytesIO(subprocess.run(["cjpeg", "-quality", "80", *words], input=ppm.getvalue(), capture_output=True, check=True).stdout)
        array("jpeg_" + name, file.getvalue())
        rows.append(golden_jpeg(name, width, height, file))
    print("static const struct golden_jpeg {\n    const uint8_t *bytes;\n    size_t size;\n    int width, height;\n    uint32_t crc;"
          "\n    const char *name;\n} golden_jpegs[] = {")
    print("\n".join(rows) + "\n};")


if sys.argv[1:] == ["resize"]:
    resize_tables()
    preprocess_tables()
elif sys.argv[1:] == ["jpegs"]:
    jpegs()
else:
    pictures()
