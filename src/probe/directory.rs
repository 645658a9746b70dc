//! The storage Test of a directory (`file://`), usually on NFS. Everything here blocks, and may block for ever.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::mounts::Mount;
use super::probe_content::ProbeContent;
use super::reporter::{CheckRun, FOREIGN_DIRECTORY};
use super::{ProbeContext, ProbeEvent};
use crate::domain::diagnosis::{foreign, identifier};
use crate::domain::fault::Fault;
use crate::domain::storage_check::{Contents, Expected, FORMAT_FILE, Fit, FormatFile, PROBE_BYTES, StorageCheck};

mod faults;
#[cfg(test)]
mod tests;

use faults::{Operation, fault, left_behind};

/// Bytes written at once; between two chunks a stop is noticed.
const CHUNK_BYTES: usize = 64 << 10;

/// The most names of a directory that are read to assess it; the probe is searched among all.
const MAX_NAMES: usize = 1000;

/// The most bytes of a format file that are read; a complete one has a few hundred.
const MAX_FORMAT_BYTES: u64 = 64 << 10;

/// The checks of a directory that write a probe or depend on one.
const PROBE_CHECKS: [StorageCheck; 5] =
    [StorageCheck::Write, StorageCheck::ReadBack, StorageCheck::List, StorageCheck::Delete, StorageCheck::Clock];

/// Tests a directory. It is never created: where it is missing, the nearest existing parent is tested, unless that is on this
/// host's root file system. The probe is written beside the directory, or into it where `inside` was requested. A foreign
/// directory is not written to at all.
pub fn probe(directory: &Path, (expected, inside): (&Expected, bool), bench: &mut ProbeContext<'_>) {
    let made = bench.begin(StorageCheck::Directory);
    let there = match nearest_existing(directory) {
        Ok(there) => there,
        Err(fault) => {
            bench.fail(&made, fault);
            bench.skip(&PROBE_CHECKS, "anything else, as the directory cannot be used");
            return;
        }
    };
    let missing = there.path != directory;
    let mount = find_mount(&there.path);
    let on_root =
        mount.as_ref().is_none_or(|mount| mount.point == Path::new("/")) || is_on_root_file_system(&there.data);
    // A directory that this host itself writes may be on its own disk.
    if missing && on_root && *expected != Expected::OwnHost {
        let why = format!(
            "whether anything can be written: {} is not there, and {}, the nearest directory above it, lies on this host's \
             root file system",
            directory.display(),
            there.path.display()
        );
        bench.could_not(&made, &why);
        bench.skip(&PROBE_CHECKS, &why);
        bench.skip(&[StorageCheck::FreeSpace, StorageCheck::Mount], &why);
        return;
    }
    let mut fit = Fit::Unknown;
    if missing {
        let who = if *expected == Expected::OwnHost { "obnow" } else { "the server" };
        let found = format!("not there yet: {who} makes it. Tested {} above it", there.path.display());
        bench.pass(&made, found);
    } else {
        fit = inspect_existing(&made, directory, expected, bench);
    }
    if on_root && *expected == Expected::OwnHost {
        let made = bench.begin(StorageCheck::Mount);
        bench.pass(&made, "on this host's root file system");
    } else {
        report_mount(directory, mount.as_ref().filter(|_| !on_root), bench);
    }
    if (bench.stopped)() {
        return;
    }
    check_free_space(&there.path, bench);
    if fit == Fit::Unfit {
        bench.skip(&PROBE_CHECKS, FOREIGN_DIRECTORY);
        return;
    }
    let spot = if missing {
        if let Some(other) = find_destination_above(&there.path) {
            let why = format!("whether anything can be written: {} above it is a destination itself", other.display());
            bench.skip(&PROBE_CHECKS, &why);
            return;
        }
        Ok(ProbeLocation { directory: there.path, lies: Placement::Above })
    } else if inside || *expected == Expected::OwnHost {
        Ok(ProbeLocation { directory: there.path, lies: Placement::Inside })
    } else {
        locate_beside(&there)
    };
    match spot {
        Ok(spot) => run_probe(&spot, bench),
        Err(why) => bench.asks_inside(&PROBE_CHECKS, &why),
    }
}

