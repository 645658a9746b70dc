#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use proptest::prelude::*;

use super::*;
use crate::backend::oceanbase::jobs::is_for;
use crate::domain::restorable::EncryptionMode;

fn row(cells: &[(&str, Option<&str>)]) -> Row {
    cells.iter().map(|(column, value)| ((*column).to_owned(), value.map(str::to_owned))).collect()
}

fn utc() -> ServerTimeZone {
    ServerTimeZone::fixed(0)
}

/// Texts of others are cleaned of secrets; the marker of an obnow stays unchanged even if it contains one.
#[test]
fn description_hides_secrets_and_keeps_markers() {
    let _held = crate::domain::secret::Secret::new("CANARYrow7".to_owned());
    assert_eq!(description("nightly, by CANARYrow7"), "nightly, by ***");
    assert_eq!(description("obnow 20261201-CANARYrow7.1/2"), "obnow 20261201-CANARYrow7.1/2");
    assert_eq!(description("obnow CANARYrow7 by hand"), "obnow *** by hand");
}

#[test]
fn a_set_is_read_by_the_names_of_its_columns() {
    let v4 = Version::oceanbase([4, 2, 5, 1], None);
    let cells = [
        ("BACKUP_SET_ID", Some("7")),
        ("BACKUP_TYPE", Some("INC")),
        ("PREV_FULL_BACKUP_SET_ID", Some("5")),
        ("PREV_INC_BACKUP_SET_ID", Some("6")),
        ("STATUS", Some("SUCCESS")),
        ("FILE_STATUS", Some("AVAILABLE")),
        ("START_REPLAY_SCN", Some("1795143600000000000")),
        ("MIN_RESTORE_SCN", Some("1795143601000000001")),
        ("PLUS_ARCHIVELOG", Some("on")),
        ("ENCRYPTION_MODE", Some("NONE")),
        ("DEST_ID", Some("1001")),
        ("PATH", Some("file:///b/data")),
        ("OUTPUT_BYTES", Some("42")),
        ("TENANT_COMPATIBLE", Some("4.2.5.0")),
        ("CLUSTER_VERSION", Some("4.2.5.1")),
        ("START_TIMESTAMP", Some("2026-11-20 03:00:00.000001")),
        ("END_TIMESTAMP", None),
    ];
    let read = set(&row(&cells), &v4, &utc()).unwrap();
    assert_eq!((read.id, read.prev_full, read.prev_inc, read.dest_id, read.bytes), (7, 5, 6, 1001, Some(42)));
    assert_eq!((&read.kind, read.is_good(), read.plus_archivelog), (&SetKind::Incremental, true, true));
    assert_eq!((read.start_replay.0, read.min_restore.0), (1_795_143_600_000_000_000, 1_795_143_601_000_000_001));
    assert_eq!((read.started, read.ended), (Some(Scn(1_795_143_600_000_001_000)), None));
    assert_eq!((read.data_version.as_deref(), read.encryption()), (Some("4.2.5.0"), EncryptionMode::NoPassword));
    assert_eq!((read.cluster_version.as_deref(), read.restores_here), (Some("4.2.5.1"), Some(true)));
    let of = |compatible| [&cells[..], &[("TENANT_COMPATIBLE", compatible)]].concat();
    assert_eq!(
        set(&row(&of(Some("4.0.0.0"))), &v4, &utc()).unwrap().restores_here,
        Some(false),
        "V4.1 and later take none of V4.0"
    );
    assert_eq!(set(&row(&of(Some("4.1.0.0"))), &v4, &utc()).unwrap().restores_here, Some(true));
    for unread in [None, Some(""), Some("new")] {
        assert_eq!(set(&row(&of(unread)), &v4, &utc()).unwrap().restores_here, None, "{unread:?}");
    }
    let v4_0 = Version::oceanbase([4, 0, 0, 0], None);
    assert_eq!(set(&row(&of(Some("4.0.0.0"))), &v4_0, &utc()).unwrap().restores_here, Some(true));
}

