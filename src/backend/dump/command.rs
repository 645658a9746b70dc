//! The command of a dump: the text that may be shown, and the process that is run.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use super::Login;
use super::releases::Tool;
use super::run_paths::RunPaths;
use crate::domain::dump::{ALL, ExcludedTables, SYSTEM_DATABASES};
use crate::domain::fault::{Cause, Fault};

/// Shell script that runs the dump and writes its exit status, which is then known even if obnow has exited. It ignores SIGHUP:
/// the kernel sends one to a stopped group whose parent ends.
pub(super) const EXIT_STATUS_WRAPPER: &str = r#"trap '' HUP; "$@"; status=$?; printf '%s\n' "$status" >"$0""#;

/// Refuses a login that requires TLS with a release that was not tested with it.
///
/// # Errors
/// That.
pub fn check_tls(tool: &Tool, tls: bool) -> Result<(), Fault> {
    if !tls || tool.release.tested_with_tls {
        return Ok(());
    }
    Err(Fault::new(
        Cause::Precondition,
        "The dump would not be encrypted on its way.",
        format!("The inventory asks for TLS, and mydumper {} was not tried with it.", tool.release.version),
        "Set `tls: {mode: prefer}` for this cluster if the network may be trusted, or use another release.",
    ))
}

/// Returns the command line of a dump as it may be shown. Login, host and port are placeholders: the endpoint is known only at
/// the start, and user and password are never shown.
#[must_use]
pub fn command_line(program: &Path, options: &[&str], partial: &Path, exclude: &ExcludedTables) -> String {
    let words = [program.display().to_string()].into_iter().chain(
        arguments("<login>", "<host>", "<port>", partial, options, exclude)
            .into_iter()
            .map(|word| word.display().to_string()),
    );
    words.map(|word| shell_quoted(&word)).collect::<Vec<_>>().join(" ")
}

/// Returns an argument quoted for a shell.
fn shell_quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,<>".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

/// Returns the arguments of mydumper, both for the shown and for the executed command.
fn arguments(
    login: &str,
    host: &str,
    port: &str,
    partial: &Path,
    options: &[&str],
    exclude: &ExcludedTables,
) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![
        format!("--defaults-file={login}").into(),
        format!("--host={host}").into(),
        format!("--port={port}").into(),
        "--outputdir".into(),
        partial.into(),
        format!("--regex={}", table_regex(exclude)).into(),
    ];
    words.extend(options.iter().map(OsString::from));
    words
}

/// Returns the Perl regular expression that matches the `database.table` names to dump.
fn table_regex(exclude: &ExcludedTables) -> String {
    let system = format!("^(?!({})\\.)", SYSTEM_DATABASES.join("|"));
    if exclude.is_empty() {
        return system;
    }
    let names = exclude.0.iter().map(|name| match name.strip_suffix(ALL).filter(|rest| rest.ends_with('.')) {
        Some(database) => regex_literal(database),
        None => format!("{}$", regex_literal(name)),
    });
    format!("{system}(?!({}))", names.collect::<Vec<_>>().join("|"))
}

/// Returns a name escaped for the expression, byte by byte. Bytes outside ASCII are written in hexadecimal: mydumper's arguments
/// are read in the C locale.
fn regex_literal(name: &str) -> String {
    let part = |byte: u8| match byte {
        b'_' => "_".to_owned(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte if byte.is_ascii_graphic() => format!("\\{}", char::from(byte)),
        byte => format!("\\x{byte:02X}"),
    };
    name.bytes().map(part).collect()
}

/// Builds the command; the caller connects the login to its standard input.
pub(super) fn build_command(tool: &Tool, login: &Login, place: &RunPaths, exclude: &ExcludedTables) -> Command {
    let port = login.port.to_string();
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", EXIT_STATUS_WRAPPER])
        .arg(place.exit_status())
        .arg(&tool.path)
        .args(arguments("/proc/self/fd/0", &login.host, &port, &place.partial(), tool.release.options, exclude))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("LC_ALL", "C.UTF-8")
        .current_dir(place.directory())
        // Signals of the terminal must not reach it.
        .process_group(0);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_command_is_valid_shell() {
        let shown = command_line(
            Path::new("/opt/my dumper"),
            &["--threads=1"],
            Path::new("/b/t.1.partial"),
            &ExcludedTables::default(),
        );
        let regex = format!("'--regex=^(?!({})\\.)'", SYSTEM_DATABASES.join("|"));
        assert_eq!(
            shown,
            format!(
                "'/opt/my dumper' --defaults-file=<login> --host=<host> --port=<port> --outputdir /b/t.1.partial {regex} \
                 --threads=1"
            )
        );
    }

    #[test]
    fn table_regex_excludes_tables_and_databases() {
        let system = SYSTEM_DATABASES.join("|");
        let exclude = ExcludedTables(["o.e.*", "pay.a$b", "pay.汉", "pay.x y"].map(str::to_owned).into());
        assert_eq!(
            table_regex(&exclude),
            format!(r"^(?!({system})\.)(?!(o\.e\.|pay\.a\$b$|pay\.x\x20y$|pay\.\xE6\xB1\x89$))")
        );
    }
}
