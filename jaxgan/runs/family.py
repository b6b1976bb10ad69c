"""The record of a family of methods: the functions and tables that its experiments use."""

from collections.abc import Callable, Mapping
import dataclasses
from typing import NamedTuple

from jaxgan.config.section import Section
from jaxgan.system.registry import Registry


class Rule(NamedTuple):
  """A rule about the data of an experiment, checked before any training.

  Attributes:
    check: `check(config, data)` raises a UserError if the data breaks the rule.
    of_images: whether the rule needs the images or labels, not only the shape of the images and the
      names of the classes.
  """

  check: Callable
  of_images: bool = True


class Unused(NamedTuple):
  """Fields that have no effect together with other fields, see `jaxgan.runs.notes`.

  Attributes:
    fields: such as 'algorithm.lecam_decay'.
    when: `when(config)` returns whether they have no effect.
    because: the reason, to follow "has no effect:".
    shared: whether experiments share the fields among methods: then only a field that the user
      gave is noted, otherwise every value that is not the default.
  """

  fields: tuple[str, ...]
  when: Callable
  because: str
  shared: bool = False


def _nothing(*_, **__) -> tuple:
  return ()


@dataclasses.dataclass(frozen=True, eq=False)
class Family:
  """What the experiments of some methods train, measure and show.

  Attributes:
    title: title of the family's section in a report.
    methods: registry of the methods, with the entries that `algorithm` and `build` read.
    algorithm: `algorithm(method)` returns the class of the section `algorithm`.
    evaluation: the class of the section `evaluation`.
    metrics: a table of `jaxgan.evaluation.metric`.
    build: `build(config, method, data, classifiers)` returns (Algorithm, its frozen arrays).
      `classifiers` is {role: Classifier}; if one is absent, only `init` of the Algorithm works.
    evaluate: `evaluate(inputs, method, algorithm)` returns an
      `jaxgan.evaluation.evaluate.Evaluation`.
    yardsticks: `yardsticks(inputs, replica, score)` returns the
      `jaxgan.evaluation.yardsticks.Yardsticks` of the real images of a replica; None for a family
      whose metrics compare with no real images.
    validate: `validate(config)` raises a UserError for sections that contradict each other.
    roles: `roles(config, methods, labelled)` returns the sections of the classifiers that the
      methods need: 'classifier', 'annotator' and 'cas' are trained with labels, 'recogniser'
      without.
    rules: rules about the data of an experiment.
    unused: fields that have no effect together with other fields.
    reached: {field of `algorithm` with a number of steps: `consequence(config)`}, the sentence for
      a run that ends before this step, '' if nothing follows.
    labels_of: `labels_of(method, labelled)` returns whether the labels of generated images are
      'classes' or 'codes'; `labelled` tells whether the real images have labels.
    recognised: `recognised(config, data)` returns the names of the codes that the `classify` of the
      family's algorithms predicts without labels; () if there are none.
    differences: differences from the authors' code, a table of `jaxgan.report.differences`.
    published: `published(record)` returns (the paper's values, their source).
    section: `section(rows, footnotes)` returns the blocks of a report, see `jaxgan.report.blocks`.
    console: `console(rows)` returns texts for the terminal.
    pictures: `pictures(rows, out)` draws pictures beside the report `out`.
    assess: `assess(evidence)` returns the findings about a method, see
      `jaxgan.evaluation.assessment`.
    trained: `trained(folder, class_names, train_counts)` returns the blocks of a page about the
      training so far.
    evaluated: `evaluated(folder, record)` returns the blocks of a page about the evaluation.
    compare: `compare(workdir, folders)` draws the evaluated methods {method: folder} side by side
      and returns the paths of the pictures.
  """

  title: str
  methods: Registry
  algorithm: Callable
  evaluation: type[Section]
  metrics: Registry
  build: Callable
  evaluate: Callable
  yardsticks: Callable | None = None
  validate: Callable = _nothing
  roles: Callable = _nothing
  rules: tuple[Rule, ...] = ()
  unused: tuple[Unused, ...] = ()
  reached: Mapping[str, Callable] = dataclasses.field(default_factory=dict)
  labels_of: Callable = lambda method, labelled: 'classes'
  recognised: Callable = _nothing
  differences: tuple = ()
  published: Callable = lambda record: ({}, '')
  section: Callable = _nothing
  console: Callable = _nothing
  pictures: Callable = _nothing
  assess: Callable = _nothing
  trained: Callable = _nothing
  evaluated: Callable = _nothing
  compare: Callable = _nothing
