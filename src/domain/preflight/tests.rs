#![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

use super::*;
use crate::domain::choices::{Choices, Mode, NoFullPolicy};
use crate::domain::facts::{Facts, Known, LoginFacts, MissingGrant, Role, Scope, ServerFacts, TenantFacts};
use crate::domain::restorable::{BackupSet, Round, SetKind};
use crate::domain::samples::{ago, archive, choose, full, job, prod, round, server};
use crate::domain::version::{Detected, Method};

mod surroundings;
mod whole;

/// The result and the words of one check.
fn told(checks: &[Check], id: CheckId) -> (CheckResult, &str) {
    let own: Vec<&Check> = checks.iter().filter(|check| check.check == id).collect();
    assert_eq!(own.len(), 1, "{id:?} is made once: {own:?}");
    (own[0].result, &own[0].found)
}

fn of_cluster(change: impl Fn(&mut Facts)) -> Vec<Check> {
    let mut facts = prod();
    change(&mut facts);
    cluster_checks(&facts, &choose(&["prod/pay"], Mode::Full))
}

fn of_tenant(mode: Mode, change: impl Fn(&mut TenantFacts)) -> Vec<Check> {
    let mut facts = prod();
    change(&mut facts.tenants[2]);
    tenant_checks(&facts, &facts.tenants[2], &choose(&["prod/pay"], mode))
}

const PASS: CheckResult = CheckResult::Pass;
const WARN: CheckResult = CheckResult::Warn;
const FAIL: CheckResult = CheckResult::Fail;
const NOT_CHECKED: CheckResult = CheckResult::NotChecked;

#[test]
fn a_build_that_was_not_read_is_none_of_the_others() {
    for garbage in ["", "xyzzy"] {
        let mut facts = prod();
        if let Known::Known(servers) = &mut facts.cluster.servers {
            for server in servers {
                garbage.clone_into(&mut server.build);
            }
        }
        let mut choices = choose(&["prod/pay"], Mode::Full);
        let of = |choices: &Choices| {
            let checks = cluster_checks(&facts, choices).into_iter();
            checks.filter(|found| found.check == CheckId::OneBuild).collect::<Vec<_>>()
        };
        assert_eq!(of(&choices)[0].result, CheckResult::Fail);
        assert!(of(&choices)[0].found.contains(&format!("was not read: it says \"{garbage}\"")), "{:?}", of(&choices));
        choices.skip.insert(CheckId::OneBuild);
        assert_eq!(of(&choices)[0].result, CheckResult::Warn, "as with builds that differ");
    }
}

#[test]
fn each_name_is_read_back() {
    for check in CheckId::ALL {
        assert_eq!(CheckId::parse(check.name()), Some(check));
        assert_eq!(serde_json::to_value(check).unwrap(), check.name());
    }
    assert_eq!(CheckId::parse("nothing"), None);
    for result in [PASS, WARN, FAIL, NOT_CHECKED] {
        assert_eq!(serde_json::to_value(result).unwrap(), result.word());
    }
}

#[test]
fn a_healthy_cluster_passes_everything_it_can() {
    let checks = of_cluster(|_| {});
    assert_eq!(
        checks.iter().map(|check| (check.check.name(), check.result, check.found.as_str())).collect::<Vec<_>>(),
        [
            ("version", PASS, "V4.2.5.1-101000012024: V4.2.5 is on a line with physical backup."),
            ("upgrading", PASS, "upgrade mode off, no upgrade job runs"),
            ("one_build", PASS, "4.2.5.1_101000012024"),
            ("servers", PASS, "3 of 3 active"),
            ("privileges", PASS, "the login root@sys may read the views and has ALTER SYSTEM"),
            ("clock", PASS, "0.0 s apart"),
            ("every_server_writes", NOT_CHECKED, "that every server can write there needs a shell on the servers"),
        ]
    );
    let checks = of_tenant(Mode::Full, |_| {});
    assert_eq!(
        checks.iter().map(|check| (check.check.name(), check.result, check.found.as_str())).collect::<Vec<_>>(),
        [
            ("tenant", PASS, "tenant 1002, NORMAL"),
            ("role", PASS, "PRIMARY"),
            ("another_backup", PASS, "none runs"),
            ("destination", PASS, "file:///own/data"),
            ("log_archiving", PASS, "DOING, round 1"),
            ("archive_lag", PASS, "10 s behind"),
            ("delete_policy", PASS, "recovery window 7d"),
            ("cleanup", PASS, "none runs"),
        ]
    );
}

