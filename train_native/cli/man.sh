#!/bin/bash
# The manual page from the program's own help: man.sh PROGRAM > eyelet.1
set -euo pipefail
program=$1

# A help text as roff: flush lines are paragraphs, "  --option VALUE   what it does" is a list, what else is indented stays as it is.
as_roff() {
    awk '
    function escaped(text) {
        gsub(/\\/, "\\e", text); gsub(/-/, "\\-", text)
        return text ~ /^[.\x27]/ ? "\\&" text : text
    }
    function mode(wanted) {
        if (wanted != now && now == "as it is") print ".fi"
        if (wanted != now && wanted == "as it is") print ".nf"
        now = wanted
    }
    /^ *$/ { gap = 1; next }
    /^  -/ {
        mode("list")
        match($0, /   +/)                              # two spaces in front, then none before the text
        at = match(substr($0, 3), /  +[^ ]/)
        name = at ? substr($0, 3, at - 1) : substr($0, 3)
        if (!at && match(name, /^--[^ ]+ [^ ]+ /)) { at = RLENGTH; name = substr($0, 3, RLENGTH - 1) }
        text = at ? substr($0, at + 3) : ""
        sub(/^ +/, "", text)
        print ".TP\n.B " escaped(name)
        if (text != "") print escaped(text)
        gap = 0; next
    }
    now == "list" && /^                    / { sub(/^ +/, ""); print escaped($0); next }
    {
        indented = /^ /
        if (gap || (!indented && now != "text")) { mode(indented ? "as it is" : "text"); print ".PP" }
        mode(indented ? "as it is" : "text")
        gap = 0
        print escaped($0)
    }
    END { mode("text") }'
}

commands=$("$program" --help | awk '/^  [a-z]/ {print $1}')
printf '%s\n' '.TH EYELET 1' '.SH NAME' 'eyelet \- train and run image classifiers' '.SH SYNOPSIS' '.B eyelet' '.I COMMAND' '\&...' '.SH DESCRIPTION'
"$program" --help | as_roff
for command in $commands; do
    echo ".SH EYELET ${command^^}"
    { "$program" "$command" --help all 2> /dev/null || "$program" "$command" --help; } | as_roff
done
