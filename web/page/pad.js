/* A drawing pad on a canvas: strokes of round ink on white paper.
 *
 *     const pad = new Pad(canvas, { ink: () => '#000000', brush: () => 18, done: () => {...} });
 *     pad.pixels()    // ImageData
 *
 * `done` is called after each stroke. */
const paper = '#ffffff';

export class Pad {
    #canvas;
    #context;
    #ink;
    #brush;

    constructor(canvas, { ink, brush, done }) {
        this.#canvas = canvas;
        this.#context = canvas.getContext('2d', { willReadFrequently: true });
        this.#context.lineCap = this.#context.lineJoin = 'round';
        this.#ink = ink;
        this.#brush = brush;
        let last = null;
        canvas.addEventListener('pointerdown', (event) => {
            if (!event.isPrimary || event.button !== 0)
                return;
            canvas.setPointerCapture(event.pointerId);
            last = this.#line(null, event);
        });
        canvas.addEventListener('pointermove', (event) => {
            if (!last || !event.isPrimary)
                return;
            const steps = event.getCoalescedEvents?.() ?? [];
            for (const step of steps.length ? steps : [event])
                last = this.#line(last, step);
        });
        for (const end of ['pointerup', 'pointercancel'])
            canvas.addEventListener(end, (event) => {
                if (!last || !event.isPrimary)
                    return;
                last = null;
                done();
            });
        this.clear();
    }

    clear() {
        this.#context.fillStyle = paper;
        this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    }

    pixels() {
        return this.#context.getImageData(0, 0, this.#canvas.width, this.#canvas.height);
    }

    /* Draws to the pointer and returns its position; a line of no length is a dot. */
    #line(from, { clientX, clientY }) {
        const box = this.#canvas.getBoundingClientRect();
        const to = {
            x: (clientX - box.left) / box.width * this.#canvas.width,
            y: (clientY - box.top) / box.height * this.#canvas.height,
        };
        const start = from ?? to;
        this.#context.strokeStyle = this.#ink();
        this.#context.lineWidth = this.#brush();
        this.#context.beginPath();
        this.#context.moveTo(start.x, start.y);
        this.#context.lineTo(to.x, to.y);
        this.#context.stroke();
        return to;
    }
}
