#!/bin/bash
# What a shell completes of the program's command line, from the program's own help:
# completions.sh PROGRAM bash|zsh|fish > FILE
set -euo pipefail
program=$1
shell=$2

commands=$("$program" --help | awk '/^  [a-z]/ {print $1}')

# A line for each option of a command: its name, its value's name, the values that there are to choose from, what it does; with tabs
# between them and "-" for what is not there. Choices are told from other lists by the default, which is one of them.
options_of() {
    "$program" "$1" --help all | awk '
    function flush(    value, choices, words, count, i) {
        if (option == "") return
        value = "-"
        name = option
        if (match(option, / /)) { name = substr(option, 1, RSTART - 1); value = substr(option, RSTART + 1) }
        choices = "-"
        if (value != "-" && match(text, /: [^ ,:]+(, [^ ,:]+)* \[[^][ ]+\]$/)) {
            list = substr(text, RSTART + 2)
            chosen = list; sub(/.* \[/, "", chosen); sub(/\]$/, "", chosen)
            sub(/ \[.*/, "", list)
            count = split(list, words, ", ")
            for (i = 1; i <= count; i++)
                if (words[i] == chosen) { gsub(/, /, " ", list); choices = list; break }
        }
        sub(/^\(or -o\) /, "", text)
        sub(/ *[[;:(,].*/, "", text)                        # the first words are enough
        gsub(/[\047\\"$`]/, "", text)
        print name "\t" value "\t" choices "\t" text
        option = ""
    }
    /^  --/ {
        flush()
        at = match(substr($0, 3), /  +[^ ]/)
        option = at ? substr($0, 3, at - 1) : substr($0, 3)
        if (!at && match(option, /^--[^ ]+ [^ ]+ /)) { at = RLENGTH - 1; option = substr(option, 1, at) }
        text = at ? substr($0, at + 3) : ""
        sub(/^ +/, "", text)
        next
    }
    option != "" && /^                    / { sub(/^ +/, ""); text = text " " $0; next }
    { flush() }
    END { flush() }'
}

# Whether the value is a number or a word of its own, so that no file is meant.
is_no_file() { [[ ! $1 =~ FILE|PATH|FOLDER|DIR|MODEL|CHECKPOINT ]]; }

purpose_of() { "$program" --help | sed -n "s/^  $1 *//p" | tr -d "'\\\\\":\`\$"; }

print_bash() {
    printf '# Completion of eyelet for bash.\n_eyelet() {\n'
    printf '    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} options=\n'
    printf '    [[ $current == = ]] && current=\n'
    printf '    [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]}\n'
    printf '    COMPREPLY=()\n    if ((COMP_CWORD == 1)); then\n'
    printf '        COMPREPLY=($(compgen -W "%s --help --version" -- "$current"))\n        return\n    fi\n' "$(echo $commands)"
    printf '    case ${COMP_WORDS[1]}:$before in\n'
    for command in $commands; do
        while IFS=$'\t' read -r name value choices text; do
            if [[ $choices != - ]]; then
                printf '    %s:%s) COMPREPLY=($(compgen -W "%s" -- "$current")); return ;;\n' "$command" "$name" "$choices"
            elif [[ $value != - ]] && is_no_file "$value"; then
                printf '    %s:%s) compopt +o default; return ;;\n' "$command" "$name"
            elif [[ $value != - ]]; then
                printf '    %s:%s) return ;;\n' "$command" "$name"
            fi
        done < <(options_of "$command")
    done
    printf '    esac\n    [[ $current == -* ]] || return\n    case ${COMP_WORDS[1]} in\n'
    for command in $commands; do
        printf '    %s) options="%s" ;;\n' "$command" "$(echo $(options_of "$command" | cut -f 1))"
    done
    printf '    esac\n    COMPREPLY=($(compgen -W "$options" -- "$current"))\n}\ncomplete -o default -F _eyelet eyelet\n'
}

print_zsh() {
    printf '#compdef eyelet\n# Completion of eyelet for zsh.\nlocal -a commands=(\n'
    for command in $commands; do
        printf "    '%s:%s'\n" "$command" "$(purpose_of "$command")"
    done
    printf ')\nif ((CURRENT == 2)); then\n    _describe command commands\n    return\nfi\n'
    printf 'local command=$words[2]\nshift words\n((CURRENT--))\ncase $command in\n'
    for command in $commands; do
        printf '%s)\n    _arguments' "$command"
        while IFS=$'\t' read -r name value choices text; do
            if [[ $value == - ]]; then
                printf " \\\\\n        '%s[%s]'" "$name" "$text"
                continue
            fi
            if [[ $choices != - ]]; then action="($choices)"; elif is_no_file "$value"; then action=' '; else action=_files; fi
            [[ $name == --output ]] && printf " \\\\\n        '-o[%s]:%s:%s'" "$text" "$value" "$action"
            printf " \\\\\n        '%s=[%s]:%s:%s'" "$name" "$text" "$value" "$action"
        done < <(options_of "$command")
        printf " \\\\\n        '*:file:_files'\n    ;;\n"
    done
    printf 'esac\n'
}

print_fish() {
    printf '# Completion of eyelet for fish.\nfunction __eyelet_is\n    set -l words (commandline -opc)\n    test "$words[2]" = "$argv[1]"\nend\n'
    for command in $commands; do
        printf "complete -c eyelet -n '__eyelet_is \"\"' -f -a %s -d '%s'\n" "$command" "$(purpose_of "$command")"
        while IFS=$'\t' read -r name value choices text; do
            if [[ $value == - ]]; then kind=; elif [[ $choices != - ]]; then kind=" -x -a '$choices'"; elif is_no_file "$value"; then kind=' -x'; else kind=' -r -F'; fi
            [[ $name == --output ]] && kind=" -s o$kind"
            printf "complete -c eyelet -n '__eyelet_is %s' -l %s%s -d '%s'\n" "$command" "${name#--}" "$kind" "$text"
        done < <(options_of "$command")
    done
}

case $shell in
bash | zsh | fish) "print_$shell" ;;
*)
    echo "completions.sh PROGRAM bash|zsh|fish" >&2
    exit 2
    ;;
esac
