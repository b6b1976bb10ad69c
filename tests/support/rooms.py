"""Which room each module of the house is in, and what is still to be mended there.

Rooms are in their order: a module imports from its own room and those before it. A module whose
place is not yet the folder of its room is listed in `PLACES`. The exceptions only become fewer.
"""

ROOMS = (
  'errors', 'system', 'losses', 'metrics', 'networks', 'augmentation', 'config', 'algorithms',
  'data_prep', 'data', 'training', 'evaluation', 'report', 'runs', 'top',
)  # fmt: skip

PLACES = {'jaxgan': 'top', 'jaxgan.main': 'top', 'jaxgan.drawing': 'report'}

# What a module imports from a room after its own.
UPWARD = {
  'jaxgan.report': ('jaxgan.runs.families',),
}

# Functions of more than 60 lines.
LONG = {
  'jaxgan.report.class_pictures': ('samples_by_class',),
  'jaxgan.report.code_charts': ('prior_over_time',),
  'data_prep.long_tail_folder': ('make_splits', 'recipe'),
  'experiments.downstream': ('measure',),
}
