//! Tests the check "every server", which runs over ssh: with a fake `ssh` program for three servers, and with a real sshd.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail loudly")]
#![allow(clippy::disallowed_methods, reason = "a test looks at its environment")]

mod buckets;
mod faulty_server;
#[path = "engine/port.rs"]
mod port;
#[path = "engine/script.rs"]
mod script;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use faulty_server::{FaultyServers, PASSWORD, Tampering};
use obnow::demo::statement::{Row, Value as Cell};
use serde_json::Value;

const OBNOW: &str = env!("CARGO_BIN_EXE_obnow");

/// The rows of three servers on hosts of their own.
fn three(view: &str, answer: faulty_server::Answer) -> faulty_server::Answer {
    let rows = answer?;
    if view != "DBA_OB_SERVERS" {
        return Ok(rows);
    }
    let one = rows.first().unwrap().clone();
    let on = |host: &str| {
        let mut row: Row = one.clone();
        row.insert("SVR_IP", Cell::Text(host.to_owned()));
        row
    };
    Ok(["10.9.9.1", "10.9.9.2", "10.9.9.3"].map(on).to_vec())
}

struct Workspace {
    folder: tempfile::TempDir,
    _servers: FaultyServers,
}

impl Workspace {
    fn new(tampering: Tampering, user: &str) -> Self {
        let servers = FaultyServers::new();
        let port = servers.tampered(tampering);
        let folder = tempfile::tempdir().unwrap();
        let inventory = format!(
            "clusters:\n- {{name: demo, endpoints: [\"127.0.0.1:{port}\"], user: root@sys, password: {{env: LOGIN}}, ssh: {{user: \
             {user}}}, strategies: [{{storage: {{kind: file, path: \"/dev/shm\"}}}}]}}\n"
        );
        std::fs::write(folder.path().join("config.yaml"), inventory).unwrap();
        std::fs::set_permissions(folder.path().join("config.yaml"), std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        Self { folder, _servers: servers }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What is found as `ssh`.
    fn ssh(&self, lines: &str) {
        let program = self.path("bin/ssh");
        script::script(&program, lines);
    }

    fn command(&self, args: &[&str]) -> Command {
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(OBNOW);
        command.args(args).arg("--config").arg(self.path("config.yaml")).arg("--state").arg(self.path("state"));
        command.env("LOGIN", PASSWORD).env("PATH", path).stdin(Stdio::null());
        command
    }

    /// The events of the check, one a directory, and the exit code.
    fn run(&self, target: &str) -> (Vec<Value>, i32) {
        let output = self.command(&["test-storage", target, "--json"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        (events.filter(|event| event["check"] == "every_server").collect(), output.status.code().unwrap())
    }
}

const SEEN: &str = "mount=nfs4 nas:/b /backup\\nuser=admin\\nwritable=yes\\nme=admin\\nfree=1048576\\nend=yes\\n";

#[test]
fn the_differing_one_of_three_servers_is_named() {
    let workspace = Workspace::new(Tampering::rows(three), "admin");
    let log = workspace.path("log");
    let script = |third: &str| {
        format!(
            "echo \"$*\" >>{0}; cat >>{0}.in\ncase \"$*\" in\n*10.9.9.3*) {third};;\n*) printf 'at=/backup\\n{SEEN}';;\nesac",
            log.display()
        )
    };
    workspace.ssh(&script(&format!("printf 'at=/backup\\n{SEEN}'")));
    let (checks, _) = workspace.run("demo/pay");
    assert_eq!(checks.len(), 2, "data and log");
    for check in &checks {
        assert_eq!(check["result"], "pass", "{check}");
        assert_eq!(check["found"], "3 servers: nfs4 of nas:/b, admin may write");
        assert!(check["ms"].is_u64());
    }
    let asked = std::fs::read_to_string(&log).unwrap();
    for host in ["10.9.9.1", "10.9.9.2", "10.9.9.3"] {
        let line = format!("-o BatchMode=yes -o ConnectTimeout=5 -T -l admin -- {host} sh -s");
        assert_eq!(asked.lines().filter(|asked| **asked == *line).count(), 2, "{asked}");
    }
    let scripts = std::fs::read_to_string(workspace.path("log.in")).unwrap();
    assert!(scripts.contains("findmnt") && !scripts.contains(PASSWORD), "{scripts}");
    workspace.ssh(&script(&format!("printf 'at=/backup\\n{}'", SEEN.replace("nas:/b", "nas:/other"))));
    let (checks, exit) = workspace.run("demo/pay");
    assert_eq!((exit, checks[0]["result"].as_str()), (13, Some("fail")));
    let found = checks[0]["found"].as_str().unwrap();
    assert!(found.starts_with("10.9.9.1 and 10.9.9.3 have different storages at /"), "{found}");
    workspace.ssh(&script("echo 'Permission denied (publickey).' >&2; exit 255"));
    let (checks, _) = workspace.run("demo/pay");
    assert_eq!(checks[0]["result"], "not_checked");
    assert_eq!(
        checks[0]["found"],
        "that every server reaches it: ssh to 10.9.9.3: Permission denied (publickey).; 2 servers: nfs4 of nas:/b, admin may \
         write"
    );
}

/// An archive that is Mandatory stays so where its Test has passed on every server before the plan is made: as in the wizard.
#[test]
fn mandatory_archive_moves_after_all_servers_passed() {
    let rows = |view: &str, answer: faulty_server::Answer| {
        let mut rows = three(view, answer)?;
        for row in &mut rows {
            if row.get("NAME").is_some_and(|name| *name == Cell::Text("binding".to_owned())) {
                row.insert("VALUE", Cell::Text("MANDATORY".to_owned()));
            }
        }
        Ok(rows)
    };
    let refuses = Tampering { alter: Some(|_| Some(faulty_server::error(1235, "not now"))), ..Tampering::rows(rows) };
    let workspace = Workspace::new(refuses, "admin");
    let log = tempfile::tempdir_in("/dev/shm").unwrap();
    let uri = format!("file://{}", log.path().display());
    for (third, binding) in
        [(format!("printf 'at=/dev/shm\\n{SEEN}'"), "Mandatory"), ("exit 255".to_owned(), "Optional")]
    {
        workspace.ssh(&format!(
            "cat >/dev/null\ncase \"$*\" in\n*10.9.9.3*) {third};;\n*) printf 'at=/dev/shm\\n{SEEN}';;\nesac"
        ));
        let args = ["backup", "demo/pay", "--mode", "full", "--archive-storage", &uri, "--yes", "--json"];
        let mut command = workspace.command(&args);
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let plan = text.lines().find(|line| line.contains("\"event\":\"plan\"")).unwrap_or_else(|| panic!("{text}"));
        let plan: Value = serde_json::from_str(plan).unwrap();
        let steps = plan["steps"].as_array().unwrap().iter();
        let mut statements = steps.flat_map(|step| step["statements"].as_array().unwrap()).filter_map(Value::as_str);
        let set = statements.find(|statement| statement.contains("SET LOG_ARCHIVE_DEST =")).unwrap();
        assert!(set.contains(&format!("BINDING={binding}")), "{binding}: {set}");
    }
}

#[test]
fn ob_admin_test_io_runs_and_leaves_nothing() {
    use obnow::domain::destination::Destination;
    use obnow::domain::storage_check::{ServerReply, TestResult, assess_servers, script};
    let folder = tempfile::tempdir().unwrap();
    let (bin, backup) = (folder.path().join("bin"), folder.path().join("backup"));
    std::fs::create_dir(&bin).unwrap();
    std::fs::create_dir(&backup).unwrap();
    let destination = Destination::parse_user(&format!("file://{}", backup.display())).unwrap();
    let run = |tool: &str| {
        let program = bin.join("ob_admin");
        script::script(&program, tool);
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.arg("-s").env("PATH", path).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut shell = command.spawn().unwrap();
        std::io::Write::write_all(&mut shell.stdin.take().unwrap(), script(&destination).as_bytes()).unwrap();
        String::from_utf8(shell.wait_with_output().unwrap().stdout).unwrap()
    };
    let log = folder.path().join("log");
    // It finds an empty directory below the destination, and writes its own log where it is started.
    let said = run(&format!(
        "echo \"$* $(ls -A \"${{3#file://}}\")\" >>{}; touch ob_admin.log \"${{3#file://}}/x\"",
        log.display()
    ));
    assert!(said.contains("io=0\n") && said.ends_with("end=yes\n") && !said.contains("left="), "{said}");
    let asked = std::fs::read_to_string(&log).unwrap();
    let wanted = format!("test_io_device -d file://{}/.obnow-io-device-", folder.path().display());
    assert!(asked.starts_with(&wanted) && asked.trim_end().chars().last().unwrap().is_ascii_digit(), "{asked}");
    assert_eq!(std::fs::read_dir(&backup).unwrap().count(), 0, "nothing is left in the destination");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "nor beside it: bin, backup and log");
    // A host of its own has a disk here; a server has a mount.
    let mounted = |said: &str| {
        let others = said.lines().filter(|line| !line.starts_with("mount="));
        others.chain(["mount=nfs4 nas:/b /backup"]).fold(String::new(), |all, line| all + line + "\n")
    };
    let judged =
        |said: &str| assess_servers(&destination, &[ServerReply { server: "one".into(), said: Ok(mounted(said)) }], 1);
    assert!(judged(&said).found.ends_with("ob_admin test_io_device passed on 1"), "{:?}", judged(&said));
    let failed = judged(&run("exit 7"));
    assert_eq!(failed.result, TestResult::Fail);
    assert!(
        failed.found.contains("ob_admin test_io_device fails in ") && failed.found.contains("(exit status 7)"),
        "{failed:?}"
    );
    let left = judged(&format!("{said}left=/backup/x\n"));
    assert_eq!(left.found, "Left behind /backup/x on one.");
}

#[test]
fn a_host_without_ssh_says_so() {
    let workspace = Workspace::new(Tampering::rows(three), "admin");
    workspace.ssh("exit 3");
    std::fs::remove_file(workspace.path("bin/ssh")).unwrap();
    let mut command = Command::new(OBNOW);
    command.args(["test-storage", "demo/pay", "--json", "--config"]).arg(workspace.path("config.yaml"));
    command.arg("--state").arg(workspace.path("state")).env("LOGIN", PASSWORD).env("PATH", workspace.path("bin"));
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("that every server reaches it: ssh to 10.9.9.1: ssh cannot be started: "), "{text}");
}

/// The real one, for the user of this test, on a port of its own.
struct Sshd(Child, #[allow(dead_code, reason = "it is claimed for as long")] port::Port);

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Sshd {
    fn start(folder: &Path) -> Option<Self> {
        let Some(program) = ["/usr/sbin/sshd", "/sbin/sshd"].into_iter().find(|path| Path::new(path).exists()) else {
            return buckets::not_installed("sshd is not installed; tests/run installs it");
        };
        let at = |name: &str| folder.join(name).display().to_string();
        for key in ["host", "own"] {
            let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &at(key)]).status();
            assert!(made.unwrap().success());
        }
        std::fs::copy(folder.join("own.pub"), folder.join("authorized")).unwrap();
        let claimed = port::Port::claim();
        let port = claimed.number;
        let known = std::fs::read_to_string(folder.join("host.pub")).unwrap();
        std::fs::write(folder.join("known"), format!("[127.0.0.1]:{port} {known}")).unwrap();
        let server = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\n\
             PermitRootLogin yes\nPasswordAuthentication no\nPidFile none\n",
            at("host"),
            at("authorized")
        );
        std::fs::write(folder.join("sshd_config"), server).unwrap();
        let client = format!(
            "Port {port}\nIdentityFile {}\nIdentitiesOnly yes\nUserKnownHostsFile {}\n",
            at("own"),
            at("known")
        );
        std::fs::write(folder.join("ssh_config"), client).unwrap();
        // Where it runs as root it wants this place.
        let _ = std::fs::create_dir_all("/run/sshd");
        let mut child = Command::new(program)
            .args(["-D", "-e", "-f", &at("sshd_config")])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "sshd ended");
            assert!(std::time::Instant::now() < end, "sshd does not listen");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        Some(Self(child, claimed))
    }
}

