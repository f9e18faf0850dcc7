/* The fields of a model file, as the comment that opens core/net/model.h lists them.
 *
 *     const { header, node } = modelFormat;          // Map: name -> { offset, bytes, numbers }; header.recordBytes, node.recordBytes
 *     put(bytes, header, 'input height', 32);        // in the width that the field has
 *     headerPart(model, 'resize mode', 'std')        // the bytes from one field to the end of another
 */
import { readFileSync } from 'node:fs';

const comment = readFileSync(new URL('../../core/net/model.h', import.meta.url), 'utf8').split('*/')[0];

/* Rows "offset bytes name: ..." below a line "offset bytes TITLE"; some fields are several numbers, of one byte or of float32. */
function tableOf(title) {
    const lines = comment.split('\n'), start = lines.findIndex((line) => new RegExp(`offset +bytes +${title}$`).test(line));
    const fields = new Map();
    for (const line of lines.slice(start + 1)) {
        const row = / \* {5}(\d+) +(\d+) +([a-z ]+?)(?::| *$|,)(.*)/.exec(line);
        if (!row && / \* {5}\S/.test(line) || !line.trim().replace('*', '').trim())
            break;
        if (!row || row[3].startsWith('for each'))
            continue;
        const [offset, bytes] = [Number(row[1]), Number(row[2])];
        const name = row[3] === 'zero' ? `zero at ${offset}` : row[3];
        fields.set(name, { offset, bytes, float: ['mean', 'std', 'temperature', 'number'].includes(name) });
    }
    const last = [...fields.values()].at(-1);
    return Object.assign(fields, { recordBytes: last.offset + last.bytes });
}

export const modelFormat = { header: tableOf('header'), node: tableOf('node') };

/* One number or several into a field of the record that begins at `start`. */
export function put(bytes, fields, name, value, start = 0) {
    const field = fields.get(name), numbers = [value].flat(), width = field.bytes / numbers.length;
    numbers.forEach((number, i) => {
        const at = start + field.offset + i * width;
        if (field.float)
            bytes.writeFloatLE(number, at);
        else
            bytes.writeUIntLE(number, at, width);
    });
}

export function headerPart(bytes, from, to = from) {
    const { header } = modelFormat, end = header.get(to);
    return bytes.subarray(header.get(from).offset, end.offset + end.bytes);
}
