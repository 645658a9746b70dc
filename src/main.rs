//! Arguments to the chosen face to an exit code; and the one door to the embedded OceanBase.

use std::io::{ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use clap::error::{ContextKind, ContextValue};
use obnow::app::{crash, disable_core_dumps, raise_file_limit, run_task, storage_check};
use obnow::cli::args::{Cli, Command, Common, DemoArgs};
use obnow::cli::{self, Exit, Output};
use obnow::config::Directories;
use obnow::demo::service::{self, ServiceError};
use obnow::domain::credential::credential;
use obnow::domain::fault::{Cause, Fault};
use obnow::domain::secret::{HIDDEN, SecretSource};
use obnow::domain::target::TargetName;
use obnow::wizard::{self, StartOptions};

fn main() -> ExitCode {
    crash::install_panic_hook();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(mut error) => {
            hide_secret(&mut error);
            let code = if error.use_stderr() { Exit::USAGE } else { Exit::OK };
            if error.use_stderr() && std::env::args_os().any(|arg| arg == "--json") {
                Output::json().fault(&usage_fault(&error));
                return code.into();
            }
            return match error.print() {
                // A reader that has gone wants no help.
                Err(error) if error.kind() != ErrorKind::BrokenPipe => cli::report_write_error(&error).into(),
                Ok(()) | Err(_) => code.into(),
            };
        }
    };
    let refused = |what: &str, error: &std::io::Error| {
        let why = format!("The system says: {error}.");
        Output::new(&cli.common).fault(&Fault::new(
            Cause::Internal,
            what,
            why,
            "Check the limits of this user with: ulimit -a.",
        ));
        Exit::USAGE.into()
    };
    if let Err(error) = disable_core_dumps() {
        return refused("Core files could not be switched off, and they would hold secrets.", &error);
    }
    if let Err(fault) = raise_file_limit() {
        Output::new(&cli.common).fault(&fault);
        return Exit::USAGE.into();
    }
    // The first and only provider: every connection and every probe uses the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return refused("obnow cannot begin its work.", &error);
        }
    };
    let exit = runtime.block_on(run(cli));
    // A prompt or a password tool that still waits must not hold the program.
    runtime.shutdown_background();
    exit.into()
}

/// A wrong use as a fault: what the parser says is wrong, and what it says of the right use.
fn usage_fault(error: &clap::Error) -> Fault {
    let text = error.render().to_string();
    let parts = text.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    // Where to read on is said by our own third sentence.
    let mut parts = parts.filter(|part| !part.is_empty() && !part.starts_with("For more information"));
    let what = parts.next().unwrap_or_default();
    let rest: Vec<String> = parts.collect();
    let why = if rest.is_empty() { "The arguments are not those of a command.".to_owned() } else { rest.join(". ") };
    Fault::new(Cause::Usage, what.trim_start_matches("error: "), why, "See the arguments with: obnow --help.")
}

/// Where a source of a secret was expected, what was written may be the secret itself; and a URI that stands where none belongs
/// may hold one.
fn hide_secret(error: &mut clap::Error) {
    let hidden = || ContextValue::String(HIDDEN.to_owned());
    let of_a_source = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(name)) => name.contains("-from "),
        _ => false,
    };
    if of_a_source {
        error.insert(ContextKind::InvalidValue, hidden());
    }
    for kind in [ContextKind::InvalidArg, ContextKind::InvalidValue, ContextKind::InvalidSubcommand] {
        let holds_one = match error.get(kind) {
            Some(ContextValue::String(written)) => credential(written).is_some(),
            _ => false,
        };
        if holds_one {
            error.insert(kind, hidden());
        }
    }
}

async fn run(cli: Cli) -> Exit {
    let Cli { mut common, target, command } = cli;
    let say = Output::new(&common);
    let done = match command {
        Some(_) if target.is_some() => Err(Fault::new(
            Cause::Usage,
            "--target was given with a command.",
            "It leads the wizard straight to a target; a command names its own.",
            "Leave one of them out.",
        )),
        Some(Command::Demo(args)) => demo(&args, &common, &say).await,
        Some(Command::RunTask(args)) => runner(&args.task, &common).await,
        Some(Command::RunProbe) => {
            probe().await;
            Ok(Exit::OK)
        }
        Some(command) => match enter_demo(&mut common).await {
            Ok(()) => Ok(cli::run(command, &common).await),
            Err(fault) => Err(fault),
        },
        None => match enter_demo(&mut common).await {
            Ok(()) => wizard(&common, target).await,
            Err(fault) => Err(fault),
        },
    };
    let exit = done.unwrap_or_else(|fault| {
        say.fault(&fault);
        Exit::USAGE
    });
    say.final_exit(exit, false)
}

