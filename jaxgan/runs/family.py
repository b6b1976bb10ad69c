"""What a family of methods is: the functions and tables that its experiments are run with."""

from collections.abc import Callable
import dataclasses
from typing import NamedTuple

from jaxgan.config.section import Section
from jaxgan.system.registry import Registry


class Rule(NamedTuple):
  """A rule about the data of an experiment, checked before hours are spent.

  `check(config, data)` raises a UserError where it is broken. `of_images` says whether it asks for
  more than the shape of the images and the names of their classes.
  """

  check: Callable
  of_images: bool = True


def _nothing(*_, **__) -> tuple:
  return ()


@dataclasses.dataclass(frozen=True, eq=False)
class Family:
  """What the experiments of some methods train, measure and show.

  Attributes:
    title: of its section in a report.
    methods: what `algorithm` and `build` need to know of each method.
    algorithm: `algorithm(method) -> class` of the section `algorithm`.
    evaluation: the class of the section `evaluation`.
    metrics: a table of `jaxgan.evaluation.metric`.
    build: `build(config, method, data, classifiers) -> (Algorithm, its frozen arrays)`, of {role:
      Classifier} or, before they are there, an Algorithm whose `init` alone can be asked.
    evaluate: `evaluate(inputs, method, algorithm) -> jaxgan.evaluation.evaluate.Evaluation`.
    validate: `validate(config)` refuses sections that do not go together.
    roles: `roles(config, methods, labelled) -> names` of the sections of the classifiers that it
      needs: 'classifier', 'annotator' and 'cas' are trained with labels, a 'recogniser' without.
    rules: what the data of an experiment must satisfy.
    labels_of: `labels_of(method, labelled) -> 'classes' or 'codes'`, what the labels of generated
      images are, where the real ones are labelled or not.
    recognised: `recognised(config, data) -> names` of what the `classify` of its algorithms tells
      apart without labels; () where that is nothing.
    differences: from the authors' code, a table of `jaxgan.report.differences`.
    published: `published(record) -> (the paper's values, their source)`.
    section: `section(rows, footnotes) -> blocks` of a report, see `jaxgan.report.blocks`.
    console: `console(rows) -> texts` for the terminal.
    pictures: `pictures(rows, out)` draws beside the report `out`.
    trained: `trained(folder, class_names, train_counts) -> blocks` of a page: what a run has since
      it began.
    evaluated: `evaluated(folder, record) -> blocks` of a page: its evaluation.
    compare: `compare(workdir, folders) -> paths` of pictures of the evaluated methods {method:
      folder} beside each other.
  """

  title: str
  methods: Registry
  algorithm: Callable
  evaluation: type[Section]
  metrics: Registry
  build: Callable
  evaluate: Callable
  validate: Callable = _nothing
  roles: Callable = _nothing
  rules: tuple[Rule, ...] = ()
  labels_of: Callable = lambda method, labelled: 'classes'
  recognised: Callable = _nothing
  differences: tuple = ()
  published: Callable = lambda record: ({}, '')
  section: Callable = _nothing
  console: Callable = _nothing
  pictures: Callable = _nothing
  trained: Callable = _nothing
  evaluated: Callable = _nothing
  compare: Callable = _nothing
