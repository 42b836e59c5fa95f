"""The Hugging Face hub, or a mirror of it: what a repository holds, and the bytes of a file; only when the user asks.

The hub's own client makes the addresses and headers and holds the connection; its errors become one sentence here.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from clipsearch import __version__
from clipsearch.errors import DownloadError, NotOnHubError

_CHUNK = 1 << 18
_TIMEOUT_S = 30.0
_PASSING = {408, 429, 500, 502, 503, 504}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository: its path with "/", and what the hub states of it.

    A large file has a SHA-256, the others git's hash of their content; both in hexadecimal digits.
    """

    path: str
    size_bytes: int | None
    sha256: str | None
    git_sha1: str | None


@dataclass(frozen=True, slots=True)
class Repository:
    """What a repository holds at one revision (a commit), as the server at `endpoint` tells it."""

    name: str
    revision: str
    files: tuple[RemoteFile, ...]
    endpoint: str
    mirrored: bool

    @property
    def host(self) -> str:
        return _host(self.endpoint)


class LostConnection(Exception):  # noqa: N818  (not an error but a reason to try again)
    """The connection broke, or the server asked for patience, before all bytes were there."""


def look_up(name: str, revision: str | None = None, mirror: str = "") -> Repository:
    """Ask the hub, or the mirror, what the repository holds at `revision` (None: its newest).

    Raises DownloadError if it cannot be reached or has no such repository.
    """
    api = _hub().HfApi(endpoint=mirror.rstrip("/") or None, token=_token(bool(mirror)))
    try:
        with _in_words(name, api.endpoint):
            info = api.model_info(name, revision=revision, files_metadata=True, timeout=_TIMEOUT_S)
    except LostConnection as lost:
        raise unreachable(api.endpoint) from lost
    if not info.sha:
        raise DownloadError(f"{_host(api.endpoint)} does not say which revision of {name} it has.")
    files = tuple(_remote_file(sibling) for sibling in info.siblings or ())
    return Repository(name, info.sha, files, api.endpoint, bool(mirror))


@contextmanager
def reading(repository: Repository, file: RemoteFile, start: int = 0) -> Iterator[tuple[bool, Iterator[bytes]]]:
    """Open a file from byte `start` on; gives whether the server did start there, else it is the whole file.

    The exception for a broken connection, also while the bytes are read, is LostConnection; what trying again would not
    mend is a DownloadError.
    """
    hub, session = _hub(), _hub().get_session()
    url = hub.hf_hub_url(repository.name, file.path, revision=repository.revision, endpoint=repository.endpoint)
    request = {"headers": _headers(start, repository.mirrored), "timeout": _TIMEOUT_S, "follow_redirects": True}
    with _in_words(repository.name, repository.endpoint), session.stream("GET", url, **request) as answer:
        hub.hf_raise_for_status(answer)
        yield answer.status_code == 206, answer.iter_bytes(_CHUNK)


def unreachable(endpoint: str) -> DownloadError:
    """Return the error for a server that does not answer."""
    return DownloadError(
        f"{_host(endpoint)} cannot be reached; check the connection, or set a mirror (hub_mirror in the settings).",
        resumable=True,
    )


@contextmanager
def _in_words(repository: str, endpoint: str) -> Iterator[None]:
    """Turn what the hub's client raises into LostConnection or one sentence."""
    errors, http = _hub().errors, _http()
    try:
        yield
    except errors.GatedRepoError as error:
        raise DownloadError(
            f"{repository} is only for accounts that accepted its terms; it was not downloaded."
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError) as error:
        raise NotOnHubError(f"{_host(endpoint)} does not have {repository}, or not this revision of it.") from error
    except errors.OfflineModeIsEnabled as error:
        raise DownloadError("Downloads are switched off by HF_HUB_OFFLINE; unset it and try again.") from error
    except errors.HfHubHTTPError as error:
        if error.response.status_code in _PASSING:
            raise LostConnection from error
        reason = f"{_host(endpoint)} refused {repository} (HTTP status {error.response.status_code})"
        raise DownloadError(f"{reason}; please try again later.", resumable=True) from error
    except http.HTTPError as error:
        raise LostConnection from error
    except (ValueError, http.InvalidURL) as error:  # the answer is no JSON, or the address is none
        reason = f"{_host(endpoint)} does not answer as a model hub does"
        raise DownloadError(f"{reason}; check the connection, or the setting hub_mirror.", resumable=True) from error


def _host(endpoint: str) -> str:
    return urlsplit(endpoint).netloc or endpoint


def _remote_file(sibling: Any) -> RemoteFile:
    digest = sibling.lfs.sha256 if sibling.lfs else None
    size = sibling.lfs.size if sibling.lfs else sibling.size
    return RemoteFile(sibling.rfilename, size, digest, None if digest else sibling.blob_id)


def _headers(start: int, mirrored: bool) -> dict[str, str]:
    build = _hub().utils.build_hf_headers
    headers: dict[str, str] = build(token=_token(mirrored), library_name="clipsearch", library_version=__version__)
    return {**headers, "Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}


def _token(mirrored: bool) -> bool | None:
    """None lets the client use the token in the user's environment, if there is one; a mirror never gets it."""
    return False if mirrored else None


def _hub() -> Any:
    """Import the hub's client, and have it tell nothing about this machine."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import huggingface_hub
    import huggingface_hub.errors
    import huggingface_hub.utils

    return huggingface_hub


def _http() -> Any:
    """Return the HTTP library that the hub's client stands on: httpx up to its version 1, httpx2 from 2 on."""
    return importlib.import_module(type(_hub().get_session()).__module__.partition(".")[0])
