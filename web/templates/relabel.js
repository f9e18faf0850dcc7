/* What is chosen in the report for pictures of another class: as a shell script that moves their files, and as a table.
 * The page itself touches no file.
 *
 *     const files = { classes: ['cat', 'dog'], examples, data_path: 'photos', in_folders: true };
 *     const changes = [{ file: 'test/cat/7.png', label: 0, to: 1 }, { file: 'test/cat/8.png', label: 0, to: none }];
 *     lineOf(files, changes[0]);           // "move 'test/cat/7.png' 'test/dog/7.png'"
 *     scriptOf(files, changes);            // these lines, and what runs them
 *     tableOf(files, changes);             // "test/cat/7.png,cat,dog" ...
 *
 * files is of the report's data; paths are below data_path. */

/* The class of a picture that is to be taken out. */
export const none = -1;

const simple = (name) => name.normalize().toLowerCase().replace(/[\s_-]+/g, ' ').trim();

/* Which part of a path is the folder of the class; -1: none. */
function classPart(file, name) {
    return file.split('/').slice(0, -1).findIndex((part) => simple(part) === simple(name));
}

/* As the folder of a class is called where pictures of it lie, else as the class. */
function folderName({ classes, examples }, label) {
    const isFound = (other) => other.label === label && other.file && classPart(other.file, classes[label]) >= 0;
    const found = examples.find(isFound);
    return found ? found.file.split('/')[classPart(found.file, classes[label])] : classes[label];
}

const quoted = (text) => `'${text.replaceAll('\'', '\'\\\'\'')}'`;

/* The line of the script. null if only a person can say where the file belongs: it lies in no folder of its class, or a
 * name is not fit for a script that people read. */
export function lineOf(files, { file, label, to }) {
    const parts = file.split('/'), at = classPart(file, files.classes[label]);
    const name = to === none ? 'none' : folderName(files, to);
    const isOdd = /[\p{C}\p{Zl}\p{Zp}\ufffd]/u.test(file + name) || /^\/|(^|\/)\.\.(\/|$)/.test(file) ||
        /^\.|\/|^$/.test(name);
    if (!files.in_folders || at < 0 || isOdd)
        return null;
    return to === none ? `take_out ${quoted(file)}`
        : `move ${quoted(file)} ${quoted([...parts.slice(0, at), name, ...parts.slice(at + 1)].join('/'))}`;
}

/* What is taken out comes to a folder beside the data, where no training finds it. */
const commands = `status=0
move() {
    if [ -e "$2" ] || [ -L "$2" ]; then
        printf '%s is there already: %s stays\\n' "$2" "$1" >&2
        status=1
    else
        mkdir -p -- "\${2%/*}" && mv -- "$1" "$2" || status=1
    fi
}
take_out() {
    move "$1" "../$(basename -- "$(pwd)").removed/$1"
}
`;

export function scriptOf(files, changes) {
    const lines = changes.map((change) => lineOf(files, change)).filter((line) => line !== null);
    return '#!/bin/sh\n' +
        '# Moves pictures to other classes, as chosen in the report of `eyelet evaluate`. It overwrites nothing.\n' +
        '# Run it where eyelet was run, or name the folder of the data: sh relabel.sh FOLDER\n' +
        `data=${quoted(files.data_path)}\nCDPATH= cd -- "\${1:-$data}" || exit\n` +
        `${commands}${lines.map((line) => `${line}\n`).join('')}exit $status\n`;
}

function field(text) {
    const isQuoted = /[,"\r\n]/.test(text);
    return isQuoted ? `"${text.replaceAll('"', '""')}"` : text;
}

/* RFC 4180; the new label of what is taken out is empty. */
export function tableOf({ classes }, changes) {
    const rows = changes.map(({ file, label, to }) => [file, classes[label], to === none ? '' : classes[to]]);
    return [['path', 'label', 'new_label'], ...rows].map((cells) => `${cells.map(field).join(',')}\n`).join('');
}
