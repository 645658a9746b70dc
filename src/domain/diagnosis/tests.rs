#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use proptest::prelude::*;

use super::*;
use crate::domain::fault::Cause;

#[test]
fn takes_comments_apart() {
    let root = Comment::parse(
        "(ROOTSERVICE)addr: 10.0.0.1:2882, result: -9040(backup can not start, because log archive status is not doing.), \
         trace_id: YB42AC1E87E2-0005F0C3A1B2C3D4-0-0",
    )
    .unwrap();
    assert_eq!(
        root,
        Comment {
            reporter: Some(Reporter::RootService),
            addr: Some("10.0.0.1:2882".into()),
            code: Some(9040),
            text: Some("backup can not start, because log archive status is not doing.".into()),
            trace_id: Some("YB42AC1E87E2-0005F0C3A1B2C3D4-0-0".into()),
            ..Comment::default()
        }
    );
    assert_eq!(root.place(), "root service on 10.0.0.1:2882");
    assert_eq!(root.grep().unwrap(), "grep YB42AC1E87E2-0005F0C3A1B2C3D4-0-0 rootservice.log* observer.log*");

    let server = Comment::parse(
        "(server)ls_id: 1001, addr: [fe80::1]:2882, module: BACKUP_DATA, result: -4016(Internal error), trace_id: YB4-1",
    )
    .unwrap();
    assert_eq!(server.reporter, Some(Reporter::Server));
    assert_eq!((server.ls_id, server.addr.as_deref()), (Some(1001), Some("[fe80::1]:2882")));
    assert_eq!((server.code, server.text.as_deref()), (Some(4016), Some("Internal error")));
    assert_eq!(server.place(), "server [fe80::1]:2882, log stream 1001, BACKUP_DATA");
    assert_eq!(server.grep().unwrap(), "grep YB4-1 observer.log*");
}

#[test]
fn half_a_comment_is_half_read_and_prose_is_not() {
    let half = Comment::parse("result: 9082(backup device out of space)").unwrap();
    assert_eq!((half.code, half.addr, half.trace_id), (Some(9082), None, None));
    assert_eq!(Comment::parse("(SERVER)RESULT: -9082").unwrap().code, Some(9082));
    for text in ["", "all fine", "address: nowhere", "result: 0"] {
        assert_eq!(Comment::parse(text), None, "{text}");
    }
    let trap = Comment::parse("(SERVER)result: -1(x), trace_id: Y;rm").unwrap();
    assert_eq!(trap.grep(), None, "nothing odd is pasted into a shell");
}

#[test]
fn server_text_cannot_drive_a_terminal() {
    for (text, wanted) in [
        ("plain 支付", "plain 支付"),
        ("\u{1b}[31mred\u{1b}[0m", "red"),
        ("\u{1b}]0;title\u{7}after", "after"),
        ("\u{1b}]52;c;QUJD\u{1b}\\after", "after"),
        ("a\r\nb\tc", "a  b c"),
        ("a\u{0}b\u{7f}c\u{9b}d", "abcd"),
        ("abc\u{202e}def", "abcdef"),
        ("tail\u{1b}", "tail"),
    ] {
        assert_eq!(identifier(text), wanted, "{text:?}");
    }
}

#[test]
fn secrets_in_server_text_are_stars() {
    for (text, wanted) in [
        ("s3://b?access_id=A&access_key=SK&x=1", "s3://b?access_id=A&access_key=***&x=1"),
        ("ACCESS_KEY=SK tail", "ACCESS_KEY=*** tail"),
        ("encrypt_key=ABC", "encrypt_key=***"),
        ("access_key = 'S K' tail", "access_key = '***' tail"),
        ("{\"access_key\": \"SK\", \"x\": 1}", "{\"access_key\": \"***\", \"x\": 1}"),
        ("{\"password\":\"p\"}", "{\"password\":\"***\"}"),
        ("access_key_id=AKIA", "access_key_id=AKIA"),
        ("secret_access_key=SK", "secret_access_key=***"),
        ("SET ENCRYPTION ON IDENTIFIED BY 'p w' ONLY", "SET ENCRYPTION ON IDENTIFIED BY '***' ONLY"),
        ("set decryption identified by 'a','b' , 'c' x", "set decryption identified by '***' x"),
        ("identified by 'it''s' x", "identified by '***' x"),
        ("identified by 'a\\'b' x", "identified by '***' x"),
        ("identified by 'never closed", "identified by '***"),
        ("IDENTIFIED BY PASSWORD \"*AB\"", "IDENTIFIED BY PASSWORD \"***\""),
        ("Access denied for user 'root' (using password: YES)", "Access denied for user 'root' (using password: YES)"),
        ("acc\u{1b}[0mess_key=SK", "access_key=***"),
    ] {
        assert_eq!(identifier(text), wanted, "{text:?}");
    }
}

