#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use proptest::prelude::*;

use super::super::statement::Secrets;
use super::*;
use crate::demo::grammar::parse;
use crate::demo::statement::{Alter, BackupScope, Literal, Statement as Parsed, Tenants};
use crate::domain::choices::{Choices, StorageSource};
use crate::domain::dump::ExcludedTables;
use crate::domain::plan::plan;
use crate::domain::samples::{choose, cluster, full, other_tenant, place, tenant, wanted};
use crate::domain::secret::{Secret, SecretSource};
use crate::domain::version::Detected;

mod real_parsers;

fn dialect(scope: Scope) -> Dialect<'static> {
    Dialect {
        profile: ReleaseProfile::for_version(&Detected::read("OceanBase 4.2.5.1").unwrap().version).unwrap(),
        scope,
    }
}

/// Returns the dialect of a sys login.
fn line() -> Dialect<'static> {
    dialect(Scope::Sys)
}

/// Returns the dialect of a tenant's own login.
fn own() -> Dialect<'static> {
    dialect(Scope::Tenant)
}

/// Returns the run id of an attempt of task `t1`, whose plan has one part.
fn run(attempt: u32) -> RunId<'static> {
    RunId { task: "t1", attempt, part: None }
}

fn shown(of: &Action, tenants: &[&str]) -> Vec<String> {
    render_action(line(), of, tenants, run(2)).unwrap().iter().map(ToString::to_string).collect()
}

fn data(uri: &str) -> Action {
    Action::SetDataDestination { destination: place(uri), access_key: None }
}

fn archive(value: &str) -> Action {
    Action::SetArchiveDestination { destination: ArchiveDest::parse_server(value).unwrap(), access_key: None }
}

fn start(mode: Mode, plus_archivelog: bool, encrypted: bool) -> Action {
    Action::StartBackup { mode, plus_archivelog, encrypt: encrypted.then_some(SecretSource::Stdin), to: None }
}

fn storage_proof(data: &str, log: Option<&str>, passwords: usize) -> Action {
    let decrypt = vec![SecretSource::Stdin; passwords];
    Action::ProveOnStorage { data: place(data), log: log.map(place), access_key: None, decrypt }
}

/// Only the restore point that is read from the server may differ from what was confirmed.
#[test]
fn proof_fills_in_the_restore_point_only() {
    let asked = storage_proof("file:///a", Some("file:///b"), 1);
    let sent = super::render_proof(line(), &asked, Scn(1_763_600_000_000_000_001), run(1)).unwrap();
    assert!(sent[1].to_string().ends_with(" UNTIL SCN = 1763600000000000001 PREVIEW"), "{}", sent[1]);
    let planned: Vec<String> = sent.iter().map(Statement::as_confirmed).collect();
    let confirmed: Vec<String> =
        render_action(line(), &asked, &["pay"], run(1)).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(planned, confirmed);
    assert!(super::render_proof(own(), &asked, Scn(1), run(1)).is_err(), "only sys may ask");
    let old = Dialect {
        profile: ReleaseProfile::for_version(&Detected::read("OceanBase 4.2.0.1").unwrap().version).unwrap(),
        scope: Scope::Sys,
    };
    assert!(super::render_proof(old, &asked, Scn(1), run(1)).is_err());
}

#[test]
fn cluster_proof_restores_into_an_unused_name() {
    let old = Dialect {
        profile: ReleaseProfile::for_version(&Detected::read("OceanBase 3.1.5").unwrap().version).unwrap(),
        scope: Scope::Sys,
    };
    let asked = ClusterProofRequest {
        new_tenant: "obnow_look_0".to_owned(),
        tenant: "shop",
        data: &place("file:///b"),
        time: "2026-11-20 03:31:40.000001".to_owned(),
        options: "backup_cluster_name=ce&backup_cluster_id=7".to_owned(),
        passwords: 0,
    };
    let said: Vec<String> = render_cluster_proof(old, &asked).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "ALTER SYSTEM RESTORE `obnow_look_0` FROM `shop` AT 'file:///b' UNTIL '2026-11-20 03:31:40.000001' WITH \
             'backup_cluster_name=ce&backup_cluster_id=7' PREVIEW",
            "SHOW RESTORE PREVIEW",
        ]
    );
    assert!(parse("3.1.5", &said[0]).is_ok() && parse("3.1.5", &said[1]).is_ok());
    for line in ["2.2.77", "3.2.4"] {
        assert!(
            parse(line, &said[0]).is_err() || matches!(parse(line, &said[0]), Ok(Parsed::Alter(Alter::Refused { .. })))
        );
    }
}

