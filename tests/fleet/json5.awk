# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Reads JSON5 for the agent stand-in, in the awk of a small device. What to print is said in the environment:
#   KEY=services.serialize   the first scalar of that name, or nothing
#   FORM=json                the document in strict JSON
#   FORM=file ID=...         the document as the agent saves it, with this id: no comments, quotes of its own
# Ends with status 1 when the text is malformed.

{ text = text $0 "\n" }

END {
    size = length(text)
    at = 1
    document = value("", 0)
    skip()
    if (at <= size) exit 1

    if (ENVIRON["KEY"] != "") print found[ENVIRON["KEY"]]
    else if (ENVIRON["FORM"] == "file") save()
    else print document
}

function save(    i, held) {
    print "{"
    for (i = 1; i <= count; i++) {
        if (names[i] == "id") held = 1
        print "    " names[i] ": " (names[i] == "id" ? "\"" ENVIRON["ID"] "\"" : values[i]) ","
    }
    if (!held) print "    id: \"" ENVIRON["ID"] "\","
    print "}"
}

function skip(    two, end) {
    while (at <= size) {
        two = substr(text, at, 2)
        if (two == "//") {
            end = index(substr(text, at), "\n")
            at += end
        } else if (two == "/*") {
            end = index(substr(text, at + 2), "*/")
            if (!end) exit 1
            at += end + 3
        } else if (index(" \t\r\n", substr(two, 1, 1))) at++
        else return
    }
}

function value(path, depth,    letter, scalar) {
    skip()
    letter = substr(text, at, 1)
    if (letter == "{") return object(path, depth)
    if (letter == "[") return array(path, depth)
    if (letter == "\"" || letter == "'") {
        scalar = string(letter)
        remember(path, scalar)
        return "\"" scalar "\""
    }
    scalar = word()
    remember(path, scalar)
    # The agent takes an unquoted word for a string.
    return scalar ~ /^(true|false|null|-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?)$/ ? scalar : "\"" scalar "\""
}

function object(path, depth,    out, name, member, letter) {
    at++
    for (;;) {
        skip()
        letter = substr(text, at, 1)
        if (letter == "}") { at++; return "{" out "}" }
        name = letter == "\"" || letter == "'" ? string(letter) : word()
        skip()
        if (substr(text, at, 1) != ":") exit 1
        at++
        member = value(path == "" ? name : path "." name, depth + 1)
        if (!depth) { names[++count] = name; values[count] = member }
        out = out (out == "" ? "" : ",") "\"" name "\":" member
        comma("}")
    }
}

function array(path, depth,    out) {
    at++
    for (;;) {
        skip()
        if (substr(text, at, 1) == "]") { at++; return "[" out "]" }
        out = out (out == "" ? "" : ",") value(path "[]", depth + 1)
        comma("]")
    }
}

function comma(closing,    letter) {
    skip()
    letter = substr(text, at, 1)
    if (letter == ",") at++
    else if (letter != closing) exit 1
}

# The content of a string, escaped as strict JSON wants it.
function string(quote,    letter, out) {
    for (at++; at <= size; at++) {
        letter = substr(text, at, 1)
        if (letter == quote) { at++; return out }
        if (letter == "\\") {
            letter = substr(text, ++at, 1)
            if (letter == "\n") continue
            out = out (index("\"\\/bfnrtu", letter) ? "\\" : "") letter
        } else if (letter == "\"") out = out "\\\""
        else if (letter == "\n") out = out "\\n"
        else if (letter == "\t") out = out "\\t"
        else out = out letter
    }
    exit 1
}

function word(    length_) {
    match(substr(text, at), /^[^][{}:,"' \t\r\n\/]+/)
    if (RLENGTH < 1) exit 1
    length_ = RLENGTH
    at += length_
    return substr(text, at - length_, length_)
}

# Of duplicate keys the agent uses the first.
function remember(path, scalar) {
    if (path in found) return
    gsub(/\\\//, "/", scalar)
    gsub(/\\"/, "\"", scalar)
    found[path] = scalar
}
