"""Evaluation of a class-balancing run: what it measures, writes and draws of a state."""

import functools

import jax

from jaxgan import compilation, distributed, evaluation_file, files, jobs, logging, optional
from jaxgan import data as data_lib
from jaxgan.algorithms import gan_methods, regularisers
from jaxgan.algorithms.ema_statistics import IN_WORDS
from jaxgan.drawing import curves, grids
from jaxgan.families import class_balancing
from jaxgan.families.class_balancing import (
  cas,
  classifiers,
  comparison,
  differences,
  features,
  measures,
  memorisation,
  page,
  pictures,
)

_GRID = 100  # images of a sample grid, 10 x 10
_COUNTING = (  # Ablations change it.
  'count_start', 'cycle_start', 'count_update', 'count_decay', 'count_cycle'
)  # fmt: skip


class Evaluation:
  """Measures and draws the states of a GAN; see `jaxgan.families`."""

  def __init__(self, setup, method: str, algorithm):
    self._setup = setup
    self._algorithm = algorithm
    self._evaluators = {}
    roles = {'annotator', gan_methods.METHODS[method].classifier}
    if 'annotator' not in setup.classifiers:
      roles.add('recogniser')
    # The classifiers that measure. With labels, a recogniser measures only methods that use it.
    self._measuring = {
      role: setup.classifiers[role]
      for role in ('annotator', 'recogniser')
      if role in roles & setup.classifiers.keys()
    }

    def generate(state, rng, num_images, ema=True):
      return data_lib.to_uint8(algorithm.generate(state, rng, num_images, ema))

    def generate_labelled(state, rng, num_images):
      rng, label_rng = jax.random.split(rng)
      num_classes = setup.data.num_classes
      labels = jax.random.randint(label_rng, (num_images,), 0, num_classes)
      return data_lib.to_uint8(algorithm.generate(state, rng, num_images, labels=labels)), labels

    self._compiled = functools.cache(jobs.compile_classify)
    self._settled = compilation.jit(algorithm.settled)
    self._generate = compilation.jit(generate, static_argnums=(2, 3))
    self._generate_labelled = compilation.jit(generate_labelled, static_argnums=2)

  def _evaluator(self, replica):
    """One for each replica's class frequencies; they differ only where replicas have splits."""
    setup, key = self._setup, self._setup.data.keys[replica]
    if key not in self._evaluators:
      inception = features.inception_network(setup.config.evaluation)
      arrays = setup.data.arrays(replica)
      self._evaluators[key] = measures.Evaluator(
        setup.config, self._algorithm, self._measuring, inception, arrays, setup.workdir
      )
    return self._evaluators[key]

  def periodic(self, state, replica: int):
    return measures.periodic(
      self._evaluator(replica),
      self._settled(state),
      self._setup.config.evaluation.periodic_samples,
      self._setup.evaluation_rng(replica),
    )

  def picture(self, folder, state, step: int, replica: int) -> None:
    rng, state = self._setup.evaluation_rng(replica), self._settled(state)
    for name, ema in (('raw', False), ('ema', True)):  # The same noise through both generators.
      images = distributed.to_host(self._generate(state, rng, _GRID, ema))
      with optional.output(samples := folder / 'samples'):
        path = samples / f'step_{step:08d}_{name}.png'
        grids.save_png(path, grids.image_grid(images, 10))
    rows = logging.read_metrics(folder)
    with optional.output(path := folder / 'loss_curves.png'):
      curves.loss_curves(rows, path)
    for counted in self._evaluator(replica).counted:
      key = counted.prefix or 'class_'
      with optional.output(path := folder / f'{key}histogram_over_time.png'):
        pictures.class_histogram_over_time(
          rows, path, counted.names, f'evaluation/{key}counts', counted.train_counts
        )

  def write(self, folder, method: str, step: int, state, replica: int) -> dict:
    setup, evaluator, config = self._setup, self._evaluator(replica), self._setup.config
    samples, resamplings = config.evaluation.samples, class_balancing.resamplings(config)
    key = setup.evaluation_rng(replica)
    rng, *others = (jax.random.fold_in(key, 1 + sampling) for sampling in range(resamplings))
    state = self._settled(state)
    measured = evaluator(state, samples, rng, keep_features=True)
    copies, nearest = evaluator.memorisation(measured, setup.data.arrays(replica))
    results = measured.results | evaluator.resampled(state, samples, others, measured.results)
    results |= {'features': evaluator.compare(measured), 'memorisation': copies}
    num_reference = len(evaluator.reference.images)
    score, score_protocol = self._score(folder, step, state, replica)
    choices = gan_methods.METHODS[method]
    loop = {}
    if choices.classifier:
      fields = (gan_methods.GUIDANCE[choices.guidance].weight, *_COUNTING)
      fields += ('effective_labels',) if choices.labels == 'effective' else ()
      loop = {field: config.algorithm[field] for field in fields}
    labelled = setup.data.labelled
    judges = classifiers.protocol('annotator', setup.annotator if labelled else None)
    if 'classifier' in class_balancing.roles(config, [method], labelled):
      judges |= classifiers.protocol('classifier', setup.classifier)
    counted = {item.role: item for item in evaluator.counted}
    codes = counted.get('recogniser')
    if codes:
      judges |= {'recogniser': setup.classifiers['recogniser'].key, 'codes': len(codes.names)}
    classes = counted.get('annotator')
    networks, differing = evaluator.networks, differences.lines(config, method)
    evaluation = {
      'experiment': config.experiment,
      'method': method,
      'published': config.published.get(method),
      'protocol': {
        'data': evaluator.data_key,
        'reference': evaluator.reference.key,
        'reference_images': num_reference,
        **_reference_choice(config, evaluator.reference),
        'samples': samples,
        **_resamplings_protocol(resamplings),
        'step': step,
        'network': config.algorithm.network,
        'loss': config.algorithm.loss,
        **choices._asdict(),
        **loop,
        **regularisers.protocol(config.algorithm),
        'generator': 'ema',
        'batch_norm': IN_WORDS[class_balancing.ema_statistics(config)],
        'feature_network': ', '.join(f'{n.metric}: {n.key}' for n in networks),
        'resize': ', '.join(f'{n.metric}: {n.resize}' for n in networks),
        **comparison.protocol(samples, num_reference),
        **judges,
        **score_protocol,
        'seed': config.seed + replica,
        **evaluation_file.machine(),
        **({'differences': differing} if differing else {}),
      },
      'results': results | {'cas': score},
      'class_names': list(classes.names) if classes else [],
      'train_counts': classes.train_counts.tolist() if classes else [],
      'notes': evaluator.notes,
    }
    if codes:
      evaluation |= {
        'code_names': list(codes.names), 'train_code_counts': codes.train_counts.tolist()
      }  # fmt: skip
    images, labels = measured.images, measured.labels[: len(measured.images)]
    files.save_npz(folder / page.SAMPLES_FILE, images=images, labels=labels)
    if nearest:
      files.save_npz(folder / memorisation.SAMPLES_FILE, **nearest)
    evaluation_file.write(folder, evaluation)
    return evaluation

  def _score(self, folder, step, state, replica):
    """The classification accuracy score and the fields of the protocol that describe it."""
    setup, config = self._setup, self._setup.config
    if not class_balancing.has_cas(config, setup.data.labelled):
      return None, {}
    # Codes have no names. Also where they are balanced, the images are judged by their classes.
    sample, _, labelled_by = self._sampler(state, setup.classifier or setup.annotator)
    if 'recogniser' in self._measuring:
      labelled_by = f'{labelled_by}, trained with labels that the method does not read'
    arrays, seed = setup.data.arrays(replica), config.seed + replica
    num_images, batch_size = class_balancing.cas_images(config), config.evaluation.batch_size
    generated = cas.generate(sample, arrays, num_images, seed, batch_size)
    job = cas.job(config, generated, step, seed, folder)
    num_images, batch_size = len(generated.labels), config.cas.train.batch_size
    protocol = {
      'cas_images': num_images,
      'cas_labels': labelled_by,
      'cas_network': jobs.network_name(config.cas.algorithm),
      'cas_epochs': job.config.updates // data_lib.steps_per_epoch(num_images, batch_size),
    }
    return cas.accuracy(job, setup.mesh), protocol

  def sampler(self, state, balanced: bool):
    del balanced  # All classes are asked for alike or none is: what is too many is thrown away.
    classifiers = self._setup.classifiers
    own = self._measuring.get('recogniser')  # The labels that a method without labels can give.
    state = self._settled(state)
    return self._sampler(state, own or classifiers.get('classifier') or classifiers['annotator'])

  def _sampler(self, state, labeller):
    """Labelled images: by the classes asked for or, of a GAN that asks for none, a classifier."""
    if self._algorithm.class_conditional:

      def sample_labelled(rng, num_images):
        return distributed.to_host(self._generate_labelled(state, rng, num_images))

      return sample_labelled, self._setup.data.class_names(0), 'the classes asked for'
    classify = self._compiled(labeller.classify)

    def sample(rng, num_images):
      images = distributed.to_host(self._generate(state, rng, num_images))
      return images, classify(labeller.variables, images)[0]

    return sample, labeller.class_names, labeller.key


def _reference_choice(config, reference) -> dict:
  """The protocol's field of a data set that has two references."""
  if data_lib.RELEASED not in reference.metadata:
    return {}
  return {'reference_choice': class_balancing.reference(config)}


def _resamplings_protocol(resamplings: int) -> dict:
  """The protocol's fields of an evaluation that draws its images several times."""
  if resamplings == 1:
    return {}
  of_the_first = 'KL and Fréchet distances are means over them, all else is of the first'
  return {'resamplings': resamplings, 'resampled': of_the_first}
