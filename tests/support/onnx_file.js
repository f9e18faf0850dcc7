/* Reads ONNX files: as much of the format as Eyelet writes.
 *
 *     const { nodes, constants, inputs, outputs, metadata } = readOnnx(bytes);
 */
import assert from 'node:assert/strict';

/* Field numbers are those of onnx.proto3. */
export function readOnnx(bytes) {
    const model = fields(bytes), graph = fields(model[7][0]);
    const value = (of) => {
        const { 1: [name], 2: [type], 3: [about] } = fields(of), { 1: [element], 2: [shape] } = fields(fields(type)[1][0]);
        assert.equal(element, 1, 'float32');
        const dims = fields(shape)[1].map(fields).map((dim) => dim[1]?.[0] ?? text(dim[2][0]));
        return { name: text(name), about: text(about), shape: dims };
    };
    return {
        irVersion: model[1][0],
        producer: text(model[2][0]),
        about: text(model[6][0]),
        opsets: model[8].map(fields).map(({ 1: domain, 2: [version] }) => [domain ? text(domain[0]) : '', version]),
        metadata: Object.fromEntries(model[14].map(fields).map(({ 1: [key], 2: [of] }) => [text(key), text(of)])),
        nodes: graph[1].map(fields).map((node) => ({ inputs: node[1].map(text), outputs: node[2].map(text), type: text(node[4][0]),
            attributes: Object.fromEntries((node[5] ?? []).map(fields).map((of) => [text(of[1][0]), of[8] ?? (of[2] ?? of[3])[0]])) })),
        constants: graph[5].map(fields).map(({ 1: dims = [], 2: [element], 8: [name], 9: [raw] }) => ({ name: text(name), dims, element, bytes: raw })),
        inputs: graph[11].map(value),
        outputs: graph[12].map(value),
    };
}

/* The fields of a protocol buffer by number: integers, floats, or bytes. */
function fields(bytes) {
    const found = {};
    let at = 0;
    const varint = () => {
        let x = 0, digit = 1, byte;
        do {
            byte = bytes[at++];
            x += (byte & 0x7f) * digit;
            digit *= 128;
        } while (byte & 0x80);
        assert.ok(byte || digit === 128, 'a number is longer than it need be');
        return x;
    };
    while (at < bytes.length) {
        const key = varint(), wire = key & 7;
        assert.ok(wire === 0 || wire === 2 || wire === 5, `wire type ${wire}`);
        const length = wire === 0 ? 0 : wire === 2 ? varint() : 4;
        (found[key >> 3] ??= []).push(wire === 0 ? varint() : wire === 2 ? bytes.subarray(at, at + length) : bytes.readFloatLE(at));
        at += length;
    }
    assert.equal(at, bytes.length);
    return found;
}

function text(bytes) {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}
