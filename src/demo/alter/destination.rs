//! Executes `SET DATA_BACKUP_DEST` and `SET LOG_ARCHIVE_DEST`: parses the URI, claims the directory, and stores the destination.

use crate::demo::clock::{self, SECOND};
use crate::demo::fault_injection::ClusterFaults;
use crate::demo::fleet::{ArchiveDest, DestState, Fleet, RegisteredDest, StoredDest};
use crate::demo::release_line::{Feature, ReleaseLine};
use crate::demo::simulation::archive;
use crate::demo::statement::ServerError;
use crate::demo::storage::{self, Claimant, DirectoryOwner};

use super::{Issuer, is_archive_running, not_supported, server_error};

/// A URI, split as the server does: at the first `?`, then at each `&`.
struct Uri {
    path: String,
    extension: String,
    object_storage: bool,
}

fn parse_uri(uri: &str, line: &ReleaseLine) -> Result<Uri, ServerError> {
    let invalid = || server_error(9026, format!("'{uri}' is not a valid uri"));
    let (path, parameters) = uri.split_once('?').unwrap_or((uri, ""));
    let path = path.trim_end_matches('/');
    let pairs: Vec<&str> = parameters.split('&').filter(|pair| !pair.is_empty()).collect();
    if pairs.iter().any(|pair| pair.starts_with("encrypt_key=")) {
        return Err(server_error(9026, "backup destination contains encrypt_key, which is not a valid uri"));
    }
    let (scheme, rest) = path.split_once("://").ok_or_else(invalid)?;
    let object_storage = match scheme {
        "oss" => true,
        "cos" => line.has(Feature::Cos),
        "s3" | "azblob" => line.has(Feature::S3),
        _ => false,
    };
    let fine = match scheme {
        "file" => rest.starts_with('/'),
        _ if object_storage => {
            let given =
                |key: &str| pairs.iter().any(|pair| pair.strip_prefix(key).is_some_and(|rest| !rest.is_empty()));
            let appid = given("appid=");
            !rest.is_empty()
                && ["host=", "access_id=", "access_key="].into_iter().all(given)
                && (scheme == "cos") == appid
        }
        _ => false,
    };
    if !fine || uri.len() >= 2048 || path.len() >= 1024 || uri.contains(char::is_whitespace) {
        return Err(invalid());
    }
    let mask = |pair: &&str| {
        let secret = pair.strip_prefix("access_key=").map(|key| format!("encrypt_key={}", mask_key(key)));
        secret.unwrap_or_else(|| (*pair).to_owned())
    };
    let mut extension = pairs.iter().map(mask).collect::<Vec<_>>().join("&");
    if object_storage && line.has(Feature::ChecksumType) {
        match pairs.iter().find_map(|pair| pair.strip_prefix("checksum_type=")) {
            None => extension.push_str("&checksum_type=md5"),
            Some("md5" | "no_checksum") => {}
            Some("crc32") if scheme == "s3" => {}
            Some(other) => {
                let what = format!("checksum type {other} is not supported for the input destination");
                return Err(server_error(9113, what));
            }
        }
    }
    Ok(Uri { path: path.to_owned(), extension, object_storage })
}

/// Returns a digest that stands for a key.
fn mask_key(key: &str) -> String {
    use sha1::{Digest, Sha1};
    Sha1::digest(key).iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"))
}

/// Returns the path of a URI and the owner of its directory.
///
/// # Errors
/// 9026; 9080 where no format file is there.
pub(crate) fn owner_of_uri(
    fleet: &Fleet,
    line: &ReleaseLine,
    uri: &str,
) -> Result<(String, DirectoryOwner), ServerError> {
    let Uri { path, extension, .. } = parse_uri(uri, line)?;
    let folder = storage::local_path(&fleet.data_dir, &path);
    let dest = StoredDest { path, extension, folder, dest_id: 0, checked: 0 };
    let owner = storage::directory_owner(fleet, dest.folder.as_deref(), &dest.path_column())?;
    Ok((dest.path, owner))
}

/// Sets or clears a tenant's `DATA_BACKUP_DEST`.
///
/// # Errors
/// 9026, 9036, 9080, 9081.
pub(crate) fn set_data_dest(fleet: &mut Fleet, issuer: Issuer, tenant_id: i64, value: &str) -> Result<(), ServerError> {
    if fleet.clusters[issuer.cluster].running_jobs(tenant_id).next().is_some() {
        return Err(server_error(9036, "Backup is in progress"));
    }
    let line = fleet.clusters[issuer.cluster].line;
    let dest = if value.is_empty() {
        None
    } else {
        Some(claim_destination(fleet, issuer, tenant_id, &parse_uri(value, line)?, "backup_data")?)
    };
    if let Some(tenant) = fleet.clusters[issuer.cluster].tenant_mut(tenant_id) {
        tenant.data_dest = dest;
    }
    Ok(())
}

