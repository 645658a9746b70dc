//! A fixture for the program in a pseudo-terminal: the test sends keys, an emulated terminal reads what is drawn, and every byte
//! is recorded. Waits have a deadline, and print the last screen.
#![allow(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, and owns its deadlines; not every test uses every way"
)]

use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// The program.
pub const OBNOW: &str = env!("CARGO_BIN_EXE_obnow");

/// The time limit for what takes a few seconds at most.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// The size everything is made for.
pub const DEFAULT_SIZE: (u16, u16) = (80, 24);

pub const DOWN: &str = "\x1b[B";
pub const UP: &str = "\x1b[A";
pub const ENTER: &str = "\r";
pub const TAB: &str = "\t";
pub const ESC: &str = "\x1b";
pub const CTRL_C: &str = "\x03";
pub const CTRL_Z: &str = "\x1a";

/// What the terminal has received.
struct TerminalState {
    raw: Vec<u8>,
    parser: vt100::Parser,
    /// How many reads had something in them.
    reads: usize,
    /// Nobody holds the other side any more.
    ended: bool,
    /// The reader lets go after its next read.
    let_go: bool,
}

impl TerminalState {
    /// Returns whether a frame has begun and not ended.
    fn in_a_frame(&self) -> bool {
        let last = |mark: &[u8]| self.raw.windows(mark.len()).rposition(|window| window == mark);
        last(b"\x1b[?2026h") > last(b"\x1b[?2026l")
    }
}

struct Shared {
    seen: Mutex<TerminalState>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, TerminalState> {
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A program in a terminal.
pub struct Terminal {
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    shared: Arc<Shared>,
    /// The modes of its line before anybody had it.
    before: String,
    reader: Option<std::thread::JoinHandle<()>>,
}

/// A command with nothing of this test's environment in it but the path.
pub fn command(program: &str, args: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(program);
    command.env_clear();
    for (name, value) in [("TERM", "xterm-256color"), ("LANG", "en_US.UTF-8"), ("TZ", "UTC")] {
        command.env(name, value);
    }
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.args(args);
    command
}

impl Terminal {
    /// Starts a command in a terminal of so many columns and rows.
    pub fn start(command: CommandBuilder, (columns, rows): (u16, u16)) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let before = modes(pair.master.as_ref());
        let child = pair.slave.spawn_command(command).unwrap();
        // Only the program holds its side now: its end is the terminal's.
        drop(pair.slave);
        let parser = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 1_000);
        let seen = TerminalState { raw: Vec::new(), parser, reads: 0, ended: false, let_go: false };
        let shared = Arc::new(Shared { seen: Mutex::new(seen), changed: Condvar::new() });
        let reader = read(pair.master.try_clone_reader().unwrap(), Arc::clone(&shared));
        let writer = pair.master.take_writer().unwrap();
        Self { master: Some(pair.master), writer: Some(writer), child, shared, before, reader: Some(reader) }
    }

