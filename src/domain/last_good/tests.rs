#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::listing::{mark_encryption, of_facts};
use crate::domain::restorable::{BackupSet, Round};
use crate::domain::samples::{NOW, ago, archive, cluster, full, round, tenant};

/// Returns `pay` with these sets, and an archive whose log has come up to ten seconds ago.
fn pay(sets: Vec<BackupSet>) -> TenantFacts {
    TenantFacts { sets, ..tenant(1002, "pay") }
}

/// Returns the text of its row, and whether it is bad.
fn said(pay: TenantFacts) -> (String, bool) {
    let row = of_facts(&cluster(vec![pay])).into_iter().find(|row| row.target.tenant().is_some()).unwrap();
    let now = jiff::Timestamp::from_second(i64::try_from(NOW).unwrap()).unwrap();
    let words = row.last_good_label(now, None);
    (words.text, words.bad)
}

#[test]
fn the_newest_that_can_be_restored_is_the_last_good() {
    let unfinished = BackupSet { min_restore: ago(5), ..full(2) };
    let good = last_good(&pay(vec![full(1), unfinished])).unwrap();
    assert_eq!((good.set, good.at, good.restorable_to), (Some(1), ago(7_000), ago(10)), "the log of set 2 is coming");
    assert_eq!(newest_unrestorable(&pay(vec![full(1)])), None);
}

/// What is done and cannot be restored is nobody's last good backup.
#[test]
fn what_cannot_be_restored_is_no_good_backup() {
    let too_old = BackupSet { restores_here: Some(false), ..full(1) };
    let unread = BackupSet { min_restore: Scn(0), ..full(1) };
    let coming = BackupSet { min_restore: ago(5), ..full(1) };
    let gone = BackupSet { start_replay: ago(9_500), ..full(1) };
    for (set, word) in [
        (too_old, "not restorable"),
        (gone, "not restorable"),
        (coming, "not yet restorable"),
        (unread, "not known to be restorable"),
    ] {
        let facts = pay(vec![set]);
        assert_eq!((last_good(&facts), newest_unrestorable(&facts)), (None, Some((1, word))));
        assert_eq!(said(facts), (format!("none, set 1 {word}"), true));
    }
    let mut unknown = pay(vec![full(1)]);
    unknown.archive.times = crate::domain::facts::Known::NotChecked("no zone".into());
    assert_eq!(newest_unrestorable(&unknown), Some((1, "not known to be restorable")));
    let mut unread = pay(vec![full(1)]);
    assert!(last_good(&unread).is_some());
    unread.archive.pieces = crate::domain::facts::Known::NotChecked("the login may not read them".into());
    assert_eq!((last_good(&unread), newest_unrestorable(&unread)), (None, Some((1, "not known to be restorable"))));
    assert_eq!(said(pay(vec![])), ("none".to_owned(), true));
    let mut broken = pay(vec![full(1)]);
    broken.archive = archive(None);
    broken.archive.rounds = vec![Round { checkpoint: ago(7_500), ..round("INTERRUPTED") }];
    assert_eq!(said(broken), ("none, set 1 not restorable".to_owned(), true));
}

/// A task of this host knows what was asked for: the set that it made is marked wherever it is listed.
#[test]
fn a_set_that_is_not_encrypted_as_asked_is_marked() {
    use crate::domain::outcome::Outcome;
    use crate::domain::task::{TargetView, TaskView};
    let facts = cluster(vec![pay(vec![full(1)])]);
    let made = |set, encryption| {
        let outcome = Outcome::instant(ago(5), Vec::new(), Vec::new());
        let ended = TargetView {
            target: "prod/pay".parse().unwrap(),
            steps: Vec::new(),
            job: Some(1),
            set: Some(set),
            progress: None,
            outcome: Some(Outcome { set: Some(set), encryption, ..outcome }),
            attempt: 1,
            anew_since: 0,
            attached: false,
        };
        TaskView { targets: vec![ended], ..TaskView::default() }
    };
    for (set, encryption, mark) in [
        (1, Some(Encryption::Missing), "  NOT ENCRYPTED"),
        (1, Some(Encryption::Unknown), "  ENCRYPTION UNKNOWN"),
        (1, Some(Encryption::Proven), ""),
        (1, None, ""),
        (2, Some(Encryption::Missing), ""),
    ] {
        let task = made(set, encryption);
        for mut row in of_facts(&facts) {
            mark_encryption(&mut row, [&task]);
            let now = jiff::Timestamp::from_second(i64::try_from(NOW).unwrap()).unwrap();
            let words = row.last_good_label(now, None);
            assert!(words.text.ends_with(&format!("full{mark}")), "{}: {}", row.target, words.text);
            assert_eq!(words.bad, !mark.is_empty());
        }
    }
}
