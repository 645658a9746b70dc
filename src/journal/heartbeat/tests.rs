#![allow(clippy::unwrap_used, reason = "a test may fall where it stands")]

use super::*;

#[test]
fn age_of_the_last_heartbeat() {
    let folder = tempfile::tempdir().unwrap();
    let id: TaskId = "1QJ45Y2V0ZZZ".parse().unwrap();
    let at = |second| Timestamp::from_second(second).unwrap();
    assert_eq!(age(folder.path(), &id, at(100)).unwrap(), None);
    beat(folder.path(), &id, at(90)).unwrap();
    assert_eq!(age(folder.path(), &id, at(100)).unwrap(), Some(Duration::from_secs(10)));
    beat(folder.path(), &id, at(99)).unwrap();
    assert_eq!(age(folder.path(), &id, at(100)).unwrap(), Some(Duration::from_secs(1)));
    // A clock that was set back does not make it old.
    assert_eq!(age(folder.path(), &id, at(50)).unwrap(), Some(Duration::ZERO));
}

#[test]
fn exit_message_of_the_last_runner() {
    let folder = tempfile::tempdir().unwrap();
    let id: TaskId = "1QJ45Y2V0ZZZ".parse().unwrap();
    let at = Timestamp::from_second(90).unwrap();
    clear_exit_message(folder.path(), &id).unwrap();
    beat(folder.path(), &id, at).unwrap();
    assert_eq!(last_word(folder.path(), &id), None);
    let why = Fault::new(crate::domain::fault::Cause::Internal, "what", "why", "next");
    write_exit_message(folder.path(), &id, &why).unwrap();
    assert_eq!(last_word(folder.path(), &id), Some(why));
    // A heartbeat keeps it, and the next runner clears it.
    beat(folder.path(), &id, at).unwrap();
    assert!(last_word(folder.path(), &id).is_some());
    clear_exit_message(folder.path(), &id).unwrap();
    assert_eq!(last_word(folder.path(), &id), None);
}