/// The directory that a probe is written to.
struct ProbeLocation {
    directory: PathBuf,
    lies: Placement,
}

/// The position of that directory relative to the destination.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Placement {
    /// Above a missing destination.
    Above,
    /// Beside the destination, where a probe that cannot be removed does no harm.
    Beside,
    /// In the destination.
    Inside,
}

/// Returns the parent directory, where both are on one file system; else why a probe there proves nothing.
fn locate_beside(there: &ExistingDirectory) -> Result<ProbeLocation, String> {
    let shown = there.path.display();
    let whole = fs::canonicalize(&there.path).map_err(|error| format!("where {shown} lies is not known ({error})"))?;
    let above = whole.parent().ok_or_else(|| format!("there is no directory beside {shown}"))?;
    let data = fs::metadata(above).map_err(|error| format!("{} cannot be looked at ({error})", above.display()))?;
    if data.dev() != there.data.dev() {
        return Err(format!("{}, which is beside {shown}, is another file system", above.display()));
    }
    if let Some(other) = find_destination_above(above) {
        return Err(format!("what is beside {shown} belongs to another destination, {}", other.display()));
    }
    Ok(ProbeLocation { directory: above.to_path_buf(), lies: Placement::Beside })
}

/// Returns this directory or the nearest one above it that is a backup destination: it has a format file.
fn find_destination_above(directory: &Path) -> Option<PathBuf> {
    let whole = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_path_buf());
    // What cannot be looked at may be one.
    let is_not_there = |path: &&Path| {
        fs::symlink_metadata(path.join(FORMAT_FILE)).is_err_and(|error| error.kind() == ErrorKind::NotFound)
    };
    whole.ancestors().find(|path| !is_not_there(path)).map(Path::to_path_buf)
}

/// Inspects an existing directory without writing.
pub fn look(directory: &Path, expected: &Expected, bench: &mut ProbeContext<'_>) {
    let made = bench.begin(StorageCheck::Directory);
    match nearest_existing(directory) {
        Err(fault) => bench.fail(&made, fault),
        Ok(there) if there.path == directory => {
            inspect_existing(&made, directory, expected, bench);
        }
        Ok(_) => bench.could_not(&made, format!("{} is not there on this host", directory.display())),
    }
}

fn inspect_existing(made: &CheckRun, directory: &Path, expected: &Expected, bench: &mut ProbeContext<'_>) -> Fit {
    match contents(directory, expected) {
        Err(error) => {
            bench.fail(made, fault(Operation::List, directory, &error));
            Fit::Unknown
        }
        Ok(contents) => bench.judged(made, &directory.display().to_string(), expected, &contents),
    }
}

/// An existing directory.
struct ExistingDirectory {
    path: PathBuf,
    data: Metadata,
}