#[test]
fn every_action_renders_exactly() {
    let one: &[&str] = &["pay"];
    let two: &[&str] = &["pay", "log"];
    for (what, tenants, expected) in [
        (data("file:///b/data"), one, vec!["ALTER SYSTEM SET DATA_BACKUP_DEST = 'file:///b/data' TENANT = `pay`"]),
        (
            data("oss://b/{run}/data?host=h&access_id=i"),
            one,
            vec![
                "ALTER SYSTEM SET DATA_BACKUP_DEST = 'oss://b/t1.2/data?host=h&access_id=i&access_key=***' TENANT = `pay`",
            ],
        ),
        (
            archive("LOCATION=file:///b/{run} BINDING=Mandatory PIECE_SWITCH_INTERVAL=2d COMPRESSION=enable"),
            one,
            vec![
                "ALTER SYSTEM SET LOG_ARCHIVE_DEST = 'LOCATION=file:///b/t1.2 BINDING=Mandatory PIECE_SWITCH_INTERVAL=2d \
                 COMPRESSION=enable' TENANT = `pay`",
            ],
        ),
        (
            Action::SetArchiveLagTarget { seconds: 60 },
            one,
            vec!["ALTER SYSTEM SET archive_lag_target = '60s' TENANT = `pay`"],
        ),
        (Action::StopArchiving, one, vec!["ALTER SYSTEM NOARCHIVELOG TENANT = `pay`"]),
        (Action::StartArchiving, two, vec!["ALTER SYSTEM ARCHIVELOG TENANT = `pay`, `log`"]),
        (Action::ResumeArchiving, one, vec!["ALTER SYSTEM SET LOG_ARCHIVE_DEST_STATE = 'ENABLE' TENANT = `pay`"]),
        (
            start(Mode::Full, false, false),
            two,
            vec!["ALTER SYSTEM BACKUP TENANT = `pay`, `log` DESCRIPTION = 'obnow t1.2'"],
        ),
        (
            start(Mode::Full, true, true),
            one,
            vec![
                "SET ENCRYPTION ON IDENTIFIED BY '***' ONLY",
                "ALTER SYSTEM BACKUP TENANT = `pay` PLUS ARCHIVELOG DESCRIPTION = 'obnow t1.2'",
            ],
        ),
        (
            start(Mode::Incremental, true, false),
            one,
            vec!["ALTER SYSTEM BACKUP INCREMENTAL TENANT = `pay` PLUS ARCHIVELOG DESCRIPTION = 'obnow t1.2'"],
        ),
        (
            start(Mode::Incremental, false, false),
            one,
            vec!["ALTER SYSTEM BACKUP INCREMENTAL TENANT = `pay` DESCRIPTION = 'obnow t1.2'"],
        ),
        (
            storage_proof("oss://b/d?host=h&access_id=i", Some("oss://b/{run}?host=h&access_id=i"), 2),
            one,
            vec![
                "SET DECRYPTION IDENTIFIED BY '***', '***'",
                "ALTER SYSTEM RESTORE FROM 'oss://b/d?host=h&access_id=i&access_key=***,oss://b/t1.2?host=h&access_id=i\
                 &access_key=***' UNTIL SCN = 0 PREVIEW",
                "SHOW RESTORE PREVIEW",
            ],
        ),
        (
            storage_proof("file:///it's", None, 0),
            one,
            vec!["ALTER SYSTEM RESTORE FROM 'file:///it''s' UNTIL SCN = 0 PREVIEW", "SHOW RESTORE PREVIEW"],
        ),
    ] {
        assert_eq!(shown(&what, tenants), expected);
    }
    assert_eq!(render_cancel(line(), two).unwrap().to_string(), "ALTER SYSTEM CANCEL BACKUP TENANT = `pay`, `log`");
    assert_eq!(run(2).description(), "obnow t1.2");
    let third = RunId { part: Some(3), ..run(2) };
    assert_eq!((third.description().as_str(), third.variable().as_str()), ("obnow t1.2/3", "t1.2"));
    let dump = Action::StartDump { directory: "/d".into(), exclude: ExcludedTables::default(), makes: None };
    assert_eq!(render_action(line(), &dump, one, run(1)).unwrap_err().cause, Cause::Internal);
}