/// Sets all of a tenant's `LOG_ARCHIVE_DEST`: what is left out gets its default.
///
/// # Errors
/// 1235, 4179, 9026, 9080, 9081.
pub(crate) fn set_archive_dest(
    fleet: &mut Fleet,
    issuer: Issuer,
    tenant_id: i64,
    value: &str,
) -> Result<(), ServerError> {
    let (mut location, mut binding, mut interval) = (None, "Optional", "1d".to_owned());
    for item in value.split_whitespace() {
        let (key, value) = item.split_once('=').ok_or_else(|| not_supported("log_archive_dest format is"))?;
        match key.to_ascii_uppercase().as_str() {
            "LOCATION" => location = Some(value),
            "BINDING" if value.eq_ignore_ascii_case("optional") => binding = "Optional",
            "BINDING" if value.eq_ignore_ascii_case("mandatory") => binding = "Mandatory",
            "PIECE_SWITCH_INTERVAL" => value.clone_into(&mut interval),
            "COMPRESSION" => {}
            _ => return Err(not_supported(&format!("{item} in log_archive_dest is"))),
        }
    }
    let day = 86_400 * SECOND;
    if clock::parse_duration(&interval).is_none_or(|length| length < day || length > 7 * day) {
        return Err(not_supported("invalid piece_switch_interval out of range [1d,7d] is"));
    }
    let location = location.ok_or_else(|| not_supported("set archive dest without location is"))?;
    let tenant = fleet.clusters[issuer.cluster].tenant_by_id(tenant_id);
    if tenant.is_some_and(is_archive_running) {
        return Err(not_supported("change archive dest when archive is running is"));
    }
    let uri = parse_uri(location, fleet.clusters[issuer.cluster].line)?;
    if uri.path.starts_with("s3://") && tenant.is_some_and(|tenant| tenant.lag_target() < 60 * SECOND) {
        let what = "archive_lag_target is smaller than 60s, set log_archive_dest to S3 is not allowed";
        return Err(server_error(4179, what));
    }
    let location = claim_destination(fleet, issuer, tenant_id, &uri, "archive_log")?;
    let speed = fleet.speed;
    let cluster = &mut fleet.clusters[issuer.cluster];
    // Whatever it was before, the state is written with the destination; V4.0 has a state for a destination without a round.
    let state = if cluster.line.has(Feature::LogMode) { DestState::Enable } else { DestState::Disable };
    if let Some(tenant) = cluster.tenant_mut(tenant_id) {
        tenant.archive_dest =
            Some(ArchiveDest { location, binding: binding.to_owned(), piece_switch_interval: interval, state });
    }
    // A tenant that was put in ARCHIVELOG mode without a destination starts its round now.
    archive::schedule_round(cluster, tenant_id, &fleet.faults, speed, issuer.at);
    Ok(())
}

/// Checks a directory and claims it. If the format file of a registered destination is missing, the sets and pieces that the
/// views list are marked as deleted, and it becomes a new destination.
fn claim_destination(
    fleet: &mut Fleet,
    issuer: Issuer,
    tenant_id: i64,
    uri: &Uri,
    dest_type: &str,
) -> Result<StoredDest, ServerError> {
    let cluster = &fleet.clusters[issuer.cluster];
    let faults = ClusterFaults { all: &fleet.faults, cluster: &cluster.name };
    let tenant = cluster.tenant_by_id(tenant_id);
    if let Some((code, text)) = tenant.and_then(|tenant| faults.refused_destination(&tenant.name)) {
        return Err(server_error(code, format!("{text}, try to set a new directory.")));
    }
    let folder = storage::local_path(&fleet.data_dir, &uri.path).filter(|_| !uri.object_storage);
    let (path, extension) = (uri.path.clone(), uri.extension.clone());
    let mut dest = StoredDest { path, extension, folder, dest_id: 0, checked: issuer.at };
    let path_column = dest.path_column();
    let before = tenant
        .and_then(|tenant| tenant.registered_dests.iter().find(|known| known.dest.path_column() == path_column))
        .cloned();
    let owner = |dest_type: &str, dest_id| DirectoryOwner {
        dest_type: dest_type.to_owned(),
        cluster_id: cluster.id,
        tenant_id,
        dest_id,
    };
    let own = before.as_ref().filter(|known| known.dest_type == dest_type);
    let own = own.map(|known| owner(dest_type, known.dest.dest_id));
    let new = owner(dest_type, cluster.upcoming_dest_id());
    let claimant_names = (cluster.name.clone(), tenant.map(|tenant| tenant.name.clone()).unwrap_or_default());
    let by = Claimant { cluster: &claimant_names.0, tenant: &claimant_names.1, at: issuer.at };
    let made = storage::claim_directory(fleet, dest.folder.as_deref(), &path_column, own.as_ref(), &new, &by)?;
    let cluster = &mut fleet.clusters[issuer.cluster];
    dest.dest_id = match own {
        Some(own) if !made => own.dest_id,
        _ => cluster.allocate_dest_id(),
    };
    if let Some(tenant) = cluster.tenant_mut(tenant_id) {
        if let Some(before) = before.filter(|_| made) {
            archive::mark_deleted(tenant, &before);
        }
        tenant.registered_dests.retain(|known| known.dest.path_column() != path_column);
        tenant.registered_dests.push(RegisteredDest { dest_type: dest_type.to_owned(), dest: dest.clone() });
    }
    Ok(dest)
}