#[test]
fn every_code_of_the_catalogue_says_why_and_what_next() {
    let catalogue = Catalogue::parse(include_str!("../../../assets/errors.yaml")).unwrap();
    let mut last = 0;
    for entry in catalogue.entries() {
        for sentence in [&entry.why, &entry.next] {
            assert!(sentence.ends_with('.') && sentence.len() > 8, "{}: {sentence}", entry.code);
            assert!(sentence.starts_with(|c: char| c.is_uppercase()), "{}: {sentence}", entry.code);
        }
        assert!(entry.code > last);
        last = entry.code;
    }
    for code in [
        1045, 1064, 1142, 1210, 1227, 1235, 4012, 4018, 4179, 5160, 9003, 9022, 9023, 9024, 9025, 9026, 9027, 9028,
        9029, 9030, 9031, 9032, 9033, 9034, 9036, 9037, 9040, 9041, 9042, 9044, 9045, 9046, 9047, 9048, 9049, 9051,
        9052, 9053, 9054, 9057, 9058, 9060, 9061, 9063, 9064, 9065, 9066, 9069, 9070, 9071, 9073, 9074, 9076, 9077,
        9078, 9079, 9080, 9081, 9082, 9083, 9084, 9085, 9086, 9087, 9091, 9092, 9095, 9098, 9100, 9101, 9102, 9103,
        9105, 9113, 9114, 9115, 9116, 9117, 9118, 9120, 9129, 9130, 9131, 9132, 9133, 9136, 9138, 9139, 9140, 9142,
        // V2 and V3.
        1149, 4002, 4007, 4015, 4016, 4023, 4038, 4043, 4072, 4114, 4162, 4184, 4217, 4527, 4550, 4638, 4666, 4688,
        5001, 5006, 5036, 5150, 5157, 6210, 8001, 9001, 9002, 9004, 9005, 9006, 9007, 9008, 9009, 9010, 9011, 9012,
        9013, 9014, 9015, 9016, 9017, 9018, 9019, 9020, 9035, 9038, 9039, 9043, 9050, 9059, 9062,
        // What a job meets on its way, and a restore (V4.3.1 source, `check_can_backup_`, `ob_errno.def`).
        4009, 4013, 4019, 4070, 4103, 4109, 4143, 4201, 4683, 4725, 5685, 9119,
    ] {
        assert!(catalogue.get(code).is_some(), "{code} is not in the catalogue");
    }
}

