/* A taught picture: its thumbnail, and what can be done with it.
 *
 *     list.append(thumbnail(session, id, 'cup'));                // a canvas, drawn when the picture has come
 *     card.append(pictureBar(session, id, { close() {} }));      // move it, delete it */
import { make, nameOf } from '../view.js';
import { text } from './texts.js';

export function thumbnail(session, id, label) {
    const canvas = make('canvas', { className: 'teach-picture', width: 1, height: 1, role: 'img',
        ariaLabel: nameOf(label) });
    session.teacher.thumbnail(id).then(({ data, width, height }) => {
        Object.assign(canvas, { width, height });
        canvas.getContext('2d').putImageData(new ImageData(data, width, height), 0, 0);
    }, () => {}); /* it has been deleted since */
    return canvas;
}

/* `proposed`: the class to move it to that is chosen first. */
export function pictureBar(session, id, { proposed, close }) {
    const label = session.labelOf(id);
    const others = session.teacher.classes.filter((one) => one.label !== label);
    const choice = make('select', { ariaLabel: text('teach.move_to') },
        ...others.map((one) => new Option(nameOf(one.label), one.label)));
    if (proposed)
        choice.value = proposed;
    const act = (work) => () => {
        close();
        work();
    };
    const move = make('button', { type: 'button', className: 'teach-move', textContent: text('teach.move'),
        onclick: act(() => session.move(id, choice.value)) });
    const remove = make('button', { type: 'button', className: 'teach-delete', textContent: text('teach.delete'),
        onclick: act(() => session.remove(id)) });
    const bar = make('div', { className: 'teach-bar', role: 'group', ariaLabel: text('teach.picture_of', {
        name: nameOf(label) }) }, thumbnail(session, id, label),
    ...others.length ? [make('span', { className: 'teach-pair' }, choice, move)] : [], remove,
    make('button', { type: 'button', className: 'teach-quiet', textContent: text('teach.close'), onclick: close }));
    bar.addEventListener('keydown', ({ key }) => key === 'Escape' && close());
    return bar;
}
