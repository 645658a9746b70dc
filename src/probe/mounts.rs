//! The mount of a path, from the kernel's list.

use std::path::{Path, PathBuf};

use crate::domain::storage_check::is_remote;

/// A mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// The mount point.
    pub(super) point: PathBuf,
    /// The file system type, such as `nfs4` or `ext4`.
    pub(super) kind: String,
    /// The mounted source, such as `10.0.0.9:/export` or `/dev/sdb1`.
    pub(super) source: String,
    /// The options of the mount and of its file system.
    pub(super) options: Vec<String>,
}

/// The options that the manual requires of an NFS mount (V4.3.3 docs, deploy NFS), in the kernel's and in the manual's spelling.
const RECOMMENDED_NFS_OPTIONS: [(&str, &str); 4] =
    [("vers=4.1", "nfsvers=4.1"), ("hard", "hard"), ("sync", "sync"), ("lookupcache=pos", "lookupcache=positive")];

impl Mount {
    /// Returns the mount of a path without links; of several on one mount point the last one is visible.
    pub(super) fn of(path: &Path, mountinfo: &str) -> Option<Self> {
        let mounts = mountinfo.lines().filter_map(parse);
        mounts.filter(|mount| path.starts_with(&mount.point)).max_by_key(|mount| mount.point.components().count())
    }

    /// Describes the mount, with the options of the manual that it lacks.
    pub(super) fn words(&self) -> String {
        let mut words = format!("{} of {} on {}", self.kind, self.source, self.point.display());
        if self.kind.starts_with("nfs") {
            let has = |option: &str| {
                self.options.iter().any(|own| own == option || option == "vers=4.1" && is_newer_nfs(own))
            };
            let missing: Vec<&str> =
                RECOMMENDED_NFS_OPTIONS.iter().filter(|(kernel, _)| !has(kernel)).map(|(_, manual)| *manual).collect();
            if !missing.is_empty() {
                words.push_str("; OceanBase's manual wants also ");
                words.push_str(&missing.join(", "));
            }
        } else if !is_remote(&self.kind) {
            words.push_str(", of this host alone");
        }
        words
    }
}

/// Returns whether an option stands for NFS 4.2, which includes 4.1.
fn is_newer_nfs(option: &str) -> bool {
    option == "vers=4.2"
}

/// Parses a line such as `36 35 98:0 /root /mnt/point rw,noatime shared:1 - ext3 /dev/root rw` (proc(5)).
fn parse(line: &str) -> Option<Mount> {
    let (place, system) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(4);
    let (point, own) = (place.next()?, place.next()?);
    let mut system = system.split(' ');
    let (kind, source, of_system) = (system.next()?, system.next()?, system.next().unwrap_or_default());
    let options = own.split(',').chain(of_system.split(',')).map(str::to_owned).collect();
    Some(Mount { point: unescaped(point).into(), kind: unescaped(kind), source: unescaped(source), options })
}

/// Decodes the octal escapes of the kernel for space, tab, newline and backslash.
fn unescaped(text: &str) -> String {
    let codes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    codes.iter().fold(text.to_owned(), |text, (code, character)| text.replace(code, character))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]
mod tests {
    use super::*;

    const MOUNTINFO: &str = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
40 27 0:50 / /backup rw,relatime shared:7 - nfs4 10.0.0.9:/export rw,vers=4.2,hard,lookupcache=pos,addr=10.0.0.9
41 40 8:1 / /backup/fast\\040disk rw - xfs /dev/sdb1 rw
42 27 0:51 / /old rw,sync - nfs nas:/v3 rw,vers=3,soft
43 40 0:52 / /backup/fast\\040disk rw - tmpfs none rw";

    fn of(path: &str) -> Mount {
        Mount::of(Path::new(path), MOUNTINFO).unwrap()
    }

    #[test]
    fn path_is_on_the_deepest_last_mount() {
        assert_eq!(of("/home/a").point, Path::new("/"));
        assert_eq!(of("/backupper").point, Path::new("/"), "a mount is a directory, not the beginning of a name");
        assert_eq!(of("/backup/prod").source, "10.0.0.9:/export");
        assert_eq!(of("/backup/fast disk/x").kind, "tmpfs");
    }

    #[test]
    fn nfs_names_missing_recommended_options() {
        let wants = "OceanBase's manual wants also";
        assert_eq!(of("/backup").words(), format!("nfs4 of 10.0.0.9:/export on /backup; {wants} sync"));
        assert_eq!(
            of("/old").words(),
            format!("nfs of nas:/v3 on /old; {wants} nfsvers=4.1, hard, lookupcache=positive")
        );
        assert_eq!(of("/home").words(), "ext4 of /dev/vda on /, of this host alone");
    }
}
