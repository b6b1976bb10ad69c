"""A summary of a data set: images per class, sizes, changes, and unread files."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxgan.system import names

_ALL = 20  # Most classes that are listed one by one.
_ENDS = 5  # Of more classes, so many of the most and of the least frequent.
_REASONS = 6


def summarise(name: str, metadata: Mapping[str, Any], image_shape: Sequence[int]) -> list[str]:
  """Returns the lines of the summary.

  Args:
    name: of the prepared data.
    metadata: see `data_prep.build.Arrays`; older prepared data has fewer fields.
    image_shape: (H, W, C).

  Returns:
    A few lines, even for a thousand classes.
  """
  own, known = name.startswith('long_tail_folder/'), 'passed_over' in metadata
  lines = [f'dataset {name}']
  splits = [
    s for s, facts in metadata.items() if isinstance(facts, dict) and 'class_counts' in facts
  ]
  for split in sorted(splits, key=lambda s: (s != 'train', s)):
    lines.append(_split(split, metadata, image_shape, splits))
  shape = f'{image_shape[1]}x{image_shape[0]}', 'grey' if image_shape[2] == 1 else 'RGB'
  if known or not own:
    lines.append(f'sizes   {metadata.get("sizes") or shape[0]}')
    lines.append(f'colour  {metadata.get("colour") or shape[1]}')
  listed = metadata.get('listed', {})
  changes = [*listed.get('changes', ()), *metadata.get('changes', ())]
  lines += [f'changed {change}' for change in changes]
  if leaks := metadata.get('leaked'):
    pairs = names.some((f'{test} = {train}' for test, train in leaks), _REASONS)
    lines.append(
      f'leaked  test images that are training images, too (equal files): {len(leaks)} of '
      f'{sum(metadata["test"]["class_counts"])}, {pairs}'
    )
  if unreadable := metadata.get('unreadable'):
    shown = names.some((file for file, _ in unreadable), _REASONS)
    lines.append(f'skipped {len(unreadable)} unreadable images ({shown})')
  if passed := [*listed.get('passed_over', ()), *metadata.get('passed_over', ())]:
    lines.append(f'passed over  {_reasons(passed)}')
  elif own and known:
    lines.append('passed over  nothing')
  elif own:
    lines.append('prepared by an older version, which did not note what it passed over')
  return lines


def _split(split, metadata, image_shape, splits) -> str:
  counts, shape = metadata[split]['class_counts'], 'x'.join(str(n) for n in image_shape)
  first = metadata['train' if 'train' in splits else split]['class_counts']
  order = range(len(counts))
  if not metadata.get('labelled', True):
    return f'{split:7} {sum(counts)} images {shape} without labels'
  shown = [f'{names.shown(metadata["class_names"][k])} {counts[k]}' for k in order]
  if len(counts) > _ALL:
    order = sorted(order, key=lambda k: -first[k])
    between = [counts[k] for k in order[_ENDS:-_ENDS]]
    more = f'{len(between)} more classes of {_from_to(between)}'
    shown = [*(shown[k] for k in order[:_ENDS]), more, *(shown[k] for k in order[-_ENDS:])]
  return f'{split:7} {sum(counts)} images {shape}: {", ".join(shown)}'


def _from_to(counts) -> str:
  low, high = min(counts), max(counts)
  return str(low) if low == high else f'{low} to {high}'


def _reasons(passed) -> str:
  passed = sorted(passed, key=lambda pair: -pair[1])
  shown = [f'{reason}: {count}' for reason, count in passed[:_REASONS]]
  rest = passed[_REASONS:]
  if rest:
    shown.append(f'{len(rest)} more reasons: {sum(count for _, count in rest)}')
  return '; '.join(shown)
