//! Parses every rendered statement, and every printed one that is made of facts, with real parsers beside the embedded one: that
//! of V4.3.5, and the grammar of all releases.

use super::*;
use crate::domain::cluster_backup::CompactionRule;
use crate::domain::facts::{BaseRule, TenantFacts};
use crate::domain::outcome::{Assessment, assess};
use crate::domain::restorable::BackupSet;
use crate::domain::samples::{legacy, round, target};
use crate::domain::step::StepKind;
use crate::domain::time_zone::ServerTimeZone;
use crate::domain::version::Version;
use engine::odc_grammar;
use engine::parser::{WRONG, parser_codes};

#[path = "../../../../../tests/engine/mod.rs"]
mod engine;

/// Result codes of a parsed statement: executed, no such tenant, not supported by this engine, invalid argument.
const PARSED_CODES: [u32; 4] = [0, 5160, 1235, 1210];

#[test]
fn a_real_server_parses_every_statement() {
    let names: [&[&str]; 4] = [&["t1", "t2"], &["it's", "a`b"], &["支付 1", "\"q\"", "a\\"], &["select", "#", "-- x"]];
    let mut texts: Vec<String> = Vec::new();
    for tenants in names {
        for uri in ["file:///b/data", "oss://b/p-1/x?host=h.x&access_id=i"] {
            let all = every_statement(tenants, uri);
            // This engine's grammar has no RESTORE.
            let known = all.iter().filter(|statement| !statement.to_string().starts_with("ALTER SYSTEM RESTORE "));
            texts.extend(known.map(|statement| statement.wire_text(&secrets()).unwrap().expose().to_owned()));
        }
    }
    texts.sort();
    texts.dedup();
    all_parse(&texts);
    let Some(codes) = parser_codes(&texts) else { return };
    let wrong: Vec<String> = texts
        .iter()
        .zip(codes)
        .filter(|(_, code)| !PARSED_CODES.contains(code))
        .map(|(text, code)| format!("{code}: {text}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Checks that all texts parse by the grammar of all releases.
fn all_parse(texts: &[String]) {
    let Some(found) = odc_grammar::parses(texts) else { return };
    let wrong: Vec<&String> = texts.iter().zip(found).filter(|(_, parses)| !parses).map(|(text, _)| text).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Below V4 no statement names a tenant, except the backup of tenants of V3.2.
#[test]
fn the_statements_of_the_older_lines_parse() {
    let mut texts = Vec::new();
    for (release, of_tenants) in
        [("2.2.60", false), ("2.2.77", false), ("3.1.0", false), ("3.1.5", false), ("3.2.4", true)]
    {
        let detected = Detected::read(&format!("OceanBase {release}")).unwrap();
        let dialect = Dialect { profile: ReleaseProfile::for_version(&detected.version).unwrap(), scope: Scope::Sys };
        let to = |uri| Some(crate::domain::plan::BackupTo { destination: place(uri), access_key: None });
        let start =
            |mode, to| Action::StartBackup { mode, plus_archivelog: false, encrypt: Some(SecretSource::Stdin), to };
        let mut acts = vec![
            data("oss://b/p-1?host=h&access_id=i"),
            Action::StopArchiving,
            Action::StartArchiving,
            Action::Compact,
            start(Mode::Full, None),
            start(Mode::Incremental, None),
        ];
        acts.extend(of_tenants.then(|| start(Mode::Full, to("file:///b/{run}"))));
        for of in acts {
            let all =
                render_action(dialect, &of, &["fund-2", "a`b"], RunId { task: "t1", attempt: 1, part: None }).unwrap();
            texts.extend(all.iter().map(|statement| statement.wire_text(&secrets()).unwrap().expose().to_owned()));
        }
        texts.push(render_cancel(dialect, &["fund-2"]).unwrap().to_string());
    }
    all_parse(&texts);
    assert!(texts.iter().any(|text| text.contains("BACKUP TENANT `fund-2`, `a``b` TO 'file:///b/t1.1'")), "{texts:?}");
}

/// What a plan shows is what is sent, for every kind of cluster.
#[test]
fn every_previewed_statement_parses() {
    let mut texts = Vec::new();
    let storage = Some(wanted(Some("file:///new-1"), None, StorageSource::Given));
    let mut off = other_tenant(1002, "fund-2");
    off.archive = crate::domain::samples::archive(None);
    let broken = |at: u64, status| {
        let mut tenant = other_tenant(1002 + 2 * at, &format!("select {at}`"));
        tenant.archive = crate::domain::samples::archive(Some(status));
        tenant
    };
    let statuses = ["DOING", "STOP", "SUSPEND", "INTERRUPTED"];
    let tenants = std::iter::once(off).chain((1..).zip(statuses).map(|(at, status)| broken(at, status)));
    let v4 = cluster(tenants.collect());
    let choices = Choices { storage, encrypt: Some(SecretSource::Stdin), ..choose(&["prod"], Mode::Full) };
    let shown = render_plan(line(), &plan(&v4, &choices).unwrap(), "t1", 1).unwrap();
    texts.extend(shown.into_iter().flat_map(|step| step.statements));
    let v3 = legacy("3.1.2", CompactionRule::Enforced, 100_000);
    let detected = Detected::read("OceanBase 3.1.2").unwrap();
    let dialect = Dialect { profile: ReleaseProfile::for_version(&detected.version).unwrap(), scope: Scope::Sys };
    let choices =
        Choices { compact: crate::domain::choices::CompactionChoice::Auto, ..choose(&["legacy"], Mode::Full) };
    let choices = Choices { storage: Some(wanted(Some("file:///new"), None, StorageSource::Given)), ..choices };
    let shown = render_plan(dialect, &plan(&v3, &choices).unwrap(), "t1", 1).unwrap();
    assert!(shown.iter().any(|step| step.step == StepKind::Compact && !step.statements.is_empty()));
    texts.extend(shown.into_iter().flat_map(|step| step.statements));
    assert!(texts.len() > 15, "{texts:#?}");
    all_parse(&texts);
}

/// Returns the statements of restore instructions with their placeholders filled in.
fn recipe(tenant: &TenantFacts) -> Vec<String> {
    let Assessment::Final(outcome) = assess(tenant, &target("prod/pay"), 1, false, &ServerTimeZone::fixed(0)) else {
        unreachable!("it is there")
    };
    let (mut restores, mut keys) = (Vec::new(), Vec::new());
    for line in outcome.restore_instructions {
        let fill_template = line.replace("<new_tenant>", "pay_2").replace(['<', '>'], "");
        if fill_template.starts_with("ALTER SYSTEM RESTORE") {
            restores.push(fill_template);
        } else if let Some((statement, _)) = fill_template.split_once(" first: ") {
            keys.push(statement.to_owned());
        }
    }
    assert_eq!((restores.len(), keys.len()), (1, 1), "{restores:?} {keys:?}");
    restores.extend(keys);
    restores
}

#[test]
fn every_restore_instruction_parses() {
    let mut texts = Vec::new();
    let mut pay = tenant(1002, "fund-2");
    pay.archive.rounds = vec![round("DOING")];
    let set = BackupSet { encryption_mode: "PASSWORD".into(), path: "oss://b/it's?host=h".into(), ..full(1) };
    for (version, made_at) in
        [([4, 0, 0, 0], "4.0.0.0"), ([4, 1, 0, 2], "4.1.0.2"), ([4, 2, 5, 1], "4.2.5.0"), ([4, 3, 5, 0], "4.2.5.0")]
    {
        pay.version = Version::oceanbase(version, None);
        pay.sets = vec![BackupSet { data_version: Some(made_at.into()), plus_archivelog: true, ..set.clone() }];
        texts.extend(recipe(&pay));
        let alone = crate::domain::samples::archive(None);
        texts.extend(recipe(&TenantFacts { archive: alone, ..pay.clone() }));
    }
    all_parse(&texts);
    // The engine of V4.3.5 has no RESTORE, but the passwords of one.
    let keys: Vec<&String> = texts.iter().filter(|text| text.starts_with("SET DECRYPTION")).collect();
    if let Some(codes) = parser_codes(&keys) {
        assert!(codes.iter().all(|code| *code != WRONG), "{keys:?}");
    }
    pay.base = BaseRule::Round { most: 64 };
    pay.sets = vec![BackupSet { path: "file:///b".into(), ..set }];
    for name in ["fund-2", "select", "a`b"] {
        pay.name = name.into();
        let of_v3 = recipe(&pay);
        assert!(is_v3_restore(&of_v3[0]), "{}", of_v3[0]);
        all_parse(&of_v3[1..]);
    }
    for slip in ["fund-2", "'pay'", "`a``"] {
        let unquoted = format!("ALTER SYSTEM RESTORE t FROM {slip} AT 'file:///b' UNTIL '2026' WITH 'x'");
        assert!(!is_v3_restore(&unquoted), "{unquoted}");
    }
}

/// Neither real parser has the RESTORE of V3. Its rule (V3.1.5 source, `sql_parser_mysql_mode.y`): RESTORE name FROM name AT
/// text UNTIL text WITH text.
fn is_v3_restore(statement: &str) -> bool {
    use crate::demo::lexer::{TokenKind, tokenize};
    let Ok(tokens) = tokenize(statement) else { return false };
    let dialect = ["alter", "system", "restore", "", "from", "", "at", "'", "until", "'", "with", "'"];
    let fits = |(token, wanted): (&crate::demo::lexer::Token, &&str)| match (&token.kind, *wanted) {
        (TokenKind::SingleQuoted(_), "'") | (TokenKind::Word(_) | TokenKind::Backticked(_), "") => true,
        (TokenKind::Word(word), wanted) => word.eq_ignore_ascii_case(wanted),
        _ => false,
    };
    tokens.len() == dialect.len() && tokens.iter().zip(&dialect).all(fits)
}

/// Possible mistakes in a template; both parsers refuse each of them, so that none passes unnoticed.
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
        "SET DECRYPTION IDENTIFIED BY 'x' ONLY",
        "SHOW RESTORE PREVIEWS",
        "ALTER SYSTEM RESTORE `t` FROM 'file:///x' UNTIL SCN = 0 PREVIEW",
        "ALTER SYSTEM RESTORE FROM 'file:///x', 'file:///y' UNTIL SCN = 0 PREVIEW",
        "ALTER SYSTEM RESTORE FROM 'file:///x' UNTIL SCN = '0' PREVIEW",
    ];
    for slip in slips {
        assert_eq!(parse("4.2.5", slip).map_err(|error| error.code), Err(1064), "{slip}");
    }
    if let Some(found) = odc_grammar::parses(&slips) {
        for (slip, parses) in slips.iter().zip(found) {
            assert!(!parses, "{slip}");
        }
    }
    let Some(codes) = parser_codes(&slips) else { return };
    for (slip, code) in slips.iter().zip(codes) {
        assert_eq!(code, WRONG, "{slip}");
    }
}
