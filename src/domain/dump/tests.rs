//! What a dump cannot carry is found in the catalogue, by table and column.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::domain::choices::Mode;
use crate::domain::facts::{Facts, Known};
use crate::domain::preflight::{Check, CheckId, CheckResult, cluster_checks};
use crate::domain::samples::{choose, prod};

fn column(table: &str, name: &str, column_type: &str, extra: &str) -> Column {
    // seekdb keeps what is in parentheses of its own types in DATA_TYPE too.
    let own = column_type.starts_with(|c: char| c.is_ascii_uppercase());
    let data_type = if own { column_type } else { column_type.split(['(', ' ']).next().unwrap() };
    Column {
        database: "pay".into(),
        table: table.into(),
        name: name.into(),
        data_type: data_type.into(),
        column_type: column_type.into(),
        extra: extra.into(),
    }
}

fn three(a: &str, b: &str, c: &str) -> (String, String, String) {
    (a.into(), b.into(), c.into())
}

fn listing(columns: Vec<Column>) -> CatalogueListing {
    let tables: BTreeSet<String> = columns.iter().map(|column| column.table.clone()).collect();
    CatalogueListing {
        databases: vec!["pay".into(), "information_schema".into()],
        tables: tables.iter().map(|table| three("pay", table, "BASE TABLE")).collect(),
        columns,
        reads: Some(Vec::new()),
        refers: Some(Vec::new()),
        ..CatalogueListing::default()
    }
}

fn exclude(names: &[&str]) -> ExcludedTables {
    ExcludedTables(names.iter().map(|name| (*name).to_owned()).collect())
}

