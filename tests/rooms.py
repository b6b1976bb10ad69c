"""Which room each module of the house is in, and what is still to be mended there.

Rooms are in their order: a module imports from its own room and those before it. A module whose
place is not yet the folder of its room is listed in `PLACES`. The exceptions only become fewer.
"""

ROOMS = (
  'errors', 'system', 'losses', 'metrics', 'networks', 'augmentation', 'config', 'algorithms',
  'data_prep', 'data', 'training', 'evaluation', 'report', 'runs', 'top',
)  # fmt: skip

PLACES = {
  'jaxgan': 'top',
  'jaxgan.main': 'top',
  'jaxgan.registry': 'system',
  'jaxgan.compilation': 'system',
  'jaxgan.parallel': 'system',
  'jaxgan.distributed': 'system',
  'jaxgan.stopping': 'system',
  'jaxgan.files': 'system',
  'jaxgan.lock': 'system',
  'jaxgan.checkpoint': 'system',
  'jaxgan.augment': 'augmentation',
  'jaxgan.diff_augment': 'augmentation',
  'jaxgan.replicas': 'algorithms',
  'jaxgan.priors': 'algorithms',
  'jaxgan.sources': 'data',
  'jaxgan.data_config': 'data',
  'jaxgan.train_config': 'training',
  'jaxgan.streaming': 'data',
  'jaxgan.train_step': 'training',
  'jaxgan.train': 'training',
  'jaxgan.events': 'training',
  'jaxgan.optional': 'training',
  'jaxgan.logging': 'training',
  'jaxgan.jobs': 'training',
  'jaxgan.pretrained': 'training',
  'jaxgan.names': 'report',
  'jaxgan.drawing': 'report',
  'jaxgan.experiment_file': 'runs',
  'jaxgan.run': 'runs',
  'jaxgan.sampling': 'runs',
  'jaxgan.exporting': 'runs',
  'jaxgan.recogniser': 'runs',
  'jaxgan.families': 'runs',
}

# What a module imports from a room after its own.
UPWARD = {
  'jaxgan.config.documentation': (
    'jaxgan.algorithms.classifier',
    'jaxgan.data_config',
    'jaxgan.families',
    'jaxgan.runs.experiment',
    'jaxgan.train_config',
  ),
  'jaxgan.config.identity': ('data_prep.prepared_names',),
  'jaxgan.evaluation.cas': ('jaxgan.runs.experiment', 'jaxgan.sampling'),
  'jaxgan.jobs': (
    'jaxgan.drawing.curves',
    'jaxgan.report.blocks',
    'jaxgan.report.curves',
    'jaxgan.report.page',
    'jaxgan.runs.experiment',
  ),
  'jaxgan.report': ('jaxgan.families',),
  'data_prep.summary': ('jaxgan.names',),
}

# Functions of more than 60 lines.
LONG = {
  'jaxgan.report.class_pictures': ('samples_by_class',),
  'jaxgan.report.code_charts': ('prior_over_time',),
  'jaxgan.train': ('run',),
  'data_prep.long_tail_folder': ('make_splits', 'recipe'),
  'experiments.downstream': ('measure',),
}
