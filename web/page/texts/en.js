/* English: what scripts say. What stands in index.html is English already, and view.js has its own. */
import { english } from '../../view.js';

export default {
    ...english,
    'language': 'English',
    'camera.off': 'Point the camera at something',
    'camera.asking': 'Waiting for the camera\u2026',
    'camera.none': 'This page cannot reach a camera: take a photo instead',
    'camera.freeze': 'Freeze',
    'camera.resume': 'Go on',
    'camera.rate': { one: '{count} frame a second', other: '{count} frames a second' },
    'camera.absent': 'There is no camera for this page: open it over https, or from localhost',
    'camera.ended': 'The camera was unplugged or taken away: connect it, then start it again',
    'camera.NotAllowedError': 'The camera was not allowed: allow it in the address bar, then start it again',
    'camera.NotFoundError': 'No camera was found: connect one, then start it again',
    'camera.NotReadableError': 'The camera is used by another program: close that, then start it again',
    'draw.start': 'Draw something',
    'example': 'Example: {label}',
    'fetch.failed': '{path} cannot be fetched: is the server still there?',
    'fetch.refused': '{path} cannot be fetched: the server answered {status}',
    'model.no_list': 'models/models.json is not a list of model files',
    'model.kept': '{reason} The model {name} is still open.',
};