#[test]
fn a_code_is_explained_by_its_text() {
    for (code, text, cause, next) in [
        (-9082, "backup device out of space", Cause::Storage, "Free or add space"),
        (9036, "", Cause::Busy, "Watch the running backup"),
        (9040, "backup can not start", Cause::Precondition, "Run the checks"),
        (
            9040,
            "backup can not start, because log archive status is not doing.",
            Cause::Precondition,
            "Start the log archive",
        ),
        (-4007, "piece_switch_interval out of range", Cause::Usage, "Give a value from 1d to 7d"),
        // The words of V2 and V3.
        (
            9040,
            "backup can not start, because log archive is not doing. log archive status : INTERRUPTED.",
            Cause::Precondition,
            "Start the log archive",
        ),
        (
            9040,
            "backup can not start, because log archive start timestamp is bigger than frozen timestamp, need major \
             freeze first. start timestamp : 2, frozen timestamp : 1 .",
            Cause::Precondition,
            "Perform a major compaction",
        ),
        (
            9040,
            "backup can not start, because inner table version is too old",
            Cause::Precondition,
            "Wait until the upg",
        ),
        (
            1235,
            "physical backup without GTS is not supported",
            Cause::Precondition,
            "In each tenant: SET GLOBAL ob_timestamp",
        ),
        (1235, "backup in not primary cluster is not supported", Cause::Precondition, "Back up the primary"),
        (1235, "start log archive backup when not STOP is not supported", Cause::Precondition, "Look at the state"),
        (
            1235,
            "set backup dest with backup backup dest not empty is not supported",
            Cause::Precondition,
            "Clear backup",
        ),
        (1235, "backup device is nfs, setting '?' is not supported", Cause::Usage, "Give the directory alone"),
        (4666, "cluster name does not match to 'a'", Cause::Usage, "Correct the part after '#'"),
        (-4527, "", Cause::Server, "Retry in a few seconds"),
        (1227, "Access denied", Cause::Rights, "Grant ALTER SYSTEM"),
        (-4007, "plus archive is not supported", Cause::Precondition, "Leave PLUS ARCHIVELOG out"),
        (1235, "restore preview is not support now", Cause::Precondition, "Rely on the backup views"),
        (1235, "user tenant cannot specify tenant names is not supported", Cause::Usage, "Leave TENANT out"),
        (4018, "No enough log for restore", Cause::Precondition, "Restore to an earlier point"),
        (-4019, "Size overflow", Cause::Usage, "Back up fewer tenants"),
        (-4109, "", Cause::Precondition, "Wait until the upgrade"),
        (-4143, "", Cause::Precondition, "Finish the upgrade"),
        (-9027, "", Cause::Precondition, "Repair the storage"),
        (-9029, "", Cause::Precondition, "Find out who did"),
        (-5685, "", Cause::Precondition, "Look at the list of tenants"),
        (12345, "whatever", Cause::Server, "Look it up"),
    ] {
        let fault = explain(code, text);
        assert_eq!(fault.cause, cause, "{code} {text}");
        assert!(fault.next.starts_with(next), "{code} {text}: {}", fault.next);
    }
    let fault = explain(-4007, "access_key=SK\u{1b}[2J is not supported.");
    assert_eq!(fault.code, Some(1235));
    assert_eq!(fault.what, "OceanBase answered with error 1235 (OB_NOT_SUPPORTED): access_key=*** is not supported.");
    assert_eq!(explain(9036, "").what, "OceanBase answered with error 9036 (OB_BACKUP_IN_PROGRESS).");
    assert_eq!(explain(-4162, "").what, "OceanBase answered with error 4162 (OB_LEASE_NOT_ENOUGH).");
    assert!(explain(9040, "").why.contains("no DATA_BACKUP_DEST"), "what the bare text most likely means");
    assert_eq!(explain(i64::MIN, "").code, Some(u32::MAX));
}

#[test]
fn a_catalogue_with_a_slip_is_refused() {
    let entry = "- {code: 1, name: N, cause: busy, why: W., next: X.}\n";
    assert!(Catalogue::parse(entry).is_ok());
    assert!(matches!(Catalogue::parse(&entry.repeat(2)), Err(CatalogueError::Twice(1))));
    assert!(Catalogue::parse("- {code: 1, name: N, cause: bad, why: W., next: X.}").is_err());
    assert!(Catalogue::parse("- {code: 1, name: N, cause: busy, why: W., nxt: X.}").is_err());
}

proptest! {
    #[test]
    fn cleaning_twice_changes_nothing_more(text in "(access_key|password|identified by|secret|[ =:'\"\\\\&,a\u{1b}\\[\n]){0,20}") {
        let once = identifier(&text);
        prop_assert_eq!(identifier(&once), once);
    }

    #[test]
    fn no_control_character_is_left(text in "\\PC*(\u{1b}|\u{9b}|\u{7}|\n|x|\\[|\\]|\u{202e}){0,12}\\PC*") {
        prop_assert!(!identifier(&text).chars().any(char::is_control));
    }

    #[test]
    fn no_secret_is_left(key in "[A-Za-z0-9+/=]{12,40}", before in "[a-z ?&]{0,8}", after in "(&x=1| tail|'|)") {
        for secret in [format!("access_key={key}"), format!("encrypt_key={key}"), format!("IDENTIFIED BY '{key}'")] {
            let cleaned = identifier(&format!("{before}{secret}{after}"));
            prop_assert!(!cleaned.contains(&key), "{}", cleaned);
        }
    }

    #[test]
    fn any_comment_is_read_or_not(text in ".{0,80}", fields in "(addr:|result:|-9|\\(|\\)|, |trace_id:|支){0,12}") {
        let _ = Comment::parse(&text);
        let _ = Comment::parse(&fields);
        let _ = explain(9040, &text);
    }
}

