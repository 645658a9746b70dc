//! Fixtures that damage what a task uses: lines of its journal, files of the state directory, the disk.

use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use obnow::journal::TaskId;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};

use crate::fixtures::kill;
use crate::fleet::OBNOW;

/// The number of the first line that holds this text, from 1.
#[track_caller]
pub fn line_with(journal: &Path, text: &str) -> usize {
    let whole = std::fs::read_to_string(journal).unwrap();
    whole.lines().position(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text} in\n{whole}")) + 1
}

/// Breaks one byte of a line, as a bad disk does.
#[track_caller]
pub fn break_line(journal: &Path, number: usize) {
    let whole = std::fs::read(journal).unwrap();
    let mut lines: Vec<Vec<u8>> = whole.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    // The first byte of a line of JSON is its brace.
    lines[number - 1][0] = 0xff;
    std::fs::write(journal, lines.join(&b'\n')).unwrap();
}

/// A stopped process, as one that waits for a hanging disk; drop lets it continue.
pub struct Stopped(u32);

impl Stopped {
    pub fn stop(pid: u32) -> Self {
        kill(pid, Signal::STOP);
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // It may have been killed meanwhile.
        let pid = i32::try_from(self.0).ok().and_then(Pid::from_raw);
        let _ = pid.map(|pid| kill_process(pid, Signal::CONT));
    }
}

/// Creates a FIFO without a writer at this path.
pub fn fifo(path: &Path) {
    let _ = std::fs::remove_file(path);
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
}

/// Puts a directory there, into which no line can be appended.
pub fn directory(path: &Path) {
    let _ = std::fs::remove_file(path);
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).unwrap();
}

/// The program where no file can grow beyond so many blocks of 512 bytes, as on a full disk; or where it is killed by what
/// grows further.
pub fn without_room(blocks: u64, kills: bool, args: &[&str]) -> Command {
    let signal = if kills { "true" } else { "trap '' XFSZ" };
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{signal}; ulimit -f {blocks}; exec \"$@\""), "sh", OBNOW]).args(args);
    command
}

/// Moves a task ten years on, as a clock that is ahead writes it: its id.
pub fn into_the_future(journal: &Path) -> String {
    let (new, moved) = begun_at(journal, jiff::Timestamp::now() + jiff::SignedDuration::from_hours(10 * 365 * 24));
    let text = std::fs::read_to_string(&moved).unwrap();
    let year = |years: i16| {
        format!("\"at\":\"{}-", jiff::Timestamp::now().strftime("%Y").to_string().parse::<i16>().unwrap() + years)
    };
    std::fs::write(&moved, text.replace(&year(0), &year(10))).unwrap();
    new
}

/// Gives a task the id of one that began at this moment; the id, and its journal.
pub fn begun_at(journal: &Path, at: jiff::Timestamp) -> (String, PathBuf) {
    let old = journal.file_stem().unwrap().to_str().unwrap();
    let new = TaskId::new(at, 7).to_string();
    let moved = journal.with_file_name(format!("{new}.jsonl"));
    let text = std::fs::read_to_string(journal).unwrap().replace(old, &new);
    std::fs::remove_file(journal).unwrap();
    std::fs::write(&moved, text).unwrap();
    std::fs::set_permissions(&moved, std::fs::Permissions::from_mode(0o600)).unwrap();
    (new, moved)
}
