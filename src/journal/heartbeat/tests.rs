#![allow(clippy::unwrap_used, reason = "a test may fall where it stands")]

use super::*;

#[test]
fn the_age_is_that_of_the_last_beat() {
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
