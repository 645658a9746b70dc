//! What the server's words about tenants and parameters mean.

use std::collections::BTreeMap;

use super::rows;
use super::session::{Row, number, text};
use crate::domain::diagnosis::clean;
use crate::domain::facts::{
    ArchiveFacts, BaseRule, CompatibilityMode, Known, Role, ServerFacts, TenantFacts, TenantKind,
};
use crate::domain::surroundings::Load;
use crate::domain::version::Version;

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
    if !row.has("TENANT_ROLE") {
        return Role::Primary;
    }
    match row.get("TENANT_ROLE").as_deref() {
        Some("PRIMARY") => Role::Primary,
        Some("STANDBY") => Role::Standby,
        word => Role::Other(clean(word.unwrap_or("NULL"))),
    }
}

/// An engine without tenants, as the one target it is.
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
        data_destination: None,
        archive: ArchiveFacts {
            times: Known::Known(()),
            log_mode_on: None,
            destination: None,
            deferred: false,
            current: None,
            rounds: Vec::new(),
            pieces: Known::NotChecked("a logical backup has no archived log".to_owned()),
            lag_target: None,
        },
        sets: Vec::new(),
        base: BaseRule::Path,
        running: Vec::new(),
        recovery_window: Known::NotChecked("a logical backup has no delete policy".to_owned()),
        cleanup: None,
        transparent_encryption: Known::Known(None),
        load: Load::unknown("a dump is one client among others"),
    }
}

/// The signs of an upgrade in parameters and, where builds are to be compared with them (V2, V3), in the servers.
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
        // A build may have a fourth number where the parameter has three: what it does not say is not compared.
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

    /// The values of an item that may hold a secret, as the servers print them: for the reader of that item alone.
    pub(super) fn raw(&self, name: &str) -> Vec<String> {
        let of_it = |row: &&Row| text(row, "NAME").eq_ignore_ascii_case(name);
        let mut values: Vec<String> = self.0.iter().filter(of_it).map(|row| text(row, "VALUE")).collect();
        values.sort();
        values.dedup();
        values
    }

    pub(super) fn one(&self, name: &str) -> Option<String> {
        self.all(name).into_iter().next().filter(|value| !value.is_empty())
    }

    /// `archive_lag_target` of a tenant, in whole seconds.
    pub(super) fn lag_target(&self, tenant: u64) -> Option<u64> {
        rows::seconds(&self.of_tenant("archive_lag_target", tenant)?)
    }

    /// An item of a tenant; None: it was not read.
    pub(super) fn of_tenant(&self, name: &str, tenant: u64) -> Option<String> {
        let own = |row: &&Row| text(row, "NAME").eq_ignore_ascii_case(name) && number(row, "TENANT_ID") == Some(tenant);
        self.0.iter().find(own).map(|row| clean(&text(row, "VALUE")))
    }
}