fn said(found: &[DumpFinding]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn a_type_is_exact_rounded_or_untried() {
    let fate = |column_type: &str| {
        let found = assess_catalogue(listing(vec![column("t", "c", column_type, "")]));
        match (found.unfit.first(), found.changed.first()) {
            (None, None) => "exact".to_owned(),
            (None, Some(changed)) => changed.why.clone(),
            (Some(unfit), _) => unfit.why.clone(),
        }
    };
    for exact in ["int(11)", "double", "decimal(20,3) unsigned", "float(10,3)", "enum('a','b')", "ARRAY(INT)"] {
        assert_eq!(fate(exact), "exact", "{exact}");
    }
    for exact in ["ARRAY(ARRAY(BIGINT UNSIGNED))", "MAP(INT,ARRAY(INT))", "geomcollection"] {
        assert_eq!(fate(exact), "exact", "{exact}");
    }
    for rounded in ["float", "float unsigned", "VECTOR(3)", "SPARSEVECTOR", "ARRAY(FLOAT)", "MAP(INT,ARRAY(FLOAT))"] {
        assert!(fate(rounded).ends_with("printed with 6 digits"), "{rounded}: {}", fate(rounded));
    }
    assert!(fate("ARRAY(VECTOR(3))").ends_with("printed with 6 digits"));
    assert!(fate("MAP(INT,DOUBLE)").ends_with("printed with 16 digits"));
    for lost in ["ARRAY(VARCHAR(20))", "MAP(VARCHAR(20),INT)"] {
        assert!(fate(lost).ends_with("printed so that it does not load"), "{lost}: {}", fate(lost));
    }
    for untried in ["roaringbitmap", "ARRAY(DATE)", "vector2(3)", ""] {
        assert!(fate(untried).ends_with("a type that no dump was tried with"), "{untried}: {}", fate(untried));
    }
}

#[test]
fn words_with_a_quote_or_a_backslash_are_named() {
    let broken =
        |words: &str| assess_catalogue(listing(vec![column("t", "e", words, "")])).unfit.pop().map(|found| found.why);
    assert_eq!(broken("enum('a','b,c)','汉','f\"g')"), None);
    assert!(broken("enum('a','b'c')").unwrap().contains("quote"));
    assert!(broken("set('x'y')").unwrap().contains("quote"));
    assert!(broken("enum('d\\e')").unwrap().contains("backslash"));
}

#[test]
fn invisible_columns_are_unfit_unless_mydumper_lists_the_columns() {
    let found = assess_catalogue(listing(vec![
        column("inv", "a", "int(11)", "INVISIBLE"),
        column("listed", "a", "int(11)", "INVISIBLE"),
        column("listed", "g", "int(11)", "VIRTUAL GENERATED"),
        column("odd", "g", "int(11)", "STORED GENERATED INVISIBLE"),
        column("odd", "b`q", "int(11)", ""),
    ]));
    let unfit: Vec<String> = found.unfit.iter().map(|finding| finding.object.to_string()).collect();
    assert_eq!(unfit, ["pay.inv.a", "pay.odd.b`q", "pay.odd.g"]);
    assert_eq!(found.computed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["pay.listed.g"]);
}

#[test]
fn a_rounded_value_in_a_unique_key_is_unfit() {
    let mut rows = listing(vec![column("t", "f", "float", ""), column("t", "g", "float", "")]);
    rows.unique = vec![three("pay", "t", "f")];
    let found = assess_catalogue(rows);
    assert_eq!(
        said(&found.unfit),
        ["pay.t.f (float in a unique key, printed with 6 digits: two values may become one)"]
    );
    assert_eq!(said(&found.changed), ["pay.t.g (float, printed with 6 digits)"]);
}

#[test]
fn names_and_kinds_that_do_not_come_back_are_unfit_and_odd_columns_are_not() {
    let mut rows = listing(vec![column("t", "列", "int(11)", "")]);
    rows.databases.extend(["o.e".to_owned(), "库".to_owned()]);
    for (name, kind) in [("汉字", "BASE TABLE"), ("a/b", "VIEW"), ("x.y", "BASE TABLE"), ("ext", "EXTERNAL TABLE")] {
        rows.tables.push(three("pay", name, kind));
    }
    rows.tables.push(three("o.e", "t", "BASE TABLE"));
    rows.tables.push(three("mysql", "汉", "SYSTEM TABLE"));
    let found = assess_catalogue(rows);
    let unfit: Vec<String> = found.unfit.iter().map(|finding| finding.object.to_string()).collect();
    assert_eq!(unfit, ["o.e.*", "pay.a/b", "pay.ext", "pay.汉字", "库.*"]);
    let out = exclude(&["o.e.*", "pay.a/b", "pay.ext", "pay.汉字", "库.*"]);
    assert_eq!(found.blocking_objects(&out), []);
    assert_eq!(found.count(&out), 2);
}

#[test]
fn views_go_with_what_they_read() {
    let mut rows = listing(vec![column("inv", "a", "int(11)", "INVISIBLE"), column("v1", "f", "float", "")]);
    rows.tables.retain(|(_, name, _)| name != "v1");
    for view in ["v1", "v2", "gone", "calls"] {
        rows.tables.push(three("pay", view, "VIEW"));
    }
    let reads = |view: &str, table: &str| ["pay", view, "pay", table].map(str::to_owned);
    rows.reads = Some(vec![reads("v1", "inv"), reads("v2", "v1"), reads("v2", "other")]);
    rows.broken_views = vec![("pay".into(), "gone".into())];
    rows.calling_views = vec![three("pay", "calls", "f")];
    let found = assess_catalogue(rows);
    assert!(found.changed.is_empty(), "a view has no rows");
    let out: Vec<String> =
        found.blocking_objects(&ExcludedTables::default()).iter().map(|finding| finding.object.to_string()).collect();
    assert_eq!(out, ["pay.calls", "pay.gone", "pay.inv.a", "pay.v1", "pay.v2"]);
    let left = found.blocking_objects(&exclude(&["pay.calls", "pay.gone", "pay.inv"]));
    assert_eq!(said(&left)[0], "pay.v1 (a view that reads pay.inv, which would be left out)");
    assert_eq!(left.len(), 2);
    assert!(found.blocking_objects(&exclude(&["pay.*"])).is_empty());
}

#[test]
fn a_foreign_key_that_points_to_what_is_left_out_is_named() {
    let plain = |name: &str| column(name, "a", "int(11)", "");
    let mut rows = listing(vec![plain("orders"), plain("customers"), plain("parts")]);
    let refers = |table: &str, other: &str| ["pay", table, "pay", other].map(str::to_owned);
    rows.refers = Some(vec![refers("orders", "customers"), refers("orders", "parts"), refers("parts", "parts")]);
    let facts = |rows: &CatalogueListing| with(Known::Known(assess_catalogue(rows.clone())));
    let of = |rows: &CatalogueListing, out: &[&str]| check(&facts(rows), out, CheckId::ExcludedTables).unwrap();
    let named = of(&rows, &["pay.customers"]);
    assert_eq!(
        named.found,
        "left out as asked: pay.customers; foreign keys point to them: pay.orders to pay.customers"
    );
    assert!(named.fix.contains("or leave out what points to them"), "{}", named.fix);
    let alone = of(&rows, &["pay.orders", "pay.parts"]);
    assert_eq!(alone.found, "left out as asked: pay.orders, pay.parts", "what points is left out too");
    rows.refers = None;
    let unread = of(&rows, &["pay.customers"]);
    assert!(unread.found.ends_with("; whether a foreign key points to them is not known"), "{}", unread.found);
}

fn with(catalogue: Known<Catalogue>) -> Facts {
    let mut facts = prod();
    facts.cluster.dump = Some(catalogue);
    facts
}

fn check(facts: &Facts, out: &[&str], id: CheckId) -> Option<Check> {
    let mut choices = choose(&["prod"], Mode::Full);
    choices.exclude = exclude(out);
    cluster_checks(facts, &choices).into_iter().find(|check| check.check == id)
}

#[test]
fn the_checks_name_table_and_column_and_how_to_leave_them_out() {
    let mut rows = listing(vec![
        column("in v", "a", "int(11)", "INVISIBLE"),
        column("t", "f", "float", ""),
        column("t", "g", "int(11)", "VIRTUAL GENERATED"),
    ]);
    rows.left_out = vec![("routines".into(), vec!["pay.r".into()])];
    let facts = with(Known::Known(assess_catalogue(rows)));
    let refused = check(&facts, &[], CheckId::Dumpable).unwrap();
    assert!(refused.refuses(), "{refused:?}");
    assert!(refused.found.contains("pay.in v.a (INVISIBLE"), "{}", refused.found);
    assert!(refused.fix.contains("--exclude-table 'pay.in v'"), "{}", refused.fix);
    assert_eq!(check(&facts, &[], CheckId::ExcludedTables), None);
    let passed = check(&facts, &["pay.in v", "pay.none"], CheckId::Dumpable).unwrap();
    assert_eq!(passed.result, CheckResult::Pass);
    assert!(
        passed.found.ends_with("generated columns are computed anew when it is loaded: pay.t.g"),
        "{}",
        passed.found
    );
    let excluded = check(&facts, &["pay.in v", "pay.none"], CheckId::ExcludedTables).unwrap();
    assert_eq!(excluded.found, "left out as asked: pay.in v, pay.none; not there: pay.none");
    let changed = check(&facts, &[], CheckId::ExactValues).unwrap();
    assert_eq!(changed.result, CheckResult::Warn);
    assert_eq!(changed.found, "values lose digits in 1 column: pay.t.f (float, printed with 6 digits)");
    assert_eq!(check(&facts, &["pay.t"], CheckId::ExactValues).unwrap().result, CheckResult::Pass);
    assert_eq!(check(&facts, &[], CheckId::LeftOut).unwrap().found, "not in a dump: users and rights; routines pay.r");
    let unread = with(Known::NotChecked("no rights".into()));
    assert_eq!(check(&unread, &[], CheckId::Dumpable).unwrap().result, CheckResult::NotChecked);
    assert_eq!(check(&prod(), &[], CheckId::Dumpable), None);
}

fn at(state: DumpDirectoryState, on_root: bool, free: Option<u64>, last: Option<u64>) -> Facts {
    let mut facts = prod();
    facts.cluster.dump_directory =
        Some(Known::Known(DumpDirectoryFacts { path: "/b".into(), state, on_root, free, last }));
    facts
}

#[test]
fn a_directory_that_is_missing_or_perhaps_not_mounted_is_named() {
    let told = |facts: &Facts| {
        let check = check(facts, &[], CheckId::DumpDirectory).unwrap();
        (check.result, check.found)
    };
    let there = |empty| DumpDirectoryState::There { empty };
    let missing = || DumpDirectoryState::Missing { above: "/".into() };
    assert_eq!(told(&at(there(true), false, None, None)), (CheckResult::Pass, "/b".into()));
    assert_eq!(told(&at(there(false), true, None, None)).0, CheckResult::Pass);
    let (result, found) = told(&at(there(true), true, None, None));
    assert!(result == CheckResult::Warn && found.contains("perhaps its storage is not mounted"), "{found}");
    let (result, found) = told(&at(missing(), true, None, None));
    assert!(result == CheckResult::Warn && found.starts_with("/b is missing: perhaps"), "{found}");
    let (result, found) = told(&at(missing(), false, None, None));
    assert_eq!((result, found.as_str()), (CheckResult::Warn, "/b is missing: it is made in /"));
}

#[test]
fn the_free_room_is_held_against_the_last_dump() {
    let room = |free, last| {
        let check =
            check(&at(DumpDirectoryState::There { empty: false }, false, free, last), &[], CheckId::FreeSpace).unwrap();
        (check.result, check.found)
    };
    assert_eq!(room(Some(2 << 30), Some(1 << 30)).1, "2.0 GiB free, the last dump there has 1.0 GiB");
    assert_eq!(room(Some(1 << 30), Some(2 << 30)).0, CheckResult::Warn);
    assert_eq!(room(Some(1 << 30), None).0, CheckResult::Pass);
    assert_eq!(room(None, Some(1)).0, CheckResult::NotChecked);
}
