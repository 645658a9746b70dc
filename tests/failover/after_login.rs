//! Tests of a server, or a proxy in front of it, that accepts the login and breaks later.

use crate::fleet::DemoFleet;
use crate::proxy::BreakPoint;
use crate::{BACKUP, through};

const LIMIT: &str = "SET SESSION ob_query_timeout";

/// An entry that only reads refuses every SET: what it shows is shown, and nothing is written through it.
#[test]
fn refused_query_timeout_makes_the_server_read_only() {
    let fleet = DemoFleet::serve("healthy");
    let proxies = through(&fleet, 1, &[]);
    proxies[0].replaces(LIMIT, "XET SESSION ob_query_timeout");
    fleet.json(&["check", "demo/pay"]).exits(0);
    let listed = fleet.json(&["targets"]).exits(0);
    assert!(listed.of_kind("target").iter().any(|row| row["target"] == "demo/pay" && row["eligible"] == true));
    assert!(proxies[0].broken_statements() > 0);
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
fn break_after_login_names_the_statement() {
    let fleet = DemoFleet::serve("healthy");
    let proxies = through(&fleet, 1, &[]);
    proxies[0].break_first(LIMIT, BreakPoint::CutBeforeSend);
    let broken = fleet.json(&["check", "demo/pay"]).exits(14);
    assert_eq!(proxies[0].broken_statements(), 1);
    let [what, why, next] = broken.fault();
    assert!(what.ends_with(" broke off the connection."), "{what}");
    let begins =
        "The login had succeeded; the connection broke before this was answered: SET SESSION ob_query_timeout = ";
    assert!(why.starts_with(begins), "{why}");
    assert!(next.starts_with("Look at the log of the server, or of the proxy"), "{next}");
}

/// The result of the query is optional, but the connection is not: why it broke is the reported cause.
#[test]
fn optional_query_that_breaks_the_session_is_named() {
    let fleet = DemoFleet::serve("healthy");
    let proxies = through(&fleet, 1, &[]);
    proxies[0].break_first("SELECT TENANT_ID, DEST_ID, ROUND_ID, PIECE_ID", BreakPoint::CutBeforeSend);
    let broken = fleet.json(&["check", "demo/pay"]).exits(14);
    assert_eq!(proxies[0].broken_statements(), 1);
    let [what, why, _] = broken.fault();
    assert!(what.ends_with(" broke off the connection."), "{what}");
    assert!(why.contains("before this was answered: SELECT TENANT_ID, DEST_ID, ROUND_ID, PIECE_ID"), "{why}");
}

/// Taken for sys, a tenant's login would be asked for what it cannot do, and statements would be formed for sys.
#[test]
fn a_tenant_that_the_server_does_not_name_is_no_sys() {
    let fleet = DemoFleet::serve("healthy");
    let proxies = through(&fleet, 1, &[]);
    proxies[0].replaces("EFFECTIVE_TENANT_ID() AS ID", "EFFECTIVE_TENANT_ID() AS IX");
    let refused = fleet.json(&["check", "demo/pay"]).exits(10);
    assert!(proxies[0].broken_statements() > 0);
    let [what, why, _] = refused.fault();
    assert!(what.starts_with("The tenant of the login at 127.0.0.1:"), "{what}");
    assert_eq!(why, "It answers EFFECTIVE_TENANT_ID() with something that is no tenant's id.");
}