#[test]
fn a_real_ssh_finds_what_is_mounted_there() {
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let own_host = |view: &str, answer: faulty_server::Answer| {
        let mut rows = answer?;
        for row in rows.iter_mut().filter(|_| view == "DBA_OB_SERVERS") {
            row.insert("SVR_IP", Cell::Text("127.0.0.1".to_owned()));
        }
        // The directories of the strategy, on a mount that every Linux has.
        Ok(if view.ends_with("_BACKUP_PARAMETER") || view.ends_with("_ARCHIVE_DEST") { Vec::new() } else { rows })
    };
    let workspace = Workspace::new(Tampering::rows(own_host), user.trim());
    let Some(_sshd) = Sshd::start(workspace.folder.path()) else { return };
    workspace.ssh(&format!("exec /usr/bin/ssh -F {} \"$@\"", workspace.path("ssh_config").display()));
    let (checks, exit) = workspace.run("demo/pay");
    assert_eq!((exit, checks.len()), (0, 2), "{checks:#?}");
    for check in &checks {
        let found = check["found"].as_str().unwrap();
        assert_eq!(check["result"], "pass", "{found}");
        assert!(
            found.starts_with("1 server: tmpfs of ") && found.ends_with(&format!(", {} may write", user.trim())),
            "{found}"
        );
    }
    // Another key than the one that is known: nothing is asked, nothing is accepted.
    std::fs::write(workspace.path("known"), "").unwrap();
    let (checks, exit) = workspace.run("demo/pay");
    assert_eq!((exit, checks[0]["result"].as_str()), (0, Some("not_checked")));
    assert_eq!(checks[0]["found"], "that every server reaches it: ssh to 127.0.0.1: Host key verification failed.");
}
