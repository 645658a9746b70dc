#![allow(clippy::unwrap_used, reason = "a test may fall where it stands")]

use std::os::unix::fs::PermissionsExt;

use super::*;

const ASKING: Asking<'_> = Asking { what: "the password of root@sys", flag: "--password-from" };

async fn command(text: &str) -> Result<Secret, Fault> {
    Resolver::silent().resolve(&SecretSource::Command(text.into()), ASKING).await
}

#[tokio::test]
async fn the_environment_gives_a_secret_or_a_fault_that_names_the_variable() {
    // Set by cargo for every test.
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
    // More than a pipe holds follows, and the command still ends well.
    assert_eq!(command("echo pass; head -c 300000 /dev/zero && echo end").await.unwrap().expose(), "pass");
    // Its input is empty, not ours.
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

/// The read end of a pipe whose write end only the command and what it started hold.
fn witness() -> (std::fs::File, tempfile::TempDir, String) {
    use std::os::unix::fs::OpenOptionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap();
    let file = std::fs::OpenOptions::new().read(true).custom_flags(flags).open(&path).unwrap();
    rustix::fs::fcntl_setfl(&file, rustix::fs::OFlags::empty()).unwrap();
    let text = path.display().to_string();
    (file, folder, text)
}

#[tokio::test]
async fn a_command_that_does_not_end_is_killed_with_all_it_started() {
    let (mut pipe, _folder, path) = witness();
    let command = format!("exec 3>{path}; echo started >&3; sleep 1000 & sleep 1000");
    let resolver = Resolver::silent().within(Duration::from_millis(500));
    let fault = resolver.resolve(&SecretSource::Command(command), ASKING).await.unwrap_err();
    assert_eq!(fault.why, "The command for it did not end within 0.5 s.");
    // Ends only when the last holder of the write end is gone.
    let mut said = String::new();
    pipe.read_to_string(&mut said).unwrap();
    assert_eq!(said, "started\n");
}

#[tokio::test]
async fn a_command_is_killed_when_nobody_waits_for_it_any_more() {
    let (mut pipe, _folder, path) = witness();
    let command = format!("exec 3>{path}; echo started >&3; sleep 1000 & sleep 1000");
    let waiting = tokio::spawn(async move { self::command(&command).await });
    let mut word = [0; 8];
    let mut pipe = tokio::task::spawn_blocking(move || {
        // Until the writer is there a read of the pipe gives nothing.
        while pipe.read(&mut word).unwrap() == 0 {
            std::thread::yield_now();
        }
        pipe
    })
    .await
    .unwrap();
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(pipe.read(&mut word).unwrap(), 0);
}

#[tokio::test]
async fn what_a_command_leaves_in_the_background_is_not_waited_for() {
    let (pipe, _folder, path) = witness();
    // The background reader ends when the test's end of the pipe does.
    let command = format!("(while echo x; do :; done >{path}) 2>/dev/null & echo pass");
    let resolver = Resolver::silent();
    let found = resolver.resolve(&SecretSource::Command(command), ASKING).await;
    assert_eq!(found.unwrap().expose(), "pass");
    drop(pipe);
}

#[tokio::test]
async fn off_a_terminal_nobody_is_asked_and_the_flag_is_named() {
    let fault = Resolver::silent().resolve(&SecretSource::Prompt, ASKING).await.unwrap_err();
    assert_eq!(fault.why, "There is no terminal to ask on.");
    assert_eq!(fault.next, "Give it by --password-from env:NAME, file:PATH or stdin.");
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