#[test]
fn statements_reach_no_other_tenant() {
    let actions = [
        data("file:///b"),
        archive("LOCATION=file:///b"),
        Action::SetArchiveLagTarget { seconds: 60 },
        Action::ResumeArchiving,
        Action::StopArchiving,
        Action::StartArchiving,
        start(Mode::Full, false, true),
        start(Mode::Incremental, false, false),
    ];
    for (at, of) in actions.iter().enumerate() {
        assert!(render_action(line(), of, &[], run(1)).is_err(), "no list means every tenant: {of:?}");
        for word in ["all", "ALL", "All_User", "all_meta"] {
            assert!(render_action(line(), of, &[word], run(1)).is_err(), "{word}: {of:?}");
            assert!(render_action(line(), of, &["pay", word], run(1)).is_err(), "{word}: {of:?}");
        }
        // The first four go to one tenant at a time; another would be forgotten silently.
        assert_eq!(render_action(line(), of, &["pay", "log"], run(1)).is_err(), at < 4, "{of:?}");
    }
    assert!(render_cancel(line(), &[]).is_err());
    assert!(render_cancel(line(), &["all"]).is_err());
}

#[test]
fn tenant_statements_name_no_tenant() {
    let of = |action: &Action| {
        let said = super::render_action(own(), action, &["pay"], run(2)).unwrap();
        said.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    for (what, expected) in [
        (data("file:///b/data"), vec!["ALTER SYSTEM SET DATA_BACKUP_DEST = 'file:///b/data'"]),
        (archive("LOCATION=file:///b"), vec!["ALTER SYSTEM SET LOG_ARCHIVE_DEST = 'LOCATION=file:///b'"]),
        (Action::SetArchiveLagTarget { seconds: 60 }, vec!["ALTER SYSTEM SET archive_lag_target = '60s'"]),
        (Action::StopArchiving, vec!["ALTER SYSTEM NOARCHIVELOG"]),
        (Action::StartArchiving, vec!["ALTER SYSTEM ARCHIVELOG"]),
        (Action::ResumeArchiving, vec!["ALTER SYSTEM SET LOG_ARCHIVE_DEST_STATE = 'ENABLE'"]),
        (start(Mode::Full, false, false), vec!["ALTER SYSTEM BACKUP DATABASE DESCRIPTION = 'obnow t1.2'"]),
        (
            start(Mode::Incremental, true, true),
            vec![
                "SET ENCRYPTION ON IDENTIFIED BY '***' ONLY",
                "ALTER SYSTEM BACKUP INCREMENTAL DATABASE PLUS ARCHIVELOG DESCRIPTION = 'obnow t1.2'",
            ],
        ),
    ] {
        assert_eq!(of(&what), expected);
        // It is for one tenant only, and never without a tenant.
        assert!(super::render_action(own(), &what, &["pay", "log"], run(1)).is_err(), "{what:?}");
        assert!(super::render_action(own(), &what, &[], run(1)).is_err(), "{what:?}");
    }
    assert_eq!(render_cancel(own(), &["pay"]).unwrap().to_string(), "ALTER SYSTEM CANCEL BACKUP");
    assert!(render_cancel(own(), &[]).is_err() && render_cancel(own(), &["pay", "log"]).is_err());
    // A tenant that is called as a word for many still says only what is its own.
    assert_eq!(render_cancel(own(), &["all"]).unwrap().to_string(), "ALTER SYSTEM CANCEL BACKUP");
}

/// A bare form applies to every tenant when sys sends it, so sys never sends one (R6).
#[test]
fn sys_never_sends_a_bare_form() {
    for template in ["ALTER SYSTEM BACKUP DATABASE", "ALTER SYSTEM ARCHIVELOG", "ALTER SYSTEM CANCEL BACKUP"] {
        for tenants in [&["pay"][..], &["pay", "log"], &[]] {
            assert!(check_tenants_named(Scope::Sys, tenants, template).is_err(), "{template}");
        }
        assert!(check_tenants_named(Scope::Tenant, &["pay"], template).is_ok());
    }
}

#[test]
fn a_path_that_the_run_makes_too_long_is_refused() {
    let long = format!("file:///{}/{{run}}", "d".repeat(1_000));
    assert!(render_action(line(), &data(&long), &["pay"], RunId { task: &"t".repeat(40), ..run(1) }).is_err());
    assert!(render_action(line(), &data(&long), &["pay"], RunId { task: "t", ..run(1) }).is_ok());
}

#[test]
fn the_preview_is_every_step_of_every_target() {
    let mut pay = tenant(1002, "pay");
    pay.sets = vec![full(1)];
    let facts = cluster(vec![pay, other_tenant(1004, "log"), other_tenant(1006, "far")]);
    let mut choices = choose(&["prod"], Mode::Incremental);
    choices.no_full = crate::domain::choices::NoFullPolicy::Full;
    choices.encrypt = Some(SecretSource::Env("PW".into()));
    let plan = plan(&facts, &choices).unwrap();
    let shown = render_plan(line(), &plan, "t1", 1).unwrap();
    assert_eq!(shown.len(), 24);
    let starts: Vec<&[String]> =
        shown.iter().filter(|step| step.step == StepKind::StartBackup).map(|step| step.statements.as_slice()).collect();
    let encrypt = "SET ENCRYPTION ON IDENTIFIED BY '***' ONLY".to_owned();
    let alone =
        [encrypt.clone(), "ALTER SYSTEM BACKUP INCREMENTAL TENANT = `pay` DESCRIPTION = 'obnow t1.1/1'".to_owned()];
    let together = [encrypt, "ALTER SYSTEM BACKUP TENANT = `log`, `far` DESCRIPTION = 'obnow t1.1/2'".to_owned()];
    assert_eq!(starts, [alone.as_slice(), together.as_slice(), together.as_slice()]);
    for (step, planned) in shown.iter().zip(plan.targets.iter().flat_map(|target| &target.steps)) {
        assert_eq!((step.step, &step.effect, &step.interrupts), (planned.kind, &planned.effect, &planned.interrupts));
        assert_eq!(step.needed, planned.need == crate::domain::plan::Need::Needed);
        assert_eq!(step.statements.is_empty(), planned.actions.is_empty());
    }
    assert_eq!(shown, render_plan(line(), &plan, "t1", 1).unwrap(), "the same again");
    assert_ne!(shown, render_plan(line(), &plan, "t1", 2).unwrap(), "the attempt is in it");
}

#[test]
fn thousand_tenants_are_two_statements() {
    let tenants = (0..1_000).map(|number| other_tenant(1_002 + 2 * number, &format!("t{number}"))).collect();
    let plan = plan(&cluster(tenants), &choose(&["prod"], Mode::Full)).unwrap();
    let shown = render_plan(line(), &plan, "t1", 1).unwrap();
    let mut starts: Vec<&str> = shown
        .iter()
        .filter(|step| step.step == StepKind::StartBackup)
        .map(|step| step.statements.last().unwrap().as_str())
        .collect();
    assert_eq!(starts.len(), 1_000);
    starts.dedup();
    let told: Vec<(usize, &str)> =
        starts.iter().map(|start| (start.matches("`t").count(), start.rsplit_once(" = ").unwrap().1)).collect();
    assert_eq!(told, [(800, "'obnow t1.1/1'"), (200, "'obnow t1.1/2'")]);
}

/// Returns the statements of every action with every option, for tenants of any name.
fn every_statement(tenants: &[&str], uri: &str) -> Vec<Statement> {
    let one = &tenants[..1];
    let mut acts = vec![(data(uri), one), (Action::SetArchiveLagTarget { seconds: 60 }, one)];
    for rest in ["", " BINDING=Optional", " BINDING=Mandatory PIECE_SWITCH_INTERVAL=7d COMPRESSION=enable"] {
        acts.push((archive(&format!("LOCATION={uri}{rest}")), one));
    }
    acts.push((Action::ResumeArchiving, one));
    for list in [one, tenants] {
        acts.extend([(Action::StopArchiving, list), (Action::StartArchiving, list)]);
        for mode in [Mode::Full, Mode::Incremental] {
            for (plus, encrypted) in [(false, false), (false, true), (true, false), (true, true)] {
                acts.push((start(mode, plus, encrypted), list));
            }
        }
    }
    let looks = [storage_proof(uri, Some(uri), 0), storage_proof(uri, None, 1)];
    let looks = looks.iter().flat_map(|of| super::render_proof(line(), of, Scn(7), run(1)).unwrap());
    let rendered = acts.iter().flat_map(|(of, list)| render_action(line(), of, list, run(1)).unwrap());
    let said_by_itself = acts.iter().flat_map(|(of, _)| render_action(own(), of, one, run(1)).unwrap());
    let cancels =
        [render_cancel(line(), one), render_cancel(line(), tenants), render_cancel(own(), one)].map(Result::unwrap);
    rendered.chain(said_by_itself).chain(cancels).chain(looks).collect()
}

fn secrets() -> Secrets {
    let secret = |text: &str| Some(Secret::new(text.to_owned()));
    Secrets {
        login: None,
        access_key: secret("CANARYKEY"),
        encryption: secret("CANARYPW"),
        decryption: vec![Secret::new("CANARYPW".to_owned())],
    }
}

#[test]
fn no_statement_shows_a_secret() {
    for statement in every_statement(&["pay", "log"], "s3://b/p?host=h&access_id=i&s3_region=r") {
        let everything = format!("{statement} {statement:?} {statement:#?}");
        assert!(!everything.contains("CANARY"), "{everything}");
        let wire = statement.wire_text(&secrets()).unwrap();
        let hidden = wire.expose().replace("CANARYKEY", "***").replace("CANARYPW", "***");
        assert_eq!(hidden, statement.to_string(), "what is shown is what is sent");
    }
}

#[test]
fn embedded_grammar_parses_every_statement() {
    let hostile: &[&str] = &["pay`; DROP TENANT x; --", "it's", "\"q\"", "支付 1", "a\\", "select", "#", "/*"];
    for tenants in [&["pay", "log"], hostile] {
        for statement in every_statement(tenants, "oss://b/it/x?host=h&access_id=i") {
            for text in [statement.to_string(), statement.wire_text(&secrets()).unwrap().expose().to_owned()] {
                assert!(parse("4.2.5", &text).is_ok(), "{text}");
            }
        }
    }
}

/// Generates tenant names with special characters.
fn name() -> impl Strategy<Value = String> {
    let evil = prop::sample::select(vec![
        '`', '\'', '"', '\\', ' ', ';', '-', '#', '/', '*', ',', '=', '{', '}', '(', ')', '.', '@', '支', '付', 'é',
        'a', 'Z', '0', '%',
    ]);
    prop_oneof![prop::collection::vec(evil, 1..20).prop_map(String::from_iter), "[^\\p{C}]{1,30}"]
        .prop_filter("a word for many", |name| {
            !["all", "all_user", "all_meta"].iter().any(|word| word.eq_ignore_ascii_case(name))
        })
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(name(), 1..5)
}

fn uri() -> impl Strategy<Value = String> {
    prop_oneof![
        "file:///[a-z'\\\\`\"#;支 ./{}-]{1,20}",
        "oss://[a-z'\\\\`\"#;支./-]{1,20}\\?host=[a-z'\\\\]{1,8}&access_id=[a-z'\\\\\"]{1,8}",
    ]
    .prop_filter("a URI as a server might show it", |uri| {
        crate::domain::destination::Destination::parse_server(uri).is_ok()
    })
}

fn alter(statement: &Statement) -> Alter {
    match parse("4.2.5", &statement.to_string()) {
        Ok(Parsed::Alter(alter)) => alter,
        other => unreachable!("{statement}: {other:?}"),
    }
}

proptest! {
    #[test]
    fn what_is_rendered_is_read_back(names in names(), mode in prop::sample::select(vec![Mode::Full, Mode::Incremental]), plus in any::<bool>(), task in "[a-z0-9'\\\\-]{1,12}", attempt in any::<u32>()) {
        let tenants: Vec<&str> = names.iter().map(String::as_str).collect();
        let backup = render_action(line(), &start(mode, plus, true), &tenants, RunId { task: &task, attempt, part: None }).unwrap();
        prop_assert_eq!(parse("4.2.5", &backup[0].to_string()).unwrap(), Parsed::SetEncryption("***".into()));
        prop_assert_eq!(alter(&backup[1]), Alter::Backup {
            incremental: mode == Mode::Incremental,
            scope: BackupScope::Tenants(names.clone()),
            to: None,
            plus_archivelog: plus,
            description: Some(format!("obnow {task}.{attempt}")),
        });
        for (of, on) in [(Action::StartArchiving, true), (Action::StopArchiving, false)] {
            let statement = &render_action(line(), &of, &tenants, RunId { task: &task, attempt, part: None }).unwrap()[0];
            prop_assert_eq!(alter(statement), Alter::ArchiveLog { on, tenants: Tenants::Listed(names.clone()), description: None });
        }
        prop_assert_eq!(alter(&render_cancel(line(), &tenants).unwrap()), Alter::CancelBackup(Tenants::Listed(names.clone())));
    }

    #[test]
    fn a_destination_is_read_back(name in name(), uri in uri()) {
        prop_assume!(!uri.contains("{run}"));
        let destination = place(&uri);
        let expected = destination.redacted_statement_uri();
        let of = |value: String, item: &str| Alter::Set {
            items: vec![(item.to_owned(), Literal::Text(value))],
            tenants: Tenants::Listed(vec![name.clone()]),
        };
        let statement = &render_action(line(), &data(&uri), &[&name], run(1)).unwrap()[0];
        prop_assert_eq!(alter(statement), of(expected.clone(), "data_backup_dest"));
        // Where it may be sent at all, it is sent as it was shown.
        if let Ok(wire) = statement.wire_text(&secrets()) {
            prop_assert_eq!(wire.expose().replace("CANARYKEY", "***"), statement.to_string());
        }
        let whole = Action::SetArchiveDestination { destination: ArchiveDest::new(destination), access_key: None };
        let statement = &render_action(line(), &whole, &[&name], run(1)).unwrap()[0];
        prop_assert_eq!(alter(statement), of(format!("LOCATION={expected}"), "log_archive_dest"));
        for (whole, item, value) in [
            (Action::ResumeArchiving, "log_archive_dest_state", "ENABLE"),
            (Action::SetArchiveLagTarget { seconds: 60 }, "archive_lag_target", "60s"),
        ] {
            let statement = &render_action(line(), &whole, &[&name], run(1)).unwrap()[0];
            prop_assert_eq!(alter(statement), of(value.to_owned(), item));
        }
    }

    #[test]
    fn every_statement_of_a_plan_is_for_its_own_tenants(names in prop::collection::btree_set("[a-zé支`' ]{1,8}", 1..5)) {
        let users = names.iter().zip(1..).map(|(name, at)| {
            let mut user = other_tenant(1000 + at * 2, name);
            user.archive = crate::domain::samples::archive(None);
            user
        });
        let storage = Some(wanted(Some("file:///b"), None, StorageSource::Given));
        let choices = Choices { storage, ..choose(&["prod"], Mode::Full) };
        let Ok(plan) = plan(&cluster(users.collect()), &choices) else { return Ok(()) };
        let all: Vec<String> = plan.targets.iter().map(|target| target.tenant.name.clone()).collect();
        for step in render_plan(line(), &plan, "t1", 1).unwrap() {
            let own = plan.target(&step.target).unwrap().tenant.name.clone();
            for text in &step.statements {
                let alter = match parse("4.2.5", text) {
                    Ok(Parsed::Alter(alter)) => alter,
                    Ok(Parsed::ShowRestorePreview) => continue,
                    other => unreachable!("{text}: {other:?}"),
                };
                match alter {
                    Alter::Backup { scope: BackupScope::Tenants(tenants), .. } => prop_assert_eq!(&tenants, &all),
                    // It names directories, and changes nothing.
                    Alter::PreviewRestore(_) => {}
                    Alter::Set { tenants: Tenants::Listed(tenants), .. }
                    | Alter::ArchiveLog { tenants: Tenants::Listed(tenants), .. } => prop_assert_eq!(tenants, vec![own.clone()]),
                    other => unreachable!("{other:?}"),
                }
            }
        }
    }
}
