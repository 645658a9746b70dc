//! Tests of multi-statement queries: which results are used, what is queried again alone, and how many round trips are saved.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod engine;
mod fleet;
#[path = "fleet/proxy.rs"]
mod proxy;
mod scripted_server;

use std::collections::BTreeMap;

use engine::SERVER;
use engine::seekdb::{PASSWORD, Seekdb};
use fleet::DemoFleet;
use obnow::backend::oceanbase::session::{Failure, Purpose, Row, TypedSession, text};
use obnow::backend::oceanbase::{Session, WritingSession};
use obnow::domain::connection::{Connection, TlsMode};
use obnow::domain::secret::Secret;
use proxy::{BreakPoint, Proxy};
use scripted_server::{OK, Script, ScriptedServer, error};
use serde_json::Value;

/// The question that tries it, and what it is sent as.
const TRIAL: &str = "SELECT EFFECTIVE_TENANT_ID() AS ID";
const TWICE: &str = "SELECT EFFECTIVE_TENANT_ID() AS ID; SELECT EFFECTIVE_TENANT_ID() AS ID";
const QUESTIONS: [&str; 3] =
    ["SELECT A FROM oceanbase.FIRST", "SELECT A FROM oceanbase.SECOND", "SELECT A FROM oceanbase.THIRD"];
const TOGETHER: &str = "SELECT A FROM oceanbase.FIRST; SELECT A FROM oceanbase.SECOND; SELECT A FROM oceanbase.THIRD";

fn to(endpoint: &str) -> Connection {
    scripted_server::connection(endpoint, TlsMode::Off)
}

async fn logged_in<P: Purpose>(server: &ScriptedServer) -> TypedSession<P> {
    TypedSession::open(&to(&server.endpoint), None).await.unwrap()
}

/// Tries it on the server of this script, then asks three questions together.
async fn asked(script: Script) -> (Vec<Result<Vec<String>, Failure>>, Vec<String>) {
    let server = script.listen().await;
    let mut session: Session = logged_in(&server).await;
    assert_eq!(first_column(&session.query_testing_multi_statements(TRIAL).await.unwrap()), ["1"]);
    let answers = session.query_all(&QUESTIONS).await;
    let answers = answers.into_iter().map(|answer| answer.map(|rows| first_column(&rows)));
    (answers.collect(), texts(&server))
}

fn first_column(rows: &[Row]) -> Vec<String> {
    rows.iter().map(|row| row.first().unwrap().into_owned()).collect()
}

/// Returns the query texts after the login and after the first query of a session.
fn texts(server: &ScriptedServer) -> Vec<String> {
    let received = server.received();
    assert!(received.iter().skip(1).all(|packet| packet[0] == 3), "questions alone");
    received.iter().skip(2).map(|packet| String::from_utf8(packet[1..].to_vec()).unwrap()).collect()
}

fn id(script: Script) -> Script {
    script.answers(&["ID"], &[&["1"]])
}

/// A server that accepts several statements; the client's trial query has passed.
fn taken() -> Script {
    id(Script::accepts_login().receives().answers_with_more(&["ID"], &[&["1"]]))
}

fn answers(script: Script, values: &[&str]) -> Script {
    values.iter().fold(script, |script, value| script.receives().answers(&["A"], &[&[value]]))
}

#[tokio::test]
async fn where_it_is_taken_questions_are_one_text() {
    let script = taken().receives().answers_with_more(&["A"], &[&["1"], &["2"]]).answers_with_more(&["A"], &[]);
    let (answers, texts) = asked(script.answers(&["A"], &[&["3"]])).await;
    let answers: Vec<Vec<String>> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers, [vec!["1", "2"], vec![], vec!["3"]]);
    assert_eq!(texts, [TWICE, TOGETHER]);
}

/// Whatever a proxy makes of the first text with two questions, what was asked is known, and each question is alone from then on.
#[tokio::test]
async fn where_it_is_not_taken_each_question_is_a_text() {
    let refused = || Script::accepts_login().receives().sends(error(1064, b"syntax error"));
    for trial in [
        refused(),
        id(Script::accepts_login().receives()),
        Script::accepts_login().receives().answers_with_more(&["ID"], &[&["1"]]).sends(error(1064, b"syntax error")),
        Script::accepts_login().receives().answers_with_more(&["ID"], &[&["1"]]).answers(&["ID"], &[&["2"]]),
    ] {
        let (answers, texts) = asked(answers(id(trial.receives()), &["1", "2", "3"])).await;
        let answers: Vec<Vec<String>> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, [["1"], ["2"], ["3"]]);
        assert_eq!(texts, [TWICE, TRIAL, QUESTIONS[0], QUESTIONS[1], QUESTIONS[2]]);
    }
}

