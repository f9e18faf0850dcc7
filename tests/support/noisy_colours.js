/* Pictures of noise around a colour for each class, so that a few numbers tell the classes apart.
 *
 *     const data = noisyClasses(['red', 'green', 'blue'], 24);          // a folder for each class
 *     noisyPicture(2, 7, { side: 40 })                                  // the seventh blue one, as PNG */
import { encodePng } from './pictures.js';
import { folder } from './program.js';

/* channel: 0 red, 1 green, 2 blue; by: how much brighter it is than the others. */
export function noisyPicture(channel, number, { side = 32, by = 30 } = {}) {
    let state = 1000 * channel + number;
    const data = Buffer.alloc(side * side * 4, 255);
    for (let k = 0; k < side * side; k++)
        for (let c = 0; c < 3; c++) {
            state = Math.imul(state, 1664525) + 1013904223 | 0;
            data[4 * k + c] = (c === channel ? 60 + by : 60) + (state >>> 25);
        }
    return encodePng({ data, width: side, height: side });
}

/* `count` pictures for each of 'red', 'green' and 'blue', whatever their order; `first` numbers them, so that other numbers are
 * other pictures. */
export function noisyClasses(names, count, { first = 0, ...options } = {}) {
    return folder(Object.fromEntries(names.flatMap((name) => Array.from({ length: count }, (_, i) =>
        [`${name}/${first + i}.png`, noisyPicture(['red', 'green', 'blue'].indexOf(name), first + i, options)]))));
}
