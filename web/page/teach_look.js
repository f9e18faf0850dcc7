/* What the teacher is shown, by the camera or as a picture, and what it says of it.
 *
 *     const look = new Look(session, refuse);    // its elements stand in look.root
 *     await look.openCamera();
 *     look.hold('cup');  look.release();         // several pictures a second, for as long as it is held
 *     await look.once('cup');
 *     look.ask(file);                            // the latest picture; answered again after each training
 *
 * The newest frame wins: one is asked about, or taught, when the one before has been answered. */
import { openCamera } from '../camera.js';
import { make, nameOf, percent, scoreText } from '../view.js';
import { thumbnail } from './teach_picture.js';
import { text } from './texts.js';

const pauseBetween = 120; /* milliseconds between two pictures that are taken while the button is held */
const mostAhead = 3; /* pictures that are being taught; a slow machine takes fewer */
const mostBars = 5, mostNear = 4;
const longestQuiet = 1500; /* milliseconds that an answer has to last before it is read out */

export class Look {
    #session;
    #refuse;
    #camera = null;
    #isWanted = false; /* the camera, which takes a while to open */
    #constraints; /* of getUserMedia; the default of camera.js at first */
    #opening = null;
    #held = null; /* the class whose button is held */
    #lastTaken = 0;
    #pending = 0;
    #picture = null; /* the latest one that was given */
    #turn = 0;
    #resume = () => {};
    #spoken;

