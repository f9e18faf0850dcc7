/* <eyelet-classifier>: classifies an image that is chosen, dropped or pasted, or that its src names.
 *
 *     <script type="module" src="element.js"></script>
 *     <eyelet-classifier model="objects160.eyelet" top-k="3" src="photo.jpg"></eyelet-classifier>
 *
 *     element.addEventListener('classify', ({ detail }) => console.log(detail[0].label));
 *     element.image = canvas;    // whatever classifier.classify takes
 *
 * Where there are no elements, as on a server, the module can be imported all the same. Types and details:
 * element.d.ts. */
import { ClassifierError, loadClassifier } from './classifier.js';
import { make, nameOf, percent } from './view.js';

const style = `
    :host { display: block; font: inherit; }
    :host([hidden]), [hidden] { display: none !important; }
    label { display: block; padding: 1em; border: 1px dashed; border-radius: 0.5em; text-align: center; }
    label:focus-within, label.is-over { outline: 2px solid; outline-offset: 2px; }
    input { position: absolute; width: 1px; height: 1px; opacity: 0; }
    img { display: block; max-width: 100%; max-height: 16em; margin: 0.5em auto; }
    ol { margin: 0.5em 0; padding: 0; list-style: none; }
    li { display: flex; justify-content: space-between; gap: 1em; }
    p { margin: 0.5em 0; }
`;

/* A policy (CSP) may forbid <style>; browsers before 2023 and jsdom know no other way. */
function addStyle(root) {
    if (!('adoptedStyleSheets' in root))
        return root.append(make('style', { textContent: style }));
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];
}

export class EyeletClassifier extends (globalThis.HTMLElement ?? Object) {
    static observedAttributes = ['model', 'src', 'top-k', 'threshold'];

    #model = null; /* what its property was set to, if not to an address */
    #image = null;
    #result = null;
    #loading = null; /* promise of the classifier */
    #running = new AbortController(); /* of the newest update */
    #shownUrl = ''; /* a blob: URL of the image that is shown */
    #parts;

    constructor() {
        super();
        const root = this.attachShadow({ mode: 'open' });
        const input = make('input', { type: 'file', accept: 'image/*', part: 'input' });
        const slot = make('slot', {}, 'Choose, drop or paste an image');
        this.#parts = {
            input,
            chooser: make('label', { part: 'chooser' }, input, slot),
            image: make('img', { part: 'image', alt: '', hidden: true }),
            results: make('ol', { part: 'results' }),
            message: make('p', { part: 'message', hidden: true }),
        };
        const { chooser, image, results, message } = this.#parts;
        const answer = make('div', {}, results, message);
        answer.setAttribute('aria-live', 'polite');
        root.append(chooser, image, answer);
        addStyle(root);
        input.addEventListener('change', () => this.#take(input.files[0]));
        image.addEventListener('error', () => { image.hidden = true; }); /* only the module may know its format */
        this.addEventListener('paste', (event) => this.#takeFrom(event, event.clipboardData));
        this.addEventListener('drop', (event) => this.#takeFrom(event, event.dataTransfer));
        for (const kind of ['dragover', 'dragleave', 'drop'])
            this.addEventListener(kind, (event) => {
                chooser.classList.toggle('is-over', kind === 'dragover');
                event.preventDefault();
            });
    }

    connectedCallback() {
        for (const name of ['model', 'src', 'image', 'topK', 'threshold'])
            if (Object.hasOwn(this, name)) { /* set before this class was defined */
                const value = this[name];
                delete this[name];
                this[name] = value;
            }
        this.#update();
    }

    disconnectedCallback() {
        queueMicrotask(() => { /* it may only have been moved */
            if (!this.isConnected)
                this.#closeModel();
        });
    }

    attributeChangedCallback(name, before, value) {
        if (before === value)
            return;
        if (name === 'model') {
            this.#closeModel();
            this.#model = null;
        }
        if (name === 'src')
            this.#image = null;
        if (this.isConnected)
            this.#update();
    }

    get model() {
        return this.#model ?? this.getAttribute('model');
    }

    set model(model) {
        if (typeof model === 'string') {
            this.setAttribute('model', model);
        } else {
            this.removeAttribute('model');
            this.#closeModel();
            this.#model = model ?? null;
            this.#update();
        }
    }

    get src() {
        return this.getAttribute('src') ?? '';
    }

    set src(address) {
        this.setAttribute('src', address);
    }

    get topK() {
        return this.hasAttribute('top-k') ? Number(this.getAttribute('top-k')) : undefined;
    }

    set topK(count) {
        this.#set('top-k', count);
    }

    get threshold() {
        return this.hasAttribute('threshold') ? Number(this.getAttribute('threshold')) : undefined;
    }

    set threshold(score) {
        this.#set('threshold', score);
    }

    get image() {
        return this.#image;
    }

    set image(image) {
        this.#image = image ?? null;
        this.#update();
    }

    get result() {
        return this.#result;
    }

    #set(name, value) {
        if (value === undefined || value === null)
            this.removeAttribute(name);
        else
            this.setAttribute(name, value);
    }

    #takeFrom(event, transfer) {
        const file = transfer?.files[0];
        if (file) {
            event.preventDefault();
            this.#take(file);
        }
    }