fn lacks(privilege: &'static str, seen_to_work: bool) -> MissingGrant {
    MissingGrant { privilege, statement: format!("GRANT {privilege} TO 'op'"), seen_to_work }
}

#[test]
fn what_the_login_lacks_is_named_with_what_it_has() {
    let with = |missing: Known<Vec<MissingGrant>>| {
        let mut facts = prod();
        facts.cluster.login = LoginFacts {
            user: "op@sys".into(),
            tenant: "sys".into(),
            missing,
            grants: vec!["GRANT USAGE ON *.* TO 'op'".into()],
        };
        let checks = cluster_checks(&facts, &choose(&["prod/pay"], Mode::Full));
        checks.into_iter().find(|check| check.check == CheckId::Privileges).unwrap()
    };
    let check = with(Known::Known(vec![lacks("ALTER SYSTEM", false), lacks("SELECT", true)]));
    assert!(check.refuses() && check.cause == Cause::Rights, "{check:?}");
    let fault = check.fault();
    assert_eq!(
        fault.why,
        "The login op@sys lacks ALTER SYSTEM and SELECT; SHOW GRANTS has: GRANT USAGE ON *.* TO 'op'."
    );
    assert_eq!(fault.next, "As root@sys: GRANT ALTER SYSTEM TO 'op'; GRANT SELECT TO 'op';");
    let check = with(Known::Known(vec![lacks("SELECT", true)]));
    assert_eq!(check.result, WARN, "what was seen to work stops nothing: {check:?}");
    let check = with(Known::NotChecked("a role".into()));
    assert_eq!((check.result, check.found.as_str()), (NOT_CHECKED, "what the login op@sys may do: a role"));
    assert_eq!(with(Known::Known(vec![])).result, PASS);
}

#[test]
fn a_tenant_that_logs_in_is_not_the_cluster() {
    let mut facts = prod();
    facts.cluster.scope = Scope::Tenant;
    facts.cluster.login.user = "root@pay".into();
    facts.cluster.login.tenant = "pay".into();
    let of = |facts: &Facts, target: &str| {
        let choices = choose(&[target], Mode::Full);
        let mut checks = cluster_checks(facts, &choices);
        checks.extend(tenant_checks(facts, facts.tenant("pay").unwrap(), &choices));
        checks
    };
    let whole = of(&facts, "prod").into_iter().find(Check::refuses).unwrap();
    assert_eq!((whole.check, whole.cause), (CheckId::Privileges, Cause::Rights));
    assert_eq!(whole.found, "the login root@pay sees the tenant pay alone, not the cluster");
    assert_eq!(whole.fix, "Back up prod/pay, or log in as root@sys for the whole cluster.");
    let own = of(&facts, "prod/pay");
    assert_eq!(own.iter().find(|check| check.refuses()), None);
    let other = own.iter().find(|check| check.check == CheckId::AnotherBackup).unwrap();
    assert_eq!(other.result, NOT_CHECKED, "what sys has accepted is not seen: {other:?}");
}

