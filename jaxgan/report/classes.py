"""Report on class balance: the scores of each method, and which methods differ by their seeds."""

import dataclasses
import functools
import itertools
from pathlib import Path
import statistics

import numpy as np

from jaxgan.evaluation import memorisation, verdicts
from jaxgan.evaluation.record import IMAGES_FILE, NEAREST_FILE, read_samples
from jaxgan.metrics.class_distribution import GROUPS, THIRDS
from jaxgan.report import blocks, class_pictures, classifiers, text
from jaxgan.report.blocks import Table, Text
from jaxgan.report.class_pictures import KINDS, MAX_CLASSES, evenly_spaced, share_lines
from jaxgan.report.curves import Line, chart, training
from jaxgan.report.pictures import numbered
from jaxgan.report.published import published_values, sources
from jaxgan.report.tables import Column, cells, headings, lines, names
from jaxgan.system.names import shown

TITLE = 'Class balance'
NETWORKS = ('inception', 'annotator', 'recogniser')
_FID, _PUBLISHED_FID = (
  Column('FID (ours)', 'fid'),
  Column('FID (published)', 'fid', published=True, digits=2),
)
_SCORES = (
  Column('KL (ours)', 'kl_from_uniform'),
  Column('KL (published)', 'kl', published=True, digits=2),
  _FID,
  _PUBLISHED_FID,
  Column('CAS % (ours)', 'cas', scale=100, digits=2),
  Column('CAS % (published)', 'cas', published=True, digits=2),
  Column('Fréchet, annotator', 'frechet_annotator'),
)
_CODE_SCORES = (
  Column('KL of codes', 'code_kl_from_uniform'),
  Column('Fréchet, recogniser', 'frechet_recogniser'),
)
# In the features of each network, as <name>/<network>.
_QUALITY = (
  Column('KID x 1000', 'kid', scale=1000),
  *(Column(name, name) for name in ('precision', 'recall', 'density', 'coverage')),
)
_THIRDS, _GROUPS = ' / '.join(THIRDS), ' / '.join(GROUPS)
# What stands above the cells of a table behind those of experiment and method.
_HEADINGS = 'steps', 'samples', *headings(_SCORES), 'seeds', 'protocol'
_OF_RUNS = 'seed', 'samplings', 'KL', 'FID', 'FID (published)', 'Fréchet, annotator'
_BY_FREQUENCY = _THIRDS, 'features', f'Fréchet {_THIRDS}', f'Fréchet {_GROUPS}'
_OF_CODES = 'codes', *headings(_CODE_SCORES), 'seeds'
_OF_QUALITY = 'features', *headings(_QUALITY)
_RESAMPLED = ('kl_from_uniform', 'fid', 'frechet_annotator')
# The scores of the terminal's table by what images are counted by.
_CONSOLE = {
  'class': (
    Column('KL', 'kl_from_uniform'),
    Column('FID', 'fid'),
    Column('Fréchet (annotator)', 'frechet_annotator'),
    Column('CAS (%)', 'cas', scale=100, digits=2),
  ),
  'code': (
    Column('KL (codes)', 'code_kl_from_uniform'),
    Column('FID', 'fid'),
    Column('Fréchet (recogniser)', 'frechet_recogniser'),
    Column('CAS (%)', 'cas', scale=100, digits=2),
  ),
}
EXPLANATION = (
  "KL: divergence of the annotator's label histogram from uniform, in nats. CAS: classification "
  'accuracy score, the accuracy on real test images of a classifier trained on generated ones. '
  "Fréchet, annotator: Fréchet distance in the annotator's features, not comparable with FID. "
  'Ours: mean ± sample standard deviation (number of seeds).'
)
FREQUENCY_EXPLANATION = (
  'head / medium / tail: shares of the generated images in the thirds of the classes by training '
  'frequency, and Fréchet distance of the images in them from the real ones, in the features of '
  'the network named; many / medium / few: the same, with the classes left over among the rare '
  'ones. Distances of few images are large: compare methods, not groups.'
)
CODES_EXPLANATION = (
  "KL of codes: divergence from uniform, in nats, of the recogniser's histogram of codes, which "
  'were found without labels; it says nothing of classes. Fréchet, recogniser: Fréchet distance in '
  'its features. Where the recogniser was in the loop, the generator was trained to please it.'
)
QUALITY_EXPLANATION = (
  'KID: kernel distance; precision and density say how real the generated images are, recall and '
  'coverage how many of the real ones they stand for.'
)
VERDICT_EXPLANATION = (
  'Better and worse: the 95 % bootstrap interval of the mean difference over the shared seeds, in '
  'brackets, leaves 0 out. Of three seeds this says no more than that all three differ in one '
  'direction, which happens by chance once in four times.'
)
NEAREST_EXPLANATION = (
  'Does the generator copy? Pairs of a generated image and the training image nearest to it: of '
  'the rarest classes (as the annotator sees them) those generated images that come nearest. '
  "Below, their distance in the annotator's features and how many of the held-out real images of "
  'the class come nearer to a training image than that. Copying: how probably a generated image '
  'of the class is nearer to a training image than a held-out one is: 0.5 where both are alike, '
  '1 of copies, small where generated images are unlike all real ones.'
)
RESAMPLED_EXPLANATION = (
  '± of re-samplings: mean ± population standard deviation (ddof 0, as in NumPy and the '
  "authors' code) over samplings of one checkpoint, as the published ± is. That of seeds is "
  'another one, with ddof 1.'
)
CLASSES_SHOWN, IMAGES_SHOWN = 10, 16  # of the images by class


