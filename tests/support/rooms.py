"""The rooms of the house in their order, and what may be imported inside of functions."""

# A module imports from its own room, which is its folder or in `PLACES`, and those before it.
ROOMS = (
  'errors', 'system', 'losses', 'metrics', 'networks', 'augmentation', 'config', 'algorithms',
  'data_prep', 'data', 'training', 'evaluation', 'report', 'runs', 'top',
)  # fmt: skip

PLACES = {'jaxgan': 'top', 'jaxgan.__main__': 'top', 'jaxgan.main': 'top'}

# What only some commands need and takes long to import; the builders need TFDS.
MAY_BE_LATE = (
  'matplotlib', 'PIL', 'sklearn', 'tensorflow_datasets', 'jinja2', 'tqdm', 'tensorboardX', 'lmdb',
  'scipy.io', 'data_prep.array_builder',
)  # fmt: skip
# `--help`, refusals and `import jaxgan` come before all the rest.
STARTS = ('jaxgan', 'jaxgan.__main__', 'jaxgan.main')

# What else is imported inside of functions.
LATE = {
  'jaxgan.metrics.accuracy': ('scipy.stats',),
  'jaxgan.data.loading': ('data_prep.build',),
  'jaxgan.data.training_data': ('data_prep.summary',),
  'jaxgan.runs.experiment_file': (
    'jaxgan.config.identity',
    'jaxgan.config.overrides',
    'jaxgan.config.suggestions',
    'jaxgan.runs.experiment',
    'jaxgan.runs.families',
  ),
  'jaxgan.runs.families.class_balancing': (
    'jaxgan.evaluation.evaluate',
    'jaxgan.evaluation.generated',
    'jaxgan.evaluation.real_images',
  ),
  'jaxgan.runs.families.codes': (
    'jaxgan.evaluation.codes',
    'jaxgan.evaluation.evaluate',
  ),
  'jaxgan.runs.generator': ('huggingface_hub',),
  'jaxgan.runs.run': (
    'jaxgan.runs.exporting',
    'jaxgan.runs.generator_saving',
    'jaxgan.runs.inputs',
    'jaxgan.runs.plan',
    'jaxgan.runs.sampling',
  ),
  'data_prep.arrow_files': (
    'pyarrow',
    'pyarrow.compute',
  ),
  'data_prep.build': ('absl',),
  'data_prep.preparation': ('absl',),
  'data_prep.reduce_fashion_mnist': ('absl',),
  'data_prep.writers': (
    'data_prep.balanced_images',
    'data_prep.preparation',
  ),
  'experiments.downstream': (
    'data_prep.npz',
    'data_prep.writers',
    'jaxgan.system.compilation',
  ),
  'experiments.joint_vae_sweep': ('jaxgan.system.compilation',),
}
