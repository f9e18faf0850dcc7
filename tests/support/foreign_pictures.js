/* Pictures that only the decoders of other libraries read (train_native/data/second_decoder.h), all of one scene, and that scene. Each
 * says what made it: cjpeg 2.1.5 of libjpeg-turbo, heif-enc 1.15.1 of libheif, or Pillow 9.4.0.
 *
 *     writeFileSync('arithmetic.jpg', foreignPictures['arithmetic.jpg']); */

/* 24 x 16 pixels: red, green, blue and white, parted at column 16 and row 8. turned: by 90 degrees to the right. */
export function scene({ turned = false } = {}) {
    const colours = [[220, 30, 30], [30, 200, 40], [30, 40, 210], [240, 240, 240]], [width, height] = turned ? [16, 24] : [24, 16];
    const data = new Uint8ClampedArray(width * height * 4);
    for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
            const [column, row] = turned ? [y, 15 - x] : [x, y];
            data.set([...colours[(column >= 16 ? 1 : 0) + (row >= 8 ? 2 : 0)], 255], (y * width + x) * 4);
        }
    return { data, width, height };
}

const encoded = {
    /* Pillow: image.convert('CMYK').save(name, quality=90) */
    'cmyk.jpg':
        '/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgIDAgIDAwMDBAMDBAUIBQUEBAUKBwcGCAwKDAwLCgsLDQ4SEA0OEQ4LCxAWEBETFBUVFQwPFxgWFBgSFBUU/8AAFAgA' +
        'EAAYBEMRAE0RAFkRAEsRAP/EAB8AAAEFAQEBAQEBAAAAAAAAAAABAgMEBQYHCAkKC//EALUQAAIBAwMCBAMFBQQEAAABfQECAwAEEQUSITFBBhNRYQcicRQygZGh' +
        'CCNCscEVUtHwJDNicoIJChYXGBkaJSYnKCkqNDU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6g4SFhoeIiYqSk5SVlpeYmZqio6Slpqeoqaqy' +
        's7S1tre4ubrCw8TFxsfIycrS09TV1tfY2drh4uPk5ebn6Onq8fLz9PX29/j5+v/aAA4EQwBNAFkASwAAPwD71r8+q/Pqv1Toooor8Ba/cWtqiivxUr9xqKKKKK/o' +
        'wr+havUKK//Z',
    /* cjpeg -quality 90 -sample 1x1 -arithmetic */
    'arithmetic.jpg':
        '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBD' +
        'AQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/yQARCAAQABgDAREAAhEBAxEB/8wACgAQEAUB' +
        'EBEF/9oADAMBAAIRAxEAPwD/ANH057/ayZXXWFyp83avaaV7lsesiBimgP/Z',
    /* cjpeg -quality 90 -sample 1x1 -arithmetic -progressive */
    'progressive.jpg':
        '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/2wBD' +
        'AQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/ygARCAAQABgDAREAAhEBAxEB/8wABgAQARD/' +
        '2gAMAwEAAhADEAAAAf8AozbCTc25AXkcYCLVLjOBw576WESA/8wABBAF/9oACAEBAAEFAsD/zAAEEQX/2gAIAQMBAT8BwP/MAAQRBf/aAAgBAgEBPwHA/8wABBAF' +
        '/9oACAEBAAY/AsD/zAAEEAX/2gAIAQEAAT8hwP/aAAwDAQACAAMAAAAQ/TyA/8wABBEF/9oACAEDAQE/EMD/zAAEEQX/2gAIAQIBAT8QwP/MAAQQBf/aAAgBAQAB' +
        'PxDA/9k=',
    /* Pillow: image.save(name, lossless=True) */
    'lossless.webp':
        'UklGRkYAAABXRUJQVlA4TDkAAAAvF8ADAB8gJCC6MTabaI5CthGgsZ0/yosgECCO5CgVJmH+418DJQTCbKNJTnKS9z+CiP6H6vasgicA',
    /* the same, with an EXIF block whose orientation is 6 */
    'turned.webp':
        'UklGRnoAAABXRUJQVlA4WAoAAAAIAAAAFwAADwAAVlA4TDkAAAAvF8ADAB8gJCC6MTabaI5CthGgsZ0/yosgECCO5CgVJmH+418DJQTCbKNJTnKS9z+CiP6H6vas' +
        'gicARVhJRhoAAABNTQAqAAAACAABARIAAwAAAAEABgAAAAAAAA==',
    /* the same, with save_all=True and the picture turned by 180 degrees as second one */
    'moving.webp':
        'UklGRtAAAABXRUJQVlA4WAoAAAACAAAAFwAADwAAQU5JTQYAAAAAAAAAAABBTk1GTgAAAAAAAAAAABcAAA8AAAAAAAJWUDhMNgAAAC8XwAMAHyAQIHYU6dOkTkhA' +
        'GCH7v8I2sWBiGfhguuc/yIhvAWG20SRPcpL7H0FE/0N1ewLUMUFOTUZOAAAAAAAAAAAAFwAADwAAAAAAAFZQOEw2AAAALxfAAwAfIBAgdhTp06ROSEAYIfu/wjax' +
        'YGIZ+GC65z/IiG8BYbbRJCc5yfsfQUT/YwN4atUx',
    /* heif-enc -q 90 */
    'photo.heic':
        'AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAa1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRtAAAAAAACAAAAEGlk' +
        'YXQAAAAAABgAEAAAADhpbG9jAQAAAERAAAIAAQAAAAAAAAHRAAEAAAAAAAABWgACAAEAAAAAAAAAAQAAAAAAAAAIAAAAOGlpbmYAAAAAAAIAAAAVaW5mZQIAAAEA' +
        'AQAAaHZjMQAAAAAVaW5mZQIAAAAAAgAAZ3JpZAAAAADYaXBycAAAALZpcGNvAAAAdmh2Y0MBA3AAAAAAAAAAAAAe8AD8/fj4AAAPAyAAAQAYQAEMAf//A3AAAAMA' +
        'kAAAAwAAAwAeugJAIQABACpCAQEDcAAAAwCQAAADAAADAB6gIIEFluqumubgQEDAgAAAAwCAAAADAIQiAAEABkQBwXPBiQAAABRpc3BlAAAAAAAAAEAAAABAAAAA' +
        'FGlzcGUAAAAAAAAAGAAAABAAAAAQcGl4aQAAAAADCAgIAAAAGmlwbWEAAAAAAAAAAgABAoECAAICA4QAAAAaaXJlZgAAAAAAAAAOZGltZwACAAEAAQAAAWJtZGF0' +
        'AAABVigBrwYyHi260F1Ao9vbq//+lw9D6PSkvyt0vVWeR9Fg//1D3Q4BhaxiL+iSyQsmfEALJ9TdQz+01/+8vvuy3m/0XP/+XEWHcLWla1Zc3+hOMEZDXFgE7+N+' +
        'DfPiewLcJT/wRL4Eky90Mok9ROBdByr1dtKsr032yt4Gn5fhLI760IEBZMgrMIasmVtA7c4+dzXnxxrUjPx+/eY8AqSc89I57B5LSG1CpGUsgAErUDDdoJZg9RMn' +
        'VJXqt+ET0deoZwZ++b65ugNBK1jbhRSBt9DHaWWx+z+fx3jd/Iv8Sf8QwIsH1hEHktiLrmZXJ2+BwP95nVlrP0T1ltVabbFkxz1DhAKiXj6Ctpn49z+Pn+T/lrjp' +
        'NA1DQB8GCRUmIM1E8AmDoTyLAD84/Z/P47xu/kX+JP+IYA3o6qbpesOA1RdmuydCoX95bDdDKf6hidMPJ5w2Isd7UA==',
    /* heif-enc -A -q 90 */
    'photo.avif':
        'AAAAHGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZgAAAOptZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRtAAAAAAABAAAAImls' +
        'b2MAAAAAREAAAQABAAAAAAEOAAEAAAAAAAAAKwAAACNpaW5mAAAAAAABAAAAFWluZmUCAAAAAAEAAGF2MDEAAAAAamlwcnAAAABLaXBjbwAAABNjb2xybmNseAAC' +
        'AAIABoAAAAAMYXYxQ4EADAAAAAAUaXNwZQAAAAAAAAAYAAAAEAAAABBwaXhpAAAAAAMICAgAAAAXaXBtYQAAAAAAAAABAAEEgYIDhAAAADNtZGF0EgAKCRgQ7+wQ' +
        'ICBoQDIcRGAAABTmKa8c+gLnCZu5Ht56gqnO4t7xM3X6wA==',
};
export const foreignPictures = Object.fromEntries(Object.entries(encoded).map(([name, text]) => [name, Buffer.from(text, 'base64')]));