/// The screens. They need a terminal on both sides: what is typed, and what is drawn.
async fn wizard(common: &Common, target: Option<TargetName>) -> Result<Exit, Fault> {
    if common.json || !has_terminal() {
        return Err(Fault::new(
            Cause::Usage,
            "No command was given.",
            "Without one obnow is a screen, and there is no terminal to draw it on.",
            "See the commands with: obnow --help. To try it: obnow demo.",
        ));
    }
    if common.password_from == Some(SecretSource::Stdin) {
        return Err(Fault::new(
            Cause::Usage,
            "--password-from stdin does not go with the screens.",
            "Standard input is the keyboard there.",
            "Leave it out: the password is asked for on the screen. Or use env:NAME or file:PATH.",
        ));
    }
    let start = StartOptions {
        config: common.config.clone(),
        state: common.state.clone(),
        direct: cli::direct_login(common),
        target,
        color: cli::has_colors(common.color),
        global_args: common.global_args(),
        demo: common.demo.clone().map(|scenario| {
            let root = common.demo_root.clone();
            (scenario.clone(), demo_fix(scenario, root))
        }),
    };
    wizard::run(start).await
}

fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

/// The key that removes the causes of an embedded fleet.
fn demo_fix(scenario: String, root: Option<PathBuf>) -> wizard::DemoFix {
    Arc::new(move || {
        let (scenario, root) = (scenario.clone(), root.clone());
        Box::pin(async move {
            let state = Directories::find(None, root).map_err(|fault| fault.why)?.state;
            service::remove_faults(&scenario, &state).await.map_err(|error| error.to_string())
        })
    })
}

/// The runner leaves the session of its face first, so that a hang-up there does not reach it.
async fn runner(task: &str, common: &Common) -> Result<Exit, Fault> {
    // The inventory is not read: a runner that was given its state needs no home directory.
    let config = common.config.clone().or_else(|| Some(PathBuf::from("/dev/null")));
    let places = Directories::find(config, common.state.clone())?;
    // It fails only for the leader of a process group: a runner that a person started by hand stays where he is.
    let _ = rustix::process::setsid();
    run_task::run(&places.state, task, std::io::stdin(), std::io::stdout()).await?;
    Ok(Exit::OK)
}

/// The probe leaves the session of its face: what a terminal sends is not for it, which has a probe to delete.
async fn probe() {
    let _ = rustix::process::setsid();
    storage_check::run_probe(std::io::stdin(), std::io::stdout()).await;
}

/// `--demo=S CMD` is `CMD --config DIR/config.yaml --state DIR/state` on the fleet of S.
async fn enter_demo(common: &mut Common) -> Result<(), Fault> {
    let Some(scenario) = common.demo.clone() else { return Ok(()) };
    let root = Directories::find(common.config.clone(), common.state.clone())?.state;
    let folder = join_fleet(&scenario, &root, 1).await?;
    common.demo_root = common.state.take();
    common.config = Some(folder.join("config.yaml"));
    common.state = Some(folder.join("state"));
    Ok(())
}

async fn join_fleet(scenario: &str, root: &Path, speed: u32) -> Result<PathBuf, Fault> {
    let program =
        std::env::current_exe().map_err(|error| no_fleet(&format!("this program cannot be found: {error}")))?;
    let joined =
        service::join_or_start(scenario, root, &program, speed).await.map_err(|error| no_fleet(&error.to_string()))?;
    Ok(joined.dir)
}

fn no_fleet(why: &str) -> Fault {
    Fault::new(
        Cause::Usage,
        "The embedded fleet cannot be used.",
        format!("The reason: {why}."),
        "See the scenarios with: obnow demo --list.",
    )
}

async fn demo(args: &DemoArgs, common: &Common, say: &Output) -> Result<Exit, Fault> {
    let root = Directories::find(common.config.clone(), common.state.clone())?.state;
    let refused = |error: ServiceError| no_fleet(&error.to_string());
    let scenario = args.scenario.as_str();
    if args.list {
        for (name, shows) in service::list().map_err(|error| no_fleet(&error.to_string()))? {
            say.event("scenario", serde_json::json!({"scenario": name, "shows": shows}));
            say.line(&format!("{name:<18} {shows}"));
        }
    } else if args.serve {
        let options = service::ServeOptions {
            scenario: scenario.to_owned(),
            state_root: root,
            speed: args.speed,
            port: args.port.unwrap_or(0),
            until_eof: args.until_eof,
            own_session: true,
        };
        service::serve(options, std::io::stdout()).await.map_err(refused)?;
    } else if args.stop {
        service::stop(scenario, &root).await.map_err(refused)?;
        say.note(&format!("The fleet of {scenario} has ended."));
    } else if args.fix {
        let removed = service::remove_faults(scenario, &root).await.map_err(refused)?;
        let removed =
            if removed.is_empty() { "no cause; there was none to remove".to_owned() } else { removed.join(", ") };
        say.note(&format!("Removed: {removed}."));
    } else if args.reset {
        service::reset(scenario, &root).await.map_err(refused)?;
        say.note(&format!("The fleet of {scenario} begins anew."));
    } else {
        let folder = join_fleet(scenario, &root, args.speed).await?;
        let (config, state) = (Some(folder.join("config.yaml")), Some(folder.join("state")));
        let demo = Some(scenario.to_owned());
        let demo_root = common.state.clone();
        let common = Common { config, state, demo, demo_root, host: None, ..common.clone() };
        if has_terminal() && !common.json {
            let exit = wizard(&common, None).await?;
            say.note(&format!("The fleet lives on for ten minutes: obnow --demo={scenario} targets"));
            return Ok(exit);
        }
        return cli::run_demo(&cli::open(&common)?, say, &common).await;
    }
    Ok(Exit::OK)
}
