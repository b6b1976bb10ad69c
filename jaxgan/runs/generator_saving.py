"""Writing the folder of a saved generator: weights, configuration, card, preview and program."""

from importlib import metadata
import json
import os
import pathlib
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxgan.algorithms import replicate
from jaxgan.data import loading, pixels
from jaxgan.errors import UserError
from jaxgan.report import figures, grids
from jaxgan.runs import exporting, families, generator_card, generator_folder, sampling
from jaxgan.runs.generator import Generator, from_pretrained, read_leaves
from jaxgan.runs.generator_folder import GENERATOR, LABELLER, named
from jaxgan.system import compilation, distributed, files, names, registry

if TYPE_CHECKING:
  from jaxgan.runs.run import Run

_ROWS, _COLUMNS, _DRAWN = 20, 8, 500  # Of the preview: labels, images of each, images to draw.
_LARGEST = 2**30  # Bytes of weights in a program, whose format ends at 2 GiB.


def save(run: 'Run', out: str | os.PathLike[str], license: str) -> generator_folder.Content:
  """Writes the generator of a run to a new folder; see `jaxgan.runs.run.Run.save_pretrained`.

  The folder gets its name only after its images have been compared with the run's.
  """
  out = files.expanded(out)
  sampling.check_new(out)
  generator_card.check_license(license)
  if distributed.are_several():
    raise UserError('save_pretrained runs in a single process: leave out --coordinator')
  weights, content = _weights_and_content(run)
  with exporting.whole_or_not_there(out) as folder:
    data = generator_folder.encode(weights)
    content = content.model_copy(update={'weights_sha256': generator_folder.sha256(data)})
    (folder / generator_folder.WEIGHTS).write_bytes(data)
    text = json.dumps(content.model_dump(mode='json'), indent=2, ensure_ascii=False)
    (folder / generator_folder.CONFIG).write_text(text + '\n', encoding='utf-8')
    generator = from_pretrained(folder)
    images, labels = _checked_images(run, generator)
    (folder / generator_folder.PREVIEW).write_bytes(_preview(images, labels, content.label_names))
    inputs = _write_program(folder / generator_folder.PROGRAM, generator, data)
    facts = _facts(run, license, inputs)
    card = generator_card.card(content, facts, families.FAMILIES)
    (folder / generator_folder.CARD).write_text(card, encoding='utf-8')
  return content


def describe(out: pathlib.Path, content: generator_folder.Content) -> str:
  """Describes a saved generator in one line, for the terminal."""
  size = sum(path.stat().st_size for path in out.iterdir()) / 2**20
  return (
    f'{content.method} of step {content.step}, {len(content.label_names)} labels, labelled by '
    f'{content.labelled_by}, {size:.1f} MiB: {out}'
  )


def _weights_and_content(run) -> tuple[dict[str, np.ndarray], Any]:
  """The arrays that sampling reads, and config.json."""
  inputs, (step, states) = run.inputs, run.restored
  _, label_names, labelled_by = run.sampler(balanced=False)
  algorithm, _ = inputs.algorithm(run.method)
  observer = inputs.evaluation(run.method).observer
  with jax.set_mesh(inputs.mesh):
    state = observer.settled(replicate.take(states, run.replica))
  _, read = read_leaves(algorithm)
  leaves = zip(named(state, GENERATOR).items(), read, strict=True)
  weights = {name: leaf for (name, leaf), is_read in leaves if is_read}
  own = inputs.classifiers.items()
  found = next(((role, c) for role, c in own if c.key == labelled_by), None)
  if found:
    weights |= named(found[1].variables, LABELLER)
  arrays, job = inputs.data.replica_arrays(run.replica), run.config
  modules = families.registered_by(job.model_copy(update={'methods': (run.method,)}))
  modules |= set(job.modules)
  return distributed.to_host(weights), generator_folder.Content(
    jaxgan=metadata.version('jaxgan'),
    jax=jax.__version__,
    modules=tuple(sorted(map(registry.portable, modules))),
    experiment=job.experiment,
    method=run.method,
    step=step,
    replica=run.replica,
    seed=(job.seed or 0) + run.replica,
    data=arrays.key,
    image_shape=tuple(arrays.images.shape[1:]),
    class_names=tuple(arrays.class_names),
    labelled=inputs.data.labelled,
    label_names=tuple(label_names),
    labelled_by=labelled_by,
    labeller=_labeller(*found) if found else None,
    weights_sha256='',
    config=_portable_config(job, run.method),
  )