#[tokio::test]
async fn what_an_error_leaves_unanswered_is_asked_again_alone() {
    let denied = || error(1142, b"SELECT command denied");
    let script = taken().receives().answers_with_more(&["A"], &[&["1"]]).sends(denied());
    let (answers, texts) = asked(script.receives().sends(denied()).receives().answers(&["A"], &[&["3"]])).await;
    assert_eq!(answers[0].as_ref().unwrap(), &["1"]);
    let refused = answers[1].as_ref().unwrap_err();
    assert_eq!((refused.fault.code, refused.answered), (Some(1142), true));
    assert_eq!(answers[2].as_ref().unwrap(), &["3"]);
    assert_eq!(texts, [TWICE, TOGETHER, QUESTIONS[1], QUESTIONS[2]]);
}

/// A refusal that the question alone does not get is of the text, as at a limit of its time: no more such texts.
#[tokio::test]
async fn a_refusal_is_believed_of_a_question_alone() {
    for code in [1064, 4012] {
        let script = taken().receives().answers_with_more(&["A"], &[&["1"]]).sends(error(code, b"of the text"));
        let server = answers(script, &["2", "3", "1", "2"]).listen().await;
        let mut session: Session = logged_in(&server).await;
        session.query_testing_multi_statements(TRIAL).await.unwrap();
        let found = session.query_all(&QUESTIONS).await;
        let found: Vec<Vec<String>> = found.into_iter().map(|rows| first_column(&rows.unwrap())).collect();
        assert_eq!(found, [["1"], ["2"], ["3"]]);
        assert!(session.query_all(&QUESTIONS[..2]).await.iter().all(Result::is_ok));
        assert_eq!(texts(&server)[2..], [QUESTIONS[1], QUESTIONS[2], QUESTIONS[0], QUESTIONS[1]]);
    }
}

#[tokio::test]
async fn what_ends_short_is_asked_again_alone() {
    let script = taken().receives().answers_with_more(&["A"], &[&["1"]]).answers(&["A"], &[&["2"]]);
    let (found, texts) = asked(answers(script, &["3"])).await;
    let found: Vec<Vec<String>> = found.into_iter().map(Result::unwrap).collect();
    assert_eq!(found, [["1"], ["2"], ["3"]]);
    assert_eq!(texts, [TWICE, TOGETHER, QUESTIONS[2]]);
}

/// The fault names the view whose answer was awaited, and no view is empty for want of an answer.
#[tokio::test]
async fn after_a_break_nothing_is_read_and_nothing_is_empty() {
    let begun = || taken().receives().answers_with_more(&["A"], &[&["1"]]);
    for (script, what) in [(begun().closes(), "broke off the connection."), (begun().sends(OK), "does not keep to")] {
        let (answers, texts) = asked(script).await;
        assert_eq!(answers[0].as_ref().unwrap(), &["1"]);
        for answer in &answers[1..] {
            let failure = answer.as_ref().unwrap_err();
            assert!(!failure.answered && failure.fault.what.contains(what), "{failure:?}");
            assert!(failure.fault.why.contains("oceanbase.SECOND"), "{failure:?}");
        }
        assert_eq!(texts, [TWICE, TOGETHER]);
    }
}

/// A text in quotes may have a semicolon, and who splits it wrongly would carry out its end.
#[tokio::test]
async fn what_somebody_could_split_is_a_text_of_its_own() {
    let odd = "SELECT A FROM oceanbase.FIRST WHERE B IN ('x; y')";
    for pair in [[QUESTIONS[0], odd], [QUESTIONS[0], "SET SESSION time_zone = '+00:00'"]] {
        let server = answers(taken(), &["1", "2"]).listen().await;
        let mut session: Session = logged_in(&server).await;
        session.query_testing_multi_statements(TRIAL).await.unwrap();
        assert!(session.query_all(&pair).await.iter().all(Result::is_ok));
        assert_eq!(texts(&server)[1..], pair);
    }
}

/// The bit of the login that asks for it.
fn asks_for_several(server: &ScriptedServer) -> bool {
    server.received()[0][2] & 1 != 0
}

#[tokio::test]
async fn a_connection_that_may_write_has_one_statement_a_text() {
    let server = answers(id(Script::accepts_login().receives()), &["1", "2", "3"]).listen().await;
    let mut session: WritingSession = logged_in(&server).await;
    session.query_testing_multi_statements(TRIAL).await.unwrap();
    assert!(session.query_all(&QUESTIONS).await.iter().all(Result::is_ok));
    assert_eq!(texts(&server), [TRIAL, QUESTIONS[0], QUESTIONS[1], QUESTIONS[2]]);
    assert!(!asks_for_several(&server));
    let server = Script::accepts_login().listen().await;
    let _session: Session = logged_in(&server).await;
    assert!(asks_for_several(&server));
}

