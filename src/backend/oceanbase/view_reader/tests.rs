#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::demo::grammar::parse;
use crate::demo::statement::{Literal, Statement};
use crate::domain::version::Detected;

fn profile() -> &'static ReleaseProfile {
    ReleaseProfile::for_version(&Detected::read("OceanBase 4.2.5.1").unwrap().version).unwrap()
}

fn select_sql(columns: &OptionalColumns, id: ViewId, filters: &[Filter<'_>], order: &str) -> Option<String> {
    columns.select_sql(id, profile().view(id, Scope::Sys).unwrap(), filters, order)
}

#[test]
fn select_has_columns_filters_and_order() {
    let none = OptionalColumns::default();
    assert_eq!(
        select_sql(&none, ViewId::TenantJobs, &[], "").unwrap(),
        "SELECT JOB_ID, JOB_TYPE, JOB_STATUS FROM oceanbase.DBA_OB_TENANT_JOBS"
    );
    let filters = [
        ("JOB_ID", vec![FilterValue::Number(1), FilterValue::Number(u64::MAX)]),
        ("JOB_STATUS", vec![FilterValue::Text("O'K\\")]),
    ];
    assert_eq!(
        select_sql(&none, ViewId::TenantJobs, &filters, "JOB_ID DESC").unwrap(),
        "SELECT JOB_ID, JOB_TYPE, JOB_STATUS FROM oceanbase.DBA_OB_TENANT_JOBS WHERE JOB_ID IN (1, 18446744073709551615) \
         AND JOB_STATUS IN ('O''K\\\\') ORDER BY JOB_ID DESC"
    );
}

#[test]
fn empty_filter_sends_no_query() {
    let filters = [("JOB_ID", vec![FilterValue::Number(1)]), ("JOB_STATUS", Vec::new())];
    assert_eq!(select_sql(&OptionalColumns::default(), ViewId::TenantJobs, &filters, ""), None);
}

#[test]
fn discovered_columns_are_selected() {
    let without = select_sql(&OptionalColumns::default(), ViewId::Tenants, &[], "").unwrap();
    assert!(!without.contains("LOG_MODE"), "{without}");
    let found = [(ViewId::Tenants, vec!["LOG_MODE".to_owned()])].into();
    let with = select_sql(&OptionalColumns { found }, ViewId::Tenants, &[], "").unwrap();
    assert!(with.contains("AS CREATE_TIME, LOG_MODE FROM") && !with.contains("COMPATIBLE"), "{with}");
}

#[test]
fn every_select_parses() {
    let hostile = "obnow t1.1' OR '1'='1\\";
    for (id, column, scope) in [
        (ViewId::Servers, "ZONE"),
        (ViewId::Parameters, "NAME"),
        (ViewId::Tenants, "TENANT_ID"),
        (ViewId::TenantJobs, "JOB_STATUS"),
        (ViewId::DataDestination, "TENANT_ID"),
        (ViewId::ArchiveDestination, "TENANT_ID"),
        (ViewId::ArchiveCurrent, "TENANT_ID"),
        (ViewId::ArchiveRounds, "TENANT_ID"),
        (ViewId::ArchivePieces, "TENANT_ID"),
        (ViewId::Sets, "TENANT_ID"),
        (ViewId::Jobs, "DESCRIPTION"),
        (ViewId::JobHistory, "DESCRIPTION"),
        (ViewId::Tasks, "JOB_ID"),
        (ViewId::DeletePolicy, "TENANT_ID"),
        (ViewId::DeleteJobs, "TENANT_ID"),
        (ViewId::Events, "EVENT"),
        (ViewId::Connections, "ID"),
    ]
    .into_iter()
    .flat_map(|(id, column)| [(id, column, Scope::Sys), (id, column, Scope::Tenant)])
    {
        let Some(view) = profile().view(id, scope) else { continue };
        let column = if view.own_rows_only && column == TENANT_ID { view.columns[0].as_str() } else { column };
        let found = [(id, view.optional.clone())].into();
        let filters = [(column, vec![FilterValue::Text(hostile), FilterValue::Number(7)])];
        let sql = OptionalColumns { found }.select_sql(id, view, &filters, column).unwrap();
        let Statement::Select(select) = parse("4.2.5", &sql).unwrap() else { unreachable!("{sql}") };
        assert_eq!(select.columns, [view.columns.clone(), view.time_columns.clone(), view.optional.clone()].concat());
        let seconds =
            view.time_columns.iter().enumerate().map(|(at, column)| (view.columns.len() + at, column.clone()));
        assert_eq!(select.unix_time_columns, seconds.collect::<Vec<_>>(), "times that no zone may change: {sql}");
        assert_eq!(select.view, view.name);
        let values = vec![Literal::Text(hostile.to_owned()), Literal::Integer(7)];
        assert_eq!(select.filter, [(column.to_owned(), values)], "a value stays a value: {sql}");
        assert_eq!((select.order, select.limit), (vec![(column.to_owned(), false)], None));
    }
}

#[test]
fn tenant_view_has_no_tenant_filter() {
    let home = LoginTenant { scope: Scope::Tenant, id: 1002, name: "pay".into() };
    let filters = |ids: &[u64]| {
        vec![
            (TENANT_ID, ids.iter().copied().map(FilterValue::Number).collect()),
            ("JOB_ID", vec![FilterValue::Number(7)]),
        ]
    };
    let left = tenant_view_filters(&filters(&[1004, 1002]), &home).unwrap();
    let view = profile().view(ViewId::JobHistory, Scope::Tenant).unwrap();
    let sql = OptionalColumns::default().select_sql(ViewId::JobHistory, view, &left, "JOB_ID").unwrap();
    assert!(sql.contains("FROM oceanbase.DBA_OB_BACKUP_JOB_HISTORY WHERE JOB_ID IN (7) ORDER BY JOB_ID"), "{sql}");
    assert!(!sql.contains(" TENANT_ID"), "it has no such column: {sql}");
    assert!(tenant_view_filters(&filters(&[1]), &home).is_none(), "rows of others are none");
    assert!(tenant_view_filters(&filters(&[]), &home).is_none());
}
