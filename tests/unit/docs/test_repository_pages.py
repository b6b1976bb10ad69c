"""Files elsewhere in the repository become pages of the manual; their links lead where they led."""

import repository_pages

FOUND = {
  'CONTRIBUTING.md': 'contributing',
  'experiments/results/a/README.md': 'results/a',
}


def _repository(root):
  folder = root / 'experiments' / 'results' / 'a'
  (folder / 'split_00').mkdir(parents=True)
  (folder / 'README.md').write_text('Numbers: ![shown](shown.png) and [scores](scores.json).\n')
  for name in ('shown.png', 'other.png', 'scores.json', 'split_00/more.json'):
    (folder / name).write_bytes(b'')
  (root / 'experiments' / 'results' / 'one.json').write_text('{}')
  (root / 'CONTRIBUTING.md').write_text('# Help\n\nRead [the rooms](docs/architecture.md#rooms).\n')
  (root / 'docs').mkdir()


def test_pages_are_the_folders_of_results_and_the_top_level_files(tmp_path):
  _repository(tmp_path)
  assert repository_pages.pages(tmp_path) == FOUND


def test_links_lead_to_the_same_files():
  def moved(link, source, page):
    return repository_pages.relocated(f'[x]({link})', source, page, FOUND)[4:-2]

  readme = 'experiments/results/a/README.md'
  assert moved('scores.json', readme, 'results/a') == '../../experiments/results/a/scores.json'
  assert moved('../../../docs/metrics.md#fid', readme, 'results/a') == '../metrics.md#fid'
  assert moved('docs/architecture.md', 'CONTRIBUTING.md', 'contributing') == 'architecture.md'
  assert moved('../experiments/results/a', 'docs/x.md', 'x') == 'results/a.md'
  assert moved(f'../{readme}#more', 'docs/x.md', 'x') == 'results/a.md#more'
  assert moved('../../CONTRIBUTING.md', 'docs/api/x.md', 'api/x') == '../contributing.md'
  for unchanged in ('https://a.org/b#c', 'mailto:a@b.org', '#here', '/root.md', 'y.md'):
    assert moved(unchanged, 'docs/x.md', 'x') == unchanged


def test_links_in_code_stay():
  text = '```\n[x](../CONTRIBUTING.md)\n```\n\n    [x](../CONTRIBUTING.md)\n'
  assert repository_pages.relocated(text, 'docs/x.md', 'x', FOUND) == text


def test_a_page_of_results_shows_every_picture_once_and_lists_the_files(tmp_path):
  _repository(tmp_path)
  text = repository_pages.result_page(tmp_path, 'a')
  assert text.startswith('# a\n\nNumbers')
  assert text.count('(shown.png)') == text.count('(other.png)') == 1
  listed = text.partition('## Files')[2].split()
  assert listed == [
    '-', '[scores.json](scores.json)', '-', '[split_00/more.json](split_00/more.json)',
  ]  # fmt: skip


def test_pages_are_written_when_they_change_and_removed_with_their_folder(tmp_path):
  _repository(tmp_path)
  docs = tmp_path / 'docs'
  repository_pages.write(tmp_path, docs)
  page = docs / 'results' / 'a.md'
  written = page.stat().st_mtime_ns
  assert 'architecture.md#rooms' in (docs / 'contributing.md').read_text()
  assert '[one.json](../../experiments/results/one.json)' in (docs / 'results/index.md').read_text()
  (docs / 'results' / 'old.md').write_text('')
  repository_pages.write(tmp_path, docs)
  assert page.stat().st_mtime_ns == written
  assert not (docs / 'results' / 'old.md').exists()
