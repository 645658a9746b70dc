//! Every scene as it is drawn, in every size: the text, and what of it has a style. Kept as snapshots under
//! `tests/snapshots/wizard`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use super::{fixtures, screen_fixtures};
use crate::wizard::model::Model;
use crate::wizard::msg::Msg;
use crate::wizard::update::update;
use crate::wizard::view::theme::Theme;
use crate::wizard::view::view;

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (60, 16), (40, 10)];

const USUAL: Theme = Theme { color: true, ascii: false };

fn snapshot_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/wizard")
}

/// Draws a model in a size, as the loop would after the terminal got that size.
pub fn drawn(model: &mut Model, theme: Theme, (columns, rows): (u16, u16)) -> Buffer {
    let effects = update(model, Msg::Resized(columns, rows));
    assert!(effects.is_empty(), "{effects:?}");
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| view(model, theme, fixtures::now(), frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The rows as a person reads them: a wide character is there once.
pub fn rows(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    (0..area.height)
        .map(|y| {
            let mut row = String::new();
            let mut x = 0;
            while x < area.width {
                let symbol = buffer[(x, y)].symbol();
                row.push_str(symbol);
                x += u16::try_from(symbol.width().max(1)).unwrap();
            }
            row
        })
        .collect()
}

/// The look of a cell in words; empty: the terminal's own.
fn cell_style(buffer: &Buffer, (x, y): (u16, u16)) -> String {
    let cell = &buffer[(x, y)];
    let mut words = Vec::new();
    if cell.fg != Color::Reset {
        words.push(format!("{:?}", cell.fg).to_lowercase());
    }
    if cell.bg != Color::Reset {
        words.push(format!("on {:?}", cell.bg).to_lowercase());
    }
    for (modifier, word) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::REVERSED, "reversed"),
        (Modifier::ITALIC, "italic"),
        (Modifier::UNDERLINED, "underlined"),
    ] {
        if cell.modifier.contains(modifier) {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

/// The runs of a row that have a look of their own: `3-9 cyan`.
fn style_runs(buffer: &Buffer, y: u16) -> String {
    let mut runs: Vec<(u16, u16, String)> = Vec::new();
    for x in 0..buffer.area.width {
        let look = cell_style(buffer, (x, y));
        match runs.last_mut() {
            Some((_, end, last)) if *last == look => *end = x,
            _ => runs.push((x, x, look)),
        }
    }
    let told = runs.into_iter().filter(|(_, _, look)| !look.is_empty());
    told.map(|(from, to, look)| format!("{from}-{to} {look}")).collect::<Vec<_>>().join(", ")
}

/// One picture: the rows, and under each what of it has a style.
fn snapshot(buffer: &Buffer) -> String {
    let mut text = String::new();
    for (y, row) in (0..).zip(rows(buffer)) {
        let runs = style_runs(buffer, y);
        writeln!(text, "|{}", row.trim_end()).unwrap();
        if !runs.is_empty() {
            writeln!(text, "  : {runs}").unwrap();
        }
    }
    text
}

/// The scene in every size.
fn snapshot_all_sizes(model: &mut Model, theme: Theme) -> String {
    let mut text = String::new();
    for size in SIZES {
        let drawn = snapshot(&drawn(model, theme, size));
        write!(text, "== {}x{}\n{drawn}\n", size.0, size.1).unwrap();
    }
    text
}

/// Every picture there is, by the name of its file.
fn all() -> Vec<(String, String)> {
    let mut pictures = Vec::new();
    for (name, mut model) in screen_fixtures::all() {
        pictures.push((name.to_owned(), snapshot_all_sizes(&mut model, USUAL)));
        if let Some(screen) = name.strip_suffix(".normal") {
            let mono = snapshot_all_sizes(&mut model, Theme { color: false, ascii: false });
            let ascii = snapshot_all_sizes(&mut model, Theme { color: true, ascii: true });
            pictures.push((format!("{screen}.mono"), mono));
            pictures.push((format!("{screen}.ascii"), ascii));
        }
    }
    pictures
}

#[test]
fn every_screen_is_drawn_as_it_was() {
    let pictures = all();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(snapshot_directory());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, text) in &pictures {
            insta::assert_snapshot!(name.as_str(), text);
        }
    });
    let names: BTreeSet<String> = pictures.iter().map(|(name, _)| format!("{name}.snap")).collect();
    let kept: BTreeSet<String> = std::fs::read_dir(snapshot_directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(kept, names, "a picture of no scene");
}

#[test]
fn every_screen_has_ok_error_and_waiting_snapshots() {
    let names: BTreeSet<&str> = screen_fixtures::all().iter().map(|(name, _)| *name).collect();
    for screen in ["connect", "target", "detected", "storage", "mode", "confirm", "task", "tasks"] {
        for kind in ["normal", "error", "loading", "cjk"] {
            // Nothing on Mode is waited for.
            let is_there = names.contains(format!("{screen}.{kind}").as_str());
            assert!(is_there || (screen, kind) == ("mode", "loading"), "{screen}.{kind}");
        }
    }
}

#[test]
fn colour_never_stands_alone_and_ascii_is_ascii() {
    for (name, mut model) in screen_fixtures::all() {
        for size in SIZES {
            let mono = drawn(&mut model, Theme { color: false, ascii: true }, size);
            let usual = drawn(&mut model, USUAL, size);
            for y in 0..size.1 {
                for x in 0..size.0 {
                    let cell = &mono[(x, y)];
                    assert!(cell.fg == Color::Reset && cell.bg == Color::Reset, "{name} {size:?} {x},{y} has a colour");
                    assert_eq!(usual[(x, y)].bg, Color::Reset, "{name} {size:?} {x},{y} paints the background");
                }
            }
            let beyond = rows(&mono).into_iter().find(|row| !row.is_ascii());
            assert_eq!(beyond, None, "{name} {size:?}");
            // The same words, with and without colours.
            let plain = drawn(&mut model, Theme { color: false, ascii: false }, size);
            assert_eq!(rows(&plain), rows(&usual), "{name} {size:?}");
        }
    }
}

#[test]
fn a_list_shows_the_focus_at_every_size() {
    for (name, mut model) in screen_fixtures::all() {
        if !["target.normal", "target.cjk", "detected.normal", "tasks.normal", "confirm.normal"].contains(&name) {
            continue;
        }
        for theme in [USUAL, Theme { color: false, ascii: true }] {
            for size in &SIZES[..3] {
                let buffer = drawn(&mut model, theme, *size);
                let body = 3..size.1 - 3;
                let reversed =
                    body.filter(|y| (0..size.0).any(|x| buffer[(x, *y)].modifier.contains(Modifier::REVERSED)));
                assert_eq!(reversed.count(), 1, "{name} {size:?} {theme:?}\n{}", snapshot(&buffer));
            }
        }
    }
}

#[test]
fn names_two_cells_wide_shift_no_column() {
    for (name, mut model) in screen_fixtures::all() {
        if !name.ends_with("cjk") {
            continue;
        }
        for size in &SIZES[..3] {
            let buffer = drawn(&mut model, USUAL, *size);
            for (y, row) in (0_u16..).zip(rows(&buffer)) {
                assert_eq!(row.width(), usize::from(size.0), "{name} {size:?} row {y}: {row:?}");
            }
        }
    }
}