/// Returns the directory, or the nearest existing one above it.
fn nearest_existing(directory: &Path) -> Result<ExistingDirectory, Fault> {
    for path in directory.ancestors() {
        match fs::metadata(path) {
            Ok(data) if data.is_dir() => return Ok(ExistingDirectory { path: path.to_path_buf(), data }),
            Ok(_) => return Err(fault(Operation::Enter, path, &ErrorKind::NotADirectory.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                // A broken link is not a missing directory: the server could not create it.
                if fs::symlink_metadata(path).is_ok() {
                    return Err(faults::broken_link_fault(path));
                }
            }
            Err(error) => return Err(fault(Operation::Enter, path, &error)),
        }
    }
    Err(fault(Operation::Enter, directory, &ErrorKind::NotFound.into()))
}

fn find_mount(path: &Path) -> Option<Mount> {
    let whole = fs::canonicalize(path).ok()?;
    Mount::of(&whole, &fs::read_to_string("/proc/self/mountinfo").ok()?)
}

/// Returns whether a directory is on the root file system, as a bind mount may be.
fn is_on_root_file_system(data: &Metadata) -> bool {
    fs::metadata("/").is_ok_and(|root| root.dev() == data.dev())
}

fn report_mount(directory: &Path, mount: Option<&Mount>, bench: &mut ProbeContext<'_>) {
    match mount {
        Some(mount) => {
            let made = bench.begin(StorageCheck::Mount);
            bench.pass(&made, foreign(&mount.words()));
        }
        None => bench.skip(
            &[StorageCheck::Mount],
            &format!(
                "whether the servers see the same directory: {} lies on this host's root file system and not on a mount",
                directory.display()
            ),
        ),
    }
}

/// Reads some names of a directory and its format file.
fn contents(directory: &Path, expected: &Expected) -> std::io::Result<Contents> {
    let mut contents = Contents::default();
    for entry in fs::read_dir(directory)?.take(MAX_NAMES) {
        let name = entry?.file_name();
        contents.names.push(identifier(&name.to_string_lossy()));
    }
    // The entries that prove the owner may come after the first names.
    if let Expected::OfTenant(of) = expected {
        let entries = of.listed.iter().flat_map(|listed| &listed.entries);
        let there = entries.filter(|entry| fs::symlink_metadata(directory.join(entry)).is_ok());
        let more: Vec<String> = there.filter(|entry| !contents.names.contains(entry)).cloned().collect();
        contents.names.extend(more);
    }
    contents.names.sort();
    let format = directory.join(FORMAT_FILE);
    contents.has_format = fs::symlink_metadata(&format).is_ok();
    if contents.has_format {
        let mut bytes = Vec::new();
        // An unreadable format file is not known; the directory itself is readable.
        let read = File::open(format).and_then(|file| file.take(MAX_FORMAT_BYTES).read_to_end(&mut bytes));
        contents.format = read.ok().and_then(|_| FormatFile::read(&bytes));
    }
    Ok(contents)
}

fn check_free_space(directory: &Path, bench: &mut ProbeContext<'_>) {
    let made = bench.begin(StorageCheck::FreeSpace);
    match rustix::fs::statvfs(directory) {
        Err(error) => bench.fail(&made, fault(Operation::Measure, directory, &error.into())),
        Ok(room) => {
            let (free, all) =
                (room.f_bavail.saturating_mul(room.f_frsize), room.f_blocks.saturating_mul(room.f_frsize));
            // A file system that does not count inodes shows 0 of 0.
            if room.f_files > 0 && room.f_favail == 0 {
                bench.fail(&made, faults::no_inodes_fault(directory));
            } else if free < PROBE_BYTES as u64 {
                bench.fail(&made, fault(Operation::Measure, directory, &ErrorKind::StorageFull.into()));
            } else {
                bench.pass(&made, format!("{} of {} free", size(free), size(all)));
            }
        }
    }
}

fn size(bytes: u64) -> String {
    bytesize::ByteSize::b(bytes).display().iec().to_string()
}

/// The probe file, which is deleted on drop.
struct Probe {
    path: PathBuf,
    there: bool,
}

impl Drop for Probe {
    fn drop(&mut self) {
        if self.there {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn run_probe(spot: &ProbeLocation, bench: &mut ProbeContext<'_>) {
    let directory = spot.directory.as_path();
    let pattern = ProbeContent::new();
    let mut probe = Probe { path: directory.join(pattern.name()), there: false };
    let began = (bench.now)();
    let made = bench.begin(StorageCheck::Write);
    let written = write(&mut probe, &pattern, bench);
    let ended = (bench.now)();
    let is_written = match written {
        Ok(true) => {
            bench.pass(&made, "written, and synced to the storage");
            true
        }
        Ok(false) => false,
        Err(error)
            if spot.lies == Placement::Beside
                && !probe.there
                && matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) =>
        {
            let why = format!("{} may not be written to", directory.display());
            bench.asks_inside(&PROBE_CHECKS, &why);
            return;
        }
        Err(error) => {
            bench.fail(&made, fault(Operation::Write, directory, &error));
            false
        }
    };
    if is_written && !(bench.stopped)() {
        check_read_back(&probe.path, &pattern, bench);
        check_list(directory, &probe.path, bench);
        check_clock(&probe.path, (began, ended), bench);
    } else if !(bench.stopped)() {
        let why = "anything of a probe: it could not be written";
        bench.skip(&[StorageCheck::ReadBack, StorageCheck::List, StorageCheck::Clock], why);
        if !probe.there {
            bench.skip(&[StorageCheck::Delete], why);
        }
    }
    if probe.there {
        check_delete(&mut probe, spot.lies == Placement::Inside, bench);
    }
}

/// Writes the probe; returns false where it was stopped.
fn write(probe: &mut Probe, pattern: &ProbeContent, bench: &mut ProbeContext<'_>) -> std::io::Result<bool> {
    (bench.tell)(ProbeEvent::ProbeWritten(probe.path.display().to_string()));
    let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&probe.path);
    let mut file = match created {
        Ok(file) => file,
        Err(error) => {
            (bench.tell)(ProbeEvent::ProbeRemoved);
            return Err(error);
        }
    };
    probe.there = true;
    for piece in pattern.bytes().chunks(CHUNK_BYTES) {
        if (bench.stopped)() {
            return Ok(false);
        }
        file.write_all(piece)?;
    }
    file.sync_all()?;
    // The page cache is dropped, so that the probe is read back from the storage.
    let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    Ok(true)
}

fn check_read_back(path: &Path, pattern: &ProbeContent, bench: &mut ProbeContext<'_>) {
    let made = bench.begin(StorageCheck::ReadBack);
    let read = || {
        let mut bytes = Vec::with_capacity(PROBE_BYTES);
        File::open(path)?.take(PROBE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(bytes)
    };
    match read() {
        Err(error) => bench.fail(&made, fault(Operation::Read, path, &error)),
        Ok(bytes) if bytes == pattern.bytes() => bench.pass(&made, "the same bytes"),
        Ok(bytes) => bench.fail(&made, faults::differs(path, bytes.len())),
    }
}

fn check_list(directory: &Path, probe: &Path, bench: &mut ProbeContext<'_>) {
    let made = bench.begin(StorageCheck::List);
    let listed = || {
        for entry in fs::read_dir(directory)? {
            if entry?.path() == probe {
                return Ok(true);
            }
        }
        Ok::<_, std::io::Error>(false)
    };
    match listed() {
        Err(error) => bench.fail(&made, fault(Operation::List, directory, &error)),
        Ok(true) => bench.pass(&made, "the probe is listed"),
        Ok(false) => bench.fail(&made, faults::not_listed(directory)),
    }
}

/// Compares the modification time, set by the storage's clock, with this host's times before and after the write.
fn check_clock(probe: &Path, (began, ended): (Timestamp, Timestamp), bench: &mut ProbeContext<'_>) {
    let made = bench.begin(StorageCheck::Clock);
    let stamped = fs::metadata(probe).and_then(|data| data.modified()).map(Timestamp::try_from);
    match stamped {
        Ok(Ok(stamped)) => {
            let apart = stamped.duration_since(ended).max(began.duration_since(stamped)).as_secs_f64().max(0.0);
            bench.pass(&made, format!("{apart:.1} s apart"));
        }
        Ok(Err(_)) => bench.could_not(&made, "the storage's clock: it stamps files with a time that is none"),
        Err(error) => bench.fail(&made, fault(Operation::Read, probe, &error)),
    }
}

fn check_delete(probe: &mut Probe, in_it: bool, bench: &mut ProbeContext<'_>) {
    let made = bench.begin(StorageCheck::Delete);
    let removed = fs::remove_file(&probe.path).and_then(|()| match fs::symlink_metadata(&probe.path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(std::io::Error::other("it is still there")),
    });
    match removed {
        Ok(()) => {
            probe.there = false;
            (bench.tell)(ProbeEvent::ProbeRemoved);
            bench.pass(&made, "nothing is left behind");
        }
        Err(error) => bench.fail(&made, left_behind(&probe.path, in_it, &error)),
    }
}
