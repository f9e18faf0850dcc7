/* Keeps the site for use without a network. build_site.js puts before this text what the site consists of:
 *
 *     const site = { version: '0123456789abcdef', files: { 'index.html': SHA-256 in hex, ... }, later: { ... } };
 *
 * `files` are kept from the first visit on, `later` (models that few people open) from their first use. All of them are
 * of one version: a file that is not the one listed is not kept, and one that was kept before is not fetched again. An
 * update waits until no page of the old version is open, or until its only page is reloaded. */
const scope = self.registration.scope;
const prefix = `eyelet ${scope} `; /* other sites of the same origin have caches of their own */
const own = prefix + site.version;
const all = { ...site.files, ...site.later };

const isOwn = (name) => name.startsWith(prefix);
const addressOf = (path) => new URL(path, scope).href;

async function hashOf(bytes) {
    const digest = await crypto.subtle.digest('SHA-256', bytes);
    return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/* Some hosts answer "index.html" with a redirection to the folder. */
const sourceOf = (path) => addressOf(path === 'index.html' ? '' : path);

/* The listed file from the network: { response, isListed }. Its headers stay, but for those of the transfer. */
async function fetchFile(path) {
    const answer = await fetch(sourceOf(path), { cache: 'no-cache' });
    const bytes = await answer.arrayBuffer(), headers = new Headers(answer.headers);
    for (const name of ['content-encoding', 'content-length', 'transfer-encoding'])
        headers.delete(name);
    const { status, statusText } = answer;
    return { response: new Response(bytes, { status, statusText, headers }),
        isListed: answer.ok && await hashOf(bytes) === all[path] };
}

/* The file as a cache of an earlier version has it, if it is the same. */
async function keptBefore(path) {
    for (const name of (await caches.keys()).filter(isOwn)) {
        const response = await (await caches.open(name)).match(addressOf(path));
        if (response && await hashOf(await response.clone().arrayBuffer()) === all[path])
            return response;
    }
    return null;
}

async function keep(cache, path) {
    const kept = await keptBefore(path);
    if (kept)
        return cache.put(addressOf(path), kept);
    const { response, isListed } = await fetchFile(path);
    if (!isListed)
        throw new Error(`${path} is not the one of version ${site.version}: the site is being changed, ` +
            'or its server changes the files');
    return cache.put(addressOf(path), response);
}

self.addEventListener('install', (event) => event.waitUntil((async () => {
    const cache = await caches.open(own);
    await Promise.all(Object.keys(site.files).map((path) => keep(cache, path)));
})()));

/* Models that were opened before are there in the new version, too, as far as they are the same. */
self.addEventListener('activate', (event) => event.waitUntil((async () => {
    const cache = await caches.open(own);
    for (const path of Object.keys(site.later)) {
        const kept = await keptBefore(path);
        if (kept)
            await cache.put(addressOf(path), kept);
    }
    for (const name of (await caches.keys()).filter(isOwn))
        if (name !== own)
            await caches.delete(name);
})()));

async function answer(path) {
    const cache = await caches.open(own), kept = await cache.match(addressOf(path));
    if (kept)
        return kept;
    const { response, isListed } = await fetchFile(path);
    if (isListed)
        await cache.put(addressOf(path), response.clone()).catch(() => {}); /* no space: it is fetched each time */
    return response;
}

const leaving = new Map(); /* of a page's client: when it said that it is going, to be reloaded or for good */
const longestLeaving = 5_000; /* milliseconds; it may have stayed */

async function isOtherOpen() {
    const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
    return pages.some(({ id, url }) => url.startsWith(scope) && !(Date.now() - leaving.get(id) < longestLeaving));
}

/* Where no page but the one that is reloaded is open, a waiting update takes over, and the page is asked for again. */
async function answerPage(path) {
    const { waiting } = self.registration;
    if (!waiting || await isOtherOpen())
        return answer(path);
    waiting.postMessage('take over');
    return new Response('', { headers: { Refresh: '0', 'Content-Type': 'text/html' } });
}

self.addEventListener('message', ({ data, source }) => {
    if (data === 'leaving')
        leaving.set(source.id, Date.now());
    else if (data === 'take over')
        self.skipWaiting();
});

self.addEventListener('fetch', (event) => {
    const { request } = event, [address] = request.url.split(/[?#]/);
    if (request.method !== 'GET' || !address.startsWith(scope))
        return;
    const path = decodeURI(address.slice(scope.length)) || 'index.html';
    if (Object.hasOwn(all, path))
        event.respondWith(request.mode === 'navigate' ? answerPage(path) : answer(path));
});
