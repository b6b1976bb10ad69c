"""Configuration of the manual.

    python -m sphinx -W --keep-going -n -b html docs docs/_build

needs no network. The pages load MathJax from its usual CDN, as the pages of JAX and optax do. A
second command checks external links and asks every linked site:

    python -m sphinx -b linkcheck docs docs/_build/linkcheck
"""

import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'docs' / '_extensions')]
os.environ.setdefault('JAX_PLATFORMS', 'cpu')  # The build reads docstrings and computes nothing.

project = 'jaxgan'
author = copyright = 'the authors of jaxgan'

extensions = [
  'sphinx.ext.autodoc',
  'sphinx.ext.napoleon',
  'sphinx.ext.viewcode',
  'sphinx.ext.mathjax',
  'sphinx_copybutton',
  'myst_nb',
  'repository_pages',
  'tested',
  'measured',
  'canonical',
  'docstrings',
  'results',
]
exclude_patterns = ['_build', '_extensions', '_static', 'jupyter_execute']
nitpicky = True
# Types of other packages, whose pages would have to be fetched, and type variables.
nitpick_ignore_regex = [('py:.*', r'(?!jaxgan\.).*'), ('py:class', r'jaxgan\..*\.[A-Z]')]

myst_enable_extensions = ['dollarmath', 'colon_fence', 'deflist']
myst_heading_anchors = 3
nb_execution_mode = 'off'  # Notebooks show the outputs that are stored in them.

autodoc_member_order = 'bysource'
autodoc_typehints = 'signature'
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
smartquotes = False  # The two hyphens of --config stay.
default_role = 'literal'  # `name` in a docstring is code.

html_theme = 'furo'
html_title = 'jaxgan'
html_static_path = ['_static']
html_css_files = ['manual.css']
html_copy_source = False
copybutton_prompt_text = r'>>> |\.\.\. |\$ '
copybutton_prompt_is_regexp = True

linkcheck_timeout = 20
linkcheck_retries = 2
