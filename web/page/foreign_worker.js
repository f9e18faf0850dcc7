/* foreign_import.js in a worker, which imports one model: foreign.js starts it.
 *
 *     { form, files }  ->  { bytes }, or { reason, code, words }: of an error of importFiles */
import { announce } from '../announce.js';
import { importFiles } from './foreign_import.js';

announce();
self.addEventListener('message', async ({ data }) => {
    try {
        const bytes = await importFiles(new URL('../importer.wasm', import.meta.url).href, data);
        self.postMessage({ bytes: bytes.buffer }, [bytes.buffer]);
    } catch ({ code, message, words }) {
        self.postMessage({ reason: message, code, words });
    }
});
