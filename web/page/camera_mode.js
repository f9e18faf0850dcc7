/* Live labels over what the camera sees. Where there is no camera for scripts, a phone's own takes the picture. */
import { CameraClassifier } from '../camera_classifier.js';
import { element, nameOf, percent, showMessage, showProblem, showResult } from '../view.js';
import { currentModel, watchModel } from './models.js';
import { modes } from './panels.js';
import { classifyFile, forget } from './recognise.js';
import { text } from './texts.js';

const announceEvery = 3000; /* milliseconds between what is said to those who do not see the labels */
const drawEvery = 100; /* and between what is drawn beside the picture */

let live = null; /* the CameraClassifier */
let turn = 0; /* number of the latest start */
let threshold; /* the open model's */
let announced = { label: '', at: 0 }, drawnAt = 0;

async function start() {
    const mine = ++turn;
    forget();
    const hasCameras = Boolean(navigator.mediaDevices?.getUserMedia);
    showState(hasCameras ? 'asking' : 'none');
    showMessage(text(hasCameras ? 'camera.asking' : 'camera.none'));
    if (!hasCameras)
        return;
    try {
        const { classifier, info } = await currentModel();
        if (mine !== turn)
            return;
        ({ threshold } = info);
        const mineLive = live = new CameraClassifier(element('video'), {
            classifier, info,
            onResult: (best, details) => mine === turn && show(best, details),
            onError: (error) => mine === turn && fail(error),
        });
        await mineLive.start();
        const count = await mineLive.cameraCount();
        if (mine === turn)
            showState('on', count);
        showMirrored();
    } catch (error) {
        if (mine === turn)
            fail(error);
    }
}

function stop() {
    turn++;
    live?.close();
    live = null;
    showState('off');
}

/* What has happened to the camera, in the reader's language. */
function fail(error) {
    if (error.code === 'TRAPPED') /* one frame */
        return;
    stop();
    const reason = error.cause?.name ?? error.cause?.type ?? 'absent';
    showProblem(error.code === 'CAMERA' && text(`camera.${reason}`) ? { message: text(`camera.${reason}`) } : error);
}

/* off, asking, on, none: what can be pressed. */
function showState(state, cameras = 0) {
    const isOn = state === 'on';
    element('camera-waits').hidden = isOn;
    if (!isOn)
        element('camera-words').textContent = text(`camera.${state}`);
    element('camera-on').hidden = isOn || state === 'none';
    element('camera-on').disabled = state === 'asking';
    element('capture').hidden = isOn || state === 'asking';
    element('camera-freeze').hidden = !isOn;
    element('camera-switch').hidden = cameras < 2;
    element('camera-label').hidden = true;
    showFrozen(false);
    element('result').classList.toggle('is-live', isOn);
    if (isOn)
        element('verdict').setAttribute('aria-live', 'off'); /* it would chatter */
    else
        element('verdict').removeAttribute('aria-live');
}

/* Those who look at themselves are used to a mirror; what is classified is not turned. */
function showMirrored() {
    element('video').classList.toggle('is-mirrored', live?.facingMode === 'user');
}

function showFrozen(isFrozen) {
    element('camera-freeze').textContent = text(isFrozen ? 'camera.resume' : 'camera.freeze');
}

function show(best, { milliseconds, framesPerSecond, isFrozen }) {
    const [{ label, score }] = best, isSure = score >= (threshold ?? 0.5), now = performance.now();
    element('camera-label').hidden = false;
    element('camera-name').textContent = isSure ? nameOf(label) : text('result.perhaps', { name: nameOf(label) });
    element('camera-score').textContent = percent(score, 0);
    if (isFrozen || now - drawnAt >= drawEvery) {
        drawnAt = now;
        showResult(best, milliseconds, threshold);
        if (!isFrozen && framesPerSecond > 0)
            element('timing').textContent += ` \u00b7 ${text('camera.rate', { count: Math.round(framesPerSecond) })}`;
    }
    if (isFrozen || isSure && label !== announced.label && now - announced.at >= announceEvery) {
        announced = { label, at: now };
        element('camera-said').textContent = `${nameOf(label)}, ${percent(score, 0)}`;
    }
}

element('camera-on').addEventListener('click', start);

element('camera-freeze').addEventListener('click', () => {
    const isFrozen = !live.isFrozen;
    showFrozen(isFrozen);
    (isFrozen ? live.freeze() : live.resume()).catch(fail);
});

element('camera-switch').addEventListener('click', () => {
    showFrozen(false);
    live.switchCamera().then(showMirrored).catch(fail);
});

element('capture').addEventListener('click', () => element('capture-file').click());

element('capture-file').addEventListener('change', ({ target }) => {
    if (target.files.length > 0)
        classifyFile(target.files[0]);
    target.value = '';
});

watchModel({
    opened({ classifier, info }) {
        ({ threshold } = info);
        live?.use(classifier, info);
        if (live?.isFrozen)
            live.freeze().catch(fail);
    },
});

modes.add('camera', { panel: element('camera'), enter: start, leave: stop });
