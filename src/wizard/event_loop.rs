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
use super::effect_runner::EffectRunner;
use super::escape_decoder::{self, EscapeDecoder};
use super::key::Key;
use super::model::{Model, RequestId, Screen, next_wake};
use super::msg::{Answer, Msg};
use super::screens::task;
use super::terminal::{self, Tty};
use super::update::{initial_effects, update};
use super::view::theme::{Theme, needs_ascii};
use super::view::view;
use crate::app::context::DirectLogin;
use crate::app::now;
use crate::domain::diagnosis::printable;
use crate::domain::exit::Exit;
use crate::domain::fault::{Cause, Fault};
use crate::domain::target::TargetName;

/// Between two frames that no key asked for.
const FRAME_INTERVAL: Duration = Duration::from_millis(66);
/// Between two such frames while a task is watched: two a second.
const TASK_FRAME_INTERVAL: Duration = Duration::from_millis(500);
/// How long leaving waits for what must not be broken off: a task that is being handed over.
const FINISH_TIMEOUT: Duration = Duration::from_secs(12);
/// How long the loop may take to leave once it was told to.
const EXIT_GRACE: Duration = Duration::from_millis(800);

/// How long a terminal that may take no bytes any more is given to take those that give it back.
const RESTORE_TIMEOUT: Duration = Duration::from_millis(100);

/// Removes the causes of an embedded fleet: their names, or why not.
pub type DemoFix = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Result<Vec<String>, String>> + Send>> + Send + Sync>;

/// How the wizard begins.
#[derive(Default)]
pub struct StartOptions {
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
    pub global_args: Vec<String>,
    /// The scenario of an embedded fleet, and how its causes are removed.
    pub demo: Option<(String, DemoFix)>,
}

/// How the wizard ended.
struct ExitSummary {
    exit: Exit,
    exit_message: Vec<String>,
}

/// How the event loop ended.
enum LoopEnd {
    /// The person quit, or a signal came.
    Exited(ExitSummary),
    /// A thread or async task panicked.
    Panicked,
}

