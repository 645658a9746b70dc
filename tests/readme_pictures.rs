//! Tests that README shows each screen as the real program draws it on the embedded fleet. `OBNOW_BLESS=1` rewrites the
//! pictures of README.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, and is told by its environment what a person wants"
)]

mod fleet;
mod pty;

#[path = "wizard_journeys/navigation.rs"]
mod navigation;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fleet::DemoFleet;
use pty::Terminal;

/// Around a picture in README.
const BEGIN: &str = "<!-- picture: ";
const END: &str = "<!-- end of picture -->";

fn readme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

/// What is another each time is written as one thing: ids, ports, times, the folder of the fleet. Nothing moves by that.
fn steady(screen: &str, fleet: &DemoFleet) -> String {
    let root = fleet.folder().parent().and_then(Path::parent).unwrap().to_str().unwrap();
    let like = "/tmp/ob12ab34";
    assert_eq!(root.len(), like.len(), "{root}");
    let mut text = screen.replace(root, like);
    for at in 1..root.len() {
        // Where a line ends within it, the next one goes on under its beginning.
        for indent in [10, 40] {
            let broken = |name: &str| format!("{}\n{}{}", &name[..at], " ".repeat(indent), &name[at..]);
            text = text.replace(&broken(root), &broken(like));
        }
    }
    for (pattern, like) in [
        ("dddd-dd-dd", "2026-11-20"),
        ("dd:dd:dd", "03:31:02"),
        ("ddddddddddddddddddd", "1763581862000000000"),
        (" d s behind", " 0 s behind"),
        (" d.d s apart", " 0.0 s apart"),
        ("127.0.0.1:ddddd", "127.0.0.1:28810"),
        ("127.0.0.1:dddd", "127.0.0.1:2881"),
        (" dd more: Down", "  8 more: Down"),
        ("1MIIIIIIIIII", "1M7W5WH9X5DA"),
    ] {
        text = replaced(&text, pattern, like);
    }
    // How the recipe goes on depends on the second: its lines are left out, and no other.
    let (Some(from), Some(to)) = (text.find("\n          ALTER SYSTEM RESTORE"), text.find("\n log ")) else {
        return text;
    };
    let left_out = text[from..to].matches('\n').count() - 1;
    format!("{}\n          ...{}{}", &text[..from], "\n".repeat(left_out), &text[to..])
}

/// Replaces what a pattern finds: `d` is a digit, `I` a digit or a capital, everything else itself.
fn replaced(text: &str, pattern: &str, like: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let fits = |at: usize| {
        let found = chars.get(at..at + pattern.len());
        found.is_some_and(|found| {
            found.iter().zip(pattern.chars()).all(|(c, wanted)| match wanted {
                'd' => c.is_ascii_digit(),
                'I' => c.is_ascii_digit() || c.is_ascii_uppercase(),
                wanted => *c == wanted,
            })
        })
    };
    let (mut out, mut at) = (String::new(), 0);
    while at < chars.len() {
        if fits(at) {
            out.push_str(like);
            at += pattern.len();
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

/// The screen in a frame of its own.
fn picture(terminal: &Terminal, fleet: &DemoFleet) -> String {
    let rows = terminal.look(|screen| screen.rows(0, 80).map(|row| row.trim_end().to_owned()).collect::<Vec<_>>());
    steady(&rows.join("\n"), fleet)
}

/// Every picture by its name, drawn by the program on the way of a backup.
fn pictures() -> Vec<(&'static str, String)> {
    // A folder whose name is as long everywhere.
    let place = tempfile::Builder::new().prefix("ob").tempdir_in("/tmp").unwrap();
    let fleet = DemoFleet::serve_in("healthy", place);
    let mut terminal = navigation::start(&fleet, "healthy", &[]);
    navigation::answered(&terminal);
    terminal.keys(pty::DOWN);
    terminal.until("the focus on pay", |screen| pty::focused(screen).trim_start().starts_with("pay "));
    let mut pictures = vec![("target", picture(&terminal, &fleet))];
    for (name, mark) in
        [("detected", "[2 Detected]"), ("storage", "[3 Storage]"), ("mode", "[4 Mode]"), ("confirm", "[5 Confirm]")]
    {
        terminal.keys(pty::ENTER);
        terminal.shows(mark);
        match name {
            "detected" => terminal.hides("asking again"),
            "storage" => terminal.shows("[ Test ]"),
            "confirm" => terminal.shows("Back up now: "),
            _ => {}
        }
        pictures.push((name, picture(&terminal, &fleet)));
    }
    navigation::start_it(&mut terminal);
    terminal.shows("RESTORABLE  pay: ");
    pictures.push(("task", picture(&terminal, &fleet)));
    pictures
}

/// README with these pictures between their marks.
fn with(text: &str, pictures: &[(&str, String)]) -> String {
    let mut out = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        writeln!(out, "{line}").unwrap();
        let Some(name) = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(" -->")) else { continue };
        let (_, picture) =
            pictures.iter().find(|(known, _)| *known == name).unwrap_or_else(|| panic!("no picture {name}"));
        write!(out, "```text\n{picture}\n```\n{END}\n").unwrap();
        assert!(lines.any(|line| line == END), "the picture {name} has no end");
    }
    out
}

#[test]
fn readme_shows_each_screen_as_the_program_draws_it() {
    let kept = std::fs::read_to_string(readme()).unwrap();
    let pictures = pictures();
    for (name, _) in &pictures {
        assert!(kept.contains(&format!("{BEGIN}{name} -->")), "README has no picture of {name}");
    }
    let drawn = with(&kept, &pictures);
    if std::env::var_os("OBNOW_BLESS").is_some() {
        std::fs::write(readme(), &drawn).unwrap();
        return;
    }
    for (was, now) in kept.lines().zip(drawn.lines()) {
        assert_eq!(was, now, "README shows a screen of another time; OBNOW_BLESS=1 draws it anew");
    }
    assert_eq!(kept, drawn);
}
