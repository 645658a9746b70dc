#![allow(clippy::unwrap_used, reason = "a test may fall where it stands")]

use std::io::Write;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;
use crate::journal::Writer;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Created,
    Progress { scn: u64 },
}

fn id() -> TaskId {
    "1QJ45Y2V0ZZZ".parse().unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn raw(state: &Path, text: &[u8]) {
    let path = TaskFiles::new(state, &id()).journal;
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(text).unwrap();
}

#[test]
fn unknown_events_and_damaged_lines_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path(), &id(), at(5)).unwrap();
    writer.append(at(6), &Event::Progress { scn: u64::MAX }, false).unwrap();
    raw(
        folder.path(),
        b"{\"at\":\"1970-01-01T08:00:07+08:00\",\"event\":{\"verdict\":1}}\n\n{\"at\":\xff\n{\"no\":\"event\"}\n",
    );
    writer.append(at(8), &Event::Created, false).unwrap();
    let journal: Journal<Event> = read(folder.path(), &id()).unwrap();
    assert_eq!(journal.begun, Some(at(5)));
    let parse_entry = |second, event| Entry { at: at(second), event };
    assert_eq!(
        journal.entries,
        [
            parse_entry(6, Ok(Event::Progress { scn: u64::MAX })),
            parse_entry(7, Err(UnreadableEvent::Unknown(json!({"verdict": 1})))),
            parse_entry(7, Err(UnreadableEvent::Damaged { line: 5, text: json!("{\"at\":\u{fffd}") })),
            parse_entry(7, Err(UnreadableEvent::Damaged { line: 6, text: json!({"no": "event"}) })),
            parse_entry(8, Ok(Event::Created)),
        ]
    );
}

#[test]
fn follower_gives_each_entry_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut follower = Follower::<Event>::new(folder.path(), &id());
    assert_eq!(follower.entries().unwrap(), []);
    assert!(read::<Event>(folder.path(), &id()).unwrap_err().what.contains("There is no task"));
    let mut writer = Writer::create(folder.path(), &id(), at(0)).unwrap();
    assert_eq!(follower.entries().unwrap(), []);
    writer.append(at(1), &Event::Created, false).unwrap();
    assert_eq!(follower.entries().unwrap().len(), 1);
    assert_eq!(follower.entries().unwrap(), []);
    // Half a line is not given; the whole of it is, when it is there.
    raw(folder.path(), b"{\"at\":\"1970-01-01T00:00:02Z\",\"event\"");
    assert_eq!(follower.entries().unwrap(), []);
    raw(folder.path(), b":\"created\"}\n");
    assert_eq!(follower.entries().unwrap(), [Entry { at: at(2), event: Ok(Event::Created) }]);
}

#[test]
fn follower_survives_the_repair_of_a_torn_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut follower = Follower::<Event>::new(folder.path(), &id());
    drop(Writer::<Event>::create(folder.path(), &id(), at(0)).unwrap());
    raw(folder.path(), b"{\"at\":\"1970-01-01T00:00:02Z\",\"event\":\"cre");
    assert_eq!(follower.entries().unwrap(), []);
    let mut writer = Writer::open(folder.path(), &id(), at(3)).unwrap();
    writer.append(at(4), &Event::Created, false).unwrap();
    assert_eq!(follower.entries().unwrap(), [Entry { at: at(4), event: Ok(Event::Created) }]);
}

#[test]
fn shrunk_journal_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let mut follower = Follower::<Event>::new(folder.path(), &id());
    let mut writer = Writer::create(folder.path(), &id(), at(0)).unwrap();
    writer.append(at(1), &Event::Created, false).unwrap();
    follower.entries().unwrap();
    std::fs::write(TaskFiles::new(folder.path(), &id()).journal, "").unwrap();
    assert!(follower.entries().unwrap_err().what.ends_with("is shorter than it was."));
}

#[tokio::test(start_paused = true)]
async fn waiting_follower_wakes_for_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let mut follower = Follower::<Event>::new(folder.path(), &id());
    let every = Duration::from_secs(1);
    let begun = tokio::time::Instant::now();
    let state = folder.path().to_owned();
    let writing = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        let mut writer = Writer::create(&state, &id(), at(0)).unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        writer.append(at(1), &Event::Created, false).unwrap();
    });
    let entries = follower.next(every).await.unwrap();
    assert_eq!(entries, [Entry { at: at(1), event: Ok(Event::Created) }]);
    assert_eq!(begun.elapsed().as_secs(), 5);
    writing.await.unwrap();
    tokio::time::timeout(Duration::from_mins(1), follower.grown(every)).await.unwrap_err();
    let gone = TaskFiles::new(folder.path(), &id()).journal;
    std::fs::remove_file(gone).unwrap();
    follower.grown(every).await.unwrap_err();
}

#[test]
fn oversized_journal_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(Writer::<Event>::create(folder.path(), &id(), at(0)).unwrap());
    let path = TaskFiles::new(folder.path(), &id()).journal;
    std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(crate::journal::state_files::MAX_FILE_BYTES + 1)
        .unwrap();
    assert!(read::<Event>(folder.path(), &id()).unwrap_err().why.contains("no more than 268435456 are read"));
}
