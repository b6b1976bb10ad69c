"""References to a name by another place that it can be imported from.

`jaxgan.losses.class_balance.class_balancer` is documented as `jaxgan.losses.class_balancer`: a
reference by either leads there.
"""

import pydoc


def documented_name(target, documented):
  """The documented name of the object that `target` names, or None.

  Args:
    target: a dotted name.
    documented: all documented names.
  """
  wanted = pydoc.locate(target)
  if wanted is None or not callable(wanted):
    return None
  last = target.rpartition('.')[2]
  for name in documented:
    if name.rpartition('.')[2] == last and pydoc.locate(name) is wanted:
      return name
  return None


def resolve(app, env, node, content):
  """Answers Sphinx's `missing-reference`."""
  target = node.get('reftarget', '')
  if node.get('refdomain') != 'py' or not target.startswith(('jaxgan.', 'data_prep.')):
    return None
  domain = env.get_domain('py')
  name = documented_name(target, [name for name, _, kind, _, _, _ in domain.get_objects()])
  if name is None:
    return None
  return domain.resolve_xref(env, node['refdoc'], app.builder, node['reftype'], name, node, content)


def setup(app):
  app.connect('missing-reference', resolve)
  return {'parallel_read_safe': True, 'parallel_write_safe': True}
