//! Tests that the pages about the source name existing files, and that comments cite existing rules.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::root;

const PAGES: [&str; 3] = ["src/ARCHITECTURE.md", "src/domain/RULES.md", "CONTRIBUTING.md"];

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files and folders of the project that a page has between backticks.
fn named(page: &str) -> Vec<String> {
    let parts = page.split('`').skip(1).step_by(2);
    let paths = parts.filter(|part| ["src/", "tests/", "assets/"].iter().any(|top| part.starts_with(top)));
    paths.filter(|part| !part.contains(|c: char| c.is_whitespace() || "*<{".contains(c))).map(str::to_owned).collect()
}

/// Returns the rules that a text cites: an R with its number, as a word.
fn cited(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    let number = |word: &&str| {
        word.strip_prefix('R')
            .is_some_and(|number| (1..=2).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit()))
    };
    words.filter(number).map(str::to_owned).collect()
}

/// Every Rust file in a folder and below.
pub fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn pages_name_files_that_exist() {
    for page in PAGES {
        let paths = named(&read(&root().join(page)));
        assert!(paths.len() > 3, "{page} names {paths:?}");
        for path in paths {
            // A test is named as Cargo has it, too.
            let test = format!("{path}.rs");
            assert!(root().join(&path).exists() || root().join(&test).exists(), "{page} names {path}");
        }
    }
    assert_eq!(named("see `src/nowhere.rs`, `tests/a b` and `cargo`"), ["src/nowhere.rs"]);
}

#[test]
fn every_rule_that_is_cited_is_written_down() {
    let rules = read(&root().join("src/domain/RULES.md"));
    let written: BTreeSet<&str> =
        rules.lines().filter_map(|line| line.strip_prefix("## ")?.split_whitespace().next()).collect();
    assert_eq!(written.len(), 15, "{written:?}");
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    sources(&root().join("tests"), &mut files);
    let mut citations = 0;
    for file in files {
        for line in read(&file).lines().filter(|line| line.trim_start().starts_with("//")) {
            for rule in cited(line) {
                citations += 1;
                assert!(written.contains(&*rule), "{}: {line}", file.display());
            }
        }
    }
    assert!(citations > 20, "{citations}");
    assert_eq!(cited("R10, and (R16) but not R1a or ORA1"), ["R10", "R16"]);
}
