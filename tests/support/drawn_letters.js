/* Letters and digits as by hand: strokes of a pen on paper, each time a little elsewhere, leaning, thicker or larger.
 *
 *     const picture = drawnGlyph(glyphs.indexOf('A'), 28, random(7));    // { data, width, height }
 */
export const glyphs = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

/* The strokes of each, from x, y to x, y on a grid of 0 to 9. */
const strokes = ['0950 5099 3676', '1011 1073 7315 1588 8811', '9121 2129 2999', '1019 1085 8519', '8010 1019 1989 1565', '8010 1019 1565', '9121 2129 2999 9995 9555',
    '1019 8089 1585', '5059', '7079 7929 2926', '1019 8015 1589', '1019 1989', '1910 1055 5590 9099', '1910 1089 8980', '1181 8188 8818 1811', '1910 1082 8215',
    '1181 8188 8818 1811 5599', '1910 1082 8215 1589', '8112 1286 8619', '0090 5059', '1019 1989 8980', '1059 5990', '0039 3953 5379 7990', '1089 8019', '1055 9055 5559',
    '1080 8019 1989', '2080 8089 8929 2920', '5059', '1180 8084 8419 1989', '1081 8144 4487 8719', '7970 7016 1696', '8010 1014 1486 8619', '8025 2529 2988',
    '1080 8049', '4511 1181 8118 1888 8845', '8525 2520 2080 8069'].map((text) => text.split(' ').map((stroke) => [...stroke].map((digit) => Number(digit) / 9)));

/* Numbers of 0 to 1, the same for a seed everywhere. */
export function random(seed) {
    let state = seed * 2654435761 >>> 0;
    return () => {
        state = Math.imul(state ^ state >>> 15, 0x2c1b3c6d) + 0x9e3779b9 >>> 0;
        return (Math.imul(state ^ state >>> 13, 0x297a2d39) >>> 0) / 2 ** 32;
    };
}

export function drawnGlyph(glyph, side, draw, { paper = 255, ink = 0 } = {}) {
    const between = (low, high) => low + (high - low) * draw();
    const pen = between(0.05, 0.1) * side, size = between(0.45, 0.7), lean = between(-0.15, 0.15);
    const left = 0.5 - size / 2 + between(-0.04, 0.04), top = 0.5 - size / 2 + between(-0.04, 0.04);
    const lines = strokes[glyph].map((stroke) => stroke.map((end) => end + between(-0.06, 0.06)));
    const data = new Uint8ClampedArray(side * side * 4);
    for (let y = 0; y < side; y++)
        for (let x = 0; x < side; x++) {
            const v = ((y + 0.5) / side - top) / size, u = ((x + 0.5) / side - left) / size + lean * (v - 0.5);
            let coverage = 0;
            for (const [fromX, fromY, toX, toY] of lines) {
                const dx = toX - fromX, dy = toY - fromY, along = Math.min(1, Math.max(0, ((u - fromX) * dx + (v - fromY) * dy) / (dx * dx + dy * dy)));
                const distance = Math.hypot(u - fromX - along * dx, v - fromY - along * dy) * size * side;
                coverage = Math.max(coverage, Math.min(1, pen / 2 - distance + 0.5));
            }
            const value = Math.round(paper + (ink - paper) * Math.max(0, coverage));
            data.set([value, value, value, 255], (y * side + x) * 4);
        }
    return { data, width: side, height: side };
}
