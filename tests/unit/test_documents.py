# Copyright: (c) 2026, The ioto.serialization maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test of the README finds every block of a document, and knows which it cannot run."""

from __future__ import annotations

import pytest
from docutils.utils import SystemMessage

from tests.support.documents import Block, in_markdown, in_restructured_text

MARKDOWN = """\
# Title

- In a list, `order.csv`:

  ```csv
  address,serial
  ```

Text.

```sh
ansible-playbook bind.yml
```

Not run by the tests: somebody has to scan
the labels.

    make

```yaml
# group_vars/all.yml
ansible_user: root
```
"""

RESTRUCTURED = """\
Title
=====

- In a list, ``order.csv``:

  .. code-block:: csv

     address,serial

.. note::

   .. code-block:: sh

      ansible-playbook bind.yml

   Not run by the tests: somebody has to scan
   the labels.

::

   make

.. seealso::

   .. code-block:: yaml

      # group_vars/all.yml
      ansible_user: root
"""


@pytest.mark.parametrize(
    "blocks",
    [in_markdown("guide", MARKDOWN), in_restructured_text("guide", RESTRUCTURED)],
    ids=["Markdown", "reStructuredText"],
)
def test_every_block_is_found_with_its_language_its_name_and_why_it_is_not_run(blocks: list[Block]) -> None:
    assert [(block.language, block.name, block.reason) for block in blocks] == [
        ("csv", "order.csv", ""),
        ("sh", "", "somebody has to scan the labels."),
        ("", "", ""),
        ("yaml", "group_vars/all.yml", ""),
    ]
    assert [bool(block.problem) for block in blocks] == [False, False, True, False]
    assert blocks[1].text == "ansible-playbook bind.yml\n"


def test_a_document_that_cannot_be_read_whole_is_refused_since_it_may_hide_a_block() -> None:
    with pytest.raises(SystemMessage, match="Unknown directive"):
        in_restructured_text("guide", ".. tabs::\n\n   .. code-block:: sh\n\n      make\n")


@pytest.mark.parametrize(
    ("language", "text", "problem"),
    [
        ("", "make\n", "language is not said"),
        ("fish", "make\n", "language is fish"),
        ("text", "PASS  pump-1\nls -l\n", "`ls -l` looks like a command"),
        ("text", "$ anything\n", "looks like a command"),
        ("console", "make\n", "no line begins with"),
        ("yaml", "ansible_user: root\n", "the file has no name"),
        ("yaml", "# two words\n", "the file has no name"),
        ("csv", "address,serial\n", "the file has no name"),
    ],
)
def test_a_block_that_can_neither_be_run_nor_written_is_a_problem(language: str, text: str, problem: str) -> None:
    assert problem in Block("guide.rst", 3, language, text).problem


def test_a_console_has_commands_over_several_lines_and_what_they_print() -> None:
    block = Block("guide.rst", 3, "console", '$ curl \\\n    -d 1 station\n{"id": "…"}\n$ make\n')

    assert block.commands == [("curl \\\n    -d 1 station", '{"id": "…"}\n'), ("make", "")]
