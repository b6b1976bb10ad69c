"""Prose in code and pages: phrases that leave the noun to the reader, and American spellings.

    python -m tests.test_language jaxgan/losses docs

lists the findings of some folders. Code in backquotes, code blocks, links and formulas are free.
"""

import ast
import io
import pathlib
import re
import subprocess
import sys
import tokenize

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
_THING = (
  'class', 'code', 'replica', 'run', 'row', 'method', 'species', 'process', 'device', 'split',
  'line', 'name', 'file', 'network', 'field', 'data set', 'step', 'epoch', 'label', 'image',
)  # fmt: skip
PHRASES = (
  'those (that|who|which|of|with|without)',
  'that of',
  rf'(one|two|three|five|ten|images|samples|seeds|\d[\d,]*) an? ({"|".join(_THING)})',
  r'an? \w+ each',
  'what comes (of|out)',
  'what is (missing|left|given|truncated|said|asked|chosen|drawn)',
  'whoever',
  'whatever (is|was)',
  'it goes',
  'go(es)? on',
  'the ones? (before|that|after|of|with)',
  'one that',
  "of (its|their|his|one's) own",
  'is (told|said)',
  'says? so',
  '(of|as) before',
)
# Ends of verbs and nouns on -ise, of the stems that this project uses.
_STEMS = (
  'normal', 'regular', 'optim', 'initial', 'general', 'visual', 'random', 'summar', 'recogn',
  'organ', 'real', 'serial', 'parallel', 'special', 'quant', 'minim', 'maxim', 'standard', 'util',
  'synchron', 'factor', 'token', 'categor', 'mem', 'material', 'discret',
)  # fmt: skip
AMERICAN = (
  'colors?', 'colored', 'gray', 'grayscale', 'behaviors?', 'centers?', 'centered', 'labeled',
  'labeling', 'unlabeled', 'modeling', 'modeled', 'canceled', 'favor', 'neighbors?', 'honor',
  'artifacts?', 'catalog', 'analyze[ds]?',
  rf'({"|".join(_STEMS)})(ize[ds]?|izing|izations?|izers?)',
)  # fmt: skip
# This file, and a page whose sentences are in the sections' modules and whose names are code.
SKIPPED = ('tests/test_language.py', 'docs/configuration.md')
RULES = {
  'phrases': re.compile(rf'\b({"|".join(PHRASES)})\b', re.IGNORECASE),
  'american': re.compile(rf'\b({"|".join(AMERICAN)})\b'),  # Titles of papers have capitals.
}
# In Markdown and docstrings: blocks and spans of code, targets of links, formulas, addresses.
_CODE = re.compile(
  r'^( *)```.*?^\1```|`[^`]*`|\]\([^)]*\)|\$[^$\n]*\$|https?://\S+', re.MULTILINE | re.DOTALL
)


def without_code(text):
  """Returns `text` with spaces in place of its code; lines stay where they are."""
  return _CODE.sub(lambda match: re.sub(r'[^\n]', ' ', match.group()), text)


def prose_of_python(source):
  """Yields (line, text) of each comment and of each text of several words."""
  for token in tokenize.generate_tokens(io.StringIO(source).readline):
    if token.type == tokenize.COMMENT:
      yield token.start[0], token.string
  for node in ast.walk(ast.parse(source)):
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and ' ' in node.value:
      yield node.lineno, node.value


def findings(name, source, rule):
  """Returns 'name:line: phrase' of each match of a rule in the prose of a file."""
  parts = prose_of_python(source) if name.endswith('.py') else [(1, source)]
  return [
    f'{name}:{line + text[: match.start()].count(chr(10))}: {match.group()}'
    for line, text in ((line, without_code(text)) for line, text in parts)
    for match in rule.finditer(text)
  ]


def sources(*prefixes):
  """Yields (name, source) of the Python and Markdown files of the repository."""
  command = ['git', 'ls-files', '*.py', '*.md']
  listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
  for name in listed.stdout.splitlines():
    if name not in SKIPPED and (not prefixes or name.startswith(prefixes)):
      yield name, (ROOT / name).read_text(encoding='utf-8')


@pytest.mark.parametrize('rule', RULES)
def test_prose(rule):
  assert [line for source in sources() for line in findings(*source, RULES[rule])] == []


@pytest.mark.parametrize(
  ('name', 'source', 'found'),
  [
    ('a.md', 'One\nthat of\n```\nthat of\n```\n`that of` [x](that of)', ['a.md:2: that of']),
    ('a.py', 'x = 1  # two a class\ny = "that_of"\n', ['a.py:1: two a class']),
    ('a.py', '"""A.\n\nIt goes.\n"""', ['a.py:3: It goes']),
  ],
)
def test_the_rule_sees_prose_alone(name, source, found):
  assert findings(name, source, RULES['phrases']) == found


def test_the_rule_sees_american_spellings():
  text = 'A normalized color, `color`, a size and Spectral Normalization'
  assert findings('a.md', text, RULES['american']) == ['a.md:1: normalized', 'a.md:1: color']


if __name__ == '__main__':
  for each in RULES.values():
    for named in sources(*sys.argv[1:]):
      print(*findings(*named, each), sep='\n', end='\n' if findings(*named, each) else '')
