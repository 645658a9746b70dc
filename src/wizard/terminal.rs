//! The terminal: entered, drawn on with one write a frame, and always restored.
//!
//! No query is ever sent: over SSH an answer costs a round trip, and a lost one hangs the start.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, queue};
use ratatui::backend::{Backend, ClearType as Cleared, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

/// Whether the terminal is ours. Who gives it back may be another thread than the one that draws: a frame that comes after
/// that would be drawn over somebody else's lines.
static IS_TERMINAL_TAKEN: Mutex<bool> = Mutex::new(false);

fn lock_taken() -> MutexGuard<'static, bool> {
    IS_TERMINAL_TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bytes of the next frame.
#[derive(Clone, Default)]
struct OutputBuffer(Arc<Mutex<Vec<u8>>>);

impl OutputBuffer {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for OutputBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    /// A frame goes out whole, by [`Tty::send`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A terminal to draw on.
pub(super) struct Tty {
    inner: CrosstermBackend<OutputBuffer>,
    pending: OutputBuffer,
    out: File,
    /// Where the cursor is shown; None: it is hidden.
    cursor: Option<Position>,
    /// Cells were drawn since the cursor was put there.
    is_cursor_stale: bool,
}

impl Tty {
    /// Takes the terminal; the first frame goes out together with what takes it.
    ///
    /// # Errors
    /// Standard input or output is no terminal.
    pub(super) fn take() -> io::Result<Self> {
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let pending = OutputBuffer::default();
        let mut tty =
            Self { inner: CrosstermBackend::new(pending.clone()), pending, out, cursor: None, is_cursor_stale: false };
        tty.enter()?;
        Ok(tty)
    }

    /// Enters the terminal again, after another program had it.
    ///
    /// # Errors
    /// It is gone.
    pub(super) fn enter(&mut self) -> io::Result<()> {
        let mut ours = lock_taken();
        enable_raw_mode()?;
        *ours = true;
        self.cursor = None;
        // A terminal without an alternate screen still shows what was there before; only what differs from blanks is drawn.
        queue!(self.pending, EnterAlternateScreen, Clear(ClearType::All), EnableBracketedPaste, cursor::Hide)
    }

    /// Writes what was drawn: one write, and none where nothing changed.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn send(&mut self) -> io::Result<()> {
        let frame = self.pending.take();
        if frame.is_empty() {
            return Ok(());
        }
        let mut whole = Vec::with_capacity(frame.len() + 16);
        // Terminals that do not know it ignore it.
        queue!(whole, BeginSynchronizedUpdate)?;
        whole.extend_from_slice(&frame);
        queue!(whole, EndSynchronizedUpdate)?;
        self.write(&whole)
    }

    /// Puts a text into the terminal's clipboard (OSC 52); terminals that do not have it ignore it.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn copy(&mut self, text: &str) -> io::Result<()> {
        let mut bytes = Vec::new();
        queue!(bytes, CopyToClipboard::to_clipboard_from(text))?;
        self.write(&bytes)
    }

    /// Writes, while the terminal is ours.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let ours = lock_taken();
        if *ours { self.out.write_all(bytes) } else { Ok(()) }
    }
}

