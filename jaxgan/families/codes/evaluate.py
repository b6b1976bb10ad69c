"""Evaluation of a run with codes: what it measures, writes and draws of a state."""

import re

import jax
import numpy as np

from jaxgan import distributed, evaluation_file, files, jobs, logging, optional
from jaxgan.drawing import curves, grids
from jaxgan.families import codes
from jaxgan.families.codes import charts, differences, measures, pictures, report
from jaxgan.metrics import disentanglement, knn
from jaxgan.names import shown
from jaxgan.networks import infogans

# Fields of the algorithm that methods do not say.
_SETTINGS = (
  'network', 'width', 'prior_learning_rate', 'prior_losses', 'prior_entropy_weight', 'prior_start',
  'positive_loss', 'views', 'rotation_degrees', 'crop_of', 'beta_continuous', 'beta_discrete',
  'continuous_capacity', 'discrete_capacity', 'capacity_steps',
)  # fmt: skip
_UNTRAINED = '_random_weights'  # ends the names of the results of an untrained Q
_CURVES = ('evaluation/nmi', 'evaluation/ent')
_QUERIES, _NEIGHBOURS = 8, 10  # of the retrieval picture
_RESIZED = 'resized from the published images'
# The data of each column of the paper's tables: its key, and what its pixels are.
_PUBLISHED_DATA = {
  'mnist': (r'long_tail_mnist/split_\d+', 'exact'),
  'youtube_faces': (r'youtube_faces40/\d', _RESIZED),
  'cars3d': (r'long_tail_cars3d/set_\d_draw_\d', _RESIZED),
  'chairs3d': (r'long_tail_chairs3d/set_\d_draw_\d', _RESIZED),
  'shapenet': (r'shapenet5/\d', 'unverified'),  # Everyone renders it anew.
}
_TRAVERSAL = np.linspace(-1.0, 1.0, 9)


def _settings(algorithm) -> dict:
  """The fields of _SETTINGS that mean something for the method and its network."""
  own = algorithm.model_dump(mode='json')
  settings = {field: own[field] for field in _SETTINGS if field in own}
  if not infogans.NETWORKS[algorithm.network].has_width:
    del settings['width']
  if settings.get('prior_start', ()) is None:
    settings['prior_start'] = 'uniform'
  unused = []
  if own.get('prior') != 'learnable':
    unused += ['prior_entropy_weight', 'prior_start']
  if own.get('contrastive') != 'positives':
    unused.append('positive_loss')
  if own.get('contrastive') == 'none':  # Nothing is done with a positive pair.
    unused += ['views', 'rotation_degrees']
  if own.get('contrastive') == 'none' or own.get('crop_keep') == 1.0:
    unused.append('crop_of')
  return {name: value for name, value in settings.items() if name not in unused}


def _generator(algorithm) -> str:
  """Which generator is measured, for the protocol."""
  decay = getattr(algorithm, 'ema_decay', 0.0)
  return f'ema of decay {decay:g}' if decay else 'raw'


def published(config, arrays) -> str | None:
  """The column of the paper's tables; none for other data, such as other files of the same form."""
  if config.published not in _PUBLISHED_DATA:
    return config.published
  key, pixels = _PUBLISHED_DATA[config.published]
  metadata = arrays.metadata
  same = metadata.get('pixels') == pixels and metadata.get('as_published', True)
  return config.published if same and re.match(key, arrays.key) else None


