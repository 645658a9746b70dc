//! Tests what is written to the terminal: no terminal query, no mouse mode, one write for each frame, and nothing while idle.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::inventory::InventoryDirectory;
use crate::pty::{DOWN, Terminal, UP};

const THREE: [&str; 3] = ["prod-hz", "legacy-sh", "dr-bj"];

/// Nothing happens in it; there is nothing to wait for, so it is a span.
const WHILE: Duration = Duration::from_millis(1_500);

/// Every control sequence that was sent, without its text: `[?2026h`, `]52;`, `7`.
fn sequences(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(raw).into_owned();
    let mut found = Vec::new();
    for part in text.split('\x1b').skip(1) {
        let mut chars = part.chars();
        let mut sequence: String = chars.next().into_iter().collect();
        if sequence == "[" {
            for c in chars {
                sequence.push(c);
                if ('@'..='~').contains(&c) {
                    break;
                }
            }
        } else if sequence == "]" {
            sequence.extend(chars.take_while(|c| *c != ';'));
        }
        found.push(sequence);
    }
    found
}

#[test]
fn no_terminal_query_and_no_mouse_mode_is_sent() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    terminal.keys("??/x");
    terminal.shows("filter: x");
    terminal.keys("\x1b");
    terminal.hides("filter: x");
    terminal.keys(DOWN);
    terminal.keys("rb");
    terminal.shows("[Tasks]");
    terminal.resize(100, 30);
    terminal.keys("q");
    terminal.exit();
    let raw = terminal.raw();
    let sent = sequences(&raw);
    // What it does send: the screen, the paste mode, the cursor, synchronized frames, moves, erasing, colours.
    let known = ["[?1049h", "[?1049l", "[?2004h", "[?2004l", "[?25h", "[?25l", "[?2026h", "[?2026l", "[2J"];
    let odd: Vec<&String> = sent
        .iter()
        .filter(|sequence| !known.contains(&sequence.as_str()))
        .filter(|sequence| {
            let numbers = sequence[1..].trim_end_matches(['H', 'm', 'C', 'G']);
            !sequence.starts_with('[') || !numbers.chars().all(|c| c.is_ascii_digit() || c == ';')
        })
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
    // No more than these: no cursor position report, no attributes, no colours asked for, no mouse, no title.
    for question in ["[6n", "[5n", "[c", "[>c", "[?u", "]10", "]11", "[?1000h", "[?1002h", "[?1003h", "[?1006h", "]0"] {
        assert!(!sent.iter().any(|sequence| sequence == question), "{question}");
    }
    assert!(sent.contains(&"[?2004h".to_owned()) && sent.contains(&"[?2026h".to_owned()), "{sent:?}");
}

/// How often each thread of a process gave the processor up by itself: a thread that sleeps does not.
fn wake_ups(pid: u32) -> BTreeMap<String, String> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of = |thread: &std::path::Path| {
        let status = std::fs::read_to_string(thread.join("status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap();
        let name = std::fs::read_to_string(thread.join("comm")).unwrap();
        (format!("{} {}", thread.display(), name.trim()), line.to_owned())
    };
    threads.map(|thread| of(&thread.unwrap().path())).collect()
}

#[test]
fn while_idle_nothing_is_written_and_no_thread_wakes_up() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    // A key, so that everything that runs has run.
    terminal.keys(DOWN);
    terminal.focuses("legacy-sh");
    let written = terminal.quiet(Duration::from_millis(300));
    // What a runtime does behind the last answer is over when nothing woke up for a while.
    let mut before = wake_ups(terminal.pid());
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(250));
        let now = wake_ups(terminal.pid());
        if now == before {
            break;
        }
        before = now;
    }
    std::thread::sleep(WHILE);
    assert_eq!(wake_ups(terminal.pid()), before, "somebody woke up");
    assert_eq!(terminal.written().0, written, "something was written");
    // It is not dead: a key is answered.
    terminal.keys(UP);
    terminal.focuses("prod-hz");
    assert!(terminal.written().0 > written);
}

#[test]
fn a_frame_is_one_write() {
    let inventory = InventoryDirectory::of(&THREE);
    let log = tempfile::NamedTempFile::new().unwrap();
    let strace = std::process::Command::new("strace").arg("-V").output();
    if !strace.is_ok_and(|output| output.status.success()) {
        // Without it nobody sees where one write ends and the next begins; the terminal's own tests hold the buffer to it.
        return;
    }
    let words = inventory.words(&[]);
    let path = log.path().to_str().unwrap();
    let mut args = vec!["-f", "-qq", "-e", "trace=write,writev", "-e", "signal=none", "-s", "12", "-o", path];
    args.push(crate::pty::OBNOW);
    args.extend(words.iter().map(String::as_str));
    let mut command = crate::pty::command("strace", &args);
    command.env("A_SECRET", "x");
    let mut terminal = Terminal::start(command, (80, 24));
    terminal.shows("3 unreachable");
    terminal.keys("/");
    terminal.shows("filter: ");
    terminal.keys("dr");
    terminal.hides("legacy-sh");
    terminal.keys("\x1b");
    terminal.shows("legacy-sh");
    terminal.keys("q");
    terminal.exit();
    let frames = terminal.raw().windows(8).filter(|window| *window == b"\x1b[?2026h").count();
    let traced = std::fs::read_to_string(log.path()).unwrap();
    let to_terminal: Vec<&str> =
        traced.lines().filter(|line| line.contains("write(") && line.contains("\\33[")).collect();
    // Each frame, and the one that gives the terminal back.
    assert!(frames >= 5, "{frames}");
    assert_eq!(to_terminal.len(), frames + 1, "{to_terminal:#?}");
    assert!(to_terminal[..frames].iter().all(|line| line.contains("\\33[?2026h")), "{to_terminal:#?}");
}
