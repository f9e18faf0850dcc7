/* The models of the page, of which one is open: those that models/models.json lists, and those that are added.
 *
 *     const { classifier, info, labels } = await currentModel();    // when the one being opened is, or cannot be
 *     watchModel({ opening() {}, opened(model) {}, failed(error, model) {} });
 *     addModel({ name: 'Mine', bytes: async () => arrayBuffer });    // isImported: of another program's files
 *
 * A model that cannot be opened leaves the one before it open: `failed` is given that, or null. */
import { BackgroundClassifier } from '../background.js';
import { ClassifierError } from '../contract.js';
import { element, visible } from '../view.js';
import { fetchFile } from './files.js';
import { text } from './texts.js';

const entries = []; /* { name, bytes, address, isImported }: the address if it came by one */
const watchers = [];
let opened = null; /* { entry, bytes, classifier, info, labels } */
let opening = null; /* promise of the next one, or what has become of it */

export function watchModel(watcher) {
    watchers.push(watcher);
}

const tell = (what, ...given) => watchers.forEach((watcher) => watcher[what]?.(...given));

/* Rejects if none can be opened. */
export async function currentModel() {
    await listed;
    for (let waited; ;) {
        waited = opening;
        const model = await waited;
        if (waited === opening)
            return model;
    }
}

/* Opens a model and puts it into the list; of one name, the newer replaces the older. */
export function addModel({ name, bytes, isImported = false }) {
    return open({ name, bytes, isImported });
}

/* Gives the error where it cannot be opened. */
async function open(entry) {
    tell('opening');
    const next = opening = load(entry);
    showChoice(entry);
    try {
        const model = await next;
        if (opening !== next) {
            model.classifier.close();
            return null;
        }
        opened?.classifier.close();
        opened = model;
        list(entry);
        tell('opened', model);
        return null;
    } catch (error) {
        if (opening !== next)
            return null;
        if (opened) {
            opening = Promise.resolve(opened);
            showChoice(opened.entry);
        }
        tell('failed', error, opened);
        return error;
    }
}

async function load(entry) {
    const classifier = new BackgroundClassifier();
    try {
        const bytes = await entry.bytes();
        const { info, labels } = await classifier.open({ model: bytes, warmUp: true });
        return { entry, bytes, classifier, info, labels };
    } catch (error) {
        classifier.close();
        throw error;
    }
}

function list(entry) {
    const known = entries.findIndex(({ name }) => name === entry.name);
    entries.splice(known < 0 ? entries.length : known, 1, entry);
    showChoice(entry);
}

function showChoice(chosen) {
    const choice = element('models'), shown = entries.includes(chosen) ? entries : [...entries, chosen];
    choice.replaceChildren(...shown.map(({ name }, i) => new Option(visible(name), String(i))));
    choice.value = String(shown.indexOf(chosen));
    element('model-choice').hidden = shown.length < 2;
}

/* Of an address below the page's, or another of its origin. */
function entryAt(address) {
    const name = decodeURIComponent(address.replace(/[?#].*$/, '').replace(/^.*\//, '')).replace(/\.eyelet$/, '');
    return { name: name || address, address, bytes: async () => (await fetchFile(address)).arrayBuffer() };
}

/* The one that ?model= names, which may be one of the list. */
function askedFor() {
    const asked = new URLSearchParams(location.search).get('model');
    if (!asked)
        return null;
    const base = new URL('.', location), url = URL.canParse(asked, base) ? new URL(asked, base) : null;
    if (url?.origin !== location.origin)
        return { name: asked, bytes: () => Promise.reject({ message: text('link.elsewhere', { address: asked }) }) };
    const path = url.href.startsWith(base.href) ? url.href.slice(base.href.length) : url.href;
    return entries.find(({ address }) => address === path) ?? entryAt(path);
}

/* The first one of the list is opened, unless the page's address asks for another; that too where it has failed. */
async function openList() {
    const names = await (await fetchFile('models/models.json')).json().catch(() => null);
    if (!Array.isArray(names) || names.length === 0)
        throw new ClassifierError('FETCH', text('model.no_list'));
    entries.push(...names.map((name) => entryAt(`models/${name}`)));
    const asked = askedFor(), error = asked && await open(asked);
    if (asked && !error)
        return;
    await open(entries[0]);
    if (error && opened)
        tell('failed', error, opened);
}

element('models').addEventListener('change', ({ target }) => open(entries[target.value]));

const listed = Promise.resolve().then(openList); /* when all who watch are there */
listed.catch((error) => tell('failed', error, null));
