#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fall where it stands")]

use std::os::unix::fs::PermissionsExt;

use super::*;

const ASKING: SecretRequest<'_> = SecretRequest { what: "the password of root@sys", flag: SecretFlag::PasswordFrom };

async fn command(text: &str) -> Result<Secret, Fault> {
    Resolver::silent().resolve(&SecretSource::Command(text.into()), ASKING).await
}

#[tokio::test]
async fn the_environment_gives_a_secret_or_a_fault_that_names_the_variable() {
    // Cargo sets it for every test.
    let source = SecretSource::Env("CARGO_PKG_NAME".into());
    assert_eq!(Resolver::silent().resolve(&source, ASKING).await.unwrap().expose(), "obnow");
    for name in ["OBNOW_SURELY_NOT_SET", "A=B", ""] {
        let fault = Resolver::silent().resolve(&SecretSource::Env(name.into()), ASKING).await.unwrap_err();
        assert_eq!(fault.what, "The password of root@sys was not found.");
        assert_eq!(fault.why, format!("The environment variable {name:?} is not set."));
    }
}

#[tokio::test]
async fn a_file_gives_its_first_line_and_only_if_it_is_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let source = SecretSource::File(path.display().to_string());
    let resolver = Resolver::silent();
    assert!(resolver.resolve(&source, ASKING).await.unwrap_err().why.contains("is not there"));
    for (text, wanted) in [
        ("pa ss\nsecond\n", Some("pa ss")),
        ("pass\r\n", Some("pass")),
        ("pass", Some("pass")),
        ("\npass", None),
        ("", None),
    ] {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let found = resolver.resolve(&source, ASKING).await;
        assert_eq!(found.as_ref().ok().map(Secret::expose), wanted, "{text:?}");
    }
    std::fs::write(&path, "hunter2\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let fault = resolver.resolve(&source, ASKING).await.unwrap_err();
    assert!(fault.next.starts_with("Run: chmod 600 "), "{fault}");
    assert!(!format!("{fault:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_command_gives_its_first_line() {
    assert_eq!(command("echo 'pa ss'; echo more").await.unwrap().expose(), "pa ss");
    assert_eq!(command("printf pass").await.unwrap().expose(), "pass");
    // The command prints more than a pipe holds, and still ends successfully.
    assert_eq!(command("echo pass; head -c 300000 /dev/zero && echo end").await.unwrap().expose(), "pass");
    // Its standard input is empty, not the one of this process.
    assert_eq!(command("read x; echo \"got $x\"").await.unwrap().expose(), "got ");
}

#[tokio::test]
async fn a_failing_command_is_named_by_its_status_and_never_by_its_output() {
    for (text, status) in
        [("echo hunter2; echo hunter2 >&2; exit 7", "exit status 7"), ("echo hunter2; kill -9 $$", "ended by signal 9")]
    {
        let fault = command(text).await.unwrap_err();
        assert!(fault.why.contains(status), "{fault}");
        assert!(!format!("{fault:?}").contains("hunter2"), "{fault:?}");
    }
    assert!(command("echo; echo hunter2").await.unwrap_err().why.contains("an empty line"));
    let fault = command(r"printf 'hunter2\377\n'").await.unwrap_err();
    assert!(fault.why.contains("not UTF-8") && !format!("{fault:?}").contains("hunter2"), "{fault:?}");
    assert!(command("head -c 100000 /dev/zero").await.unwrap_err().why.contains("longer than any secret"));
}

/// A named pipe: its read end reaches the end of file when the command, and all that it started, has closed the write end.
struct Witness {
    pipe: tokio::net::unix::pipe::Receiver,
    path: String,
    _folder: tempfile::TempDir,
}

impl Witness {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        let pipe = tokio::net::unix::pipe::OpenOptions::new().open_receiver(&path).unwrap();
        Self { pipe, path: path.display().to_string(), _folder: folder }
    }

    /// Waits for the first word; without a writer the pipe seems to be at its end.
    async fn begin(&mut self) {
        let word = async {
            let mut said = [0; 8];
            while self.pipe.read(&mut said).await.unwrap() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), word).await.expect("the command did not start");
    }

    /// Returns what was written until the end of file, which must come.
    async fn end(&mut self) -> String {
        let mut said = String::new();
        let read = tokio::time::timeout(Duration::from_secs(20), self.pipe.read_to_string(&mut said)).await;
        read.expect("something that the command started is still running").unwrap();
        said
    }
}

#[tokio::test]
async fn a_command_that_does_not_end_is_killed_with_all_it_started() {
    let mut witness = Witness::new();
    let command = format!("exec 3>{}; echo started >&3; sleep 60 & sleep 60", witness.path);
    let resolver = Resolver::silent().within(Duration::from_millis(500));
    let fault = resolver.resolve(&SecretSource::Command(command), ASKING).await.unwrap_err();
    assert_eq!(fault.why, "The command for it did not end within 0.5 s.");
    assert_eq!(witness.end().await, "started\n");
}

#[tokio::test]
async fn a_command_is_killed_when_nobody_waits_for_it_any_more() {
    let mut witness = Witness::new();
    let command = format!("exec 3>{}; echo started >&3; sleep 60 & sleep 60", witness.path);
    let waiting = tokio::spawn(async move { self::command(&command).await });
    witness.begin().await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(witness.end().await, "");
}

#[tokio::test]
async fn what_a_command_leaves_in_the_background_is_not_waited_for() {
    // `sleep` holds the command's output open.
    let found = tokio::time::timeout(Duration::from_secs(15), command("sleep 30 & echo pass")).await;
    assert_eq!(found.unwrap().unwrap().expose(), "pass");
}

#[tokio::test]
async fn off_a_terminal_nobody_is_asked_and_the_flag_is_named() {
    let fault = Resolver::silent().resolve(&SecretSource::Prompt, ASKING).await.unwrap_err();
    assert_eq!(fault.why, "There is no terminal to ask on.");
    assert_eq!(fault.next, "Give it by --password-from env:NAME, file:PATH or stdin, or none if there is no password.");
    assert_eq!(fault.cause, Cause::Usage);
}

#[test]
fn standard_input_is_taken_line_by_line() {
    let mut input = &b"first\r\nsecond\n"[..];
    let first = line_of(&mut input).unwrap();
    assert_eq!(secret(first, "x", ASKING).unwrap().expose(), "first");
    let second = line_of(&mut input).unwrap();
    assert_eq!(secret(second, "x", ASKING).unwrap().expose(), "second");
}

#[tokio::test]
async fn a_login_without_a_password_looks_nowhere_and_an_empty_source_names_that_way() {
    let nothing = Resolver::silent().resolve(&SecretSource::NoPassword, ASKING).await.unwrap();
    assert!(nothing.is_empty());
    let way = "A login that has no password is said by password: none in the inventory, or --password-from none.";
    let fault = command("printf ''").await.unwrap_err();
    assert!(fault.next.ends_with(way), "{fault}");
    // An access key cannot be `none`.
    let key = SecretRequest { what: "the access key", flag: SecretFlag::AccessKeyFrom };
    let fault = Resolver::silent().resolve(&SecretSource::Command("echo".into()), key).await.unwrap_err();
    assert_eq!(fault.next, "Put the secret in its first line.");
}