/// Returns a row as servers have it, with these cells replaced; `None` is NULL.
fn complete_row(more: &[(&str, Option<&str>)]) -> Row {
    let numbers = [
        "TENANT_ID",
        "BACKUP_SET_ID",
        "DEST_ID",
        "PREV_FULL_BACKUP_SET_ID",
        "PREV_INC_BACKUP_SET_ID",
        "START_REPLAY_SCN",
        "MIN_RESTORE_SCN",
        "ROUND_ID",
        "PIECE_ID",
        "START_SCN",
        "CHECKPOINT_SCN",
        "END_SCN",
        "JOB_ID",
        "INITIATOR_TENANT_ID",
        "INITIATOR_JOB_ID",
        "RESULT",
        "OUTPUT_BYTES",
    ];
    let numbers = numbers.iter().map(|column| (*column, Some("7")));
    let words = [("STATUS", Some("SUCCESS")), ("FILE_STATUS", Some("AVAILABLE"))];
    // Of two cells of one name the last counts.
    let all: Vec<_> = numbers.chain(words).chain(more.iter().copied()).collect();
    row(&all)
}

/// A missing value has no default: the row is refused, or a nullable value is not known.
#[test]
fn unreadable_values_stay_unknown() {
    let v4 = Version::oceanbase([4, 2, 5, 1], None);
    for garbage in [None, Some("-1"), Some("1.5"), Some("abc"), Some("99999999999999999999999"), Some(""), Some("0x10")]
    {
        let of = |column| complete_row(&[(column, garbage)]);
        for column in ["BACKUP_SET_ID", "DEST_ID", "PREV_FULL_BACKUP_SET_ID", "PREV_INC_BACKUP_SET_ID"] {
            let fault = set(&of(column), &v4, &utc()).unwrap_err();
            assert!(fault.why.contains(column), "{column} {garbage:?}: {fault}");
        }
        for column in ["ROUND_ID", "DEST_ID", "START_SCN", "CHECKPOINT_SCN"] {
            assert!(round(&of(column)).unwrap_err().why.contains(column), "{garbage:?}");
            assert!(piece(&of(column)).unwrap_err().why.contains(column), "{garbage:?}");
        }
        assert!(piece(&of("PIECE_ID")).unwrap_err().why.contains("PIECE_ID"), "{garbage:?}");
        for column in ["TENANT_ID", "JOB_ID", "INITIATOR_TENANT_ID"] {
            assert!(job(&of(column)).unwrap_err().why.contains(column), "{garbage:?}");
        }
        for column in ["START_REPLAY_SCN", "MIN_RESTORE_SCN"] {
            let read = set(&of(column), &v4, &utc()).unwrap();
            assert!(read.unread().is_some(), "{column} {garbage:?}");
        }
        assert_eq!(task(&of("OUTPUT_BYTES")).bytes, None, "{garbage:?}");
    }
    for garbage in [None, Some("1.5"), Some("abc"), Some("99999999999999999999999"), Some("")] {
        assert!(job(&complete_row(&[("RESULT", garbage)])).unwrap_err().why.contains("RESULT"), "{garbage:?}");
    }
    let read = job(&complete_row(&[("BACKUP_SET_ID", None), ("STATUS", None)])).unwrap();
    assert_eq!((read.set_id, &read.ended), (None, &None));
    assert!(read.executors.is_empty() && read.is_live(), "a word that settles nothing is not an end");
    let read = task(&row(&[]));
    assert_eq!((read.tablets, read.blocks, read.percent, read.bytes), (None, None, None, None));
    assert!(!is_task_of(&row(&[]), &job(&complete_row(&[])).unwrap()), "what has no id belongs to nobody");
    let half = task(&complete_row(&[("MACRO_BLOCK_COUNT", Some("9")), ("FINISH_MACRO_BLOCK_COUNT", None)]));
    assert_eq!(half.blocks, None, "how many are done is not known");
    assert_eq!(data_destination(&[]), Ok(None));
    assert_eq!(parse_archive_destination(&[]), Ok((None, false)));
}