def published(record):
  """The paper's values of the method and their source."""
  return published_values(record.published)


def counted(row):
  """What a row's images are counted by: ('class' or 'code', LabelSet)."""
  record = row.records[0]
  return KINDS[record.counted_by], record.labels[record.counted_by]


def section(rows, footnotes):
  """The rows as tables, with a footnote for each row's protocol and each gap.

  Args:
    rows: a list of `Row`.
    footnotes: `Footnotes`, which gets them.

  Returns:
    A list of blocks.
  """
  scores = functools.partial(_scores, footnotes)
  tables = {
    'Scores': (lines(_HEADINGS, rows, scores), f'{EXPLANATION}{sources(rows)}'),
    '± of re-samplings': (lines(_OF_RUNS, rows, _resamplings), RESAMPLED_EXPLANATION),
    'By frequency': (lines(_BY_FREQUENCY, rows, _by_frequency), FREQUENCY_EXPLANATION),
    'Codes': (lines(_OF_CODES, rows, _codes), CODES_EXPLANATION),
    'Quality and variety': (lines(_OF_QUALITY, rows, _quality), QUALITY_EXPLANATION),
    'Beside the baseline': (_comparisons(rows), VERDICT_EXPLANATION),
    'Classifiers': (classifiers.table(rows), classifiers.EXPLANATION),
  }
  return [
    block
    for title, (found, explanation) in tables.items()
    if len(found) > 1
    for block in (Table(title, found), Text(explanation))
  ]


def _scores(footnotes, row):
  """A method's scores beside the published ones."""
  scores = cells(_SCORES, row)
  about_fid = [note for note in row.notes() if note.startswith('FID')]
  if len(row.results('fid')) < len(row.records):
    reason = '; '.join(about_fid) or 'FID left out: no reason was recorded.'
    scores[_SCORES.index(_FID)] += footnotes.mark(reason)
  others = [note for note in row.notes() if note not in about_fid]
  protocol = footnotes.mark('; '.join([text.in_words(row.protocol()), *others]))
  numbers = str(row.records[0].step), str(row.settings['samples'])
  return [(*numbers, *scores, str(len(row.records)), protocol)]


def _resamplings(row):
  """The spread of the scores over samplings of one checkpoint, of each run."""
  found, published_fid = [], _PUBLISHED_FID.score(row)[1]
  for record in row.records:
    values = [record.results.get(f'{score}_resamplings', ()) for score in _RESAMPLED]
    if any(values):
      kl, fid, distance = map(_resampled, values)
      run = str(record.run.get('seed', '-')), str(max(map(len, values)))
      found.append((*run, kl, fid, published_fid, distance))
  return found


def _resampled(values):
  """Mean ± population standard deviation."""
  return text.with_spread([statistics.fmean(values), statistics.pstdev(values)]) if values else '-'


def _by_frequency(row):
  """Where a method's images are, and how far they are from the real ones there."""
  if not row.results('head_medium_tail'):
    return []
  networks, shares = _networks(row) or ['-'], ' / '.join(_thirds(row))
  metrics = 'thirds_frechet', 'groups_frechet'
  return [(shares, n, *(_parts(row.results(f'{m}/{n}')) for m in metrics)) for n in networks]


def _parts(values):
  """The means of several distances over the runs, without those that are None."""
  if not values:
    return '- / - / -'
  columns = [[value for value in own if value is not None] for own in zip(*values, strict=True)]
  return ' / '.join(text.number(statistics.fmean(own)) if own else '-' for own in columns)


