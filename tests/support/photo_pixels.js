/* The pixels of photos as a network of some size reads them, by the program's own decoder and resizing, for other runtimes to read the
 * same: built from the objects that `make native` leaves.
 *
 *     const [{ data, width, height }] = photoPixels(['a.jpg'], 224);    // RGBA, the largest centred square
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { folder } from './program.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

const source = `
#include "base/bounds.h"
#include "image/decode.h"
#include "image/image.h"
#include <stdio.h>
#include <stdlib.h>

/* argv: side, then files; their pixels, RGB, go to standard output one behind the other. */
int main(int argc, char **argv)
{
    static uint8_t bytes[LIMIT_IMAGE_BYTES];
    const int side = atoi(argv[1]);
    const struct shape input = {side, side, 3};
    const struct preprocess preprocess = {.resize_mode = RESIZE_CROP};
    uint8_t *pixels = malloc((size_t)side * side * 3);
    for (int i = 2; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        struct picture picture;
        if (!file || decode_picture(&picture, bytes, fread(bytes, 1, sizeof bytes, file)))
            return 1;
        struct arena arena = {0};
        image_resize(NULL, picture.rgba, picture.width, picture.height, input, &preprocess, &arena);
        struct arena room = {.base = aligned_alloc(64, (arena.used + 64) / 64 * 64), .size = arena.used};
        image_resize(pixels, picture.rgba, picture.width, picture.height, input, &preprocess, &room);
        fwrite(pixels, 1, (size_t)side * side * 3, stdout);
        free(room.base);
        free(picture.rgba);
        fclose(file);
    }
    return 0;
}
`;

let tool;

function built() {
    const build = join(root, 'build', dirname(readlinkSync(join(root, 'build/eyelet'))));
    const [compiler, ...flags] = readFileSync(join(build, 'command'), 'utf8').match(/: (\S+ -std=c11 .*)\n/)[1].split(/ +/);
    const objects = readdirSync(join(build, 'core'), { recursive: true }).filter((path) => path.endsWith('.o')).map((path) => join(build, 'core', path));
    const place = folder();
    writeFileSync(join(place, 'pixels.c'), source);
    const made = spawnSync(compiler, [...flags.filter((word) => word !== '-Werror'), '-Wno-conversion', '-Wno-sign-conversion', join(place, 'pixels.c'), ...objects, '-lm',
        '-o', join(place, 'pixels')], { cwd: root, encoding: 'utf8' });
    assert.equal(made.status, 0, made.stderr);
    return join(place, 'pixels');
}

export function photoPixels(files, side) {
    tool ??= built();
    const { status, stdout } = spawnSync(tool, [side, ...files], { maxBuffer: 1 << 30 });
    assert.equal(status, 0, 'a photo cannot be read');
    const count = side * side * 3;
    return files.map((_, k) => {
        const data = new Uint8ClampedArray(side * side * 4).fill(255);
        for (let i = 0; i < side * side; i++)
            data.set(stdout.subarray(k * count + i * 3, k * count + i * 3 + 3), i * 4);
        return { data, width: side, height: side };
    });
}
