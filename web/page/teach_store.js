/* What is taught is kept in this browser, in IndexedDB, so that a crash or a closed tab loses nothing.
 *
 *     const store = await openStore();
 *     await store.list();                      // [{ id, at, name, classes }], the newest first, but open tabs'
 *     const bytes = await store.read(id);
 *     store.take(id);                          // goes on with it: other tabs no longer see it
 *     await store.keep(bytes, { name, classes });
 *     await store.forget(id);                  // or, without an id, what this tab has
 *
 * Each tab keeps its own, under a number of its own, for which it holds a Web Lock for as long as it lives: what two
 * tabs teach at once never overwrites each other. `keep` leaves the earlier bytes where the new ones find no room.
 * Errors are ClassifierErrors: KEEP_NONE (a private window, for instance), KEEP_FULL. */
import { ClassifierError } from '../contract.js';

const database = 'eyelet', lockOf = (id) => `eyelet taught ${id}`;

const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
});

const finished = (transaction) => new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error ?? new Error('aborted'));
});

export async function openStore() {
    try {
        const request = indexedDB.open(database, 1);
        request.onupgradeneeded = () => {
            request.result.createObjectStore('taught', { keyPath: 'id' }); /* what there is to say of each */
            request.result.createObjectStore('bytes'); /* the files */
        };
        return new Store(await done(request));
    } catch (cause) {
        throw keepError(cause);
    }
}

function keepError(cause) {
    return /quota/i.test(`${cause?.name} ${cause?.message}`)
        ? new ClassifierError('KEEP_FULL', 'this browser has no room left to keep what you teach: save it as a file',
            { cause })
        : new ClassifierError('KEEP_NONE', 'this browser keeps nothing here, perhaps since this is a private window: ' +
            'save what you teach as a file', { cause });
}

const newId = () => crypto.randomUUID?.() ?? `${Date.now()} ${Math.random()}`;

class Store {
    #database;
    #id;
    #letGo; /* of the lock */

    constructor(opened) {
        this.#database = opened;
        opened.onversionchange = () => opened.close();
        this.#hold(newId());
    }

    async list() {
        const all = await this.#run('readonly', ({ taught }) => done(taught.getAll()));
        const held = await heldLocks();
        return all.filter(({ id }) => id !== this.#id && !held.has(lockOf(id))).sort((a, b) => b.at - a.at);
    }

    /* Whether another tab teaches, too. */
    async isElsewhere() {
        const held = await heldLocks();
        held.delete(lockOf(this.#id));
        return [...held].some((name) => name.startsWith(lockOf('')));
    }

    async read(id) {
        const bytes = await this.#run('readonly', ({ bytes: files }) => done(files.get(id)));
        if (!bytes)
            throw new ClassifierError('KEEP_NONE', 'what was kept is gone: it was forgotten in another tab');
        return bytes;
    }

    /* From now on this tab keeps what it has under this number. */
    take(id) {
        this.#letGo?.();
        this.#hold(id);
    }

    keep(bytes, about) {
        const id = this.#id;
        return this.#run('readwrite', ({ taught, bytes: files }) => {
            taught.put({ ...about, id, at: Date.now() });
            files.put(bytes, id);
        });
    }

    /* What this tab had stays; what comes is kept beside it. */
    renew() {
        this.take(newId());
    }

    forget(id = this.#id) {
        return this.#run('readwrite', ({ taught, bytes: files }) => {
            taught.delete(id);
            files.delete(id);
        });
    }

    async #run(mode, work) {
        try {
            const transaction = this.#database.transaction(['taught', 'bytes'], mode);
            const stores = { taught: transaction.objectStore('taught'), bytes: transaction.objectStore('bytes') };
            const end = finished(transaction), [value] = await Promise.all([work(stores), end]);
            return value;
        } catch (cause) {
            throw keepError(cause);
        }
    }

    /* Until the tab is closed or goes on with something else. */
    #hold(id) {
        this.#id = id;
        const ended = new Promise((resolve) => { this.#letGo = resolve; });
        navigator.locks?.request(lockOf(id), () => ended).catch(() => {});
    }
}

/* Without Web Locks (pages that came over http): none. */
async function heldLocks() {
    const { held = [] } = await navigator.locks?.query() ?? {};
    return new Set(held.map(({ name }) => name));
}