def _codes(row):
  """How even the codes of the generated images are, of a run with a recogniser."""
  values = row.results('code_kl_from_uniform')
  own = row.protocol().get('codes'), *cells(_CODE_SCORES, row), str(len(values))
  return [own] if values else []


def _quality(row):
  """Kernel distance, precision, recall, density and coverage, where they were measured."""
  found = []
  for network in _networks(row):
    own = [dataclasses.replace(column, name=f'{column.name}/{network}') for column in _QUALITY]
    found.append((network, *cells(own, row)))
  return found


def _comparisons(rows):
  """Each method beside the baseline of its experiment."""
  compared = verdicts.compare(rows)
  every = {score for comparison in compared for score in comparison.verdicts}
  scores = [score for score in verdicts.scores() if score in every]
  header = 'experiment', 'method', 'against', *map(verdicts.heading, scores), 'shared seeds'
  found = [header]
  for row, baseline, seeds, own in compared:
    words = [_verdict(score, *own[score]) if score in own else '-' for score in scores]
    found.append((*names(row), verdicts.label(baseline), *words, str(seeds)))
  return found


def _verdict(score, verdict, interval):
  if interval is None:
    return verdict
  factor = 100 if score == 'cas' else 1
  return f'{verdict} [{", ".join(text.number(factor * end) for end in interval)}]'


def console(rows):
  """The rows as aligned plain text: method, KL, FID or Fréchet distance, CAS, images a class.

  Args:
    rows: a list of `Row`.

  Returns:
    A list of texts, one for each experiment and its set of classes.
  """
  groups = {}
  for row in rows:
    groups.setdefault((row.experiment, *counted(row)), []).append(row)
  return [_console_block(*key, own) for key, own in groups.items()]


def _console_block(experiment, kind, labels, rows):
  few, columns = len(labels.names) <= MAX_CLASSES, _CONSOLE[kind]
  # Without a FID the Fréchet distance stands in.
  columns = [
    c for c in columns if c.name not in ('fid', 'cas') or any(row.results(c.name) for row in rows)
  ]
  thirds = THIRDS if kind == 'class' else ()
  table = [['method', *headings(columns), *(map(shown, labels.names) if few else thirds)]]
  if few:
    table.append(['training data', *[''] * len(columns), *map(str, labels.counts)])
  for row in rows:
    classes = _thirds(row) if thirds else []
    if few:
      counts = zip(*row.results(f'{kind}_counts'), strict=True)
      classes = [f'{statistics.fmean(count):.0f}' for count in counts]
    table.append([verdicts.label(row), *cells(columns, row), *classes])
  words = text.aligned(experiment, table, rows)
  return '\n'.join([words, *map(verdicts.in_words, verdicts.compare(rows))])


def _networks(row):
  """The networks in whose features the runs' images are compared."""
  return [network for network in NETWORKS if row.results(f'kid/{network}')]


def _thirds(row):
  thirds = zip(*row.results('head_medium_tail'), strict=True)
  return [f'{100 * statistics.fmean(shares):.1f} %' for shares in thirds]


def pictures(rows, out):
  """Draws the classes of all rows beside each other, such as those of ablations.

  Args:
    rows: a list of `Row`.
    out: `Path` of the report, FILE.md; writes FILE_classes.png, and FILE_classes_2.png, ... of rows
      that were trained on images of other classes or frequencies.
  """
  groups = {}
  for row in rows:
    kind, labels = counted(row)
    counts = np.mean(row.results(f'{kind}_counts'), axis=0)
    groups.setdefault(labels, {})[_title(row, rows, groups.get(labels, ()))] = counts
  for path, (labels, counts) in zip(numbered(out, 'classes'), groups.items(), strict=False):
    class_pictures.class_histogram(counts, labels, path)


def _title(row, rows, taken):
  """What tells a row from the others: its method, its experiment or both."""
  several = [len({r.experiment for r in rows}) > 1, len({verdicts.label(r) for r in rows}) > 1]
  parts = zip((row.experiment, verdicts.label(row)), several, strict=True)
  title = ': '.join(part for part, tells in parts if tells) or row.method
  others = (f'{title} ({number})' for number in itertools.count(2))
  return next(name for name in itertools.chain([title], others) if name not in taken)


