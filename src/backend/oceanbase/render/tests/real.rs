//! Every rendered statement put to a real parser of V4.3.5, beside the embedded one.

use super::*;
use engine::oracle::{WRONG, oracle};

#[path = "../../../../../tests/engine/mod.rs"]
mod engine;

/// Parsed, and then: it ran, no such tenant, not supported by this engine, invalid here.
const PARSED: [u32; 4] = [0, 5160, 1235, 1210];

#[test]
fn a_real_server_parses_every_statement() {
    let names: [&[&str]; 4] = [&["t1", "t2"], &["it's", "a`b"], &["支付 1", "\"q\"", "a\\"], &["select", "#", "-- x"]];
    let mut texts: Vec<String> = Vec::new();
    for tenants in names {
        for uri in ["file:///b/data", "oss://b/p-1/x?host=h.x&access_id=i"] {
            let all = every_statement(tenants, uri);
            texts.extend(all.iter().map(|statement| statement.wire_text(&secrets()).unwrap().expose().to_owned()));
        }
    }
    texts.sort();
    texts.dedup();
    let Some(codes) = oracle(&texts) else { return };
    let wrong: Vec<String> = texts
        .iter()
        .zip(codes)
        .filter(|(_, code)| !PARSED.contains(code))
        .map(|(text, code)| format!("{code}: {text}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Slips that a table of statements could have; both parsers refuse each of them, so a slip cannot pass unseen.
#[test]
fn both_parsers_refuse_what_is_wrong() {
    let slips = [
        "ALTER SYSTEM BACKUP TENANT = `a` DESCRIPTION = 'x' PLUS ARCHIVELOG",
        "ALTER SYSTEM BACKUP INCREMENTAL TENANTS = `a`",
        "ALTER SYSTEM BACKUP TENANT = `a`,",
        "ALTER SYSTEM BACKUP TENANT = (`a`)",
        "ALTER SYSTEM BACKUP TENANT = `a DESCRIPTION = 'x'",
        "ALTER SYSTEM BACKUP TENANT = 'it's'",
        "ALTER SYSTEM BACKUP FULL TENANT = `a`",
        "ALTER SYSTEM SET DATA_BACKUP_DEST = 'file:///x' TENANT = `a`, `b`",
        "ALTER SYSTEM SET DATA_BACKUP_DEST = file:///x TENANT = `a`",
        "ALTER SYSTEM SET LOG_ARCHIVE_DEST = 'LOCATION=file:///x' FOR TENANT = `a`",
        "ALTER SYSTEM ARCHIVELOG TENANT =",
        "ALTER SYSTEM NOARCHIVELOG FOR `a`",
        "ALTER SYSTEM CANCEL BACKUPS TENANT = `a`",
        "SET ENCRYPTION ON IDENTIFIED BY 'x'",
        "SET ENCRYPTION ON IDENTIFIED BY x ONLY",
    ];
    for slip in slips {
        assert_eq!(parse("4.2.5", slip).map_err(|error| error.code), Err(1064), "{slip}");
    }
    let Some(codes) = oracle(&slips) else { return };
    for (slip, code) in slips.iter().zip(codes) {
        assert_eq!(code, WRONG, "{slip}");
    }
}