#[test]
fn what_is_wrong_with_a_cluster_is_told() {
    let unknown = of_cluster(|facts| facts.cluster.version = Detected::read("OceanBase 4.9.0.0").unwrap().version);
    let (result, found) = told(&unknown, CheckId::Version);
    assert_eq!(
        (result, found.starts_with("V4.9.0.0 is not known to this release of obnow: ")),
        (FAIL, true),
        "nobody guesses what a statement does there: {found}"
    );

    let sick = of_cluster(|facts| {
        let inactive = ServerFacts { status: "INACTIVE".into(), ..server(2) };
        let stopped = ServerFacts { serving: Some(false), ..server(3) };
        facts.cluster.servers = Known::Known(vec![server(1), inactive, stopped]);
    });
    let found = "1 of 3 active: 10.0.0.2:2882 is INACTIVE, 10.0.0.3:2882 is stopped";
    assert_eq!(told(&sick, CheckId::Servers), (WARN, found));

    let unread = ServerFacts { serving: None, ..server(3) };
    let some = of_cluster(|facts| facts.cluster.servers = Known::Known(vec![server(1), unread.clone()]));
    let not_read = "START_SERVICE_TIME or STOP_TIME was not read of 10.0.0.3:2882";
    assert_eq!(told(&some, CheckId::Servers), (NOT_CHECKED, not_read));
    let both = of_cluster(|facts| {
        let inactive = ServerFacts { status: "INACTIVE".into(), ..server(2) };
        facts.cluster.servers = Known::Known(vec![server(1), inactive, unread.clone()]);
    });
    let found = format!("1 of 3 active: 10.0.0.2:2882 is INACTIVE; {not_read}");
    assert_eq!(
        told(&both, CheckId::Servers),
        (WARN, found.as_str()),
        "nobody is called stopped of whom it was not read"
    );

    let unseen = of_cluster(|facts| facts.cluster.servers = Known::NotChecked("no rights".into()));
    assert_eq!(told(&unseen, CheckId::Servers), (NOT_CHECKED, "no rights"));
    assert_eq!(told(&unseen, CheckId::OneBuild), (NOT_CHECKED, "no rights"), "what was not checked is listed");

    for (ahead, result, found) in [
        (2_000, PASS, "2.0 s apart"),
        (-1_950, PASS, "1.9 s apart"),
        (2_001, WARN, "the server's clock is 2.0 s ahead of this host's"),
        (-90_050, WARN, "the server's clock is 90.0 s behind this host's"),
    ] {
        assert_eq!(told(&of_cluster(|facts| facts.cluster.clock_ahead_ms = ahead), CheckId::Clock), (result, found));
    }
}

#[test]
fn only_gates_that_fail_refuse() {
    for (stage, result, refuses) in [
        (Stage::Gate, FAIL, true),
        (Stage::Step, FAIL, false),
        (Stage::Gate, WARN, false),
        (Stage::Gate, NOT_CHECKED, false),
        (Stage::Gate, PASS, false),
    ] {
        let check = Check { stage, result, ..of_cluster(|_| {}).remove(0) };
        assert_eq!(check.refuses(), refuses, "{stage:?} {result:?}");
    }
    let check = of_tenant(Mode::Full, |tenant| tenant.running = vec![job("")]).remove(2);
    let fault = check.fault();
    assert_eq!((fault.cause, fault.what.as_str()), (Cause::Busy, "prod/pay cannot be backed up now."));
    assert_eq!(
        fault.why,
        "Job 7 runs on it: a backup (full) since 2026-11-20 10:59:00 (server time), started by someone without a description."
    );
}

#[test]
fn every_fix_is_there_where_something_is_to_be_mended() {
    let mut all = of_cluster(|facts| {
        facts.cluster.upgrading = Known::Known(vec!["a sign".into()]);
        facts.cluster.servers = Known::Known(vec![server(1), ServerFacts { build: "other".into(), ..server(2) }]);
        facts.cluster.clock_ahead_ms = 9_000;
    });
    all.extend(of_tenant(Mode::Incremental, |tenant| {
        tenant.status = "DROPPING".into();
        tenant.running = vec![job("x")];
        tenant.archive = archive(Some("INTERRUPTED"));
        tenant.cleanup = Known::Known(Some("cleanup job 3 runs".into()));
    }));
    for check in all.iter().filter(|check| check.result != PASS) {
        assert!(!check.fix.is_empty(), "{check:?}");
        assert!(!check.found.is_empty(), "{check:?}");
    }
    let refusing: Vec<&str> = all.iter().filter(|check| check.refuses()).map(|check| check.check.name()).collect();
    assert_eq!(refusing, ["upgrading", "one_build", "tenant", "another_backup"]);
}