    /// The process that was started.
    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        let writer = self.writer.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).and_then(|()| writer.flush()).unwrap();
    }

    /// Another size.
    pub fn resize(&self, columns: u16, rows: u16) {
        // First our own side: what is drawn for the new size must find it.
        let (columns_of_it, rows_of_it) = (columns.try_into().unwrap(), rows.try_into().unwrap());
        self.shared.lock().parser.screen_mut().set_size(rows_of_it, columns_of_it);
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
    }

    /// Waits until a whole frame is so; at the deadline it fails with the last screen.
    #[track_caller]
    pub fn until(&self, what: &str, mut is: impl FnMut(&vt100::Screen) -> bool) {
        let end = Instant::now() + DEADLINE;
        let mut seen = self.shared.lock();
        loop {
            if !seen.in_a_frame() && is(seen.parser.screen()) {
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            let over = if seen.ended { "the program has ended" } else { "time is over" };
            assert!(
                !left.is_zero() && !seen.ended,
                "waited for {what}; {over}; the last screen:\n{}",
                picture(seen.parser.screen())
            );
            seen = self.shared.changed.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Waits until a text is on the screen.
    #[track_caller]
    pub fn shows(&self, text: &str) {
        self.until(&format!("{text:?}"), |screen| screen.contents().contains(text));
    }

    /// Waits until a text is not there any more.
    #[track_caller]
    pub fn hides(&self, text: &str) {
        self.until(&format!("{text:?} to go"), |screen| !screen.contents().contains(text));
    }

    /// Waits until the row with the focus, which is drawn in reverse, has this in it.
    #[track_caller]
    pub fn focuses(&self, text: &str) {
        self.until(&format!("the focus on {text:?}"), |screen| focused(screen).contains(text));
    }

    /// The screen as text.
    pub fn screen(&self) -> String {
        picture(self.shared.lock().parser.screen())
    }

    /// Waits until the screen is as it was, cell by cell but for blanks at the end of a row.
    #[track_caller]
    pub fn shows_again(&self, before: &str) {
        self.until(&format!("this screen:\n{before}"), |screen| picture(screen) == before);
    }

    /// Looks at the screen.
    pub fn look<T>(&self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        look(self.shared.lock().parser.screen())
    }

    /// Every byte so far.
    pub fn raw(&self) -> Vec<u8> {
        self.shared.lock().raw.clone()
    }

    /// Returns all text that was printed after the alternate screen was left for the last time.
    pub fn all_text(&self) -> String {
        let raw = self.raw();
        let text = String::from_utf8_lossy(&raw);
        text.rsplit("\x1b[?1049l").next().unwrap_or_default().to_owned()
    }

    /// How many bytes so far, and in how many reads they came.
    pub fn written(&self) -> (usize, usize) {
        let seen = self.shared.lock();
        (seen.raw.len(), seen.reads)
    }

    /// Waits until nothing was written for so long: how much there is then.
    #[track_caller]
    pub fn quiet(&self, span: Duration) -> usize {
        let end = Instant::now() + DEADLINE;
        let mut before = self.written().0;
        loop {
            std::thread::sleep(span);
            let now = self.written().0;
            if now == before {
                return now;
            }
            assert!(Instant::now() < end, "it never stops writing:\n{}", self.screen());
            before = now;
        }
    }

    /// Returns whether the line discipline is as before: echo, canonical mode, signals.
    pub fn line_is_as_before(&self) -> bool {
        modes(self.master.as_deref().unwrap()) == self.before
    }

    /// Asserts that the terminal is as it was: its own screen, the cursor, pastes, the line.
    #[track_caller]
    pub fn assert_restored(&self) {
        let seen = self.shared.lock();
        let screen = seen.parser.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is still there");
        // Left as often as it was entered: leaving it twice puts the cursor back over what was said in between.
        let count = |mark: &[u8]| seen.raw.windows(mark.len()).filter(|window| *window == mark).count();
        assert_eq!(count(b"\x1b[?1049h"), count(b"\x1b[?1049l"));
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste(), "pastes are still bracketed");
        assert!(!seen.in_a_frame(), "a frame is still open");
        assert!(
            self.line_is_as_before(),
            "the line has other modes: {:?}",
            self.master.as_ref().unwrap().get_termios()
        );
    }

    /// Asserts that the wizard has it, so that its giving back can be seen.
    #[track_caller]
    pub fn assert_raw_mode(&self) {
        self.look(|screen| assert!(screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste()));
        assert!(!self.line_is_as_before());
    }

    /// Waits for the end of the program: its exit code.
    #[track_caller]
    pub fn exit(&mut self) -> u32 {
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // Its last words are in the terminal.
                if let Some(reader) = self.reader.take() {
                    reader.join().unwrap();
                }
                assert!(status.signal().is_none(), "{status}:\n{}", self.screen());
                return status.exit_code();
            }
            assert!(Instant::now() < end, "it does not end:\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(3));
        }
    }

    /// Returns whether the program has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The terminal takes nothing any more, as when a person stopped it with Ctrl-S.
    pub fn stall(&mut self, nudge: &str) {
        self.shared.lock().let_go = true;
        self.keys(nudge);
        self.reader.take().unwrap().join().unwrap();
    }

    /// The terminal goes away. The reader lets go with the next thing drawn, which `nudge` brings about.
    pub fn close_abruptly(&mut self, nudge: &str) {
        self.stall(nudge);
        self.writer = None;
        self.master = None;
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

/// The rows that have a piece in reverse, as text.
pub fn focused(screen: &vt100::Screen) -> String {
    let (rows, columns) = (screen.size().0.get(), screen.size().1.get());
    let mut found = String::new();
    for row in 0..rows {
        let cells = (0..columns).filter_map(|column| screen.cell(row, column)).filter(|cell| cell.inverse());
        let text: String = cells.map(|cell| if cell.has_contents() { cell.contents() } else { " " }).collect();
        if !text.trim().is_empty() {
            found.push_str(&text);
            found.push('\n');
        }
    }
    found
}

/// The screen row by row. A blank that was drawn at the end of a row looks like one that never was: which of the two it is
/// depends on how many frames there were.
fn picture(screen: &vt100::Screen) -> String {
    screen.rows(0, screen.size().1.get()).fold(String::new(), |all, row| all + "|" + row.trim_end() + "\n")
}

fn read(mut from: Box<dyn Read + Send>, shared: Arc<Shared>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 16];
        loop {
            let length = from.read(&mut bytes).unwrap_or(0);
            let mut seen = shared.lock();
            if length == 0 {
                seen.ended = true;
                shared.changed.notify_all();
                return;
            }
            let read = &bytes[..length];
            seen.raw.extend_from_slice(read);
            seen.parser.process(read);
            seen.reads += 1;
            shared.changed.notify_all();
            if seen.let_go {
                return;
            }
        }
    })
}
