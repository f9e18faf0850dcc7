/* The client's side of a WebSocket (RFC 6455), as far as a browser's WebDriver needs it: texts of any length, both ways.
 *
 *     const socket = await connect('ws://127.0.0.1:4444/session', { onText: (text) => {}, onEnd: () => {} });
 *     socket.send('a text'); */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';

const operation = { continued: 0, text: 1, close: 8, ping: 9, pong: 10 };

/* A client's content is masked. */
function frameOf(kind, content) {
    const { length } = content, mask = randomBytes(4), size = Buffer.alloc(length < 126 ? 2 : length < 65536 ? 4 : 10);
    size[0] = 0x80 | kind;
    size[1] = 0x80 | (length < 126 ? length : length < 65536 ? 126 : 127);
    if (size.length === 4)
        size.writeUInt16BE(length, 2);
    if (size.length === 10)
        size.writeBigUInt64BE(BigInt(length), 2);
    return Buffer.concat([size, mask, content.map((byte, i) => byte ^ mask[i % 4])]);
}

/* The first frame of the bytes, and what stands behind it; null where it is not whole yet. */
function firstFrame(bytes) {
    if (bytes.length < 2)
        return null;
    const short = bytes[1] & 127, start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < start)
        return null;
    const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2)), end = start + length;
    return bytes.length < end ? null
        : { kind: bytes[0] & 15, isLast: bytes[0] >= 0x80, content: bytes.subarray(start, end), rest: bytes.subarray(end) };
}

export function connect(url, { onText, onEnd }) {
    const headers = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': 13, 'Sec-WebSocket-Key': randomBytes(16).toString('base64') };
    return new Promise((resolve, reject) => {
        const asked = request(url.replace(/^ws/, 'http'), { headers, agent: false });
        asked.on('error', reject).on('response', ({ statusCode }) => reject(new Error(`${url}: HTTP ${statusCode}`)));
        asked.on('upgrade', (_, socket, head) => {
            let bytes = head, parts = [];
            const take = (chunk) => {
                bytes = Buffer.concat([bytes, chunk]);
                for (let frame; (frame = firstFrame(bytes)); bytes = frame.rest) {
                    if (frame.kind === operation.ping)
                        socket.write(frameOf(operation.pong, frame.content));
                    if (frame.kind !== operation.text && frame.kind !== operation.continued)
                        continue;
                    parts.push(frame.content);
                    if (frame.isLast)
                        onText(Buffer.concat(parts.splice(0)).toString());
                }
            };
            socket.on('data', take).on('error', () => {}).on('close', onEnd);
            take(Buffer.alloc(0));
            resolve({ send: (text) => socket.write(frameOf(operation.text, Buffer.from(text))), close: () => socket.destroy() });
        });
        asked.end();
    });
}
