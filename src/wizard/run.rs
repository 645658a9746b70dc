//! The loop: what happens, what it changes, what is done, and a frame where something changed.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::Event;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::layout::Rect;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::effect::Effect;
use super::effects::Effects;
use super::input::{self, Input};
use super::key::Key;
use super::model::{Model, Req, Screen, next_wake};
use super::msg::{Answer, Msg};
use super::screens::task;
use super::terminal::{self, Tty};
use super::update::{begin, update};
use super::view::theme::{Theme, wants_ascii};
use super::view::view;
use crate::app::context::DirectLogin;
use crate::app::now;
use crate::domain::diagnosis::printable;
use crate::domain::exit::Exit;
use crate::domain::fault::{Cause, Fault};
use crate::domain::target::TargetName;

/// Between two frames that no key asked for.
const FRAME: Duration = Duration::from_millis(66);
/// Between two such frames while a task is watched: two a second.
const TASK_FRAME: Duration = Duration::from_millis(500);
/// How long leaving waits for what must not be broken off: a task that is being handed over.
const FINISHING: Duration = Duration::from_secs(12);
/// How long the loop may take to leave once it was told to.
const GRACE: Duration = Duration::from_millis(800);

/// How long a terminal that may take no bytes any more is given to take those that give it back.
const GIVING_BACK: Duration = Duration::from_millis(100);

/// Removes the causes of an embedded fleet: their names, or why not.
pub type Fix = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Vec<String>, String>> + Send>> + Send + Sync>;

/// How the wizard begins.
#[derive(Default)]
pub struct Start {
    /// The inventory; None: where it usually is.
    pub config: Option<PathBuf>,
    /// The state directory; None: where it usually is.
    pub state: Option<PathBuf>,
    /// One cluster instead of the inventory.
    pub direct: Option<DirectLogin>,
    /// The target to go straight in to.
    pub target: Option<TargetName>,
    /// Colours may be used.
    pub color: bool,
    /// The words that lead another call to the same clusters.
    pub reach: Vec<String>,
    /// The scenario of an embedded fleet, and how its causes are removed.
    pub demo: Option<(String, Fix)>,
}

/// How the wizard ended.
struct Left {
    exit: Exit,
    farewell: Vec<String>,
}

/// How the event loop ended.
enum Ended {
    /// The person quit, or a signal came.
    Left(Left),
    /// A thread or async task panicked.
    Broken,
}

/// Runs the wizard on this terminal to its end; what was decided is printed then.
///
/// # Errors
/// There is no terminal, or it cannot be drawn on.
pub async fn run(start: Start) -> Result<Exit, Fault> {
    let stopped = Stopped::watch().map_err(|error| no_terminal(&error.to_string()))?;
    let broken = Arc::new(Notify::new());
    let hook = hook(Arc::clone(&broken));
    let told = stopped.clone();
    // On a thread of its own: a thousand clusters that answer at once must not make a key wait.
    let (sender, mut ui) = oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    let thread = std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
        // Whoever waits for it has gone where it cannot be told.
        let _ = sender.send(runtime.block_on(drive(start, told, broken)));
    });
    thread.map_err(|error| no_terminal(&error.to_string()))?;
    // A terminal that takes no bytes any more holds up the loop; it must not hold up the end.
    let left = tokio::select! {
        left = &mut ui => Some(left),
        () = stopped.and_then_wait(GRACE) => None,
    };
    match left {
        Some(_) => terminal::restore(),
        None => terminal::restore_in(GIVING_BACK),
    }
    // The hook of before: whatever breaks from here on is told on a terminal that is nobody's.
    std::panic::set_hook(hook);
    match left {
        None => Ok(Exit::LEFT),
        Some(Ok(Ok(Ended::Left(left)))) => {
            let mut out = std::io::stdout().lock();
            for line in left.farewell {
                // A terminal that has gone wants no farewell.
                let _ = std::io::Write::write_all(&mut out, format!("{}\n", printable(&line)).as_bytes());
            }
            Ok(left.exit)
        }
        Some(Ok(Err(error))) => Err(no_terminal(&error.to_string())),
        Some(Ok(Ok(Ended::Broken)) | Err(_)) => Err(Fault::new(
            Cause::Internal,
            "obnow broke off.",
            "This is a mistake in obnow; what it printed above says where. A task that runs goes on.",
            "Report it. Look at the tasks with: obnow tasks.",
        )),
    }
}

fn no_terminal(why: &str) -> Fault {
    Fault::new(
        Cause::Usage,
        "The terminal cannot be used.",
        format!("The system says: {why}."),
        "Use a command instead; see them with: obnow --help.",
    )
}

