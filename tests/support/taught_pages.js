/* What tests of the view "Teach" have in common: a model that is small and can be taught, and pictures of two kinds.
 *
 *     const models = { 'small.eyelet': teachableModel() };
 *     const files = picturesOf('red', 6);    // [{ name, mimeType, buffer }], each another one
 *     const zip = zipOf(teachableExport({ labels: ['cat', 'dog'] }));    // of Teachable Machine, with an embedding of ten
 */
import { encodePng } from './pictures.js';
import { filesOf, smallArtifacts } from './tfjs_files.js';
import { modelOf } from './tiny_model.js';

/* 16 x 16 pixels; one convolution and the mean of its channels, which are the embedding. */
export function teachableModel() {
    return modelOf({ input: [16, 16, 3], labels: ['this', 'that'], notes: 'name: Small\n', embedding: 3, layers: [
        { kind: 'conv2d', channels: 12, kernel: [3, 3], same: true, bias: true }, { kind: 'relu' }, { kind: 'global_avgpool' },
        { kind: 'dense', channels: 2, bias: true }, { kind: 'softmax' }] });
}

/* As those are: behind the mean of the channels stands more than one layer. */
export function teachableExport({ labels }) {
    const layer = (class_name, config) => ({ class_name, config });
    const layers = [
        layer('Conv2D', { name: 'conv', batch_input_shape: [null, 16, 16, 3], filters: 10, kernel_size: [3, 3], padding: 'same', activation: 'relu' }),
        layer('GlobalAveragePooling2D', { name: 'mean' }), layer('Dense', { name: 'hidden', units: 6, activation: 'relu' }),
        layer('Dense', { name: 'classes', units: labels.length, activation: 'softmax', use_bias: false })];
    const shapes = { 'conv/kernel': [3, 3, 3, 10], 'conv/bias': [10], 'hidden/kernel': [10, 6], 'hidden/bias': [6], 'classes/kernel': [6, labels.length] };
    const weightSpecs = Object.entries(shapes).map(([name, shape]) => ({ name, shape, dtype: 'float32' }));
    const count = Object.values(shapes).reduce((sum, shape) => sum + shape.reduce((product, size) => product * size), 0);
    const weightData = Float32Array.from({ length: count }, (_, i) => Math.sin(7 * i)).buffer;
    return { ...filesOf(smallArtifacts({ layers, weightSpecs, weightData })),
        'metadata.json': JSON.stringify({ tmVersion: '2.4.4', packageName: '@teachablemachine/image', packageVersion: '0.8.4', labels, imageSize: 16 }) };
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
