//! Tests with faulty servers and invalid inventories: one clear sentence for each target, the other targets work, and nothing
//! panics.
#![allow(clippy::disallowed_methods, reason = "a deadline of a test is one of the wall clock")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]

mod engine;
mod faulty_server;

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use faulty_server::{FaultyServers, PASSWORD, Tampering, error};
use obnow::demo::server_model::Greeting;
use obnow::demo::statement::Value as Cell;
use serde_json::Value;

const OBNOW: &str = env!("CARGO_BIN_EXE_obnow");

struct CommandResult {
    out: String,
    err: String,
    code: Option<i32>,
}

impl CommandResult {
    fn both(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

fn obnow(args: &[&str], config: &Path) -> CommandResult {
    let state = config.with_extension("state");
    let mut command = Command::new(OBNOW);
    command.args(args).arg("--config").arg(config).arg("--state").arg(state).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    CommandResult { out: text(&output.stdout), err: text(&output.stderr), code: output.status.code() }
}

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A server, the login tried on it, and what comes of `check NAME/pay`: the exit code, and words of the one sentence.
struct Case {
    name: &'static str,
    port: u16,
    user: &'static str,
    password: &'static str,
    code: i32,
    says: &'static str,
}

const LIMITS: &str = "limits: {connect: 1s, statement: 2s, poll: 50ms, stall: 2s, archive_wait: 2s, heartbeat: 1s}\n";

fn inventory(folder: &Path, cases: &[Case]) -> std::path::PathBuf {
    let mut text = format!("{LIMITS}clusters:\n");
    for case in cases {
        let secret = folder.join(format!("{}.password", case.name));
        write(&secret, case.password, 0o600);
        writeln!(
            text,
            "- {{name: {}, endpoints: [\"127.0.0.1:{}\"], user: {}, password: {{file: {}}}}}",
            case.name,
            case.port,
            case.user,
            secret.display()
        )
        .unwrap();
    }
    let config = folder.join("config.yaml");
    write(&config, &text, 0o600);
    config
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn cases(servers: &FaultyServers) -> Vec<Case> {
    let sys = |name, port, code, says| Case { name, port, user: "root@sys", password: PASSWORD, code, says };
    let login = |name, user, password, says| {
        let port = servers.tampered(Tampering::none());
        Case { name, port, user, password, code: 12, says }
    };
    let odd = |name, tampering, code, says| sys(name, servers.tampered(tampering), code, says);
    let denied = "SELECT command denied to user 'root'@'%' for table 'X'";
    let unknown = "Unknown column 'STATUS' in 'field list'";
    let mut cases = vec![
        odd("good", Tampering::none(), 0, "V4.2.5"),
        // The way there.
        sys("closed", servers.closed(), 14, "Nothing listens there"),
        sys("silent", FaultyServers::answers_with_bytes(b"", false), 14, "did not answer within 1 s"),
        sys(
            "hangs-up",
            FaultyServers::answers_with_bytes(b"", true),
            14,
            "cannot be reached|not an OceanBase SQL port",
        ),
        sys(
            "http",
            FaultyServers::answers_with_bytes(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", true),
            14,
            "MySQL protocol",
        ),
        sys(
            "ssh",
            FaultyServers::answers_with_bytes(b"SSH-2.0-OpenSSH_9.2\r\n", false),
            14,
            "not an OceanBase SQL port|did not answer",
        ),
        sys(
            "zeros",
            FaultyServers::answers_with_bytes(&[0; 64], false),
            14,
            "not an OceanBase SQL port|did not answer",
        ),
        sys(
            "huge-packet",
            FaultyServers::answers_with_bytes(b"\xff\xff\xff\x00\x0a5.7", true),
            14,
            "not an OceanBase SQL port",
        ),
        // The login.
        login("wrong-password", "root@sys", "not-that-one", "refuses the user or the password"),
        login("wrong-user", "nobody@sys", PASSWORD, "refuses the user or the password"),
        login("wrong-tenant", "root@nobody", PASSWORD, "no such tenant"),
        login("oracle-tenant", "root@report", PASSWORD, "Oracle-mode"),
        Case {
            code: 0,
            ..login("own-tenant", "root@pay", PASSWORD, "not checked: the servers are seen from the sys tenant")
        },
        // What it is.
        odd("mysql", Tampering::version("8.0.36", "MySQL Community Server - GPL"), 14, "is not an OceanBase"),
        odd("mariadb", Tampering::version("5.5.5-10.11.14-MariaDB", "Debian 12"), 14, "is not an OceanBase"),
        odd("nameless", Tampering::version("", ""), 14, "is not an OceanBase"),
        odd("control", Tampering::version("\u{1b}[2J\u{7}", "\u{1b}]0;owned\u{7}"), 14, "is not an OceanBase"),
        odd(
            "newer",
            Tampering::version("5.7.25-OceanBase-v4.9.0.0", "OceanBase 4.9.0.0 (r1-a)"),
            10,
            "not known to this release",
        ),
        odd(
            "far-newer",
            Tampering::version("5.7.25-OceanBase-v9.0.0.0", "OceanBase 9.0.0.0 (r1-a)"),
            10,
            "not known to this release",
        ),
        odd("ancient", Tampering::version("5.7.25-OceanBase-v1.4.79", "OceanBase 1.4.79 (r1-a)"), 1, "no tenant pay"),
        odd("no-digits", Tampering::version("5.7.25-OceanBase-vX", "OceanBase X (rY)"), 14, "is not an OceanBase"),
        // What it may not say.
        odd("no-servers", Tampering::refuses("DBA_OB_SERVERS", 1142, denied), 12, "may not read"),
        odd("no-tenants", Tampering::refuses("DBA_OB_TENANTS", 1142, denied), 12, "may not read"),
        odd("no-jobs", Tampering::refuses("CDB_OB_BACKUP_JOBS", 1142, denied), 12, "may not read"),
        odd("no-sets", Tampering::refuses("CDB_OB_BACKUP_SET_FILES", 1142, denied), 12, "may not read"),
        odd("no-policies", Tampering::refuses("CDB_OB_BACKUP_DELETE_POLICY", 1142, denied), 0, "not checked"),
        odd("no-upgrades", Tampering::refuses("DBA_OB_TENANT_JOBS", 1142, denied), 0, "not checked: upgrade jobs"),
        odd("no-column", Tampering::refuses("CDB_OB_ARCHIVELOG", 1054, unknown), 10, "Unknown column"),
        odd("no-view", Tampering::refuses("CDB_OB_ARCHIVELOG", 1146, "Table 'oceanbase.X' doesn't exist"), 10, "1146"),
        odd(
            "overloaded",
            Tampering::refuses("CDB_OB_BACKUP_JOBS", 4013, "No memory or reach tenant memory limit"),
            10,
            "4013",
        ),
        odd("timed-out", Tampering::refuses("CDB_OB_BACKUP_JOBS", 4012, "Timeout"), 14, "4012"),
        // What nobody has seen yet.
        odd("tenant-status", Tampering::column("DBA_OB_TENANTS", "STATUS", text("TELEPORTING")), 10, "TELEPORTING"),
        odd("tenant-role", Tampering::column("DBA_OB_TENANTS", "TENANT_ROLE", text("UNDERSTUDY")), 10, "UNDERSTUDY"),
        odd(
            "archive",
            Tampering::rows(|view, answer| {
                let mut rows = answer?;
                for row in rows.iter_mut().filter(|_| view.starts_with("CDB_OB_ARCHIVELOG")) {
                    row.entry("STATUS").and_modify(|status| *status = text("WOBBLING"));
                }
                Ok(rows)
            }),
            0,
            "WOBBLING",
        ),
        // Nothing at all, and far too much.
        odd("empty", Tampering::rows(|_, answer| answer.map(|_| Vec::new())), 10, "enable_upgrade_mode cannot be read"),
        odd("nulls", Tampering::values(|_, _| Cell::Null), 10, "column TENANT_ID is NULL"),
        odd(
            "garbage",
            Tampering::values(|column, value| match value {
                Cell::Text(_) if column != "TENANT_NAME" => text("\u{1b}[31m\u{0}'; DROP TABLE \u{202e}x"),
                other => other.clone(),
            }),
            10,
            "TENANT_TYPE says \"'; DROP TABLE",
        ),
        odd(
            "negative",
            Tampering::values(|_, value| match value {
                Cell::Integer(_) => Cell::Integer(-1),
                other => other.clone(),
            }),
            10,
            "",
        ),
        odd(
            "huge",
            Tampering::values(|column, value| match value {
                Cell::Integer(number) if *number > 1_000_000 && !column.ends_with("TENANT_ID") => {
                    Cell::Integer(i128::from(i64::MAX))
                }
                other => other.clone(),
            }),
            10,
            "which is later than the server's clock",
        ),
    ];
    let greets = |name, code: u16, message: &str| {
        let greeting = Some(Greeting::Error(error(code, message)));
        sys(name, servers.tampered(Tampering { greeting, ..Tampering::none() }), 14, "takes no connection now")
    };
    cases.push(greets("full", 1040, "Too many connections"));
    cases.push(greets("initializing", 8001, "Server is initializing"));
    cases
}

/// All cases in one inventory: each has its own sentence and exit code, and none affects another.
#[test]
fn each_odd_server_gets_one_sentence_and_disturbs_no_other() {
    let servers = FaultyServers::new();
    let cases = cases(&servers);
    let folder = tempfile::tempdir().unwrap();
    let config = inventory(folder.path(), &cases);
    let listed = obnow(&["targets", "--json"], &config);
    assert_eq!(listed.code, Some(0), "{}", listed.err);
    assert!(!listed.err.contains("panicked"), "{}", listed.err);
    let rows: Vec<Value> = listed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut wrong = Vec::new();
    for case in &cases {
        let row =
            rows.iter().find(|row| row["target"] == case.name).unwrap_or_else(|| panic!("no row of {}", case.name));
        if matches!(case.code, 12 | 14) && (row["eligible"] != false || row["reason"].is_null()) {
            wrong.push(format!("{}: its row is {row}", case.name));
        }
        let ran = obnow(&["check", &format!("{}/pay", case.name)], &config);
        let said = ran.both();
        let expected = case.says.split('|').any(|words| said.contains(words));
        if ran.code != Some(case.code) || !expected {
            wrong.push(format!(
                "{}: exit {:?} instead of {}, {:?} in:\n{said}",
                case.name, ran.code, case.code, case.says
            ));
        }
        if said.contains("panicked") || said.contains('\u{1b}') || said.contains('\u{0}') || said.contains('\u{202e}') {
            wrong.push(format!("{}: it said {said:?}", case.name));
        }
        if matches!(case.code, 12 | 14) {
            let sentences = ran.err.lines().filter(|line| line.starts_with("Next: ")).count();
            if sentences != 1 || ran.err.lines().count() != 3 {
                wrong.push(format!("{}: not three sentences:\n{}", case.name, ran.err));
            }
        }
    }
    let good = rows.iter().find(|row| row["target"] == "good/pay").unwrap();
    assert_eq!(good["eligible"], true, "{good}");
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
}

/// A server that refuses questions for a while, once the job is there, ends no watch.
#[test]
fn queries_refused_for_a_while_are_retried() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let servers = FaultyServers::new();
    let refused = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&refused);
    let port = servers.tampered(Tampering::rows(move |view, answer| {
        let rows = answer?;
        let running = view == "CDB_OB_BACKUP_JOBS" && rows.len() > 1;
        let codes =
            [(4013, "No memory or reach tenant memory limit"), (4012, "Timeout"), (1142, "SELECT command denied")];
        match codes.get(if running { counted.fetch_add(1, Ordering::Relaxed) } else { codes.len() }) {
            Some((code, message)) => Err(error(*code, message)),
            None => Ok(rows),
        }
    }));
    let folder = tempfile::tempdir().unwrap();
    let case = Case { name: "demo", port, user: "root@sys", password: PASSWORD, code: 0, says: "" };
    let config = inventory(folder.path(), &[case]);
    let ran = obnow(&["backup", "demo/pay", "--mode", "full", "--yes"], &config);
    assert_eq!(ran.code, Some(0), "{}", ran.both());
    assert!(refused.load(Ordering::Relaxed) > 3, "nothing was refused");
    assert!(ran.both().contains("No memory or reach tenant memory limit"), "{}", ran.both());
}

/// The step fails with the name of an unknown archive state; it neither waits nor changes the archive.
#[test]
fn unknown_archive_state_stops_before_any_statement() {
    let servers = FaultyServers::new();
    let port = servers.tampered(Tampering::rows(|view, answer| {
        let mut rows = answer?;
        for row in rows.iter_mut().filter(|_| view.starts_with("CDB_OB_ARCHIVELOG")) {
            row.entry("STATUS").and_modify(|status| *status = text("WOBBLING"));
        }
        Ok(rows)
    }));
    let folder = tempfile::tempdir().unwrap();
    let case = Case { name: "demo", port, user: "root@sys", password: PASSWORD, code: 0, says: "" };
    let config = inventory(folder.path(), &[case]);
    let ran = obnow(&["backup", "demo/pay", "--mode", "full", "--yes"], &config);
    assert_eq!(ran.code, Some(15), "{}", ran.both());
    assert!(ran.both().contains("WOBBLING"), "{}", ran.both());
    assert!(!config.with_extension("state").join("audit.jsonl").exists());
}

/// From sys a server says yes to ARCHIVELOG whatever comes of it: a round that its root service cannot begin leaves no row, and
/// the wait for it ends with where to look.
#[test]
fn archive_that_never_starts_is_explained() {
    let servers = FaultyServers::new();
    let tampering =
        Tampering::rows(|view, answer| if view.starts_with("CDB_OB_ARCHIVELOG") { Ok(Vec::new()) } else { answer });
    let port = servers.tenants("  - {names: [pay], archive: null, sets: []}\n", tampering);
    let folder = tempfile::tempdir().unwrap();
    let case = Case { name: "demo", port, user: "root@sys", password: PASSWORD, code: 0, says: "" };
    let config = inventory(folder.path(), &[case]);
    let ran = obnow(&["backup", "demo/pay", "--mode", "full", "--yes"], &config);
    assert_eq!(ran.code, Some(15), "{}", ran.both());
    for said in [
        "No log archive round of demo/pay has appeared.",
        "the RootService leader, look whether file:///",
        "then retry.",
    ] {
        assert!(ran.both().contains(said), "no {said:?} in {}", ran.both());
    }
    let audit = std::fs::read_to_string(config.with_extension("state").join("audit.jsonl")).unwrap();
    assert!(audit.contains("ARCHIVELOG TENANT") && !audit.contains("ALTER SYSTEM BACKUP"), "{audit}");
}

/// A real server of the MySQL family that is not an OceanBase, not a scripted one.
#[test]
fn a_real_mariadb_is_not_an_oceanbase() {
    let Some(program) = ["/usr/sbin/mariadbd", "/usr/libexec/mariadbd"].iter().find(|path| Path::new(path).is_file())
    else {
        engine::not_installed::<()>("mariadbd is not installed; tests/run installs it");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let claimed = engine::port::Port::claim();
    let port = claimed.number;
    let mut server = Command::new(program);
    let arg = |name: &str, value: &Path| format!("--{name}={}", value.display());
    server.args(["--no-defaults", "--skip-grant-tables", "--bind-address=127.0.0.1", "--innodb-buffer-pool-size=8M"]);
    server.args([format!("--port={port}"), arg("datadir", &data), arg("socket", &folder.path().join("s"))]);
    server.args([arg("pid-file", &folder.path().join("pid")), arg("tmpdir", folder.path())]);
    if rustix::process::getuid().is_root() {
        server.arg("--user=root");
    }
    let mut server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(std::time::Instant::now() < end && server.try_wait().unwrap().is_none(), "it does not start");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let case = Case { name: "maria", port, user: "root@sys", password: PASSWORD, code: 14, says: "" };
    let config = inventory(folder.path(), &[case]);
    let ran = obnow(&["check", "maria"], &config);
    let listed = obnow(&["targets"], &config);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(ran.code, Some(14), "{}", ran.both());
    assert!(ran.err.contains("is not an OceanBase") && ran.err.contains("MariaDB"), "{}", ran.err);
    assert_eq!(listed.code, Some(0));
    assert!(listed.out.contains("unreachable") && listed.out.contains("MariaDB"), "{}", listed.out);
}

/// What is wrong in the inventory stops every command before anything else happens, and is named with its place.
#[test]
fn invalid_inventory_is_refused_with_its_position() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    let touched = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    touched.set_nonblocking(true).unwrap();
    let port = touched.local_addr().unwrap().port();
    let good = format!("- name: a\n  endpoints: [\"127.0.0.1:{port}\"]\n  user: root@sys\n  password: {{env: PATH}}\n");
    let bombs: Vec<String> =
        (1..12).map(|level| format!("&x{level} [{}]", vec![format!("*x{}", level - 1); 9].join(", "))).collect();
    let cases: Vec<(String, u32, &str)> = vec![
        (format!("clusters:\n{good}  colour: red\n"), 0o600, "clusters[0].colour (line 6, column 3)"),
        (format!("clusters:\n{good}limit: {{}}\n"), 0o600, "limit (line 6, column 1)"),
        (format!("clusters:\n{good}limits: {{poll: soon}}\n"), 0o600, "limits.poll (line 6, column 16)"),
        (format!("clusters:\n{good}- name: [b]\n"), 0o600, "clusters[1].name (line 6"),
        (format!("clusters:\n{good}{good}"), 0o600, "clusters[1].name (line 6, column 9): the name a is given twice"),
        ("clusters:\n- {name: a, endpoints: [\"a:b:c\"], user: u}\n".into(), 0o600, "clusters[0].endpoints[0] (line 2"),
        (format!("clusters:\n{good}  password: secret-canary\n"), 0o600, "clusters[0].password (line"),
        ("clusters: [".into(), 0o600, "line 2, column 1"),
        ("just words".into(), 0o600, "line 1, column 1"),
        ("\u{0}\u{1}\u{2}".into(), 0o600, "config.yaml"),
        (format!("clusters: [&x0 [a, a, a], {}, *x11]\n", bombs.join(", ")), 0o600, "config.yaml"),
        (format!("clusters:\n{good}"), 0o644, "0644"),
        (format!("clusters:\n{good}"), 0o660, "0660"),
    ];
    for (text, mode, place) in &cases {
        write(&config, text, *mode);
        for args in [&["targets"][..], &["check", "a/pay"], &["backup", "a/pay", "--mode", "full", "--yes"], &["tasks"]]
        {
            let ran = obnow(args, &config);
            let what = format!("{args:?} with\n{text}\nsaid {}", ran.both());
            assert_eq!(ran.code, Some(1), "{what}");
            assert!(ran.err.contains(&config.display().to_string()) && ran.err.contains(place), "no {place:?}: {what}");
            assert!(ran.err.contains("Next: ") && ran.out.is_empty(), "{what}");
            assert!(!ran.err.contains("panicked") && !ran.err.contains("secret-canary"), "{what}");
        }
    }
    assert!(touched.accept().is_err(), "a server was talked to");
    assert!(!config.with_extension("state").exists(), "a state directory was made");
}
