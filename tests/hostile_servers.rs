//! Tests of MySQL servers that violate the protocol: a fault, no secret sent, no more memory than the bounds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod buckets;
mod faulty_server;
mod scripted_server;

use std::process::Command;
use std::sync::Arc;

use buckets::authority::authority;
use obnow::backend::oceanbase::session::{Failure, Row, text};
use obnow::backend::oceanbase::{Session, WritingSession};
use obnow::demo::statement::Value as Cell;
use obnow::domain::connection::TlsMode;
use obnow::domain::fault::Fault;
use obnow::domain::secret::Secret;
use scripted_server::{
    END, MAX_PACKET_PART, NATIVE_PASSWORD, OK, Script, ScriptedServer, cells, column, error, header, switch,
};

const PASSWORD: &str = "CANARY-of-the-login-77";
/// Every question of these tests, and the view that a fault has to name.
const QUESTION: &str = "SELECT A FROM oceanbase.CDB_OB_BACKUP_SET_FILES";
const VIEW: &str = "oceanbase.CDB_OB_BACKUP_SET_FILES";

async fn log_in(server: &ScriptedServer, tls: TlsMode) -> Result<Session, Fault> {
    let password = Secret::new(PASSWORD.to_owned());
    Session::open(&scripted_server::connection(&server.endpoint, tls), Some(&password)).await
}

async fn refused(server: &ScriptedServer, tls: TlsMode) -> Fault {
    log_in(server, tls).await.err().expect("the login is not to succeed")
}

/// Returns the result of a session's first query.
async fn asked(script: Script) -> Result<Vec<Row>, Failure> {
    let server = script.listen().await;
    log_in(&server, TlsMode::Off).await.unwrap().rows(QUESTION).await
}

async fn failure(script: Script) -> Failure {
    asked(script).await.expect_err("the answer is not to be taken")
}

#[track_caller]
fn names_the_bound(failure: &Failure, bound: &str) {
    assert_eq!(failure.fault.what, format!("{VIEW} has more than is read."), "{:?}", failure.fault);
    assert!(failure.fault.why.contains(bound), "{:?}", failure.fault);
}

/// The most memory that this process has had, in MiB.
fn high_water() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
}

fn tls() -> Option<Arc<rustls::ServerConfig>> {
    let folder = tempfile::TempDir::new().unwrap();
    authority(folder.path(), "IP:127.0.0.1")
}

const OTHERS: [(&str, &str); 5] = [
    ("mysql_clear_password", "asks for the password in clear."),
    ("caching_sha2_password", "asks for the password by another way than OceanBase's."),
    ("sha256_password", "asks for the password by another way than OceanBase's."),
    ("mysql_old_password", "asks for the password by another way than OceanBase's."),
    ("", "asks for the password by another way than OceanBase's."),
];

#[track_caller]
fn asks_for(fault: &Fault, server: &ScriptedServer, plugin: &str, said: &str) {
    assert_eq!(fault.what, format!("{} {said}", server.endpoint));
    let named = if plugin.is_empty() { "a plugin without a name".to_owned() } else { format!("the plugin {plugin}") };
    assert!(fault.why.contains(&format!("It names {named};")), "{fault:?}");
    assert!(fault.why.contains("only mysql_native_password is answered"), "{fault:?}");
}

#[tokio::test]
async fn no_other_plugin_of_a_greeting_hears_a_byte() {
    let tls = tls();
    for (plugin, said) in OTHERS {
        let server = Script::greets(plugin).listen().await;
        asks_for(&refused(&server, TlsMode::Prefer).await, &server, plugin, said);
        assert_eq!(server.received(), Vec::<Vec<u8>>::new(), "{plugin}");
        let Some(tls) = &tls else { continue };
        for mode in [TlsMode::Prefer, TlsMode::Require] {
            let server = Script::greets_behind_tls(plugin, Arc::clone(tls)).listen().await;
            asks_for(&refused(&server, mode).await, &server, plugin, said);
            assert_eq!(server.received(), Vec::<Vec<u8>>::new(), "{plugin} behind TLS");
        }
    }
}

