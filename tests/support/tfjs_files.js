/* TensorFlow.js models as they lie on disk, and what TensorFlow.js itself makes of them.
 *
 *     const path = folder(filesOf(artifacts));                  // { modelTopology, weightSpecs, weightData }: model.json and weights.bin
 *     const tf = await loadTensorFlow();                        // core, layers and converter in one; null where they are not installed
 *     const model = await tf.loadLayersModel(tf.io.fromMemory(artifacts));
 *     const artifacts = artifactsIn(path);                      // of a folder, shards joined
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export async function loadTensorFlow() {
    try {
        const core = await import('@tensorflow/tfjs-core'), wasm = await import('@tensorflow/tfjs-backend-wasm');
        const layers = await import('@tensorflow/tfjs-layers'), converter = await import('@tensorflow/tfjs-converter');
        wasm.setWasmPaths(new URL('../../node_modules/@tensorflow/tfjs-backend-wasm/dist/', import.meta.url).pathname);
        core.env().set('IS_TEST', true); /* what it would print */
        await core.setBackend('wasm');
        return { ...core, ...layers, loadGraphModel: converter.loadGraphModel, layers: layers.layers };
    } catch (error) {
        if (error.code === 'ERR_MODULE_NOT_FOUND')
            return null;
        throw error;
    }
}

/* model.json and one file of weights, or as many shards of `shard` bytes as it takes. */
export function filesOf({ modelTopology, weightSpecs, weightData, ...rest }, { shard = Infinity } = {}) {
    const bytes = Buffer.from(weightData), files = {}, paths = [];
    for (let at = 0; at === 0 || at < bytes.length; at += shard) {
        paths.push(shard === Infinity ? 'weights.bin' : `group1-shard${paths.length + 1}.bin`);
        files[paths.at(-1)] = bytes.subarray(at, at + shard);
    }
    const model = { format: 'layers-model', ...rest, modelTopology, weightsManifest: [{ paths, weights: weightSpecs }] };
    return { 'model.json': JSON.stringify(model), ...files };
}

export function artifactsIn(path) {
    const { modelTopology, weightsManifest, ...rest } = JSON.parse(readFileSync(join(path, 'model.json'), 'utf8'));
    const bytes = Buffer.concat(weightsManifest.flatMap(({ paths }) => paths.map((name) => readFileSync(join(path, name)))));
    return { ...rest, modelTopology, weightSpecs: weightsManifest.flatMap(({ weights }) => weights), weightData: new Uint8Array(bytes).buffer };
}

/* A Sequential of a flatten and a dense layer over 4 x 4 x 3, as TensorFlow.js saves it. layers, specs: in place of those. */
export function smallArtifacts({ layers, weightSpecs, weightData } = {}) {
    const named = (class_name, config) => ({ class_name, config: { name: class_name.toLowerCase(), trainable: true, dtype: 'float32', ...config } });
    layers ??= [named('Flatten', { batch_input_shape: [null, 4, 4, 3] }), named('Dense', { units: 2, activation: 'softmax', use_bias: true })];
    weightSpecs ??= [{ name: 'dense/kernel', shape: [48, 2], dtype: 'float32' }, { name: 'dense/bias', shape: [2], dtype: 'float32' }];
    weightData ??= Float32Array.from({ length: 98 }, (_, i) => Math.sin(i)).buffer;
    return { modelTopology: { class_name: 'Sequential', config: { name: 'small', layers } }, weightSpecs, weightData };
}
