"""What stands beside published numbers: the ± of re-samplings of a checkpoint."""

import statistics

from jaxgan.families.class_balancing import verdicts
from jaxgan.names import escaped
from jaxgan.report import formatting

# The scores that an evaluation has of every sampling of a checkpoint.
RESAMPLED = (
  'kl_from_uniform', 'code_kl_from_uniform', 'fid', 'frechet_recogniser', 'frechet_annotator'
)  # fmt: skip
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
    for evaluation in row.evaluations:
      results, protocol = evaluation['results'], evaluation['protocol']
      scores = ('kl_from_uniform', 'fid', 'frechet_annotator')
      values = [results.get(f'{score}_resamplings', ()) for score in scores]
      if any(values):
        kl, fid, distance = map(_resampled, values)
        names = escaped(row.experiment), verdicts.label(row), str(protocol.get('seed', '-'))
        published_fid = formatting.published_value(row.published.get('fid'))
        lines.append((*names, str(max(map(len, values))), kl, fid, published_fid, distance))
  return lines


def _resampled(values):
  """Mean ± population standard deviation."""
  if not values:
    return '-'
  return ' ± '.join(map(formatting.number, (statistics.fmean(values), statistics.pstdev(values))))