/// A fleet whose first cluster is reached through this proxy alone.
fn through(scenario: &str) -> (DemoFleet, Proxy) {
    let fleet = DemoFleet::serve(scenario);
    let mut config: Value = serde_yaml::from_str(&std::fs::read_to_string(fleet.config()).unwrap()).unwrap();
    let endpoint = config["clusters"][0]["endpoints"][0].as_str().unwrap().to_owned();
    let proxy = Proxy::in_front_of(endpoint.rsplit(':').next().unwrap().parse().unwrap());
    config["clusters"][0]["endpoints"] = [proxy.endpoint()].into_iter().collect();
    std::fs::write(fleet.config(), serde_yaml::to_string(&config).unwrap()).unwrap();
    (fleet, proxy)
}

/// Every statement of these texts, with how often it was sent.
fn statements(texts: &[String]) -> BTreeMap<&str, usize> {
    let mut found = BTreeMap::new();
    for statement in texts.iter().flat_map(|text| text.split("; ")) {
        *found.entry(statement).or_default() += 1;
    }
    found
}

/// From the login to the filled row of a V4 cluster: the same questions in half of the texts. Where a proxy breaks off at several
/// questions in one text, they are asked one at a time.
#[test]
fn a_login_takes_half_of_the_round_trips() {
    let (fleet, proxy) = through("healthy");
    let together = fleet.run(&["targets", "--json"]).exits(0);
    let texts = proxy.texts();
    proxy.break_every("; SELECT", BreakPoint::CutBeforeSend);
    let alone = fleet.run(&["targets", "--json"]).exits(0);
    assert_eq!(proxy.broken_statements(), 1, "it is tried once");
    let one_at_a_time = proxy.texts();
    let begin = one_at_a_time.iter().position(|text| text.contains("; SELECT")).unwrap() + 1;
    let one_at_a_time = &one_at_a_time[begin..];
    assert!(one_at_a_time.iter().all(|text| !text.contains("; ")), "{one_at_a_time:#?}");
    assert_eq!((texts.len(), one_at_a_time.len()), (13, 26), "{texts:#?}\n{one_at_a_time:#?}");
    let mut asked = statements(&texts);
    // It was asked twice in the text that tried it.
    *asked.get_mut("SELECT EFFECTIVE_TENANT_ID() AS ID, EFFECTIVE_TENANT() AS NAME").unwrap() -= 1;
    // A limit and a connection's id are another's in each.
    let same = |asked: &BTreeMap<&str, usize>| -> BTreeMap<String, usize> {
        asked.iter().map(|(text, count)| (text.split(" WHERE ID IN").next().unwrap().to_owned(), *count)).collect()
    };
    assert_eq!(same(&asked), same(&statements(one_at_a_time)), "nothing is read less often");
    let names = |ran: &fleet::CommandResult| -> Vec<Value> {
        ran.events().iter().map(|event| event["target"].clone()).collect()
    };
    assert_eq!(names(&together), names(&alone));
}

#[tokio::test]
async fn a_real_server_answers_several_questions_in_one_text() {
    let Some(server) = Seekdb::start(SERVER).await else { return };
    let password = Secret::new(PASSWORD.to_owned());
    let proxy = Proxy::in_front_of(server.port);
    let mut session = Session::open(&to(&proxy.endpoint()), Some(&password)).await.unwrap();
    session.query_testing_multi_statements("SELECT CONNECTION_ID() AS ID").await.unwrap();
    let long = "SELECT REPEAT('x', 1000) AS A FROM information_schema.COLUMNS LIMIT 2000";
    let questions = [
        "SELECT 1 AS A",
        long,
        "SELECT A FROM oceanbase.NO_SUCH_VIEW",
        "DESC information_schema.TABLES",
        "SHOW GRANTS",
    ];
    let answers = session.query_all(&questions).await;
    assert_eq!(first_column(answers[0].as_ref().unwrap()), ["1"]);
    let rows = answers[1].as_ref().unwrap();
    assert!(rows.len() == 2_000 && rows.iter().all(|row| text(row, "A").len() == 1_000), "{}", rows.len());
    let missing = answers[2].as_ref().unwrap_err();
    assert_eq!((missing.fault.code, missing.answered), (Some(1146), true), "{missing:?}");
    assert!(answers[3].as_ref().unwrap().iter().any(|row| text(row, "FIELD").eq_ignore_ascii_case("TABLE_NAME")));
    assert!(!answers[4].as_ref().unwrap().is_empty());
    assert_eq!(first_column(&session.rows("SELECT 7 AS A").await.unwrap()), ["7"], "the connection goes on");
    // The trial, all five, the one that was refused, the two behind it, and the last.
    let texts = proxy.texts();
    assert_eq!(texts[2..4], [questions.join("; "), questions[2].to_owned()]);
    assert_eq!((texts[4].clone(), texts.len()), (questions[3..].join("; "), 6), "{texts:#?}");
}
