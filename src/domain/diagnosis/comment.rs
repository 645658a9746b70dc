//! Parses the COMMENT of a failed job, task or set.
//!
//! V4.2.5 docs, troubleshooting of data backup: `(SERVER)ls_id: n, addr: ip:port, module: BACKUP_DATA, result: -4016(Internal
//! error), trace_id: Y…` or `(ROOTSERVICE)addr: ip:port, result: -9xxx(text), trace_id: Y…`, in either case.

use super::clean::foreign;

/// The service that wrote a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reporter {
    /// The root service, which schedules the job.
    RootService,
    /// A server, which executes a part of the job.
    Server,
}

impl std::fmt::Display for Reporter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::RootService => "root service",
            Self::Server => "server",
        })
    }
}

/// The fields of a comment; a missing one is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comment {
    /// The service that wrote it.
    pub reporter: Option<Reporter>,
    /// `ip:port` of the server; the port is its RPC port.
    pub addr: Option<String>,
    /// The log stream.
    pub ls_id: Option<u64>,
    /// The module as printed: `BACKUP_DATA`, `ROOT_SERVICE`.
    pub module: Option<String>,
    /// The error code, without its sign.
    pub code: Option<u32>,
    /// The server's text for the code.
    pub text: Option<String>,
    /// The text to search for in the server's log.
    pub trace_id: Option<String>,
}

/// The names of the fields, as they are searched for.
const FIELDS: [&str; 5] = ["ls_id:", "addr:", "module:", "result:", "trace_id:"];

impl Comment {
    /// Parses a comment after cleaning it. Returns `None` where it has another form; it is then shown as it is, cleaned.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = foreign(text);
        let lower = text.to_ascii_lowercase();
        let reporter = if lower.contains("(rootservice)") {
            Some(Reporter::RootService)
        } else {
            lower.contains("(server)").then_some(Reporter::Server)
        };
        let field = |name| field(&text, &lower, name).filter(|value| !value.is_empty());
        let (code, said) = field("result:").map_or((None, None), result);
        let comment = Self {
            reporter,
            addr: field("addr:").map(str::to_owned),
            ls_id: field("ls_id:").and_then(|id| id.parse().ok()),
            module: field("module:").map(str::to_owned),
            code,
            text: said,
            trace_id: field("trace_id:").and_then(|id| id.split_whitespace().next()).map(str::to_owned),
        };
        (comment.code.is_some() || comment.trace_id.is_some()).then_some(comment)
    }

    /// Returns the location as a line: `server 10.0.0.2:2882, log stream 1001, BACKUP_DATA`.
    #[must_use]
    pub fn place(&self) -> String {
        let who = self.reporter.map_or("server", |reporter| match reporter {
            Reporter::RootService => "root service on",
            Reporter::Server => "server",
        });
        let addr = self.addr.as_ref().map(|addr| format!("{who} {addr}"));
        let stream = self.ls_id.map(|id| format!("log stream {id}"));
        [addr, stream, self.module.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Returns the command to run in the server's log directory, on the server of [`Comment::addr`]. `None` without a trace id,
    /// and for one that contains anything but letters, digits and dashes: it would be pasted into a shell.
    #[must_use]
    pub fn grep(&self) -> Option<String> {
        let id = self.trace_id.as_ref()?;
        let log = if self.reporter == Some(Reporter::RootService) {
            "rootservice.log* observer.log*"
        } else {
            "observer.log*"
        };
        let is_plain = id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') && !id.starts_with('-');
        is_plain.then(|| format!("grep {id} {log}"))
    }
}

/// Returns the value of a field: up to the comma before the next field's name, so that a text may contain commas.
fn field<'a>(text: &'a str, lower: &str, name: &str) -> Option<&'a str> {
    let start = starts(lower, name).next()? + name.len();
    let end = FIELDS.iter().flat_map(|next| starts(lower, next)).filter(|at| *at >= start).min();
    let value = &text[start..end.unwrap_or(text.len())];
    Some(value.trim().trim_end_matches(',').trim_end())
}

/// Returns the positions where a field begins: at the beginning, or after a bracket, a comma or a space.
fn starts<'a>(lower: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let begins = |at: &usize| *at == 0 || lower[..*at].ends_with([')', ',', ' ']);
    lower.match_indices(name).map(|(at, _)| at).filter(begins)
}

/// Parses `-9040(backup can not start, because …)`.
fn result(value: &str) -> (Option<u32>, Option<String>) {
    let (number, rest) = value.split_once('(').unwrap_or((value, ""));
    let code = number.trim().trim_start_matches(['-', '+']).parse().ok().filter(|code| *code != 0);
    let said = rest.strip_suffix(')').unwrap_or(rest).trim().trim_matches('"');
    (code, Some(said).filter(|said| !said.is_empty()).map(str::to_owned))
}
