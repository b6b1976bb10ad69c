"""HTML pages: parsing, and checks that hold for every page."""

from html.parser import HTMLParser
import re

from tests.support.evaluations import report

VOID = {'meta', 'img', 'input', 'br', 'link'}


class Parsed(HTMLParser):
  """The elements of a page; fails where they are not closed in order."""

  def __init__(self, text):
    super().__init__()
    self.elements, self.open, self.texts = [], [], []
    self.feed(text)
    assert self.open == []

  def handle_starttag(self, tag, attrs):
    self.elements.append((tag, dict(attrs)))
    self.open += [] if tag in VOID else [tag]

  def handle_startendtag(self, tag, attrs):
    self.elements.append((tag, dict(attrs)))

  def handle_endtag(self, tag):
    assert self.open.pop() == tag

  def handle_data(self, data):
    self.texts.append(data)

  @property
  def text(self):
    return ' '.join(' '.join(self.texts).split())

  @property
  def charts(self):
    return [attrs for attrs in self.all('img') if attrs.get('class') == 'chart']

  @property
  def pictures(self):
    return [attrs for attrs in self.all('img') if attrs.get('class') != 'chart']

  def all(self, tag):
    return [attrs for name, attrs in self.elements if name == tag]


def check(text):
  """Parses a page and asserts the checks of every page; returns the parsed page."""
  parsed = Parsed(text)
  ids = [attrs['id'] for _, attrs in parsed.elements if 'id' in attrs]
  assert len(ids) == len(set(ids))
  for tag, attrs in parsed.elements:
    assert tag not in ('link', 'iframe', 'object', 'base', 'form')
    assert not any(name.startswith('on') for name in attrs), attrs
    assert tag != 'script' or 'src' not in attrs
    for name in ('src', 'href', 'srcset', 'action', 'data', 'poster', 'xlink:href'):
      value = attrs.get(name, '#')
      assert value.startswith(('#', 'data:image/png;base64,', 'data:image/svg+xml;base64,')), value
      assert not value.startswith('#') or value == '#' or value[1:] in ids
    for name in ('for', 'aria-labelledby'):
      assert attrs.get(name, ids[0]) in ids
    assert tag != 'img' or (attrs['alt'] and attrs['width'] and attrs['height'])
    assert tag != 'svg'  # Its ids would clash with another's.
  assert re.search(r'url\(|@import|https?:', text) is None
  return parsed


def read_page(folder, tmp_path):
  report([folder], tmp_path / 'page.html')
  return check((tmp_path / 'page.html').read_text(encoding='utf-8'))
