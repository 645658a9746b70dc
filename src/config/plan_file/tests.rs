#![allow(clippy::unwrap_used, reason = "a test may fall where it stands")]

use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;

use super::*;
use crate::domain::samples::{any_choices, choose, target, with_lasting_sources};

fn saved(choices: Choices) -> SavedPlan {
    let step = |name: &str, step, needed: bool, statements: &[&str]| PreviewStep {
        target: target(name),
        step,
        needed,
        statements: statements.iter().map(|text| (*text).to_owned()).collect(),
        effect: "reads: \"only\"\t#".into(),
        interrupts: if needed { "log archiving\u{1b}[2J".into() } else { String::new() },
    };
    SavedPlan {
        saved: "2026-11-20T03:31:02.5Z".parse().unwrap(),
        choices,
        expect: ExpectedCluster {
            cluster_id: Some(77),
            created: Some(Created { tenant: 1, at: "2026-10-01T03:31:40.123456Z".parse().unwrap() }),
            version: "V4.2.5.1-101000012024".into(),
            tenant_ids: [(target("prod/pay"), 1002), (target("prod/null"), 1004)].into(),
        },
        shown: vec![
            step("prod/pay", StepKind::CheckTarget, false, &[]),
            step("prod/pay", StepKind::StartBackup, true, &["ALTER SYSTEM BACKUP TENANT = `pay`", "'': {task}\nx"]),
        ],
        left_out: vec![ExcludedTarget { target: target("prod/null"), reason: "its role is RESTORE".into() }],
        digest: FileDigest::Matches,
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(choices in any_choices()) {
        let plan = saved(choices);
        let text = text(&plan).unwrap();
        let read = parse(&text, Path::new("p")).map_err(|fault| TestCaseError::fail(format!("{fault}\n{text}")))?;
        prop_assert_eq!(read, SavedPlan { choices: with_lasting_sources(plan.choices.clone()), ..plan });
    }
}

fn plain() -> String {
    text(&saved(choose(&["prod/pay"], Mode::Full))).unwrap()
}

/// Returns why the text cannot be used.
fn why(text: &str) -> String {
    let fault = parse(text, Path::new("/tmp/p.yaml")).unwrap_err();
    assert_eq!(fault.what, "The plan file /tmp/p.yaml cannot be used.");
    assert_eq!(fault.cause, Cause::Usage);
    fault.why
}

#[test]
fn a_file_says_what_it_is_in_the_words_of_the_options() {
    let text = plain();
    assert!(text.starts_with("# A backup that was planned"), "{text}");
    let choices = "format: 1\nsaved: 2026-11-20T03:31:02.5Z\nchoices:\n  targets:\n  - prod/pay\n  mode: full\n  \
                   compact: never\n  plus_archivelog: false\n  no_full: fail\n  skip: []\nexpect:\n  cluster_id: 77\n  \
                   cluster_created: 2026-10-01T03:31:40.123456Z\n";
    assert!(text.contains(choices), "{text}");
    assert!(text.contains("  tenant_ids:\n    prod/null: 1004\n    prod/pay: 1002\n"), "{text}");
}

#[test]
fn a_file_that_was_changed_after_it_was_saved_has_another_digest() {
    let text = plain();
    let digest = |text: &str| parse(text, Path::new("p")).unwrap().digest;
    assert_eq!(digest(&text), FileDigest::Matches);
    assert_eq!(
        digest(&format!("# a comment\n{}", text.replace("    prod/pay: 1002", "    'prod/pay':   1002"))),
        FileDigest::Matches
    );
    for (from, to) in [
        ("- prod/pay", "- prod/order"),
        ("prod/pay: 1002", "prod/pay: 1003"),
        ("compact: never", "compact: never\n  storage: file:///x"),
        ("interrupts: ", "interrupts: x"),
    ] {
        assert_ne!(text, text.replacen(from, to, 1), "{text}");
        assert_eq!(digest(&text.replacen(from, to, 1)), FileDigest::Differs, "{to}");
    }
    let without: Vec<&str> = text.lines().filter(|line| !line.starts_with("  digest: ")).collect();
    assert_eq!(without.len() + 1, text.lines().count(), "{text}");
    assert_eq!(digest(&without.join("\n")), FileDigest::Missing);
}

#[test]
fn errors_name_file_path_line_and_column() {
    let text = plain();
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{text}");
        text.replacen(from, to, 1)
    };
    let mut wrong = Vec::new();
    for (text, expected) in [
        (
            with("mode: full", "mode: full\n  modus: full"),
            "choices.modus (line 9, column 3): there is no such key; known",
        ),
        (with("mode: full", "mode: half"), "choices.mode (line 8, column 9): unknown variant `half`"),
        (with("  mode: full\n", ""), "choices.mode (line 6, column 3): it is missing"),
        (with("- prod/pay", "- prod/pay/x"), "choices.targets (line 7, column 3): \"prod/pay/x\" has more than one"),
        (
            with("  - prod/pay\n", "").replacen("targets:", "targets: []", 1),
            "choices.targets (line 6, column 12): at least one",
        ),
        (with("cluster_id: 77", "cluster_id: x"), "expect.cluster_id (line 14, column 15): "),
        (with("needed: false", "needed: 1"), "shown.steps[0].needed (line "),
        (with("skip: []", "skip: [all]"), "choices.skip[0] (line 12, column 10): unknown variant `all`"),
        (with("mode: full", "mode: full\n  mode: full"), "choices.mode (line 6, column 3): the key is there twice"),
        (
            with("skip: []", "skip: []\n  access_id: i"),
            "choices.access_id (line 13, column 14): it belongs to a `storage`",
        ),
        (with("skip: []", "skip: []\n  encrypt_from:"), "choices.encrypt_from (line "),
        ("format: [".into(), "line "),
        ("clusters: []".into(), "line 1, column 1: there is no `format`, so this is no plan file."),
        (String::new(), "line 1, column 1: there is no `format`, so this is no plan file."),
        (with("format: 1", "format: one"), "format (line 3, column 9): it must be 1."),
        (with("format: 1", "format: 0"), "format (line 3, column 9): it must be 1."),
    ] {
        let why = why(&text);
        if !why.starts_with(expected) {
            wrong.push(format!("{why}\n  instead of {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{text}", wrong.join("\n"));
}

#[test]
fn a_newer_format_is_named_before_its_keys_are_judged() {
    let fault = parse("format: 2\nwhatever: {}\n", Path::new("p")).unwrap_err();
    assert_eq!(fault.why, "format (line 1, column 9): it is of a newer obnow; this one knows format 1.");
    assert!(fault.next.contains("with that obnow"), "{fault}");
}

#[test]
fn a_secret_written_out_is_refused_and_not_repeated() {
    for secret in ["hunter2", "pass:hunter2", "\"12345678\"", "12345678", "true", "[hunter2]", "{env: hunter2}"] {
        for key in ["encrypt_from", "access_key_from"] {
            let text = plain().replacen("skip: []", &format!("skip: []\n  {key}: {secret}"), 1);
            let fault = parse(&text, Path::new("p")).unwrap_err().to_string();
            assert!(fault.contains(key) && fault.contains("line 13"), "{fault}");
            assert!(!fault.contains("hunter2") && !fault.contains("12345678"), "{fault}");
        }
    }
}

#[test]
fn a_file_is_written_once_for_its_owner_and_read_unless_others_may_write_it() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("plan.yaml");
    let plan = saved(choose(&["prod/pay"], Mode::Incremental));
    assert!(read(&path).unwrap_err().what.ends_with("is not there."));
    write(&path, &plan).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert!(write(&path, &saved(choose(&["prod"], Mode::Full))).unwrap_err().why.contains("never overwritten"));
    assert_eq!(read(&path).unwrap(), plan);
    let mode = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    assert_eq!(read(&path).unwrap(), plan);
    mode(0o620);
    let fault = read(&path).unwrap_err();
    assert!(fault.why.contains("may write it: its mode is 0620") && fault.next.contains("chmod go-w"), "{fault}");
    assert!(read(place.path()).unwrap_err().why.contains("not an ordinary file"));
    let broken = place.path().join("broken.yaml");
    std::fs::write(&broken, b"format: 1\n\xff").unwrap();
    assert!(read(&broken).unwrap_err().why.contains("line 2: the text is not UTF-8"));
}

#[test]
fn a_text_that_would_hang_the_parser_is_refused() {
    assert!(
        why(&format!("format: 1\nchoices: {}", "{a: ".repeat(50_000)))
            .contains("line 2: lists and maps lie more than 32")
    );
}
