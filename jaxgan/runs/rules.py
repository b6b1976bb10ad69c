"""What the sections of an experiment must satisfy together, before anything is read or written."""

import itertools
import math

from jaxgan import families
from jaxgan.errors import UserError
from jaxgan.parallel import check_batch_size


def check(experiment, num_devices: int, name: str = 'config') -> None:
  """Refuses an experiment whose sections do not go together.

  Args:
    experiment: the experiment.
    num_devices: of the run.
    name: what messages call it.

  Raises:
    UserError: names the field, the value and what is allowed.
  """
  methods = experiment.methods
  family = families.family_of(methods)
  if len(set(methods)) != len(methods):
    raise UserError(f'{name}.methods={methods} is not possible: use each method once')
  if type(experiment.algorithm) not in {family.ALGORITHMS[method] for method in methods}:
    raise UserError(f'{name}.methods={methods} is not possible: they belong to other experiments')
  last = 2**32 - experiment.replicas  # Each replica has the next seed.
  if (experiment.seed or 0) > last:
    raise UserError(
      f'{name}.seed={experiment.seed} is not possible: use a whole number in 0..{last}'
    )
  family.validate(experiment)
  # Devices that have replicas of their own do not share batches.
  num_devices //= math.gcd(experiment.replicas, num_devices)
  batches = {'train': experiment.train.batch_size, 'evaluation': experiment.evaluation.batch_size}
  roles = (family.roles(experiment, methods, labelled) for labelled in (True, False))
  for role in dict.fromkeys(itertools.chain(*roles)):
    section = getattr(experiment, role)
    if section is None:
      raise UserError(f'{name}.{role} is missing: give the section, as experiments/base.py does')
    if not getattr(section, 'folder', ''):
      if role == 'recogniser':
        check(section, num_devices, f'{name}.{role}')
      batches[f'{role}.train'] = section.train.batch_size
  for section, batch_size in batches.items():
    check_batch_size(batch_size, num_devices, f'{name}.{section}.batch_size')
