/* Pictures to teach, of what people drop or choose: files, folders, .zip files, projects of Teachable Machine.
 *
 *     const { pictures, others, leftOut } = await picturesIn(files, { pathOf, room: 5000 });
 *     for (const { label, name, open } of pictures)    // label: '' where nothing says it
 *         await teacher.add(label || 'apple', await open());
 *
 * The class is the folder's name: of photos/cats/1.jpg, photos/train/cats/1.jpg and cats/indoors/1.jpg it is "cats".
 * Of more pictures than there is room for, equally many of each class are taken, and the others counted. */
import { ClassifierError } from '../contract.js';
import { openZip } from './zip.js';

const isPicture = /\.(jpe?g|jfif|png|bmp|webp|gif|avif|heic|heif|tiff?)$/i;
const isZip = /\.(zip|tm)$/i;
const isHidden = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/i;
const parts = /^(train(ing)?|test(ing)?|val(id(ation)?)?)$/i; /* of a data set, not of things */

/* Teachable Machine's project is a zip of manifest.json and the pictures "CLASS-!-NUMBER.jpg". */
const inProject = /^(.*)-!-\d+\.\w+$/;

export async function picturesIn(files, { pathOf = ({ name }) => name, room }) {
    const items = [], others = [];
    for (const file of files) {
        const path = pathOf(file);
        if (isHidden.test(path))
            continue;
        if (isZip.test(file.name))
            items.push(...await itemsInZip(file, others));
        else if (isPicture.test(file.name) || file.type?.startsWith('image/'))
            items.push({ path, open: async () => file });
        else
            others.push(path);
    }
    refuseExport(others);
    const pictures = labelled(items), taken = evenly(pictures, room);
    return { pictures: taken, others, leftOut: pictures.length - taken.length };
}

async function itemsInZip(file, others) {
    const { entries } = await openZip(file);
    const manifest = entries.find(({ name, folder }) => name === 'manifest.json' && !folder);
    const isProject = manifest && await isTeachableMachine(manifest);
    const items = [], ownName = file.name.replace(/(-samples)?\.\w+$/i, '');
    for (const { name, folder, read } of entries) {
        const path = folder ? `${folder}/${name}` : name, [, label] = isProject ? inProject.exec(path) ?? [] : [];
        if (isPicture.test(name))
            items.push({ path: folder || label ? path : `${ownName}/${name}`, label, open: async () => read() });
        else if (!(isProject && name === manifest.name))
            others.push(path);
    }
    return items;
}

async function isTeachableMachine({ read }) {
    let manifest;
    try {
        manifest = JSON.parse(new TextDecoder().decode(await read()));
    } catch {
        return false;
    }
    if (!manifest?.type || !manifest.appdata)
        return false;
    if (manifest.type !== 'image')
        throw new ClassifierError('PROJECT_KIND', `this project of Teachable Machine is of another kind (${
            manifest.type}): pictures alone can be taught here`);
    return true;
}

/* What Teachable Machine and TensorFlow.js export is a network, not pictures. */
function refuseExport(names) {
    const has = (name) => names.some((path) => path === name || path.endsWith(`/${name}`));
    if (has('model.json') && (has('metadata.json') || has('weights.bin')))
        throw new ClassifierError('EXPORTED_MODEL', 'this is a model for TensorFlow.js, without its pictures: ' +
            'drop it beside the classes to teach on its network, or drop the project here, which has them ' +
            '(Teachable Machine: "Download project as file")');
}

/* The folders that all paths begin with say nothing, unless there is no other; nor do those of a data set's parts. */
function labelled(items) {
    const inFolders = items.filter(({ label }) => label === undefined)
        .map(({ path }) => path.split('/').slice(0, -1)).filter((folders) => folders.length > 0);
    let common = 0;
    while (inFolders.length && inFolders.every((folders) => folders.length > common &&
        folders[common] === inFolders[0][common]))
        common++;
    return items.map(({ path, label, open }) => {
        const folders = path.split('/'), name = folders.pop();
        const own = folders.slice(common).find((folder) => !parts.test(folder));
        const last = folders.slice(0, common).reverse().find((folder) => !parts.test(folder));
        return { label: label ?? own ?? last ?? '', name, open };
    });
}

/* As many of each class as there are places for, in turn. */
function evenly(pictures, room) {
    if (pictures.length <= room)
        return pictures;
    const byLabel = new Map();
    for (const picture of pictures) {
        if (!byLabel.has(picture.label))
            byLabel.set(picture.label, []);
        byLabel.get(picture.label).push(picture);
    }
    const queues = [...byLabel.values()], taken = new Set();
    for (let turn = 0; taken.size < room; turn++)
        for (const queue of queues)
            if (turn < queue.length && taken.size < room)
                taken.add(queue[turn]);
    return pictures.filter((picture) => taken.has(picture));
}
