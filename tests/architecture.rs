//! Tests the layers of the source: which module may use which, where assets are read, and the top folder.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at what it did not expect")]

#[path = "architecture/pages.rs"]
mod pages;
#[path = "architecture/scan.rs"]
mod scan;

use std::collections::BTreeSet;
use std::path::Path;

use scan::{Source, scan};

/// The floors, from the ground up. A part may use those on lower floors, and no other.
const LAYERS: &[(&str, u8)] = &[
    ("domain", 1),
    ("child", 2),
    ("process", 2),
    ("backend", 3),
    ("probe", 3),
    ("journal", 3),
    ("config", 3),
    ("runner", 4),
    ("app", 5),
    ("cli", 6),
    ("wizard", 6),
    ("main", 7),
];

/// The faces, and the only parts they know.
const FRONT_ENDS: &[&str] = &["cli", "wizard"];
const FRONT_END_IMPORTS: &[&str] = &["app", "domain"];

/// Pairs that no rule allows, each with its reason. All of them are of tests.
const ALLOWED_IN_TESTS: &[(&str, &str, &str)] = &[(
    "backend",
    "demo",
    "what the backend says is read back by the embedded grammar, and its columns are compared with the documented views",
)];

/// Who reads names, ids and states, in which no secret of this process is looked for. All other text of servers, storages,
/// children and files is `foreign`.
const READ_IDENTIFIERS: &[&str] = &[
    "backend/oceanbase/rows.rs",
    "backend/oceanbase/tenants.rs",
    "backend/oceanbase/per_cluster/detect.rs",
    "backend/oceanbase/per_cluster/rows.rs",
    "backend/oceanbase/parse.rs",
    "domain/diagnosis/clean.rs",
    "domain/storage_check/format_file.rs",
    "probe/directory.rs",
    "probe/object_storage/bucket_test.rs",
];

const TOP_LEVEL_FILES: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "src",
    "assets",
    "tests",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "clippy.toml",
    "rustfmt.toml",
    "deny.toml",
    "rust-toolchain.toml",
    // What Cargo builds, and what a property that failed leaves; git sees neither.
    "target",
    "proptest-regressions",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under src, by its path from there.
fn sources() -> Vec<(String, String)> {
    let src = root().join("src");
    let mut files = Vec::new();
    pages::sources(&src, &mut files);
    files.sort();
    let name = |path: &Path| path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
    files.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// The part a file belongs to: its folder, or `main`, or `lib` for the map.
fn layer_of(file: &str) -> &str {
    file.split_once('/').map_or_else(|| file.trim_end_matches(".rs"), |(folder, _)| folder)
}

/// Why `from` may not use `to`; None: it may.
fn refusal(from: &str, to: &str, in_tests: bool) -> Option<String> {
    let floor = |part: &str| LAYERS.iter().find(|(name, _)| *name == part).map(|(_, floor)| *floor);
    if from == to || (in_tests && ALLOWED_IN_TESTS.iter().any(|(a, b, _)| (*a, *b) == (from, to))) {
        return None;
    }
    if from == "demo" {
        return Some(format!("demo shares nothing with the house, and uses {to}"));
    }
    if to == "demo" {
        return (from != "main").then(|| format!("only main opens the door to demo, not {from}"));
    }
    let (Some(own), Some(theirs)) = (floor(from), floor(to)) else {
        return Some(format!("{} is on no floor", if floor(from).is_none() { from } else { to }));
    };
    if FRONT_ENDS.contains(&from) && !FRONT_END_IMPORTS.contains(&to) {
        return Some(format!("a face uses app and domain only, and {from} uses {to}"));
    }
    match own.cmp(&theirs) {
        std::cmp::Ordering::Greater => None,
        std::cmp::Ordering::Equal => Some(format!("{from} uses its neighbour {to}")),
        std::cmp::Ordering::Less => Some(format!("{from} uses {to}, which is above it")),
    }
}

/// Returns what a file does against the rules of the layers, as `file:line: reason`.
fn violations(file: &str, text: &str) -> Vec<String> {
    let from = layer_of(file);
    let Source { uses, literals, odd } = scan(file, text);
    let mut found: Vec<(usize, String)> = odd;
    for used in &uses {
        found.extend(refusal(from, &used.part, used.in_tests).map(|reason| (used.line, reason)));
    }
    for (line, literal) in &literals {
        for (asset, owner) in [("assets/lines", "backend"), ("assets/demo", "demo")] {
            if literal.contains(asset) && from != owner {
                found.push((*line, format!("{asset} is read by {owner} only, not by {from}")));
            }
        }
    }
    found.sort();
    found.dedup();
    found.into_iter().map(|(line, reason)| format!("src/{file}:{line}: {reason}")).collect()
}

#[test]
fn everyone_stays_on_his_floor() {
    let sources = sources();
    let wrong: Vec<String> = sources.iter().flat_map(|(file, text)| violations(file, text)).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    // The scanner has seen something: the floors that are there use each other.
    let seen: BTreeSet<(String, String)> = sources
        .iter()
        .flat_map(|(file, text)| {
            scan(file, text).uses.into_iter().map(move |used| (layer_of(file).to_owned(), used.part))
        })
        .collect();
    for (from, to) in [("backend", "domain"), ("runner", "backend"), ("runner", "journal"), ("demo", "demo")] {
        assert!(seen.contains(&(from.to_owned(), to.to_owned())), "{from} was not seen to use {to}: {seen:?}");
    }
}

#[test]
fn the_map_is_nothing_but_a_map() {
    let text = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"));
    for line in lines.filter(|line| *line != "#![doc = include_str!(\"ARCHITECTURE.md\")]") {
        let name = line.strip_prefix("pub mod ").and_then(|line| line.strip_suffix(';'));
        let name = name.unwrap_or_else(|| panic!("src/lib.rs has more than modules: {line}"));
        assert!(name == "demo" || LAYERS.iter().any(|(part, _)| *part == name), "{name} is on no floor");
    }
}

#[test]
fn only_what_belongs_there_lies_at_the_top() {
    let names = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let strange: Vec<String> =
        names.filter(|name| !name.starts_with('.') && !TOP_LEVEL_FILES.contains(&name.as_str())).collect();
    assert!(strange.is_empty(), "{strange:?}");
}

/// Each dependency has its reason in CONTRIBUTING.md, and nothing else has.
#[test]
fn every_crate_is_there_for_a_reason() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut section = "";
    let mut used = BTreeSet::new();
    for line in manifest.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let (true, Some((name, _))) = (section.ends_with("dependencies"), line.split_once(" = ")) {
            used.insert(name.to_owned());
        }
    }
    let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let table = text.split("## Crates").nth(1).unwrap().lines().filter(|line| line.starts_with("| ")).skip(2);
    let named = table.flat_map(|row| row.trim_start_matches("| ").split(" | ").next().unwrap().split(", "));
    let named: BTreeSet<String> = named.map(|name| name.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(used, named);
}

