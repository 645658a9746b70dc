//! An inventory to start the wizard on: clusters nobody answers for, which need no fleet.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use portable_pty::CommandBuilder;

use crate::pty::{self, Terminal, USUAL};

/// An inventory of clusters at a port where nobody listens.
pub struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// Clusters of these names.
    pub fn of(names: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("ob").tempdir().unwrap();
        let place = Self { folder };
        let cluster = |name: &&str| {
            format!(
                "  - name: {name}\n    environment: prod\n    endpoints: [\"127.0.0.1:1\"]\n    user: root@sys\n    \
                 password: {{env: A_SECRET}}"
            )
        };
        let text = format!("clusters:\n{}\n", names.iter().map(cluster).collect::<Vec<_>>().join("\n"));
        let options = std::fs::File::options().write(true).create_new(true).mode(0o600).open(place.config());
        options.unwrap().write_all(text.as_bytes()).unwrap();
        place
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config.yaml")
    }

    /// The words of the wizard on it.
    pub fn words(&self, more: &[&str]) -> Vec<String> {
        let path = |path: PathBuf| path.to_str().unwrap().to_owned();
        let state = self.folder.path().join("state");
        let own = ["--config".to_owned(), path(self.config()), "--state".to_owned(), path(state)];
        own.into_iter().chain(more.iter().map(|word| (*word).to_owned())).collect()
    }

    /// The wizard, not yet started.
    pub fn wizard(&self, more: &[&str]) -> CommandBuilder {
        let words = self.words(more);
        let mut command = pty::command(pty::OBNOW, &words.iter().map(String::as_str).collect::<Vec<_>>());
        command.env("A_SECRET", "not asked for by anybody");
        command
    }

    /// The wizard on its first screen, every cluster known to be unreachable.
    pub fn open(&self) -> Terminal {
        Self::open_with(self.wizard(&[]))
    }

    /// The same of a changed command.
    pub fn open_with(command: CommandBuilder) -> Terminal {
        let terminal = Terminal::start(command, USUAL);
        terminal.shows("unreachable");
        terminal.until("every answer", |screen| !screen.contents().contains("not answered yet"));
        terminal
    }
}