#[tokio::test]
async fn no_other_plugin_of_a_switch_is_answered() {
    let tls = tls();
    for (plugin, said) in OTHERS {
        let server = Script::greets(NATIVE_PASSWORD).receives().sends(switch(plugin)).listen().await;
        asks_for(&refused(&server, TlsMode::Off).await, &server, plugin, said);
        assert_eq!(server.received().len(), 1, "the login alone, {plugin}");
        let Some(tls) = &tls else { continue };
        let server =
            Script::greets_behind_tls(NATIVE_PASSWORD, Arc::clone(tls)).receives().sends(switch(plugin)).listen().await;
        asks_for(&refused(&server, TlsMode::Require).await, &server, plugin, said);
        assert_eq!(server.received().len(), 2, "what asks for TLS, and the login alone, {plugin}");
    }
    let server = Script::greets(NATIVE_PASSWORD).receives().sends([0xFE]).listen().await;
    asks_for(&refused(&server, TlsMode::Off).await, &server, "mysql_old_password", OTHERS[3].1);
}

/// The full login of `caching_sha2_password` sends the password itself, and a server can ask for it in the middle.
#[tokio::test]
async fn what_asks_for_more_than_the_proof_gets_nothing() {
    for more in [&[1, 4][..], &[1, 3], &[2]] {
        let server = Script::greets(NATIVE_PASSWORD).receives().sends(more).listen().await;
        assert!(refused(&server, TlsMode::Off).await.what.contains("is not an OceanBase SQL port"));
        assert_eq!(server.received().len(), 1);
        assert!(!server.received()[0].windows(6).any(|bytes| bytes == b"CANARY"));
    }
}

#[tokio::test]
async fn auth_switch_is_answered_once_with_its_challenge() {
    let server = Script::greets(NATIVE_PASSWORD)
        .receives()
        .sends(switch(NATIVE_PASSWORD))
        .receives()
        .sends(OK)
        .receives()
        .answers(&["VERSION", "ID"], &[&["5.7.25", "7"]])
        .listen()
        .await;
    assert_eq!(log_in(&server, TlsMode::Off).await.unwrap().id, 7);
    let received = server.received();
    assert_eq!(received[1].len(), 20);
    assert!(!received[0].windows(20).any(|bytes| bytes == received[1]), "another challenge has another proof");
    let again = Script::greets(NATIVE_PASSWORD)
        .receives()
        .sends(switch(NATIVE_PASSWORD))
        .receives()
        .sends(switch(NATIVE_PASSWORD))
        .listen()
        .await;
    assert!(log_in(&again, TlsMode::Off).await.is_err());
    assert_eq!(again.received().len(), 2);
}

#[tokio::test]
async fn empty_password_sends_an_empty_proof() {
    let server = Script::accepts_login().listen().await;
    assert_eq!(
        WritingSession::open(&scripted_server::connection(&server.endpoint, TlsMode::Off), None).await.unwrap().id,
        7
    );
    assert!(server.received()[0].ends_with(b"root@sys\0\0mysql_native_password\0"), "{:?}", server.received()[0]);
    // Neither several statements in one text, where something may be written, nor files of this host.
    let capabilities = u32::from_le_bytes(*server.received()[0].first_chunk().unwrap());
    assert_eq!(capabilities & (1 << 16 | 1 << 7), 0, "{capabilities:#b}");
    let server = Script::greets("mysql_clear_password").listen().await;
    assert!(Session::open(&scripted_server::connection(&server.endpoint, TlsMode::Off), None).await.is_err());
    assert_eq!(server.received(), Vec::<Vec<u8>>::new());
}

