import { loadClassifier, openCamera } from 'eyelet';
import type { Classifier } from 'eyelet';

export async function show(image: HTMLImageElement, video: HTMLVideoElement, canvas: HTMLCanvasElement, input: HTMLInputElement) {
    const module: WebAssembly.Module = await WebAssembly.compileStreaming(fetch('classifier.wasm'));
    const classifier: Classifier = await loadClassifier({ model: fetch('model.eyelet'), wasm: module });
    const { signal } = new AbortController();
    const given = [image, video, canvas, new OffscreenCanvas(1, 1), new ImageData(1, 1), new Blob([]), new URL('http://localhost/'),
        await createImageBitmap(image), fetch('photo.jpg'), new VideoFrame(canvas)];
    for (const one of given)
        image.alt = (await classifier.classify(one, { signal }))[0].label;
    for await (const result of classifier.classifyMany(input.files ?? [], { signal }))
        image.alt = 'code' in result ? result.code : result[0].label;
    const camera = await openCamera(video, { facingMode: 'user' });
    for await (const frame of camera.frames(classifier.info, { signal }))
        image.alt = (await classifier.classify(frame))[0].label;
}