/// Installs a panic hook that restores the terminal and ends the wizard, because a stale screen would mislead.
fn hook(broken: Arc<Notify>) -> Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Sync + Send> {
    let before: Arc<dyn Fn(&std::panic::PanicHookInfo<'_>) + Sync + Send> = Arc::from(std::panic::take_hook());
    let then = Arc::clone(&before);
    std::panic::set_hook(Box::new(move |info| {
        terminal::restore();
        then(info);
        broken.notify_one();
    }));
    Box::new(move |info| before(info))
}

/// Tells when the wizard must end: a signal, or a terminal that is gone.
#[derive(Clone)]
struct Stopped(tokio::sync::watch::Receiver<bool>);

impl Stopped {
    fn watch() -> std::io::Result<Self> {
        let (sender, receiver) = tokio::sync::watch::channel(false);
        let mut signals = [
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::quit())?,
        ];
        let by_signal = sender.clone();
        tokio::spawn(async move {
            let [term, hup, int, quit] = &mut signals;
            tokio::select! { _ = term.recv() => {}, _ = hup.recv() => {}, _ = int.recv() => {}, _ = quit.recv() => {} }
            let _ = by_signal.send(true);
        });
        // It blocks until the terminal hangs up, which costs no wake-ups; the library that reads keys would not notice.
        std::thread::Builder::new().name("hang-up".to_owned()).spawn(move || {
            let stdin = std::io::stdin();
            let mut fds = [PollFd::new(&stdin, PollFlags::empty())];
            while matches!(poll(&mut fds, None), Err(rustix::io::Errno::INTR)) {}
            let _ = sender.send(true);
        })?;
        Ok(Self(receiver))
    }

    async fn told(&mut self) {
        while !*self.0.borrow_and_update() {
            if self.0.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    async fn and_then_wait(mut self, grace: Duration) {
        self.told().await;
        tokio::time::sleep(grace).await;
    }
}

#[allow(clippy::disallowed_methods, reason = "what this terminal can draw is read where it is taken")]
fn theme(color: bool) -> Theme {
    let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = var("LC_ALL").or_else(|| var("LC_CTYPE")).or_else(|| var("LANG")).unwrap_or_default();
    Theme { color, ascii: wants_ascii(&locale, &var("TERM").unwrap_or_default()) }
}

/// When the next frame is due.
struct Due {
    /// Something changed.
    dirty: bool,
    /// A key or a new size changed it: the frame is due now.
    at_once: bool,
    last: Instant,
}

impl Due {
    fn at(&self, model: &Model) -> Option<Instant> {
        let gap = if model.screen == Screen::Task { TASK_FRAME } else { FRAME };
        self.dirty.then(|| if self.at_once { self.last } else { self.last + gap })
    }
}

/// The event loop's state.
struct Loop {
    model: Model,
    theme: Theme,
    terminal: Terminal<Tty>,
    effects: Effects,
    due: Due,
    /// The task's clock.
    wake: Option<Instant>,
}

async fn drive(start: Start, mut stopped: Stopped, broken: Arc<Notify>) -> std::io::Result<Ended> {
    let (sender, mut answers) = mpsc::unbounded_channel::<(Req, Answer)>();
    let mut continued: Signal = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
    // Before the size is read: one that changes at once is not missed.
    let mut resized: Signal = signal(SignalKind::window_change())?;
    let terminal = Terminal::new(Tty::take()?)?;
    let size = terminal.size()?;
    let mut model = Model::new((size.width, size.height), TimeZone::UTC);
    model.demo = start.demo.as_ref().map(|(scenario, _)| scenario.clone());
    model.reach.clone_from(&start.reach);
    model.straight.clone_from(&start.target);
    let theme = theme(start.color);
    let due = Due { dirty: true, at_once: true, last: Instant::now() };
    let mut ui = Loop { model, theme, terminal, effects: Effects::new(start, sender), due, wake: None };
    // The first frame needs no inventory and shows no time: the host's zone is read, from many files, after it.
    ui.draw()?;
    ui.model.zone = TimeZone::system();
    let effects = begin(&mut ui.model);
    ui.perform(effects)?;
    let mut events = keys()?;
    let mut input = Input::default();
    // When the held Esc is given up: a moment of its own, or a flood of answers would begin it anew each time.
    let mut hold: Option<Instant> = None;
    while !ui.model.leaving {
        let due = ui.due.at(&ui.model);
        // Answers that came together cost one frame; what a key did is seen before them.
        if due.is_some_and(|due| due <= Instant::now()) && (ui.due.at_once || answers.is_empty()) {
            ui.draw()?;
            continue;
        }
        tokio::select! {
            // Keys before answers: a flood of answers must not make a key wait.
            biased;
            () = stopped.told() => break,
            () = broken.notified() => return Ok(Ended::Broken),
            event = events.recv() => {
                let Some(event) = event else { break };
                ui.take(input.feed(event))?;
                // What was typed ahead costs one frame.
                while let Ok(event) = events.try_recv() {
                    ui.take(input.feed(event))?;
                }
                hold = input.holds().then(|| Instant::now() + Duration::from_millis(input::HELD_MS));
            }
            () = until(hold) => {
                // What has come belongs to it, even where it was not read yet.
                hold = unread().then(|| Instant::now() + Duration::from_millis(input::HELD_MS));
                if hold.is_none() {
                    ui.take(input.give_up())?;
                }
            }
            Some((req, answer)) = answers.recv() => ui.answered(req, answer)?,
            _ = continued.recv() => ui.again()?,
            _ = resized.recv() => ui.whole()?,
            () = until(due) => {}
            () = until(ui.wake) => ui.woken()?,
        }
    }
    if ui.model.leaving {
        // What it waits for now is said, but not to a terminal that has gone meanwhile.
        ui.draw().unwrap_or_default();
    }
    // What must not be broken off is waited for: a task that is being handed over.
    let finishing = tokio::time::timeout(FINISHING, ui.effects.finish());
    finishing.await.unwrap_or_default();
    while let Ok((req, answer)) = answers.try_recv() {
        // Nobody sees what it asks for now.
        drop(update(&mut ui.model, Msg::Answer(req, answer)));
    }
    let (exit, farewell) = task::farewell(&ui.model);
    Ok(Ended::Left(Left { exit, farewell }))
}

/// What the terminal sends, read by a thread of its own that sleeps in the read: it costs no wake-ups. None is lost: what is
/// not read yet makes the next wait end at once, whatever came before it (crossterm's source, feature `use-dev-tty`).
fn keys() -> std::io::Result<mpsc::UnboundedReceiver<Event>> {
    let (sender, events) = mpsc::unbounded_channel();
    std::thread::Builder::new().name("keys".to_owned()).spawn(move || {
        while let Ok(event) = crossterm::event::read() {
            if sender.send(event).is_err() {
                break;
            }
        }
    })?;
    Ok(events)
}

/// Whether the terminal has something that nobody has read yet.
fn unread() -> bool {
    let stdin = std::io::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

/// Whether a shell waits for this job to stop, and can continue it: it made a process group of its own for it.
fn has_job_control() -> bool {
    rustix::process::getsid(None).is_ok_and(|session| session != rustix::process::getpgrp())
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

impl Loop {
    fn draw(&mut self) -> std::io::Result<()> {
        let Self { model, theme, terminal, .. } = self;
        let at = now();
        terminal.draw(|frame| view(model, *theme, at, frame))?;
        terminal.backend_mut().send()?;
        self.due = Due { dirty: false, at_once: false, last: Instant::now() };
        self.wake = next_wake(&self.model, at).map(|wake| {
            let span = wake.duration_since(at).unsigned_abs();
            Instant::now() + span
        });
        Ok(())
    }

    fn take(&mut self, events: Vec<Event>) -> std::io::Result<()> {
        for event in events {
            let msg = match event {
                Event::Key(key) => match Key::of(&key) {
                    Some(key) => Msg::Key(key),
                    None => continue,
                },
                Event::Paste(text) => Msg::Paste(text),
                // The signal itself tells of a new size.
                Event::Resize(..) | Event::FocusGained | Event::FocusLost | Event::Mouse(_) => continue,
            };
            self.due.dirty = true;
            self.due.at_once = true;
            let effects = update(&mut self.model, msg);
            self.perform(effects)?;
        }
        Ok(())
    }

    fn answered(&mut self, req: Req, answer: Answer) -> std::io::Result<()> {
        self.due.dirty = true;
        let effects = update(&mut self.model, Msg::Answer(req, answer));
        self.perform(effects)
    }

    fn woken(&mut self) -> std::io::Result<()> {
        self.wake = None;
        self.due.dirty = true;
        let effects = update(&mut self.model, Msg::Woken);
        self.perform(effects)
    }

    fn perform(&mut self, effects: Vec<Effect>) -> std::io::Result<()> {
        for effect in effects {
            match effect {
                Effect::Copy(text) => self.terminal.backend_mut().copy(&text)?,
                Effect::Suspend if !has_job_control() => {
                    let effects = update(&mut self.model, Msg::NotSuspended);
                    for effect in effects {
                        self.effects.run(effect);
                    }
                }
                Effect::Suspend => {
                    terminal::restore();
                    // The whole job stops, as the shell expects; whoever continues it sends CONT.
                    let _ = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
                }
                effect => self.effects.run(effect),
            }
        }
        Ok(())
    }

    /// The job was continued: the terminal is taken again.
    fn again(&mut self) -> std::io::Result<()> {
        self.terminal.backend_mut().enter()?;
        self.whole()
    }

    /// Draws everything anew, for the size the terminal has now. A terminal that was small for a moment has lost what it
    /// had, even if its size is the old one again.
    fn whole(&mut self) -> std::io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))?;
        self.due.dirty = true;
        self.due.at_once = true;
        let effects = update(&mut self.model, Msg::Resized(size.width, size.height));
        self.perform(effects)
    }
}
