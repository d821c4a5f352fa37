# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Loads the files of the agent stand-in as the agent does, in the awk of a small device. Its arguments are files, each with
# the place where it goes (`=` for the root): `ioto.json5 = device.json5 device …`. Prints what the agent then holds in
# memory, as assignments for a shell: id, product, mode, nested_mode, url, provisioned_id, body (its device as JSON for a
# POST), and members (the same for the file, without the id). A file that is not there is left out. Ends with status 1 where
# one is malformed.
#
# The tree is flat: `order` has the paths of its leaves, whose keys are separated by SEP, and `kind` and `held` what is there:
# a string (s), a primitive (p), an array as JSON (j), or an object without members (o).

BEGIN {
    SEP = "\001"
    for (argument = 1; argument + 1 < ARGC; argument += 2) {
        if (!slurp(ARGV[argument])) continue
        place = ARGV[argument + 1] == "=" ? "" : ARGV[argument + 1] SEP
        fresh = 0
        read_object_of_file(place)
        for (leaf = 1; leaf <= fresh; leaf++) set(found[leaf], found_kind[leaf], found_text[leaf])
        blend_conditionals(place)
    }
    say("id", get("device" SEP "id"))
    say("product", get("device" SEP "product"))
    say("mode", get("services" SEP "serialize"))
    say("nested_mode", get("services" SEP "cloud" SEP "serialize"))
    say("url", get("api" SEP "serialize"))
    say("provisioned_id", get("provision" SEP "id"))
    say("body", json("device" SEP))
    say("members", members())
    exit 0
}

# --- the tree ---

function set(path, type, value,    parent) {
    if (type == "o" && exists(path, held)) return
    parent = path
    if (sub(SEP "[^" SEP "]*$", "", parent) && (parent in held)) delete held[parent]
    if (!(path in held)) order[++count] = path
    kind[path] = type
    held[path] = value
}

# null counts as nothing.
function get(path) {
    return (path in held) && !(kind[path] == "p" && held[path] == "null") ? held[path] : ""
}

function has(path) {
    return (path in held) && !(kind[path] == "p" && held[path] == "null")
}

function is_below(path, above) { return substr(path, 1, length(above)) == above }

function exists(path, tree,    name) {
    if (path in tree) return 1
    for (name in tree) if (is_below(name, path SEP)) return 1
    return 0
}

# After a file was blended, its conditionals: conditional NAME VALUE rest.
function blend_conditionals(place,    above, parts, n, number, name, value, i, names, seen) {
    above = place "conditional" SEP
    for (i = 1; i <= count; i++) if ((order[i] in held) && is_below(order[i], above)) {
        split(substr(order[i], length(above) + 1), parts, SEP)
        if (!(parts[1] in seen)) { seen[parts[1]]; names[++number] = parts[1] }
    }
    for (n = 1; n <= number; n++) {
        name = names[n]
        value = name
        gsub(/[.]/, SEP, value)
        if (has(value)) value = get(value)
        else if (name == "profile") value = "dev"
        else continue
        blend_case(place, above name SEP value SEP)
    }
    for (i = 1; i <= count; i++) if (is_below(order[i], above)) delete held[order[i]]
    prune()
}

function prune(    i, kept) {
    for (i = 1; i <= count; i++) if (order[i] in held) order[++kept] = order[i]
    count = kept + 0
}

function blend_case(place, above,    i, path, before, last) {
    for (path in held) before[path]
    last = count
    for (i = 1; i <= last; i++) if ((order[i] in held) && is_below(order[i], above))
        combine(place, substr(order[i], length(above) + 1), order[i], before)
}

# A key may begin with how it is combined.
function combine(place, rest, from, before,    parts, n, i, how, path) {
    n = split(rest, parts, SEP)
    path = place
    for (i = 1; i <= n; i++) {
        how = substr(parts[i], 1, 1)
        if (index("+-=?", how)) parts[i] = substr(parts[i], 2)
        else how = ""
        path = path parts[i]
        if (how == "?" && exists(path, before)) return
        if (how == "-" && !exists(path, before)) return
        if (i < n) path = path SEP
    }
    # The agents spoil the name of a value that is there.
    if (how != "" && how != "?" && (path in held)) delete held[path]
    else set(path, kind[from], held[from])
}

# --- what is said ---

function say(name, text) {
    text = replaced(text, "'", "'\\''")
    print name "='" text "'"
}

function quoted(text) {
    text = replaced(replaced(text, "\\", "\\\\"), "\"", "\\\"")
    # Agents before 2.8 leave line ends as they are.
    if (ENVIRON["ESCAPED"] != "") text = replaced(replaced(text, "\n", "\\n"), "\r", "\\r")
    return "\"" text "\""
}

# Not with gsub: what a backslash means in a replacement differs from awk to awk.
function replaced(text, old, new,    out, i) {
    while (i = index(text, old)) {
        out = out substr(text, 1, i - 1) new
        text = substr(text, i + length(old))
    }
    return out text
}

function leaf_json(path) { return kind[path] == "s" ? quoted(held[path]) : held[path] }

