//! `obnow config init` and `obnow config show`.

use super::args::{Common, ConfigCommand};
use super::{Exit, Output};
use crate::app::setup;
use crate::domain::fault::Fault;

/// Writes the example, or prints the inventory as it is understood.
pub(super) fn run(command: &ConfigCommand, common: &Common, say: &Output) -> Result<Exit, Fault> {
    match command {
        ConfigCommand::Init => {
            let path = setup::write_example(common.config.clone(), common.state.clone())?;
            say.note(&format!("Wrote {}. Put your clusters into it, then: obnow targets.", path.display()));
        }
        ConfigCommand::Show => {
            let context = super::open(common)?;
            let text = setup::render_inventory(&context)?;
            if say.json {
                say.event("config", serde_json::json!({"path": context.directories.config, "text": text}));
            } else {
                say.line(text.trim_end());
            }
        }
    }
    Ok(Exit::OK)
}