#[test]
fn the_archive_is_told_by_its_state_and_its_lag() {
    for (status, result, found) in [
        (
            Some("SUSPEND"),
            WARN,
            "SUSPEND: archiving was suspended on purpose; the backup lets the same round go on first",
        ),
        (Some("STOP"), WARN, "STOP: the backup starts a new round first"),
        (Some("STOPPING"), WARN, "STOPPING: the backup waits for it first"),
        (
            Some("INTERRUPTED"),
            WARN,
            "INTERRUPTED: the backup stops this round and starts a new one first; the log in between is lost for restore",
        ),
        (Some("ODD"), WARN, "step 4 will fail: archiving is ODD, which obnow does not know"),
        (None, WARN, "archiving does not run: the backup starts it first"),
    ] {
        let checks = of_tenant(Mode::Full, |tenant| tenant.archive = archive(status));
        assert_eq!(told(&checks, CheckId::LogArchiving), (result, found));
        assert!(checks.iter().all(|check| check.check != CheckId::ArchiveLag), "no lag without a running round");
    }
    let behind = |seconds: u64, target: Option<u64>| {
        of_tenant(Mode::Full, |tenant| {
            let doing = Round { checkpoint: ago(seconds), ..round("DOING") };
            tenant.archive.current = Some(doing);
            tenant.archive.lag_target = target;
        })
    };
    assert_eq!(told(&behind(360, Some(120)), CheckId::ArchiveLag), (PASS, "360 s behind"));
    let late = behind(361, Some(120));
    assert_eq!(told(&late, CheckId::ArchiveLag), (WARN, "the archive is 361 s behind; its target is 120 s"));
    assert_eq!(
        told(&behind(361, None), CheckId::ArchiveLag),
        (NOT_CHECKED, "whether the archive is late: it is 361 s behind, and its target was not read")
    );
    assert_eq!(told(&behind(31, Some(10)), CheckId::ArchiveLag).0, WARN);
}

#[test]
fn lags_and_ages_are_of_the_servers_clock() {
    let mut facts = prod();
    facts.cluster.clock_ahead_ms = 400_000;
    let choices = choose(&["prod/pay"], Mode::Full);
    let checks = tenant_checks(&facts, &facts.tenants[2], &choices);
    assert_eq!(told(&checks, CheckId::ArchiveLag), (WARN, "the archive is 410 s behind; its target is 120 s"));
    facts.cluster.clock_ahead_ms = -400_000;
    let checks = tenant_checks(&facts, &facts.tenants[2], &choices);
    let told = told(&checks, CheckId::ArchiveLag);
    let contradicts = "how far the archive is behind: its checkpoint is later than the server's clock";
    assert_eq!(told, (NOT_CHECKED, contradicts), "one of both is wrong");
}