#[test]
fn each_law_is_broken_by_its_example() {
    for (file, text, expected) in [
        // Upwards, in every way of writing it.
        ("domain/a.rs", "use crate::backend::System;", "1: domain uses backend, which is above it"),
        ("domain/a.rs", "\n\nfn f() { crate::app::go(); }", "3: domain uses app, which is above it"),
        ("domain/a.rs", "use super::super::runner::Runner;", "1: domain uses runner, which is above it"),
        ("domain/a/b.rs", "use super::super::super::runner::Runner;", "1: domain uses runner, which is above it"),
        ("domain/mod.rs", "use super::journal;", "1: domain uses journal, which is above it"),
        ("domain/a.rs", "mod x { use super::super::super::cli::run; }", "1: domain uses cli, which is above it"),
        ("domain/a.rs", "use crate::{domain::plan, app::{self, room}};", "1: domain uses app, which is above it"),
        (
            "domain/a.rs",
            "use crate::{\n    fault,\n    config::Places,\n};",
            "2: fault is on no floor|3: domain uses config, which is above it",
        ),
        ("domain/a.rs", "pub(crate) use ::obnow::app as other;", "1: domain uses app, which is above it"),
        ("domain/a.rs", "macro_rules! m { () => { $crate::app::f() } }", "1: domain uses app, which is above it"),
        (
            "domain/a.rs",
            "fn f(x: &'static crate::cli::X, c: char) { c == '\"'; }",
            "1: domain uses cli, which is above it",
        ),
        ("runner/a.rs", "impl crate::r#app::X for Y {}", "1: runner uses app, which is above it"),
        (
            "journal/a.rs",
            "#[cfg(test)]\nmod tests { use crate::runner::Runner; }",
            "2: journal uses runner, which is above it",
        ),
        // Neighbours.
        ("backend/dump/a.rs", "use crate::journal::Writer;", "1: backend uses its neighbour journal"),
        ("config/a.rs", "use crate::backend::oceanbase;", "1: config uses its neighbour backend"),
        ("wizard/a.rs", "use crate::cli::Say;", "1: a face uses app and domain only, and wizard uses cli"),
        // Faces.
        ("cli/a.rs", "use crate::backend::Secrets;", "1: a face uses app and domain only, and cli uses backend"),
        ("cli/a.rs", "use crate::config::Places;", "1: a face uses app and domain only, and cli uses config"),
        // The annex.
        ("demo/a.rs", "use crate::domain::scn::Scn;", "1: demo shares nothing with the house, and uses domain"),
        ("app/a.rs", "use crate::demo::place;", "1: only main opens the door to demo, not app"),
        ("backend/a.rs", "use crate::demo::views;", "1: only main opens the door to demo, not backend"),
        // A part nobody has given a floor, and ways to hide.
        ("attic/a.rs", "use crate::domain::plan;", "1: attic is on no floor"),
        ("domain/a.rs", "use crate::*;", "1: a path takes the whole house"),
        ("domain/a.rs", "use crate as house;", "1: a path takes the whole house"),
        ("domain/a.rs", "use crate::{self as house};", "1: a path takes the whole house"),
        ("domain/a.rs", "use super::super::*;", "1: a path takes the whole house"),
        ("domain/a.rs", "#[path = \"../app/mod.rs\"]\nmod x;", "1: a module with a path of its own"),
        ("domain/a.rs", "include!(\"../app/mod.rs\");", "1: code of another file"),
        // Assets.
        (
            "config/a.rs",
            "const X: &str = include_str!(\"../../assets/lines/v4.yaml\");",
            "1: assets/lines is read by backend only, not by config",
        ),
        (
            "demo/a.rs",
            "const X: &str = r#\"../../assets/lines/v4.yaml\"#;",
            "1: assets/lines is read by backend only, not by demo",
        ),
        (
            "backend/a.rs",
            "include_str!(\"../../assets/demo/views.yaml\")",
            "1: assets/demo is read by demo only, not by backend",
        ),
    ] {
        let expected: Vec<String> = expected.split('|').map(|told| format!("src/{file}:{told}")).collect();
        assert_eq!(violations(file, text), expected, "{text}");
    }
}

