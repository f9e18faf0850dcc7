/* Which files are those of another program's model, and what importer.wasm is given of them.
 *
 *     const parts = partsOf(files, { pathOf });     // null: none are; { name, files }, name '' where nothing says it
 *     const parcel = await foreignParcel(parts);    // { form, files: [{ name, bytes }] }, as foreign_import.js takes
 *
 * A .zip is taken for a model's until it is opened. */
import { ClassifierError } from '../contract.js';
import { openZip } from './zip.js';

const isZip = /\.zip$/i;
const isModelFile = /^model\.json$/i;
const isOtherKind = /\.(tflite|h5|hdf5|keras|pb|onnx|safetensors)$/i;
/* Shards are called "weights.bin", "group1-shard1of3". */
const mayBelong = /(\.(json|txt|bin)|(^|\/)[^./]+)$/i;
const mostBytes = 256 * 2 ** 20; /* of all files */

const folderOf = (path) => path.slice(0, path.lastIndexOf('/') + 1);
const baseName = (path) => path.slice(path.lastIndexOf('/') + 1);
const depthOf = (path) => path.split('/').length;

/* The path of the model's JSON: model.json in the outermost folder, or else the JSON beside a .bin that is called after
 * it, as TensorFlow.js saves them; undefined: there is none. */
function modelPath(paths) {
    const inner = (a, b) => depthOf(a) - depthOf(b);
    return paths.filter((path) => isModelFile.test(baseName(path))).sort(inner)[0] ??
        paths.filter((path) => /\.json$/i.test(path)).sort(inner)
            .find((path) => paths.includes(path.replace(/\.json$/i, '.weights.bin')));
}

/* Those below the folder of the model's JSON, this first: { item, name }. */
function below(model, items) {
    const folder = folderOf(model);
    return items.filter(({ path }) => path.startsWith(folder) && mayBelong.test(path))
        .map((item) => ({ item, name: item.path.slice(folder.length) }));
}

export function partsOf(files, { pathOf = ({ name }) => name } = {}) {
    const items = files.map((file) => ({ file, path: pathOf(file) }));
    const model = modelPath(items.map(({ path }) => path)), folder = model && folderOf(model);
    if (model)
        return { name: baseName(folder.slice(0, -1)), model, files: below(model, items).map(({ item }) => item.file),
            pathOf };
    const other = items.find(({ path }) => isZip.test(path) || isOtherKind.test(path));
    return other ? { name: baseName(other.path).replace(/\.\w+$/, ''), files: [other.file], pathOf } : null;
}

export async function foreignParcel({ model, files, pathOf }) {
    if (!model)
        return isZip.test(files[0].name) ? zipParcel(files[0]) : refuseKind(files[0].name);
    const items = files.map((file) => ({ path: pathOf(file), size: file.size,
        read: async () => new Uint8Array(await file.arrayBuffer()) }));
    const read = await contents(model, items), folder = folderOf(model);
    if (folder)
        return { form: 'folder', files: [{ name: baseName(folder.slice(0, -1)), bytes: new Uint8Array() }, ...read] };
    const named = read.find(({ name }) => name === model);
    return { form: 'file', files: [named, ...read.filter((file) => file !== named)] };
}

async function zipParcel(file) {
    const { entries } = await openZip(file);
    const items = entries.map(({ name, folder, size, read }) =>
        ({ path: folder ? `${folder}/${name}` : name, size, read }));
    const model = modelPath(items.map(({ path }) => path)), other = items.find(({ path }) => isOtherKind.test(path));
    if (!model && other)
        refuseKind(baseName(other.path));
    if (!model)
        throw new ClassifierError('FOREIGN_NONE', 'there is no TensorFlow.js model in this .zip file: ' +
            'it has no model.json');
    const read = await contents(model, items);
    const named = { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
    return { form: 'zip', files: [named, ...read] };
}

function refuseKind(name) {
    throw new ClassifierError('FOREIGN_KIND', `${name} is a model of another format: have Teachable Machine export ` +
        'it for TensorFlow.js, or make a model of it with `eyelet import`');
}

/* In the order of their names. */
async function contents(model, items) {
    const own = below(model, items), bytes = own.reduce((sum, { item }) => sum + item.size, 0);
    if (bytes > mostBytes)
        throw new ClassifierError('FOREIGN_BYTES', `the files of this model have more than ${mostBytes / 2 ** 20} MB`);
    const read = [];
    for (const { item, name } of own.sort((a, b) => a.name < b.name ? -1 : 1))
        read.push({ name, bytes: await item.read() });
    return read;
}
