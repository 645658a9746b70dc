//! Arguments to the chosen face to an exit code; and the one door to the embedded OceanBase.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue};
use obnow::app::{limit_cores, run_task, test};
use obnow::cli::args::{Cli, Command, Common, DemoArgs};
use obnow::cli::{self, Exit, Say};
use obnow::config::Places;
use obnow::demo::place::{self, PlaceError};
use obnow::domain::fault::{Cause, Fault};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(mut error) => {
            hide_secret(&mut error);
            let code = if error.use_stderr() { Exit::USAGE } else { Exit::OK };
            if error.use_stderr() && std::env::args_os().any(|arg| arg == "--json") {
                misused(&error);
                return code.into();
            }
            // A reader that has gone wants no help.
            let _ = error.print();
            return code.into();
        }
    };
    if let Err(error) = limit_cores() {
        let _ = writeln!(std::io::stderr(), "Core files could not be switched off: {error}.");
        return Exit::USAGE.into();
    }
    // The first and only provider: every connection and every probe uses the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "The system gives no threads: {error}.");
            return Exit::USAGE.into();
        }
    };
    let exit = runtime.block_on(run(cli));
    // A prompt or a password tool that still waits must not hold the program.
    runtime.shutdown_background();
    exit.into()
}

/// A wrong use as an event: under `--json` a fault is on standard output, whatever it is about.
fn misused(error: &clap::Error) {
    let text = error.render().to_string();
    let mut parts = text.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let what = parts.next().unwrap_or_default();
    let why = parts.next().unwrap_or_default();
    let fault =
        Fault::new(Cause::Usage, what.trim_start_matches("error: "), why, "See the arguments with: obnow --help.");
    let mut event = serde_json::json!({"event": "fault"});
    if let (Some(event), serde_json::Value::Object(fields)) = (event.as_object_mut(), cli::fault_fields(&fault)) {
        event.extend(fields);
    }
    // A reader that has gone wants no help.
    let _ = writeln!(std::io::stdout(), "{event}");
}

/// Where a source of a secret was expected, what was written may be the secret itself.
fn hide_secret(error: &mut clap::Error) {
    let of_a_source = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(name)) => name.contains("-from "),
        _ => false,
    };
    if of_a_source {
        error.insert(ContextKind::InvalidValue, ContextValue::String("***".to_owned()));
    }
}

async fn run(cli: Cli) -> Exit {
    let Cli { mut common, command } = cli;
    let say = Say::new(&common);
    let done = match command {
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
        None => Err(Fault::new(
            Cause::Usage,
            "No command was given.",
            "obnow needs to know what to do.",
            "See the commands with: obnow --help. To try it: obnow demo.",
        )),
    };
    done.unwrap_or_else(|fault| {
        say.fault(&fault);
        Exit::USAGE
    })
}

/// The runner leaves the session of its face first, so that a hang-up there does not reach it.
async fn runner(task: &str, common: &Common) -> Result<Exit, Fault> {
    // The inventory is not read: a runner that was given its state needs no home directory.
    let config = common.config.clone().or_else(|| Some(PathBuf::from("/dev/null")));
    let places = Places::find(config, common.state.clone())?;
    // It fails only for the leader of a process group: a runner that a person started by hand stays where he is.
    let _ = rustix::process::setsid();
    run_task::run(&places.state, task, std::io::stdin(), std::io::stdout()).await?;
    Ok(Exit::OK)
}

/// The probe leaves the session of its face: what a terminal sends is not for it, which has a probe to delete.
async fn probe() {
    let _ = rustix::process::setsid();
    test::run_probe(std::io::stdin(), std::io::stdout()).await;
}

/// `--demo=S CMD` is `CMD --config DIR/config.yaml --state DIR/state` on the fleet of S.
async fn enter_demo(common: &mut Common) -> Result<(), Fault> {
    let Some(scenario) = common.demo.clone() else { return Ok(()) };
    let root = Places::find(common.config.clone(), common.state.clone())?.state;
    let folder = join(&scenario, &root, 1).await?;
    common.demo_root = common.state.take();
    common.config = Some(folder.join("config.yaml"));
    common.state = Some(folder.join("state"));
    Ok(())
}

async fn join(scenario: &str, root: &Path, speed: u32) -> Result<PathBuf, Fault> {
    let program =
        std::env::current_exe().map_err(|error| no_fleet(&format!("this program cannot be found: {error}")))?;
    let joined = place::join(scenario, root, &program, speed).await.map_err(|error| no_fleet(&error.to_string()))?;
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

async fn demo(args: &DemoArgs, common: &Common, say: &Say) -> Result<Exit, Fault> {
    let root = Places::find(common.config.clone(), common.state.clone())?.state;
    let refused = |error: PlaceError| no_fleet(&error.to_string());
    let scenario = args.scenario.as_str();
    if args.list {
        for (name, shows) in place::list().map_err(|error| no_fleet(&error.to_string()))? {
            say.event("scenario", serde_json::json!({"scenario": name, "shows": shows}));
            say.line(&format!("{name:<18} {shows}"));
        }
    } else if args.serve {
        let options = place::Options {
            scenario: scenario.to_owned(),
            state_root: root,
            speed: args.speed,
            port: args.port.unwrap_or(0),
            until_eof: args.until_eof,
            own_session: true,
        };
        place::serve(options, std::io::stdout()).await.map_err(refused)?;
    } else if args.stop {
        place::stop(scenario, &root).await.map_err(refused)?;
        say.note(&format!("The fleet of {scenario} has ended."));
    } else if args.fix {
        let removed = place::fix(scenario, &root).await.map_err(refused)?;
        let removed =
            if removed.is_empty() { "no cause; there was none to remove".to_owned() } else { removed.join(", ") };
        say.note(&format!("Removed: {removed}."));
    } else if args.reset {
        place::reset(scenario, &root).await.map_err(refused)?;
        say.note(&format!("The fleet of {scenario} begins anew."));
    } else {
        let folder = join(scenario, &root, args.speed).await?;
        let (config, state) = (Some(folder.join("config.yaml")), Some(folder.join("state")));
        let demo = Some(scenario.to_owned());
        let demo_root = common.state.clone();
        let common = Common { config, state, demo, demo_root, host: None, ..common.clone() };
        let place = cli::open(&common)?;
        let on_terminal = std::io::stdout().is_terminal();
        let exit = cli::play(&place, say, &common).await?;
        if on_terminal {
            say.note(&format!("The fleet lives on for ten minutes: obnow --demo={scenario} targets"));
        }
        return Ok(exit);
    }
    Ok(Exit::OK)
}
