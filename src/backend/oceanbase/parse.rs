//! Parses the server's values for tenants and parameters.

use std::collections::BTreeMap;

use super::column_types::needed;
use super::rows;
use super::session::{Row, number, text};
use crate::domain::competing_load::CompetingLoad;
use crate::domain::diagnosis::identifier;
use crate::domain::facts::{
    ArchiveFacts, BaseRule, CompatibilityMode, Known, Role, ServerFacts, TenantFacts, TenantKind,
};
use crate::domain::fault::Fault;
use crate::domain::version::Version;

/// Groups rows by tenant id.
///
/// # Errors
/// A row has no tenant id.
pub(super) fn by_tenant(rows: Vec<Row>) -> Result<BTreeMap<u64, Vec<Row>>, Fault> {
    let mut sorted: BTreeMap<u64, Vec<Row>> = BTreeMap::new();
    for row in rows {
        sorted.entry(needed(&row, "TENANT_ID")?).or_default().push(row);
    }
    Ok(sorted)
}

/// Parses the kind of a tenant; the column was checked to have one of these values.
pub(super) fn kind(word: &str) -> TenantKind {
    match word {
        "SYS" => TenantKind::Sys,
        "USER" => TenantKind::User,
        _ => TenantKind::Meta,
    }
}

pub(super) fn mode(word: &str) -> CompatibilityMode {
    match word {
        "MYSQL" => CompatibilityMode::Mysql,
        "ORACLE" => CompatibilityMode::Oracle,
        word => CompatibilityMode::Other(identifier(word)),
    }
}

/// Parses the role of a tenant. V4.0 has no role column; every tenant is a primary there.
pub(super) fn role_of(row: &Row) -> Role {
    if !row.has("TENANT_ROLE") {
        return Role::Primary;
    }
    match row.get("TENANT_ROLE").as_deref() {
        Some("PRIMARY") => Role::Primary,
        Some("STANDBY") => Role::Standby,
        word => Role::Other(identifier(word.unwrap_or("NULL"))),
    }
}

/// Returns the facts of an engine without tenants as one target.
pub(super) fn whole_instance(version: Version) -> TenantFacts {
    TenantFacts {
        id: 0,
        name: String::new(),
        name_is_exact: true,
        created: None,
        kind: TenantKind::User,
        mode: CompatibilityMode::Mysql,
        role: Role::Primary,
        status: "NORMAL".to_owned(),
        in_recycle_bin: false,
        read_only: false,
        version,
        data_version: None,
        unread: Vec::new(),
        data_destination: None,
        archive: ArchiveFacts {
            times: Known::Known(()),
            log_mode_on: None,
            destination: None,
            deferred: false,
            current: None,
            rounds: Vec::new(),
            pieces: Known::Known(None),
            lag_target: None,
        },
        sets: Vec::new(),
        base: BaseRule::Path,
        running: Vec::new(),
        recovery_window: Known::NotChecked("a logical backup has no delete policy".to_owned()),
        cleanup: Known::NotChecked("a logical backup is cleaned up by nobody".to_owned()),
        transparent_encryption: Known::Known(None),
        load: CompetingLoad::unknown("a dump is one client among others"),
    }
}

/// Returns the signs of an upgrade in parameters and, where builds are compared with them (V2, V3), in the servers.
pub(super) fn upgrade_signs(parameters: &Parameters, compared: Option<&Vec<ServerFacts>>) -> Vec<String> {
    let mut signs = Vec::new();
    if parameters.all("enable_upgrade_mode").iter().any(|value| value.eq_ignore_ascii_case("true")) {
        signs.push("enable_upgrade_mode is True".to_owned());
    }
    if let Some(stage) = parameters
        .all("_upgrade_stage")
        .iter()
        .find(|stage| !matches!(stage.to_ascii_lowercase().as_str(), "" | "none"))
    {
        signs.push(format!("_upgrade_stage is {stage}"));
    }
    let versions = parameters.all("min_observer_version");
    if versions.len() > 1 {
        signs.push(format!("min_observer_version differs between servers: {}", versions.join(", ")));
    }
    let oldest = versions
        .iter()
        .filter_map(|version| Some((version.parse::<Version>().ok()?.numbers, version.split('.').count())))
        .min();
    let ahead = |server: &&ServerFacts| {
        let build = server.build.parse::<Version>().ok().map(|version| version.numbers);
        // A build may have a fourth number where the parameter has three: only common numbers are compared.
        oldest.zip(build).is_some_and(|((oldest, said), build)| {
            let said = said.min(oldest.len());
            build[..said] > oldest[..said]
        })
    };
    if let Some(server) = compared.into_iter().flatten().find(ahead) {
        let versions = versions.join(", ");
        signs.push(format!("{} runs {}, and min_observer_version is {versions}", server.address, server.build));
    }
    signs
}

/// The rows of the parameter view, by parameter name in lower case.
pub(super) struct Parameters {
    rows: BTreeMap<String, Vec<Row>>,
    /// The first value of a parameter of a tenant.
    of_tenants: BTreeMap<(String, u64), String>,
}

impl Parameters {
    pub(super) fn new(read: Vec<Row>) -> Self {
        let mut rows: BTreeMap<String, Vec<Row>> = BTreeMap::new();
        let mut of_tenants = BTreeMap::new();
        for row in read {
            let name = text(&row, "NAME").to_ascii_lowercase();
            if let Some(tenant) = number(&row, "TENANT_ID") {
                of_tenants.entry((name.clone(), tenant)).or_insert_with(|| text(&row, "VALUE"));
            }
            rows.entry(name).or_default().push(row);
        }
        Self { rows, of_tenants }
    }

    /// Returns the distinct values of a parameter in order of appearance.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let mut values: Vec<String> = Vec::new();
        for row in self.rows.get(name).into_iter().flatten() {
            let value = identifier(&text(row, "VALUE"));
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    }

    /// Returns the unmodified values of a parameter that may contain a secret, for its parser only.
    pub(super) fn raw(&self, name: &str) -> Vec<String> {
        let rows = self.rows.get(name).into_iter().flatten();
        let mut values: Vec<String> = rows.map(|row| text(row, "VALUE")).collect();
        values.sort();
        values.dedup();
        values
    }

    pub(super) fn one(&self, name: &str) -> Option<String> {
        self.all(name).into_iter().next().filter(|value| !value.is_empty())
    }

    /// Returns `archive_lag_target` of a tenant, in whole seconds.
    pub(super) fn lag_target(&self, tenant: u64) -> Option<u64> {
        rows::seconds(&self.of_tenant("archive_lag_target", tenant)?)
    }

    /// Returns a parameter of a tenant; `None` where it was not read.
    pub(super) fn of_tenant(&self, name: &str, tenant: u64) -> Option<String> {
        self.of_tenants.get(&(name.to_owned(), tenant)).map(|value| identifier(value))
    }
}