/// Gives the terminal back as it was. It may be called from anywhere, and more than once: the second time there is nothing to
/// give back, and leaving the screen twice would put the cursor back over what was said in between.
pub(super) fn restore() {
    let mut ours = lock_taken();
    if !std::mem::take(&mut *ours) {
        return;
    }
    let mut bytes = Vec::new();
    // Writing to memory cannot fail; a terminal that is gone needs nothing back.
    let _ = queue!(bytes, EndSynchronizedUpdate, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    let _ = io::stdout().as_fd().try_clone_to_owned().map(File::from).and_then(|mut out| out.write_all(&bytes));
    let _ = disable_raw_mode();
}

/// The same for a terminal that may take no bytes any more, which must not hold us up: after that time it is left, and at
/// least what needs no writing was given back.
pub(super) fn restore_in(time: Duration) {
    let (sender, restored) = std::sync::mpsc::channel();
    let thread = std::thread::Builder::new().name("restore".to_owned()).spawn(move || {
        restore();
        // Whoever waited may have gone.
        let _ = sender.send(());
    });
    if thread.is_err() || restored.recv_timeout(time).is_err() {
        let _ = disable_raw_mode();
    }
}

impl Backend for Tty {
    type Error = io::Error;

    /// Draws the cells that changed. A glyph beyond ASCII may be drawn wider than it was counted, so whatever follows one is
    /// put at its place anew: no column is shifted.
    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut run: Vec<(u16, u16, &Cell)> = Vec::new();
        for cell in content {
            self.is_cursor_stale = true;
            run.push(cell);
            if !cell.2.symbol().is_ascii() {
                self.inner.draw(run.drain(..))?;
            }
        }
        // An empty frame would still write the reset of every attribute.
        if run.is_empty() { Ok(()) } else { self.inner.draw(run.into_iter()) }
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        match self.cursor.take() {
            Some(_) => queue!(self.pending, cursor::Hide),
            None => Ok(()),
        }
    }

    /// The cursor is shown where it is put, by [`Backend::set_cursor_position`].
    fn show_cursor(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        // Never asked for: the answer would have to be waited for.
        Ok(self.cursor.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.cursor == Some(position) && !self.is_cursor_stale {
            return Ok(());
        }
        queue!(self.pending, cursor::MoveTo(position.x, position.y))?;
        if self.cursor.is_none() {
            queue!(self.pending, cursor::Show)?;
        }
        self.cursor = Some(position);
        self.is_cursor_stale = false;
        Ok(())
    }

    fn clear(&mut self) -> io::Result<()> {
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: Cleared) -> io::Result<()> {
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use super::*;

    fn tty() -> Tty {
        let pending = OutputBuffer::default();
        let out = File::options().write(true).open("/dev/null").unwrap_or_else(|error| panic!("{error}"));
        Tty { inner: CrosstermBackend::new(pending.clone()), pending, out, cursor: None, is_cursor_stale: false }
    }

    fn drawn(tty: &mut Tty, cells: &[(u16, &str)]) -> String {
        let cells: Vec<(u16, Cell)> = cells
            .iter()
            .map(|(x, symbol)| {
                let mut cell = Cell::default();
                cell.set_symbol(symbol);
                (*x, cell)
            })
            .collect();
        tty.draw(cells.iter().map(|(x, cell)| (*x, 0, cell))).unwrap_or_else(|error| panic!("{error}"));
        String::from_utf8_lossy(&tty.pending.take()).into_owned()
    }

    #[test]
    fn what_did_not_change_is_not_written() {
        let mut tty = tty();
        assert_eq!(drawn(&mut tty, &[]), "");
        assert!(tty.hide_cursor().is_ok() && tty.pending.take().is_empty(), "it was hidden already");
        assert!(tty.set_cursor_position((3, 4)).is_ok() && !tty.pending.take().is_empty());
        assert!(tty.set_cursor_position((3, 4)).is_ok() && tty.pending.take().is_empty());
        drawn(&mut tty, &[(0, "a")]);
        assert!(tty.set_cursor_position((3, 4)).is_ok() && !tty.pending.take().is_empty(), "drawing moved it");
    }

    #[test]
    fn a_terminal_that_was_given_back_is_not_drawn_on() {
        let (mut tty, written) = (tty(), tempfile::NamedTempFile::new().unwrap());
        tty.out = written.reopen().unwrap();
        let mut frame = |ours_now: bool| {
            *lock_taken() = ours_now;
            let before = written.path().metadata().unwrap().len();
            tty.pending.write_all(b"a frame").unwrap();
            tty.send().unwrap();
            tty.copy("a copy").unwrap();
            written.path().metadata().unwrap().len() - before
        };
        // As when another thread gives it back while a frame is on its way.
        assert_eq!(frame(false), 0);
        assert!(frame(true) > 20);
        assert_eq!(frame(false), 0, "and the frame is not kept for later");
    }

    #[test]
    fn what_follows_a_wide_glyph_is_put_at_its_place() {
        let mut tty = tty();
        // One move for a run of ASCII; one more behind every glyph that may be wider than it was counted.
        let moves = |text: &str| text.matches('H').count();
        assert_eq!(moves(&drawn(&mut tty, &[(0, "a"), (1, "b"), (2, "c")])), 1);
        assert_eq!(moves(&drawn(&mut tty, &[(0, "a"), (1, "\u{b7}"), (2, "c"), (3, "d")])), 2);
    }
}
