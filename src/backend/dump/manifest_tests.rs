//! Tests of sealing and verifying a dump.
#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::domain::dump::ExcludedTables;

const CREATE: &str =
    "/*!40101 SET NAMES binary*/;\nCREATE TABLE `t` (\n  `a` int(11) DEFAULT NULL\n) DEFAULT CHARSET = utf8mb4;\n";
const ROWS: &str = "SET FOREIGN_KEY_CHECKS=0;\nINSERT INTO `t` (`a`) VALUES\n(1),\n(2);\n";

struct DumpFixture {
    _folder: TempDir,
    place: RunPaths,
    scope: DumpContents,
}

fn fresh() -> DumpFixture {
    let folder = TempDir::new().unwrap();
    let place = RunPaths::new(folder.path(), "task.1").unwrap();
    let partial = place.partial();
    std::fs::create_dir(&partial).unwrap();
    for (name, text) in [
        ("metadata", "Started dump at: 2026-11-20 09:16:54\nFinished dump at: 2026-11-20 09:16:55\n"),
        ("pay-schema-create.sql", "CREATE DATABASE `pay`;\n"),
        ("pay.t-schema.sql", CREATE),
        ("pay.t.sql", ROWS),
        ("pay.v-schema.sql", "CREATE TABLE `v`(\n`a` int\n)ENGINE=MyISAM;\n"),
        ("pay.v-schema-view.sql", "CREATE VIEW `v` AS select 1;\n"),
    ] {
        std::fs::write(partial.join(name), text).unwrap();
    }
    let scope =
        DumpContents::new(["pay"], [("pay", "t", "BASE TABLE"), ("pay", "v", "VIEW")], &ExcludedTables::default())
            .unwrap();
    DumpFixture { _folder: folder, place, scope }
}

fn source() -> DumpSource {
    let instant = SnapshotWindow { not_before: Timestamp::UNIX_EPOCH, not_after: Timestamp::UNIX_EPOCH };
    DumpSource {
        target: "c".into(),
        server: "s".into(),
        release: "0.10.0".into(),
        instant,
        exclude: ExcludedTables::default(),
        changed: Vec::new(),
        left_out: Vec::new(),
    }
}

fn sealed_directory(fresh: &DumpFixture) -> PathBuf {
    seal(&fresh.place, source(), &fresh.scope, &fresh.scope).unwrap();
    fresh.place.finished()
}

#[test]
fn complete_dump_is_sealed() {
    let fresh = fresh();
    let folder = sealed_directory(&fresh);
    assert!(!fresh.place.partial().exists());
    let manifest = verify(&folder).unwrap();
    assert_eq!(manifest.rows(), 2);
    assert_eq!(manifest.tables.iter().map(|table| table.rows).collect::<Vec<_>>(), [Some(2), None]);
    assert_eq!(manifest.files.len(), 6);
    assert_eq!(manifest.source, source());
    assert_eq!(manifest.longest_statement, Some("INSERT INTO `t` (`a`) VALUES\n(1),\n(2);".len() as u64));
}

#[test]
fn incomplete_file_is_named_and_blocks_the_seal() {
    for (name, text) in [
        ("metadata", "Started dump at: 2026-11-20 09:16:54\n"),
        ("pay-schema-create.sql", "CREATE DATABASE `pay`"),
        ("pay.t-schema.sql", &CREATE[..40]),
        ("pay.t.sql", &ROWS[..ROWS.len() - 3]),
        ("pay.t.sql", "INSERT INTO `u` (`a`) VALUES\n(1);\n"),
        ("pay.t.sql", "INSERT INTO `t` (`b`) VALUES\n(1);\n"),
        ("pay.v-schema-view.sql", ""),
        ("pay.u.sql", ROWS),
    ] {
        let fresh = fresh();
        std::fs::write(fresh.place.partial().join(name), text).unwrap();
        let fault = seal(&fresh.place, source(), &fresh.scope, &fresh.scope).unwrap_err();
        assert!(fault.what.contains(name), "{name}: {fault}");
        assert!(!fresh.place.finished().exists());
    }
}

