/* Steps in the view "Teach", in Chromium (chromium.js).
 *
 *     await teachTwo(page);                   // opens the view, and teaches eight red things and eight blue ones
 *     await ask(page, picturesOf('blue', 1)[0]);
 *     const { name, bytes } = await downloaded(page, '.teach-save'); */
import { readFileSync } from 'node:fs';

import { picturesOf } from './taught_pages.js';

export const card = (page, i) => page.locator('.teach-class').nth(i);
export const counts = (page) => page.locator('.teach-count').allTextContents();
export const names = (page) => page.locator('.teach-name').evaluateAll((fields) => fields.map(({ value }) => value));
export const untilCounts = (page, ...expected) => page.waitForFunction((wanted) =>
    [...document.querySelectorAll('.teach-count')].map(({ textContent }) => parseInt(textContent, 10)).join() === wanted, expected.join());

/* The note that says this, once it is there. */
export const note = async (page, words) => {
    const shown = await page.waitForFunction((source) => [...document.querySelectorAll('div.teach-note:not([hidden])')]
        .map(({ textContent }) => textContent).find((words) => new RegExp(source).test(words)), words.source);
    return shown.jsonValue();
};
export async function open(page) {
    await page.click('#view-teach');
    await page.waitForSelector('.teach-class');
}
export async function teach(page, i, label, files) {
    await card(page, i).locator('.teach-name').fill(label);
    await card(page, i).locator('.teach-name').press('Enter');
    await card(page, i).locator('input[type=file]').setInputFiles(files);
}
export async function teachTwo(page, count = 8) {
    await open(page);
    await teach(page, 0, 'red things', picturesOf('red', count));
    await untilCounts(page, count, 0);
    await teach(page, 1, 'blue things', picturesOf('blue', count));
    await untilCounts(page, count, count);
}
export const kept = (page) => page.waitForFunction(() => /^Kept/.test(document.querySelector('.teach-keep > [role=status]').textContent));
export const estimated = (page) => page.waitForFunction(() => /right/.test(document.querySelector('.teach-accuracy').textContent) &&
    !document.querySelector('.teach-estimate[aria-busy]'));
export async function ask(page, picture) {
    await page.locator('.teach-look input[type=file]').setInputFiles(picture);
    await page.waitForSelector('.teach-look .is-answer');
}
export const answers = (page) => page.locator('.teach-answer .bars li').allInnerTexts();
export async function downloaded(page, selector) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.click(selector)]);
    return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) };
}
