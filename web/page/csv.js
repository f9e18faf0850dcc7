/* Results as a CSV file (RFC 4180), which opens in a spreadsheet.
 *
 *     csvOf([{ path: 'a.jpg', result: best }, { path: 'b.jpg', result: error }])
 *     // file,label,score,error
 *     // a.jpg,cat,0.9312,
 *     // b.jpg,,,the image file is damaged
 *
 * Spreadsheets take a cell that begins with one of = + - @ for a formula, also behind the quotes: a label or a name of
 * a file could be one, and gets an apostrophe before it. The mark at the beginning tells Excel that this is UTF-8. */
const mark = '\ufeff';

export function csvOf(rows) {
    const lines = rows.map(({ path, result }) => Array.isArray(result)
        ? [field(path), field(result[0].label), result[0].score.toFixed(4), '']
        : [field(path), '', '', field(result.message)]);
    const table = [['file', 'label', 'score', 'error'], ...lines];
    return mark + table.map((cells) => `${cells.join(',')}\r\n`).join('');
}

function field(text) {
    const harmless = /^\s*[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    const isQuoted = /[,"\r\n]/.test(harmless);
    return isQuoted ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