/// Free text that is read as an identifier would keep a secret that somebody repeats.
#[test]
fn only_who_reads_names_leaves_secrets_in_them() {
    let reads = |text: &str| text.contains("identifier(") || text.contains("{foreign, identifier}");
    let found: BTreeSet<String> = sources()
        .into_iter()
        .filter(|(file, text)| !file.starts_with("demo/") && !file.contains("tests") && reads(text))
        .map(|(file, _)| file)
        .collect();
    let listed: BTreeSet<String> = READ_IDENTIFIERS.iter().map(|file| (*file).to_owned()).collect();
    assert_eq!(found, listed, "use diagnosis::foreign for free text");
}

#[test]
fn what_is_allowed_is_not_taken_for_an_offence() {
    for (file, text) in [
        ("domain/a.rs", "// use crate::app::x;\n/* crate::app /* crate::cli */ crate::app */\n//! crate::demo"),
        (
            "domain/a.rs",
            "const X: &str = \"crate::app::x \\\" crate::cli\"; const Y: &str = r#\"crate::app \" crate::cli\"#;",
        ),
        ("domain/a.rs", "const X: &[u8] = b\"crate::app\"; const Y: u8 = b'\\''; const Z: char = '\\u{41}';"),
        ("domain/a.rs", "use super::plan::Plan; use self::b::C; use crate::domain::{fault::Fault, step};"),
        ("domain/a/tests.rs", "use super::super::plan; mod x { use super::super::y; }"),
        ("backend/oceanbase/a.rs", "fn f() { super::super::dump::find() } "),
        ("backend/mod.rs", "use super::domain::plan; pub use system::System;"),
        ("backend/oceanbase/release_profile/tests.rs", "use crate::demo::views::views_of;"),
        ("backend/a.rs", "#[cfg(test)]\nmod tests {\n    use crate::demo::grammar::parse;\n}"),
        ("backend/a.rs", "#[cfg(test)]\n#[path = \"other_tests.rs\"]\nmod tests;"),
        ("runner/a.rs", "use crate::{backend::Run, config::places, domain::plan, journal};"),
        ("app/a.rs", "use crate::{runner::Runner, backend, config, domain, journal};"),
        ("cli/a.rs", "use crate::app::context; use crate::domain::plan;"),
        ("wizard/a.rs", "pub(crate) fn f() -> crate::app::X { }"),
        ("main.rs", "use obnow::demo::place; use obnow::{cli, config};"),
        (
            "demo/a.rs",
            "use crate::demo::world; use super::lexer; const X: &str = include_str!(\"../../assets/demo/views.yaml\");",
        ),
        ("backend/a.rs", "const X: &str = include_str!(\"../../../assets/lines/v4.yaml\");"),
    ] {
        assert_eq!(violations(file, text), Vec::<String>::new(), "{text}");
    }
    // Behind a test module the laws are whole again.
    let text = "#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::demo::views;";
    assert_eq!(violations("backend/a.rs", text).len(), 1);
}