#[test]
fn missing_file_is_named() {
    for name in ["metadata", "pay.t.sql", "pay.t-schema.sql", "pay.v-schema-view.sql"] {
        let fresh = fresh();
        std::fs::remove_file(fresh.place.partial().join(name)).unwrap();
        let fault = seal(&fresh.place, source(), &fresh.scope, &fresh.scope).unwrap_err();
        assert!(fault.what.contains(name), "{name}: {fault}");
    }
}

#[test]
fn changed_tables_refuse_the_seal() {
    let fresh = fresh();
    let fewer = DumpContents::new(["pay"], [("pay", "t", "BASE TABLE")], &ExcludedTables::default()).unwrap();
    for (before, after) in [(&fresh.scope, &fewer), (&fewer, &fresh.scope)] {
        let fault = seal(&fresh.place, source(), before, after).unwrap_err();
        assert!(fault.what.contains("not from one instant") && fault.why.contains("pay.v"), "{fault}");
    }
}

#[test]
fn verify_detects_every_change() {
    let change = |what: &dyn Fn(&Path), name: &str| {
        let fresh = fresh();
        let folder = sealed_directory(&fresh);
        what(&folder);
        let fault = verify(&folder).unwrap_err();
        assert!(fault.what.contains(name), "{name}: {fault}");
    };
    // Cut between two statements it still reads well; one digit changed keeps its size.
    change(&|f| std::fs::write(f.join("pay.t.sql"), "SET FOREIGN_KEY_CHECKS=0;\n").unwrap(), "pay.t.sql");
    change(&|f| std::fs::write(f.join("pay.t.sql"), ROWS.replace("(2)", "(3)")).unwrap(), "pay.t.sql");
    change(&|f| std::fs::remove_file(f.join("pay.v-schema.sql")).unwrap(), "pay.v-schema.sql");
    change(&|f| std::fs::write(f.join("pay.x.sql"), "").unwrap(), "pay.x.sql");
    change(&|f| std::fs::write(f.join(MANIFEST_NAME), "{}").unwrap(), MANIFEST_NAME);
    change(&|f| std::fs::remove_file(f.join(MANIFEST_NAME)).unwrap(), MANIFEST_NAME);
}

#[test]
fn existing_final_name_is_not_overwritten() {
    let fresh = fresh();
    std::fs::create_dir(fresh.place.finished()).unwrap();
    std::fs::write(fresh.place.finished().join("x"), "").unwrap();
    assert!(seal(&fresh.place, source(), &fresh.scope, &fresh.scope).is_err());
    assert!(fresh.place.partial().exists());
}

#[test]
fn utf8_is_declared_where_needed() {
    let spoken = |create: &str, rows: &str| {
        let fresh = fresh();
        let partial = fresh.place.partial();
        std::fs::write(partial.join("pay.t-schema.sql"), format!("/*!40101 SET NAMES binary*/;\n{create}")).unwrap();
        std::fs::write(partial.join("pay.t.sql"), format!("/*!40101 SET NAMES binary*/;\n{rows}")).unwrap();
        let folder = sealed_directory(&fresh);
        verify(&folder).unwrap();
        let first = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap().lines().next().unwrap().to_owned();
        [first("pay.t-schema.sql"), first("pay.t.sql"), first("pay.v-schema-view.sql")]
    };
    let (binary, utf8) = ("/*!40101 SET NAMES binary*/;", "SET NAMES utf8mb4          ;");
    let view = "CREATE VIEW `v` AS select 1;";
    let plain = spoken("CREATE TABLE `t` (\n  `a` int(11)\n);\n", "INSERT INTO `t` (`a`) VALUES\n(1);\n");
    assert_eq!(plain, [utf8, binary, view]);
    let vector = spoken("CREATE TABLE `t` (\n  `a` VECTOR(3)\n);\n", "INSERT INTO `t` (`a`) VALUES\n(\"[1,2,3]\");\n");
    assert_eq!(vector, [utf8, utf8, view]);
    let empty = spoken("CREATE TABLE `t` (\n  `列` int(11)\n);\n", "INSERT INTO `t` (`列`) VALUES\n(1);\n");
    assert_eq!(empty, [utf8, utf8, view]);
}