    #take(file) {
        if (file && this.model === null)
            this.#fail(new ClassifierError('ARGUMENT', 'this element has no model: <eyelet-classifier model="...">'));
        else if (file)
            this.image = file;
    }

    #closeModel() {
        this.#running.abort();
        this.#loading?.then((classifier) => classifier.close(), () => {});
        this.#loading = null;
    }

    /* Shows the answer for what is set now, once all of it is set; what was begun before is given up. */
    async #update() {
        this.#running.abort();
        const { signal } = this.#running = new AbortController();
        await null;
        if (signal.aborted || !this.isConnected || !this.model)
            return;
        const image = this.#image ?? (this.src && new URL(this.src, this.baseURI));
        try {
            this.#showImage(image);
            const classifier = await this.#opened(), { topK, threshold } = this;
            const best = image && await classifier.classify(image, { topK, threshold, signal });
            if (!signal.aborted)
                this.#show(best || null, threshold ?? classifier.info.threshold ?? 0);
        } catch (error) {
            if (!signal.aborted)
                this.#fail(error);
        }
    }

    #opened() {
        const loading = this.#loading ??= loadClassifier({ model: this.#model ?? new URL(this.model, this.baseURI) });
        loading.catch(() => {
            if (this.#loading === loading)
                this.#loading = null; /* the next image tries again */
        });
        return loading;
    }

    #showImage(image) {
        const isFile = Boolean(image) && typeof image.arrayBuffer === 'function' && typeof image.size === 'number';
        URL.revokeObjectURL(this.#shownUrl);
        this.#shownUrl = isFile ? URL.createObjectURL(image) : '';
        const address = this.#shownUrl || (typeof image === 'string' || image instanceof URL ? String(image) : '');
        Object.assign(this.#parts.image, address ? { src: address, hidden: false } : { hidden: true });
    }

    #show(best, threshold) {
        const { results, message } = this.#parts, isSure = !best || best[0]?.score >= threshold;
        this.#result = best;
        message.hidden = isSure && !best?.isOutlier;
        message.textContent = best?.isOutlier ? 'None of these' : isSure ? '' : 'Not sure';
        results.replaceChildren(...(best ?? []).map(({ label, score }) => make('li', { part: 'result' },
            make('span', { part: 'label', textContent: nameOf(label) }),
            make('span', { part: 'score', textContent: percent(score) }))));
        if (best)
            this.dispatchEvent(new CustomEvent('classify', { detail: best, bubbles: true, composed: true }));
    }

    #fail(error) {
        const { results, message } = this.#parts;
        this.#result = null;
        results.replaceChildren();
        Object.assign(message, { textContent: error.message, hidden: false });
        this.dispatchEvent(new ErrorEvent('error', { error, message: error.message }));
    }
}

if (globalThis.customElements && !customElements.get('eyelet-classifier'))
    customElements.define('eyelet-classifier', EyeletClassifier);
