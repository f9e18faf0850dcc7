/* The one-file page, put together from its template as `eyelet export --html` does it
 * (train_native/report/standalone.c and html.c): the same files give the same bytes.
 *
 *     const read = async (path) => (await fetch(path)).text();
 *     const page = await standalonePage({ read, wasm, model });    // wasm, model: bytes, may be gzipped; page: text
 *
 * `examples`: pictures to show and to try, [{ label, picture: base64 of a JPEG or PNG file }]. */
const modules = ['contract.js', 'source.js', 'pixels.js', 'engine.js', 'picture.js', 'view.js',
    'templates/standalone.js'];
const shared = ['opening', 'picture', 'result', 'facts'];

/* In pieces: a call takes some ten thousand arguments at most, and btoa a text. */
export function base64Of(bytes) {
    const pieces = [], step = 3 * 8192;
    for (let at = 0; at < bytes.length; at += step)
        pieces.push(btoa(String.fromCharCode(...bytes.subarray(at, at + step))));
    return pieces.join('');
}

/* Modules as one script: without their imports, each a line, and the word export. */
function scriptOf(texts) {
    return texts.flatMap((text) => text.split(/(?<=\n)/)).filter((line) => !line.startsWith('import '))
        .map((line) => line.replace(/^export /, '')).join('');
}

/* What stands between <!-- shared: NAME --> and <!-- /shared -->. */
function sharedPart(page, name) {
    const before = `<!-- shared: ${name} -->\n`, start = page.indexOf(before) + before.length;
    return page.slice(start, page.indexOf('<!-- /shared -->', start)).replace(/[ \n]+$/, '');
}

async function hashIn(page, tag, end) {
    const start = page.indexOf(tag) + tag.length, content = page.slice(start, page.indexOf(end, start));
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(content));
    return base64Of(new Uint8Array(digest));
}

export async function standalonePage({ read, wasm, model, examples = [] }) {
    const [template, index, style, ...texts] = await Promise.all(
        ['templates/standalone.html', 'index.html', 'style.css', ...modules].map(read));
    const parts = {
        'style.css': style, wasm: base64Of(wasm), model: base64Of(model), modules: scriptOf(texts),
        examples: JSON.stringify(examples).replaceAll('<', '\\u003c'),
        'script-sha256': '{{script-sha256}}', 'style-sha256': '{{style-sha256}}', /* known at the end */
        ...Object.fromEntries(shared.map((name) => [name, sharedPart(index, name)])),
    };
    const page = template.replace(/\{\{([^}]*)\}\}/g, (_, name) => parts[name]);
    const [script, look] = [await hashIn(page, '<script type="module">', '</script>'),
        await hashIn(page, '<style>', '</style>')];
    return page.replace('{{script-sha256}}', script).replace('{{style-sha256}}', look);
}
