/* What comes by itself waits while a button of the mouse or a finger is down: it could move what is to be clicked. Not
 * while a button is held that teaches.
 *
 *     whenReleased(() => result.replaceChildren(...bars)); */
let isDown = false;
const waiting = [];

function release() {
    isDown = false;
    for (const work of waiting.splice(0))
        setTimeout(work); /* after the click */
}

addEventListener('pointerdown', ({ target }) => { isDown = !target.closest?.('.teach-hold'); }, true);
addEventListener('pointerup', release, true);
addEventListener('pointercancel', release, true);
addEventListener('blur', release); /* the window's own */

export function whenReleased(work) {
    if (isDown)
        waiting.push(work);
    else
        work();
}
