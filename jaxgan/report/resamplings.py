"""What stands beside published numbers: the ± of re-samplings of a checkpoint."""

import statistics

from jaxgan.evaluation import verdicts
from jaxgan.report import formatting
from jaxgan.system.names import escaped

HEADER = (
  'experiment',
  'method',
  'seed',
  'samplings',
  'KL',
  'FID',
  'FID (published)',
  'Fréchet, annotator',
)
EXPLANATION = (
  '± of re-samplings: mean ± population standard deviation (ddof 0, as in NumPy and the '
  "authors' code) over samplings of one checkpoint, as the published ± is. That of seeds is "
  'another one, with ddof 1.'
)


def resamplings(rows):
  """The spread of the scores over samplings of one checkpoint, a line for each run."""
  lines = [HEADER]
  for row in rows:
    for record in row.records:
      scores = ('kl_from_uniform', 'fid', 'frechet_annotator')
      values = [record.results.get(f'{score}_resamplings', ()) for score in scores]
      if any(values):
        kl, fid, distance = map(_resampled, values)
        names = escaped(row.experiment), verdicts.label(row), str(record.run.get('seed', '-'))
        published_fid = formatting.published_value(row.published.get('fid'))
        lines.append((*names, str(max(map(len, values))), kl, fid, published_fid, distance))
  return lines


def _resampled(values):
  """Mean ± population standard deviation."""
  if not values:
    return '-'
  return ' ± '.join(map(formatting.number, (statistics.fmean(values), statistics.pstdev(values))))
