/* What tests of the view "Teach" have in common: a model that is small and can be taught, and pictures of two kinds.
 *
 *     const models = { 'small.eyelet': teachableModel() };
 *     const files = picturesOf('red', 6);    // [{ name, mimeType, buffer }], each another one
 */
import { encodePng } from './pictures.js';
import { modelOf } from './tiny_model.js';

/* 16 x 16 pixels; one convolution and the mean of its channels, which are the embedding. */
export function teachableModel() {
    return modelOf({ input: [16, 16, 3], labels: ['this', 'that'], notes: 'name: Small\n', embedding: 3, layers: [
        { kind: 'conv2d', channels: 12, kernel: [3, 3], same: true, bias: true }, { kind: 'relu' }, { kind: 'global_avgpool' },
        { kind: 'dense', channels: 2, bias: true }, { kind: 'softmax' }] });
}

const colours = { red: [210, 40, 30], blue: [30, 50, 210], green: [40, 190, 60] };

/* Plain but for stripes, of which each picture has others. */
export function picturesOf(colour, count, from = 0) {
    return Array.from({ length: count }, (_, i) => {
        const data = new Uint8Array(24 * 24 * 4);
        for (let k = 0; k < 24 * 24; k++)
            data.set([...colours[colour].map((value) => value - (k % 24 * (i + from + 2) % 7) * 4), 255], 4 * k);
        return { name: `${colour}${i + from}.png`, mimeType: 'image/png', buffer: encodePng({ data, width: 24, height: 24 }) };
    });
}
