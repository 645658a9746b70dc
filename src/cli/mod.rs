//! The command line front end: plans and tasks as in the wizard, in plain lines or as JSON, with exit codes.

pub mod args;
mod backup;
mod cancel;
mod check;
mod choices_from_args;
mod config;
mod confirmation;
mod output;
mod plan_footer;
mod plan_tests;
mod prove;
mod render;
mod report;
mod targets;
mod tasks;
mod test_storage;

pub use crate::domain::exit::Exit;
pub use backup::run_demo;
pub use output::{Output, has_colors, report_write_error};
pub use test_storage::StorageArg;

use args::{Command, Common};

use crate::app::AppContext;
use crate::app::context::DirectLogin;
use crate::domain::exit;
use crate::domain::fault::Fault;

/// Runs a command to its exit code.
pub async fn run(command: Command, common: &Common) -> Exit {
    let say = Output::new(common);
    let of_a_task = match &command {
        Command::Backup(args) => !args.dry_run && args.save_plan.is_none(),
        Command::Watch(_) | Command::Retry(_) | Command::Cancel(_) => true,
        _ => false,
    };
    let exit = match dispatch(command, common, &say).await {
        Ok(exit) => exit,
        Err(fault) => {
            say.fault(&fault);
            exit::of_fault(&fault)
        }
    };
    say.final_exit(exit, of_a_task)
}

async fn dispatch(command: Command, common: &Common, say: &Output) -> Result<Exit, Fault> {
    if let Command::Config(command) = &command {
        return config::run(command, common, say);
    }
    let context = open(common)?;
    let done = match command {
        Command::Targets => targets::run(&context, say).await,
        Command::Check(args) => check::run(&context, say, &args).await,
        Command::TestStorage(args) => test_storage::run(&context, say, &args).await,
        Command::Prove(args) => prove::run(&context, say, &args).await,
        Command::Backup(args) => Box::pin(backup::run(&context, say, common, &args)).await,
        Command::Tasks => tasks::list(&context, say).await,
        Command::Watch(args) => tasks::watch(&context, say, &args).await,
        Command::Retry(args) => tasks::retry(&context, say, &args).await,
        Command::Cancel(args) => cancel::run(&context, say, &args).await,
        Command::Report(args) => report::run(&context, say, &args),
        Command::Config(_) | Command::Demo(_) | Command::RunTask(_) | Command::RunProbe => Ok(Exit::USAGE),
    };
    print_short_secret_notes(&context, say);
    done
}

/// Says which secrets are short, each once.
fn print_short_secret_notes(context: &AppContext, say: &Output) {
    for note in context.take_short_secret_notes() {
        say.note(&note);
    }
}

/// The context of this call.
///
/// # Errors
/// The inventory is wrong or cannot be read.
pub fn open(common: &Common) -> Result<AppContext, Fault> {
    AppContext::open(common.config.clone(), common.state.clone(), direct_login(common).as_ref())
}

/// The one cluster that was named instead of the inventory.
#[must_use]
pub fn direct_login(common: &Common) -> Option<DirectLogin> {
    common.host.as_ref().map(|host| DirectLogin {
        host: host.clone(),
        user: common.user.clone().unwrap_or_else(|| "root@sys".to_owned()),
        password: common.password_from.clone(),
    })
}
