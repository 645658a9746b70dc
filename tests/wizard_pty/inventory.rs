//! A fixture: an inventory of unreachable clusters, which needs no fleet.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use portable_pty::CommandBuilder;

use crate::pty::{self, DEFAULT_SIZE, Terminal};

/// A directory with an inventory of clusters at a port without a listener.
pub struct InventoryDirectory {
    folder: tempfile::TempDir,
}

impl InventoryDirectory {
    /// Creates an inventory with clusters of these names.
    pub fn of(names: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("ob").tempdir().unwrap();
        let inventory = Self { folder };
        let cluster = |name: &&str| {
            format!(
                "  - name: {name}\n    environment: prod\n    endpoints: [\"127.0.0.1:1\"]\n    user: root@sys\n    \
                 password: {{env: A_SECRET}}"
            )
        };
        let text = format!("clusters:\n{}\n", names.iter().map(cluster).collect::<Vec<_>>().join("\n"));
        let options = std::fs::File::options().write(true).create_new(true).mode(0o600).open(inventory.config());
        options.unwrap().write_all(text.as_bytes()).unwrap();
        inventory
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config.yaml")
    }

    /// Returns the arguments of the wizard on this inventory.
    pub fn words(&self, more: &[&str]) -> Vec<String> {
        let path = |path: PathBuf| path.to_str().unwrap().to_owned();
        let state = self.folder.path().join("state");
        let own = ["--config".to_owned(), path(self.config()), "--state".to_owned(), path(state)];
        own.into_iter().chain(more.iter().map(|word| (*word).to_owned())).collect()
    }

    /// Returns the wizard's command, not yet started.
    pub fn wizard(&self, more: &[&str]) -> CommandBuilder {
        let words = self.words(more);
        let mut command = pty::command(pty::OBNOW, &words.iter().map(String::as_str).collect::<Vec<_>>());
        command.env("A_SECRET", "not asked for by anybody");
        command
    }

    /// Starts the wizard, and waits until every cluster is shown as unreachable.
    pub fn open(&self) -> Terminal {
        Self::open_with(self.wizard(&[]))
    }

    /// Starts a changed command of the wizard, and waits for its first screen.
    pub fn open_with(command: CommandBuilder) -> Terminal {
        let terminal = Terminal::start(command, DEFAULT_SIZE);
        terminal.shows("unreachable");
        terminal.until("every answer", |screen| !screen.contents().contains("not answered yet"));
        terminal
    }
}