#[tokio::test]
async fn tls_is_asked_for_as_the_inventory_says() {
    let folder = tempfile::TempDir::new().unwrap();
    let Some(tls) = authority(folder.path(), "DNS:db.example.com") else { return };
    let script = |tls| {
        let inside = Script::greets_behind_tls(NATIVE_PASSWORD, tls).receives().sends(OK).receives();
        inside.answers(&["VERSION", "ID"], &[&["5.7.25", "7"]])
    };
    for (mode, ca, ends) in [
        (TlsMode::Prefer, false, Ok(())),
        (TlsMode::Require, false, Ok(())),
        (TlsMode::VerifyCa, true, Ok(())),
        (TlsMode::VerifyCa, false, Err("not signed by the CA")),
        (TlsMode::VerifyFull, true, Err("does not name this host")),
    ] {
        let server = script(Arc::clone(&tls)).listen().await;
        let mut to = scripted_server::connection(&server.endpoint, mode);
        to.ca = ca.then(|| folder.path().join("ca.pem").display().to_string());
        let outcome = Session::open(&to, Some(&Secret::new(PASSWORD.to_owned()))).await;
        match (outcome, ends) {
            (Ok(session), Ok(())) => assert_eq!(session.id, 7),
            (Err(fault), Err(why)) => assert!(fault.why.contains(why), "{mode:?}: {fault:?}"),
            (outcome, _) => panic!("{mode:?}: {:?}", outcome.err()),
        }
    }
    let without = Script::accepts_login().listen().await;
    let fault = refused(&without, TlsMode::Require).await;
    assert!(fault.why.contains("It offers no TLS"), "{fault:?}");
    assert_eq!(without.received(), Vec::<Vec<u8>>::new(), "no login without it");
}

/// Bytes that were sent in clear must not be read as if TLS had protected them.
#[tokio::test]
async fn what_is_sent_in_clear_before_tls_is_not_read_behind_it() {
    let Some(tls) = tls() else { return };
    let greeting = Script::greets_behind_tls(NATIVE_PASSWORD, tls);
    // The same packet as a server that is already inside would send, together with the greeting.
    let server = greeting.with_first_packet(&[&header(OK.len(), 2)[..], &OK].concat()).listen().await;
    let fault = refused(&server, TlsMode::Require).await;
    assert!(fault.detail.contains("in clear"), "{fault:?}");
}

#[tokio::test]
async fn a_number_of_columns_is_bounded_whatever_it_claims() {
    for count in [4_097, 1 << 40, u64::MAX] {
        let payload = [&[0xFE], &u64::to_le_bytes(count)[..], b"\0"].concat();
        names_the_bound(&failure(Script::accepts_login().receives().sends(payload)).await, "4,096 columns");
    }
}

