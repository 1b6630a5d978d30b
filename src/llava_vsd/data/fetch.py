"""Puts annotations and images into a folder: from their publishers, a mirror, or files that somebody has already."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from llava_vsd.data.archives import (
    Archive,
    Folder,
    Limits,
    Member,
    Unpacked,
    inside,
    is_there,
    open_archive,
    unpack,
    write,
)
from llava_vsd.data.download import Digest, digest, download
from llava_vsd.data.images import image_key, in_order
from llava_vsd.data.remote import RemoteZip
from llava_vsd.data.shelf import FileReport, Shelf, fault
from llava_vsd.data.sources import Published, Source, source
from llava_vsd.data.web import Logged, Web
from llava_vsd.errors import DownloadError, FileError, RangesRefusedError, UsageError

ARCHIVES = "archives"
"""Where archives are kept under the target folder, each beside the list of its members."""

SHARE = 0.5
"""If ranges of more than this share of an archive would be needed, it is fetched whole."""


@dataclass
class Report:
    """What one name of `vsd fetch` came to.

    Attributes:
        images: how many are asked for; None where the name holds none.
        written, kept: members that were unpacked, and that were there before with the right size.
        missing: ids that are asked for and that the archives do not hold, sorted.
        notes: waits and detours on the way.
    """

    name: str
    files: list[FileReport] = field(default_factory=list)
    images: int | None = None
    written: int = 0
    kept: int = 0
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Fetcher:
    """Fetches sources into one folder. Stopped at any moment, the same call goes on from there.

    Args:
        web: the client.
        to: target folder. `VSDv1/val.json`, `VG_100K/2670.jpg` and so on appear under it, archives in `archives/`.
        mirror: address to use instead of the published ones: a folder with the same files, or one with `{path}`.
        given: local folder or archive to use instead of any address.
        partial: True takes members of zip archives by ranges, False never; None where that saves half or more.
        limits: bytes that an archive may unpack to.

    Raises:
        FileError, RowError: the target is a file, or its lock file is damaged.
    """

    def __init__(
        self,
        web: Web,
        to: Path,
        *,
        mirror: str | None = None,
        given: Path | None = None,
        partial: bool | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._web, self._to, self._mirror, self._given, self._partial = web, to, mirror, given, partial
        self._limits = limits or Limits()
        self._shelf = Shelf(to, web)

    def fetch(self, name: str, ids: Iterable[str] | None = None) -> Report:
        """Fetches one source.

        Args:
            name: of the table in sources.py.
            ids: image ids to restrict images to; those that the source cannot hold are passed over. None: all.
                A source that holds no images is not restricted.

        Raises:
            UsageError: the name is not known, or `partial` asks for what the archive's form does not allow.
            DownloadError: no address gave a file, or it was not the right one.
            FileError: something local cannot be read or written, or an archive is damaged or unsafe.
        """
        wanted = source(name) if self._mirror is None else source(name).at(self._mirror)
        report = Report(name)
        before = len(self._web.notes)
        if wanted.members is None:
            self._plain(wanted, report)
        else:
            self._images(wanted, ids, report)
        report.notes = self._web.notes[before:]
        return report

    # Files that are used as they are

    def _plain(self, wanted: Source, report: Report) -> None:
        lacking: list[Published] = []
        for file in wanted.files:
            if there := self._shelf.there(file, file.path):
                report.files.append(there)
            elif self._given is None:
                report.files.append(self._download(wanted, file, file.path))
            else:
                lacking.append(file)
        if lacking and self._given is not None:
            self._take(self._given, lacking, report)

    def _take(self, given: Path, files: list[Published], report: Report) -> None:
        """Copies files out of a local folder or archive, each told by the end of its path, or its mere name."""
        found: dict[str, Published] = {}

        def needed(member: Member) -> bool:
            for file in files:
                if member.name != PurePosixPath(file.path).name and not f"/{member.name}".endswith(
                    f"/{file.path}"
                ):
                    continue
                if file in found.values():
                    raise FileError(given, f"holds {file.path} twice, once as {member.name}")
                found[member.name] = file
                return member.plain and member.size <= self._limits.member
            return False

        for member, content in open_archive(given, self._limits).select(needed):
            if content is not None:
                report.files.append(self._copy(content, member, found[member.name], given))
        taken = {one.path for one in report.files}
        if lacking := [file.path for file in files if file.path not in taken]:
            raise FileError(given, f"holds no {', '.join(lacking)}")

    def _copy(self, content: IO[bytes], member: Member, file: Published, given: Path) -> FileReport:
        seen: list[Digest] = []

        def check(part: Path) -> None:
            seen.append(digest(part, self._web))
            if problem := self._shelf.expected(file, file.path).fault(seen[0]) or fault(part, file.path):
                raise FileError(given, f"{member.name} is not {file.path}: {problem}")

        place = self._to / file.path
        try:
            write(content, member, place, Logged(), check)
        except OSError as error:
            raise FileError(place, f"cannot be written: {error.strerror}") from None
        return self._shelf.remember(file, file.path, "given", str(given), seen[0])

    def _download(self, wanted: Source, file: Published, path: str) -> FileReport:
        expected = self._shelf.expected(file, path)
        urls, place = _urls(wanted, file), self._to / path
        got = download(self._web, urls, place, expected, lambda part: fault(part, file.path))
        return self._shelf.remember(file, path, "resumed" if got.resumed else "fetched", got.url, got.digest)

    # Files that are unpacked

    def _images(self, wanted: Source, ids: Iterable[str] | None, report: Report) -> None:
        pattern = wanted.ids
        asked = (
            None if ids is None or pattern is None else {image for image in ids if pattern.fullmatch(image)}
        )
        keys = None if asked is None else {image_key(image) for image in asked}
        found: set[str] = set()

        def needed(name: str) -> bool:
            return keys is None or image_key(PurePosixPath(name).name) in keys

        if self._partial and not all(file.path.endswith(".zip") for file in wanted.files):
            raise UsageError(f"{wanted.name}: only zip archives can be taken in part")
        for one, done in self._unpacked(wanted, keys, needed):
            report.files.append(one)
            report.written += done.written
            report.kept += done.kept
            found.update(image_key(PurePosixPath(name).name) for name in done.members if needed(name))
        if pattern is not None:
            report.images = report.written + report.kept if keys is None else len(keys)
        report.missing = in_order(image for image in asked or () if image_key(image) not in found)

    def _unpacked(
        self, wanted: Source, keys: set[str] | None, needed: Callable[[str], bool]
    ) -> Iterable[tuple[FileReport, Unpacked]]:
        if keys is not None and not keys:
            return
        if self._given is None:
            for file in wanted.files:
                yield self._unpack_published(wanted, file, needed, restricted=keys is not None)
            return
        for archive in _local(wanted, self._given, self._limits, everything=keys is None):
            done = self._unpack(wanted, archive, needed)
            checked = "size" if isinstance(archive, Folder) else "crc32"
            yield FileReport(archive.label, "given", done.bytes, archive.label, checked), done

    def _unpack_published(
        self, wanted: Source, file: Published, needed: Callable[[str], bool], restricted: bool
    ) -> tuple[FileReport, Unpacked]:
        """Unpacks what is needed of one published archive, by the cheapest way that is open."""
        path = f"{ARCHIVES}/{file.path}"
        listed = self._shelf.listed(file, path)
        if listed is not None and self._shelf.holds(listed, needed):
            return FileReport(path, "there", 0, "", "size"), Unpacked(listed, kept=sum(map(needed, listed)))
        if taken := self._by_ranges(wanted, file, path, needed, restricted):
            return taken
        one = self._shelf.there(file, path) or self._download(wanted, file, path)
        done = self._unpack(wanted, open_archive(self._to / path, self._limits), needed)
        self._shelf.list_members(path, (self._to / path).stat().st_size, done.members)
        return one, done

    def _unpack(self, wanted: Source, archive: Archive, needed: Callable[[str], bool]) -> Unpacked:
        assert wanted.members is not None
        progress = self._web.progress
        if isinstance(archive, RemoteZip):
            progress = Logged()  # bytes are counted as they come over the line
        progress.begin(f"unpacking {PurePosixPath(archive.label).name}", None)
        done = unpack(archive, self._to, wanted.members.fullmatch, needed, progress, self._limits)
        for name in done.refused:
            self._web.note(f"{archive.label}: member {name!r} is no plain file and is not unpacked")
        return done

    def _by_ranges(
        self, wanted: Source, file: Published, path: str, needed: Callable[[str], bool], restricted: bool
    ) -> tuple[FileReport, Unpacked] | None:
        """Takes members out of the archive on the server; None where it is better, or has to be, fetched whole."""
        begun = (self._to / f"{path}.part").exists()
        if self._partial is False or not file.path.endswith(".zip") or (self._to / path).exists():
            return None
        if self._partial is None and (begun or not restricted):
            return None
        refusals: list[DownloadError] = []
        for url in _urls(wanted, file):
            try:
                remote = self._open_remote(url, file)
                if self._partial is None and not self._saves(wanted, remote, needed):
                    self._web.note(f"{file.path}: much of it is needed, so it is fetched whole")
                    return None
                done = self._unpack(wanted, remote, needed)
            except DownloadError as error:
                self._web.note(str(error))
                refusals.append(error)
                continue
            self._shelf.list_members(path, remote.version.length or 0, done.members)
            return FileReport(path, "ranges", done.bytes, url, "crc32"), done
        if self._partial or not any(isinstance(error, RangesRefusedError) for error in refusals):
            raise refusals[-1]
        self._web.note(f"{file.path}: no server gives parts of it, so it is fetched whole")
        return None

    def _open_remote(self, url: str, file: Published) -> RemoteZip:
        version = self._web.look(url)
        if file.bytes is not None and version.length != file.bytes:
            raise DownloadError(url, f"is {version.length:,} bytes there, published {file.bytes:,}")
        return RemoteZip(self._web, url, version)

    def _saves(self, wanted: Source, remote: RemoteZip, needed: Callable[[str], bool]) -> bool:
        def lacking(member: Member) -> bool:
            place = inside(self._to, member.name)
            matches = wanted.members is not None and wanted.members.fullmatch(member.name)
            return bool(matches and needed(member.name) and place and not is_there(place, member.size))

        bytes_needed = sum(span.stop - span.start for span in remote.spans(lacking))
        return bytes_needed <= SHARE * (remote.version.length or 0)


def _urls(wanted: Source, file: Published) -> list[str]:
    return [address.replace("{path}", file.path) for address in wanted.addresses]


def _local(wanted: Source, given: Path, limits: Limits, everything: bool) -> list[Archive]:
    """The archives of a source that a local folder holds, or the folder itself where it holds none; or one archive.

    Raises:
        FileError: everything is asked for, and the folder holds some archives and lacks others.
    """
    if not given.is_dir():
        return [open_archive(given, limits)]
    places = [
        (file, place) for file in wanted.files for place in (given / file.path, given / ARCHIVES / file.path)
    ]
    held = {file.path: place for file, place in reversed(places) if place.is_file()}
    lacking = [file.path for file in wanted.files if file.path not in held]
    if held and lacking and everything:
        raise FileError(given, f"holds {', '.join(held)}, but no {', '.join(lacking)}")
    return [open_archive(held[file.path], limits) for file in wanted.files if file.path in held] or [
        Folder(given)
    ]
