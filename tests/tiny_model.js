/* Writes a small model file, from its description in core/model.h alone, for tests that need no trained one.
 *
 *     tinyModel()                                   // 32 x 32 x 3, the mean colour through one dense layer, ten classes
 *     tinyModel({ labels: ['yes', 'no'], notes: 'name: Two\n' })
 */
const classes = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
const globalAveragePool = 4, dense = 6, softmax = 13, bias = 2, fitCrop = 1;

export function tinyModel({ labels = classes, notes = 'name: Tiny\nnetwork: mean colour\naccuracy: none\n', weight } = {}) {
    const header = Buffer.alloc(64);
    Buffer.from([0x89, 0x45, 0x59, 0x4c, 0x0d, 0x0a, 0x1a, 0x0a]).copy(header);
    header.writeUInt32LE(1, 8);
    [32, 32, 3].forEach((side, i) => header.writeUInt16LE(side, 12 + 2 * i));
    header[18] = fitCrop;
    for (let i = 0; i < 3; i++) {
        header.writeFloatLE(0.5, 24 + 4 * i);
        header.writeFloatLE(0.25, 36 + 4 * i);
    }
    header.writeFloatLE(1, 48);
    header.writeUInt16LE(3, 52);
    header.writeUInt16LE(Buffer.byteLength(notes), 54);

    const nodes = [node(globalAveragePool, 0, 0, 0), node(dense, bias, labels.length, 1), node(softmax, 0, 0, 2)];
    const texts = labels.map((label) => Buffer.concat([Buffer.from([Buffer.byteLength(label)]), Buffer.from(label)]));
    const head = padded(Buffer.concat([header, ...nodes, ...texts, Buffer.from(notes)]));
    const weights = Buffer.alloc(4 * 4 * labels.length); /* (3, classes), then the biases */
    for (let i = 0; i < 4 * labels.length; i++)
        weights.writeFloatLE(weight ?? Math.sin(i + 1), 4 * i);
    const body = Buffer.concat([head, padded(weights)]);
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(crc32(body));
    return Buffer.concat([body, sum]);
}

function node(kind, flags, channels, input) {
    const bytes = Buffer.alloc(16);
    bytes[0] = kind;
    bytes[4] = flags;
    bytes.writeUInt16LE(channels, 6);
    bytes.writeUInt16LE(input, 8);
    return bytes;
}

function padded(bytes) {
    return Buffer.concat([bytes, Buffer.alloc((64 - bytes.length % 64) % 64)]);
}

export function crc32(bytes) {
    let sum = 0xffffffff;
    for (const byte of bytes) {
        sum ^= byte;
        for (let bit = 0; bit < 8; bit++)
            sum = sum >>> 1 ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return ~sum >>> 0;
}
