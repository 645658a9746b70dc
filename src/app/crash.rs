//! What is printed where a part of obnow panics: the place and the message, without a secret of this process and without what
//! drives a terminal.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write as _;
use std::panic::PanicHookInfo;

use crate::domain::diagnosis::foreign;

/// Sets the hook for every panic of this process.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        // Where nobody reads it any more there is nobody to tell.
        let _ = std::io::stderr().lock().write_all(panic_text(info).as_bytes());
    }));
}

fn panic_text(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let message = foreign(info.payload_as_str().unwrap_or("without a message"));
    let thread = std::thread::current();
    let told = format!("obnow panicked in thread {} at {place}: {message}\n", thread.name().unwrap_or("<unnamed>"));
    // Captured where RUST_BACKTRACE asks for it: names of functions and files, no values.
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured { format!("{told}{trace}\n") } else { told }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        clippy::disallowed_methods,
        reason = "a test panics in a child of its own"
    )]

    use std::process::Command;

    use crate::domain::secret::Secret;

    const SECRET: &str = "CANARY-of-a-crash-6f1d";
    const CHILD: &str = "OBNOW_TEST_PANICS";

    #[test]
    fn a_panic_message_has_no_secret_or_escape() {
        if std::env::var_os(CHILD).is_some() {
            let secret = Secret::new(SECRET.to_owned());
            super::install_panic_hook();
            panic!("the password \u{1b}[31m{} is refused", secret.expose());
        }
        let name = "app::crash::tests::a_panic_message_has_no_secret_or_escape";
        let mut child = Command::new(std::env::current_exe().unwrap());
        let ran = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").output().unwrap();
        let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        assert!(!ran.status.success() && said.contains("src/app/crash.rs:"), "{said}");
        assert!(said.contains("the password *** is refused") && !said.contains(SECRET), "{said}");
        assert!(!said.contains('\u{1b}'), "{said:?}");
    }
}
