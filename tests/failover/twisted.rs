//! A server, or a proxy before it, that takes the login and not everything after it.

use crate::fleet::Fleet;
use crate::proxy::Does;
use crate::{BACKUP, through};

const LIMIT: &str = "SET SESSION ob_query_timeout";

/// An entry that only reads refuses every SET: what it shows is shown, and nothing is written through it.
#[test]
fn a_server_that_refuses_the_limit_is_read_and_not_written_to() {
    let fleet = Fleet::serve("healthy");
    let proxies = through(&fleet, 1, &[]);
    proxies[0].replaces(LIMIT, "XET SESSION ob_query_timeout");
    fleet.json(&["check", "demo/pay"]).exits(0);
    let listed = fleet.json(&["targets"]).exits(0);
    assert!(listed.of_kind("target").iter().any(|row| row["target"] == "demo/pay" && row["eligible"] == true));
    assert!(proxies[0].hits() > 0);
    let storage = format!("file://{}", fleet.folder().join("data/elsewhere").display());
    let moving = [&BACKUP[..], &["--storage", &storage]].concat();
    for backup in [&BACKUP[..], &moving] {
        let refused = fleet.run(backup).exits(15);
        let [what, why, next] = refused.fault();
        assert!(what.starts_with("Nothing is written through 127.0.0.1:"), "{what}");
        assert!(why.starts_with("It refuses SET SESSION ob_query_timeout, which ends a statement"), "{why}");
        assert!(next.contains("that is not read only"), "{next}");
    }
    assert_eq!(fleet.statements(), Vec::<String>::new());
}

#[test]
fn a_connection_that_breaks_after_the_login_is_told_with_the_statement() {
    let fleet = Fleet::serve("healthy");
    let proxies = through(&fleet, 1, &[]);
    proxies[0].breaks(LIMIT, Does::CutBeforeSend);
    let broken = fleet.json(&["check", "demo/pay"]).exits(14);
    assert_eq!(proxies[0].hits(), 1);
    let [what, why, next] = broken.fault();
    assert!(what.ends_with(" broke off the connection."), "{what}");
    let begins =
        "The login had succeeded; the connection broke before this was answered: SET SESSION ob_query_timeout = ";
    assert!(why.starts_with(begins), "{why}");
    assert!(next.starts_with("Look at the log of the server, or of the proxy"), "{next}");
}

/// What the question was about can be done without; the connection cannot, and why it broke is the cause.
#[test]
fn a_question_that_can_be_done_without_and_breaks_the_connection_is_the_cause() {
    let fleet = Fleet::serve("healthy");
    let proxies = through(&fleet, 1, &[]);
    proxies[0].breaks("SELECT TENANT_ID, DEST_ID, ROUND_ID, PIECE_ID", Does::CutBeforeSend);
    let broken = fleet.json(&["check", "demo/pay"]).exits(14);
    assert_eq!(proxies[0].hits(), 1);
    let [what, why, _] = broken.fault();
    assert!(what.ends_with(" broke off the connection."), "{what}");
    assert!(why.contains("before this was answered: SELECT TENANT_ID, DEST_ID, ROUND_ID, PIECE_ID"), "{why}");
}

/// Taken for sys, a tenant's login would be asked for what it cannot do, and statements would be formed for sys.
#[test]
fn a_tenant_that_the_server_does_not_name_is_no_sys() {
    let fleet = Fleet::serve("healthy");
    let proxies = through(&fleet, 1, &[]);
    proxies[0].replaces("EFFECTIVE_TENANT_ID() AS ID", "EFFECTIVE_TENANT_ID() AS IX");
    let refused = fleet.json(&["check", "demo/pay"]).exits(10);
    assert!(proxies[0].hits() > 0);
    let [what, why, _] = refused.fault();
    assert!(what.starts_with("The tenant of the login at 127.0.0.1:"), "{what}");
    assert_eq!(why, "It answers EFFECTIVE_TENANT_ID() with something that is no tenant's id.");
}
