//! What a directory must be for the server to accept it, judged by its contents and by its other users.

use serde::{Deserialize, Serialize};

use super::{Cause, Destination, DirKind, FORMAT_FILE, Fault, FormatFile, StorageKind};
use crate::domain::command_line::shell;

/// What the server requires of a directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// V4: empty, or this tenant's own of this kind; otherwise 9080 or 9081. None: the caller does not know whose it will be.
    EmptyOrOurs {
        /// The cluster's id.
        cluster_id: Option<u64>,
        /// The tenant's id.
        tenant_id: Option<u64>,
        /// Data or log archive.
        kind: Option<DirKind>,
    },
    /// V4, for one tenant of a known cluster, with what the cluster's views list in the directory.
    OfTenant(Box<TenantDirectory>),
    /// The `TO` of a V3.2 tenant backup: an empty directory.
    Empty,
    /// The base of a V2 or V3 cluster, in which the server makes its own directories.
    Anything,
    /// The target of a logical backup, which this host writes: each backup makes a directory of its own in it.
    OwnHost,
}

/// The tenant that a directory must belong to, and what proves it: administrators choose ids, and many clusters share them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TenantDirectory {
    /// The cluster's id.
    pub cluster_id: Option<u64>,
    /// The cluster's name, as its servers report it.
    pub cluster: Option<String>,
    /// The tenant's id.
    pub tenant_id: u64,
    /// The tenant's name.
    pub tenant: String,
    /// Data or log archive.
    pub kind: DirKind,
    /// What the views list in it, for each `DEST_ID` that it has had.
    pub listed: Vec<ListedMedia>,
}

/// What the views of a cluster list in a directory under one `DEST_ID`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedMedia {
    /// The `DEST_ID`.
    pub dest_id: u64,
    /// The directories of the newest available sets, or pieces.
    pub entries: Vec<String>,
}

/// The contents of a directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Some names in it, without control characters; empty where the directory is empty.
    pub names: Vec<String>,
    /// Whether it holds [`FORMAT_FILE`].
    pub has_format: bool,
    /// What that file contains; None: it is not there, or it cannot be read.
    pub format: Option<FormatFile>,
}

impl TenantDirectory {
    /// Returns the ids and the kind that a format file has to match.
    fn ids(&self) -> (Option<u64>, Option<u64>, Option<DirKind>) {
        (self.cluster_id, Some(self.tenant_id), Some(self.kind))
    }
}

/// What other checks need to know of a directory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerFinding {
    /// Whether it holds the format file.
    pub format: bool,
    /// Whether nothing proves that it is this cluster's, and its format file has other names or another `DEST_ID`.
    pub doubted: bool,
    /// Whether the server will accept it.
    #[serde(default)]
    pub fit: Fit,
}

/// Whether the server will accept a directory, judged by its contents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// It is empty, or belongs to the tenant that requires it.
    Fit,
    /// It belongs to another tenant or cluster, or holds other files.
    Unfit,
    /// The contents do not show it.
    #[default]
    Unknown,
}

impl OwnerFinding {
    /// Judges a directory by these contents; `shown` as in [`assess_owner`].
    #[must_use]
    pub fn of(shown: &str, expected: &Expected, contents: &Contents) -> Self {
        let doubted = match (expected, &contents.format) {
            // Where the ids, the kind or the path differ the directory is another's, and that is no doubt.
            (Expected::OfTenant(of), Some(file)) if contents.has_format => {
                owner(shown, file, of.ids()).is_ok() && doubt(of, file, &contents.names).is_some()
            }
            _ => false,
        };
        let fit = match assess_owner(shown, expected, contents) {
            Ok(Ok(_)) => Fit::Fit,
            Ok(Err(_)) => Fit::Unknown,
            Err(_) => Fit::Unfit,
        };
        Self { format: contents.has_format, doubted, fit }
    }
}

/// Another destination of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationUse {
    /// Its user: `prod-hz/pay`.
    pub by: String,
    /// What the directory holds.
    pub kind: DirKind,
    /// The directory.
    pub destination: Destination,
}

