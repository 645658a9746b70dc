#![allow(clippy::unwrap_used, reason = "a test may fall where it stands")]

use std::io::Write;

use super::*;

fn id() -> TaskId {
    "1QJ45Y2V0ZZZ".parse().unwrap()
}

fn ask(number: u32) -> Request {
    let at = Timestamp::from_second(i64::from(number)).unwrap();
    Request { id: format!("r{number}"), verb: "cancel".into(), who: "alice (uid 1000)".into(), at }
}

#[test]
fn each_request_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut inbox = Inbox::new(folder.path(), &id(), 0);
    assert_eq!(inbox.asks().unwrap(), []);
    put(folder.path(), &id(), &ask(1)).unwrap();
    assert_eq!(inbox.asks().unwrap(), [Ok(ask(1))]);
    assert_eq!(inbox.asks().unwrap(), []);
    put(folder.path(), &id(), &ask(2)).unwrap();
    assert_eq!(Inbox::new(folder.path(), &id(), inbox.offset()).asks().unwrap(), [Ok(ask(2))]);
    assert_eq!(Inbox::new(folder.path(), &id(), 0).asks().unwrap(), [Ok(ask(1)), Ok(ask(2))]);
}

#[test]
fn torn_request_does_not_damage_the_next() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), &id(), &ask(1)).unwrap();
    let path = TaskFiles::new(folder.path(), &id()).ask;
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"{\"id\":\"r").unwrap();
    put(folder.path(), &id(), &ask(2)).unwrap();
    let asks = Inbox::new(folder.path(), &id(), 0).asks().unwrap();
    assert_eq!(asks, [Ok(ask(1)), Err("{\"id\":\"r".into()), Ok(ask(2))]);
}
