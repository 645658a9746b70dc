//! Users besides `root`, and their privileges. `root` of a tenant has all privileges there.

use serde::{Deserialize, Serialize};

use super::alter::server_error;
use super::fault_injection::ClusterFaults;
use super::fleet::Cluster;
use super::server_model::Account;
use super::statement::ServerError;

/// A user besides `root`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "as a scenario calls it")]
pub struct User {
    /// `op` of `op@pay`; the password is that of `root`, unless it has none.
    #[serde(rename = "user")]
    pub name: String,
    /// The tenant it is in.
    pub tenant: String,
    /// `PRIVILEGE ON object`, one privilege each.
    #[serde(default)]
    pub grants: Vec<String>,
    /// It was created without a password.
    #[serde(default)]
    pub no_password: bool,
}

const ROOT: &str = "root";

fn find_user<'a>(cluster: &'a Cluster, name: &str, tenant: &str) -> Option<&'a User> {
    cluster.users.iter().find(|user| user.name == name && user.tenant == tenant)
}

/// Returns whether the user exists in the tenant.
#[must_use]
pub fn user_exists(cluster: &Cluster, name: &str, tenant: &str) -> bool {
    name == ROOT || find_user(cluster, name, tenant).is_some()
}

/// Returns the password of a user; empty if it has none.
#[must_use]
pub fn password<'a>(cluster: &'a Cluster, name: &str, tenant: &str) -> &'a str {
    if find_user(cluster, name, tenant).is_some_and(|user| user.no_password) { "" } else { &cluster.password }
}

/// Returns the lines of SHOW GRANTS.
#[must_use]
pub fn grant_lines(cluster: &Cluster, account: &Account) -> Vec<String> {
    let name = &account.user;
    match find_user(cluster, name, &account.tenant) {
        None => vec![format!("GRANT ALL PRIVILEGES ON *.* TO '{name}' WITH GRANT OPTION")],
        Some(user) if user.grants.is_empty() => vec![format!("GRANT USAGE ON *.* TO '{name}'")],
        Some(user) => user
            .grants
            .iter()
            .map(|grant| {
                let quoted = grant.replace("oceanbase.", "`oceanbase`.");
                format!("GRANT {quoted} TO '{name}'")
            })
            .collect(),
    }
}

fn has_grant(cluster: &Cluster, account: &Account, grants: &[&str]) -> bool {
    match find_user(cluster, &account.user, &account.tenant) {
        None => account.user == ROOT,
        Some(user) => user.grants.iter().any(|own| grants.iter().any(|grant| own.eq_ignore_ascii_case(grant))),
    }
}

/// Checks that the account may read a view of the schema `oceanbase`; views of other schemas are readable by all.
///
/// # Errors
/// Returns 1142 without the privilege.
pub fn may_read(
    cluster: &Cluster,
    faults: ClusterFaults<'_>,
    account: &Account,
    view: &str,
) -> Result<(), ServerError> {
    let own = format!("SELECT ON oceanbase.{view}");
    let granted =
        view.contains('.') || has_grant(cluster, account, &["SELECT ON *.*", "SELECT ON oceanbase.*", own.as_str()]);
    if granted && !faults.denies_view(&account.tenant, view) {
        return Ok(());
    }
    let user = &account.user;
    Err(server_error(1142, format!("SELECT command denied to user '{user}'@'%' for table '{}'", view.to_lowercase())))
}

/// Checks that the account may issue `ALTER SYSTEM`.
///
/// # Errors
/// Returns 1227 without the privilege.
pub fn may_alter(cluster: &Cluster, account: &Account) -> Result<(), ServerError> {
    if has_grant(cluster, account, &["ALTER SYSTEM ON *.*"]) {
        return Ok(());
    }
    let what = "Access denied; you need (at least one of) the ALTER SYSTEM privilege(s) for this operation";
    Err(server_error(1227, what))
}
