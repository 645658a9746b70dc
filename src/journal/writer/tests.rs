#![allow(clippy::unwrap_used, reason = "a test may fall where it stands")]

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::*;
use crate::journal::reader::read;

fn id() -> TaskId {
    "1QJ45Y2V0ZZZ".parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn events(state: &Path) -> Vec<Value> {
    read::<Value>(state, &id()).unwrap().entries.into_iter().map(|entry| entry.event.unwrap()).collect()
}

#[test]
fn journal_is_private_json_lines() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path(), &id(), at(0)).unwrap();
    writer.append(at(1), &json!({"created": "two\nlines"}), true).unwrap();
    writer.append(at(2), &json!("progress"), false).unwrap();
    let path = folder.path().join("tasks/1QJ45Y2V0ZZZ.jsonl");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            r#"{"obnow_journal":1,"task":"1QJ45Y2V0ZZZ","at":"1970-01-01T00:00:00Z"}"#,
            r#"{"at":"1970-01-01T00:00:01Z","event":{"created":"two\nlines"}}"#,
            r#"{"at":"1970-01-01T00:00:02Z","event":"progress"}"#,
        ]
    );
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn journal_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    let first = Writer::<Value>::create(folder.path(), &id(), at(0)).unwrap();
    assert_eq!(Writer::<Value>::open(folder.path(), &id(), at(0)).unwrap_err().cause, Cause::Busy);
    drop(first);
    Writer::<Value>::create(folder.path(), &id(), at(0)).unwrap_err();
    Writer::<Value>::open(folder.path(), &id(), at(0)).unwrap();
    let other = TaskId::new(at(0), 0);
    Writer::<Value>::open(folder.path(), &other, at(0)).unwrap_err();
    assert!(!folder.path().join("tasks").join(format!("{other}.jsonl")).exists());
}

#[test]
fn dropped_writer_frees_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let first = Writer::<Value>::create(folder.path(), &id(), at(0)).unwrap();
    let copy = first.file.try_clone().unwrap();
    Writer::<Value>::open(folder.path(), &id(), at(0)).unwrap_err();
    drop(first);
    Writer::<Value>::open(folder.path(), &id(), at(0)).unwrap();
    drop(copy);
}

#[test]
fn torn_journal_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path(), &id(), at(0)).unwrap();
    // A line whose halves would be events of their own: numbers, and longer than a chunk of the repair.
    let sent = [json!(1), json!(22), json!("x".repeat(5_000)), json!(4444)];
    let path = folder.path().join("tasks/1QJ45Y2V0ZZZ.jsonl");
    let mut ends = vec![std::fs::metadata(&path).unwrap().len()];
    for event in &sent {
        writer.append(at(1), event, false).unwrap();
        ends.push(std::fs::metadata(&path).unwrap().len());
    }
    drop(writer);
    let complete_length = std::fs::read(&path).unwrap();
    for cut in
        (0..=complete_length.len()).filter(|cut| *cut < 400 || cut % 97 == 0 || complete_length.len() - cut < 200)
    {
        std::fs::write(&path, &complete_length[..cut]).unwrap();
        let kept = ends.iter().filter(|end| **end <= cut as u64).count().saturating_sub(1);
        assert_eq!(events(folder.path()), sent[..kept], "cut at {cut}");
        assert_eq!(std::fs::read(&path).unwrap(), complete_length[..cut], "a reader changed the file");
        let mut writer = Writer::open(folder.path(), &id(), at(2)).unwrap();
        assert_eq!(events(folder.path()), sent[..kept], "cut at {cut}, repaired");
        writer.append(at(2), &json!("next"), false).unwrap();
        let mut wanted = sent[..kept].to_vec();
        wanted.push(json!("next"));
        assert_eq!(events(folder.path()), wanted, "cut at {cut}, repaired and gone on");
    }
}

#[test]
fn foreign_journal_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(Writer::<Value>::create(folder.path(), &id(), at(0)).unwrap());
    let path = folder.path().join("tasks/1QJ45Y2V0ZZZ.jsonl");
    for (text, why) in [
        (r#"{"obnow_journal":2,"task":"1QJ45Y2V0ZZZ"}"#, "format 2; this obnow knows format 1"),
        (r#"{"obnow_journal":1,"task":"000000000000"}"#, "the journal of the task \"000000000000\""),
        ("hello", "does not begin as a journal"),
    ] {
        std::fs::write(&path, format!("{text}\n")).unwrap();
        for fault in [
            Writer::<Value>::open(folder.path(), &id(), at(0)).unwrap_err(),
            read::<Value>(folder.path(), &id()).unwrap_err(),
        ] {
            assert!(fault.why.contains(why), "{fault}");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), format!("{text}\n"));
    }
}

#[test]
fn failed_writer_takes_no_more_events() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::<Value>::create(folder.path(), &id(), at(0)).unwrap();
    let path = folder.path().join("tasks/1QJ45Y2V0ZZZ.jsonl");
    // A descriptor that cannot be written stands for a disk that refuses.
    writer.file = File::open(&path).unwrap();
    writer.append(at(1), &json!(1), true).unwrap_err();
    writer.file = state_files::private().open(&path).unwrap();
    writer.append(at(1), &json!(2), true).unwrap_err();
    assert_eq!(events(folder.path()), Vec::<Value>::new());
}

#[test]
fn full_disk_fault_says_so() {
    let mut full = state_files::private().open("/dev/full").unwrap();
    let error = state_files::append_line(&mut full, b"line\n").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    let fault = state_files::fault("append to the journal", Path::new("/x"), &error);
    assert!(fault.next.contains("Free some space"), "{fault}");
}
