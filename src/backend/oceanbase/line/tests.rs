#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::demo::views::views_of;
use crate::domain::version::Detected;

const STATEMENTS: [StatementId; 10] = [
    StatementId::SetDataDestination,
    StatementId::SetArchiveDestination,
    StatementId::SetArchiveLagTarget,
    StatementId::ResumeArchiving,
    StatementId::StartArchiving,
    StatementId::StopArchiving,
    StatementId::Encrypt,
    StatementId::BackupFull,
    StatementId::BackupIncremental,
    StatementId::CancelBackup,
];

const VIEWS: [ViewId; 19] = [
    ViewId::Servers,
    ViewId::Parameters,
    ViewId::Tenants,
    ViewId::TenantJobs,
    ViewId::DataDestination,
    ViewId::ArchiveDestination,
    ViewId::ArchiveCurrent,
    ViewId::ArchiveRounds,
    ViewId::ArchivePieces,
    ViewId::Sets,
    ViewId::Jobs,
    ViewId::JobHistory,
    ViewId::Tasks,
    ViewId::DeletePolicy,
    ViewId::DeleteJobs,
    ViewId::Events,
    ViewId::Connections,
    ViewId::ScheduleTasks,
    ViewId::LogStreams,
];

fn version(text: &str) -> Version {
    Detected::read(text).unwrap().version
}

/// The lists above are whole: a new id stops this from compiling, and its place in the list is checked below.
fn place(statement: StatementId, view: ViewId) -> (usize, usize) {
    let statement = match statement {
        StatementId::SetDataDestination => 0,
        StatementId::SetArchiveDestination => 1,
        StatementId::SetArchiveLagTarget => 2,
        StatementId::ResumeArchiving => 3,
        StatementId::StartArchiving => 4,
        StatementId::StopArchiving => 5,
        StatementId::Encrypt => 6,
        StatementId::BackupFull => 7,
        StatementId::BackupIncremental => 8,
        StatementId::CancelBackup => 9,
    };
    let view = match view {
        ViewId::Servers => 0,
        ViewId::Parameters => 1,
        ViewId::Tenants => 2,
        ViewId::TenantJobs => 3,
        ViewId::DataDestination => 4,
        ViewId::ArchiveDestination => 5,
        ViewId::ArchiveCurrent => 6,
        ViewId::ArchiveRounds => 7,
        ViewId::ArchivePieces => 8,
        ViewId::Sets => 9,
        ViewId::Jobs => 10,
        ViewId::JobHistory => 11,
        ViewId::Tasks => 12,
        ViewId::DeletePolicy => 13,
        ViewId::DeleteJobs => 14,
        ViewId::Events => 15,
        ViewId::Connections => 16,
        ViewId::ScheduleTasks => 17,
        ViewId::LogStreams => 18,
    };
    (statement, view)
}

#[test]
fn every_statement_and_view_has_its_words() {
    let lines = LINES.as_ref().unwrap();
    for line in lines {
        for bound in [&line.from, &line.below] {
            assert!(bound.parse::<Version>().is_ok(), "{}: {bound} is no version", line.name);
        }
        for (at, id) in STATEMENTS.into_iter().enumerate() {
            assert_eq!(place(id, ViewId::Servers).0, at);
            for scope in [Scope::Sys, Scope::Tenant] {
                assert!(line.statement(id, scope).is_some_and(|words| !words.is_empty()), "{}: {id:?}", line.name);
            }
        }
        for (at, id) in VIEWS.into_iter().enumerate() {
            assert_eq!(place(StatementId::Encrypt, id).1, at);
            let seen = line.view(id, Scope::Sys);
            assert!(seen.is_some_and(|view| !view.columns.is_empty()), "{}: {id:?}", line.name);
        }
    }
}

