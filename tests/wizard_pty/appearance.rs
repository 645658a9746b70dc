//! Tests of the drawing: in every size, without colours, in ASCII, with names of double-width characters.

use crate::inventory::InventoryDirectory;
use crate::pty::{DEFAULT_SIZE, DOWN, ESC, Terminal, focused};

const THREE: [&str; 3] = ["prod-hz", "legacy-sh", "dr-bj"];

/// Returns the parameters of every `ESC [ ... m` that was sent.
fn colours(raw: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(raw);
    let mut found = Vec::new();
    for part in text.split("\x1b[").skip(1) {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(part.len());
        if part[end..].starts_with('m') {
            found.extend(part[..end].split(';').map(str::to_owned));
        }
    }
    found
}

/// Whether a number of it names a colour: 30 to 49 and 90 to 107, but for the two that give the terminal's own back.
fn is_colour(number: &str) -> bool {
    matches!(number.parse(), Ok(30_u32..=38 | 40..=48 | 90..=107))
}

#[test]
fn first_frame_shows_everything_without_inventory() {
    let inventory = InventoryDirectory::of(&THREE);
    let terminal = inventory.open();
    let screen = terminal.screen();
    let rows: Vec<&str> = screen.lines().collect();
    assert_eq!(rows.len(), 24);
    assert!(rows[0].contains("obnow") && rows[0].ends_with(" PROD"), "{screen}");
    assert!(rows[1].contains("[1 Target]") && rows[1].contains("6 Task"), "{screen}");
    assert!(rows[23].contains("q quit") && rows[23].contains("? help"), "{screen}");
    for name in THREE {
        assert!(rows.iter().any(|row| row.contains(name) && row.contains("unreachable")), "{name}\n{screen}");
    }
}

#[test]
fn less_than_the_least_says_how_much_is_needed() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    terminal.resize(60, 16);
    terminal.until("the least size", |screen| {
        let text = screen.contents();
        text.contains("[1 Target]") && text.contains("? help") && text.contains("dr-bj")
    });
    for (columns, rows) in [(59, 16), (60, 15), (40, 10)] {
        terminal.resize(columns, rows);
        terminal.shows(&format!("enlarge to 60x16 (now {columns}x{rows})"));
        terminal.resize(80, 24);
        terminal.shows("dr-bj");
    }
    terminal.resize(1, 1);
    terminal.keys("q");
    assert_eq!(terminal.exit(), 130);
}

#[test]
fn it_can_be_started_in_a_terminal_of_one_cell() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = Terminal::start(inventory.wizard(&[]), (1, 1));
    terminal.until("the alternate screen", vt100::Screen::alternate_screen);
    terminal.resize(80, 24);
    terminal.shows("prod-hz");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 130);
}

/// As in a multiplexer whose alternate screen is switched off: what the shell had written is not left between the words.
#[test]
fn without_an_alternate_screen_nothing_of_before_is_left() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    let drawn = terminal.screen();
    let mut raw = terminal.raw();
    let enters = b"\x1b[?1049h";
    let at = raw.windows(enters.len()).position(|window| window == enters).unwrap();
    raw.drain(at..at + enters.len());
    let (columns, rows) = DEFAULT_SIZE;
    let mut parser = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0);
    for row in 1..=rows {
        parser.process(format!("\x1b[{row};1H{}", "#".repeat(usize::from(columns))).as_bytes());
    }
    assert!(parser.screen().contents().contains("####"), "something was there before");
    parser.process(&raw);
    assert!(!parser.screen().contents().contains('#'), "{}", parser.screen().contents());
    terminal.keys("q");
    terminal.exit();
    assert!(drawn.contains("prod-hz"));
}

#[test]
fn a_storm_of_sizes_ends_in_the_right_picture() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    let before = terminal.screen();
    // Sizes as a mouse drags them, and worse, with keys in between.
    for round in 0_u16..40 {
        let (columns, rows) = (1 + (round * 37) % 120, 1 + (round * 13) % 50);
        terminal.resize(columns, rows);
        terminal.keys(["?", "\x1b[B", "?", "\x1b[A"][usize::from(round % 4)]);
    }
    terminal.resize(DEFAULT_SIZE.0, DEFAULT_SIZE.1);
    terminal.shows("[1 Target]");
    // Where it was too small to be seen, a key did nothing: what is open and where the focus is depends on when each size was
    // heard of. Esc closes what is open, and the focus is sent to both ends.
    terminal.keys(ESC);
    terminal.keys("G");
    terminal.focuses("dr-bj");
    terminal.keys("g");
    terminal.focuses("prod-hz");
    terminal.shows_again(&before);
}