#[tokio::test]
async fn the_length_of_a_name_is_no_promise() {
    for length in [1 << 24, 1 << 40, u64::MAX] {
        let definition = [b"\x03def\0\0\0\xfe", &u64::to_le_bytes(length)[..], b"A"].concat();
        let failure = failure(Script::accepts_login().receives().sends([1]).sends(definition)).await;
        assert!(failure.fault.what.ends_with("does not keep to the MySQL protocol."), "{:?}", failure.fault);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_without_an_end_are_read_to_the_bound() {
    names_the_bound(
        &failure(Script::accepts_login().receives().columns(&["A"]).sends_forever(cells(&["1"]))).await,
        "1,000,000 rows an answer",
    );
    let long = [&[0xFC, 0, 0xFF][..], &vec![b'x'; 0xFF00]].concat();
    names_the_bound(
        &failure(Script::accepts_login().receives().columns(&["A"]).sends_forever(long)).await,
        "64 MiB an answer",
    );
    assert!(high_water() < 512, "{} MiB", high_water());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_packet_without_an_end_is_read_to_the_bound() {
    let frame = vec![b'x'; MAX_PACKET_PART];
    let in_a_row = Script::accepts_login().receives().columns(&["A"]).sends_forever([&[0xFB], &frame[1..]].concat());
    names_the_bound(&failure(in_a_row).await, "64 MiB an answer");
    names_the_bound(
        &failure(Script::accepts_login().receives().sends([1]).sends_forever(frame.clone())).await,
        "64 MiB an answer",
    );
    let server = Script::greets(NATIVE_PASSWORD).receives().sends_forever(frame).listen().await;
    assert!(refused(&server, TlsMode::Off).await.detail.contains("16 KiB a packet of the login"));
    assert!(high_water() < 512, "{} MiB", high_water());
}

/// The value is announced and never comes: it is not waited for.
#[tokio::test]
async fn a_value_is_bounded_when_it_is_announced() {
    let announced = [&[0xFE], &u64::to_le_bytes((1 << 20) + 1)[..], b"xyz"].concat();
    let frame = [&header(2 << 20, 4)[..], &announced].concat();
    names_the_bound(
        &failure(Script::accepts_login().receives().columns(&["A"]).sends_raw(frame)).await,
        "1 MiB a value",
    );
    let behind = [&[0xFB, 3][..], b"abc", &announced].concat();
    let frame = [&header(2 << 20, 6)[..], &behind].concat();
    names_the_bound(
        &failure(Script::accepts_login().receives().columns(&["A", "B", "C"]).sends_raw(frame)).await,
        "1 MiB a value",
    );
}

#[tokio::test]
async fn the_largest_value_that_is_read_arrives_whole() {
    let value = "x".repeat(1 << 20);
    let row = [&[0xFD, 0, 0, 16], value.as_bytes()].concat();
    let rows = asked(Script::accepts_login().receives().columns(&["A"]).sends(row).sends(END)).await.unwrap();
    assert!(text(&rows[0], "A") == value, "{} bytes", text(&rows[0], "A").len());
}

#[tokio::test]
async fn an_error_of_any_length_keeps_its_code() {
    for size in [1 << 20, MAX_PACKET_PART - 9] {
        let failure = failure(Script::accepts_login().receives().sends(error(1146, &vec![b'x'; size]))).await;
        assert_eq!((failure.fault.code, failure.answered), (Some(1146), true), "{size}");
        let told = serde_json::to_string(&failure.fault).unwrap();
        assert!(told.contains("... (cut off at 16 KiB)") && told.len() < 64 << 10, "{} bytes", told.len());
    }
    let server = Script::greets(NATIVE_PASSWORD).receives().sends(error(1045, &vec![b'x'; 1 << 20])).listen().await;
    let fault = refused(&server, TlsMode::Off).await;
    assert_eq!(fault.code, Some(1045));
    assert!(serde_json::to_string(&fault).unwrap().len() < 64 << 10);
}

/// "Table does not exist" in GBK.
const GBK: &[u8] = b"\xb1\xed\xb2\xbb\xb4\xe6\xd4\xda t1";

/// What it was asked to do may have happened: a refusal is one by its code alone.
#[tokio::test]
async fn an_error_without_its_code_is_no_refusal() {
    for packet in [&[0xFF][..], &[0xFF, 0x24], &[0xFF, 0, 0]] {
        assert!(!failure(Script::accepts_login().receives().sends(packet)).await.answered, "{packet:?}");
    }
    assert!(failure(Script::accepts_login().receives().sends(error(1142, b"denied"))).await.answered);
}

#[tokio::test]
async fn an_error_in_another_character_set_keeps_its_code() {
    let failure = failure(Script::accepts_login().receives().sends(error(1146, GBK))).await;
    assert_eq!((failure.fault.code, failure.answered), (Some(1146), true));
    for script in [
        Script::greets(NATIVE_PASSWORD).receives().sends(error(1045, GBK)),
        Script::default().sends([b"\xff\x15\x04", GBK].concat()),
    ] {
        let fault = refused(&script.listen().await, TlsMode::Off).await;
        assert_eq!(fault.code, Some(1045));
        assert!(fault.what.contains("cannot log in"), "{fault:?}");
    }
}

#[tokio::test]
async fn an_answer_that_ends_too_early_is_none() {
    let definition = column("A");
    for (payload, behind) in [
        (vec![], vec![]),
        (vec![0], vec![]),
        (vec![0, 0, 0, 2], vec![]),
        (vec![0xFB, b'/', b'e', b't', b'c'], vec![]),
        (vec![0xFC, 1], vec![]),
        (vec![0xFF, 0xFF], vec![]),
        (vec![0xFE, 0], vec![]),
        (vec![1], vec![definition[..5].to_vec()]),
        (vec![1], vec![definition.clone(), definition.clone()]),
        (vec![1], vec![definition.clone(), END.to_vec(), vec![5, b'x']]),
        (vec![1], vec![definition.clone(), END.to_vec(), vec![1, b'x', 1, b'y']]),
        (vec![1], vec![definition.clone(), END.to_vec(), vec![0xFC, 1]]),
        (vec![1], vec![definition, END.to_vec(), vec![0xFE, 0]]),
    ] {
        let told = format!("{payload:?} {behind:?}");
        let script = behind.into_iter().fold(Script::accepts_login().receives().sends(payload), Script::sends);
        assert!(asked(script.closes()).await.is_err(), "{told}");
    }
}

/// Wherever a connection breaks, that is a fault.
#[tokio::test]
async fn a_conversation_may_end_after_each_byte() {
    let whole = [header(1, 1).to_vec(), vec![1], header(column("A").len(), 2).to_vec(), column("A")].concat();
    let whole =
        [whole, [&header(5, 3)[..], &END, &header(2, 4), &cells(&["1"]), &header(5, 5), &END].concat()].concat();
    for end in 0..whole.len() {
        let failure = failure(Script::accepts_login().receives().sends_raw(&whole[..end]).closes()).await;
        assert!(!failure.answered, "{end}: {failure:?}");
    }
    assert_eq!(asked(Script::accepts_login().receives().sends_raw(whole)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn packets_out_of_sequence_are_no_answer() {
    let frame = |sequence| [&header(OK.len(), sequence)[..], &OK].concat();
    for sequence in [0, 2, 255] {
        let failure = failure(Script::accepts_login().receives().sends_raw(frame(sequence))).await;
        assert!(failure.fault.why.contains("a packet is out of sequence"), "{sequence}: {:?}", failure.fault);
    }
    let server = Script::greets(NATIVE_PASSWORD).receives().sends_raw(frame(3)).listen().await;
    assert!(refused(&server, TlsMode::Off).await.what.contains("is not an OceanBase SQL port"));
    let http = Script::default().sends_raw(*b"HTTP/1.1 400 Bad Request\r\n").listen().await;
    assert!(refused(&http, TlsMode::Off).await.what.contains("is not an OceanBase SQL port"));
}

/// The program itself: a target that is not known, and neither an abort nor the words of a panic.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_outlives_a_server_that_claims_too_much() {
    let count = [&[0xFE], &u64::to_le_bytes(1 << 40)[..], b"\0"].concat();
    let name = [b"\x03def\0\0\0\xfe", &u64::to_le_bytes(u64::MAX)[..], b"A"].concat();
    for (script, shown, said) in [
        (Script::accepts_login().receives().sends(count), "unknown", "4,096 columns"),
        (
            Script::accepts_login().receives().sends([1]).sends(name),
            "unreachable",
            "does not keep to the MySQL protocol",
        ),
    ] {
        let server = script.listen().await;
        let state = tempfile::TempDir::new().unwrap();
        let mut obnow = Command::new(env!("CARGO_BIN_EXE_obnow"));
        obnow.args(["targets", "--json", "--host", &server.endpoint, "--password-from", "env:PW", "--state"]);
        obnow.arg(state.path()).env("PW", PASSWORD);
        let ran = tokio::task::spawn_blocking(move || obnow.output().unwrap()).await.unwrap();
        let told = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert_eq!(ran.status.code(), Some(0), "{:?}: {told}", ran.status);
        assert!(told.contains(said) && told.contains(&format!("\"state\":\"{shown}\"")), "{told}");
        assert!(!told.contains("panic") && !told.contains("mistake in obnow") && !told.contains(PASSWORD), "{told}");
    }
}

/// What grows with every day of a site is an answer for a few tenants, and of the log no round that no set needs any more.
#[test]
fn sets_and_pieces_are_read_for_needed_tenants_only() {
    let servers = faulty_server::FaultyServers::new();
    let tampering = faulty_server::Tampering::rows(|view, answer| {
        let mut rows = answer?;
        if view == "CDB_OB_ARCHIVELOG_SUMMARY" {
            let mut past = rows.clone();
            for row in &mut past {
                for (column, value) in [("ROUND_ID", 900), ("START_SCN", 1_000), ("CHECKPOINT_SCN", 2_000)] {
                    row.insert(column, Cell::Integer(value));
                }
                row.insert("STATUS", Cell::Text("STOP".to_owned()));
            }
            rows.extend(past);
        }
        Ok(rows)
    });
    let received = Arc::clone(&tampering.received);
    let port = servers.tampered(tampering);
    let state = tempfile::TempDir::new().unwrap();
    let mut obnow = Command::new(env!("CARGO_BIN_EXE_obnow"));
    obnow.args(["targets", "--host", &format!("127.0.0.1:{port}"), "--password-from", "env:PW", "--state"]);
    let ran = obnow.arg(state.path()).env("PW", faulty_server::PASSWORD).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let received = received.lock().unwrap();
    let asked = |view: &str| -> Vec<String> {
        let behind =
            |sql: &String| sql.split_once(&format!(" FROM oceanbase.{view} WHERE ")).map(|(_, rest)| rest.to_owned());
        received.iter().filter_map(behind).collect()
    };
    let (sets, pieces) = (asked("CDB_OB_BACKUP_SET_FILES"), asked("CDB_OB_ARCHIVELOG_PIECE_FILES"));
    for asked in [&sets, &pieces] {
        assert!(asked.len() == 1 && asked[0].starts_with("TENANT_ID IN (1002, 1004, 1006, 1008) "), "{received:#?}");
    }
    assert!(pieces.iter().all(|rest| !rest.contains("900")), "{pieces:#?}");
    assert!(pieces.iter().any(|rest| rest.contains(" AND ROUND_ID IN (1) ")), "{pieces:#?}");
}

/// Tenants whose rows exceed a limit only together are all read; one that exceeds it alone hides no other.
#[test]
fn tenants_beyond_a_limit_are_read_one_by_one() {
    let (sets, pieces) = ("CDB_OB_BACKUP_SET_FILES", "CDB_OB_ARCHIVELOG_PIECE_FILES");
    for (view, number, column, tenants, reads_order) in
        [(sets, "BACKUP_SET_ID", "PATH", &[1002, 1004][..], true), (pieces, "PIECE_ID", "FILE_STATUS", &[1004], false)]
    {
        let tampering = faulty_server::Tampering::rows(move |asked, answer| {
            let mut rows = answer?;
            let of = |id: i128| rows.iter().find(|row| row.get("TENANT_ID") == Some(&Cell::Integer(id))).cloned();
            let first = tenants.iter().filter(|_| asked == view).filter_map(|id| of(*id));
            let mut long: Vec<_> = first.flat_map(|row| std::iter::repeat_n(row, 70 / tenants.len())).collect();
            for (row, id) in long.iter_mut().zip(1_000..) {
                row.insert("FILE_STATUS", Cell::Text("DELETED".to_owned()));
                row.insert(number, Cell::Integer(id));
                row.insert(column, Cell::Text("x".repeat(1_000_000)));
            }
            rows.extend(long);
            Ok(rows)
        });
        let heard = Arc::clone(&tampering.received);
        let servers = faulty_server::FaultyServers::new();
        let port = servers.tampered(tampering);
        let state = tempfile::TempDir::new().unwrap();
        let mut obnow = Command::new(env!("CARGO_BIN_EXE_obnow"));
        obnow.args([
            "targets",
            "--json",
            "--host",
            &format!("127.0.0.1:{port}"),
            "--password-from",
            "env:PW",
            "--state",
        ]);
        let ran = obnow.arg(state.path()).env("PW", faulty_server::PASSWORD).output().unwrap();
        let events = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "{events}{}", String::from_utf8_lossy(&ran.stderr));
        let alone = |sql: &&String| sql.contains(view) && sql.contains("TENANT_ID IN (1004) ");
        assert_eq!(heard.lock().unwrap().iter().filter(alone).count(), 1, "the limit was not exceeded: {events}");
        for (tenant, is_read) in [("pay", true), ("order", reads_order), ("report", true)] {
            let name = format!("\"target\":\"127.0.0.1/{tenant}\"");
            let event = events.lines().find(|line| line.contains(&name)).unwrap_or_default();
            assert_eq!(event.contains("\"restorable_to\":\"2"), is_read, "{view} of {tenant}: {event}");
        }
    }
}
