# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The blocks of the README and the guides: what a reader is told to type, and the files that they are shown.

    text of a block's language      what it is
    sh, bash                        commands
    console                         commands after `$ `, and what they print; … stands for anything
    yaml, csv, json5                a file. Its name is in its first line as a comment; for CSV, which has no
                                    comments, it is the last literal of the paragraph before
    text                            what something prints

A paragraph right after a block that begins with `REASON` says to every reader why no test runs it.
"""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from docutils.core import publish_doctree
from docutils.parsers.rst import Directive, directives, roles
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
REASON = "Not run by the tests: "

_COMMANDS = {"sh", "bash", "console"}
_FILES = {"yaml", "csv", "json5"}
_OUTPUT = {"text"}


@dataclass(frozen=True)
class Block:
    """A block in `document` (a path in the repository) that begins in `line`."""

    document: str
    line: int
    language: str
    text: str
    before: str = ""  # the last literal of the paragraph before
    reason: str = ""  # why no test runs it

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def is_file(self) -> bool:
        return self.language in _FILES

    @property
    def is_commands(self) -> bool:
        return self.language in _COMMANDS

    @property
    def name(self) -> str:
        """What the file is called that this block shows, or nothing."""
        if self.language == "csv":
            return self.before if self.before.endswith(".csv") else ""
        mark, _, rest = self.text.partition("\n")[0].partition(" ")
        return rest if mark in {"#", "//"} and " " not in rest else ""

    @property
    def commands(self) -> list[tuple[str, str]]:
        """The commands, each with what the document says that it prints."""
        if self.language != "console":
            return [(self.text, "")]
        found: list[tuple[str, str]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line.removeprefix("$ "), ""))
            elif found and found[-1][0].endswith("\\"):
                found[-1] = (f"{found[-1][0]}\n{line}", "")
            elif found:
                found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
        return found

    @property
    def problem(self) -> str:
        """What keeps this block from being run or written, or nothing."""
        if self.is_commands:
            return "" if self.commands else f"{self.place}: no line begins with `$ `, so no command is in it."
        if self.is_file:
            hint = "the paragraph before ends with it" if self.language == "csv" else "its first line is a comment"
            return "" if self.name else f"{self.place}: the file has no name; see to it that {hint} that names it."
        if self.language not in _OUTPUT:
            return f"{self.place}: its language is {self.language or 'not said'}, which no test knows how to run."
        for line in self.text.splitlines():
            word = (line.split() or [""])[0]
            if word == "$" or shutil.which(word):
                return f"{self.place}: `{line}` looks like a command; make the block's language sh or console."
        return ""


def paths() -> list[str]:
    """The README and all guides, as paths in the repository."""
    return ["README.md", *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("docs/docsite/rst/**/*.rst")))]


def blocks(document: str) -> list[Block]:
    """All blocks of a document of the repository, in the order in which they stand."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return in_markdown(document, text) if document.endswith(".md") else in_restructured_text(document, text)


def in_markdown(document: str, text: str) -> list[Block]:
    """All blocks of `text`, also those in lists and those that are only indented."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    found, before = [], ""
    for token, *after in zip(tokens, [*tokens[1:], None], [*tokens[2:], None, None], strict=True):
        if token.type == "inline":
            literals = [child.content for child in token.children or [] if child.type == "code_inline"]
            before = literals[-1] if literals else ""
        elif token.type in {"fence", "code_block"}:
            opening, inline = after
            paragraph = inline.content if opening and inline and opening.type == "paragraph_open" else ""
            line = token.map[0] + 1 if token.map else 0
            found.append(Block(document, line, token.info.strip(), token.content, before, _reason(paragraph)))
            before = ""
    return found


def in_restructured_text(document: str, text: str) -> list[Block]:
    """All blocks of `text`, wherever they stand. Raises `SystemMessage` of docutils where an error may hide one."""
    settings = {
        "report_level": 3,  # errors
        "halt_level": 3,
        "syntax_highlight": "none",
        "file_insertion_enabled": False,
        "warning_stream": io.StringIO(),
    }
    found = []
    for node in publish_doctree(text, source_path=document, settings_overrides=settings).findall(_is_block):
        around = node.parent.children
        where = node.parent.index(node)
        literals = list(around[where - 1].findall(nodes.literal)) if where else []
        after = around[where + 1] if len(around) > where + 1 else None
        content = node.astext()
        found.append(
            Block(
                document,
                (node.line or 0) - len(content.splitlines()),  # docutils counts to the end of a block
                " ".join(name for name in node["classes"] if name != "code"),
                f"{content}\n",
                literals[-1].astext() if literals else "",
                _reason(after.astext() if isinstance(after, nodes.paragraph) else ""),
            )
        )
    return found


def _is_block(node: nodes.Node) -> bool:
    return isinstance(node, nodes.literal_block | nodes.doctest_block)


def _reason(paragraph: str) -> str:
    return " ".join(paragraph.removeprefix(REASON).split()) if paragraph.startswith(REASON) else ""


class _SeeAlso(Directive):
    """Sphinx's list of other pages, which docutils alone does not know."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        found = nodes.admonition()
        self.state.nested_parse(self.content, self.content_offset, found)
        return [found]


directives.register_directive("seealso", _SeeAlso)
roles.register_generic_role("ref", nodes.inline)
