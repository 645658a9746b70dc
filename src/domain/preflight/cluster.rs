//! The checks of the cluster itself.

use super::{Check, CheckId, CheckList};
use crate::domain::choices::Choices;
use crate::domain::facts::{BackupServiceFacts, ClusterFacts, Facts, Known, LoginFacts, Scope, ServerFacts};
use crate::domain::fault::Cause;
use crate::domain::version::{Method, Version};

/// Returns the checks of the cluster itself.
#[must_use]
pub fn cluster_checks(facts: &Facts, choices: &Choices) -> Vec<Check> {
    let cluster = &facts.cluster;
    let mut sheet = CheckList::new(cluster.target.clone());
    if cluster.version.method().known {
        sheet.pass(CheckId::Version, format!("{}: {}", cluster.version.with_build(), cluster.method_reason));
    } else {
        // It is read as its nearest line, but what that line writes may mean something else here.
        sheet.refuse(
            CheckId::Version,
            Cause::Precondition,
            format!(
                "{} is not known to this release of obnow: {}",
                cluster.version.with_build(),
                cluster.method_reason.trim_end_matches('.')
            ),
            "Take a release of obnow that knows it, or OCP, or the statements of that version's manual; nothing is written to it.",
        );
    }
    // A dumped engine is one process: there are no other servers to compare.
    if cluster.method == Method::Physical {
        upgrading(&mut sheet, cluster, choices);
        servers(&mut sheet, cluster);
    } else if let Known::NotChecked(why) = &cluster.upgrading {
        sheet.not_checked(CheckId::Upgrading, why.clone(), "Ask who runs the engine.");
    }
    privileges(&mut sheet, cluster, choices);
    if let Some(service) = &cluster.backup_service {
        match service {
            BackupServiceFacts::Ready { release, path } => {
                sheet.pass(CheckId::BackupService, format!("{release} at {path}"));
            }
            BackupServiceFacts::Missing(fault) => sheet.refuse(
                CheckId::BackupService,
                Cause::Precondition,
                format!("{} {}", fault.what, fault.why),
                &fault.next,
            ),
        }
    }
    super::dump::cluster(&mut sheet, cluster, choices);
    if let Some(whole) = &cluster.cluster_backup {
        super::cluster_backup::cluster(&mut sheet, facts, whole, choices);
    }
    if cluster.method == Method::Physical {
        super::competing_load::cluster(&mut sheet, facts);
    }
    clock(&mut sheet, cluster);
    if choices.encrypt.is_some() {
        encryption(&mut sheet, cluster);
    }
    if cluster.method == Method::Physical {
        sheet.not_checked(
            CheckId::EveryServerWrites,
            "that every server can write there needs a shell on the servers",
            "On each server: mount | grep the directory, or ob_admin test_io_device.",
        );
    }
    sheet.checks
}

fn upgrading(sheet: &mut CheckList, cluster: &ClusterFacts, choices: &Choices) {
    match &cluster.upgrading {
        Known::NotChecked(why) => sheet.not_checked(CheckId::Upgrading, why.clone(), "Ask who runs the cluster."),
        Known::Known(signs) if signs.is_empty() => {
            let jobs = if cluster.cluster_backup.is_some() { "one version everywhere" } else { "no upgrade job runs" };
            sheet.pass(CheckId::Upgrading, format!("upgrade mode off, {jobs}"));
        }
        Known::Known(signs) => sheet.refuse(
            CheckId::Upgrading,
            Cause::Precondition,
            format!("the cluster is upgrading: {}", signs.join("; ")),
            "Wait until the upgrade has ended, then start the backup.",
        ),
    }
    let servers = match &cluster.servers {
        Known::Known(servers) => servers,
        Known::NotChecked(why) => {
            return sheet.not_checked(CheckId::OneBuild, why.clone(), "Log in as root@sys to see the servers.");
        }
    };
    let unread = |server: &&ServerFacts| server.build.parse::<Version>().is_err();
    if let Some(server) = servers.iter().find(unread) {
        let found = format!("which build {} runs was not read: it says \"{}\"", server.address, server.build);
        let fix = "Look at BUILD_VERSION of that server; finish the upgrade if one was left.";
        return sheet.refuse_unless_skipped(CheckId::OneBuild, choices, &found, fix);
    }
    let mut builds: Vec<&str> = servers.iter().map(|server| server.build.as_str()).collect();
    builds.sort_unstable();
    builds.dedup();
    if builds.len() < 2 {
        sheet.pass(CheckId::OneBuild, builds.first().map_or_else(String::new, |build| (*build).to_owned()));
    } else {
        let (count, builds) = (builds.len(), builds.join(", "));
        let found = format!("the servers run {count} builds, as a half-finished upgrade leaves them: {builds}");
        sheet.refuse_unless_skipped(CheckId::OneBuild, choices, &found, "Finish the upgrade.");
    }
}