/// Runs the wizard on this terminal to its end; what was decided is printed then.
///
/// # Errors
/// There is no terminal, or it cannot be drawn on.
pub async fn run(start: StartOptions) -> Result<Exit, Fault> {
    let stopped = StopSignal::watch().map_err(|error| no_terminal(&error.to_string()))?;
    let broken = Arc::new(Notify::new());
    let hook = install_panic_hook(Arc::clone(&broken));
    let told = stopped.clone();
    // On a thread of its own: a thousand clusters that answer at once must not make a key wait.
    let (sender, mut ui) = oneshot::channel();
    let runtime = tokio::runtime::Handle::current();
    let thread = std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
        // Whoever waits for it has gone where it cannot be told.
        let _ = sender.send(runtime.block_on(run_loop(start, told, broken)));
    });
    thread.map_err(|error| no_terminal(&error.to_string()))?;
    // A terminal that takes no bytes any more holds up the loop; it must not hold up the end.
    let left = tokio::select! {
        left = &mut ui => Some(left),
        () = stopped.wait_then_grace(EXIT_GRACE) => None,
    };
    match left {
        Some(_) => terminal::restore(),
        None => terminal::restore_in(RESTORE_TIMEOUT),
    }
    // The hook of before: whatever breaks from here on is told on a terminal that is nobody's.
    std::panic::set_hook(hook);
    match left {
        None => Ok(Exit::LEFT),
        Some(Ok(Ok(LoopEnd::Exited(left)))) => {
            let mut out = std::io::stdout().lock();
            for line in left.exit_message {
                // A terminal that has gone wants no farewell.
                let _ = std::io::Write::write_all(&mut out, format!("{}\n", printable(&line)).as_bytes());
            }
            Ok(left.exit)
        }
        Some(Ok(Err(error))) => Err(no_terminal(&error.to_string())),
        Some(Ok(Ok(LoopEnd::Panicked)) | Err(_)) => Err(Fault::new(
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
fn install_panic_hook(broken: Arc<Notify>) -> Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Sync + Send> {
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
struct StopSignal(tokio::sync::watch::Receiver<bool>);

impl StopSignal {
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

    async fn wait(&mut self) {
        while !*self.0.borrow_and_update() {
            if self.0.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    async fn wait_then_grace(mut self, grace: Duration) {
        self.wait().await;
        tokio::time::sleep(grace).await;
    }
}

#[allow(clippy::disallowed_methods, reason = "what this terminal can draw is read where it is taken")]
fn terminal_theme(color: bool) -> Theme {
    let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = var("LC_ALL").or_else(|| var("LC_CTYPE")).or_else(|| var("LANG")).unwrap_or_default();
    Theme { color, ascii: needs_ascii(&locale, &var("TERM").unwrap_or_default()) }
}

/// When the next frame is due.
struct FrameSchedule {
    /// Something changed.
    is_dirty: bool,
    /// A key or a new size changed it: the frame is due now.
    is_immediate: bool,
    last_frame: Instant,
}

impl FrameSchedule {
    fn next_frame(&self, model: &Model) -> Option<Instant> {
        let gap = if model.screen == Screen::Task { TASK_FRAME_INTERVAL } else { FRAME_INTERVAL };
        self.is_dirty.then(|| if self.is_immediate { self.last_frame } else { self.last_frame + gap })
    }
}

/// The event loop's state.
struct EventLoop {
    model: Model,
    theme: Theme,
    terminal: Terminal<Tty>,
    effects: EffectRunner,
    schedule: FrameSchedule,
    /// The task's clock.
    wake: Option<Instant>,
}

async fn run_loop(start: StartOptions, mut stopped: StopSignal, broken: Arc<Notify>) -> std::io::Result<LoopEnd> {
    let (sender, mut answers) = mpsc::unbounded_channel::<(RequestId, Answer)>();
    let mut continued: Signal = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
    // Before the size is read: one that changes at once is not missed.
    let mut resized: Signal = signal(SignalKind::window_change())?;
    let terminal = Terminal::new(Tty::take()?)?;
    let size = terminal.size()?;
    let mut model = Model::new((size.width, size.height), TimeZone::UTC);
    model.demo = start.demo.as_ref().map(|(scenario, _)| scenario.clone());
    model.global_args.clone_from(&start.global_args);
    model.initial_target.clone_from(&start.target);
    let theme = terminal_theme(start.color);
    let due = FrameSchedule { is_dirty: true, is_immediate: true, last_frame: Instant::now() };
    let mut ui =
        EventLoop { model, theme, terminal, effects: EffectRunner::new(start, sender), schedule: due, wake: None };
    // The first frame needs no inventory and shows no time: the host's zone is read, from many files, after it.
    ui.draw()?;
    ui.model.zone = TimeZone::system();
    let effects = initial_effects(&mut ui.model);
    ui.run_effects(effects)?;
    let mut events = spawn_key_reader()?;
    let mut input = EscapeDecoder::default();
    // When the held Esc is given up: a moment of its own, or a flood of answers would begin it anew each time.
    let mut hold: Option<Instant> = None;
    while !ui.model.is_leaving {
        let due = ui.schedule.next_frame(&ui.model);
        // Answers that came together cost one frame; what a key did is seen before them.
        if due.is_some_and(|due| due <= Instant::now()) && (ui.schedule.is_immediate || answers.is_empty()) {
            ui.draw()?;
            continue;
        }
        tokio::select! {
            // Keys before answers: a flood of answers must not make a key wait.
            biased;
            () = stopped.wait() => break,
            () = broken.notified() => return Ok(LoopEnd::Panicked),
            event = events.recv() => {
                let Some(event) = event else { break };
                ui.handle_events(input.feed(event))?;
                // What was typed ahead costs one frame.
                while let Ok(event) = events.try_recv() {
                    ui.handle_events(input.feed(event))?;
                }
                hold = input.is_pending().then(|| Instant::now() + Duration::from_millis(escape_decoder::ESCAPE_TIMEOUT_MS));
            }
            () = sleep_until_due(hold) => {
                // What has come belongs to it, even where it was not read yet.
                hold = has_unread_input().then(|| Instant::now() + Duration::from_millis(escape_decoder::ESCAPE_TIMEOUT_MS));
                if hold.is_none() {
                    ui.handle_events(input.flush())?;
                }
            }
            Some((req, answer)) = answers.recv() => ui.handle_answer(req, answer)?,
            _ = continued.recv() => ui.resume()?,
            _ = resized.recv() => ui.full_redraw()?,
            () = sleep_until_due(due) => {}
            () = sleep_until_due(ui.wake) => ui.handle_wake()?,
        }
    }
    if ui.model.is_leaving {
        // What it waits for now is said, but not to a terminal that has gone meanwhile.
        ui.draw().unwrap_or_default();
    }
    // What must not be broken off is waited for: a task that is being handed over.
    let finishing = tokio::time::timeout(FINISH_TIMEOUT, ui.effects.finish());
    finishing.await.unwrap_or_default();
    while let Ok((req, answer)) = answers.try_recv() {
        // Nobody sees what it asks for now.
        drop(update(&mut ui.model, Msg::Answer(req, answer)));
    }
    let (exit, farewell) = task::exit_message(&ui.model);
    Ok(LoopEnd::Exited(ExitSummary { exit, exit_message: farewell }))
}

/// What the terminal sends, read by a thread of its own that sleeps in the read: it costs no wake-ups. None is lost: what is
/// not read yet makes the next wait end at once, whatever came before it (crossterm's source, feature `use-dev-tty`).
fn spawn_key_reader() -> std::io::Result<mpsc::UnboundedReceiver<Event>> {
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
fn has_unread_input() -> bool {
    let stdin = std::io::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

/// Whether a shell waits for this job to stop, and can continue it: it made a process group of its own for it.
fn has_job_control() -> bool {
    rustix::process::getsid(None).is_ok_and(|session| session != rustix::process::getpgrp())
}

async fn sleep_until_due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

impl EventLoop {
    fn draw(&mut self) -> std::io::Result<()> {
        let Self { model, theme, terminal, .. } = self;
        let at = now();
        terminal.draw(|frame| view(model, *theme, at, frame))?;
        terminal.backend_mut().send()?;
        self.schedule = FrameSchedule { is_dirty: false, is_immediate: false, last_frame: Instant::now() };
        self.wake = next_wake(&self.model, at).map(|wake| {
            let span = wake.duration_since(at).unsigned_abs();
            Instant::now() + span
        });
        Ok(())
    }

    fn handle_events(&mut self, events: Vec<Event>) -> std::io::Result<()> {
        for event in events {
            let msg = match event {
                Event::Key(key) => match Key::from_event(&key) {
                    Some(key) => Msg::Key(key),
                    None => continue,
                },
                Event::Paste(text) => Msg::Paste(text),
                // The signal itself tells of a new size.
                Event::Resize(..) | Event::FocusGained | Event::FocusLost | Event::Mouse(_) => continue,
            };
            self.schedule.is_dirty = true;
            self.schedule.is_immediate = true;
            let effects = update(&mut self.model, msg);
            self.run_effects(effects)?;
        }
        Ok(())
    }

    fn handle_answer(&mut self, req: RequestId, answer: Answer) -> std::io::Result<()> {
        self.schedule.is_dirty = true;
        let effects = update(&mut self.model, Msg::Answer(req, answer));
        self.run_effects(effects)
    }

    fn handle_wake(&mut self) -> std::io::Result<()> {
        self.wake = None;
        self.schedule.is_dirty = true;
        let effects = update(&mut self.model, Msg::Woken);
        self.run_effects(effects)
    }

    fn run_effects(&mut self, effects: Vec<Effect>) -> std::io::Result<()> {
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
    fn resume(&mut self) -> std::io::Result<()> {
        self.terminal.backend_mut().enter()?;
        self.full_redraw()
    }

    /// Draws everything anew, for the size the terminal has now. A terminal that was small for a moment has lost what it
    /// had, even if its size is the old one again.
    fn full_redraw(&mut self) -> std::io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(Rect::new(0, 0, size.width, size.height))?;
        self.schedule.is_dirty = true;
        self.schedule.is_immediate = true;
        let effects = update(&mut self.model, Msg::Resized(size.width, size.height));
        self.run_effects(effects)
    }
}