#[test]
fn an_end_that_is_not_set_is_none() {
    let end = |text| piece(&complete_row(&[("END_SCN", Some(text))])).unwrap().end;
    assert_eq!(end("18446744073709551615"), None, "no end is known yet");
    assert_eq!(end("0"), None);
    assert_eq!(end(" 12 "), Some(Scn(12)));
}

#[test]
fn unknown_words_are_kept_and_cleaned() {
    let cells = [("STATUS", Some("MOST\u{1b}[31mLY\u{7}")), ("PATH", Some("oss://b?access_key=CANARY"))];
    let read = set(&complete_row(&cells), &Version::oceanbase([4, 2, 5, 1], None), &utc()).unwrap();
    assert_eq!(read.status, SetStatus::Other("MOSTLY".into()));
    assert!(!format!("{read:?}").contains("CANARY"));
    let sentence =
        cleanup(&row(&[("JOB_ID", Some("\u{1b}]0;x\u{7}3")), ("TYPE", Some("DELETE")), ("STATUS", Some("DOING"))]));
    assert_eq!(sentence, "cleanup job 3 (DELETE) is DOING");
}

#[test]
fn job_row_is_parsed() {
    let parent = job(&row(&[
        ("TENANT_ID", Some("1")),
        ("JOB_ID", Some("9")),
        ("BACKUP_SET_ID", Some("0")),
        ("INITIATOR_TENANT_ID", Some("1")),
        ("INITIATOR_JOB_ID", Some("0")),
        ("EXECUTOR_TENANT_ID", Some("1002,1004")),
        ("STATUS", Some("FAILED")),
        ("RESULT", Some("-9026")),
        ("DESCRIPTION", Some("obnow t1.2")),
    ]))
    .unwrap();
    assert_eq!((parent.set_id, parent.initiator_job_id), (None, None), "0 is none");
    assert_eq!((parent.executors.as_slice(), parent.result, parent.is_live()), ([1002, 1004].as_slice(), 9026, false));
    assert_eq!(parent.owner(), "obnow task t1.2");
    assert!(is_for(&parent, 1004) && !is_for(&parent, 1005));
    // One of which was not read may be for every tenant.
    for garbage in [None, Some(""), Some("xyzzy"), Some("1002,99999999999999999999"), Some("1002,x")] {
        let unread = job(&complete_row(&[("TENANT_ID", Some("1")), ("EXECUTOR_TENANT_ID", garbage)])).unwrap();
        assert!(unread.executors.is_empty() && is_for(&unread, 1005), "{garbage:?}");
    }
    let own = row(&[("JOB_ID", Some("9")), ("TENANT_ID", Some("1"))]);
    assert!(is_task_of(&own, &parent));
    assert!(!is_task_of(&row(&[("JOB_ID", Some("9")), ("TENANT_ID", Some("1002"))]), &parent), "ids are per tenant");
}

#[test]
fn percent_is_a_number_from_0_to_100() {
    for (text, percent) in [
        ("45.21", Some(45.21)),
        ("0.00", Some(0.0)),
        ("100", Some(100.0)),
        ("NaN", None),
        ("inf", None),
        ("-1", None),
        ("100.01", None),
        ("many", None),
    ] {
        let of = |phase: &str| {
            task(&row(&[("DATA_PROGRESS", Some(text)), ("LOG_PROGRESS", Some(text)), ("STATUS", Some(phase))]))
        };
        assert_eq!(of("BACKUP_LOG").percent, percent, "{text}");
        assert_eq!(of("BACKUP_LOG").log_percent, percent, "{text}");
        assert_eq!(of("BEFORE_BACKUP_LOG").log_percent, percent, "{text}");
        assert_eq!(of("BACKUP_DATA_MAJOR").log_percent, None, "the log is not at it yet");
    }
}