class Evaluation:
  """Measures and draws the codes of a state; see `jaxgan.families`."""

  def __init__(self, setup, algorithm):
    self._setup = setup
    k = codes.num_categories(setup.config, setup.data)
    self._evaluator = measures.CodeEvaluator(setup.config, algorithm, k, setup.annotator)

  def _results(self, state, replica, images_per_code, rng):
    """Of the counts of codes and classes; None where there are no labels."""
    if self._setup.annotator is None:
      return None
    data = self._setup.data
    classes = jobs.class_positions(self._setup.annotator.class_names, data, replica)
    counts = self._evaluator.counts(state, images_per_code, rng, classes)
    train_counts = data.share_counts(replica)
    return measures.counts_results(counts, self._evaluator.prior(state), train_counts)

  def periodic(self, state, replica: int):
    config = self._setup.config.evaluation
    rng = self._setup.evaluation_rng(replica)
    results = self._results(state, replica, config.periodic_images_per_code, rng)
    if results is None:
      return {}, None
    names = ('nmi', 'ent', 'empty_codes_and_classes', 'prior_distance')
    # No score: labels that are there for evaluation only must not choose a checkpoint.
    return {f'evaluation/{name}': float(results[name]) for name in names}, None

  def picture(self, folder, state, step: int, replica: int) -> None:
    grid = self._evaluator.grid(state, self._setup.evaluation_rng(replica))
    with optional.output(samples := folder / 'samples'):
      grids.save_png(samples / f'step_{step:08d}.png', pictures.code_grid(grid))
    rows = logging.read_metrics(folder)
    with optional.output(path := folder / 'loss_curves.png'):
      curves.loss_curves(rows, path)
    with optional.output(path := folder / 'evaluation_curves.png'):
      charts.evaluation_curves(rows, path, _CURVES)
    with optional.output(path := folder / 'prior_over_time.png'):
      charts.prior_over_time(rows, path)

  def write(self, folder, method: str, step: int, state, replica: int) -> dict:
    setup, evaluator, config = self._setup, self._evaluator, self._setup.config
    arrays, labelled = setup.data.arrays(replica), setup.annotator is not None
    seed, prior = config.seed + replica, evaluator.prior(state)
    rng = jax.random.fold_in(setup.evaluation_rng(replica), 1)
    logits, features = evaluator.recognise(state.variables, arrays.images)
    measured = self._results(state, replica, config.evaluation.images_per_code, rng)
    results = dict.fromkeys(
      ('nmi', 'nmi_geometric', 'ent', 'empty_codes_and_classes', 'counts', 'matched_classes',
       'matched_frequencies', 'prior_distance', 'prior_kl', 'false_negative_share', 'knn1_accuracy',
       'knn1_accuracy_features', f'knn1_accuracy{_UNTRAINED}',
       f'knn1_accuracy_features{_UNTRAINED}', 'kmeans_nmi', 'kmeans_ari', 'argmax_nmi',
       'argmax_ari')
    )  # fmt: skip
    results |= (measured or {}) | {'prior': prior.tolist()}
    notes = []
    if labelled:
      results |= measures.nearest_neighbour_results(logits, features, arrays.labels, seed)
      num_clusters = max(evaluator.num_categories, len(arrays.class_names))
      results |= measures.clustering_results(
        features, np.argmax(logits, axis=-1), arrays.labels, num_clusters, seed
      )
    if labelled and method != codes.JOINT_VAE:  # Its encoder is another network than Q.
      untrained = evaluator.recognise(evaluator.random_variables(seed), arrays.images)
      results |= measures.nearest_neighbour_results(*untrained, arrays.labels, seed, _UNTRAINED)
    if not labelled:
      notes.append('the images have no labels: no NMI, ENT, 1-NN accuracy and ARI')
    if step < getattr(config.algorithm, 'capacity_steps', 0):
      percent = 100 * step / config.algorithm.capacity_steps
      notes.append(f'the capacities of the latents are at {percent:.0f} % of their ramp')
    column = published(config, arrays)
    if column and arrays.metadata['pixels'] == 'unverified':
      notes.append("the images are renderings of one's own, not those of the published numbers")
    differing = differences.lines(config, method) if column else []
    train_counts = setup.data.share_counts(replica)
    evaluation = {
      'experiment': config.experiment,
      'method': method,
      'published': column,
      'protocol': {
        'data': arrays.key,
        'images': len(arrays.labels),
        'codes': evaluator.num_categories,
        'images_per_code': config.evaluation.images_per_code if labelled else 0,
        'step': step,
        'batch_size': config.train.batch_size,
        **_settings(config.algorithm),
        'generator': _generator(config.algorithm),
        'batch_norm': 'running statistics',
        'annotator': setup.annotator.key if labelled else None,
        'annotator_accuracy': setup.annotator.accuracy if labelled else None,
        'nearest_neighbours': measures.NEIGHBOURS,
        'knn1': 'logits',  # Without this field it is that of the features.
        'clustering': measures.CLUSTERING,
        'nmi': 'arithmetic mean (scikit-learn from 0.22 on), geometric beside it',
        'replica': replica,
        'replicas': config.replicas,
        'seed': seed,
        **evaluation_file.machine(),
        **({'differences': differing} if differing else {}),
      },
      'results': results,
      'class_names': list(arrays.class_names) if labelled else [],
      'train_counts': train_counts.tolist() if labelled else [],
      'notes': notes,
    }
    rng = setup.evaluation_rng(replica)
    grid = evaluator.grid(state, rng)
    files.save_npz(folder / report.SAMPLES_FILE, images=grid)
    evaluation_file.write(folder, evaluation)
    names = self._draw_codes(folder, evaluation, grid)
    with optional.output(folder / 'traversal_1.png'):
      for i, images in enumerate(evaluator.traversals(state, rng, _TRAVERSAL), start=1):
        path = folder / f'traversal_{i}.png'
        pictures.traversal(images, path, names, _TRAVERSAL, f'continuous code {i}')
    with optional.output(path := folder / 'retrieval.png'):
      self._draw_retrieval(path, arrays, features, labelled)
    return evaluation

  def _draw_codes(self, folder, evaluation, grid):
    """The pictures of codes and their classes; returns the names of the codes in pictures."""
    results, class_names = evaluation['results'], evaluation['class_names']
    names = [f'code {code}' for code in range(len(grid))]
    truth = {}
    if class_names:
      counts = np.array(results['counts'])
      classes = disentanglement.match_codes(counts)
      names = [
        f'{name} → {shown(class_names[c])}' if c >= 0 else name
        for name, c in zip(names, classes, strict=True)
      ]
      frequencies = np.array(evaluation['train_counts']) / sum(evaluation['train_counts'])
      truth = {
        'true_frequencies': frequencies, 'class_of_code': classes, 'class_names': class_names
      }  # fmt: skip
      with optional.output(path := folder / 'confusion.png'):
        charts.confusion(counts, class_names, path, nmi=results['nmi'], ent=results['ent'])
      matched = np.array(results['matched_frequencies'])
      with optional.output(path := folder / 'prior_against_truth.png'):
        charts.prior_against_truth(np.array(results['prior']), matched, names, path)
    shares = [f'{name}  ({p:.3f})' for name, p in zip(names, results['prior'], strict=True)]
    with optional.output(path := folder / report.GRID_FILE):
      grids.save_png(path, pictures.code_grid(grid, shares))
    with optional.output(path := folder / 'prior_over_time.png'):
      charts.prior_over_time(logging.read_metrics(folder), path, **truth)
    return names

  def _draw_retrieval(self, path, arrays, features, labelled):
    queries = np.random.default_rng(0).permutation(len(features))[:_QUERIES]
    num = min(_NEIGHBOURS + 1, len(features))
    # The first neighbour of a training image is the image itself.
    nearest = knn.nearest_neighbours(features, features[queries], num)[:, 1:]
    found = {'queries': arrays.images[queries], 'neighbours': arrays.images[nearest]}
    if labelled:
      found |= {'query_labels': arrays.labels[queries], 'labels': arrays.labels[nearest]}
    files.save_npz(path.with_name(pictures.RETRIEVAL_FILE), **found)
    pictures.retrieval(path, **found)

  def sampler(self, state, balanced: bool):
    evaluator = self._evaluator
    prior = np.ones(evaluator.num_categories) if balanced else evaluator.prior(state)

    def sample(rng, num_images):
      return distributed.to_host(evaluator.sample(state, rng, prior, num_images))

    return sample, codes.recognised(self._setup.config, self._setup.data), 'their codes'