/// Judges whether the server will accept a directory with these contents. Returns what was found, as a short phrase; the inner
/// `Err` is what could not be checked. `shown` is the part of its URI before `?`, or the path of a folder.
///
/// # Errors
/// The server will refuse it (9080, 9081), or nothing proves that it is this cluster's, which `--skip owner` overrides.
pub fn assess_owner(
    shown: &str,
    expected: &Expected,
    contents: &Contents,
) -> Result<Result<String, String>, Box<Fault>> {
    if contents.names.is_empty() {
        return Ok(Ok("empty".to_owned()));
    }
    match expected {
        Expected::Anything => Ok(Ok("there; the server makes its own directories in it".to_owned())),
        Expected::OwnHost => Ok(Ok("there; each backup makes a directory of its own in it".to_owned())),
        Expected::EmptyOrOurs { cluster_id, tenant_id, kind } if contents.has_format => match &contents.format {
            None => Ok(Err(format!("whose directory it is: its {FORMAT_FILE} cannot be read"))),
            Some(file) => owner(shown, file, (*cluster_id, *tenant_id, *kind)),
        },
        Expected::OfTenant(of) if contents.has_format => match &contents.format {
            None => Ok(Err(format!("whose directory it is: its {FORMAT_FILE} cannot be read"))),
            Some(file) => {
                let said = owner(shown, file, of.ids())?;
                match doubt(of, file, &contents.names) {
                    Some(why) => Err(Box::new(another_owner(shown, file, &why))),
                    None if said.is_ok() && !are_names_of(of, file) => Ok(Ok(format!(
                        "ours: what the server lists under DEST_ID {} is there; its {FORMAT_FILE} has the name {}/{}",
                        file.dest_id, file.cluster, file.tenant
                    ))),
                    None => Ok(said),
                }
            }
        },
        Expected::EmptyOrOurs { .. } | Expected::OfTenant(_) => Err(Box::new(
            Fault::new(
                Cause::Storage,
                format!("{shown} is not empty and not OceanBase's: {}.", some_of(&contents.names)),
                format!(
                    "The server takes an empty directory or one with its own {FORMAT_FILE}, and would answer 9080."
                ),
                "Choose an empty directory for this tenant and this kind.",
            )
            .with_code(9080),
        )),
        Expected::Empty => Err(Box::new(Fault::new(
            Cause::Storage,
            format!("{shown} is not empty: {}.", some_of(&contents.names)),
            "A tenant backup before V4 wants an empty directory each time.",
            "Choose another directory; a path that ends in {run} is a new one each time.",
        ))),
    }
}

/// Whether a format file has the names of the cluster and the tenant.
fn are_names_of(of: &TenantDirectory, file: &FormatFile) -> bool {
    of.cluster.as_ref().is_none_or(|cluster| *cluster == file.cluster) && of.tenant == file.tenant
}

/// Returns why a directory with the right ids may still be another cluster's; None: what is listed under its `DEST_ID` is there,
/// or nothing contradicts it.
fn doubt(of: &TenantDirectory, file: &FormatFile, names: &[String]) -> Option<String> {
    let there = |listed: &ListedMedia| {
        !listed.entries.is_empty() && listed.entries.iter().all(|entry| names.iter().any(|name| name == entry))
    };
    if of.listed.iter().any(|listed| listed.dest_id == file.dest_id && there(listed)) {
        return None;
    }
    if !are_names_of(of, file) {
        let (cluster, tenant) = (of.cluster.as_deref().unwrap_or("this cluster"), &of.tenant);
        return Some(format!(
            "Its {FORMAT_FILE} has the ids of {cluster}/{tenant}, which other clusters have too, and the name {}/{}; nothing \
             that is listed under its DEST_ID {} was found in it",
            file.cluster, file.tenant, file.dest_id
        ));
    }
    (!of.listed.is_empty() && of.listed.iter().all(|listed| listed.dest_id != file.dest_id)).then(|| {
        format!(
            "Its {FORMAT_FILE} has the DEST_ID {}, and the server lists what it has there under another",
            file.dest_id
        )
    })
}

/// Returns the fault of a directory that may be another cluster's.
fn another_owner(shown: &str, file: &FormatFile, why: &str) -> Fault {
    Fault::new(
        Cause::Storage,
        format!("{shown} is the directory of {}.", file.owner()),
        format!("{why}. Two clusters in one directory lose their backups."),
        "Choose an empty directory for this tenant and this kind; if it is this tenant's own, renamed since, override the \
         check owner (--skip owner; in the wizard by the target's name).",
    )
}

