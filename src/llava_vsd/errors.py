"""Every error that a user can meet; each prints as one line, without a traceback."""

from __future__ import annotations

from pathlib import Path


class VsdError(Exception):
    """Base of all errors of this package; `str(error)` is the one line that the user reads."""

    exit_code = 1


class UsageError(VsdError):
    """The command or call was used wrongly (exit code 2)."""

    exit_code = 2


class FileError(VsdError):
    """A file is missing, empty, unreadable, or of the wrong kind as a whole."""

    def __init__(self, path: str | Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = Path(path)
        self.problem = problem


class RowError(VsdError):
    """One entry, line or field of a file is wrong.

    Args:
        path: the file.
        place: where in the file, e.g. `line 12` or `entry 3 (img_id 2670)`.
        field: dotted path of the field, e.g. `triple_list[0].p`; empty for the row as a whole.
        problem: what was found and what was expected.
    """

    def __init__(self, path: str | Path, place: str, field: str, problem: str) -> None:
        where = f"{path}: {place}" + (f": {field}" if field else "")
        super().__init__(f"{where}: {problem}")
        self.path = Path(path)
        self.place = place
        self.field = field
        self.problem = problem


class MismatchError(VsdError):
    """Two files that belong together do not match (v1 with v2, predictions with items)."""


class DownloadError(VsdError):
    """A server did not give a file: out of reach, refused, cut off too often, or it gave something else."""

    def __init__(self, url: str, problem: str) -> None:
        super().__init__(f"{url}: {problem}")
        self.url = url
        self.problem = problem


class RangesRefusedError(DownloadError):
    """The server gives the whole file only, never a part of it."""


class ServerError(VsdError):
    """A model server refused, failed too often, or answered something else; `status` is HTTP's, where one came."""

    def __init__(self, url: str, problem: str, status: int | None = None) -> None:
        super().__init__(f"{url}: {problem}")
        self.url = url
        self.problem = problem
        self.status = status


class MissingImagesError(VsdError):
    """Images that were asked for by id are not there; `ids` holds all of them, sorted."""

    def __init__(self, place: str, ids: list[str], asked: int) -> None:
        shown = ", ".join(ids[:10]) + (f" and {len(ids) - 10:,} more" if len(ids) > 10 else "")
        super().__init__(f"{place}: {len(ids):,} of {asked:,} images are not there: {shown}")
        self.ids = ids


class MissingExtraError(VsdError):
    """Packages of an optional extra are not installed.

    Args:
        what: what needs them, e.g. `vsd train`.
        extra: the extra's name in pyproject.toml.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs packages that are not installed; expected: pip install 'llava-vsd[{extra}]'"
        )
        self.what = what
        self.extra = extra


class CheckpointError(VsdError):
    """A model's folder or hub name does not give the model that was asked for.

    Args:
        spec: the folder or hub name, as the user gave it.
        problem: what was found and what was expected.
    """

    def __init__(self, spec: str | Path, problem: str) -> None:
        super().__init__(f"{spec}: {problem}")
        self.spec = str(spec)
        self.problem = problem


class UnknownFamilyError(VsdError):
    """A part (vision, connector, language) was asked for of a kind of model whose parts cannot be told apart."""

    def __init__(self, model_type: str, problem: str) -> None:
        super().__init__(f"model type {model_type!r}: {problem}")
        self.model_type = model_type


class TrainingError(VsdError):
    """Training cannot begin or go on: bad samples, a loss that is no number, settings that do not fit."""


class TemplateError(VsdError):
    """A checkpoint's chat template cannot be trained on; names the checkpoint and what the template wrote."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: chat template: {problem}")
        self.name = name
        self.problem = problem


class SampleError(VsdError):
    """A conversation cannot become a training sample; `id` names it."""

    def __init__(self, id: str, problem: str) -> None:
        super().__init__(f"conversation {id}: {problem}")
        self.id = id
        self.problem = problem


class TooLongError(SampleError):
    """A conversation has more tokens, its image's included, than were allowed; nothing is ever cut off."""


class NoLabelError(SampleError):
    """A conversation has no answer to learn from, or not one that can be told from the question."""


class NotMirrorableError(SampleError):
    """A conversation's words do not tell what they become in a mirrored picture."""


class PackingError(VsdError):
    """Conversations cannot be laid in one row with their image: the model or the attention does not allow it."""