#[test]
fn retention_names_what_is_about_to_go() {
    let day = 86_400;
    let policy = |window: Option<&str>, age: u64| {
        of_tenant(Mode::Full, |tenant| {
            tenant.recovery_window = Known::Known(window.map(str::to_owned));
            tenant.sets = vec![full(1), BackupSet { min_restore: ago(age), ..full(2) }];
        })
    };
    assert_eq!(told(&policy(None, 0), CheckId::DeletePolicy), (WARN, "none: nothing is ever removed"));
    assert_eq!(told(&policy(Some("7d"), 7 * day), CheckId::DeletePolicy), (PASS, "recovery window 7d"));
    let old = policy(Some("7d"), 7 * day + 1);
    let found = "recovery window 7d; full 2 is older: this chain may be deleted";
    assert_eq!(told(&old, CheckId::DeletePolicy), (WARN, found));
    // Words that are no number of days are shown as they are.
    for window in ["2h", "99999999999999999999d", "", "9223372036854775807d"] {
        assert_eq!(told(&policy(Some(window), 9 * day), CheckId::DeletePolicy).0, PASS, "{window}");
    }
    let unseen = of_tenant(Mode::Full, |tenant| tenant.recovery_window = Known::NotChecked("no view".into()));
    assert_eq!(told(&unseen, CheckId::DeletePolicy), (NOT_CHECKED, "no view"));
    let cleaning =
        of_tenant(Mode::Full, |tenant| tenant.cleanup = Known::Known(Some("cleanup job 3 (DELETE) is DOING".into())));
    assert_eq!(told(&cleaning, CheckId::Cleanup), (WARN, "cleanup job 3 (DELETE) is DOING"));
}

#[test]
fn an_incremental_shows_its_base() {
    let based = |change: fn(&mut TenantFacts)| of_tenant(Mode::Incremental, change);
    let good = based(|tenant| tenant.sets = vec![full(1)]);
    assert_eq!(told(&good, CheckId::UsableFull), (PASS, "set 1 (full) on this path"));
    let newer = based(|tenant| {
        tenant.sets = vec![full(1)];
        tenant.archive.current = Some(Round { start: ago(100), round_id: 2, ..round("DOING") });
    });
    let (result, found) = told(&newer, CheckId::UsableFull);
    assert_eq!((result, found.contains("log archive round 2 began after it")), (WARN, true), "R4: warned, not refused");
    // Below V4 too a new round alone is no reason for a full.
    let for_start = based(|tenant| {
        tenant.sets = vec![full(1)];
        tenant.base = crate::domain::facts::BaseRule::Round { most: 64 };
        tenant.archive = archive(Some("STOP"));
    });
    let found = "set 1 (full) on this path; a new log archive round begins before the backup: nothing between the end of the \
                 old round and the end of this backup can be restored";
    assert_eq!(told(&for_start, CheckId::UsableFull), (WARN, found));
    let unread = based(|tenant| {
        tenant.sets = vec![full(1)];
        tenant.data_version = None;
    });
    let found = "set 1 (full) on this path; whether it is of the tenant's present data version was not read";
    assert_eq!(told(&unread, CheckId::UsableFull), (WARN, found));
    let inc = || BackupSet { kind: SetKind::Incremental, prev_full: 1, ..full(2) };
    let encrypted = of_tenant(Mode::Incremental, |tenant| {
        tenant.sets = vec![BackupSet { encryption_mode: "PASSWORD".into(), ..full(1) }, inc()];
    });
    let found = "set 2 (incremental) on this path; its chain is encrypted: set 1 PASSWORD, set 2 NONE";
    assert_eq!(told(&encrypted, CheckId::UsableFull), (PASS, found), "R11");
    let broken = of_tenant(Mode::Incremental, |tenant| tenant.sets = vec![inc()]);
    let found = "the chain of set 2 is broken: backup set 1, which set 2 stands on, is gone";
    assert_eq!(told(&broken, CheckId::UsableFull), (WARN, found));
    let fix = broken.iter().find(|check| check.check == CheckId::UsableFull).map(|check| check.fix.as_str());
    assert_eq!(fix, Some("Choose a full backup."));
    let none = based(|_| {});
    let found =
        "step 2 will fail: Full data backup needed before incremental data backup: the tenant has no backup set";
    assert_eq!(told(&none, CheckId::UsableFull), (WARN, found));
    let full_mode = of_tenant(Mode::Full, |_| {});
    assert!(full_mode.iter().all(|check| check.check != CheckId::UsableFull));

    let facts = prod();
    let left_out = Choices { no_full: NoFullPolicy::Skip, ..choose(&["prod/pay"], Mode::Incremental) };
    let checks = tenant_checks(&facts, &facts.tenants[2], &left_out);
    assert!(told(&checks, CheckId::UsableFull).1.starts_with("it is left out: "));
}