#[test]
fn destination_rows_are_parsed() {
    let pair = |name, value| row(&[("NAME", Some(name)), ("VALUE", Some(value)), ("DEST_NO", Some("0"))]);
    let rows = [
        pair("path", "oss://b/clog?host=h&access_id=i&access_key=CANARY"),
        pair("BINDING", "Mandatory"),
        pair("piece_switch_interval", "2d"),
        pair("state", "DEFER"),
        pair("dest_id", "1002"),
        row(&[("NAME", Some("path")), ("VALUE", Some("file:///second")), ("DEST_NO", Some("1"))]),
    ];
    let (destination, deferred) = parse_archive_destination(&rows).unwrap();
    let destination = destination.unwrap();
    assert!(deferred);
    assert_eq!(
        destination.redacted_statement_value(),
        "LOCATION=oss://b/clog?host=h&access_id=i&access_key=*** BINDING=Mandatory PIECE_SWITCH_INTERVAL=2d"
    );
    assert!(!format!("{destination:?}").contains("CANARY"));
    assert!(
        !parse_archive_destination(&[pair("path", "file:///b"), pair("state", "ENBALE")]).unwrap().1,
        "as V4.0 writes it"
    );
    let unread = |rows: &[Row]| parse_archive_destination(rows).unwrap_err();
    assert_eq!(unread(&[pair("path", "nonsense"), pair("state", "ENABLE")]), "its log_archive_dest");
    assert_eq!(unread(&[pair("path", "file:///b"), pair("state", "abc")]), "the state of its log_archive_dest");
    let data = [pair("other", "x"), pair("DATA_BACKUP_DEST", "file:///b/data")];
    assert_eq!(data_destination(&data).unwrap().unwrap().uri_without_attributes(), "file:///b/data");
    assert_eq!(data_destination(&[pair("data_backup_dest", "")]), Ok(None), "an empty value is none");
    assert_eq!(data_destination(&[pair("data_backup_dest", "abc")]), Err("its data_backup_dest".to_owned()));
}

#[test]
fn durations_are_read_as_parameters_print_them() {
    for (text, expected) in [
        ("120s", Some(120)),
        ("120", Some(120)),
        ("2m", Some(120)),
        ("1h", Some(3_600)),
        ("1d", Some(86_400)),
        ("100ms", Some(0)),
        ("60000ms", Some(60)),
        (" 2M ", Some(120)),
        ("", None),
        ("s", None),
        ("1.5h", None),
        ("2 weeks", None),
        ("18446744073709551615d", None),
        ("99999999999999999999s", None),
    ] {
        assert_eq!(seconds(text), expected, "{text}");
    }
}

/// Generates values that a view might show, and ones that it should never show.
fn cell() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        any::<u64>().prop_map(|number| Some(number.to_string())),
        any::<i128>().prop_map(|number| Some(number.to_string())),
        prop::sample::select(vec![
            "SUCCESS",
            "DOING",
            "ON",
            "2026-11-20 03:00:00.5",
            "0000-00-00 00:00:00",
            "9999-12-31 23:59:59",
            "1002,,1004,",
            "-9026"
        ])
        .prop_map(|word| Some(word.to_owned())),
        any::<String>().prop_map(Some),
        "[\\x00-\\x1f\\x7f-\\x9f]{0,6}".prop_map(Some),
    ]
}

const COLUMNS: [&str; 40] = [
    "TENANT_ID",
    "BACKUP_SET_ID",
    "DEST_ID",
    "BACKUP_TYPE",
    "PREV_FULL_BACKUP_SET_ID",
    "PREV_INC_BACKUP_SET_ID",
    "START_TIMESTAMP",
    "END_TIMESTAMP",
    "STATUS",
    "FILE_STATUS",
    "PLUS_ARCHIVELOG",
    "START_REPLAY_SCN",
    "MIN_RESTORE_SCN",
    "OUTPUT_BYTES",
    "RESULT",
    "COMMENT",
    "ENCRYPTION_MODE",
    "TENANT_COMPATIBLE",
    "PATH",
    "ROUND_ID",
    "START_SCN",
    "CHECKPOINT_SCN",
    "PIECE_ID",
    "END_SCN",
    "JOB_ID",
    "INITIATOR_TENANT_ID",
    "INITIATOR_JOB_ID",
    "EXECUTOR_TENANT_ID",
    "DESCRIPTION",
    "TABLET_COUNT",
    "FINISH_TABLET_COUNT",
    "MACRO_BLOCK_COUNT",
    "FINISH_MACRO_BLOCK_COUNT",
    "DATA_PROGRESS",
    "NAME",
    "VALUE",
    "DEST_NO",
    "TYPE",
    "INPUT_BYTES",
    "JOB_LEVEL",
];

