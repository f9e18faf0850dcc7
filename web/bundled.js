/* The public module for bundlers, which need not know what becomes of a file that stands beside a script: it carries
 * the WebAssembly module along, which takes 16 KB more than classifier.wasm when both are compressed. */
import { platform } from './background.js';
import { wasmBytes } from './classifier_wasm.js';

export * from './classifier.js';

platform.wasm = wasmBytes;
platform.teacherWasm = async () => (await import('./teacher_wasm.js')).wasmBytes();
