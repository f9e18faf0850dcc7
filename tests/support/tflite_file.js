/* Writes TFLite files, byte by byte: FlatBuffers (schema 3) of what a test asks for, true or not.
 *
 *     const model = new TfliteModel();
 *     const x = model.input([1, 4, 4, 3]);
 *     const y = model.operator('CONV_2D', [x, model.constant([2, 3, 3, 3], weights)], { options: conv({ stride: 2 }) });
 *     writeFileSync('small.tflite', model.bytes([y]));
 *
 * Numbers of fields and enumerations are those of TensorFlow's lite/schema/schema.fbs. */
import { crc32 } from './tiny_model.js';

/* ---- FlatBuffers: a table is a list of fields by number; absent ones are undefined ---- */

const scalar = (size, write) => (value) => ({ size, write: (bytes, at) => bytes[write](value, at) });
export const int8 = scalar(1, 'writeInt8'), uint8 = scalar(1, 'writeUInt8'), int32 = scalar(4, 'writeInt32LE');
export const uint32 = scalar(4, 'writeUInt32LE'), float = scalar(4, 'writeFloatLE');
const behind = (kind, value) => ({ size: 4, kind, value });
export const table = (fields) => behind('table', fields), text = (value) => behind('text', value);
export const tables = (list) => behind('tables', list), bytesOf = (value) => behind('bytes', value);
export const ints = (list) => bytesVector(list, 4, 'writeInt32LE'), floats = (list) => bytesVector(list, 4, 'writeFloatLE');
export const longs = (list) => bytesVector(list.map(BigInt), 8, 'writeBigInt64LE');

function bytesVector(list, size, write) {
    const bytes = Buffer.alloc(list.length * size);
    list.forEach((value, i) => bytes[write](value, i * size));
    return behind('vector', { bytes, count: list.length });
}

/* Parents stand before their children, so that offsets lead on. */
class Writer {
    bytes = Buffer.alloc(1 << 16);
    size = 0;

    reserve(count, alignment = 4) {
        this.size = Math.ceil(this.size / alignment) * alignment;
        const at = this.size;
        this.size += count;
        while (this.size > this.bytes.length)
            this.bytes = Buffer.concat([this.bytes, Buffer.alloc(this.bytes.length)]);
        return at;
    }

    vector(content, count) {
        this.reserve(12, 16); /* so that the content is aligned */
        const at = this.reserve(4 + content.length);
        this.bytes.writeUInt32LE(count, at);
        content.copy(this.bytes, at + 4);
        return at;
    }

    child({ kind, value }) {
        if (kind === 'table')
            return this.table(value);
        if (kind === 'text')
            return this.vector(Buffer.from(`${value}\0`), Buffer.byteLength(value));
        if (kind === 'bytes')
            return this.vector(Buffer.from(value), value.length);
        if (kind === 'vector')
            return this.vector(value.bytes, value.count);
        const at = this.vector(Buffer.alloc(4 * value.length), value.length);
        value.forEach((fields, i) => this.point(at + 4 + 4 * i, this.table(fields)));
        return at;
    }

    point(from, to) {
        this.bytes.writeUInt32LE(to - from, from);
    }

    table(fields) {
        const vtable = this.reserve(4 + 2 * fields.length), at = this.reserve(4), positions = [];
        for (const field of fields)
            positions.push(field ? this.reserve(field.size, field.size) - at : 0);
        this.bytes.writeUInt16LE(4 + 2 * fields.length, vtable);
        this.bytes.writeUInt16LE(this.size - at, vtable + 2);
        positions.forEach((position, i) => this.bytes.writeUInt16LE(position, vtable + 4 + 2 * i));
        this.bytes.writeInt32LE(at - vtable, at);
        fields.forEach((field, i) => {
            if (field?.write)
                field.write(this.bytes, at + positions[i]);
            else if (field)
                this.point(at + positions[i], this.child(field));
        });
        return at;
    }
}

export function flatbuffer(identifier, fields) {
    const writer = new Writer();
    writer.reserve(8);
    writer.bytes.write(identifier, 4, 'latin1');
    writer.point(0, writer.table(fields));
    return Buffer.from(writer.bytes.subarray(0, writer.size));
}

/* ---- The schema ---- */

