// Runs a WebAssembly program that was linked with -sSTANDALONE_WASM: node tests/support/run_wasm.js program.wasm [argument ...]
//
// It supplies the few system calls that such a program makes (output, arguments, clock, exit) itself, because node:wasi
// needs a flag in Node 18. There are no files.
import { readFileSync, writeSync } from 'node:fs'

const [file, ...rest] = process.argv.slice(2)
if (!file) {
  console.error('usage: node run_wasm.js program.wasm [argument ...]')
  process.exit(2)
}
const programArguments = [file, ...rest].map(text => new TextEncoder().encode(text + '\0'))

const SUCCESS = 0
const BAD_FILE = 8
const NOT_SEEKABLE = 70
const CHARACTER_DEVICE = 2

class Exit extends Error {
  constructor (code) {
    super(`exit ${code}`)
    this.code = code
  }
}

let memory // of the instance; views are made anew at each call, because it may have grown
const view = () => new DataView(memory.buffer)

// Writes all of the bytes, however little the other end takes at a time.
function writeAll (descriptor, bytes) {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(descriptor, bytes, at)
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
    }
  }
}

const wasi = {
  fd_write (descriptor, vectors, count, written) {
    if (descriptor !== 1 && descriptor !== 2) return BAD_FILE
    let total = 0
    for (let i = 0; i < count; i++) {
      const place = view().getUint32(vectors + 8 * i, true)
      const length = view().getUint32(vectors + 8 * i + 4, true)
      writeAll(descriptor, new Uint8Array(memory.buffer, place, length))
      total += length
    }
    view().setUint32(written, total, true)
    return SUCCESS
  },
  fd_read: () => BAD_FILE,
  fd_seek: () => NOT_SEEKABLE,
  fd_close: () => SUCCESS,
  fd_fdstat_get (descriptor, place) {
    if (descriptor > 2) return BAD_FILE
    new Uint8Array(memory.buffer, place, 24).fill(0)
    view().setUint8(place, CHARACTER_DEVICE)
    return SUCCESS
  },
  args_sizes_get (count, bytes) {
    view().setUint32(count, programArguments.length, true)
    view().setUint32(bytes, programArguments.reduce((sum, text) => sum + text.length, 0), true)
    return SUCCESS
  },
  args_get (places, bytes) {
    programArguments.forEach((text, i) => {
      view().setUint32(places + 4 * i, bytes, true)
      new Uint8Array(memory.buffer).set(text, bytes)
      bytes += text.length
    })
    return SUCCESS
  },
  environ_sizes_get (count, bytes) {
    view().setUint32(count, 0, true)
    view().setUint32(bytes, 0, true)
    return SUCCESS
  },
  environ_get: () => SUCCESS,
  clock_time_get (clock, precision, place) {
    view().setBigUint64(place, process.hrtime.bigint(), true)
    return SUCCESS
  },
  proc_exit (code) {
    throw new Exit(code)
  }
}

const module = new WebAssembly.Module(readFileSync(file))
const instance = new WebAssembly.Instance(module, {
  wasi_snapshot_preview1: wasi,
  env: { emscripten_notify_memory_growth () {} }
})
memory = instance.exports.memory
try {
  instance.exports._start()
} catch (error) {
  if (!(error instanceof Exit)) throw error
  process.exitCode = error.code
}
