//! The checks of what surrounds a backup: a managing platform, encryption keys and passwords, and competing load.

use super::{CheckId, CheckList};
use crate::domain::choices::Choices;
use crate::domain::competing_load::ManagingPlatform;
use crate::domain::destination::Destination;
use crate::domain::facts::{Facts, Known, TenantFacts};
use crate::domain::plan::{settings_changed, wanted_data_destination};
use crate::domain::restorable::{EncryptionMode, FileStatus};

/// Adds the checks of the cluster.
pub(super) fn cluster(sheet: &mut CheckList, facts: &Facts) {
    match &facts.cluster.managers {
        Known::Known(managers) if managers.is_empty() => {}
        Known::Known(managers) => sheet.warn(
            CheckId::Managed,
            format!("probably managed by {}", told(managers)),
            "Back up to the present destinations, or through that program: what is set by hand its strategy may undo.",
        ),
        Known::NotChecked(why) => {
            sheet.not_checked(CheckId::Managed, format!("whether OCP or another program manages it: {why}"), "");
        }
    }
    if facts.cluster.cluster_backup.is_some() {
        sheet.not_checked(
            CheckId::EncryptionKeys,
            "whether tenants use transparent encryption, whose keys are in no backup",
            "Ask who runs the cluster whether a key service is in use.",
        );
    }
}

/// Adds the checks of one tenant.
pub(super) fn tenant(sheet: &mut CheckList, facts: &Facts, tenant: &TenantFacts, choices: &Choices) {
    if let Some(managers) = facts.cluster.managers.get().filter(|managers| !managers.is_empty()) {
        managed(sheet, facts, tenant, choices, managers);
    }
    if let Some(running) = tenant.load.compaction.get().and_then(Option::as_ref) {
        sheet.warn(
            CheckId::Load,
            format!("{running}; the backup competes with it"),
            "Start the backup after it, or let both take longer.",
        );
    }
    if facts.cluster.cluster_backup.is_some() {
        return;
    }
    match &tenant.transparent_encryption {
        Known::Known(None) => {}
        Known::Known(Some(encryption)) => sheet.warn(
            CheckId::EncryptionKeys,
            encryption.needed(),
            "Keep the keys where the backup is not; obnow never sends that statement.",
        ),
        Known::NotChecked(why) => {
            sheet.not_checked(CheckId::EncryptionKeys, format!("whether transparent encryption is on: {why}"), "");
        }
    }
    passwords(sheet, facts, tenant, choices);
}

/// Checks R7: what a platform manages is left to it, unless a user overrides that.
fn managed(
    sheet: &mut CheckList,
    facts: &Facts,
    tenant: &TenantFacts,
    choices: &Choices,
    managers: &[ManagingPlatform],
) {
    let changes = settings_changed(facts, tenant, choices);
    if changes.is_empty() {
        return;
    }
    let found = format!(
        "probably managed by {}, and this plan {}: its strategy would fight it, and OCP may not restore from a directory that \
         was set by hand",
        told(managers),
        changes.join(" and ")
    );
    let fix = "Make the change in that program and back up to the present destinations";
    sheet.refuse_unless_skipped(CheckId::Managed, choices, &found, fix);
}

fn told(managers: &[ManagingPlatform]) -> String {
    managers.iter().map(ManagingPlatform::told).collect::<Vec<_>>().join(" and ")
}

/// Checks R11: a restore asks for the password of every set in the directory up to its point (V4.2.0 to V4.3.1 source,
/// `do_get_backup_set_array_`).
fn passwords(sheet: &mut CheckList, facts: &Facts, tenant: &TenantFacts, choices: &Choices) {
    let Some(destination) = wanted_data_destination(facts, tenant, choices) else { return };
    let here = |path: &str| Destination::parse_server(path).is_ok_and(|path| path.may_be_same_directory(&destination));
    let encrypted: Vec<String> = tenant
        .sets
        .iter()
        .filter(|set| {
            set.encryption() != EncryptionMode::NoPassword && set.file_status != FileStatus::Deleted && here(&set.path)
        })
        .map(|set| set.id.to_string())
        .collect();
    if encrypted.is_empty() {
        return;
    }
    let them = match encrypted.as_slice() {
        [one] => format!("set {one} there is encrypted"),
        several => format!("sets {} there are encrypted", several.join(", ")),
    };
    let found = if choices.encrypt.is_some() {
        format!("{them}: with another password this backup can only be restored with all of them")
    } else {
        format!("{them} and this backup will not be: its restore needs their passwords all the same")
    };
    sheet.warn(CheckId::Passwords, found, "Keep every password of that directory, or give another one with --storage.");
}
