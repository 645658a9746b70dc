//! What the server's words about tenants and parameters mean.

use std::collections::BTreeMap;

use super::rows;
use super::session::{Row, number, text};
use crate::domain::diagnosis::clean;
use crate::domain::facts::{ArchiveFacts, CompatibilityMode, Known, Role, TenantFacts, TenantKind};

pub(super) fn by_tenant(rows: Vec<Row>) -> BTreeMap<u64, Vec<Row>> {
    let mut sorted: BTreeMap<u64, Vec<Row>> = BTreeMap::new();
    for row in rows {
        sorted.entry(number(&row, "TENANT_ID").unwrap_or_default()).or_default().push(row);
    }
    sorted
}

pub(super) fn kind(word: &str, id: u64) -> TenantKind {
    match word {
        "SYS" => TenantKind::Sys,
        "META" => TenantKind::Meta,
        "USER" => TenantKind::User,
        // By definition (V4 sources): 1 is sys, odd ids are meta tenants.
        _ if id == 1 => TenantKind::Sys,
        _ if id % 2 == 1 => TenantKind::Meta,
        _ => TenantKind::User,
    }
}

pub(super) fn mode(word: &str) -> CompatibilityMode {
    match word {
        "MYSQL" => CompatibilityMode::Mysql,
        "ORACLE" => CompatibilityMode::Oracle,
        word => CompatibilityMode::Other(clean(word)),
    }
}

/// V4.0 has no role column; every tenant is a primary there.
pub(super) fn role_of(row: &Row) -> Role {
    match row.get("TENANT_ROLE").map(Option::as_deref) {
        None | Some(Some("PRIMARY")) => Role::Primary,
        Some(Some("STANDBY")) => Role::Standby,
        Some(word) => Role::Other(clean(word.unwrap_or("NULL"))),
    }
}

/// An engine without tenants, as the one target it is.
pub(super) fn whole_instance() -> TenantFacts {
    TenantFacts {
        id: 0,
        name: String::new(),
        name_is_exact: true,
        kind: TenantKind::User,
        mode: CompatibilityMode::Mysql,
        role: Role::Primary,
        status: "NORMAL".to_owned(),
        in_recycle_bin: false,
        data_version: None,
        data_destination: None,
        archive: ArchiveFacts {
            log_mode_on: None,
            destination: None,
            deferred: false,
            current: None,
            rounds: Vec::new(),
            pieces: Known::NotChecked("a logical backup has no archived log".to_owned()),
            lag_target: None,
        },
        sets: Vec::new(),
        running: Vec::new(),
        recovery_window: Known::NotChecked("a logical backup has no delete policy".to_owned()),
        cleanup: None,
    }
}

/// The rows of the parameter view.
pub(super) struct Parameters(pub(super) Vec<Row>);

impl Parameters {
    /// The distinct values of an item, in order of appearance.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let mut values: Vec<String> = Vec::new();
        for row in self.0.iter().filter(|row| text(row, "NAME").eq_ignore_ascii_case(name)) {
            let value = clean(&text(row, "VALUE"));
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    }

    pub(super) fn one(&self, name: &str) -> Option<String> {
        self.all(name).into_iter().next().filter(|value| !value.is_empty())
    }

    /// `archive_lag_target` of a tenant, in whole seconds.
    pub(super) fn lag_target(&self, tenant: u64) -> Option<u64> {
        let row = self.0.iter().find(|row| {
            text(row, "NAME").eq_ignore_ascii_case("archive_lag_target") && number(row, "TENANT_ID") == Some(tenant)
        })?;
        rows::seconds(&text(row, "VALUE"))
    }
}
