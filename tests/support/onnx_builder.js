/* Writes ONNX files, of any dialect and damaged in any way, for tests of the reader: protocol buffers by onnx.proto3's field numbers.
 *
 *     const bytes = onnxModel({
 *         opset: 13, producer: ['pytorch', '2.1.0'], metadata: { labels: '["cat", "dog"]' },
 *         inputs: [value('x', ['batch', 3, 8, 8])], outputs: [value('y', ['batch', 2])],
 *         initializers: [tensor('w', [2, 3, 8, 8], random)],          // of numbers, or of a function that gives them
 *         nodes: [node('Conv', ['x', 'w'], ['c'], { strides: [1, 1] }), node('Flatten', ['c'], ['y'], { axis: 1 })] });
 *
 * Attributes: whole numbers are integers, `float(0.5)` a float, texts, tensors, lists of integers. */
import assert from 'node:assert/strict';

/* ---- Protocol buffers ---- */

function varint(x) {
    const bytes = [];
    for (let rest = BigInt.asUintN(64, BigInt(x)); ; rest >>= 7n) {
        bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
        if (rest <= 0x7fn)
            return Buffer.from(bytes);
    }
}

const key = (field, wire) => varint(field << 3 | wire);
export const integerField = (field, x) => Buffer.concat([key(field, 0), varint(x)]);
export const bytesField = (field, bytes) => Buffer.concat([key(field, 2), varint(bytes.length), bytes]);
export const textField = (field, text) => bytesField(field, Buffer.from(text));
const floatField = (field, x) => Buffer.concat([key(field, 5), Buffer.from(Float32Array.of(x).buffer)]);
const all = (...parts) => Buffer.concat(parts.flat(Infinity));

/* ---- Tensors ---- */

/* A number of an element type, as bytes. */
const types = { float: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7, bool: 9, float16: 10, double: 11, uint32: 12, uint64: 13, bfloat16: 16 };
const bytesOf = {
    float: (x) => Buffer.from(Float32Array.of(x).buffer), double: (x) => Buffer.from(Float64Array.of(x).buffer),
    uint8: (x) => Buffer.from([x]), int8: (x) => Buffer.from(Int8Array.of(x).buffer), bool: (x) => Buffer.from([x ? 1 : 0]),
    int16: (x) => Buffer.from(Int16Array.of(x).buffer), uint16: (x) => Buffer.from(Uint16Array.of(x).buffer),
    int32: (x) => Buffer.from(Int32Array.of(x).buffer), uint32: (x) => Buffer.from(Uint32Array.of(x).buffer),
    int64: (x) => Buffer.from(BigInt64Array.of(BigInt(x)).buffer), uint64: (x) => Buffer.from(BigUint64Array.of(BigInt(x)).buffer),
    float16: (x) => Buffer.from(Uint16Array.of(halfOf(x)).buffer), bfloat16: (x) => Buffer.from(Float32Array.of(x).buffer).subarray(2),
};

/* Of a number that float16 holds exactly. */
export function halfOf(x) {
    const bits = new Uint32Array(Float32Array.of(x).buffer)[0], sign = bits >>> 16 & 0x8000, exponent = (bits >>> 23 & 0xff) - 112;
    if (x === 0)
        return sign;
    assert.ok(exponent > 0 && exponent < 31 && (bits & 0x1fff) === 0, `${x} is no float16`);
    return sign | exponent << 10 | bits >>> 13 & 0x3ff;
}

/* How the elements are written: `raw` bytes, the `list` of the type, or `{ location, offset, length }` of another file. */
export function tensor(name, dims, values, { type = 'float', as = 'raw' } = {}) {
    const count = dims.reduce((product, dim) => product * dim, 1);
    const numbers = typeof values === 'function' ? Array.from({ length: count }, values) : values;
    const head = [dims.map((dim) => integerField(1, dim)), integerField(2, types[type]), name === null ? [] : textField(8, name)];
    if (as === 'raw')
        return all(head, bytesField(9, all(numbers.map(bytesOf[type]))));
    if (as === 'list') {
        const [field, item] = type === 'float' ? [4, bytesOf.float] : type === 'double' ? [10, bytesOf.double] : type === 'int64' ? [7, varint]
            : type.startsWith('uint') && type !== 'uint8' && type !== 'uint16' ? [11, varint]
                : [5, (x) => varint(/float16/.test(type) ? bytesOf[type](x).readUInt16LE() : x)];
        return all(head, bytesField(field, all(numbers.map(item))));
    }
    const entries = Object.entries(as).map(([name, text]) => bytesField(13, all(textField(1, name), textField(2, `${text}`))));
    return all(head, entries, integerField(14, 1));
}

/* Float32 that stand in memory already. */
export const tensorOfBytes = (name, dims, bytes) => all(dims.map((dim) => integerField(1, dim)), integerField(2, types.float), textField(8, name), bytesField(9, bytes));

/* Dimensions, as Reshape takes them. */
export const shapeConstant = (name, dims) => tensor(name, [dims.length], dims, { type: 'int64' });

/* The bytes of those numbers, for a file of external data. */
export const elements = (values, type = 'float') => all(values.map(bytesOf[type]));

/* ---- The graph ---- */

export const float = (x) => ({ float: x });

function attribute(name, x) {
    const put = (type, ...fields) => all(textField(1, name), fields, integerField(20, type));
    if (Buffer.isBuffer(x))
        return put(4, bytesField(5, x));
    if (typeof x === 'string')
        return put(3, textField(4, x));
    if (Array.isArray(x))
        return put(7, x.map((one) => integerField(8, one)));
    return typeof x === 'object' ? put(1, floatField(2, x.float)) : put(2, integerField(3, x));
}

export function node(type, inputs, outputs, attributes = {}, { name = `${type} of ${inputs[0]}`, domain = '' } = {}) {
    return all(inputs.map((input) => textField(1, input)), outputs.map((output) => textField(2, output)), textField(3, name), textField(4, type),
        Object.entries(attributes).map(([key, x]) => bytesField(5, attribute(key, x))), domain ? textField(7, domain) : []);
}

/* A dimension is a number, or a name. */
export function value(name, dims, type = 'float') {
    const shape = dims.map((dim) => bytesField(1, typeof dim === 'string' ? textField(2, dim) : integerField(1, dim)));
    return all(textField(1, name), bytesField(2, bytesField(1, all(integerField(1, types[type]), bytesField(2, all(shape))))));
}

export function onnxModel({ opset = 17, irVersion = 8, producer = [], name = 'test', nodes = [], initializers = [], inputs = [], outputs = [], metadata = {}, more = [] }) {
    const many = (field, messages) => messages.map((message) => bytesField(field, message));
    const graph = all(many(1, nodes), textField(2, name), many(5, initializers), many(11, inputs), many(12, outputs), more);
    return all(integerField(1, irVersion), producer.map((text, i) => textField(2 + i, text)), bytesField(7, graph),
        bytesField(8, integerField(2, opset)),
        Object.entries(metadata).map(([key, text]) => bytesField(14, all(textField(1, key), textField(2, text)))));
}
