/* The page's sentences in the reader's language: that of ?lang=zh, else the first of the browser's that there is.
 *
 *     element.textContent = text('classes.found', { count: 3 });    // "3 found"
 *
 * A table is a file in texts/. What stands in index.html is its English: data-text="key" has the sentence replaced in
 * the other languages, data-text-label="key" the aria-label, likewise -alt and -placeholder. */
import { make, setSpeaker, speaker } from '../view.js';
import en from './texts/en.js';
import zh from './texts/zh.js';

const languages = { en, zh };

const wanted = [new URLSearchParams(location.search).get('lang') ?? '', ...navigator.languages];
export const language = wanted.map((tag) => tag.toLowerCase().split('-')[0]).find((tag) => languages[tag]) ?? 'en';

export const text = speaker(languages[language], language);

/* Puts the sentences into what is below `root`. */
export function translate(root) {
    if (language === 'en')
        return;
    for (const node of root.querySelectorAll('[data-text]'))
        node.textContent = text(node.dataset.text);
    for (const [place, attribute] of [['label', 'aria-label'], ['alt', 'alt'], ['placeholder', 'placeholder']])
        for (const node of root.querySelectorAll(`[data-text-${place}]`))
            node.setAttribute(attribute, text(node.getAttribute(`data-text-${place}`)));
}

/* Links to the page in each language. */
export function showLanguages(list) {
    list.replaceChildren(...Object.entries(languages).map(([tag, { language: name }]) => {
        const address = new URL(location);
        address.searchParams.set('lang', tag);
        const link = make('a', { href: address.href, lang: tag, hreflang: tag, textContent: name });
        if (tag === language)
            link.setAttribute('aria-current', 'true');
        return link;
    }));
}

document.documentElement.lang = language;
setSpeaker(text);