export const types = { float32: 0, float16: 1, int32: 2, uint8: 3, int64: 4, bool: 6, int16: 7, int8: 9 };
const codes = { ADD: 0, AVERAGE_POOL_2D: 1, CONCATENATION: 2, CONV_2D: 3, DEPTHWISE_CONV_2D: 4, DEQUANTIZE: 6, FULLY_CONNECTED: 9,
    LOGISTIC: 14, MAX_POOL_2D: 17, MUL: 18, RELU: 19, RELU_N1_TO_1: 20, RELU6: 21, RESHAPE: 22, SOFTMAX: 25, TANH: 28, CUSTOM: 32, PAD: 34, GATHER: 36,
    TRANSPOSE: 39, MEAN: 40, SUB: 41, DIV: 42, SQUEEZE: 43, STRIDED_SLICE: 45, EXP: 47, SPLIT: 49, CAST: 53, PRELU: 54, PADV2: 60, SLICE: 65,
    EXPAND_DIMS: 70, SHAPE: 77, REDUCE_PROD: 81, PACK: 83, LEAKY_RELU: 98, MIRROR_PAD: 100, SPLIT_V: 102, QUANTIZE: 114, HARD_SWISH: 117,
    RELU_0_TO_1: 152 };
export const codeOf = (name) => codes[name];
const fusedCodes = { none: 0, relu: 1, relu_n1_to_1: 2, relu6: 3, tanh: 4, sign_bit: 5 };
const fusedOf = (name) => int8(fusedCodes[name] ?? name);

/* Options, as [their type, their fields]. */
export const conv = ({ same = false, stride = 1, fused = 'none', dilation = 1 } = {}) =>
    [1, [int8(same ? 0 : 1), int32(stride), int32(stride), fusedOf(fused), int32(dilation), int32(dilation)]];
export const depthwise = ({ same = false, stride = 1, fused = 'none', multiplier = 1, dilation = 1 } = {}) =>
    [2, [int8(same ? 0 : 1), int32(stride), int32(stride), int32(multiplier), fusedOf(fused), int32(dilation), int32(dilation)]];
export const pool = ({ same = false, stride = 1, kernel = [2, 2], fused = 'none' } = {}) =>
    [5, [int8(same ? 0 : 1), int32(stride), int32(stride), int32(kernel[1]), int32(kernel[0]), fusedOf(fused)]];
export const dense = ({ fused = 'none', shuffled = 0, keepDims = false } = {}) => [8, [fusedOf(fused), int8(shuffled), uint8(+keepDims)]];
export const softmax = (beta = 1) => [9, [float(beta)]];
export const concatenation = (axis, fused = 'none') => [10, [int32(axis), fusedOf(fused)]];
export const arithmetic = { ADD: 11, MUL: 21, SUB: 28, DIV: 29 };
export const fusedInto = (name, fused) => [arithmetic[name], [fusedOf(fused)]];
export const reducer = (keepDims) => [27, [uint8(+keepDims)]];
export const newShape = (dims) => [17, [ints(dims)]];
export const squeezeDims = (dims) => [30, [ints(dims)]];
export const masks = ({ begin = 0, end = 0, ellipsis = 0, newAxis = 0, shrink = 0 } = {}) =>
    [32, [int32(begin), int32(end), int32(ellipsis), int32(newAxis), int32(shrink)]];
export const leaky = (slope) => [75, [float(slope)]];

/* How constants are stored, from their numbers. */
const stores = {
    float32: (list) => floats(list).value.bytes,
    float16: (list) => list,
    int32: (list) => ints(list).value.bytes,
    int64: (list) => longs(list).value.bytes,
    uint8: (list) => Buffer.from(list),
    int8: (list) => Buffer.from(list.map((value) => value & 255)),
    int16: (list) => Buffer.from(Int16Array.from(list).buffer),
};

export class TfliteModel {
    tensors = [];
    operators = [];
    buffers = [Buffer.alloc(0)];
    inputs = [];
    metadata = [];

    /* scale, zeroPoint: numbers or lists of them; axis: which dimension they are along. */
    tensor(shape, { type = 'float32', name, scale, zeroPoint = 0, axis = 0, buffer = 0 } = {}) {
        const points = scale === undefined ? [] : [scale].flat().map((_, i) => [zeroPoint].flat()[i] ?? [zeroPoint].flat()[0]);
        const quantization = scale === undefined ? undefined
            : table([undefined, undefined, floats([scale].flat()), longs(points), undefined, undefined, int32(axis)]);
        this.tensors.push([ints(shape), int8(types[type] ?? type), uint32(buffer), text(name ?? `tensor ${this.tensors.length}`), quantization]);
        return this.tensors.length - 1;
    }

