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
  'jaxgan.streaming': 'data',
  'jaxgan.train_step': 'training',
  'jaxgan.train': 'training',
  'jaxgan.events': 'training',
  'jaxgan.optional': 'training',
  'jaxgan.logging': 'training',
  'jaxgan.jobs': 'training',
  'jaxgan.pretrained': 'training',
  'jaxgan.evaluation_file': 'evaluation',
  'jaxgan.names': 'report',
  'jaxgan.drawing': 'report',
  'jaxgan.experiment_file': 'runs',
  'jaxgan.run': 'runs',
  'jaxgan.sampling': 'runs',
  'jaxgan.exporting': 'runs',
  'jaxgan.recogniser': 'runs',
  'jaxgan.families': 'runs',
}
_EVALUATION = ('cas', 'classifiers', 'comparison', 'evaluate', 'features', 'measures')
_EVALUATION += ('memorisation', 'shares', 'verdicts')
_REPORT = ('beside_published', 'charts', 'differences', 'page', 'pictures', 'report', 'tables')
for _family in ('class_balancing', 'codes'):
  for _room, _modules in (('evaluation', _EVALUATION), ('report', _REPORT)):
    PLACES |= {f'jaxgan.families.{_family}.{module}': _room for module in _modules}

_BALANCE, _CODES = 'jaxgan.families.class_balancing', 'jaxgan.families.codes'
# What a module imports from a room after its own.
UPWARD = {
  'jaxgan.config': ('data_prep.prepared_names', 'jaxgan.algorithms.classifier', 'jaxgan.families'),
  'jaxgan.jobs': (
    'jaxgan.drawing.curves', 'jaxgan.report.blocks', 'jaxgan.report.chart', 'jaxgan.report.page',
  ),
  'jaxgan.report': ('jaxgan.families',),
  'data_prep.summary': ('jaxgan.names',),
  f'{_BALANCE}.cas': ('jaxgan.sampling',),
  f'{_BALANCE}.classifiers': (
    'jaxgan.names', 'jaxgan.report.formatting', 'jaxgan.report.published',
  ),
  f'{_BALANCE}.evaluate': (
    'jaxgan.drawing.curves', 'jaxgan.drawing.grids', _BALANCE, f'{_BALANCE}.differences',
    f'{_BALANCE}.page', f'{_BALANCE}.pictures',
  ),
  f'{_BALANCE}.measures': (_BALANCE, f'{_BALANCE}.beside_published'),
  f'{_BALANCE}.verdicts': ('jaxgan.report.rows',),
  f'{_CODES}.evaluate': (
    'jaxgan.drawing.curves', 'jaxgan.drawing.grids', _CODES, f'{_CODES}.charts',
    f'{_CODES}.differences', f'{_CODES}.pictures', f'{_CODES}.report', 'jaxgan.names',
  ),
}  # fmt: skip

# Functions of more than 60 lines.
LONG = {
  'jaxgan.algorithms.infogan': ('infogan', 'joint_step'),
  'jaxgan.algorithms.gan': ('gan',),
  'jaxgan.algorithms.joint_vae': ('joint_vae',),
  'jaxgan.algorithms.classifier': ('classifier',),
  'jaxgan.train': ('run',),
  f'{_CODES}.evaluate': ('write',),
  f'{_CODES}.charts': ('prior_over_time',),
  f'{_BALANCE}.evaluate': ('write',),
  f'{_BALANCE}.pictures': ('samples_by_class',),
  'experiments.base': ('gan_config',),
  'experiments.base_codes': ('codes_config',),
  'experiments.downstream': ('measure',),
  'data_prep.long_tail_folder': ('make_splits', 'recipe'),
}