#[test]
fn without_colours_the_selection_is_still_seen() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut no_color = inventory.wizard(&[]);
    no_color.env("NO_COLOR", "1");
    for command in [no_color, inventory.wizard(&["--color", "never"])] {
        let mut terminal = InventoryDirectory::open_with(command);
        terminal.focuses("prod-hz");
        terminal.keys(DOWN);
        terminal.focuses("legacy-sh");
        assert!(!terminal.look(focused).contains("prod-hz"), "{}", terminal.screen());
        // The environment too is a word in reverse.
        assert!(terminal.look(focused).contains("PROD"), "{}", terminal.screen());
        let used = colours(&terminal.raw());
        assert!(!used.iter().any(|number| is_colour(number)), "{used:?}");
        assert!(used.iter().any(|number| number == "7"), "{used:?}");
    }
    // With colours there are some, and only the sixteen every terminal has.
    let mut terminal = inventory.open();
    terminal.keys(DOWN);
    terminal.focuses("legacy-sh");
    let used = colours(&terminal.raw());
    assert!(used.iter().any(|number| is_colour(number)), "{used:?}");
}

#[test]
fn only_the_16_terminal_colours_are_used() {
    let inventory = InventoryDirectory::of(&THREE);
    let mut terminal = inventory.open();
    terminal.keys("?");
    terminal.shows("Keys in grey");
    terminal.look(|screen| {
        for row in 0..24 {
            for column in 0..80 {
                let cell = screen.cell(row, column).unwrap();
                assert_eq!(cell.bgcolor(), vt100::Color::Default, "{row} {column}");
                assert!(!matches!(cell.fgcolor(), vt100::Color::Rgb(..) | vt100::Color::Idx(16..)), "{row} {column}");
            }
        }
    });
}

#[test]
fn where_a_terminal_has_no_more_every_byte_is_ascii() {
    let inventory = InventoryDirectory::of(&["\u{751f}\u{4ea7}", "plain"]);
    for (name, value) in [("LANG", "C"), ("LC_ALL", "zh_CN.GB18030"), ("TERM", "linux"), ("TERM", "vt100")] {
        let mut command = inventory.wizard(&[]);
        command.env(name, value);
        let mut terminal = InventoryDirectory::open_with(command);
        assert!(terminal.screen().contains("????"), "a name is there all the same:\n{}", terminal.screen());
        terminal.keys("?");
        terminal.shows("Keys in grey");
        let raw = terminal.raw();
        assert!(raw.is_ascii(), "{name}={value}: {}", String::from_utf8_lossy(&raw));
    }
    // Elsewhere the name is drawn, and of all that is obnow's own nothing is beyond ASCII.
    assert!(inventory.open().screen().contains("\u{751f}\u{4ea7}"));
    assert!(InventoryDirectory::of(&THREE).open().raw().is_ascii());
}

#[test]
fn a_terminal_that_was_small_for_a_moment_is_drawn_anew() {
    let inventory = InventoryDirectory::of(&THREE);
    let terminal = inventory.open();
    let before = terminal.screen();
    for _ in 0..20 {
        // What it had is lost, and its size is the old one before anybody could look.
        terminal.resize(20, 5);
        terminal.resize(DEFAULT_SIZE.0, DEFAULT_SIZE.1);
        terminal.shows_again(&before);
    }
}

#[test]
fn names_two_cells_wide_shift_no_column() {
    let inventory = InventoryDirectory::of(&["\u{751f}\u{4ea7}\u{5e93}", "\u{8ba2}\u{5355}-hz", "plain"]);
    let terminal = inventory.open();
    let columns: Vec<u16> = terminal.look(|screen| {
        let rows = (0..24).filter(|row| text_of(screen, *row).contains("unreachable") && *row > 2 && *row < 20);
        rows.map(|row| column_of(screen, row, "unreachable")).collect()
    });
    assert_eq!(columns.len(), 3, "{}", terminal.screen());
    assert!(columns.iter().all(|column| *column == columns[0] && *column > 0), "{columns:?}\n{}", terminal.screen());
    assert!(terminal.screen().contains("\u{751f}\u{4ea7}\u{5e93}"));
}

fn text_of(screen: &vt100::Screen, row: u16) -> String {
    screen.rows(0, 80).nth(usize::from(row)).unwrap()
}

/// Returns the cell where a word begins in a row; 0 if it is not there.
fn column_of(screen: &vt100::Screen, row: u16, word: &str) -> u16 {
    let at = |column: u16| {
        (column..80).map_while(|column| screen.cell(row, column)).map(vt100::Cell::contents).collect::<String>()
    };
    (1..80).find(|column| at(*column).starts_with(word)).unwrap_or(0)
}