def trained(folder, class_names, train_counts):
  """Blocks of what a run has since it began: losses, scores, shares of the classes, sample grids.

  Args:
    folder: of the run or replica.
    class_names: [K] strings.
    train_counts: [K] training images of each class.
  """

  def shares_chart(rows):
    shares, level = share_lines(rows, class_names, train_counts)
    if not shares:  # Without labels it has codes, in their own order.
      codes = next(
        (row['evaluation/code_counts'] for row in rows if 'evaluation/code_counts' in row), ()
      )
      shares, level = share_lines(
        rows, [f'code_{code}' for code in range(len(codes))], kind='codes'
      )
    return chart(class_pictures.SHARES, shares, level=level, zeros='y')

  note = 'The same noise at every step, through the moving average of the generator.'
  grids = blocks.steps(folder, 'step_*_ema.png', 'Generated images over the steps', note)
  return training(folder, 'Classes and distances', shares_chart) + grids


def evaluated(folder, record):
  """Blocks of a run's evaluation: images by class, images of the tail beside their nearest.

  Args:
    folder: of the run or replica.
    record: its EvaluationRecord.
  """
  folder, kind, found = Path(folder), record.counted_by, []
  if (folder / IMAGES_FILE).exists():
    found.append(_by_label(folder / IMAGES_FILE, record.labels[kind].names, kind))
  measured = {
    name.partition('/')[2]: values
    for name, values in record.results.items()
    if name.startswith('memorisation/')
  }
  if kind == 'codes' or not measured:
    return found
  class_names = record.labels['classes'].names
  if sum(measured['shown']):
    found.append(_nearest(folder / NEAREST_FILE, class_names, measured))
  if distances := _distances(class_names, measured):
    found.append(blocks.Curves('Distances to the nearest training image', distances))
  return found


def _read(path, *others):
  """The images in an npz and the arrays that say something of each of them."""
  arrays = read_samples(path, 4, 'images', *others)
  if len({len(array) for array in arrays}) > 1:
    raise ValueError(f'{path.name}: {[len(array) for array in arrays]} values of each image')
  return arrays


def _by_label(path, label_names, kind):
  images, labels = _read(path, 'labels')
  rows = []
  for k in evenly_spaced(len(label_names), CLASSES_SHOWN):
    own, name = images[labels == k], label_names[k]
    tiles = [blocks.Tile([blocks.to_image(i, f'generated, {name}')]) for i in own[:IMAGES_SHOWN]]
    rows.append((name, f'{len(own)} images', tiles))
  seen_by = {'classes': 'annotator', 'codes': 'recogniser'}[kind]
  note = (
    f'The first {len(images)} generated images by the {kind} that the {seen_by} sees in them, at '
    f'most {IMAGES_SHOWN} of each.'
  )
  if len(rows) < len(label_names):
    note += f' {len(rows)} of the {len(label_names)} {kind}, evenly spaced.'
  return blocks.Tiles(f'Samples by {KINDS[kind]}', rows, note)


def _nearest(path, class_names, measured):
  """Pairs of a generated image and its nearest training image, of each of the rarest classes."""
  others = ('labels', 'nearest', 'nearest_labels', 'distances')
  images, labels, nearest, nearest_labels, distances = _read(path, *others)
  rows = []
  fields = ('classes', 'copying', 'generated_images', 'held_out_images', 'held_out_quantiles')
  for k, copying, generated, held_out, quantiles in zip(
    *(measured[f] for f in fields), strict=True
  ):
    tiles = []
    for i in np.flatnonzero(labels == k):
      real = blocks.to_image(nearest[i], f'training image, {class_names[nearest_labels[i]]}')
      note = text.number(distances[i])
      if quantiles:
        note += f' ({100 * np.interp(distances[i], quantiles, memorisation.QUANTILES):.0f} %)'
      pair = [blocks.to_image(images[i], f'generated, {class_names[k]}'), real]
      tiles.append(blocks.Tile(pair, note))
    copied = '-' if copying is None else text.number(copying)
    note = f'copying {copied} ({generated} generated, {held_out} held-out images)'
    rows.append((class_names[k], note, tiles))
  return blocks.Tiles('Nearest training images', rows, NEAREST_EXPLANATION)


def _distances(class_names, measured):
  """A chart for each class: how many of the generated and held-out images are within a distance."""
  charts = []
  fields = ('classes', 'generated_quantiles', 'held_out_quantiles')
  for k, *quantiles in zip(*(measured[field] for field in fields), strict=True):
    own = [
      Line(name, values, memorisation.QUANTILES.tolist())
      for name, values in zip(('generated', 'held-out real'), quantiles, strict=True)
      if values
    ]
    title = f'{class_names[k]}: share of images within a distance'
    charts.append(chart(title, own, 'distance', zeros='xy', last=False))
  return [one for one in charts if one]
