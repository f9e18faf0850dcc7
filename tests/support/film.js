/* A film for Chromium's test camera, uncompressed (YUV4MPEG2), which it shows over and over.
 *
 *     writeFileSync(path, filmOf([[250, 10, 10], [10, 10, 250]]));    // a frame of each colour, 30 a second
 *     await launch(...cameraOf(path)); */
const width = 64, height = 48;

/* The flags of a Chromium whose camera shows this film, and is always allowed. */
export const cameraOf = (path) => ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
    `--use-file-for-fake-video-capture=${path}`];

export function filmOf(colours) {
    const frames = colours.flatMap((colour) => [Buffer.from('FRAME\n'), frameOf(colour)]);
    return Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F30:1 Ip A1:1 C420\n`), ...frames]);
}

/* In BT.601, whose luma is 16 to 235. */
function frameOf([red, green, blue]) {
    const luma = (65.481 * red + 128.553 * green + 24.966 * blue) / 255 + 16;
    const cb = (-37.797 * red - 74.203 * green + 112 * blue) / 255 + 128, cr = (112 * red - 93.786 * green - 18.214 * blue) / 255 + 128;
    const plane = (value, size) => Buffer.alloc(size, Math.round(value));
    return Buffer.concat([plane(luma, width * height), plane(cb, width * height / 4), plane(cr, width * height / 4)]);
}