    input(shape, quantization) {
        this.inputs.push(this.tensor(shape, { name: 'picture', ...quantization }));
        return this.inputs.at(-1);
    }

    constant(shape, values, { type = 'float32', ...more } = {}) {
        this.buffers.push(stores[type](values));
        return this.tensor(shape, { type, ...more, buffer: this.buffers.length - 1 });
    }

    /* The index of its first output; the others follow it. output: of tensor, for all of them. */
    operator(name, inputs, { options = [0], output = {}, shape = [], outputs = 1 } = {}) {
        const made = Array.from({ length: outputs }, () => this.tensor(shape, output));
        this.operators.push({ name, inputs, outputs: made, options });
        return made[0];
    }

    bytes(outputs, { version = 3, zip = Buffer.alloc(0), description = 'made by a test', old = false } = {}) {
        const names = [...new Set(this.operators.map(({ name }) => name))];
        const codeTables = names.map((name) => {
            const code = codes[name] ?? (typeof name === 'number' ? name : codes.CUSTOM);
            return [int8(Math.min(code, 127)), code === codes.CUSTOM ? text(name) : undefined, undefined, old ? undefined : int32(code)];
        });
        const operators = this.operators.map(({ name, inputs, outputs: made, options: [type, fields] }) =>
            [uint32(names.indexOf(name)), ints(inputs), ints(made), uint8(type), fields && table(fields)]);
        const buffers = [...this.buffers.map((content) => [content.length ? bytesOf(content) : undefined]),
            ...this.metadata.map(([, content]) => [bytesOf(content)])];
        const metadata = this.metadata.map(([name], i) => [text(name), uint32(this.buffers.length + i)]);
        const subgraph = [tables(this.tensors), ints(this.inputs), ints(outputs), tables(operators), text('main')];
        const file = flatbuffer('TFL3', [uint32(version), tables(codeTables), tables([subgraph]), text(description), tables(buffers), undefined,
            metadata.length ? tables(metadata) : undefined]);
        return Buffer.concat([file, zip]);
    }

    /* Metadata as tflite-support writes them: the normalisation of pictures, the file with labels. */
    describe({ name, mean, std, labels }) {
        const units = mean && tables([[uint8(1), table([floats(mean), floats(std)])]]);
        const files = labels && tables([[text(labels), undefined, int8(2)]]);
        const subgraph = [undefined, undefined, tables([[undefined, undefined, undefined, undefined, units]]),
            tables([[undefined, undefined, undefined, undefined, undefined, undefined, files]])];
        this.metadata.push(['TFLITE_METADATA', flatbuffer('M001', [name && text(name), undefined, undefined, tables([subgraph])])]);
    }
}

/* A zip of stored files, as it stands behind `before` bytes. */
export function storedZip(files, before = 0) {
    const parts = [], directory = [];
    let at = before;
    for (const [name, content] of Object.entries(files)) {
        const data = Buffer.from(content), head = Buffer.alloc(26);
        head.writeUInt16LE(20, 0);
        head.writeUInt32LE(crc32(data), 10);
        head.writeUInt32LE(data.length, 14);
        head.writeUInt32LE(data.length, 18);
        head.writeUInt16LE(Buffer.byteLength(name), 22);
        parts.push(Buffer.from('PK\x03\x04', 'latin1'), head, Buffer.from(name), data);
        const offset = Buffer.alloc(14);
        offset.writeUInt32LE(at, 10);
        directory.push(Buffer.from('PK\x01\x02\x14\0', 'latin1'), head, offset, Buffer.from(name));
        at += 30 + Buffer.byteLength(name) + data.length;
    }
    const end = Buffer.alloc(22), list = Buffer.concat(directory), count = Object.keys(files).length;
    end.write('PK\x05\x06', 'latin1');
    end.writeUInt16LE(count, 8);
    end.writeUInt16LE(count, 10);
    end.writeUInt32LE(list.length, 12);
    end.writeUInt32LE(at, 16);
    return Buffer.concat([...parts, list, end]);
}
