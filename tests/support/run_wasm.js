/* Runs a WebAssembly program that was linked with -sSTANDALONE_WASM:
 *
 *     node tests/support/run_wasm.js PROGRAM [ARGUMENT ...]
 *
 * Supplies the system calls of such a program (output, arguments, clock, exit) itself, because node:wasi needs a flag
 * in Node 18. There are no files. */
import { readFileSync, writeSync } from 'node:fs';

const [file, ...rest] = process.argv.slice(2);
if (!file) {
    console.error('usage: node run_wasm.js PROGRAM [ARGUMENT ...]');
    process.exit(2);
}
const programArguments = [file, ...rest].map((text) => new TextEncoder().encode(`${text}\0`));

/* WASI's numbers. */
const success = 0, badFile = 8, notSeekable = 70, characterDevice = 2;

class Exit extends Error {
    constructor(code) {
        super(`exit ${code}`);
        this.code = code;
    }
}

let memory; /* of the instance; views are made anew at each call, because it may have grown */
const view = () => new DataView(memory.buffer);

/* Writes all of the bytes, however few the other end takes at a time. */
function writeAll(descriptor, bytes) {
    for (let at = 0; at < bytes.length;) {
        try {
            at += writeSync(descriptor, bytes, at);
        } catch (error) {
            if (error.code !== 'EAGAIN')
                throw error;
        }
    }
}

const wasi = {
    fd_write(descriptor, vectors, count, written) {
        if (descriptor !== 1 && descriptor !== 2)
            return badFile;
        let total = 0;
        for (let i = 0; i < count; i++) {
            const address = view().getUint32(vectors + 8 * i, true);
            const length = view().getUint32(vectors + 8 * i + 4, true);
            writeAll(descriptor, new Uint8Array(memory.buffer, address, length));
            total += length;
        }
        view().setUint32(written, total, true);
        return success;
    },
    fd_read: () => badFile,
    fd_seek: () => notSeekable,
    fd_close: () => success,
    fd_fdstat_get(descriptor, address) {
        if (descriptor > 2)
            return badFile;
        new Uint8Array(memory.buffer, address, 24).fill(0);
        view().setUint8(address, characterDevice);
        return success;
    },
    args_sizes_get(count, bytes) {
        view().setUint32(count, programArguments.length, true);
        view().setUint32(bytes, programArguments.reduce((sum, text) => sum + text.length, 0), true);
        return success;
    },
    args_get(addresses, bytes) {
        programArguments.forEach((text, i) => {
            view().setUint32(addresses + 4 * i, bytes, true);
            new Uint8Array(memory.buffer).set(text, bytes);
            bytes += text.length;
        });
        return success;
    },
    environ_sizes_get(count, bytes) {
        view().setUint32(count, 0, true);
        view().setUint32(bytes, 0, true);
        return success;
    },
    environ_get: () => success,
    clock_time_get(clock, precision, address) {
        view().setBigUint64(address, process.hrtime.bigint(), true);
        return success;
    },
    proc_exit(code) {
        throw new Exit(code);
    },
};

const module = new WebAssembly.Module(readFileSync(file));
const instance = new WebAssembly.Instance(module, {
    wasi_snapshot_preview1: wasi,
    env: { emscripten_notify_memory_growth() {} },
});
({ memory } = instance.exports);
try {
    instance.exports._start();
} catch (error) {
    if (!(error instanceof Exit))
        throw error;
    process.exitCode = error.code;
}
