//! The test harness of the demo: a fleet at a given time, and short ways to execute statements on it.

use std::path::Path;

use super::alter::{Issuer, execute};
use super::clock::{Micros, SECOND};
use super::fleet::{Cluster, Fleet, Job, Tenant};
use super::grammar::parse;
use super::scenario::{self, FleetSettings, Scenario};
use super::simulation::advance;
use super::statement::{Alter, BackupScope, Literal, Statement, Tenants, Value};
use super::view_rows::{ViewContext, rows};

/// The time at which every test begins.
pub const START_TIME: Micros = 1_763_600_000 * SECOND;

/// A fleet and its data directory.
pub struct DemoHarness {
    /// The fleet.
    pub fleet: Fleet,
    /// The data directory.
    pub data: tempfile::TempDir,
}

impl DemoHarness {
    /// Builds a scenario that comes with the program.
    pub fn from_scenario(name: &str) -> Self {
        Self::build(name, &scenario::read(name).unwrap())
    }

    /// Builds a cluster `demo` with these YAML lines under `tenants:`.
    pub fn with_tenants(lines: &str) -> Self {
        let text = format!("shows: a test\nclusters:\n- name: demo\n  id: 1001\n  tenants:\n{lines}");
        Self::build("test", &scenario::parse("test", &text).unwrap())
    }

    /// Builds a cluster `demo` of another release line, with the tenants `pay` and `order` and more YAML lines.
    pub fn with_line(line: &str, more: &str) -> Self {
        let text = format!(
            "shows: a test\nclusters:\n- name: demo\n  id: 1001\n  version: {line}\n  line: {line}\n  engine: enterprise\n  \
             tenants: [{{names: [pay, order]}}]\n{more}"
        );
        Self::from_yaml(&text)
    }

    /// Builds a scenario from its YAML text.
    pub fn from_yaml(text: &str) -> Self {
        Self::build("test", &scenario::parse("test", text).unwrap())
    }

    fn build(name: &str, scenario: &Scenario) -> Self {
        let data = tempfile::tempdir().unwrap();
        let ports: Vec<u16> = (2881..).take(scenario.port_count()).collect();
        let path: &Path = data.path();
        let settings = FleetSettings { data: path, ports: &ports, speed: 1, password: "p", now: START_TIME };
        let fleet = scenario.build_fleet(name, &settings).unwrap();
        Self { fleet, data }
    }

    /// Returns the first cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.fleet.clusters[0]
    }

    /// Returns a tenant of the first cluster.
    pub fn tenant(&self, name: &str) -> &Tenant {
        self.cluster().tenant(name).unwrap()
    }

    /// Returns the newest job of a tenant; `sys` has the parent jobs.
    pub fn job(&self, tenant: &str) -> Option<&Job> {
        let id = self.tenant(tenant).id;
        self.cluster().jobs.iter().rev().find(|job| job.tenant_id == id)
    }

    /// Advances the time by milliseconds.
    pub fn advance_ms(&mut self, milliseconds: Micros) {
        let now = self.fleet.now + milliseconds * 1000;
        advance(&mut self.fleet, now);
    }

    /// Executes the text after `ALTER SYSTEM` as a tenant; an error is its code and message.
    pub fn execute_sql(&mut self, tenant: &str, sql: &str) -> Result<(), (u16, String)> {
        match parse(self.cluster().line.key, &format!("ALTER SYSTEM {sql}")) {
            Ok(Statement::Alter(alter)) => self.execute(tenant, &alter),
            Ok(other) => panic!("{sql}: {other:?}"),
            Err(error) => Err((error.code, error.message)),
        }
    }

    /// Returns a column of a view as sys sees it.
    pub fn column(&self, view: &str, column: &str) -> Vec<Value> {
        let context = ViewContext { fleet: &self.fleet, cluster: self.cluster(), tenant_id: 1, zone: "+08:00" };
        rows(&context, view).unwrap().iter().map(|row| row.get(column).cloned().unwrap_or(Value::Null)).collect()
    }

    /// Executes a statement as a tenant; an error is its code and message.
    pub fn execute(&mut self, tenant: &str, alter: &Alter) -> Result<(), (u16, String)> {
        let issuer = Issuer { cluster: 0, tenant_id: self.tenant(tenant).id, encrypted: false, at: self.fleet.now };
        execute(&mut self.fleet, issuer, alter).map_err(|error| (error.code, error.message))
    }

    /// Executes `ALTER SYSTEM SET item = value TENANT = tenant` from sys.
    pub fn set_item(&mut self, item: &str, value: &str, tenant: &str) -> Result<(), (u16, String)> {
        let items = vec![(item.to_owned(), Literal::Text(value.to_owned()))];
        self.execute("sys", &Alter::Set { items, tenants: named_tenants(&[tenant]) })
    }

    /// Executes ARCHIVELOG or NOARCHIVELOG from sys.
    pub fn switch_archive(&mut self, on: bool, tenants: Tenants) -> Result<(), (u16, String)> {
        self.execute("sys", &Alter::ArchiveLog { on, tenants, description: None })
    }
}

/// Returns the clause `TENANT = names`.
pub fn named_tenants(names: &[&str]) -> Tenants {
    Tenants::Listed(names.iter().map(|name| (*name).to_owned()).collect())
}

/// Returns a full backup of these tenants; of the database without a name.
pub fn full_backup(names: &[&str]) -> Alter {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let scope = if names.is_empty() { BackupScope::Database } else { BackupScope::Tenants(names) };
    let description = Some("obnow 7.1".to_owned());
    Alter::Backup { incremental: false, scope, to: None, plus_archivelog: false, description }
}

/// Returns an incremental backup of these tenants; of the database without a name.
pub fn incremental_backup(names: &[&str]) -> Alter {
    match full_backup(names) {
        Alter::Backup { scope, to, plus_archivelog, description, .. } => {
            Alter::Backup { incremental: true, scope, to, plus_archivelog, description }
        }
        other => other,
    }
}
