/* English: what scripts say. What stands in index.html is English already, and view.js has its own. */
import { english } from '../../view.js';

export default {
    ...english,
    'language': 'English',
    'draw.start': 'Draw something',
    'example': 'Example: {label}',
    'fetch.failed': '{path} cannot be fetched: is the server still there?',
    'fetch.refused': '{path} cannot be fetched: the server answered {status}',
    'model.no_list': 'models/models.json is not a list of model files',
    'model.kept': '{reason} The model {name} is still open.',
};