/// Checks that a format file is of the cluster, tenant, kind and path that are expected.
fn owner(
    shown: &str,
    file: &FormatFile,
    (cluster_id, tenant_id, kind): (Option<u64>, Option<u64>, Option<DirKind>),
) -> Result<Result<String, String>, Box<Fault>> {
    let other = |wanted: Option<u64>, is: u64| wanted.is_some_and(|wanted| wanted != is);
    let why = if other(cluster_id, file.cluster_id) {
        Some(format!("Its {FORMAT_FILE} names the cluster with the id {}", file.cluster_id))
    } else if other(tenant_id, file.tenant_id) {
        Some(format!("Its {FORMAT_FILE} names the tenant with the id {}", file.tenant_id))
    } else if kind.is_some() && kind != file.kind {
        Some(format!("Its {FORMAT_FILE} says that it holds something else"))
    } else if file.path.trim_start_matches("file://") != shown.trim_start_matches("file://") {
        Some(format!("Its {FORMAT_FILE} was written for {}", file.path))
    } else {
        None
    };
    match why {
        Some(why) => Err(Box::new(
            Fault::new(
                Cause::Storage,
                format!("{shown} is the directory of {}.", file.owner()),
                format!("{why}, and the server would answer 9081."),
                "Choose an empty directory for this tenant and this kind.",
            )
            .with_code(9081),
        )),
        None if cluster_id.is_none() || tenant_id.is_none() || kind.is_none() => {
            Ok(Err(format!("whether it may be used: it is the directory of {}", file.owner())))
        }
        None => Ok(Ok("ours, format file matches".to_owned())),
    }
}

/// Checks that no other destination of the cluster is this directory, lies in it or contains it.
///
/// # Errors
/// One does; the server would refuse it (V4: 9080 or 9081, before: 20303), or would mix the contents.
pub fn sole_use(destination: &Destination, others: &[DestinationUse]) -> Result<String, Box<Fault>> {
    let bare = destination.uri_without_attributes();
    let how = |other: &DestinationUse| {
        if destination.may_be_same_directory(&other.destination) {
            Some(format!("{bare} is the directory of {} ({}).", other.by, other.kind))
        } else if destination.is_inside(&other.destination) {
            Some(format!(
                "{bare} lies inside {}, the directory of {} ({}).",
                other.destination.uri_without_attributes(),
                other.by,
                other.kind
            ))
        } else if other.destination.is_inside(destination) {
            Some(format!(
                "{}, the directory of {} ({}), lies inside {bare}.",
                other.destination.uri_without_attributes(),
                other.by,
                other.kind
            ))
        } else {
            None
        }
    };
    match others.iter().find_map(how) {
        None => Ok("no other destination of the cluster is there".to_owned()),
        Some(what) => Err(Box::new(Fault::new(
            Cause::Storage,
            what,
            "A directory belongs to one tenant and one kind; the server would refuse it (V4: 9080 or 9081, before: 20303).",
            "Choose a directory of its own; {tenant_id} and {kind} in the path make one.",
        ))),
    }
}

/// Lists the first few names, for a sentence.
fn some_of(names: &[String]) -> String {
    const FEW: usize = 3;
    let few = names.iter().take(FEW).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > FEW { format!("it holds {few} and more") } else { format!("it holds {few}") }
}

/// Returns the commands to run on each server for what this host cannot test, with `***` for a key.
#[must_use]
pub fn by_hand(destination: &Destination) -> Vec<String> {
    let command = |words: &[&str]| shell(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
    if destination.kind() == StorageKind::File {
        let path = destination.path();
        return vec![
            command(&["findmnt", "-T", path]),
            command(&["df", "-h", path]),
            command(&["sudo", "-u", "admin", "test", "-w", path]),
        ];
    }
    let whole = destination.redacted_statement_uri();
    let info = whole.split_once('?').map_or("", |(_, info)| info);
    vec![command(&["ob_admin", "test_io_device", "-d", &destination.uri_without_attributes(), "-s", info])]
}