/// R6: from sys every ALTER SYSTEM names its tenants; a tenant names none, since it may not (1235).
#[test]
fn from_sys_there_is_no_bare_form() {
    for line in LINES.as_ref().unwrap() {
        for id in STATEMENTS {
            let (sys, tenant) = (line.statement(id, Scope::Sys).unwrap(), line.statement(id, Scope::Tenant).unwrap());
            assert_eq!(sys.contains("TENANT = {tenant"), sys.starts_with("ALTER SYSTEM"), "{sys}");
            assert!(!tenant.contains("{tenant") && !tenant.contains("TENANT ="), "{tenant}");
            if id != StatementId::Encrypt {
                assert!(sys.starts_with("ALTER SYSTEM") && tenant.starts_with("ALTER SYSTEM"), "{sys}; {tenant}");
            }
        }
    }
}

#[test]
fn every_column_is_one_the_documented_view_has() {
    let documented = views_of("4.2.5").unwrap();
    let line = Line::of(&version("OceanBase 4.2.5.1")).unwrap();
    let mut wrong = Vec::new();
    for (id, scope) in VIEWS.into_iter().flat_map(|id| [(id, Scope::Sys), (id, Scope::Tenant)]) {
        let Some(view) = line.view(id, scope) else { continue };
        let Some(known) = documented.get(&view.name.to_uppercase()) else {
            wrong.push(format!("{} is not there", view.name));
            continue;
        };
        if scope == Scope::Tenant && !known.for_tenants {
            wrong.push(format!("{} is not for tenants", view.name));
        }
        if view.own_rows && known.column(TENANT_ID).is_some() {
            wrong.push(format!("{} has {TENANT_ID}", view.name));
        }
        // Optional columns are asked for only where a release has them; on the documented one they still must not be slips.
        let optional = view.optional.iter().filter(|column| column.as_str() != "DATA_PROGRESS");
        for column in view.columns.iter().chain(optional) {
            if known.column(column).is_none() {
                wrong.push(format!("{}.{column}", view.name));
            }
            assert_eq!(*column, column.to_uppercase(), "names are compared in upper case");
        }
        let mut names: Vec<&String> = view.columns.iter().chain(&view.optional).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), view.columns.len() + view.optional.len(), "{}: a column twice", view.name);
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_tenant_sees_all_but_what_is_of_the_cluster() {
    let line = Line::of(&version("OceanBase 4.2.5.1")).unwrap();
    let unseen: Vec<ViewId> = VIEWS.into_iter().filter(|id| line.view(*id, Scope::Tenant).is_none()).collect();
    assert_eq!(unseen, [ViewId::Servers, ViewId::TenantJobs, ViewId::Events, ViewId::ScheduleTasks]);
    assert!(ViewId::NEEDED.iter().all(|id| line.view(*id, Scope::Tenant).is_some()));
}

#[test]
fn no_column_that_holds_a_password_is_read() {
    for line in LINES.as_ref().unwrap() {
        for view in line.views.values() {
            let columns = view.sys.columns.iter().chain(&view.sys.optional);
            let secret = columns.filter(|name| ["PASSWD", "AUTHORIZATION", "ACCESS_INFO"].contains(&name.as_str()));
            assert_eq!(secret.count(), 0, "{}", view.sys.name);
        }
    }
}

#[test]
fn a_version_has_its_line_or_the_one_below_it() {
    for (text, name) in [
        ("OceanBase 4.0.0.0", Some("V4")),
        ("OceanBase 4.2.5.1", Some("V4")),
        ("OceanBase 4.4.9.0", Some("V4")),
        ("OceanBase 4.5.0.0", Some("V4")),
        ("OceanBase V5.0.0.0", Some("V4")),
        ("OceanBase 3.2.4.0", None),
        ("OceanBase 2.2.77", None),
        ("seekdb-v1.4.0.0", None),
    ] {
        let line = Line::of(&version(text));
        assert_eq!(line.map(|line| line.name.as_str()), name, "{text}: V4's words are not for older servers");
    }
}