#[test]
fn one_backup_service_is_ready_and_another_is_not() {
    let ready = of_cluster(|facts| {
        let (release, path) = ("mydumper 0.10.0".into(), "/bin/mydumper".into());
        facts.cluster.backup_service = Some(crate::domain::facts::BackupServiceFacts::Ready { release, path });
    });
    assert_eq!(told(&ready, CheckId::BackupService), (PASS, "mydumper 0.10.0 at /bin/mydumper"));
    let missing = of_cluster(|facts| {
        let fault = Fault::new(Cause::Precondition, "It is not there.", "Nobody installed it.", "apt install mydumper");
        facts.cluster.backup_service = Some(crate::domain::facts::BackupServiceFacts::Missing(fault));
    });
    assert_eq!(told(&missing, CheckId::BackupService), (FAIL, "It is not there. Nobody installed it."));
    let fix = missing.iter().find(|check| check.refuses()).unwrap().fix.as_str();
    assert_eq!(fix, "apt install mydumper");
}

#[test]
fn a_tenant_that_is_never_backed_up_is_not_asked_about_its_archive() {
    let clone = of_tenant(Mode::Incremental, |tenant| tenant.role = Role::Other("CLONE".into()));
    let recycled = of_tenant(Mode::Incremental, |tenant| tenant.in_recycle_bin = true);
    for (checks, refused) in [(clone, CheckId::Role), (recycled, CheckId::Tenant)] {
        let asked: Vec<CheckId> = checks.iter().map(|check| check.check).collect();
        assert_eq!(asked, [CheckId::Tenant, CheckId::Role]);
        let refusing: Vec<&Check> = checks.iter().filter(|check| check.refuses()).collect();
        assert_eq!((refusing.len(), refusing[0].check), (1, refused));
        assert!(!refusing[0].fix.is_empty());
    }
}

#[test]
fn a_tenant_without_a_place_for_its_data_is_told_before_the_start() {
    let checks = of_tenant(Mode::Full, |tenant| tenant.data_destination = None);
    let none = "none that can be used: not set, not given, not in a strategy of the inventory";
    assert_eq!(told(&checks, CheckId::Destination), (WARN, none));
    assert!(checks.iter().all(|check| !check.refuses()), "the plan refuses, with its own words");
}

#[test]
fn encryption_that_cannot_be_given_refuses_the_start() {
    let mut asked = choose(&["prod/pay"], Mode::Full);
    asked.encrypt = Some(crate::domain::secret::SecretSource::Env("PASSWORD".into()));
    let found = |facts: &Facts, choices: &Choices| {
        let checks = super::cluster_checks(facts, choices);
        checks.into_iter().find(|check| check.check == CheckId::Encryption).map(|check| (check.refuses(), check.found))
    };
    let mut facts = prod();
    assert_eq!(found(&facts, &choose(&["prod/pay"], Mode::Full)), None, "nobody asked");
    assert_eq!(found(&facts, &asked).map(|(refuses, _)| refuses), Some(false));
    facts.cluster.login.user = "root@sys#prod".into();
    let (refuses, why) = found(&facts, &asked).unwrap();
    assert!(refuses && why.contains("through a proxy"), "{why}");
    facts.cluster.login.user = "root@sys".into();
    facts.cluster.method = Method::Logical;
    let (refuses, why) = found(&facts, &asked).unwrap();
    assert!(refuses && why.contains("written in clear"), "{why}");
}

#[test]
fn a_uri_is_repeated_as_it_was_written() {
    assert_eq!(super::sentence("azblob://c/p: V4.2.5.1 does not"), "azblob://c/p: V4.2.5.1 does not.");
    assert_eq!(super::sentence("it is in use"), "It is in use.");
}
