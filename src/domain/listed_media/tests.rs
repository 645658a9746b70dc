#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::facts::Known;
use crate::domain::restorable::{BackupSet, Piece, PieceStatus, Round, SetKind};
use crate::domain::samples::{ago, full, place, round, tenant};

#[test]
fn sets_and_pieces_of_a_directory_are_named_as_the_server_names_them() {
    let mut pay = tenant(1002, "pay");
    let inc = SetKind::Incremental;
    pay.sets = vec![
        full(1),
        BackupSet { kind: inc, dest_id: 1001, ..full(2) },
        BackupSet { dest_id: 1009, file_status: FileStatus::Deleted, ..full(3) },
        BackupSet { path: "file:///elsewhere".into(), ..full(4) },
    ];
    let data = place("file:///own/data");
    let entries = vec!["backup_set_2_inc".to_owned(), "backup_set_1_full".to_owned()];
    assert_eq!(listed_media(&pay, DirKind::Data, &data), [ListedMedia { dest_id: 1001, entries }]);
    assert_eq!(media_at_risk(&pay, DirKind::Data, &data).unwrap(), "sets 2, 1 of pay");
    assert_eq!(media_at_risk(&pay, DirKind::Data, &place("file:///own")), None);
    pay.archive.rounds = vec![Round { path: "file:///own/clog".into(), ..round("STOP") }];
    let piece = |piece_id, file_status| Piece {
        dest_id: 1002,
        round_id: 1,
        piece_id,
        status: PieceStatus::Frozen,
        file_status,
        start: ago(9),
        end: None,
        checkpoint: ago(8),
    };
    pay.archive.pieces = Known::Known(Some(vec![piece(1, FileStatus::Available), piece(2, FileStatus::Incomplete)]));
    let clog = place("file:///own/clog");
    let entries = vec!["piece_d1002r1p1".to_owned()];
    assert_eq!(listed_media(&pay, DirKind::Clog, &clog), [ListedMedia { dest_id: 1002, entries }]);
    assert!(media_at_risk(&pay, DirKind::Clog, &clog).unwrap().starts_with("log archive rounds 1"));
}

/// For an object storage the servers print the endpoint behind the path.
#[test]
fn a_path_with_its_endpoint_is_the_same_directory() {
    let bucket = place("s3://b/data?host=s3.example.com&access_id=A&encrypt_key=B");
    assert!(is_path_of("s3://b/data?host=s3.example.com", &bucket));
    assert!(is_path_of("s3://b/data", &bucket) && !is_path_of("s3://b/data2", &bucket) && !is_path_of("", &bucket));
}
