#![allow(clippy::unwrap_used, reason = "a test may fall where it stands")]

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn audit_entries_are_private_lines() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let action = |second: i64| AuditEntry {
        at: Timestamp::from_second(second).unwrap(),
        task: (second > 1).then(|| "1QJ45Y2V0ZZZ".parse().unwrap()),
        target: "prod/pay".into(),
        who: "alice (uid 1000)".into(),
        host: "jump".into(),
        action: "Start data backup".into(),
        statement: "ALTER SYSTEM BACKUP\nTENANT = `pay`".into(),
    };
    assert_eq!(read(&state).unwrap(), []);
    write(&state, &action(1)).unwrap();
    write(&state, &action(2)).unwrap();
    assert_eq!(read(&state).unwrap(), [Ok(action(1)), Ok(action(2))]);
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&state, &link).unwrap();
    write(&link, &action(3)).unwrap();
    assert_eq!(read(&state).unwrap().pop(), Some(Ok(action(3))), "a person may have put a link in its place");
    let path = state.join("audit.jsonl");
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn unwritable_audit_entry_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("audit.jsonl")).unwrap();
    let action = AuditEntry {
        at: Timestamp::UNIX_EPOCH,
        task: None,
        target: String::new(),
        who: String::new(),
        host: String::new(),
        action: String::new(),
        statement: String::new(),
    };
    write(folder.path(), &action).unwrap_err();
}
