"""Which room each module of the house is in, and what is still to be mended there.

Rooms are in their order: a module imports from its own room and those before it. A module whose
place is not yet the folder of its room is listed in `PLACES`. The exceptions only become fewer.
"""

ROOMS = (
  'errors', 'system', 'losses', 'metrics', 'networks', 'augmentation', 'config', 'algorithms',
  'data_prep', 'data', 'training', 'evaluation', 'report', 'runs', 'top',
)  # fmt: skip

PLACES = {'jaxgan': 'top', 'jaxgan.main': 'top'}

# What a module imports from a room after its own.
UPWARD = {
  'jaxgan.evaluation.cas': ('jaxgan.runs.experiment', 'jaxgan.runs.sampling'),
  'jaxgan.training.jobs': (
    'jaxgan.report.blocks',
    'jaxgan.report.curves',
    'jaxgan.report.page',
    'jaxgan.runs.experiment',
  ),
}

# Functions of more than 60 lines.
LONG = {
  'jaxgan.training.loop': ('run',),
}