def _labeller(role, classifier) -> generator_folder.Labeller:
  config = classifier.config
  fields = config.model_dump(mode='json')
  if 'methods' in fields:
    fields = _portable_config(config, config.methods[0])
  return generator_folder.Labeller(
    role=role,
    class_names=tuple(classifier.class_names),
    image_shape=tuple(classifier.image_shape),
    accuracy=classifier.accuracy,
    key=classifier.key,
    config=generator_folder.without_paths(fields),
  )


def _portable_config(job, method) -> dict[str, Any]:
  """The configuration of one method without paths; `Content.modules` has the modules."""
  fields = generator_folder.without_paths(job.model_dump(mode='json'))
  return fields | {'methods': [method], 'modules': []}


def _checked_images(run, generator: Generator) -> tuple[np.ndarray, np.ndarray]:
  """Draws images from the written folder and compares the first ones with the run's."""
  key, num = jax.random.key(0), min(run.config.evaluation.batch_size, _DRAWN)
  images, labels = generator.sampler(balanced=True)[0](key, num)
  expected, _ = run.sampler(balanced=True)[0](key, num)
  # Another compilation of the same program may round the last bit differently.
  if np.abs(images.astype(int) - expected).max() > 1:
    raise RuntimeError(f'the saved generator of {run.method} draws other images than the run')
  return images, labels


def _preview(images, labels, label_names) -> bytes:
  """Draws a PNG with a row of generated images for each label, of at most 20 labels."""
  shown = range(min(len(label_names), _ROWS))
  tiles = np.full((len(shown), _COLUMNS, *images.shape[1:]), 255, np.uint8)
  for label in shown:
    own = images[labels == label][:_COLUMNS]
    tiles[label, : len(own)] = own
  figure = figures.new_figure(layout=None)
  rows = [names.shown(name) for name in label_names[: len(shown)]]
  grids.panel(figure, grids.code_grid(tiles), rows=rows)
  return figures.rendered(figure, 'png')


def _write_program(path, generator: Generator, weights: bytes) -> dict[str, str]:
  """Exports noise and condition -> images; returns {argument: shape in words}."""
  if not generator.decodes or len(weights) > _LARGEST:
    return {}
  noise, condition = generator.input_shapes
  constants = distributed.to_host(generator.variables)

  def images(*inputs):
    return pixels.to_uint8(generator.apply(constants, *inputs))

  given = {'noise': noise}
  if condition is not None:
    given['labels' if condition.ndim == 1 else 'codes'] = condition
  path.write_bytes(compilation.exported(images, *given.values()))
  return {name: _in_words(name, shape) for name, shape in given.items()}


def _in_words(name: str, shape) -> str:
  size = ', '.join(['N', *map(str, shape.shape[1:])])
  meaning = {
    'noise': ' from the standard normal distribution',
    'labels': ', positions in label_names',
    'codes': ', one-hot, continuous codes behind them',
  }
  return f'{shape.dtype} [{size}]{meaning[name]}'


def _facts(run, license, inputs) -> generator_card.Facts:
  data = run.inputs.data
  counts = data.share_counts(run.replica).tolist()
  held_out = len(loading.load(run.config.data, 'test').labels)
  return generator_card.Facts(license, counts, held_out, run.folder, inputs)
