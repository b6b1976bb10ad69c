"""Downloading original files with TFDS, into <data_dir>/downloads."""

import hashlib
import http.client
from pathlib import Path
import shutil
from typing import Any
import urllib.request

from jaxgan.errors import UserError

NETWORK_TIMEOUT_SECONDS = 20


def download(dl_manager: Any, url: str, sha256: str, advice: str) -> Path:
  """Downloads a file, or returns an earlier download.

  Args:
    dl_manager: the download manager of TFDS.
    url: of the file.
    sha256: of the file, 64 hexadecimal digits.
    advice: the end of every message: what to do without a network.

  Returns:
    The path of the file.

  Raises:
    UserError: no network, a failed download, or another SHA-256.
  """
  folder = Path(dl_manager.download_dir)
  stem, dot, suffix = url.rsplit('/', 1)[-1].partition('.')
  before = set(folder.rglob('*.tmp.*'))
  try:
    if not any(folder.rglob(f'*{stem}*{dot}{suffix}')):
      # TFDS sets no timeout and would hang on a network that drops packets.
      with urllib.request.urlopen(url, timeout=NETWORK_TIMEOUT_SECONDS):
        pass
    path = Path(dl_manager.download(url))
  except (OSError, http.client.HTTPException) as error:
    raise UserError(f'{url} cannot be downloaded ({type(error).__name__}): {advice}') from error
  except Exception as error:  # TFDS: DownloadError, NonMatchingChecksumError.
    raise UserError(f'{url} was not downloaded well ({type(error).__name__}): {advice}') from error
  finally:
    for unfinished in set(folder.rglob('*.tmp.*')) - before:
      shutil.rmtree(unfinished, ignore_errors=True)
  with path.open('rb') as file:
    digest = hashlib.file_digest(file, 'sha256').hexdigest()
  if digest != sha256:
    raise UserError(f'{path} has SHA-256 {digest}, expected {sha256}: delete it, or {advice}')
  return path