fn any_row() -> impl Strategy<Value = Row> {
    prop::collection::vec((prop::sample::select(COLUMNS.to_vec()), cell()), 0..40)
        .prop_map(|cells| cells.into_iter().map(|(column, value)| (column.to_owned(), value)).collect())
}

proptest! {
    #[test]
    fn any_row_is_handled(row in any_row(), name in prop::sample::select(vec!["path", "state", "data_backup_dest"]), value in cell()) {
        let set = set(&row, &Version::oceanbase([4, 2, 5, 1], None), &utc());
        let (job, task) = (job(&row), task(&row));
        let everything = format!("{set:?}{:?}{:?}{job:?}{task:?}{}", round(&row), piece(&row), cleanup(&row));
        prop_assert!(task.percent.is_none_or(|percent| (0.0..=100.0).contains(&percent)));
        prop_assert!(task.tablets.is_none_or(|count| count.total > 0));
        prop_assert!(task == task.clone(), "a look is compared with the one before");
        if let Ok(job) = &job {
            let _ = is_task_of(&row, job);
        }
        // What is shown later has nothing in it that drives a terminal.
        let of_set = set.iter().flat_map(|set| [&set.path, &set.encryption_mode]);
        let of_job = job.iter().flat_map(|job| [&job.comment, &job.description, &job.status, &job.started]);
        for text in of_set.chain(of_job).chain([&task.phase]) {
            prop_assert!(!text.chars().any(char::is_control), "{everything}");
        }
        prop_assert!(!cleanup(&row).chars().any(char::is_control));
        let named: Row = [("NAME".to_owned(), Some(name.to_owned())), ("VALUE".to_owned(), value)].into_iter().collect();
        let _ = (data_destination(std::slice::from_ref(&named)), parse_archive_destination(&[named]));
    }

    #[test]
    fn any_duration_is_handled(text in any::<String>(), number in any::<u64>(), unit in "[a-z]{0,3}") {
        let _ = seconds(&text);
        let _ = seconds(&format!("{number}{unit}"));
    }
}

/// `UNIX_TIMESTAMP` of a `TIMESTAMP(6)`; NULL and what is no time are not known.
#[test]
fn seconds_since_1970_are_read_to_the_microsecond() {
    let of = |text: Option<&str>| unix_time(&row(&[("CREATE_TIME", text)]), "CREATE_TIME");
    let at = |micros| Some(jiff::Timestamp::from_microsecond(micros).unwrap());
    assert_eq!(of(Some("1763600000.123456")), at(1_763_600_000_123_456));
    assert_eq!(of(Some("1763600000.5")), at(1_763_600_000_500_000));
    assert_eq!(of(Some("1763600000")), at(1_763_600_000_000_000));
    for text in
        [None, Some(""), Some("0.000000"), Some("2025-11-20 00:53:20"), Some("-5"), Some("99999999999999999999")]
    {
        assert_eq!(of(text), None, "{text:?}");
    }
}

#[test]
fn serving_state_of_a_server() {
    let (time, zero) = (Some("2026-11-20 03:31:40.123456"), Some("1970-01-01 00:00:00.000000"));
    for (start, stop, serves) in [
        (time, None, Some(true)),
        (Some("1796063382123456"), Some("0"), Some(true)),
        (time, Some(""), Some(true)),
        (time, zero, Some(true)),
        (time, time, Some(false)),
        (Some("0"), Some("0"), Some(false)),
        (Some("0"), Some("xyz"), Some(false)),
        (None, time, Some(false)),
        (None, None, None),
        (Some(""), None, None),
        (Some("xyz"), None, None),
        (time, Some("xyz"), None),
        (time, Some("-1"), None),
        (time, Some("2026-13-45 00:00:00"), None),
    ] {
        let cells = [("START_SERVICE_TIME", start), ("STOP_TIME", stop)];
        assert_eq!(serving(&row(&cells)), serves, "{start:?} {stop:?}");
    }
}