    constructor(session, refuse) {
        this.#session = session;
        this.#refuse = refuse;
        this.video = make('video', { muted: true, playsInline: true, hidden: true,
            ariaLabel: text('teach.camera_sees') });
        this.image = make('img', { hidden: true, alt: text('teach.asked') });
        this.invitation = make('p', { className: 'quiet', textContent: text('teach.look_here') });
        this.verdict = make('p', { className: 'verdict' });
        this.spoken = make('p', { className: 'unseen', role: 'status' });
        this.bars = make('ol', { className: 'bars' });
        this.timing = make('p', { className: 'quiet timing' });
        this.near = make('ul', { className: 'teach-near' });
        this.nearTitle = make('p', { className: 'quiet', hidden: true, textContent: text('teach.nearest') });
        this.camera = make('button', { type: 'button', className: 'teach-camera', textContent: text('teach.camera_on'),
            onclick: () => this.#isWanted ? this.closeCamera() : this.openCamera() });
        this.other = make('button', { type: 'button', className: 'teach-other', hidden: true,
            textContent: text('teach.other_camera'), onclick: () => this.#switchCamera() });
        this.file = make('input', { type: 'file', accept: 'image/*', hidden: true });
        this.file.addEventListener('change', () => {
            this.ask(this.file.files[0]);
            this.file.value = '';
        });
        const choose = make('button', { type: 'button', className: 'teach-ask', textContent: text('teach.ask'),
            onclick: () => this.file.click() });
        this.root = make('section', { className: 'card teach-look', ariaLabel: text('teach.look') },
            make('div', { className: 'teach-shown' }, make('div', { className: 'frame' }, this.invitation, this.video,
                this.image), make('div', { className: 'row' }, this.camera, this.other, choose,
                this.file)),
            make('div', { className: 'teach-answer' }, this.verdict, this.spoken, this.bars, this.timing,
                this.nearTitle, this.near));
        this.image.addEventListener('error', () => { this.image.hidden = true; });
    }

    /* --- The camera --- */

    openCamera() {
        this.#isWanted = true;
        return this.#opening ??= this.#open().finally(() => { this.#opening = null; });
    }

    async #open() {
        if (this.#camera)
            return;
        try {
            const camera = await openCamera(this.video, this.#constraints);
            if (!this.#isWanted)
                return camera.close();
            this.#camera = camera;
        } catch (error) {
            this.#isWanted = false;
            this.release();
            this.#refuse(inWords(error));
            return;
        }
        this.#forgetPicture();
        this.#show(this.video);
        this.camera.textContent = text('teach.camera_off');
        this.#watch(this.#camera);
        this.other.hidden = (await cameras()).length < 2;
    }

    /* A phone's other side, or the next one that is connected. */
    async #switchCamera() {
        const { facingMode, deviceId } = this.video.srcObject.getVideoTracks()[0].getSettings(), all = await cameras();
        const next = all[(all.findIndex((one) => one.deviceId === deviceId) + 1) % all.length];
        this.#constraints = facingMode ? { facingMode: facingMode === 'user' ? 'environment' : 'user' }
            : { deviceId: { exact: next.deviceId } };
        this.closeCamera();
        return this.openCamera();
    }

    async #watch(camera) {
        try {
            for await (const frame of camera.frames(this.#session.teacher.info))
                await this.#take(frame);
        } catch (error) {
            this.#refuse(error);
        }
        if (this.#camera !== camera)
            return;
        this.closeCamera();
        this.#refuse(new Error(text('teach.camera_gone')));
    }

    closeCamera() {
        const camera = this.#camera;
        this.#camera = null;
        this.#isWanted = false;
        camera?.close();
        this.camera.textContent = text('teach.camera_on');
        this.video.hidden = this.other.hidden = true;
        this.invitation.hidden = false;
        this.#say(null);
    }

    async #take(frame) {
        const now = performance.now(), label = this.#held;
        if (label === null)
            return this.#answer(frame);
        if (now - this.#lastTaken < pauseBetween || this.#pending >= mostAhead)
            return undefined;
        this.#lastTaken = now;
        return this.#teach(label, frame);
    }

    #teach(label, frame) {
        this.#pending++;
        this.#session.add(label, frame).catch((error) => {
            this.#held = null;
            this.#refuse(error);
        }).finally(() => { this.#pending--; });
    }

    hold(label) {
        this.#held = label;
        this.#resume();
        this.#resume = this.#session.pause();
        this.openCamera();
    }

    release() {
        if (this.#held === null)
            return;
        const label = this.#held;
        this.#held = null;
        this.#resume();
        if (this.#camera && performance.now() - this.#lastTaken > 10 * pauseBetween)
            this.once(label); /* a short press takes one, too */
    }

    async once(label) {
        await this.openCamera();
        for await (const frame of this.#camera?.frames(this.#session.teacher.info) ?? [])
            return void this.#teach(label, frame);
    }

    /* --- A picture --- */

    ask(picture) {
        if (!picture)
            return;
        if (this.#camera)
            this.closeCamera();
        this.#forgetPicture();
        this.#picture = picture;
        this.image.src = URL.createObjectURL(picture);
        this.#show(this.image);
        this.again();
    }

    /* After a change the answer is another. */
    again() {
        if (this.#picture)
            this.#answer(this.#picture);
        else if (!this.#camera)
            this.#say(null);
    }

    #forgetPicture() {
        URL.revokeObjectURL(this.image.src);
        this.image.removeAttribute('src');
        this.#picture = null;
    }

    #show(shown) {
        for (const one of [this.video, this.image, this.invitation])
            one.hidden = one !== shown;
    }

    async #answer(image) {
        const turn = ++this.#turn;
        try {
            const answer = await this.#session.teacher.classify(image, { topK: mostBars, nearest: mostNear });
            if (turn === this.#turn)
                this.#say(answer);
        } catch (error) {
            if (turn !== this.#turn)
                return;
            this.#say(null);
            if (error.code !== 'TOO_FEW' && error.code !== 'CLOSED')
                this.#refuse(error);
        }
    }

    /* --- The answer --- */

    #say(answer) {
        const { classes, info } = this.#session.teacher, isAnswer = answer !== null;
        this.verdict.classList.toggle('is-answer', isAnswer);
        this.verdict.classList.toggle('is-unlike', Boolean(answer?.isOutlier));
        this.verdict.textContent = isAnswer ? verdictOf(answer, info.threshold)
            : text(classes.filter(({ count }) => count > 0).length < 2 ? 'teach.too_few' : 'teach.show_it');
        this.#speak(isAnswer ? this.verdict.textContent : '');
        this.#showBars(answer?.best ?? []);
        this.timing.textContent = isAnswer
            ? text('teach.took', { time: Math.max(answer.milliseconds, 0.1).toFixed(1) }) : '';
        this.nearTitle.hidden = !answer?.nearest.length;
        this.#showNear(answer?.nearest ?? []);
    }

    #speak(words) {
        clearTimeout(this.#spoken);
        this.#spoken = setTimeout(() => {
            if (this.spoken.textContent !== words)
                this.spoken.textContent = words;
        }, longestQuiet);
    }

    #showBars(best) {
        const { bars } = this;
        while (bars.children.length > best.length)
            bars.lastChild.remove();
        while (bars.children.length < best.length)
            bars.append(make('li', {}, make('span', { className: 'name', dir: 'auto' }),
                make('span', { className: 'score' }),
                make('span', { className: 'bar' })));
        best.forEach(({ label, score }, i) => {
            const [name, value, bar] = bars.children[i].children;
            name.textContent = nameOf(label);
            value.textContent = scoreText(score);
            bar.style.setProperty('--score', score);
        });
    }

    /* Drawn anew only where other pictures are the nearest. */
    #showNear(nearest) {
        const key = nearest.map(({ id, label }) => `${id} ${label}`).join();
        if (this.near.dataset.key === key)
            return;
        this.near.dataset.key = key;
        this.near.replaceChildren(...nearest.map(({ id, label, similarity }) => make('li', {
            title: text('teach.similarity', { percent: percent(similarity, 0) }) },
        thumbnail(this.#session, id, label), make('span', { className: 'quiet', textContent: nameOf(label) }))));
    }
}

async function cameras() {
    return (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === 'videoinput');
}

/* A camera's error, in the reader's language. */
function inWords(error) {
    const words = text(`camera.${error.cause?.name ?? 'absent'}`);
    return words ? new Error(words, { cause: error }) : error;
}

function verdictOf({ best: [{ label, score }], isOutlier }, threshold) {
    const name = nameOf(label);
    return isOutlier ? text('teach.unlike') : score < threshold ? text('result.unsure', { name })
        : score < 0.5 ? text('result.perhaps', { name }) : name;
}
