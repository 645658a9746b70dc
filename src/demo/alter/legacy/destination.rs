//! The destinations of V2.2 and V3: `backup_dest` of the cluster, and the directory of a tenant backup. The server appends the
//! cluster's name and id, so that clusters can share a directory; it must not contain an archive of the same cluster.
//!
//! A `file://` path below the fleet's `data/` is created on this host; any other path is only recorded.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::super::{Issuer, not_supported, server_error};
use crate::demo::fault_injection::ClusterFaults;
use crate::demo::fleet::{Cluster, Fleet};
use crate::demo::release_line::Feature;
use crate::demo::simulation::legacy;
use crate::demo::statement::ServerError;
use crate::demo::storage::DirectoryOwner;

fn invalid_destination() -> ServerError {
    server_error(9026, "backup destination is not valid")
}

/// Returns the path of a URI, without what follows `?`.
fn path_of_uri(uri: &str) -> &str {
    uri.split('?').next().unwrap_or(uri).trim_end_matches('/')
}

/// Checks the form of a URI.
fn check_form(cluster: &Cluster, uri: &str) -> Result<(), ServerError> {
    let (path, parameters) = uri.split_once('?').map_or((uri, None), |(path, rest)| (path, Some(rest)));
    let (scheme, rest) = path.split_once("://").ok_or_else(invalid_destination)?;
    let given = |key: &str| {
        let pairs = parameters.unwrap_or_default().split('&');
        pairs.filter_map(|pair| pair.strip_prefix(key)).any(|value| !value.is_empty() && value.len() < 128)
    };
    let object = || {
        let keys = ["host=", "access_id=", "access_key="].into_iter().all(given);
        !rest.is_empty() && keys && parameters.is_some_and(|text| text.len() < 256)
    };
    let fine = match scheme {
        "file" => {
            if parameters.is_some_and(|text| !text.is_empty()) {
                return Err(not_supported("backup device is nfs, additional parameters are"));
            }
            if parameters.is_some() {
                return Err(not_supported("backup device is nfs, setting '?' is"));
            }
            rest.starts_with('/')
        }
        "oss" => object(),
        "cos" if !cluster.line.has(Feature::Cos) => return Err(server_error(4015, "System error")),
        "cos" => object() && given("appid="),
        _ => false,
    };
    if fine && uri.len() < 1024 { Ok(()) } else { Err(invalid_destination()) }
}

/// Checks a new value of `backup_dest`; an empty one clears it.
pub(super) fn check_backup_dest(fleet: &Fleet, issuer: Issuer, uri: &str) -> Result<(), ServerError> {
    let cluster = &fleet.clusters[issuer.cluster];
    if !uri.is_empty() {
        check_form(cluster, uri)?;
        let faults = ClusterFaults { all: &fleet.faults, cluster: &cluster.name };
        if let Some((code, text)) = faults.refused_destination("sys") {
            return Err(server_error(code, text));
        }
        if holds_archive(fleet, cluster, uri) {
            return Err(invalid_destination());
        }
    }
    if cluster.parameters.get("backup_backup_dest").is_some_and(|dest| !dest.is_empty()) {
        return Err(not_supported("set backup dest with backup backup dest not empty is"));
    }
    Ok(())
}

/// Returns the path on this host; `None` if it is not below the fleet's data directory.
fn local_path(data: &Path, uri: &str) -> Option<PathBuf> {
    let path = PathBuf::from(path_of_uri(uri).strip_prefix("file://")?);
    let climbs = path.components().any(|part| part == Component::ParentDir);
    (path.starts_with(data) && !climbs).then_some(path)
}

/// Returns the subdirectory that the server appends for this cluster.
fn cluster_directory(cluster: &Cluster) -> String {
    format!("{}/{}/incarnation_1", cluster.name, cluster.id)
}

fn holds_archive(fleet: &Fleet, cluster: &Cluster, uri: &str) -> bool {
    match local_path(&fleet.data_dir, uri) {
        Some(folder) => folder.join(cluster_directory(cluster)).join("1/clog").exists(),
        None => fleet.directory_owners.contains_key(&format!("{}/{}", path_of_uri(uri), cluster_directory(cluster))),
    }
}

/// Claims the directory for the archive of the cluster.
pub(super) fn claim_archive(fleet: &mut Fleet, issuer: Issuer) -> Result<(), ServerError> {
    let uri = legacy::destination(&fleet.clusters[issuer.cluster]).to_owned();
    mark_archive(fleet, issuer.cluster, &uri).map_err(|error| server_error(9101, error.to_string()))
}

/// Marks a directory as one that contains an archive of this cluster.
///
/// # Errors
/// Where a directory on this host cannot be created.
pub(crate) fn mark_archive(fleet: &mut Fleet, cluster: usize, uri: &str) -> std::io::Result<()> {
    let cluster = &fleet.clusters[cluster];
    if let Some(folder) = local_path(&fleet.data_dir, uri) {
        return fs::create_dir_all(folder.join(cluster_directory(cluster)).join("1/clog"));
    }
    let owner =
        DirectoryOwner { dest_type: "archive_log".to_owned(), cluster_id: cluster.id, tenant_id: 1, dest_id: 0 };
    fleet.directory_owners.insert(format!("{}/{}", path_of_uri(uri), cluster_directory(cluster)), owner);
    Ok(())
}

/// Claims the directory of a tenant backup, which must be empty and outside `backup_dest`.
///
/// # Errors
/// 9026, 20303, 20304.
pub(super) fn claim_tenant_directory(
    fleet: &mut Fleet,
    issuer: Issuer,
    names: &[String],
    uri: &str,
) -> Result<(), ServerError> {
    let cluster = &fleet.clusters[issuer.cluster];
    check_form(cluster, uri)?;
    let (strategy, own_path) = (path_of_uri(legacy::destination(cluster)), path_of_uri(uri));
    if own_path == strategy || own_path.strip_prefix(strategy).is_some_and(|rest| rest.starts_with('/')) {
        return Err(server_error(20303, "the directory must not be that of the cluster's backups, or one below it"));
    }
    let faults = ClusterFaults { all: &fleet.faults, cluster: &cluster.name };
    if let Some((code, text)) = names.iter().find_map(|name| faults.refused_destination(name)) {
        return Err(server_error(code, text));
    }
    let not_empty = || server_error(20304, "only an empty directory can be used");
    let owner =
        DirectoryOwner { dest_type: "backup_data".to_owned(), cluster_id: cluster.id, tenant_id: 0, dest_id: 0 };
    let mark = cluster_directory(cluster);
    if let Some(folder) = local_path(&fleet.data_dir, uri) {
        if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(not_empty());
        }
        return fs::create_dir_all(folder.join(mark)).map_err(|error| server_error(9101, error.to_string()));
    }
    let below = format!("{own_path}/");
    if fleet.directory_owners.keys().any(|known| known == own_path || known.starts_with(&below)) {
        return Err(not_empty());
    }
    fleet.directory_owners.insert(format!("{below}{mark}"), owner);
    Ok(())
}