# The object at a path as JSON.
function json(above,    i, rest, key, out, done) {
    for (i = 1; i <= count; i++) {
        if (!(order[i] in held) || !is_below(order[i], above)) continue
        rest = substr(order[i], length(above) + 1)
        key = index(rest, SEP) ? substr(rest, 1, index(rest, SEP) - 1) : rest
        if (key in done) continue
        done[key]
        out = out (out == "" ? "" : ",") quoted(key) ":" (key == rest ? leaf_json(order[i]) : json(above key SEP))
    }
    return "{" out "}"
}

function members(    i, rest, key, out, done) {
    for (i = 1; i <= count; i++) {
        if (!(order[i] in held) || !is_below(order[i], "device" SEP)) continue
        rest = substr(order[i], length("device" SEP) + 1)
        key = index(rest, SEP) ? substr(rest, 1, index(rest, SEP) - 1) : rest
        if (key == "id" || (key in done)) continue
        done[key]
        out = out "    " (key ~ /^[A-Za-z0-9_]+$/ ? key : quoted(key)) ": " \
            (key == rest ? leaf_json(order[i]) : json("device" SEP key SEP)) ",\n"
    }
    return out
}

# --- reading ---

function slurp(file,    line, any) {
    text = ""
    while ((getline line < file) > 0) { text = text line "\n"; any = 1 }
    close(file)
    return any
}

function fail() { exit 1 }

function note(path, type, value) {
    found[++fresh] = path
    found_kind[fresh] = type
    found_text[fresh] = value
}

function read_object_of_file(place) {
    size = length(text)
    at = 1
    skip()
    if (at > size) return
    value(place)
    skip()
    if (at <= size) fail()
}

function skip(    two, end) {
    while (at <= size) {
        two = substr(text, at, 2)
        if (two == "//") {
            end = index(substr(text, at), "\n")
            at = end ? at + end : size + 1
        } else if (two == "/*") {
            end = index(substr(text, at + 2), "*/")
            if (!end) fail()
            at += end + 3
        } else if (index(" \t\r\n", substr(two, 1, 1))) at++
        else return
    }
}

# Notes what stands here below a path, which ends with SEP, or is empty for the root.
function value(path,    letter, word_, leaf) {
    skip()
    letter = substr(text, at, 1)
    leaf = substr(path, 1, length(path) - 1)
    if (letter == "{") { object(path); return }
    if (letter == "[") { note(leaf, "j", array()); return }
    if (index("\"'`", letter)) { note(leaf, "s", string(letter)); return }
    word_ = word()
    # The agent takes an unquoted word for a string.
    note(leaf, is_primitive(word_) ? "p" : "s", word_)
}

function is_primitive(word_) {
    return word_ ~ /^(true|false|null|-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?)$/
}

function object(path,    letter, name, any) {
    at++
    for (;;) {
        commas()
        letter = substr(text, at, 1)
        if (letter == "}") {
            at++
            if (!any && path != "") note(substr(path, 1, length(path) - 1), "o", "{}")
            return
        }
        any = 1
        name = index("\"'`", letter) ? string(letter) : word()
        skip()
        if (substr(text, at, 1) != ":") fail()
        at++
        value(path name SEP)
        between("}")
    }
}

# An array of scalars, as JSON.
function array(    out, letter, word_) {
    at++
    for (;;) {
        commas()
        letter = substr(text, at, 1)
        if (letter == "]") { at++; return "[" out "]" }
        if (letter == "[") word_ = array()
        else if (index("\"'`", letter)) word_ = quoted(string(letter))
        else {
            word_ = word()
            if (!is_primitive(word_)) word_ = quoted(word_)
        }
        out = out (out == "" ? "" : ",") word_
        between("]")
    }
}

function commas() { for (skip(); substr(text, at, 1) == ","; skip()) at++ }

function between(closing,    letter) {
    skip()
    letter = substr(text, at, 1)
    if (letter != "," && letter != closing) fail()
}

function string(quote,    letter, out) {
    for (at++; at <= size; at++) {
        letter = substr(text, at, 1)
        if (letter == quote) { at++; return out }
        if (letter == "\\") {
            letter = substr(text, ++at, 1)
            if (letter == "u") {
                # Of an escape the agent keeps one byte.
                letter = sprintf("%c", hex(substr(text, at + 3, 2)))
                at += 4
                out = out letter
                continue
            }
            if (!index("\"'`\\/bfnrt", letter)) fail()
            if (letter == "n") letter = "\n"
            else if (letter == "t") letter = "\t"
            else if (letter == "r") letter = "\r"
            else if (letter == "b") letter = "\b"
            else if (letter == "f") letter = "\f"
        }
        out = out letter
    }
    fail()
}

function hex(digits) {
    digits = tolower(digits)
    return (index("0123456789abcdef", substr(digits, 1, 1)) - 1) * 16 + index("0123456789abcdef", substr(digits, 2)) - 1
}

function word(    length_) {
    match(substr(text, at), /^[A-Za-z0-9_.-]+/)
    if (RLENGTH < 1) fail()
    length_ = RLENGTH
    at += length_
    return substr(text, at - length_, length_)
}
