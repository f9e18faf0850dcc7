/* A drawing pad on a canvas: strokes of round ink on white paper, by mouse, pen, finger or keyboard.
 *
 *     const pad = new Pad(canvas, { ink: () => '#000000', brush: () => 18, moved() {}, done() {}, pointed(x, y) {} });
 *     pad.pixels();    // ImageData
 *     pad.undo();      // the latest stroke
 *
 * `moved` is called while a stroke grows, `done` after each. With the keyboard, the arrow keys move a point (finely
 * with Shift), and the space bar puts the brush down and up: pointed(x, y, isDown) tells where, from 0 to 1. */
const paper = '#ffffff';
const maxUndone = 20; /* strokes that can be taken back */
const step = 12, fineStep = 2; /* pixels of an arrow key */

const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
    #canvas;
    #context;
    #tools;
    #before = []; /* ImageData: the paper before each of the latest strokes */
    #last = null; /* where the stroke under way has come to */
    #point; /* of the keyboard */

    constructor(canvas, tools) {
        this.#canvas = canvas;
        this.#tools = tools;
        this.#context = canvas.getContext('2d', { willReadFrequently: true });
        this.#context.lineCap = this.#context.lineJoin = 'round';
        this.#point = { x: canvas.width / 2, y: canvas.height / 2 };
        canvas.addEventListener('pointerdown', (event) => this.#press(event));
        canvas.addEventListener('pointermove', (event) => this.#move(event));
        for (const end of ['pointerup', 'pointercancel'])
            canvas.addEventListener(end, (event) => event.isPrimary && this.#end());
        canvas.addEventListener('keydown', (event) => this.#type(event));
        canvas.addEventListener('blur', () => this.#end());
        this.clear();
    }

    clear() {
        this.#last = null;
        this.#before = [];
        this.#context.fillStyle = paper;
        this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    }

    undo() {
        const before = this.#before.pop();
        if (before)
            this.#context.putImageData(before, 0, 0);
    }

    get canUndo() {
        return this.#before.length > 0;
    }

    pixels() {
        return this.#context.getImageData(0, 0, this.#canvas.width, this.#canvas.height);
    }

    #press(event) {
        if (!event.isPrimary || event.button !== 0)
            return;
        this.#canvas.setPointerCapture(event.pointerId);
        this.#begin(this.#positionOf(event));
    }

    #move(event) {
        if (!this.#last || !event.isPrimary)
            return;
        const steps = event.getCoalescedEvents?.() ?? [];
        for (const one of steps.length ? steps : [event])
            this.#lineTo(this.#positionOf(one));
        this.#tools.moved?.();
    }

    #type(event) {
        const direction = directions[event.key], { width, height } = this.#canvas;
        if (event.key === ' ')
            this.#last ? this.#end() : this.#begin({ ...this.#point });
        else if (!direction || event.ctrlKey || event.altKey || event.metaKey)
            return;
        else {
            const far = event.shiftKey ? fineStep : step, within = (value, max) => Math.min(Math.max(value, 0), max);
            this.#point = {
                x: within(this.#point.x + far * direction[0], width),
                y: within(this.#point.y + far * direction[1], height),
            };
            if (this.#last) {
                this.#lineTo({ ...this.#point });
                this.#tools.moved?.();
            }
        }
        event.preventDefault(); /* the page does not scroll */
        this.#tools.pointed?.(this.#point.x / width, this.#point.y / height, Boolean(this.#last));
    }

    #begin(position) {
        this.#before.push(this.pixels());
        if (this.#before.length > maxUndone)
            this.#before.shift();
        this.#last = position;
        this.#lineTo(position); /* a line of no length is a dot */
    }

    #end() {
        if (!this.#last)
            return;
        this.#last = null;
        this.#tools.done();
    }

    #positionOf({ clientX, clientY }) {
        const box = this.#canvas.getBoundingClientRect();
        return {
            x: (clientX - box.left) / box.width * this.#canvas.width,
            y: (clientY - box.top) / box.height * this.#canvas.height,
        };
    }

    #lineTo(position) {
        this.#context.strokeStyle = this.#tools.ink();
        this.#context.lineWidth = this.#tools.brush();
        this.#context.beginPath();
        this.#context.moveTo(this.#last.x, this.#last.y);
        this.#context.lineTo(position.x, position.y);
        this.#context.stroke();
        this.#last = position;
    }
}
