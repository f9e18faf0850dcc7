/* Safetensors files as PyTorch writes them: a header in JSON that says where each tensor stands, then their bytes.
 *
 *     safetensors({ 'fc.bias': { shape: [2], values: [0.5, 1] }, 'norm.num_batches_tracked': { shape: [], values: [7n], dtype: 'I64' } })
 */
const float32 = (values) => Uint32Array.from(new Uint32Array(Float32Array.from(values).buffer));

/* float16 of normal numbers whose fraction fits. */
function float16(values) {
    return Uint16Array.from(float32(values), (bits) => bits << 1 ? bits >>> 16 & 0x8000 | (bits >>> 13) - (112 << 10) & 0x7fff : 0);
}

const arrays = {
    F32: (values) => Float32Array.from(values),
    F64: (values) => Float64Array.from(values),
    F16: float16,
    BF16: (values) => Uint16Array.from(float32(values), (bits) => bits >>> 16),
    I64: (values) => BigInt64Array.from(values),
};

export function safetensors(tensors) {
    let end = 0;
    const header = { __metadata__: { format: 'pt' } }, data = [];
    for (const [name, { shape, values, dtype = 'F32' }] of Object.entries(tensors)) {
        const bytes = Buffer.from(arrays[dtype](values).buffer);
        header[name] = { dtype, shape, data_offsets: [end, end += bytes.length] };
        data.push(bytes);
    }
    const text = Buffer.from(JSON.stringify(header)), length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    return Buffer.concat([length, text, ...data]);
}
