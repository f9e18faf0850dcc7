/* The CRC-32 of zip and PNG files (ISO 3309; polynomial 0xedb88320, bits reflected), a byte at a time by a table.
 *
 *     crc32(bytes)                              // an unsigned number of 32 bits
 *     crc32(second, crc32(first))               // of both, one behind the other */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++)
        value = value >>> 1 ^ (value & 1 ? 0xedb88320 : 0);
    return value;
});

export function crc32(bytes, before = 0) {
    let value = ~before;
    for (let i = 0; i < bytes.length; i++)
        value = value >>> 8 ^ table[(value ^ bytes[i]) & 255];
    return ~value >>> 0;
}
