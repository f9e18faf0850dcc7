/* The public module in Cloudflare's Workers, which compile no WebAssembly while they run: theirs is compiled before. */
import { platform } from './background.js';
import { loadClassifier as load } from './classifier.js';
import wasm from './classifier.wasm';

export { ClassifierError, openCamera } from './classifier.js';

export function loadClassifier(options) {
    return load({ wasm, ...options });
}

platform.teacherWasm = async () => (await import('./teacher.wasm')).default;