/// Somebody waits for what stands there: no advice is to do nothing. And where a destination is empty that was in use, setting
/// it again would lose its catalogue.
#[test]
fn no_code_advises_to_do_nothing_or_to_set_a_destination_again() {
    let catalogue = Catalogue::parse(include_str!("../../../assets/errors.yaml")).unwrap();
    let behind = [9022, 9039, 9091, 9092, 9095, 9019];
    for code in behind {
        let next = &catalogue.get(code).unwrap().next;
        assert!(!next.starts_with("Nothing"), "{code}: {next}");
    }
    assert!(!include_str!("../../../assets/errors.yaml").contains("set the destination again"));
    let missing = catalogue.get(9080).unwrap();
    assert!(missing.why.contains("not mounted") && missing.why.contains("emptied"), "{}", missing.why);
    assert!(
        missing.next.starts_with("Where it was in use, mount it") && missing.next.contains("DELETED"),
        "{}",
        missing.next
    );
    assert!(catalogue.get(9081).unwrap().why.contains("DEST_ID"));
}

#[test]
fn what_is_printed_drives_no_terminal_and_json_keeps_the_text() {
    let evil = "a\u{1b}]52;c;eA==\u{7}b\u{9b}31m\u{85}\u{202e}c\n\u{7f}d";
    assert_eq!(printable(evil), "ab31mc\nd");
    let json = serde_json::json!({ "text": evil }).to_string();
    let shown = escaped(&json);
    assert!(!shown.contains(|c: char| c.is_control() || c == '\u{202e}'), "{shown:?}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap()["text"], evil);
    assert!("\u{200b}\u{feff}\u{ad}\u{2066}\u{e0041}\u{3164}".chars().all(is_invisible));
    assert!(!"aZ9-_.\u{4e2d}\u{e9}".contains(is_invisible));
}

/// A password may be an ordinary word: obnow's own sentences stay as they are, or their gap would tell it.
#[test]
fn a_sentence_of_obnow_keeps_the_words_that_are_somebodys_secret() {
    let _held = crate::domain::secret::Secret::new("backup".to_owned());
    let own = crate::domain::preflight::FULL_NEEDED;
    assert_eq!(sentence(own), own);
    assert!(foreign(own).contains("***"));
    assert_eq!(sentence("a\u{1b}[31m access_key=abc"), "a access_key=***");
}

#[test]
fn every_credential_of_foreign_text_is_hidden_however_its_key_is_written() {
    for (text, cleaned) in [
        ("access_key=SECRET, next", "access_key=***, next"),
        ("host=h&encrypt_key=SECRET&x=1", "host=h&encrypt_key=***&x=1"),
        ("sk=SECRET ak=SECRET", "sk=*** ak=***"),
        ("x-amz-security-token=SECRET", "x-amz-security-token=***"),
        ("{\"secretAccessKey\": \"SECRET\"}", "{\"secretAccessKey\": \"***\"}"),
        (r#"{\"access_key\":\"SECRET\",\"host\":\"h\"}"#, r#"{\"access_key\":\"***\",\"host\":\"h\"}"#),
        (r#"{"access\u005fkey":"SECRET"}"#, r#"{"access\u005fkey":"***"}"#),
        ("access%5Fkey%3DSECRET&x", "***"),
        (r"access\u0025\u0035Fkey=SECRET", r"access\u0025\u0035Fkey=***"),
        ("password == 'SEC RET' x", "password == '***' x"),
        ("\u{ff41}ccess_key\u{ff1d}SECRET", "\u{ff41}ccess_key\u{ff1d}***"),
        ("\u{5bc6}\u{7801}=SECRET", "\u{5bc6}\u{7801}=***"),
        ("Authorization: Basic SECRET and more", "Authorization: ***"),
        ("got Bearer SECRETSECRET.x for it", "got Bearer *** for it"),
        ("IDENTIFIED WITH mysql_native_password AS 'SECRET'", "IDENTIFIED WITH mysql_native_password AS '***'"),
        ("identified by 'SEC''RET', 'SECRET' x", "identified by '***' x"),
        ("https://u:SECRET@h/p", "https://u:***@h/p"),
        ("s3://SECRET@b/p", "s3://***@b/p"),
        ("http://u:SEC/RET@h", "http://u:***@h"),
        ("root:SECRET@10.0.0.1 refused", "root:***@10.0.0.1 refused"),
    ] {
        assert_eq!(identifier(text), cleaned, "{text}");
    }
    for fine in [
        "Access denied for user 'root'@'10.0.0.1' (using password: YES)",
        "no key: use the PRIMARY KEY of a table",
        "root@sys#prod at 10.0.0.1:2881",
        "at 10:20:30 the bearer of it",
        "http://[::1]:2881/a@b",
        "SET ENCRYPTION ON IDENTIFIED BY '<password of set 1>' ONLY",
        "backup_cluster_name=<cluster>&backup_cluster_id=7",
    ] {
        assert_eq!(identifier(fine), fine);
    }
}