fn servers(sheet: &mut CheckList, cluster: &ClusterFacts) {
    match &cluster.servers {
        Known::NotChecked(why) => {
            sheet.not_checked(CheckId::Servers, why.clone(), "Log in as root@sys to see the servers.");
        }
        Known::Known(servers) => {
            let sick: Vec<String> = servers
                .iter()
                .filter(|server| !server.healthy() && !server.may_serve())
                .map(|server| {
                    let status = if server.serving == Some(false) { "stopped" } else { &server.status };
                    format!("{} is {status}", server.address)
                })
                .collect();
            let unread: Vec<&str> =
                servers.iter().filter(|server| server.may_serve()).map(|server| server.address.as_str()).collect();
            let healthy = servers.len() - sick.len() - unread.len();
            let not_read = format!("START_SERVICE_TIME or STOP_TIME was not read of {}", unread.join(", "));
            if sick.is_empty() && !unread.is_empty() {
                let next = "Check what answers at that endpoint, and that every server runs the version that it names.";
                sheet.not_checked(CheckId::Servers, not_read, next);
            } else if sick.is_empty() {
                sheet.pass(CheckId::Servers, format!("{healthy} of {healthy} active"));
            } else {
                let mut found = format!("{healthy} of {} active: {}", servers.len(), sick.join(", "));
                if !unread.is_empty() {
                    found = format!("{found}; {not_read}");
                }
                sheet.warn(
                    CheckId::Servers,
                    found,
                    "Start the missing server; the backup runs on the others meanwhile.",
                );
            }
        }
    }
}

/// Refuses where requested encryption is impossible: nothing is started without it.
fn encryption(sheet: &mut CheckList, cluster: &ClusterFacts) {
    if cluster.method == Method::Logical {
        sheet.refuse(
            CheckId::Encryption,
            Cause::Precondition,
            "encryption is asked for, and a dump is written in clear",
            "Leave --encrypt-from out, and put the dump where only its owner reads.",
        );
    } else if cluster.login.user.contains('#') {
        // The password belongs to the server's session, and a proxy may send the next statement over another one.
        sheet.refuse(
            CheckId::Encryption,
            Cause::Precondition,
            "encryption is set on the very connection of the BACKUP, and this login goes through a proxy",
            "Name an observer in the inventory (port 2881), with user@tenant and no #cluster.",
        );
    } else {
        sheet.pass(CheckId::Encryption, "the password is set on the same direct connection as the BACKUP");
    }
}

fn privileges(sheet: &mut CheckList, cluster: &ClusterFacts, choices: &Choices) {
    if cluster.method == Method::Logical {
        return;
    }
    let LoginFacts { user, tenant, missing, grants } = &cluster.login;
    let whole = choices.targets.iter().any(|target| target.tenant().is_none());
    if cluster.scope == Scope::Tenant && whole {
        return sheet.refuse(
            CheckId::Privileges,
            Cause::Rights,
            format!("the login {user} sees the tenant {tenant} alone, not the cluster"),
            &format!("Back up {}/{tenant}, or log in as root@sys for the whole cluster.", cluster.name()),
        );
    }
    let missing = match missing {
        Known::Known(missing) => missing,
        Known::NotChecked(why) => {
            return sheet.not_checked(
                CheckId::Privileges,
                format!("what the login {user} may do: {why}"),
                &format!("A backup needs ALTER SYSTEM and SELECT on oceanbase.*; root@{tenant} has both."),
            );
        }
    };
    let has = if grants.is_empty() { "nothing".to_owned() } else { grants.join("; ") };
    let lacks: Vec<&str> = missing.iter().map(|grant| grant.privilege).collect();
    let statements: Vec<&str> = missing.iter().map(|grant| grant.statement.as_str()).collect();
    let found = format!("the login {user} lacks {}; SHOW GRANTS has: {has}", lacks.join(" and "));
    let fix = format!("As root@{tenant}: {};", statements.join("; "));
    if missing.is_empty() {
        sheet.pass(CheckId::Privileges, format!("the login {user} may read the views and has ALTER SYSTEM"));
    } else if missing.iter().all(|grant| grant.seen_to_work) {
        sheet.warn(CheckId::Privileges, format!("{found}; the views answered all the same"), &fix);
    } else {
        sheet.refuse(CheckId::Privileges, Cause::Rights, found, &fix);
    }
}

/// The difference between clocks, in milliseconds, from which ages and lags mislead.
const CLOCK_TOLERANCE_MS: i64 = 2_000;

fn clock(sheet: &mut CheckList, cluster: &ClusterFacts) {
    let apart = cluster.clock_ahead_ms.abs();
    let tenths = apart / 100;
    if apart <= CLOCK_TOLERANCE_MS {
        sheet.pass(CheckId::Clock, format!("{}.{} s apart", tenths / 10, tenths % 10));
    } else {
        let side = if cluster.clock_ahead_ms > 0 { "ahead of" } else { "behind" };
        sheet.warn(
            CheckId::Clock,
            format!("the server's clock is {}.{} s {side} this host's", tenths / 10, tenths % 10),
            "Ages and lags are computed by the server's clock; check NTP on this host and on the servers.",
        );
    }
}
